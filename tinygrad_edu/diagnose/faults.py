"""Faulty engines: small ones with one slip each, whose numbers are compared with a student's."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.diagnose.slope_rewrites import (
    OF_TWO,
    SIGNS,
    SLOPES,
    Rewrite,
    Slopes,
    evaluate,
    plausible,
    rewrites,
    symbols,
    written_slope,
)
from tinygrad_edu.engine import primitives
from tinygrad_edu.namespace import floats


@dataclass(frozen=True)
class Fault:
    """One slip: what an engine does otherwise, in the operations `ops` or in all of them.

    slopes    by operation other expressions of y, x1, x2, c (the exponent) and gradients gy, g1, g2
    chain     what is passed on, from the slope, the result and the operand
    give      the gradient of an operand, from what it was and what is passed on
    only      the number of the one operand that `chain` and `give` are for
    operands  the operands that the operation passes on to
    children  those of them that are visited further
    order     the results that pass on, one after the other, from the root
    start     sets the gradient of the root
    """

    slip: str
    says: str
    ops: tuple[str, ...] = ()
    slopes: Mapping[str, Slopes] = field(default_factory=dict)
    chain: Callable[[float, "Number", "Number"], float] = lambda slope, y, x: slope * y.grad
    give: Callable[[float, float], float] = operator.add
    only: int | None = None
    operands: Callable[[tuple["Number", ...]], Iterable["Number"]] = tuple
    children: Callable[[tuple["Number", ...]], Iterable["Number"]] = tuple
    order: Callable[["Number"], Iterable["Number"]] = field(
        default_factory=lambda: lambda root: reversed(sorted_from(root))
    )
    start: Callable[["Number"], None] = lambda root: setattr(root, "grad", 1.0)

    @property
    def where(self) -> str:
        """The operations as they are written, or "backward()"."""
        ops = [SIGNS.get(op, op) for op in (*self.ops, *self.slopes)]
        return ", ".join(ops) or "backward()"

    def engine(self) -> Callable[[float], "Number"]:
        """A class, so to say, of numbers with this slip."""
        world = _World(self)
        return lambda x: Number(x, world)


class _World:
    """What all numbers of an engine share: its slip, and the results that were ever made."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.made: list[Number] = []


class Number:
    """A number of a faulty engine, with the operators and functions of a `Value`."""

    def __init__(
        self, data: float, world: _World, op: str = "", operands: tuple["Number", ...] = (),
        c: float | None = None,
    ) -> None:  # fmt: skip
        self.data, self.world = data, world
        self.grad: float = 0.0
        self.op, self.operands, self.c = op, operands, c

    def _make(self, op: str, *operands: Any, c: float | None = None) -> "Number":
        numbers = [v if isinstance(v, Number) else Number(float(v), self.world) for v in operands]
        constants = {} if c is None else {"c": c}
        y = primitives[op].value(floats, *[v.data for v in numbers], **constants)
        result = Number(y, self.world, op, tuple(numbers), c)
        self.world.made.append(result)
        return result

    def backward(self) -> None:
        """Set gradients, as this engine does it."""
        fault = self.world.fault
        fault.start(self)
        for v in fault.order(self):
            v.pass_on()

    @property
    def fault(self) -> Fault:
        """The slip, if this operation has it."""
        fault = self.world.fault
        return _NONE if fault.ops and self.op not in fault.ops else fault

    @property
    def children(self) -> tuple["Number", ...]:
        """What the walk visits after this number."""
        return tuple(self.fault.children(self.operands))

    def pass_on(self) -> None:
        """Give each operand its share; a leaf has none to give."""
        if not self.op:
            return
        fault = self.fault
        slopes = fault.slopes.get(self.op, SLOPES[self.op])
        env = {"y": self.data, "gy": self.grad, "c": self.c or 0.0}
        for i, v in enumerate(self.operands, 1):
            env |= {f"x{i}": v.data, f"g{i}": v.grad}
        found = [evaluate(slope, env) for slope in slopes]
        for i, (v, slope) in enumerate(zip(fault.operands(self.operands), found, strict=False)):
            here = fault if fault.only in (i, None) else _NONE
            v.grad = here.give(v.grad, here.chain(slope, self, v))

    # fmt: off
    def __add__(self, other: Any) -> "Number":      return self._make("add", self, other)
    def __sub__(self, other: Any) -> "Number":      return self._make("subtract", self, other)
    def __mul__(self, other: Any) -> "Number":      return self._make("multiply", self, other)
    def __truediv__(self, other: Any) -> "Number":  return self._make("divide", self, other)
    def __pow__(self, c: float) -> "Number":        return self._make("power", self, c=c)
    def __neg__(self) -> "Number":                  return self._make("negative", self)
    def __radd__(self, other: Any) -> "Number":     return self._make("add", other, self)
    def __rsub__(self, other: Any) -> "Number":     return self._make("subtract", other, self)
    def __rmul__(self, other: Any) -> "Number":     return self._make("multiply", other, self)
    def __rtruediv__(self, other: Any) -> "Number": return self._make("divide", other, self)
    # fmt: on

    def __getattr__(self, name: str) -> Callable[[], "Number"]:
        if name not in primitives:
            raise AttributeError(name)
        return lambda: self._make(name, self)


