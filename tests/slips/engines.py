"""Learners' own classes `Value`: 30 with a slip each, and 10 right ones, in the three styles.

A class is a style with one part written otherwise. What is asked of the right ones: the derivatives
of a fresh graph, with gradients at 0 before. Some add up over several passes and some start anew;
micrograd itself also adds to the gradients inside a graph that is passed twice.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from slips.styles import (
    ALL,
    LECTURE,
    MICROGPT,
    MICROGRAD,
    SLOPES,
    Base,
    Closures,
    Locals,
    Tape,
    operands_of,
    sorted_from,
)


# Parts written otherwise.
def _assign(*ops: str) -> dict[str, Any]:
    def give(self: Any, op: str, operand: Any, amount: Any) -> None:
        operand.grad = amount if not ops or op in ops else operand.grad + amount

    return {"_give": give}


def _without_upper(*ops: str) -> dict[str, Any]:
    return {
        "_chain": lambda self, op, slope, out: slope if not ops or op in ops else slope * out.grad
    }


def _walk(nodes: Callable[[Any], Iterable[Any]]) -> dict[str, Any]:
    """A walk that sets the root to 1 and passes on at these nodes."""

    def backward(self: Any) -> None:
        self.grad = 1.0
        for v in nodes(self):
            v._backward() if isinstance(v, Closures) else v._pass_on()

    return {"backward": backward}


def _broad(root: Any) -> Iterable[Any]:
    """Level by level, each node where it is met first."""
    queue, seen = [root], {root}
    while queue:
        yield (v := queue.pop(0))
        for child in v._children:
            if child not in seen:
                seen.add(child)
                queue.append(child)


def _every_path(root: Any) -> Iterable[Any]:
    """A node as often as there are ways to it."""
    yield root
    for child in root._prev:
        yield from _every_path(child)


def _first_operands(root: Any) -> Iterable[Any]:
    while root is not None:
        yield root
        root = root._children[0] if root._children else None


def _kept_lists() -> dict[str, Any]:
    """`def build(v, topo=[], visited=set())`: the lists live as long as the class."""
    topo: list[Any] = []
    visited: set[Any] = set()

    def build(v: Any) -> None:
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            topo.append(v)

    def backward(self: Any) -> None:
        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()

    return {"backward": backward}


def _seeded_by_adding(self: Any) -> None:
    self.grad += 1.0
    for v in reversed(sorted_from(self, "_children")):
        v._pass_on()


def _one_of_two_equal(self: Any, out: Any, op: str, operands: tuple[Any, ...]) -> None:
    Locals._record(self, out, op, operands)
    out._children = tuple(dict.fromkeys(out._children))


def _along_the_tape(self: Any) -> None:
    self._start()
    for out, op, operands in self.tape:
        for v, slope in zip(operands_of(operands), self.slopes[op](out, *operands), strict=True):
            v.grad += slope * out.grad


def _start_of_root_only(self: Any) -> None:
    self.grad = 1.0


def _method(op: str) -> Callable[[Any], Any]:
    return lambda self: self._make(op, self)


class Engine(NamedTuple):
    """A class, the name of its slip ("" for a right one), and what its writer did."""

    value: type
    slip: str
    says: str
    also: tuple[str, ...] = ()


def _engine(
    style: type, slip: str, says: str, *also: str, has: tuple[str, ...] = ALL,
    slopes: dict[str, Any] | None = None, **parts: Any,
) -> Engine:  # fmt: skip
    body = {op: _method(op) for op in ("exp", "log", "tanh", "relu") if op in has}
    body |= {"has": has, "slopes": SLOPES | (slopes or {}), "tape": []} | parts
    return Engine(type("Value", (style,), body), slip, says, also)


# fmt: off
BROKEN = [
    _engine(Closures, "overwritten", "= for += everywhere.", has=LECTURE, **_assign()),
    _engine(Closures, "overwritten", "= for += in the product.", has=MICROGRAD, **_assign("*")),
    _engine(Closures, "overwritten", "= for += in tanh and exp.",
            has=LECTURE, **_assign("tanh", "exp")),
    _engine(Closures, "overwritten", "_backward is hung on the left operand, not on the result.",
            "wrong operand", has=MICROGRAD, _holder=lambda self, out: self),
    _engine(Closures, "wrong operand", "A factor takes its own data, not the other's.",
            has=MICROGRAD, slopes={"*": lambda y, a, b: (a.data, b.data)}),
    _engine(Closures, "wrong operand", "The product takes grad for data.",
            has=LECTURE, slopes={"*": lambda y, a, b: (b.grad, a.grad)}),
    _engine(Closures, "wrong operand", "Both lines of the product add to self.",
            has=MICROGRAD, slopes={"*": lambda y, a, b: (b.data + a.data, 0.0)}),
    _engine(Closures, "wrong operand", "exp passes on its argument, not its value.",
            "value for slope", has=LECTURE, slopes={"exp": lambda y, a: (a.data,)}),
    _engine(Closures, "factor missing", "The sum sets 1, whatever comes from above.",
            has=LECTURE, **_without_upper("+")),
    _engine(Closures, "slope at the wrong place", "1 - x^2 for tanh, with x the argument.",
            "wrong operand", has=LECTURE, slopes={"tanh": lambda y, a: (1 - a.data**2,)}),
    _engine(Closures, "slope at the wrong place", "relu asks whether the gradient is positive.",
            "wrong operand", has=MICROGRAD, slopes={"relu": lambda y, a: (float(a.grad > 0),)}),
    _engine(Closures, "wrong slope", "The exponent is not lowered.",
            has=MICROGRAD, slopes={"**": lambda y, a, c: (c * a.data**c,)}),
    _engine(Closures, "wrong slope", "Sum and product have each other's slopes.",
            has=LECTURE, slopes={"+": SLOPES["*"], "*": SLOPES["+"]}),
    _engine(Closures, "order", "The sorted list is not turned round.",
            has=MICROGRAD, **_walk(lambda root: sorted_from(root, "_prev"))),
    _engine(Closures, "order", "Recursion without a record of what was visited.",
            "factor doubled", has=LECTURE, **_walk(_every_path)),
    _engine(Closures, "not reset", "The lists of the sort are default arguments.",
            has=MICROGRAD, **_kept_lists()),
    _engine(Locals, "overwritten", "child.grad = local * v.grad.", has=MICROGPT, **_assign()),
    _engine(Locals, "term missing", "The children are a set: x * x has one.",
            "overwritten", has=MICROGPT, _record=_one_of_two_equal),
    _engine(Locals, "sign", "The quotient has + a / b^2 for its divisor.",
            has=ALL, slopes={"/": lambda y, a, b: (1 / b.data, a.data / b.data**2)}),
    _engine(Locals, "factor missing", "relu lets everything through.",
            "wrong slope", has=MICROGPT, slopes={"relu": lambda y, a: (1.0,)}),
    _engine(Locals, "wrong operand", "log passes 1 / its value.",
            has=MICROGPT, slopes={"log": lambda y, a: (1 / y.data,)}),
    _engine(Locals, "factor missing", "The walk adds local gradients, without the one from above.",
            has=MICROGPT, **_without_upper()),
    _engine(Locals, "term missing", "Only the first operand is visited further.",
            has=MICROGPT, **_walk(_first_operands)),
    _engine(Locals, "order", "Level by level: a node is passed before all has arrived.",
            has=MICROGPT, **_walk(_broad)),
    _engine(Locals, "not reset", "The root is started with += 1.",
            has=MICROGPT, backward=_seeded_by_adding),
    _engine(Tape, "order", "The tape is walked from its start.", has=ALL, backward=_along_the_tape),
    _engine(Tape, "not reset", "What an earlier graph left on the tape is added again.",
            has=ALL, _start=_start_of_root_only),
    _engine(Tape, "value for slope", "tanh passes on its value.",
            has=ALL, slopes={"tanh": lambda y, a: (y.data,)}),
    _engine(Tape, "factor doubled", "The operation multiplies by the gradient, and the walk again.",
            has=ALL, _chain=lambda self, op, slope, out: slope * out.grad * out.grad),
    _engine(Tape, "sign", "The difference has slope 1 on both sides.",
            has=ALL, slopes={"-": lambda y, a, b: (1.0, 1.0)}),
]
# fmt: on


def _by_stack(root: Any, inputs: str) -> list[Any]:
    """The same order without recursion."""
    order, stack, seen = [], [(root, False)], set()
    while stack:
        v, done = stack.pop()
        if done:
            order.append(v)
        elif v not in seen:
            seen.add(v)
            stack.append((v, True))
            stack.extend((child, False) for child in getattr(v, inputs))
    return order[::-1]


def _when_all_has_arrived(root: Any) -> Iterable[Any]:
    """A node is passed when every use of it has been."""
    uses: dict[Any, int] = {}
    for v in sorted_from(root, "_children"):
        for child in v._children:
            uses[child] = uses.get(child, 0) + 1
    ready = [root]
    while ready:
        yield (v := ready.pop())
        for child in v._children:
            uses[child] -= 1
            if not uses[child]:
                ready.append(child)


def _along_paths(self: Any, upper: float = 1.0) -> None:
    """Each way from the root brings its own product: right, and slow."""
    self.grad += upper
    for child, slope in zip(self._children, self._local_grads, strict=True):
        child.backward(upper * slope)


def _fresh(self: Any) -> None:
    """All gradients of the graph start at 0."""
    order = sorted_from(self, "_prev")
    for v in order:
        v.grad = 0.0
    Closures.backward(self)


# fmt: off
RIGHT = [
    _engine(Closures, "", "micrograd.", has=MICROGRAD),
    _engine(Closures, "", "Sum and product, nothing else.", has=("+", "*")),
    _engine(Closures, "", "Without recursion.", has=ALL, **_walk(lambda v: _by_stack(v, "_prev"))),
    _engine(Closures, "", "Every pass starts at 0.", has=LECTURE, backward=_fresh),
    _engine(Locals, "", "microgpt.", has=MICROGPT),
    _engine(Locals, "", "Uses are counted down.", has=MICROGPT, **_walk(_when_all_has_arrived)),
    _engine(Locals, "", "Path by path.", has=LECTURE, backward=_along_paths),
    _engine(Locals, "", "NumPy's numbers.",
            has=ALL, _lift=lambda self, v: v if isinstance(v, Base) else type(self)(np.float64(v))),
    _engine(Tape, "", "A tape.", has=ALL),
    _engine(Tape, "", "tanh as 1 / cosh^2, the quotient by its value.", has=ALL, slopes={
        "tanh": lambda y, a: (1 / math.cosh(a.data) ** 2,),
        "/": lambda y, a, b: (1 / b.data, -y.data / b.data)}),
]
# fmt: on
