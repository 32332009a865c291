"""Tape: the graph of a function as plain data, its nodes numbered; sums of products as dots."""

import linecache
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, zip_longest
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import number
from tinygrad_edu.engine import Primitive, Value, primitives


class VectorizeError(ValueError):
    """A function has no program over arrays; the message says why, and a way out."""


WAY_OUT: Final = (
    "write the choice into the graph with where(step(z), a, b), maximum or relu, or train with "
    'engine="scalar"'
)
DIFFERENT: Final = (
    "the program and the scalar graph give different numbers: the function may treat a Value "
    "otherwise than a number, or an operation of your own compute something else for arrays than "
    f"for floats; write it with the functions of m alone, or {WAY_OUT}"
)


#: A shape of an argument: () a number, (n,) a row, (m, n) rows of a whole mini-batch.
Shape = tuple[int, ...]


def shape_of(x: Any) -> Shape:
    """() of a number, (n,) of a row, (m, n) of m rows. Raises VectorizeError for ragged rows."""
    if isinstance(x, (str, bytes)) or not isinstance(x, Iterable):
        return ()
    rows = list(x)
    shapes = {shape_of(row) for row in rows}
    if len(shapes) != 1:
        raise VectorizeError("the rows of an example differ in length, or it has none")
    return (len(rows), *shapes.pop())


def flat(x: Any) -> Iterator[float]:
    """The numbers of an argument, from left to right."""
    if isinstance(x, (str, bytes)) or not isinstance(x, Iterable):
        yield number(x, "an example")
    else:
        for row in x:
            yield from flat(row)


def nested(values: Iterator[Any], shape: Shape) -> Any:
    """The same numbers in rows again, as the shape has it."""
    if not shape:
        return next(values)
    return [nested(values, shape[1:]) for _ in range(shape[0])]


def as_values(example: Sequence[Any]) -> list[Any]:
    """An example with a plain Value in place of each number."""
    return [nested(map(Value, flat(x)), shape_of(x)) for x in example]


def disturbed(example: Sequence[Any]) -> list[Any]:
    """Another example of the same shape; whole numbers stay, they may be class numbers."""
    rng = random.Random(0)

    def moved(x: float) -> float:
        whole = not math.isfinite(x) or x == math.floor(x)
        return x if whole else x * rng.uniform(0.9, 1.1) + rng.uniform(-0.05, 0.05)

    return [nested(map(moved, flat(x)), shape_of(x)) for x in example]


class Line(NamedTuple):
    """A line of the user's program."""

    file: str
    number: int

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.number).strip()
        place = "the cell" if "ipykernel_" in self.file else self.file
        return f"line {self.number} of {place}" + (f": {text}" if text else "")


class Guard(NamedTuple):
    """A comparison that Python made while tracing: every example must have the same outcome."""

    sign: str
    left: int
    right: int
    outcome: bool
    line: Line

    def error(self, example: int) -> "VectorizeError":
        """That the outcome is another for an example."""
        return VectorizeError(
            f"{self.line}\n  compares numbers of the graph: the outcome was {self.outcome} when "
            f"the program was made and is {not self.outcome} for example {example}: {WAY_OUT}"
        )


@dataclass
class Tape:
    """A graph as data: node i has `records[i]` (None for a leaf) and parents, all before i.

    `inputs` gives for each argument the node of each of its numbers, `parameters` their names,
    `samples` the nodes of random numbers in the order they are drawn (-1 if unused), `results` the
    nodes that the function gives, in one list or, for a tuple, several. It holds no Value, so that
    it keeps no model alive.
    """

    records: list[Primitive | None] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    lines: list[Line | None] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    inputs: list[list[int]] = field(default_factory=list)
    parameters: dict[int, str | None] = field(default_factory=dict)
    constants: dict[int, float] = field(default_factory=dict)
    samples: list[int] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    results: list[list[int]] = field(default_factory=list)

    def add(self, record: Primitive | None, parents: tuple[int, ...], line: Line | None) -> int:
        """A further node, and its number."""
        self.records.append(record)
        self.parents.append(parents)
        self.lines.append(line)
        return len(self.records) - 1

    def record(self, i: int) -> Primitive:
        """The operation of a node that is no leaf."""
        record = self.records[i]
        assert record is not None
        return record

    def batched(self) -> list[bool]:
        """For each node whether its number differs from example to example."""
        drawn = [i for i in self.samples if i >= 0]
        return self.depending([*chain(*self.inputs), *drawn])

    def depending(self, on: Iterable[int]) -> list[bool]:
        """For each node whether it is one of these leaves, or made from one."""
        depends = [False] * len(self.records)
        for i in on:
            depends[i] = True
        for i, parents in enumerate(self.parents):
            if parents:
                depends[i] = any(depends[p] for p in parents)
        return depends

    @cached_property
    def is_of_package(self) -> bool:
        """Whether all operations are the package's own, which do the same for ever."""
        used = {id(record): record for record in self.records if record is not None}
        homes = {getattr(r.value, "__module__", None) or "" for r in used.values()}
        return {home.partition(".")[0] for home in homes} <= {__name__.partition(".")[0]}

    def structure(self) -> tuple[Any, ...]:
        """Everything the program depends on but the parameters themselves; hashable."""
        return (
            tuple(self.records),
            tuple(self.parents),
            tuple(self.shapes),
            tuple(map(tuple, self.inputs)),
            tuple(self.parameters.items()),
            tuple((i, repr(x)) for i, x in self.constants.items()),
            tuple(self.samples),
            tuple(guard[:4] for guard in self.guards),
            tuple(map(tuple, self.results)),
        )


