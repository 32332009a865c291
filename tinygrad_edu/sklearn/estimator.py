"""What classifier and regressor share in fitting the net."""

import random
import warnings
from abc import ABC, abstractmethod
from itertools import islice
from threading import Lock
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from tinygrad_edu.nn import MLP
from tinygrad_edu.sklearn.fitted import Fitted
from tinygrad_edu.sklearn.opened import Opened
from tinygrad_edu.sklearn.parameters import ALIASES
from tinygrad_edu.sklearn.progress import progress
from tinygrad_edu.sklearn.solvers import NON_FINITE, epochs, lbfgs, outputs
from tinygrad_edu.train.finite import DivergenceError
from tinygrad_edu.vectorize.arrays import Array


def in_steps(estimator: Any) -> bool:
    """Whether `partial_fit` is there: L-BFGS takes all rows at once."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


class ScalarMLP(Opened, Fitted, ABC):
    """An estimator whose net is an `MLP` of Values, fitted by its matrix program."""

    loss_curve_: list[float]
    best_validation_score_: float | None
    t_: int

    @abstractmethod
    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Rows and targets as scikit-learn checks them; with `reset` they say what is expected."""

    @abstractmethod
    def _encoded(self, y: Array, *, anew: bool, subset: bool = False) -> tuple[Array, int]:
        """Targets as the program takes them, (n, columns), and how many outputs the net has.

        With `anew` they say which classes there are, with `subset` some of those may be missing.
        """

    @abstractmethod
    def _validation_score(self, outputs: Array, targets: Array) -> float:
        """Accuracy or R^2 of what the net gives."""

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
        targets, n_outputs = self._encoded(
            y, anew=not hasattr(self, "classes_") and first, subset=True
        )
        if first:
            self._build(X, n_outputs, first)
        elif self._optimizer_for != (self.solver, self.model_):
            self._renew_optimizer()
        self._descend(X, targets, 1, incremental=True)
        return self

    def _build(self, X: Array, n_outputs: int, first: bool) -> None:
        """The net where it is a new one, its optimizer, and what this fit will find out."""
        self._random_state = check_random_state(self.random_state)
        sizes = [X.shape[1], *self._hidden_units(), n_outputs]
        activation = ALIASES.get(self.activation, self.activation)
        if first or self.model_.sizes != sizes or self.model_.activation != activation:
            rng = random.Random(int(self._random_state.randint(2**31 - 1)))
            self.model_ = MLP(sizes[0], sizes[1:], activation, init="xavier", rng=rng)
            self.loss_curve_, self.t_ = [], 0
        self._best, self._epochs_without = np.inf, 0
        self.validation_scores_ = self.best_validation_score_ = None
        self._renew_optimizer()
        self._lock = Lock()

    def _renew_optimizer(self) -> None:
        self._optimizer = self._new_optimizer(self.model_.parameters())
        self._optimizer_for = (self.solver, self.model_)

    def _minimise(self, X: Array, targets: Array) -> None:
        self._strength = self.alpha / len(X)
        descent = self._compiled()
        options = {"maxiter": self.max_iter, "maxfun": self.max_fun, "gtol": self.tol}
        with progress(self.max_iter, bool(self.verbose)) as tell:
            found, losses = lbfgs(descent.program, X, targets, tell, **options)
        descent.write()
        self.loss_curve_ += losses
        self.loss_, self.n_iter_ = float(found.fun), min(int(found.nit), self.max_iter)
        self._best = self.loss_
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
        held_out, scores, best_score = None, list[float](), -np.inf
        if self.early_stopping:
            X, held_out, targets, held_out_targets = self._split(X, targets)
            self.validation_scores_, self.best_validation_score_ = scores, best_score
        if self.batch_size != "auto" and self.batch_size > len(X):
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=3,
            )
        size = self._rows_a_batch(len(X))
        self._strength = self.alpha / size
        descent = self._compiled()
        program = descent.program
        descent.X, descent.y, descent.loaded = X, targets, None
        program.read_parameters()
        best = program.P.copy()
        self.n_iter_ = 0
        losses = epochs(descent, size, self._random_state, self.shuffle)
        try:
            with progress(max_iter, bool(self.verbose)) as tell:
                for loss in islice(losses, max_iter):
                    self.n_iter_ += 1
                    self.t_ += len(X)
                    self.loss_ = loss
                    self.loss_curve_.append(loss)
                    wrong, score = loss, None
                    if held_out is not None:
                        score = self._validation_score(outputs(program, held_out), held_out_targets)
                        scores.append(score)
                        if score > best_score:
                            self.best_validation_score_ = best_score = score
                            np.copyto(best, program.P)
                        wrong = -score
                    tell(loss, score)
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
