"""The walk over a graph: its order, and the chain rule along it."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from tinygrad_edu.checks import flag
from tinygrad_edu.engine.modes import NonFiniteError
from tinygrad_edu.engine.primitive import Node, Primitive, V
from tinygrad_edu.namespace import UNREACHED, floats, no_flow


def toposort(*roots: Node[V], leaves: bool = False) -> list[V]:
    """What `roots` were made from, and they, parents before children; deterministic, any depth.

    Without `leaves` only the results of operations are listed.
    """
    for v in roots:
        if not isinstance(v, Node):
            raise TypeError(f"a graph is that of Values, got {type(v).__name__}")
    order: list[Any] = [v for v in dict.fromkeys(roots) if v._birth]
    seen = set(order)
    for v in order:  # which grows meanwhile
        p, right = v._left, v._right
        if type(right) is not tuple:
            if p._birth and p not in seen:
                seen.add(p)
                order.append(p)
            if right is not None and right._birth and right not in seen:
                seen.add(right)
                order.append(right)
        elif len(right) <= 8 or not seen.issuperset(right):  # which units of a layer share
            for p in right:
                if p not in seen:
                    seen.add(p)
                    if p._birth:
                        order.append(p)
    order.sort(key=attrgetter("_birth"))  # a topological order, as parents are born first
    if flag("leaves", leaves):
        nodes = (node for v in order for node in (*v.parents, v))
        order = list(dict.fromkeys(chain(nodes, roots)))
    return order


def chain_rule(order: Sequence[Node[V]], *, checking: bool) -> None:
    """`parent.grad += grad * slope`, for each result of an order from the last one back.

    A result that is reached along `no_flow` alone has that for its gradient, and passes it on: its
    slopes are not asked. With `checking` the first inf or nan raises NonFiniteError.
    """
    v: Any = None
    try:
        for v in reversed(order):
            g = v._grad
            if g is no_flow:
                for p in v.parents:
                    if p._grad is UNREACHED:
                        p._grad = no_flow
                continue
            primitive: Primitive = v._primitive
            right = v._right
            if right is None:
                slopes = primitive._slopes(floats, v._y, v._x_left)
                if primitive._arity != 1:
                    primitive.check(slopes, 1)
                v._left._grad += g * slopes[0]
            elif type(right) is not tuple:
                to_left, to_right = slopes = primitive._slopes(floats, v._y, v._x_left, v._x_right)
                v._left._grad += g * to_left
                right._grad += g * to_right
            else:
                slopes = primitive._slopes(floats, v._y, *v._x_right)
                if primitive._arity != (n := len(right)):
                    primitive.check(slopes, n)
                for p, slope in zip(right, slopes, strict=True):
                    p._grad += g * slope
            if checking:
                _check_backward(v, slopes)
    except Exception as error:
        if not isinstance(error, NonFiniteError):
            error.add_note(f"in the backward pass through {v!r}")
        raise


def _check_backward(v: Any, slopes: Sequence[float]) -> None:
    """Raise NonFiniteError if what `v` passed on made the grad of a parent inf or nan."""
    for p, slope in zip(v.parents, slopes, strict=True):
        if p._grad - p._grad != 0:
            raise NonFiniteError(
                f"backward: {v._primitive.name} passed grad {v._grad!r} * slope {float(slope)!r} "
                f"to {_expression(p, 1)}, whose grad became {p._grad!r}, in {_expression(v)}"
            )


def check_forward(v: Any) -> None:
    """Raise NonFiniteError if the number of a result is inf or nan."""
    if v._float - v._float != 0:
        _, *x = v.numbers
        inputs = ", ".join(map(repr, x[:4])) + ", ..." * (len(x) > 4)
        raise NonFiniteError(
            f"forward: {v._primitive.name} of ({inputs}) gave {v._float!r}, in {_expression(v)}"
        )


def _expression(v: Any, depth: int = 3) -> str:
    """The operations that made `v` as a text, `depth` levels deep; leaves show name and number."""
    if not v._birth or depth == 0:
        name = v._name or ("..." if v._birth else "")
        return f"{name}={v._float!r}" if name else repr(v._float)
    operands = [_expression(p, depth - 1) for p in v.parents[:4]]
    more = ", ..." * (len(v.parents) > 4)
    return f"{v._primitive.name}({', '.join(operands)}{more})"
