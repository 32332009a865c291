"""Tape: the graph of a function as plain data, its nodes numbered."""

import linecache
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.engine import Primitive, RandomLeaf, Value, primitives
from tinygrad_edu.engine.grouped import are_parameters, names_of


class VectorizeError(ValueError):
    """A function has no program over arrays; the message says why, and a way out."""


WAY_OUT: Final = (
    "write the choice into the graph with where(step(z), a, b), maximum or relu, or train with "
    'engine="scalar"'
)
OF_GRAD: Final = (
    "grad() differentiates where, maximum, relu, ... as they chose; take smooth functions, or "
    'train with engine="scalar"'
)
DOT: Final = primitives["dot"]
DIFFERENT: Final = (
    "the program and the scalar graph give different numbers: the function may treat a Value "
    "otherwise than a number, or an operation of your own compute something else for arrays than "
    f"for floats; write it with the functions of m alone, or {WAY_OUT}"
)


#: Nodes by their numbers: a range where these follow each other, which is compared in no time.
Row = tuple[int, ...] | range


def as_row(cells: Sequence[int]) -> Row:
    """The nodes as a range, if they are one."""
    if not isinstance(cells, range) and cells:
        run = range(cells[0], cells[0] + len(cells))
        return run if cells[-1] == run[-1] and list(cells) == list(run) else tuple(cells)
    return cells if isinstance(cells, range) else tuple(cells)


def has_flag(flags: bytearray, row: Sequence[int]) -> bool:
    """Whether a node of the row has its flag."""
    if isinstance(row, range):
        return flags.find(1, row.start, row.stop) >= 0
    return any([flags[i] for i in row])  # noqa: C419


def all_flagged(flags: bytearray, row: Row) -> bool:
    """Whether each node of the row has its flag."""
    if isinstance(row, range):
        return flags.find(0, row.start, row.stop) < 0
    return all([flags[i] for i in row])  # noqa: C419


#: A shape of an argument: () a number, (n,) a row, (m, n) rows of a whole mini-batch.
Shape = tuple[int, ...]


def _array(x: Any) -> Any:
    """The numbers of an argument. Raises VectorizeError for ragged rows."""
    try:
        array = np.asarray(x, dtype=float)
    except ValueError:
        array = np.empty(0)
    if not array.size:
        raise VectorizeError("the rows of an example differ in length, or it has none")
    return array


def shape_of(x: Any) -> Shape:
    """() of a number, (n,) of a row, (m, n) of m rows. Raises VectorizeError for ragged rows."""
    shape: Shape = _array(x).shape
    return shape


def flat(x: Any) -> list[float]:
    """The numbers of an argument, from left to right."""
    numbers: list[float] = _array(x).ravel().tolist()
    return numbers


def nested(values: Iterator[Any], shape: Shape) -> Any:
    """The same numbers in rows again, as the shape has it."""
    if not shape:
        return next(values)
    if len(shape) == 1:
        return list(islice(values, shape[0]))
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
    way_out: str

    def error(self, example: int) -> "VectorizeError":
        """That the outcome is another for an example."""
        return VectorizeError(
            f"{self.line}\n  compares numbers of the graph: the outcome was {self.outcome} when "
            f"the program was made and is {not self.outcome} for example {example}: {self.way_out}"
        )


