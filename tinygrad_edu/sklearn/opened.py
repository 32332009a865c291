"""The fitted net, opened: its graph, its deltas, and the chain rule for one example."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import MLP

if TYPE_CHECKING:
    from tinygrad_edu.view import Graph
    from tinygrad_edu.view.explain.explanation import Explanation
    from tinygrad_edu.view.network.delta_tables import Deltas


class Opened:
    """Views of a fitted net `model_` for one row x of numbers; y is its target as `fit` takes it.

    With y the result that is shown is the loss of the example (without penalty), without y what the
    estimator answers. Raise NotFittedError before `fit`, ValueError for a row of another length, a
    frame or series with other names than at fit, or a target that was not seen.
    """

    model_: MLP
    n_features_in_: int

    @property
    @abstractmethod
    def _loss(self) -> Loss:
        """The loss of one example."""

    @abstractmethod
    def _target(self, y: Any) -> Any:
        """One target as the loss takes it."""

    @abstractmethod
    def _answer(self, output: Any) -> tuple[str, Value]:
        """From what the net gives to one number that answers, and its name."""

    def graph(self, x: Any, y: Any = None, **options: Any) -> "Graph":
        """The graph of the net for one row, with `options` of `draw`.

        With y a backward pass fills in every gradient; those of `model_` are then of this example.
        """
        from tinygrad_edu.view import draw

        inputs = self._inputs(x)
        name, result = self._result(inputs, y)
        if y is not None:
            result.backward()
        return draw(result, **{"names": {"x": inputs, name: result}} | options)

    def deltas(self, x: Any, y: Any, *, convention: str = "dL/dz") -> "Deltas":
        """The delta of each unit for one example, beside the rule of the textbook."""
        from tinygrad_edu.view.network.deltas import deltas

        row = self._inputs(x)
        return deltas(self.model_, row, self._target(y), self._loss, convention)

    def explain(self, x: Any, y: Any = None, *, wrt: str | None = None) -> "Explanation":
        """The chain rule for the result by the parameter or the feature that is named `wrt`.

        Parameters have names such as "layer1.neuron2.w[0]", features their own or "x[0]". Without
        `wrt` the last operation.
        """
        from tinygrad_edu.view.explain.explanation import explain

        inputs = self._inputs(x)
        name, result = self._result(inputs, y)
        found = self.model_.named_parameters() | {
            v.name or f"x[{k}]": v for k, v in enumerate(inputs)
        }
        if wrt is not None and wrt not in found:
            raise ValueError(
                f"nothing is named {wrt!r:.60}: wrt is a parameter such as "
                f"'layer1.neuron1.w[0]', or a feature such as {list(found)[-1]!r}"
            )
        return explain(result, found.get(wrt or ""), names={"x": inputs, name: result})

    def _inputs(self, x: Any) -> list[Value]:
        """The row as Values, with the names of the features where they have some."""
        check_is_fitted(self)
        frame = x.to_frame().T if hasattr(x, "to_frame") and hasattr(x, "index") else x
        if hasattr(frame, "columns"):
            validate_data(self, frame, reset=False, skip_check_array=True)
        row = np.asarray(x, dtype=float).ravel()
        if len(row) != self.n_features_in_:
            raise ValueError(f"x is one row of {self.n_features_in_} features, got {len(row)}")
        names = getattr(self, "feature_names_in_", [None] * len(row))
        return [Value(v, name) for v, name in zip(row.tolist(), names, strict=True)]

    def _result(self, inputs: list[Value], y: Any) -> tuple[str, Value]:
        self.model_.zero_grad()  # what training left
        output = self.model_(inputs)
        return self._answer(output) if y is None else ("loss", self._loss(output, self._target(y)))
