"""What classifier and regressor share: parameters, and how the net is fitted and opened."""

from abc import ABC, abstractmethod
from threading import Lock
from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tinygrad_edu.engine import Value, modes, toposort
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import MLP
from tinygrad_edu.sklearn import options, solvers
from tinygrad_edu.vectorize.arrays import Array, as_array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view import Graph, draw
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.explain.explanation import Explanation, explain
from tinygrad_edu.view.network.delta_tables import Deltas
from tinygrad_edu.view.network.deltas import deltas

#: What is made again from the rest: not in pickles and copies.
MADE_AGAIN: Final = ("_programs", "_lock")


class ScalarMLP(BaseEstimator, ABC):  # type: ignore[misc]
    """An estimator whose net is an `MLP` of Values, fitted by its matrix program.

    `graph`, `deltas` and `explain` show one row x of numbers, y its target as `fit` takes it. With
    y the result is the loss of the example (without penalty), without y what the estimator answers.
    They raise NotFittedError before `fit`, ValueError for a row of another length, a frame or
    series with other names than at fit, or a target that was not seen.
    """

    model_: MLP
    _optimizer: solvers.Stochastic

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = options.CONSTRAINTS

    @options.refusing
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "squared_error",
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
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
        dropout: float = 0.0,
    ) -> None:
        for name, given in list(locals().items()):
            if name != "self":
                setattr(self, name, given)

    @property
    @abstractmethod
    def _loss(self) -> Loss:
        """The loss of one example, which takes what the net gives."""

    @abstractmethod
    def _read(self, X: Any, y: Any, incremental: bool, first: bool) -> tuple[Array, Array, int]:
        """Rows, targets as the loss takes them (n, columns), and the number of outputs."""

    @abstractmethod
    def _validation_score(self, outputs: Array, targets: Array, weights: Array | None) -> float:
        """Accuracy or R^2 of what the net gives."""

    @abstractmethod
    def _target(self, y: Any) -> Any:
        """One target of the user's as the loss takes it."""

    @abstractmethod
    def _answer(self, output: Any) -> tuple[str, Value]:
        """From what the net gives to one number that answers, and its name."""

    @options.refusing
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the net to rows X (n, features) and their targets, which may have weights (n,)."""
        self._begin()
        return self._fit(X, y, sample_weight)

    def _begin(self) -> None:
        """What `fit` and `partial_fit` begin with, before they look at the data."""
        self._validate_params()
        options.units_of(self.hidden_layer_sizes)
        options.activations_of(self)
        if self.dropout and self.solver == "lbfgs":
            raise ValueError("lbfgs needs the same loss each time: dropout goes with adam or sgd")
        if not hasattr(self, "model_"):
            self.__dict__.pop("classes_", None)  # those of a call that was refused

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False) -> Self:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not (hasattr(self, "model_") and (self.warm_start or incremental))
        X, targets, n_outputs = self._read(X, y, incremental, first)
        X, targets = _dense(X), targets.astype(float)
        weights = self._weights(X, y, sample_weight)
        if weights is not None:
            X, targets, weights = (a[weights > 0] for a in (X, targets, weights))
        self._example, self._weighted = (X[:1], targets[:1]), weights is not None
        if first or not incremental:
            self._build(X.shape[1], n_outputs, first)
        elif self._optimizer.made_for != (self.solver, self.model_):
            self._optimizer = solvers.Stochastic(self)
        if self.solver == "lbfgs":
            solvers.fit_by_lbfgs(self, X, targets, weights)
        else:
            solvers.fit_by_descent(self, X, targets, weights, incremental=incremental)
        self._new = None
        self.best_loss_ = self._best if self.validation_scores_ is None else None
        return self

    def _weights(self, X: Array, y: Any, sample_weight: Any) -> Any:
        """The weight of each row, or None where all weigh the same."""
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if not weights.any():  # which older releases let pass
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weights

    def _build(self, inputs: int, n_outputs: int, first: bool) -> None:
        """The net where it is a new one, its optimizer, and what this fit will find out."""
        self._random_state = check_random_state(self.random_state)
        sizes = [inputs, *options.units_of(self.hidden_layer_sizes), n_outputs]
        activation = options.activations_of(self)
        if first or self.model_.sizes != sizes or self.model_.activation != activation:
            self.model_ = self._new = options.new_model(sizes, activation, self._random_state)
            self.loss_curve_, self.t_ = list[float](), 0
        self.n_layers_, self.n_outputs_ = len(sizes), n_outputs
        self._best, self._no_improvement_count = np.inf, 0
        self.validation_scores_ = self.best_validation_score_ = None
        self._optimizer = solvers.Stochastic(self)
        self._lock = Lock()

    def _compiled(
        self, strength: float, X: Array, targets: Array, weighted: bool, dropout: float = 0.0
    ) -> Program:
        """The program of the loss, made from some of these rows if there is none that fits.

        `strength` is what the penalty multiplies with half the sum of squares.
        """
        self._strength = strength
        key = (self.model_, strength, self._loss, modes.mode().checking, weighted, dropout)
        programs = self.__dict__.setdefault("_programs", {})
        if key not in programs:
            if len(programs) > 2:
                programs.clear()
            programs[key] = options.program_of(self, X, targets, strength, weighted, dropout)
        program: Program = programs[key]
        program.read_parameters()
        return program

    def _recompiled(self, *, weighted: bool = False) -> Program:
        """The program again; where there is none any more, from the first row."""
        X, targets = self._example
        targets = np.column_stack([targets, [1.0]]) if weighted else targets
        return self._compiled(self._strength, X, targets, weighted)

    def _outputs(self, X: Any) -> Array:
        """What the net gives for each row, (n, outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=float, reset=False)
        with self._lock:  # the program works in place
            return self._recompiled(weighted=self._weighted).results({"X": _dense(X)})[1]

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        """Net and optimizer; the program is made from them again."""
        state: dict[str, Any] = super().__getstate__()
        return {name: x for name, x in state.items() if name not in MADE_AGAIN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._lock = Lock()


def _dense(X: Any) -> Array:
    return np.asarray(X.toarray() if issparse(X) else X, dtype=float)


def _read_only(numbers: list[Any]) -> Array:
    array = np.array(numbers)
    array.flags.writeable = False
    return array