@dataclass
class Tape:
    """A graph as data: node i has `records[i]` and parents, all before i, if it is no leaf.

    The parents of a `dot` are its rows (w, x, b), the same objects in all units that share them.
    `inputs` gives for each argument the node of each of its numbers, `parameters` have a 1,
    `samples` the nodes of random numbers in the order they are drawn (-1 if unused), `results` the
    nodes that the function gives, in one list or, for a tuple, several. It holds no Value, so that
    it keeps no model alive.
    """

    records: dict[int, Primitive] = field(default_factory=dict)
    parents: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    lines: dict[int, Line | None] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=list)
    inputs: list[Row] = field(default_factory=list)
    parameters: bytearray = field(default_factory=bytearray)
    names: list[str | None] = field(default_factory=list)
    constants: dict[int, float] = field(default_factory=dict)
    samples: list[int] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    results: list[list[int]] = field(default_factory=list)

    def add(self, record: Primitive, parents: tuple[Any, ...], line: Line | None) -> int:
        """A further result, and its number."""
        (i,) = self.add_leaves(1)
        self.records[i], self.parents[i], self.lines[i] = record, parents, line
        return i

    def add_leaves(self, n: int, names: Sequence[str | None] | None = None) -> range:
        """Further leaves, and their numbers; parameters where they have names."""
        start = len(self.names)
        self.names += [None] * n if names is None else names
        self.parameters.extend((b"\0" if names is None else b"\1") * n)
        return range(start, start + n)

    def operands(self, i: int) -> tuple[int, ...]:
        """The parents of a node one by one, those of a dot too."""
        rows = self.parents[i]
        return tuple(chain(*rows)) if self.records[i] is DOT else rows

    def batched(self) -> bytearray:
        """For each node whether its number differs from example to example."""
        leaves = bytearray(len(self.names))
        for i in chain(*self.inputs, [i for i in self.samples if i >= 0]):
            leaves[i] = True
        return self.depending(leaves)

    def depending(self, leaves: bytearray) -> bytearray:
        """For each node whether it is one of the flagged leaves, or made from one."""
        depends = leaves[:]
        for i in self.records:
            depends[i] = self.has_any(depends, i)
        return depends

    def has_any(self, flags: bytearray, i: int) -> bool:
        """Whether a parent of the node has its flag."""
        if self.records[i] is not DOT:
            return has_flag(flags, self.parents[i])
        return any([has_flag(flags, row) for row in self.parents[i]])  # noqa: C419

    def levels(self) -> list[list[int]]:
        """The results of operations by depth: the longest way from a leaf."""
        depth = [0] * len(self.names)
        deepest: dict[int, int] = {}  # of the rows of dots
        found: list[list[int]] = []
        for i in self.records:
            parents = self.parents[i]
            if self.records[i] is DOT:
                for row in parents:
                    if id(row) not in deepest:
                        inside = isinstance(row, range)
                        of_row = depth[row.start : row.stop] if inside else [depth[p] for p in row]
                        deepest[id(row)] = max(of_row, default=0)
                depth[i] = d = 1 + max([deepest[id(row)] for row in parents])
            else:
                depth[i] = d = 1 + max([depth[p] for p in parents])
            if d > len(found):
                found.append([])
            found[d - 1].append(i)
        return found

    @cached_property
    def is_of_package(self) -> bool:
        """Whether all operations are the package's own, which do the same for ever."""
        used = {id(record): record for record in self.records.values()}
        homes = {getattr(r.value, "__module__", None) or "" for r in used.values()}
        return {home.partition(".")[0] for home in homes} <= {__name__.partition(".")[0]}

    def structure(self) -> tuple[Any, ...]:
        """Everything the program depends on but the parameters themselves; hashable."""
        return (
            tuple(self.records.items()),
            tuple(self.parents.values()),
            tuple(self.shapes),
            tuple(self.inputs),
            bytes(self.parameters),
            tuple(self.names),
            tuple((i, repr(x)) for i, x in self.constants.items()),
            tuple(self.samples),
            tuple(guard[:4] for guard in self.guards),
            tuple(map(tuple, self.results)),
        )


class Recording(NamedTuple):
    """A tape that grows, and the Value of each of its nodes.

    `known` are the nodes by their Values, `rows` those of groups of operands, by their ids. `units`
    are groups of parameters that stand in no other group and nowhere alone, such as the weights of
    a unit: these are entered all at once. None where there are none that are like that.
    """

    tape: Tape
    values: list[Value]
    known: dict[Value, int]
    rows: dict[int, Row]
    units: dict[tuple[Value, ...], Row] | None

    @property
    def leaves(self) -> set[Value]:
        """The parameters, once `forget` was called."""
        return set(chain(self.known, *self.units or ()))

    @property
    def is_right(self) -> bool:
        """Whether the leaves of units are named just once."""
        leaves = set(chain(*self.units or ()))
        return len(leaves) == sum(map(len, self.units or ())) and leaves.isdisjoint(self.known)

    def enter(self, v: Value) -> int:
        """The node of a leaf, or of a result whose graph is entered."""
        i = self.known.get(v)
        if i is None:
            is_parameter = v.kind != "constant" and not isinstance(v, RandomLeaf)
            self.known[v] = i = self.tape.add_leaves(1, [v.name] if is_parameter else None)[0]
            self.values.append(v)
            if v.kind == "constant":
                self.tape.constants[i] = v.data
        return i

    def row(self, group: tuple[Value, ...]) -> Row:
        """The nodes of a group of operands."""
        row = self.rows.get(id(group))
        if row is None and self.units is not None and group and are_parameters(group):
            row = self.units.get(group)
            if row is None:
                row = self.units[group] = self.tape.add_leaves(len(group), names_of(group))
                self.values.extend(group)
        if row is None:
            row = as_row([self.enter(v) for v in group])
        self.rows[id(group)] = row
        return row

    def forget(self) -> None:
        """Keep of `known` the parameters alone, which are the same Values in another run."""
        tape = self.tape
        drawn = [i for i in tape.samples if i >= 0]
        for i in chain(*tape.inputs, tape.records, tape.constants, drawn):
            self.known.pop(self.values[i], None)
