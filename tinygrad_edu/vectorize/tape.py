"""Tape: the graph of a function as plain data, its nodes numbered, and how one is recorded.

A function is run on the Values of an example, traced: a node is kept with the line of the user's
program that made it, and whatever a graph cannot hold is refused, or becomes a `Guard`.
"""

import itertools
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_real, number
from tinygrad_edu.engine import Primitive, RandomLeaf, Value, constant, modes, toposort
from tinygrad_edu.engine.value import compare
from tinygrad_edu.vectorize.errors import WAY_OUT, VectorizeError

#: A shape of an argument: () a number, (n,) a row, (m, n) rows of a whole mini-batch.
Shape = tuple[int, ...]

_PACKAGE: Final = __name__.partition(".")[0]


class Line(NamedTuple):
    """A line of the user's program."""

    code: CodeType
    number: int

    def __str__(self) -> str:
        file = self.code.co_filename
        text = linecache.getline(file, self.number).strip()
        place = "the cell" if "ipykernel_" in file else file
        return f"line {self.number} of {place}" + (f": {text}" if text else "")


class Guard(NamedTuple):
    """A comparison that Python made while tracing: every example must have the same outcome."""

    sign: str
    left: int
    right: int
    outcome: bool
    line: Line


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

    def batched(self) -> list[bool]:
        """For each node whether its number differs from example to example."""
        drawn = [i for i in self.samples if i >= 0]
        return self.depending([*itertools.chain(*self.inputs), *drawn])

    def depending(self, on: Iterable[int]) -> list[bool]:
        """For each node whether it is one of these leaves, or made from one."""
        found = [False] * len(self.records)
        for i in on:
            found[i] = True
        for i, parents in enumerate(self.parents):
            if parents:
                found[i] = any(found[p] for p in parents)
        return found

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


class Recorder:
    """The tracer of a function: lines of nodes, comparisons, and numbers for random leaves.

    The engine calls it with the name of an event, which is that of a method, the Value, and what
    the method takes besides.
    """

    def __init__(self, numbers: Iterable[float] | None = None) -> None:
        self.lines: dict[Value, Line] = {}
        self.comparisons: list[tuple[str, Value, Value | float, bool, Line]] = []
        self.samples: list[RandomLeaf] = []
        self.numbers = itertools.repeat(0.5) if numbers is None else iter(numbers)

    def __call__(self, event: str, v: Value, *details: Any) -> Any:
        """What the method of the event answers."""
        return getattr(self, event)(v, *details)

    def made(self, v: Value, recorded: bool) -> None:
        """Note the line of a node. Raises VectorizeError under `no_grad`."""
        line = user_line()
        if not recorded and any(p.kind != "constant" for p in v.parents):
            raise VectorizeError(
                f"{line}\n  runs inside no_grad(), which cuts the graph that a program is made of: "
                "take no_grad() out of the function"
            )
        self.lines[v] = line

    def read(self, v: Value) -> None:
        """Raise VectorizeError: a program has no single number to read."""
        if v.kind != "constant":
            raise VectorizeError(
                f"{user_line()}\n  reads the number of a Value (v.data or v.grad), which a program "
                f"for all examples does not have: {WAY_OUT}"
            )

    def compared(self, v: Value, sign: str, other: Value | float, outcome: bool) -> None:
        """Note a comparison, which becomes a guard."""
        self.comparisons.append((sign, v, other, outcome, user_line()))

    def drawn(self, v: RandomLeaf) -> float:
        """The number for a new random leaf."""
        self.samples.append(v)
        return next(self.numbers)


class Lenient(Recorder):
    """Fixed numbers for samples, and nothing refused."""

    def made(self, v: Value, recorded: bool) -> None:
        """Note nothing."""

    def read(self, v: Value) -> None:
        """Allow it."""

    def compared(self, v: Value, sign: str, other: Value | float, outcome: bool) -> None:
        """Note nothing."""


class Input(Value):
    """A number of an example; `y == 1`, which asks for identity elsewhere, compares numbers."""

    __slots__ = ()

    def __hash__(self) -> int:
        self._looked_at()
        return object.__hash__(self)

    def __format__(self, spec: str) -> str:
        self._looked_at()
        return super().__format__(spec)

    def _looked_at(self) -> None:
        """Looking a number up, in a set, a dict or as text, is reading it."""
        modes.tell("read", self)

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Value) or not is_real(other):
            return NotImplemented
        return compare("equal", self, float(other))  # type: ignore[arg-type]


