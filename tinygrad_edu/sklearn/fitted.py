"""The fitted net as arrays: its program, its weights and its outputs, also from several threads."""

from abc import abstractmethod
from threading import Lock
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_edu.losses import Loss, l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.sklearn.parameters import Parameters
from tinygrad_edu.sklearn.solvers import outputs
from tinygrad_edu.train.matrix import MatrixDescent
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program

#: What is made again from the rest: not in pickles and copies.
MADE_AGAIN = ("_descent", "_made_for", "_lock")


class Fitted(Parameters):
    """An estimator's `model_` with the program of its loss, compiled when it is first asked for."""

    model_: MLP
    validation_scores_: list[float] | None
    _optimizer: Optimizer
    _lock: Lock
    _best: float
    #: What the penalty multiplies with half the sum of squares.
    _strength: float = 0.0

    @property
    @abstractmethod
    def _loss(self) -> Loss:
        """The loss of one example, which takes what the net gives."""

    @abstractmethod
    def _example_targets(self, n_outputs: int) -> list[Any]:
        """Two encoded targets."""

    @property
    def program_(self) -> Program:
        """The loss of the examples, penalty included, as a program of arrays, with its gradient.

        It takes rows and encoded targets; `print(clf.program_.source)` shows it.
        """
        check_is_fitted(self)
        with self._lock:
            return self._compiled().program

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, (inputs, units); to change them, change those of `model_`."""
        check_is_fitted(self)
        return [
            _read_only([[w.data for w in unit.w] for unit in layer.neurons]).T
            for layer in self.model_.layers
        ]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer; to change them, change those of `model_`."""
        check_is_fitted(self)
        return [_read_only([unit.b.data for unit in layer.neurons]) for layer in self.model_.layers]

    @property
    def n_layers_(self) -> int:
        """The number of layers, input and output included."""
        check_is_fitted(self)
        return len(self.model_.sizes)

    @property
    def n_outputs_(self) -> int:
        """The number of outputs of the net."""
        check_is_fitted(self)
        return self.model_.sizes[-1]

    @property
    def best_loss_(self) -> float | None:
        """The least loss of the last fit; None where early stopping watched the scores instead."""
        check_is_fitted(self)
        return self._best if self.validation_scores_ is None else None

    def _compiled(self) -> MatrixDescent:
        """The program and what descends on it, made anew where it was made for something else."""
        made_for = (self.model_, self._optimizer, self._strength)
        if self.__dict__.get("_made_for") != made_for:
            weights = [w for layer in self.model_.layers for unit in layer.neurons for w in unit.w]
            inputs, *_, k = self.model_.sizes
            strength = self._strength
            self._descent = MatrixDescent(
                self.model_,
                self._loss,
                (lambda _: l2(weights, strength, half=True)) if strength else None,
                self._optimizer,
                np.linspace(-1.0, 1.0, 2 * inputs).reshape(2, inputs).tolist(),
                self._example_targets(k),
            )
            self._made_for = made_for
        return self._descent

    def _outputs(self, X: Any) -> Array:
        """What the net gives for each row, (n, outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with self._lock:  # the program works in place
            program = self._compiled().program
            program.read_parameters()
            return outputs(program, X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        """Net and optimizer; the program is made from them again."""
        state: dict[str, Any] = super().__getstate__()
        return {name: x for name, x in state.items() if name not in MADE_AGAIN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._lock = Lock()


def _read_only(numbers: list[Any]) -> Array:
    found = np.array(numbers)
    found.flags.writeable = False
    return found