def sorted_from(root: Number) -> list[Number]:
    """Every result once, after what it was made from."""
    order: dict[Number, None] = {}
    stack = [(root, False)]
    while stack:
        v, done = stack.pop()
        if done:
            order.setdefault(v)
        elif v not in order:
            stack += [(v, True), *[(p, False) for p in reversed(v.children)]]
    return list(order)


def _every_way(root: Number) -> Iterator[Number]:
    """A node as often as there are ways to it."""
    stack = [root]
    while stack:
        yield (v := stack.pop())
        stack += reversed(v.children)


def _when_first_met(root: Number) -> Iterator[Number]:
    return iter(dict.fromkeys(_every_way(root)))


def _by_levels(root: Number) -> Iterator[Number]:
    walk = [root]
    for v in walk:
        yield v
        walk += [p for p in dict.fromkeys(v.children) if p not in walk]


def _each_a_root(root: Number) -> Iterator[Number]:
    for v in _every_way(root):
        v.grad = 1.0
        yield v


def _and_then_starts(root: Number) -> Iterator[Number]:
    yield from reversed(sorted_from(root))
    root.grad = 1.0


def _by_number(root: Number) -> list[Number]:
    """Of nodes with equal numbers the one that is met first."""
    met: dict[float, Number] = {}
    for v in _every_way(root):
        met.setdefault(v.data, v)
    return [v for v in reversed(sorted_from(root)) if met[v.data] is v]


def _one_way(k: int) -> Callable[[Number], Iterator[Number]]:
    def walk(v: Number) -> Iterator[Number]:
        yield v
        while v.children:
            v = v.children[k]
            yield v

    return walk


def _hung_on(k: int) -> Callable[[Number], Iterator[Number]]:
    """What each operand was told last; the result itself was told nothing."""

    def walk(root: Number) -> Iterator[Number]:
        told = {v.operands[k]: v for v in root.world.made}
        return (told[v] for v in reversed(sorted_from(root)) if v in told)

    return walk