def check_alike(tape: Tape, twin: Tape) -> None:
    """Raise VectorizeError, naming the line, unless two examples gave the same graph."""
    for guard, other in zip(tape.guards, twin.guards, strict=False):
        if guard[::3] != other[::3]:
            raise VectorizeError(
                f"{guard.line}\n  compares numbers of the graph: the outcome is "
                f"{guard.outcome} for one and {other.outcome} for another, so that no single "
                f"program is right for both: {WAY_OUT}"
            )
    if (tape.records, tape.parents) != (twin.records, twin.parents):
        both = [zip(t.records, t.parents, t.lines, strict=True) for t in (tape, twin)]
        nodes = zip_longest(*both, fillvalue=(None, (), None))
        line = next(a[2] or b[2] for a, b in nodes if a[:2] != b[:2])
        raise VectorizeError(
            f"{line or 'the function'}\n  makes another graph for another example: {WAY_OUT}"
        )
    for i in tape.constants | twin.constants:
        x, y = tape.constants.get(i), twin.constants.get(i)
        if repr(x) != repr(y):
            line = next((tape.lines[j] for j, p in enumerate(tape.parents) if i in p), None)
            raise VectorizeError(
                f"{line or 'the function'}\n  uses the number {x!r} for one example and {y!r} for "
                "another, and neither is part of the graph: make it an argument of the function, "
                'or a RandomLeaf if it is random, or train with engine="scalar"'
            )
    if tape.results != twin.results or len(tape.guards) != len(twin.guards):
        raise VectorizeError(f"the function does other things for another example: {WAY_OUT}")


_ADD, _MULTIPLY, _SUM, _DOT = (primitives[name] for name in ("add", "multiply", "sum", "dot"))
_SUMS: Final = (_ADD, _SUM)


def fuse_dots(tape: Tape) -> Tape:
    """The same graph with its sums of at least two products as dots.

    w1*x1 + w2*x2 + b, in whatever order it was added up, is one `dot` node. Products and sums that
    something else uses, and products with a constant, stay as they are.
    Nodes are numbered anew, equal constants are one node; parameters stay in their order.
    """
    uses = Counter(p for parents in tape.parents for p in parents)
    uses.update(i for nodes in tape.results for i in nodes)
    uses.update(side for guard in tape.guards for side in (guard.left, guard.right))
    sums, gone = _sums_of_products(tape, uses)
    same = {repr(tape.constants[i]): i for i in sorted(tape.constants, reverse=True)}
    if not sums and len(same) == len(tape.constants):
        return tape
    batched = tape.batched()
    new = Tape(shapes=tape.shapes)
    moved: dict[int, int] = {}
    for i, (record, parents, line) in enumerate(
        zip(tape.records, tape.parents, tape.lines, strict=True)
    ):
        if i in sums:
            products = [tape.parents[j] for j in sums[i] if j in gone]
            pairs = [(b, a) if batched[a] and not batched[b] else (a, b) for a, b in products]
            w, x = zip(*pairs, strict=True)
            others = [moved[j] for j in sums[i] if j not in gone]
            dot = tuple([moved[j] for j in (*w, *x)])
            if len(others) <= 1:
                moved[i] = new.add(_DOT, (*dot, *others), line)
            else:
                moved[i] = new.add(_SUM, (new.add(_DOT, dot, line), *others), line)
        elif i in tape.constants and (first := same[repr(tape.constants[i])]) != i:
            moved[i] = moved[first]
        elif i not in gone:
            moved[i] = new.add(record, tuple([moved[p] for p in parents]), line)
    new.inputs = [[moved[i] for i in row] for row in tape.inputs]
    new.parameters = {moved[i]: v for i, v in tape.parameters.items()}
    new.constants = {moved[i]: x for i, x in tape.constants.items()}
    new.samples = [moved.get(i, -1) for i in tape.samples]
    new.guards = [g._replace(left=moved[g.left], right=moved[g.right]) for g in tape.guards]
    new.results = [[moved[i] for i in nodes] for nodes in tape.results]
    return new


def _sums_of_products(tape: Tape, uses: Counter[int]) -> tuple[dict[int, list[int]], set[int]]:
    """The terms of each sum that becomes a dot, and the products and sums that vanish in one."""
    sums: dict[int, list[int]] = {}
    gone: set[int] = set()
    for i in range(len(tape.records) - 1, -1, -1):
        if tape.records[i] not in _SUMS or i in gone:
            continue
        terms: list[int] = []
        inner: list[int] = []
        stack = list(reversed(tape.parents[i]))
        while stack:
            j = stack.pop()
            if uses[j] == 1 and tape.records[j] in _SUMS:
                inner.append(j)
                stack.extend(reversed(tape.parents[j]))
            else:
                terms.append(j)
        products = [
            j
            for j in terms
            if uses[j] == 1
            and tape.records[j] is _MULTIPLY
            and not any(p in tape.constants for p in tape.parents[j])
        ]
        if len(products) >= 2:
            sums[i] = terms
            gone.update(inner, products)
    return sums, gone
