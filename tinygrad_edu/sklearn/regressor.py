"""ScalarMLPRegressor: a multilayer perceptron for one number or several."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss, half_squared_error
from tinygrad_edu.sklearn.estimator import ScalarMLP
from tinygrad_edu.sklearn.solvers import in_steps
from tinygrad_edu.vectorize.arrays import Array


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
    def partial_fit(self, X: Any, y: Any) -> Self:
        """One more epoch, on these rows."""
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

    def _example_targets(self, targets: Array) -> list[Any]:
        rows: list[Any] = targets.tolist()
        return rows

    def _strata(self, targets: Array) -> None:
        """What a split keeps the shares of: nothing."""

    def _validation_score(self, outputs: Array, targets: Array) -> float:
        return float(r2_score(targets, outputs)) if np.isfinite(outputs).all() else float("nan")

    @property
    def _loss(self) -> Loss:
        return half_squared_error

    def _target(self, y: Any) -> list[float]:
        found: list[float] = np.asarray(y, dtype=float).ravel().tolist()
        return found

    def _answer(self, output: Any) -> tuple[str, Value]:
        if not isinstance(output, Value):
            raise ValueError(f"the net has {len(output)} outputs: give y to see the loss of them")
        return "output", output

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
