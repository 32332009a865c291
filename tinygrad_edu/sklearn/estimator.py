"""What classifier and regressor share: parameters, the fitted net, and how it is fitted."""

import random
from abc import ABC, abstractmethod
from numbers import Integral, Real
from threading import Lock
from typing import Any, ClassVar, Final, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss, l2
from tinygrad_edu.nn import ACTIVATIONS, MLP
from tinygrad_edu.optim import SGD, Adam, Optimizer
from tinygrad_edu.sklearn import solvers, views
from tinygrad_edu.train.matrix import checked_program
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.explain.explanation import Explanation
from tinygrad_edu.view.network.delta_tables import Deltas

#: What is made again from the rest: not in pickles and copies.
MADE_AGAIN: Final = ("_program", "_made_for", "_lock")


class ScalarMLP(BaseEstimator, ABC):  # type: ignore[misc]
    """An estimator whose net is an `MLP` of Values, fitted by its matrix program.

    `graph`, `deltas` and `explain` show one row x of numbers, y its target as `fit` takes it. With
    y the result is the loss of the example (without penalty), without y what the estimator answers.
    They raise NotFittedError before `fit`, ValueError for a row of another length, a frame or
    series with other names than at fit, or a target that was not seen.
    """

    model_: MLP
    n_features_in_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    t_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions((set(ACTIVATIONS) | set(solvers.ALIASES)) - {"softmax"})],
        "solver": [StrOptions({"adam", "lbfgs", "sgd"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
    }

    @solvers.refusing
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    @property
    @abstractmethod
    def _loss(self) -> Loss:
        """The loss of one example, which takes what the net gives."""

    @abstractmethod
    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Rows and targets as scikit-learn checks them; with `reset` they say what is expected."""

    @abstractmethod
    def _encoded(self, y: Array, *, anew: bool, subset: bool = False) -> tuple[Array, int]:
        """Targets as the program takes them, (n, columns), and how many outputs the net has.

        With `anew` they say which classes there are, with `subset` some of those may be missing.
        """

    @abstractmethod
    def _example_targets(self, targets: Array) -> list[Any]:
        """Encoded targets as the loss takes them one by one."""

    @abstractmethod
    def _validation_score(self, outputs: Array, targets: Array) -> float:
        """Accuracy or R^2 of what the net gives."""

    @abstractmethod
    def _target(self, y: Any) -> Any:
        """One target of the user's as the loss takes it."""

    @abstractmethod
    def _answer(self, output: Any) -> tuple[str, Value]:
        """From what the net gives to one number that answers, and its name."""

    @solvers.refusing
    def fit(self, X: Any, y: Any) -> Self:
        """Fit the net to rows X (n, features) and their targets."""
        self._begin()
        first = not (self.warm_start and hasattr(self, "model_"))
        X, y = self._checked(X, y, reset=first)
        targets, n_outputs = self._encoded(y, anew=first)
        self._build(X, n_outputs, first)
        if self.solver == "lbfgs":
            solvers.fit_by_lbfgs(self, X, targets)
        else:
            solvers.fit_by_descent(self, X, targets, self.max_iter)
        return self

    def _begin(self) -> None:
        """What `fit` and `partial_fit` begin with, before they look at the data."""
        self._validate_params()
        solvers.units_of(self.hidden_layer_sizes)

    def _partial_fit(self, X: Any, y: Any) -> Self:
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "model_")
        X, y = self._checked(X, y, reset=first)
        anew = not hasattr(self, "classes_") and first
        targets, n_outputs = self._encoded(y, anew=anew, subset=True)
        if first:
            self._build(X, n_outputs, first)
        elif self._optimizer_for != (self.solver, self.model_):
            self._renew_optimizer()
        solvers.fit_by_descent(self, X, targets, 1, incremental=True)
        return self

    def _build(self, X: Array, n_outputs: int, first: bool) -> None:
        """The net where it is a new one, its optimizer, and what this fit will find out."""
        self._random_state = check_random_state(self.random_state)
        sizes = [X.shape[1], *solvers.units_of(self.hidden_layer_sizes), n_outputs]
        activation = solvers.ALIASES.get(self.activation, self.activation)
        if first or self.model_.sizes != sizes or self.model_.activation != activation:
            rng = random.Random(int(self._random_state.randint(2**31 - 1)))
            self.model_ = MLP(sizes[0], sizes[1:], activation, init="xavier", rng=rng)
            self.loss_curve_, self.t_ = [], 0
        self._best, self._epochs_without = np.inf, 0
        self.validation_scores_ = self.best_validation_score_ = None
        self._renew_optimizer()
        self._strength = 0.0
        self._lock = Lock()

    def _renew_optimizer(self) -> None:
        parameters, rate = self.model_.parameters(), self.learning_rate_init
        self._optimizer: Optimizer | None = None
        self._optimizer_for = (self.solver, self.model_)
        if self.solver == "adam":
            betas = (self.beta_1, self.beta_2)
            self._optimizer = Adam(parameters, rate, betas=betas, eps=self.epsilon)
        elif self.solver == "sgd":
            nesterov = bool(self.nesterovs_momentum and self.momentum > 0)
            self._optimizer = SGD(parameters, rate, momentum=self.momentum, nesterov=nesterov)

    def _compiled(self, strength: float, X: Array, targets: Array) -> Program:
        """The program of the loss, made from some of these rows if there is none that fits.

        `strength` is what the penalty multiplies with half the sum of squares.
        """
        self._strength = strength
        if self.__dict__.get("_made_for") != (self.model_, strength):
            weights = [w for layer in self.model_.layers for unit in layer.neurons for w in unit.w]
            self._program, _, _ = checked_program(
                self.model_,
                self._loss,
                (lambda _: l2(weights, strength, half=True)) if strength else None,
                X[:3].tolist(),
                self._example_targets(targets[:3]),
            )
            self._made_for = (self.model_, strength)
        self._program.read_parameters()
        return self._program

    def _recompiled(self) -> Program:
        """The program again; where there is none any more, from a row of zeros."""
        inputs, *_, k = self.model_.sizes
        return self._compiled(self._strength, np.zeros((1, inputs)), np.zeros((1, k)))

    def _outputs(self, X: Any) -> Array:
        """What the net gives for each row, (n, outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with self._lock:  # the program works in place
            return solvers.outputs(self._recompiled(), X)

    @property
    def program_(self) -> Program:
        """The loss of the examples, penalty included, as a program of arrays, with its gradient.

        It takes rows and encoded targets; `print(clf.program_.source)` shows it.
        """
        check_is_fitted(self)
        with self._lock:
            return self._recompiled()

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

    def graph(self, x: Any, y: Any = None, **options: Any) -> Any:
        """The graph of the net for one row, with `options` of `draw`.

        With y a backward pass fills in every gradient; those of `model_` are then of this example.
        """
        return views.graph(self, x, y, options)

    def deltas(self, x: Any, y: Any, *, convention: str = "dL/dz") -> Deltas:
        """The delta of each unit for one example, beside the rule of the textbook."""
        return views.deltas_of(self, x, y, convention)

    def explain(self, x: Any, y: Any = None, *, wrt: str | None = None) -> Explanation:
        """The chain rule for the result by the parameter or the feature that is named `wrt`.

        Parameters have the names of the views, "w1[2,1]", or of the model, "layer1.neuron2.w[0]",
        features their own or "x1". Without `wrt` the last operation.
        """
        return views.explanation(self, x, y, wrt)

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
    array = np.array(numbers)
    array.flags.writeable = False
    return array