_NONE: Final = Fault("", "")
#: Slips that concern the walk over the graph.
WALKS: Final = (
    Fault("not started", "the pass does not set the grad of its root to 1", start=lambda v: None),
    Fault("not started", "the pass sets the grad of its root to 1 only after the walk",
          start=lambda v: None, order=_and_then_starts),
    Fault("term missing", "the root itself does not pass on",
          order=lambda root: sorted_from(root)[-2::-1]),
    Fault("order", "the sorted list is walked from its beginning: turn it round, so that the root "
          "is first", order=sorted_from),
    Fault("order", "a node passes on once for each way that leads to it: keep a set of the visited",
          order=_every_way),
    Fault("order", "a node passes on when it is first met, before all of its gradient has arrived: "
          "sort the graph first", order=_when_first_met),
    Fault("order", "a node passes on level by level, before all of its gradient has arrived: sort "
          "the graph first", order=_by_levels),
    Fault("overwritten", "each node that is visited sets its own grad to 1: only the root may",
          order=_each_a_root),
    Fault("term missing", "nodes with equal numbers are taken for one: compare with `is`, or keep "
          "== and hash as they are", order=_by_number),
    Fault("term missing", "only the root passes on: what it was made from is not visited",
          order=lambda root: [root]),
    Fault("term missing", "only the first operand is visited further", order=_one_way(0)),
    Fault("term missing", "only the last operand is visited further", order=_one_way(-1)),
    Fault("overwritten", "the function that passes on belongs to the left operand, where the next "
          "use of that operand replaces it: it belongs to the result", order=_hung_on(0)),
    Fault("overwritten", "the function that passes on belongs to the right operand, where the next "
          "use of that operand replaces it: it belongs to the result", order=_hung_on(-1)),
    Fault("not reset", "the pass starts with root.grad += 1: write root.grad = 1",
          start=lambda v: setattr(v, "grad", v.grad + 1)),
    Fault("not reset", "nodes of an earlier graph pass on again: let each pass have a list of its "
          "own", order=lambda root: reversed(root.world.made)),
)  # fmt: skip
#: Slips that operations share, or that one alone has.
CHAINS: Final = (
    Fault("overwritten", "= stands where += belongs", give=lambda old, new: new),
    Fault("sign", "-= stands where += belongs", give=operator.sub),
    Fault("factor missing", "the slope is passed on without the gradient of the result",
          chain=lambda slope, y, x: slope),
    Fault("factor doubled", "the gradient of the result is multiplied twice",
          chain=lambda slope, y, x: slope * y.grad * y.grad),
    Fault("wrong operand", "out.data stands where out.grad belongs",
          chain=lambda slope, y, x: slope * y.data),
    Fault("wrong operand", "the grad of the operand itself stands where out.grad belongs",
          chain=lambda slope, y, x: slope * x.grad),
    Fault("wrong slope", "the slope is added to the gradient of the result, not multiplied by it",
          chain=lambda slope, y, x: slope + y.grad),
    Fault("wrong slope", "the slope is divided by the gradient of the result, not multiplied by it",
          chain=lambda slope, y, x: floats.divide(slope, y.grad)),
    Fault("term missing", "of two equal operands one is remembered: a set has it once",
          operands=dict.fromkeys, children=dict.fromkeys),
)  # fmt: skip
#: Slips of one operation, in what its result remembers.
MEMORIES: Final = (
    Fault("term missing", "the result does not remember what it was made from",
          children=lambda operands: ()),
    Fault("term missing", "the result remembers only its first operand",
          children=lambda operands: operands[:1]),
    Fault("term missing", "the result remembers only its last operand",
          children=lambda operands: operands[-1:]),
)  # fmt: skip


def faults(of: Iterable[str]) -> Iterator[Fault]:
    """The slips that may be behind a graph of these operations, the simplest first."""
    ops = {op: SIGNS.get(op, op) for op in of}
    yield from WALKS
    yield from CHAINS
    yield Fault("factor missing", "the gradient of the result is passed on without the slope",
                chain=lambda slope, y, x: y.grad)  # fmt: skip
    for op, name in ops.items():
        for fault in (*CHAINS, *MEMORIES):
            yield replace(fault, says=f"in {name}, {fault.says}", ops=(op,))
    for op, name in ops.items():
        yield from of_operation(op)
        for i, which in enumerate(("self", "other") if op in OF_TWO else ()):
            for fault in CHAINS:
                yield replace(fault, says=f"in {name}, for {which} {fault.says}", ops=(op,), only=i)
    if {"add", "multiply"} & ops.keys():
        swapped = {"add": SLOPES["multiply"], "multiply": SLOPES["add"]}
        yield Fault("wrong slope", "sum and product have each other's slopes", slopes=swapped)


def of_operation(op: str) -> Iterator[Fault]:
    """An operation with other slopes."""
    true, n = SLOPES[op], len(SLOPES[op])
    operands = [f"x{i + 1}" for i in range(n)]
    others = {"y": "gy", **{x: x.replace("x", "g") for x in operands}}
    y = expr.symbol("y")
    found = [*rewrites(true, y, others)]
    found += [
        Rewrite("wrong slope", slopes) for other, slopes in SLOPES.items()
        if other != op and len(slopes) == n and not symbols(slopes[0]) - {"y", "x1", "x2"}
    ]  # fmt: skip
    if n == 1 and op not in ("power", "negative"):
        twice = primitives[op].slopes(expr, primitives[op].value(expr, y), y)
        found.append(Rewrite("slope at the wrong place", twice))
    if n == 1:
        found += plausible(true)
    for slip, wrong in found:
        written = [
            f"{written_slope(a)} stands where {written_slope(b)} belongs"
            for a, b in zip(wrong, true, strict=True) if not expr.same(a, b)
        ]  # fmt: skip
        says = f"in {SIGNS.get(op, op)}, {' and '.join(written)}"
        yield Fault(slip, says, slopes={op: wrong})
