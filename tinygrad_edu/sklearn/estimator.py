"""What classifier and regressor share: the net, fitting it, its outputs, pickling."""

import random
import warnings
from abc import ABC, abstractmethod
from itertools import islice
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_edu.losses import Loss, l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.sklearn.opened import Opened
from tinygrad_edu.sklearn.parameters import ALIASES, Parameters
from tinygrad_edu.sklearn.solvers import NON_FINITE, epochs, lbfgs, outputs
from tinygrad_edu.train.finite import DivergenceError
from tinygrad_edu.train.fitting import progress_bar
from tinygrad_edu.train.matrix import MatrixDescent
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program


def in_steps(estimator: Any) -> bool:
    """Whether `partial_fit` is there: L-BFGS takes all rows at once."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class ScalarMLP(Opened, Parameters, ABC):
    """An estimator whose net is an `MLP` of Values, fitted by its matrix program."""

    model_: MLP
    loss_curve_: list[float]

    @property
    @abstractmethod
    def _loss(self) -> Loss:
        """The loss of one example, which takes what the net gives."""

    @abstractmethod
    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Rows and targets as scikit-learn checks them; with `reset` they say what is expected."""

    @abstractmethod
    def _encoded(self, y: Array, *, anew: bool) -> tuple[Array, int]:
        """Targets as the program takes them, (n, columns), and how many outputs the net has.

        With `anew` they say which classes there are.
        """

    @abstractmethod
    def _validation_score(self, outputs: Array, targets: Array) -> float:
        """Accuracy or R^2 of what the net gives."""

    @property
    def program_(self) -> Program:
        """The loss of the examples, penalty included, as a program of arrays, with its gradient.

        It takes rows and encoded targets; `print(clf.program_.source)` shows it.
        """
        return self._compiled().program

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, (inputs, units)."""
        check_is_fitted(self)
        return [
            np.array([[w.data for w in unit.w] for unit in layer.neurons]).T
            for layer in self.model_.layers
        ]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer."""
        check_is_fitted(self)
        return [np.array([unit.b.data for unit in layer.neurons]) for layer in self.model_.layers]

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the net to rows X (n, features) and their targets."""
        self._validate_params()
        first = not (self.warm_start and hasattr(self, "model_"))
        X, y = self._checked(X, y, reset=first)
        targets, n_outputs = self._encoded(y, anew=first)
        self._build(X, n_outputs, first)
        if self.solver == "lbfgs":
            self._minimise(X, targets)
        else:
            self._descend(X, targets, self.max_iter)
        return self

    def _partial_fit(self, X: Any, y: Any) -> Self:
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "model_")
        X, y = self._checked(X, y, reset=first)
        targets, n_outputs = self._encoded(y, anew=not hasattr(self, "classes_") and first)
        if first:
            self._build(X, n_outputs, first)
        self._descend(X, targets, 1, incremental=True)
        return self

    def _build(self, X: Array, n_outputs: int, first: bool) -> None:
        """The net where it is a new one, its optimizer and program."""
        self._random_state = check_random_state(self.random_state)
        sizes = [X.shape[1], *self._hidden_units(), n_outputs]
        activation = ALIASES.get(self.activation, self.activation)
        if first or self.model_.sizes != sizes or self.model_.activation != activation:
            rng = random.Random(int(self._random_state.randint(2**31 - 1)))
            self.model_ = MLP(sizes[0], sizes[1:], activation, init="xavier", rng=rng)
            self.loss_curve_ = []
        self._best, self._epochs_without = np.inf, 0
        self._optimizer = self._new_optimizer(self.model_.parameters())
        self._strength = float(self.alpha) / self._rows_a_batch(len(X))
        self.__dict__.pop("_descent", None)
        self._compiled()

    def _compiled(self) -> MatrixDescent:
        """The program and what descends on it, made anew after unpickling."""
        check_is_fitted(self)
        descent: MatrixDescent | None = self.__dict__.get("_descent")
        if descent is None:
            weights = [w for layer in self.model_.layers for unit in layer.neurons for w in unit.w]
            inputs, *_, k = self.model_.sizes
            self._descent = descent = MatrixDescent(
                self.model_,
                self._loss,
                (lambda _: l2(weights, self._strength, half=True)) if self._strength else None,
                self._optimizer,
                np.linspace(-1.0, 1.0, 2 * inputs).reshape(2, inputs).tolist(),
                self._example_targets(k),
            )
        return descent

    @abstractmethod
    def _example_targets(self, n_outputs: int) -> list[Any]:
        """Two encoded targets."""

    def _minimise(self, X: Array, targets: Array) -> None:
        descent = self._compiled()
        found, losses = lbfgs(
            descent.program, X, targets, maxiter=self.max_iter, maxfun=self.max_fun, gtol=self.tol
        )
        descent.write()
        self.loss_curve_ += losses
        self.loss_, self.n_iter_ = float(found.fun), min(int(found.nit), self.max_iter)
        if not found.success:
            warnings.warn(
                f"lbfgs failed to converge after {found.nit} iteration(s) "
                f"(status={found.status}):\n{found.message}\n\n"
                f"Increase the number of iterations (max_iter={self.max_iter}) or scale the data.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _descend(
        self, X: Array, targets: Array, max_iter: int, *, incremental: bool = False
    ) -> None:
        descent, held_out = self._compiled(), None
        program = descent.program
        if self.early_stopping:
            X, held_out, targets, held_out_targets = self._split(X, targets)
            self.validation_scores_: list[float] = []
            self.best_validation_score_ = -np.inf
        if self.batch_size != "auto" and self.batch_size > len(X):
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=3,
            )
        descent.X, descent.y, descent.loaded = X, targets, None
        program.read_parameters()
        best = program.P.copy()
        self.n_iter_ = 0
        losses = epochs(descent, self._rows_a_batch(len(X)), self._random_state, self.shuffle)
        try:
            with progress_bar(max_iter, bool(self.verbose)) as bar:
                for loss in islice(losses, max_iter):
                    self.n_iter_ += 1
                    self.loss_ = loss
                    self.loss_curve_.append(loss)
                    bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                    bar.update()
                    wrong = loss
                    if held_out is not None:
                        score = self._validation_score(outputs(program, held_out), held_out_targets)
                        self.validation_scores_.append(score)
                        if score > self.best_validation_score_:
                            self.best_validation_score_ = score
                            np.copyto(best, program.P)
                        wrong = -score
                    if self._stops(wrong):
                        break
                else:
                    if not incremental:
                        warnings.warn(
                            f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and "
                            "the optimization hasn't converged yet.",
                            ConvergenceWarning,
                            stacklevel=3,
                        )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=3)
        except DivergenceError:
            raise ValueError(NON_FINITE) from None
        finally:
            if held_out is not None:
                np.copyto(program.P, best)
            descent.write()
            descent.X, descent.y = X[:0], targets[:0]  # which else stay in memory

    def _stops(self, loss: float) -> bool:
        """Whether this is one epoch too many without a fall of at least `tol`."""
        self._epochs_without = self._epochs_without + 1 if loss > self._best - self.tol else 0
        self._best = min(self._best, loss)
        return self._epochs_without > self.n_iter_no_change

    def _split(self, X: Array, targets: Array) -> list[Array]:
        parts: list[Array] = train_test_split(
            X,
            targets,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(targets),
        )
        if len(parts[1]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return parts

    def _strata(self, targets: Array) -> Array | None:
        """What a split keeps the shares of."""
        return None

    def _outputs(self, X: Any) -> Array:
        """What the net gives for each row, (n, outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        program = self.program_
        program.read_parameters()
        return outputs(program, X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        """Net and optimizer; the program is made from them again."""
        state: dict[str, Any] = super().__getstate__()
        return {name: x for name, x in state.items() if name != "_descent"}
