"""The walk over a graph: its order, and the chain rule along it."""

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.checks import flag
from tinygrad_edu.engine.grouped import Grouped, row, with_parents
from tinygrad_edu.engine.modes import NonFiniteError, check_backward
from tinygrad_edu.engine.primitive import Node, V
from tinygrad_edu.namespace import UNREACHED, floats, no_flow


def toposort(*roots: Node[V], leaves: bool = False) -> list[V]:
    """What `roots` were made from, and they, parents before children; deterministic, any depth.

    Without `leaves` only the results of operations are listed.
    """
    for v in roots:
        if not isinstance(v, Node):
            kind = type(v)
            foreign = f" of {kind.__module__}: write adopt(v)" if kind.__name__ == "Value" else ""
            raise TypeError(f"a graph is that of Values, got {kind.__name__}{foreign}")
    found: dict[int, Any] = {0: None}  # by birth; that of leaves is 0
    seen: set[int] = set()
    stack: list[Any] = [*roots]
    while stack:
        v = stack.pop()
        while v._birth not in found:  # the last operand is the next node, others have to wait
            found[v._birth] = v
            right = v._right
            if right is None:
                v = v._left
            elif type(right) is not tuple:
                stack.append(v._left)
                v = right
            else:
                for group in right if type(right[0]) is tuple else (right,):
                    if id(group) not in seen:  # units of a layer share one: it is looked at once
                        seen.add(id(group))
                        stack += [p for p in group if p._birth]
    order = [found[birth] for birth in sorted(found)[1:]]  # as parents are born first
    if flag("leaves", leaves):
        order = list(dict.fromkeys([*with_parents(order), *roots]))
    return order


def chain_rule(order: Sequence[Node[V]], *, checking: bool) -> None:
    """`parent.grad += grad * slope`, for each result of an order from the last one back.

    A result that is reached along `no_flow` alone has that for its gradient, and passes it on: its
    slopes are not asked. With `checking` the first inf or nan raises NonFiniteError.
    """
    v: Any = None
    try:
        for v in reversed(order):
            g, right = v._grad, v._right
            if g is no_flow:
                for p in row(v._left, right):
                    if p._grad is UNREACHED:
                        p._grad = no_flow
                continue
            primitive = v._primitive
            if right is None:
                slopes = primitive._slopes(floats, v._y, v._x_left)
                if primitive._arity != 1:
                    primitive.check(slopes, 1)
                v._left._grad += g * slopes[0]
            elif type(right) is not tuple:
                slopes = primitive._slopes(floats, v._y, v._x_left, v._x_right)
                if primitive._arity != 2:
                    primitive.check(slopes, 2)
                to_left, to_right = slopes
                v._left._grad += g * to_left
                right._grad += g * to_right
            else:
                slopes = primitive._slopes(floats, v._y, *v._x_right)
                if primitive._arity != (n := len(right)):
                    primitive.check(slopes, n)
                if type(primitive) is Grouped:
                    right, slopes = sum(right, ()), sum(slopes, ())
                for p, slope in zip(right, slopes, strict=True):
                    p._grad += g * slope
            if checking:
                check_backward(v)
    except Exception as error:
        if not isinstance(error, NonFiniteError):
            error.add_note(f"in the backward pass through {v!r}")
        raise