class Recording(NamedTuple):
    """A tape, and the Values of its nodes."""

    tape: Tape
    nodes: dict[Value, int]
    samples: list[RandomLeaf]
    results: list[list[Value]]

    @property
    def parameters(self) -> dict[int, Value]:
        """The Values of the parameters by node."""
        return {i: v for v, i in self.nodes.items() if i in self.tape.parameters}


def record(
    fn: Callable[..., Any],
    example: Sequence[Any],
    samples: Iterable[float] | None = None,
) -> Recording:
    """The graph of `fn` on an example: numbers, rows of numbers, or rows of rows.

    `samples` are the numbers that samples draw.
    """
    tape = Tape()
    known: dict[Value, int] = {}
    arguments = []
    for x in example:
        shape = shape_of(x)
        values = [Input(number) for number in flat(x)]
        tape.shapes.append(shape)
        tape.inputs.append([tape.add(None, (), None) for _ in values])
        known.update(zip(values, tape.inputs[-1], strict=True))
        arguments.append(_nested(iter(values), shape))
    recorder = Recorder(samples)
    with modes.tracing(recorder):
        try:
            result = fn(*arguments)
        except VectorizeError:
            raise
        except Exception as error:  # whatever a user's function may raise
            _raise_own_error(fn, example)
            raise VectorizeError(
                f"{_line_of(error)}\n  does with a Value what cannot be traced ({error}): {WAY_OUT}"
            ) from error
    parts = result if isinstance(result, tuple) and result else (result,)
    results = [_values(part) for part in parts]
    tape.results = [_enter(tape, known, recorder, values) for values in results]
    for sign, v, other, outcome, line in recorder.comparisons:
        sides = [v, other if isinstance(other, Value) else constant(other)]
        left, right = _enter(tape, known, recorder, sides)
        tape.guards.append(Guard(sign, left, right, outcome, line))
    tape.samples = [known.get(v, -1) for v in recorder.samples]
    return Recording(tape, known, recorder.samples, results)


def _raise_own_error(fn: Callable[..., Any], example: Sequence[Any]) -> None:
    """Raise what `fn` raises by itself, for plain Values and for the numbers of the example."""
    with modes.tracing(Lenient()):
        try:
            fn(*[_nested((Value(x) for x in flat(x)), shape_of(x)) for x in example])
        except Exception as error:
            try:
                fn(*example)
            except Exception:
                raise error from None


def _enter(
    tape: Tape, known: dict[Value, int], recorder: Recorder, roots: Sequence[Value]
) -> list[int]:
    """Enter the graphs of `roots`, parents before children, and give the nodes of the roots."""
    for v in toposort(*roots):
        if v not in known:
            parents = [known[p] if p in known else _leaf(tape, known, p) for p in v.parents]
            known[v] = tape.add(v.op, tuple(parents), recorder.lines.get(v))
    return [known[v] if v in known else _leaf(tape, known, v) for v in roots]


def _leaf(tape: Tape, known: dict[Value, int], v: Value) -> int:
    known[v] = i = tape.add(None, (), None)
    if v.kind == "constant":
        tape.constants[i] = v.data
    elif not isinstance(v, RandomLeaf):
        tape.parameters[i] = v.name
    return i


def _values(result: Any) -> list[Value]:
    """The Values that a function gives, as one list."""
    if isinstance(result, Value):
        return [result]
    if isinstance(result, (list, tuple)) and result:
        return [v for part in result for v in _values(part)]
    raise VectorizeError(
        f"the function must give a Value or a list of Values, got {type(result).__name__}"
    )


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


def _nested(values: Iterator[Value], shape: Shape) -> Any:
    if not shape:
        return next(values)
    return [_nested(values, shape[1:]) for _ in range(shape[0])]


def _line_of(error: BaseException) -> Line:
    """The last line of the user's program on the way to an error."""
    frames = [
        (t.f_globals.get("__name__", ""), t.f_code, n)
        for t, n in traceback.walk_tb(error.__traceback__)
    ]
    outside = [Line(code, n) for name, code, n in frames if name.partition(".")[0] != _PACKAGE]
    return outside[-1] if outside else user_line()


def user_line() -> Line:
    """The line of the program that called into the package."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE and frame.f_back:
        frame = frame.f_back
    return Line(frame.f_code, frame.f_lineno)
