"""The fitted net, opened: its graph, its deltas, and the chain rule for one example."""

from typing import Any

from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.vectorize.arrays import as_array
from tinygrad_edu.view import Graph, draw
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.explain.explanation import Explanation, explain
from tinygrad_edu.view.network.delta_tables import Deltas
from tinygrad_edu.view.network.deltas import deltas


def graph(net: Any, x: Any, y: Any, options: dict[str, Any]) -> Graph:
    """The graph of the estimator's net for one row, after a backward pass if y is given."""
    inputs = _inputs(net, x)
    name, result = _result(net, inputs, y)
    if y is not None:
        result.backward()
    return draw(result, **{"names": {name: result}} | options)


def deltas_of(net: Any, x: Any, y: Any, convention: str) -> Deltas:
    """The delta of each unit for one example."""
    row = _inputs(net, x)
    return deltas(net.model_, row, net._target(y), net._loss, convention)


def explanation(net: Any, x: Any, y: Any, wrt: str | None) -> Explanation:
    """The chain rule by what is named `wrt`. Raises ValueError for another name."""
    inputs = _inputs(net, x)
    name, result = _result(net, inputs, y)
    names = names_of(toposort(result, leaves=True), {result: name})
    values = {f"x[{k}]": x for k, x in enumerate(inputs)} | {names[v]: v for v in names}
    values |= net.model_.named_parameters()
    if wrt is not None and wrt not in values:
        raise ValueError(
            f"nothing is named {wrt!r:.60}: wrt is a parameter such as "
            f"'w1[1,1]', or a feature such as {names[inputs[-1]]!r}"
        )
    return explain(result, values.get(wrt or ""), names={name: result})


def _inputs(net: Any, x: Any) -> list[Value]:
    """The row as Values, with the names of the features where they have some."""
    check_is_fitted(net)
    frame = x.to_frame().T if hasattr(x, "to_frame") and hasattr(x, "index") else x
    if hasattr(frame, "columns"):
        validate_data(net, frame, reset=False, skip_check_array=True)
    row = as_array(x, "x").ravel()
    if len(row) != net.n_features_in_:
        raise ValueError(f"x is one row of {net.n_features_in_} features, got {len(row)}")
    names = getattr(net, "feature_names_in_", [None] * len(row))
    return [Value(v, name) for v, name in zip(row.tolist(), names, strict=True)]


def _result(net: Any, inputs: list[Value], y: Any) -> tuple[str, Value]:
    net.model_.zero_grad()  # what training left
    output = net.model_(inputs)
    return net._answer(output) if y is None else ("loss", net._loss(output, net._target(y)))
