"""ScalarMLPClassifier and ScalarMLPRegressor: what each adds to the estimator they share."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
)
from sklearn.utils.validation import validate_data

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import read_target
from tinygrad_edu.losses import (
    Loss,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
)
from tinygrad_edu.sklearn.estimator import ScalarMLP
from tinygrad_edu.sklearn.solvers import in_steps, refusing
from tinygrad_edu.train.heads import Head
from tinygrad_edu.vectorize.arrays import Array, as_array


class ScalarMLPRegressor(RegressorMixin, ScalarMLP):  # type: ignore[misc]
    """A multilayer perceptron as a regressor of scikit-learn, whose fitted net can be looked into.

    Parameters and attributes as for `ScalarMLPClassifier`. The loss of an example is
    1/2 * sum (o - y)^2 over the outputs; targets are numbers (n,) or rows (n, outputs).
    """

    out_activation_ = "identity"

    def predict(self, X: Any) -> Array:
        """The outputs for each row, (n,), or (n, outputs) where there are several."""
        found = self._outputs(X)
        return found[:, 0] if found.shape[1] == 1 else found

    @available_if(in_steps)  # type: ignore[untyped-decorator]
    @refusing
    def partial_fit(self, X: Any, y: Any) -> Self:
        """One more epoch, on these rows."""
        self._begin()
        return self._partial_fit(X, y)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=reset
        )
        return X, column_or_1d(y, warn=True) if y.shape[1:] == (1,) else y

    def _encoded(self, y: Array, *, anew: bool, subset: bool = False) -> tuple[Array, int]:
        targets = y.reshape(len(y), -1).astype(float)
        k = targets.shape[1]
        if not anew and k != self.model_.sizes[-1]:
            raise ValueError(f"y has {k} outputs, but the net has {self.model_.sizes[-1]}")
        return targets, k

    def _validation_score(self, outputs: Array, targets: Array) -> float:
        return float(r2_score(targets, outputs)) if np.isfinite(outputs).all() else float("nan")

    @property
    def _loss(self) -> Loss:
        return half_squared_error

    def _target(self, y: Any) -> list[float]:
        return list(as_array(y, "y").ravel().tolist())

    def _answer(self, output: Any) -> tuple[str, Value]:
        if not isinstance(output, Value):
            raise ValueError(f"the net has {len(output)} outputs: give y to see the loss of them")
        return "output", output

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class ScalarMLPClassifier(ClassifierMixin, ScalarMLP):  # type: ignore[misc]
    """A multilayer perceptron as a classifier of scikit-learn, whose fitted net can be looked into.

    Parameters have the names, defaults and meaning of scikit-learn's `MLPClassifier`; `activation`
    may also be a name of this package; the penalty is `alpha` / batch size / 2 * sum of w^2, in a
    short last batch too with the size of the others; `verbose` shows a progress bar, or where none
    can be seen prints a line for each iteration. Not there: the options of `solvers.MISSING`,
    multilabel targets, sparse X.

    Attributes are as there (`loss_curve_` has the penalty included), but `coefs_` and `intercepts_`
    are read-only: `model_` is the `MLP`, its outputs the net inputs of a sigmoid (one, for two
    classes) or of a softmax, and predictions follow the numbers it has. `program_` is the NumPy
    program that was trained; `graph`, `deltas` and `explain` show one example.

    Raises ValueError, with scikit-learn's words, for data that does not fit, fewer than two classes
    included. Warns ConvergenceWarning at `max_iter`.
    """

    def predict(self, X: Any) -> Array:
        """The class of each row, (n,)."""
        outputs = self._outputs(X)
        return np.asarray(self.classes_[self._head.classes(outputs)])

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, classes), in the order of `classes_`."""
        return np.asarray(self._head.probabilities(self._outputs(X)))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of the same: -inf where a probability is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(in_steps)  # type: ignore[untyped-decorator]
    @refusing
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """One more epoch, on these rows; the first call needs all `classes` there will be."""
        self._begin()
        if not hasattr(self, "model_"):
            self.__dict__.pop("classes_", None)  # those of a call that was refused
        if _check_partial_fit_first_call(self, classes):
            _check_several(self.classes_)
        return self._partial_fit(X, y)

    @property
    def out_activation_(self) -> str:
        """The function of the outputs: "logistic" for two classes, else "softmax"."""
        return "logistic" if self.n_outputs_ == 1 else "softmax"

    @property
    def _head(self) -> Head:
        return Head("logit", 1) if self.n_outputs_ == 1 else Head("logits", self.n_outputs_)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=np.float64, reset=reset)
        check_classification_targets(y)
        return X, y

    def _encoded(self, y: Array, *, anew: bool, subset: bool = False) -> tuple[Array, int]:
        found = np.unique(y)
        if anew:
            _check_several(found)
            self.classes_ = found
        elif not subset and set(found) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        elif np.setdiff1d(found, self.classes_).size:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {found}."
            )
        k = len(self.classes_)
        numbers = np.searchsorted(self.classes_, y).astype(float)
        return numbers[:, None], 1 if k == 2 else k

    def _validation_score(self, outputs: Array, targets: Array) -> float:
        return float((self._head.classes(outputs) == targets[:, 0]).mean())

    @property
    def _loss(self) -> Loss:
        return binary_cross_entropy_with_logits if len(self.classes_) == 2 else cross_entropy

    def _target(self, y: Any) -> int:
        labels, found = self.classes_.tolist(), read_target(y)
        found = found if isinstance(found, list) else [found]
        if len(found) != 1 or found[0] not in labels:
            y = found[0] if len(found) == 1 else found
            raise ValueError(f"y is {y!r:.60}, none of the classes {labels!r:.200}")
        return int(labels.index(found[0]))

    def _answer(self, output: Any) -> tuple[str, Value]:
        if isinstance(output, Value):
            return f"P({self.classes_[1]})", f.sigmoid(output)
        [k] = self._head.classes([[z.data for z in output]])
        return f"P({self.classes_[k]})", f.softmax(output)[k]


def _check_several(classes: Array) -> None:
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains "
            f"only one class: {classes.tolist()[0]!r}"
        )
