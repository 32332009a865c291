"""ScalarMLPClassifier and ScalarMLPRegressor: what each adds to the estimator they share."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target
from sklearn.utils.validation import _check_sample_weight

from tinygrad_edu import functions as f
from tinygrad_edu import losses
from tinygrad_edu.checks import row
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import read_target
from tinygrad_edu.sklearn.estimator import ScalarMLP
from tinygrad_edu.sklearn.options import CONSTRAINTS, merged, refusing
from tinygrad_edu.train.heads import Head
from tinygrad_edu.vectorize.arrays import Array, as_array, sigmoid


def poisson_deviance(output: Any, target: Any) -> Any:
    """L = sum_k y_k log(y_k / m_k) - y_k + m_k for counts y_k where m_k = exp(a_k) are expected."""
    outputs, targets = ([x] if isinstance(x, Value | float) else x for x in (output, target))
    pairs = zip(outputs, targets, strict=True)
    return f.sum([f.exp(o) - t * o + t * f.log(f.where(t, t, 1.0)) - t for o, t in pairs])


def cross_entropy_of_labels(output: Any, target: Any) -> Any:
    """L = sum_k of `binary_cross_entropy_with_logits`, for labels each of which holds or not."""
    pairs = zip(output, target, strict=True)
    return f.sum([losses.binary_cross_entropy_with_logits(o, t) for o, t in pairs])


class ScalarMLPRegressor(MultiOutputMixin, RegressorMixin, ScalarMLP):  # type: ignore[misc]
    """A multilayer perceptron as a regressor of scikit-learn, whose fitted net can be looked into.

    Parameters and attributes as for `ScalarMLPClassifier`. The loss of an example is
    1/2 * sum (o - y)^2 over the outputs, with loss="poisson" that of `poisson_deviance`, whose
    outputs are logarithms, or a function (output, target) -> Value of yours; targets are numbers
    (n,) or rows (n, outputs).
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS | {
        "loss": [StrOptions({"squared_error", "poisson"}), callable]
    }

    def predict(self, X: Any) -> Array:
        """The outputs for each row, (n,), or (n, outputs) where there are several."""
        found = self._expected(self._outputs(X))
        return found[:, 0] if found.shape[1] == 1 else found

    @available_if(MLPClassifier._check_solver)  # type: ignore[untyped-decorator]
    @refusing
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One more epoch, on these rows."""
        self._begin()
        return self._fit(X, y, sample_weight, incremental=True)

    @property
    def out_activation_(self) -> str:
        """The function of the outputs: "exp" for loss="poisson", else "identity"."""
        return "exp" if self.loss == "poisson" else "identity"

    def _expected(self, outputs: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(outputs) if self.loss == "poisson" else outputs

    def _read(self, X: Any, y: Any, incremental: bool, first: bool) -> tuple[Array, Array, int]:
        X, y = MLPRegressor._validate_input(self, X, y, incremental, first)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("loss='poisson' takes counts y >= 0, and some values of y are below 0")
        targets = y.reshape(len(y), -1)
        k = targets.shape[1]
        if not first and k != self.model_.sizes[-1]:
            raise ValueError(f"y has {k} outputs, but the net has {self.model_.sizes[-1]}")
        return X, targets, k

    def _validation_score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        found = self._expected(outputs)
        if not np.isfinite(found).all():
            return float("nan")
        return float(r2_score(targets, found, sample_weight=weights))

    @property
    def _loss(self) -> Any:
        known = {"squared_error": losses.half_squared_error, "poisson": poisson_deviance}
        return known[self.loss] if isinstance(self.loss, str) else self.loss

    def _target(self, y: Any) -> Any:
        numbers = as_array(y, "y").ravel().tolist()
        return numbers[0] if len(numbers) == 1 else numbers

    def _answer(self, output: Any) -> tuple[str, Value]:
        one = _one(output)
        return "output", f.exp(one) if self.loss == "poisson" else one


class ScalarMLPClassifier(ClassifierMixin, ScalarMLP):  # type: ignore[misc]
    """A multilayer perceptron as a classifier of scikit-learn, whose fitted net can be looked into.

    Parameters have the names, defaults and meaning of scikit-learn's `MLPClassifier`, and from the
    same `random_state` come the same first weights and batches. More than there:

    activation    a name of this package too, or a list with one for each hidden layer
    dropout       the probability in [0, 1) with which a hidden unit is left out, with adam and sgd
    loss          a function (output, target) -> Value that can be vectorised, of the outputs below
                  and a class number (or k numbers 0 and 1), in place of the cross entropy
    class_weight  a dict from class to weight, or "balanced": n / (classes * examples of the class)

    The penalty is `alpha` / batch size / 2 * sum of w^2, in a short last batch too with the size of
    the others. The loss of a batch with `sample_weight` is that of `train`, and the size is then
    the sum of weights that a batch has on average. Sparse X is made dense. `verbose` shows a
    progress bar, or where none can be seen prints a line for each iteration.

    Attributes are as there, but `coefs_` and `intercepts_` are read-only: `model_` is the `MLP`,
    its outputs the net inputs of a sigmoid (one for two classes, one for each of several labels) or
    of a softmax, and predictions follow the numbers it has. `program_` is the array program of the
    loss; `graph`, `deltas` and `explain` show one example.

    Raises ValueError with scikit-learn's words. Warns ConvergenceWarning at `max_iter`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS | {
        "loss": [StrOptions({"log_loss"}), callable],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "log_loss",
        class_weight: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(hidden_layer_sizes, activation, loss=loss, **options)
        self.class_weight = class_weight

    # scikit-learn reads the names of the parameters there
    __init__.__signature__ = merged(__init__, ScalarMLP.__init__)  # type: ignore[attr-defined]

    def predict(self, X: Any) -> Array:
        """The class of each row, (n,), or which of k labels it has, (n, k)."""
        shares = self.predict_proba(X)
        found = shares[:, 1] if self.n_outputs_ == 1 else shares
        return np.asarray(self._label_binarizer.inverse_transform(found))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class or label, (n, k), in the order of `classes_`.

        Where there was one class alone, its probability and that of another, as in scikit-learn.
        """
        outputs = self._outputs(X)
        if self._kind == "multilabel-indicator":
            return np.asarray(sigmoid(outputs))
        kind = "logit" if self.n_outputs_ == 1 else "logits"
        return np.asarray(Head(kind, self.n_outputs_).probabilities(outputs))

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of the same: -inf where a probability is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(MLPClassifier._check_solver)  # type: ignore[untyped-decorator]
    @refusing
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One more epoch, on these rows; the first call needs all `classes` there will be."""
        self._begin()
        if self.class_weight == "balanced":
            raise ValueError("class_weight='balanced' needs all rows: give partial_fit a dict")
        if _check_partial_fit_first_call(self, classes):
            labels = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if labels else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    @property
    def out_activation_(self) -> str:
        """The function of the outputs: "softmax" for several classes, else "logistic"."""
        return "softmax" if self._kind == "multiclass" else "logistic"

    @property
    def _kind(self) -> str:
        """Whether targets are "binary", "multiclass" or "multilabel-indicator"."""
        return str(self._label_binarizer.y_type_)

    def _read(self, X: Any, y: Any, incremental: bool, first: bool) -> tuple[Array, Array, int]:
        X, y = MLPClassifier._validate_input(self, X, y, incremental, first)
        return X, y.argmax(axis=1)[:, None] if self._kind == "multiclass" else y, y.shape[1]

    def _weights(self, X: Array, y: Any, sample_weight: Any) -> Any:
        if self.class_weight is not None:
            of_class = compute_sample_weight(self.class_weight, y)
            sample_weight = of_class * _check_sample_weight(sample_weight, X)
        return super()._weights(X, y, sample_weight)

    def _validation_score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        several = self._kind == "multiclass"
        found = outputs.argmax(axis=1)[:, None] if several else outputs > 0
        return float(np.average((found == targets).all(axis=1), weights=weights))

    @property
    def _loss(self) -> Any:
        if self.loss != "log_loss":
            return self.loss
        if self._kind == "binary":
            return losses.binary_cross_entropy_with_logits
        return losses.cross_entropy if self._kind == "multiclass" else cross_entropy_of_labels

    def _target(self, y: Any) -> Any:
        if self._kind == "multilabel-indicator":
            return row("y", np.ravel(as_array(y, "y")), self.n_outputs_)
        labels, found = self.classes_.tolist(), read_target(y)
        found = found if isinstance(found, list) else [found]
        if len(found) != 1 or found[0] not in labels:
            y = found[0] if len(found) == 1 else found
            raise ValueError(f"y is {y!r:.60}, none of the classes {labels!r:.200}")
        return int(labels.index(found[0]))

    def _answer(self, output: Any) -> tuple[str, Value]:
        if self._kind != "multiclass":
            one = f.sigmoid(_one(output))
            several = len(self.classes_) > 1
            return f"P({self.classes_[1]})" if several else f"P(not {self.classes_[0]})", one
        k = int(np.argmax([z.data for z in output]))
        return f"P({self.classes_[k]})", f.softmax(output)[k]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _one(output: Any) -> Value:
    if not isinstance(output, Value):
        raise ValueError(f"the net has {len(output)} outputs: give y to see the loss of them")
    return output
