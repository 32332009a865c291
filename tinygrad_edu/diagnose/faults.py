"""Faulty engines: our own graph with a backward pass that has one slip, beside a student's."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.diagnose.equations import number_of
from tinygrad_edu.diagnose.rewrites import of_slopes, plausible
from tinygrad_edu.engine import Value, primitives, toposort
from tinygrad_edu.namespace import floats
from tinygrad_edu.vectorize.algebra import names

#: Functions of one number that students give their engines, by the names of their methods.
FUNCTIONS: Final = (
    "exp", "log", "tanh", "relu", "sigmoid", "sin", "cos", "sqrt", "softplus", "silu",
)  # fmt: skip
#: The operations of students' engines, and how they are written there.
SIGNS: Final = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "negative": "-",
} | dict(zip(FUNCTIONS, FUNCTIONS, strict=True))  # fmt: skip
#: Of these two operands, others of one.
OF_TWO: Final = ("add", "subtract", "multiply", "divide")
#: How the symbols of a slope are written in a student's class.
_LETTERS: Final = {
    "y": "out.data", "gy": "out.grad", "x1": "self.data", "g1": "self.grad", "x2": "other.data",
    "g2": "other.grad", "c": "c",
}  # fmt: skip


_Y, _X1, _X2, _C = map(expr.symbol, ("y", "x1", "x2", "c"))
#: Of each operation its slopes, as expressions of y, x1, x2 and c, the exponent.
SLOPES: Final[dict[str, tuple[Any, ...]]] = {
    **{name: primitives[name].slopes(expr, _Y, _X1, _X2) for name in OF_TWO},
    **{name: primitives[name].slopes(expr, _Y, _X1) for name in ("negative", *FUNCTIONS)},
    "power": (_C * expr.pow(_X1, _C - 1),),
}


@dataclass(frozen=True)
class Fault:
    """One slip: what a pass does otherwise, in the operations `ops` or in all of them.

    slopes    by operation other expressions of y, x1, x2, c (the exponent) and gradients gy, g1, g2
    chain     what is passed on, from the slope, the result and the operand
    give      the gradient of an operand, from what it was and what is passed on
    only      the number of the one operand that `chain` and `give` are for
    operands  the operands that the operation passes on to
    children  those of them that are visited further
    order     the results that pass on, one after the other, from the root and those of earlier
              passes; by default each once, after all that were made from it
    start     sets the gradient of the root
    """

    slip: str
    says: str
    ops: tuple[str, ...] = ()
    slopes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    chain: Callable[[float, Value, Value], float] = lambda slope, y, x: slope * y.grad
    give: Callable[[float, float], float] = operator.add
    only: int | None = None
    operands: Callable[[tuple[Value, ...]], Iterable[Value]] = tuple
    children: Callable[[tuple[Value, ...]], Iterable[Value]] = tuple
    order: Callable[..., Iterable[Value]] | None = None
    start: Callable[[Value], None] = lambda root: setattr(root, "grad", 1.0)

    @property
    def where(self) -> str:
        """The operations as they are written, or "backward()"."""
        return ", ".join(SIGNS[op] for op in (*self.ops, *self.slopes)) or "backward()"

    def engine(self) -> Callable[[Value], None]:
        """A backward pass with this slip, which remembers its earlier roots."""
        roots: list[Value] = []

        def backward(root: Value) -> None:
            roots.insert(0, root)
            self.start(root)
            for v in (self.order or self._sorted)(*roots):
                if v.op:
                    self._pass_on(v)

        return backward

    def _at(self, v: Value) -> "Fault":
        """The slip, if the operation of this result has it."""
        return RIGHT if self.ops and v.op and v.op.name not in self.ops else self

    def _sorted(self, root: Value, *_: Value) -> Iterable[Value]:
        """Every result once that is remembered, before what it was made from."""
        walk = {root: None}
        stack = [root]
        while stack:
            v = stack.pop()
            new = [p for p in self._at(v).children(v.parents) if p not in walk]
            walk.update(dict.fromkeys(new))
            stack += new
        return [v for v in reversed(toposort(root)) if v in walk]

    def _pass_on(self, v: Value) -> None:
        """Give each operand its share."""
        fault, op = self._at(v), v.op
        assert op is not None
        found: Iterable[float] = v.local_derivatives()
        if wrong := fault.slopes.get(op.name):
            numbers = {"y": v.data, "gy": v.grad, **op.constants}
            for i, p in enumerate(v.parents, 1):
                numbers |= {f"x{i}": p.data, f"g{i}": p.grad}
            found = [number_of(slope, numbers) for slope in wrong]
        for i, (p, slope) in enumerate(zip(fault.operands(v.parents), found, strict=False)):
            here = fault if fault.only in (i, None) else RIGHT
            p.grad = here.give(p.grad, here.chain(slope, v, p))


def _every_way(root: Value) -> Iterator[Value]:
    """A node as often as there are ways to it."""
    stack = [root]
    while stack:
        yield (v := stack.pop())
        stack += reversed(v.parents)


def _by_levels(root: Value, *_: Value) -> Iterator[Value]:
    walk = [root]
    for v in walk:
        yield v
        walk += [p for p in dict.fromkeys(v.parents) if p not in walk]


def _each_a_root(root: Value, *_: Value) -> Iterator[Value]:
    for v in _every_way(root):
        v.grad = 1.0
        yield v


def _and_then_starts(root: Value, *_: Value) -> Iterator[Value]:
    yield from reversed(toposort(root))
    root.grad = 1.0


def _by_number(root: Value, *_: Value) -> list[Value]:
    """Of nodes with equal numbers the one that is met first."""
    met: dict[float, Value] = {}
    for v in _every_way(root):
        met.setdefault(v.data, v)
    return [v for v in reversed(toposort(root)) if met[v.data] is v]


def _one_way(v: Value, k: int) -> Iterator[Value]:
    """A node, its operand k, the operand k of that, ..."""
    yield v
    while v.parents:
        v = v.parents[k]
        yield v


def _hung_on(root: Value, k: int) -> list[Value]:
    """What each operand k was told last; the result itself was told nothing."""
    told = {v.parents[k]: v for v in toposort(root)}
    return [told[v] for v in reversed(toposort(root, leaves=True)) if v in told]


#: No slip.
RIGHT: Final = Fault("", "")
# fmt: off
#: Slips that concern the walk over the graph.
WALKS: Final = (
    Fault("not started", "the pass does not set the grad of its root to 1", start=lambda v: None),
    Fault("not started", "the pass sets the grad of its root to 1 only after the walk", start=lambda v: None, order=_and_then_starts),
    Fault("term missing", "the root itself does not pass on", order=lambda root, *_: toposort(root)[-2::-1]),
    Fault("order", "the sorted list is walked from its beginning: turn it round, so that the root is first", order=lambda root, *_: toposort(root)),
    Fault("order", "a node passes on once for each way that leads to it: keep a set of the visited", order=lambda root, *_: _every_way(root)),
    Fault("order", "a node passes on when it is first met, before all of its gradient has arrived: sort the graph first", order=lambda root, *_: dict.fromkeys(_every_way(root))),
    Fault("order", "a node passes on level by level, before all of its gradient has arrived: sort the graph first", order=_by_levels),
    Fault("term missing", "nodes with equal numbers are taken for one: compare with `is`, or keep == and hash as they are", order=_by_number),
    Fault("term missing", "only the root passes on: what it was made from is not visited", order=lambda root, *_: [root]),
    Fault("term missing", "only the first operand is visited further", order=lambda root, *_: _one_way(root, 0)),
    Fault("term missing", "only the last operand is visited further", order=lambda root, *_: _one_way(root, -1)),
    Fault("overwritten", "the function that passes on belongs to the left operand, whose next use replaces it: it belongs to the result", order=lambda root, *_: _hung_on(root, 0)),
    Fault("overwritten", "the function that passes on belongs to the right operand, whose next use replaces it: it belongs to the result", order=lambda root, *_: _hung_on(root, -1)),
    Fault("not reset", "the pass starts with root.grad += 1: write root.grad = 1", start=lambda v: setattr(v, "grad", v.grad + 1)),
    Fault("not reset", "nodes of an earlier graph pass on again: let each pass have a list of its own", order=lambda *roots: reversed(toposort(*roots))),
)
#: Slips that operations share, or that one alone has.
CHAINS: Final = (
    Fault("overwritten", "= stands where += belongs", give=lambda old, new: new),
    Fault("sign", "-= stands where += belongs", give=operator.sub),
    Fault("factor missing", "the slope is passed on without the gradient of the result", chain=lambda slope, y, x: slope),
    Fault("factor doubled", "the gradient of the result is multiplied twice", chain=lambda slope, y, x: slope * y.grad * y.grad),
    Fault("wrong operand", "out.data stands where out.grad belongs", chain=lambda slope, y, x: slope * y.data),
    Fault("wrong operand", "the grad of the operand itself stands where out.grad belongs", chain=lambda slope, y, x: slope * x.grad),
    Fault("wrong slope", "the slope is added to the gradient of the result, not multiplied by it", chain=lambda slope, y, x: slope + y.grad),
    Fault("wrong slope", "the slope is divided by the gradient of the result, not multiplied by it", chain=lambda slope, y, x: floats.divide(slope, y.grad)),
    Fault("term missing", "of two equal operands one is remembered: a set has it once", operands=dict.fromkeys, children=dict.fromkeys),
)
#: A slip of the walk that a class with sums alone cannot tell from = for +=, which is commoner.
ALL_ROOTS: Final = Fault("overwritten", "each node that is visited sets its own grad to 1: only the root may", order=_each_a_root)
#: Slips of one operation, in what its result remembers.
MEMORIES: Final = (
    Fault("term missing", "the result does not remember what it was made from", children=lambda operands: ()),
    Fault("term missing", "the result remembers only its first operand", children=lambda operands: operands[:1]),
    Fault("term missing", "the result remembers only its last operand", children=lambda operands: operands[-1:]),
)
# fmt: on


def faults(of: Iterable[str]) -> Iterator[Fault]:
    """The slips that may be behind a graph of these operations, the simplest first."""
    ops = dict.fromkeys(of)
    yield from (*WALKS, *CHAINS, ALL_ROOTS)
    yield Fault("factor missing", "the gradient of the result is passed on without the slope",
                chain=lambda slope, y, x: y.grad)  # fmt: skip
    for op in ops:
        for fault in (*CHAINS, *MEMORIES):
            yield replace(fault, says=f"in {SIGNS[op]}, {fault.says}", ops=(op,))
    for op in ops:
        yield from of_operation(op)
        for i, which in enumerate(("self", "other") if op in OF_TWO else ()):
            for fault in CHAINS:
                says = f"in {SIGNS[op]}, for {which} {fault.says}"
                yield replace(fault, says=says, ops=(op,), only=i)
    if {"add", "multiply"} & ops.keys():
        swapped = {"add": SLOPES["multiply"], "multiply": SLOPES["add"]}
        yield Fault("wrong slope", "sum and product have each other's slopes", slopes=swapped)


def of_operation(op: str) -> Iterator[Fault]:
    """An operation with other slopes."""
    true, n = SLOPES[op], len(SLOPES[op])
    others = {"y": "gy", **{f"x{i + 1}": f"g{i + 1}" for i in range(n)}}
    found = [*of_slopes(true, _Y, others)]
    found += [
        ("wrong slope", slopes) for other, slopes in SLOPES.items()
        if other != op and len(slopes) == n and not {*names(slopes[0])} - {"y", "x1", "x2"}
    ]  # fmt: skip
    if n == 1 and op not in ("power", "negative"):
        twice = primitives[op].slopes(expr, primitives[op].value(expr, _Y), _Y)
        found.append(("slope at the wrong place", twice))
    if n == 1:
        found += [("wrong slope", (e,)) for e in plausible(*true)]
    for slip, wrong in found:
        written = [
            " stands where ".join(expr.show(e, letters=_LETTERS.__getitem__) for e in pair)
            for pair in zip(wrong, true, strict=True) if not expr.same(*pair)
        ]  # fmt: skip
        says = f"in {SIGNS[op]}, {' belongs and '.join(written)} belongs"
        yield Fault(slip, says, slopes={op: wrong})
