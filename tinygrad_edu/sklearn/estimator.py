"""What classifier and regressor share: parameters, and how the net is fitted and opened."""

import random
from abc import ABC, abstractmethod
from threading import Lock
from typing import Any, ClassVar, Final, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.losses import Loss, l2
from tinygrad_edu.nn import ACTIVATIONS, MLP
from tinygrad_edu.optim import SGD, Adam, Optimizer
from tinygrad_edu.sklearn import solvers
from tinygrad_edu.train.matrix import checked_program
from tinygrad_edu.vectorize.arrays import Array, as_array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view import Graph, draw
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.explain.explanation import Explanation, explain
from tinygrad_edu.view.network.delta_tables import Deltas
from tinygrad_edu.view.network.deltas import deltas

#: What is made again from the rest: not in pickles and copies.
MADE_AGAIN: Final = ("_program", "_made_for", "_lock")


class ScalarMLP(BaseEstimator, ABC):  # type: ignore[misc]
    """An estimator whose net is an `MLP` of Values, fitted by its matrix program.

    `graph`, `deltas` and `explain` show one row x of numbers, y its target as `fit` takes it. With
    y the result is the loss of the example (without penalty), without y what the estimator answers.
    They raise NotFittedError before `fit`, ValueError for a row of another length, a frame or
    series with other names than at fit, or a target that was not seen.
    """

    activation: str
    model_: MLP
    n_features_in_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    t_: int

    #: What scikit-learn takes for the options of its name, and the activations of this package.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: rules
        for name, rules in MLPClassifier._parameter_constraints.items()
        if name not in solvers.MISSING
    } | {"activation": [StrOptions((set(ACTIVATIONS) | set(solvers.ALIASES)) - {"softmax"})]}

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
        for name, given in list(locals().items()):
            if name != "self":
                setattr(self, name, given)

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
                targets[:3].tolist(),
            )
            self._made_for = (self.model_, strength)
        self._program.read_parameters()
        return self._program

    def _recompiled(self) -> Program:
        """The program again; where there is none any more, from a row of zeros."""
        inputs, *_, k = self.model_.sizes
        columns = 1 if hasattr(self, "classes_") else k  # a class number is one
        return self._compiled(self._strength, np.zeros((1, inputs)), np.zeros((1, columns)))

    def _outputs(self, X: Any) -> Array:
        """What the net gives for each row, (n, outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        with self._lock:  # the program works in place
            return self._recompiled().results({"X": X})[1]

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

    def graph(self, x: Any, y: Any = None, **options: Any) -> Graph:
        """The graph of the net for one row, with `options` of `draw`.

        With y a backward pass fills in every gradient; those of `model_` are then of this example.
        """
        _, name, result = self._opened(x, y)
        if y is not None:
            result.backward()
        return draw(result, **{"names": {name: result}} | options)

    def deltas(self, x: Any, y: Any, *, convention: str = "dL/dz") -> Deltas:
        """The delta of each unit for one example, beside the rule of the textbook."""
        return deltas(self.model_, self._row(x), self._target(y), self._loss, convention)

    def explain(self, x: Any, y: Any = None, *, wrt: str | None = None) -> Explanation:
        """The chain rule for the result by the parameter or the feature that is named `wrt`.

        Parameters have the names of the views, "w1[2,1]", or of the model, "layer1.neuron2.w[0]",
        features their own or "x1". Without `wrt` the last operation.
        """
        inputs, name, result = self._opened(x, y)
        names = names_of(toposort(result, leaves=True), {result: name})
        values = {f"x[{k}]": x for k, x in enumerate(inputs)} | {names[v]: v for v in names}
        values |= self.model_.named_parameters()
        if wrt is not None and wrt not in values:
            raise ValueError(
                f"nothing is named {wrt!r:.60}: wrt is a parameter such as "
                f"'w1[1,1]', or a feature such as {names[inputs[-1]]!r}"
            )
        return explain(result, values.get(wrt or ""), names={name: result})

    def _row(self, x: Any) -> list[Value]:
        """One row as Values, with the names of the features where they have some."""
        check_is_fitted(self)
        frame = x.to_frame().T if hasattr(x, "to_frame") and hasattr(x, "index") else x
        if hasattr(frame, "columns"):
            validate_data(self, frame, reset=False, skip_check_array=True)
        row = as_array(x, "x").ravel()
        if len(row) != self.n_features_in_:
            raise ValueError(f"x is one row of {self.n_features_in_} features, got {len(row)}")
        names = getattr(self, "feature_names_in_", [None] * len(row))
        return [Value(v, name) for v, name in zip(row.tolist(), names, strict=True)]

    def _opened(self, x: Any, y: Any) -> tuple[list[Value], str, Value]:
        """The Values of a row, and what the net makes of them, with its name."""
        inputs = self._row(x)
        self.model_.zero_grad()  # what training left
        output = self.model_(inputs)
        if y is None:
            return inputs, *self._answer(output)
        return inputs, "loss", self._loss(output, self._target(y))

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
