"""Derivatives that touch no `.grad`: `gradients` as numbers, `grad` as Values, part of a graph."""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any, overload

from tinygrad_edu.checks import is_listed, number
from tinygrad_edu.engine.modes import Mode, mode
from tinygrad_edu.engine.primitive import on_values
from tinygrad_edu.engine.value import Value, compare, constant
from tinygrad_edu.engine.walk import chain_rule, toposort
from tinygrad_edu.namespace import UNREACHED, no_flow


class GraphError(RuntimeError):
    """A graph cannot be used as asked, for instance because a number in it was changed since."""


def gradients(root: Value, gradient: float = 1.0) -> dict[Value, float]:
    """d(root)/dv for every node v that `root` was made from, and `root`, parents first.

    The numbers are those of `root.backward(gradient)` from gradients of zero, to the last bit, and
    `no_flow`, which is 0, where nothing flows. Each `.grad` is put back, whatever happens, and
    `detect_anomaly` does not look on.
    """
    order = toposort(root, leaves=True)
    held = [v._grad for v in order]
    try:
        for v in order:
            v._grad = UNREACHED
        root._grad += number(gradient, "gradient")
        chain_rule([v for v in order if v._birth], checking=False)
        return dict(zip(order, [v._grad for v in order], strict=True))
    finally:
        for v, g in zip(order, held, strict=True):
            v._grad = g


@overload
def grad(y: Value, x: Value) -> Value: ...
@overload
def grad(y: Value, x: Sequence[Value]) -> list[Value]: ...
def grad(y: Value, x: Value | Sequence[Value]) -> Value | list[Value]:
    """dy/dx as a Value (one per element for a sequence), itself part of a graph.

    The derivative is built from the same slopes, on Values: it can be drawn, and differentiated
    again. Inside `no_grad` it is a leaf, the number of `gradients(y)`, in a fraction of the time.
    No `.grad` is changed. Where y does not depend on x the derivative is 0. Raises TypeError unless
    both are Values, GraphError if a number of the graph was changed after the forward pass.
    """
    xs: list[Any] = [*x] if is_listed(x) else [x]  # type: ignore[misc]
    for v in (y, *xs):
        if not isinstance(v, Value):
            raise TypeError(f"grad(y, x) differentiates Values, got {type(v).__name__}")
    if mode() == Mode(recording=False):
        numbers = gradients(y)
        leaves = [constant(float(numbers.get(v, 0.0))) for v in xs]
        return leaves[0] if isinstance(x, Value) else leaves
    order: list[Any] = toposort(y)
    needed = set(xs)
    for v in order:
        if not needed.isdisjoint(v.parents):
            needed.add(v)
    terms: dict[Value, list[Any]] = {y: [1.0]}  # of each node's gradient
    for v in reversed(order):
        if v not in needed or v not in terms:
            continue
        check_unchanged(v, "grad()")
        g, op, parents = reduce(add, terms[v]), v._primitive, v.parents
        slopes = op.slopes(on_values, v, *parents, **op.constants)
        for p, slope, found in zip(parents, slopes, v.slopes(), strict=True):
            if found is not no_flow and p in needed:
                terms.setdefault(p, []).append(_times(g, slope))
            elif found is no_flow and isinstance(slope, Value):
                compare("!=", slope, 0.0)  # tells a tracer that it may flow in another example
    totals = [reduce(add, terms.get(v, [0.0])) for v in xs]
    values = [g if isinstance(g, Value) else constant(float(g)) for g in totals]
    return values[0] if isinstance(x, Value) else values


def _times(g: Any, slope: Any) -> Any:
    """g * slope, without a node for a factor 1: most would be such."""
    if not isinstance(slope, Value) and slope == 1:
        return g
    return slope if not isinstance(g, Value) and g == 1 else g * slope


def check_unchanged(v: Value, before: str) -> None:
    """Raise GraphError where a result or one of its parents was changed since the forward pass."""
    for p, recorded in changed_since(v):
        raise GraphError(
            f"{p!r} held {recorded!r} in the forward pass and was changed since: "
            f"run the forward pass again before {before}"
        )


def changed_since(v: Value) -> Iterator[tuple[Value, float]]:
    """A result and its parents where they hold another number than in the forward pass; and it."""
    for p, recorded in zip((v, *v.parents), v._numbers(), strict=True):
        if p._float != recorded and not (p._float != p._float and recorded != recorded):
            yield p, recorded
