"""The parameters of the estimators, their defaults and what they may be."""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, ClassVar, Final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions

from tinygrad_edu.nn import UNIT_ACTIVATIONS
from tinygrad_edu.optim import SGD, Adam, Optimizer

#: Names of scikit-learn for activations that have another name here.
ALIASES: Final = {"identity": "linear", "logistic": "sigmoid"}


class Parameters(BaseEstimator):  # type: ignore[misc]
    """What an estimator is made with, stored as given: `fit` checks it."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({*UNIT_ACTIVATIONS, *ALIASES})],
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
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
    }

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

    def _hidden_units(self) -> list[int]:
        """The units of each hidden layer. Raises ValueError as scikit-learn does."""
        sizes = self.hidden_layer_sizes
        found: list[Any] = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if not all(isinstance(n, Integral) and int(n) > 0 for n in found):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {found}.")
        return [int(n) for n in found]

    def _new_optimizer(self, parameters: list[Any]) -> Optimizer:
        """That of the solver; a stand-in for "lbfgs", which steps without one."""
        if self.solver == "adam":
            betas = (self.beta_1, self.beta_2)
            return Adam(parameters, self.learning_rate_init, betas=betas, eps=self.epsilon)
        nesterov = self.nesterovs_momentum and self.momentum > 0
        return SGD(parameters, self.learning_rate_init, momentum=self.momentum, nesterov=nesterov)

    def _rows_a_batch(self, n: int) -> int:
        return min(n, 200 if self.batch_size == "auto" else int(self.batch_size))
