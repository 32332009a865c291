"""Graphs of other engines as graphs of ours: micrograd's, microgpt's, a student's own."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from itertools import permutations
from typing import Any, Final

from tinygrad_edu.checks import is_real, number
from tinygrad_edu.engine.primitive import Primitive, primitives
from tinygrad_edu.engine.value import Value, constant
from tinygrad_edu.namespace import floats

#: What others call the parents of a node, its operation, its local derivatives and its name.
_PARENTS: Final = ("_prev", "_children", "_parents", "prev", "children", "parents", "_inputs")
_OPS: Final = ("_op", "op")
_SLOPES: Final = ("_local_grads", "local_grads", "_local_derivatives")
_NAMES: Final = ("label", "name", "_label")
#: Our operation for a sign or a name of theirs; others have our names, in small letters.
_SIGNS: Final = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "neg": "negative",
    "sub": "subtract", "mul": "multiply", "div": "divide", "truediv": "divide", "ln": "log",
    "**": "power", "^": "power", "pow": "power",
}  # fmt: skip
#: Operations that are tried where nothing is said of which it was.
_TRIED: Final = (
    "add", "multiply", "subtract", "divide", "relu", "negative", "exp", "log", "tanh", "sigmoid",
    "sqrt", "sin", "cos", "abs", "power",
)  # fmt: skip
#: Operations of two; and the number that is the other where a node remembers one, from y and that.
_OF_TWO: Final[dict[str, Callable[[float, float], float]]] = {
    "add": lambda y, x: y - x,
    "subtract": lambda y, x: x - y,
    "multiply": floats.divide,
    "divide": lambda y, x: floats.divide(x, y),
    "pow": lambda y, x: floats.divide(floats.log(y), floats.log(x)),
}
_TOLERANCE: Final = 1e-6


def adopt(v: Any) -> Value:
    """The graph of a Value of another engine as one of ours, with its numbers and gradients.

    A node of theirs has `data`, `grad` and its parents (`_prev`, `_children`, `parents`, ...), as
    in micrograd and microgpt. Its operation is what it says (`_op`), or the one that gives its
    number and local derivatives. Of a set of parents the order and `a * a` are told by the closure
    that passes on, or by the numbers. An operation that is not known has its own local
    derivatives, nan if it keeps none. A Value of ours is given back. Nothing of theirs is changed.

    Raises TypeError for what is no such node, ValueError for a graph that is a circle.

        draw(adopt(loss))
    """
    return adopted(v)[id(v)]


def is_foreign(v: Any) -> bool:
    """Whether it is a node of another engine: `data` and `grad` are numbers, and it has parents."""
    if isinstance(v, (Value, type)):
        return False
    return _parents_of(v) is not None and is_real(_named(v, ("data",))) and _is_grad(v)


def adopted(v: Any) -> dict[int, Value]:
    """Our node for each node of the graph of `v`, by its `id`."""
    if isinstance(v, Value):
        return {id(v): v}
    if not is_foreign(v):
        raise TypeError(
            f"adopt takes a Value of another engine, with numbers data and grad, and its parents "
            f"as _prev, _children or parents, got {type(v).__name__}"
        )
    ours: dict[int, Value] = {}
    for node in _sorted(v):
        ours[id(node)] = _adopted(node, ours)
    return ours


def _sorted(root: Any) -> Iterator[Any]:
    """The nodes of a graph of theirs, parents first."""
    done: set[int] = set()
    open_: set[int] = set()
    stack = [root]
    while stack:
        v = stack[-1]
        if id(v) in done:
            stack.pop()
        elif id(v) in open_:
            done.add(id(stack.pop()))
            yield v
        else:
            open_.add(id(v))
            parents = [p for p in _parents_of(v) or () if is_foreign(p) and id(p) not in done]
            if any(id(p) in open_ for p in parents):
                raise ValueError("the graph is a circle: a node was made from itself")
            stack += parents


def _named(v: Any, names: Iterable[str]) -> Any:
    """The first attribute of these names that is there and is no method; else None."""
    found = (getattr(v, name, None) for name in names)
    return next((x for x in found if x is not None and not callable(x)), None)


def _is_grad(v: Any) -> bool:
    missing = object()
    grad = getattr(v, "grad", missing)
    return grad is None or is_real(grad)


def _parents_of(v: Any) -> list[Any] | None:
    parents = _named(v, _PARENTS)
    if not isinstance(parents, (list, tuple, Set)):
        return None
    return _in_order(v, parents) if isinstance(parents, Set) else list(parents)


def _in_order(v: Any, parents: Set[Any]) -> list[Any]:
    """A set of parents as the closure that passes on holds them: `self`, then `other`."""
    back = getattr(v, "_backward", None)
    names = getattr(getattr(back, "__code__", None), "co_freevars", ())
    cells = dict(zip(names, getattr(back, "__closure__", None) or (), strict=False))
    held = [cells[name].cell_contents for name in ("self", "other") if name in cells]
    held = [x for x in held if x in parents]
    return held if len(set(held)) == len(parents) else list(parents)


def _adopted(v: Any, ours: Mapping[int, Value]) -> Value:
    """Our node for one of theirs, whose parents are adopted."""
    parents = [ours[id(p)] if id(p) in ours else constant(number(p)) for p in _parents_of(v) or ()]
    name, y = _named(v, _NAMES), number(v.data)
    if not parents:
        node = Value(y)
    else:
        op, operands = _operation(v, y, parents)
        x = [p.data for p in operands]
        right: Any = (None, None) if len(x) == 1 else (tuple(operands), tuple(x))
        node = operands[0]._result(op, y, x[0], *((operands[1], x[1]) if len(x) == 2 else right))
    node.name = name if isinstance(name, str) and name else None
    node.grad = 0.0 if v.grad is None else number(v.grad)
    return node


def _operation(v: Any, y: float, parents: list[Value]) -> tuple[Primitive, list[Value]]:
    """Our operation for that which made a node, and its operands."""
    text, known = _named(v, _OPS), _named(v, _SLOPES)
    text = text.strip().lower() if isinstance(text, str) else ""
    slopes = [number(s) for s in known] if isinstance(known, (list, tuple)) else None
    sign = next((sign for sign in ("**", "^", "pow") if text.startswith(sign)), text)
    said: tuple[Primitive, list[Value]] | None = None
    for name in [_SIGNS.get(sign, sign)] if text else _TRIED:
        if not text and len(parents) == 1 and name in _OF_TWO:
            continue  # a + 0 would do for every relu
        for op, operands in _candidates(name, text.removeprefix(sign), y, parents, slopes):
            if _fits(op, operands, y, slopes):
                return op, operands
            said = said or (op, operands)
    if said and text and slopes is None:  # what it says, though its number is another
        return said
    own = tuple(slopes or [math.nan] * len(parents))
    return Primitive(text or "?", lambda m, *x: y, lambda m, z, *x: own), parents


def _candidates(
    name: str, exponent: str, y: float, parents: list[Value], slopes: list[float] | None
) -> Iterator[tuple[Primitive, list[Value]]]:
    """The operations of this name on these parents, or on those that a set or a number hides."""
    op, (p, *others) = primitives.get(name), parents
    name = "pow" if name == "power" and others else name
    if name == "power" and not others:
        with suppress(ArithmeticError, ValueError):  # an exponent that cannot be told
            c = slopes[0] * p.data / y if slopes else math.log(y, p.data) if not exponent else 0.0
            yield primitives["power"].bind(c=float(exponent or round(c, 9))), parents
    elif name in _OF_TWO and len(others) <= 1:
        yield from ((primitives[name], list(pair)) for pair in permutations(parents, 2))
        if not others:
            yield primitives[name], [p, p]
            yield primitives[name], [p, constant(_OF_TWO[name](y, p.data))]
    elif (
        op is not None and not others and (name == "negative" or op.of_one is vars(Value).get(name))
    ):
        yield op, parents


def _fits(op: Primitive, operands: list[Value], y: float, slopes: list[float] | None) -> bool:
    """Whether the operation gives this number and these local derivatives."""
    x = [v.data for v in operands]
    found = [op.value(floats, *x, **op.constants)]
    if slopes is not None:
        found += op.slopes(floats, found[0], *x, **op.constants)
    return all(
        math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE**2) or (a != a and b != b)
        for a, b in zip(found, [y, *(slopes or [])], strict=False)
    )
