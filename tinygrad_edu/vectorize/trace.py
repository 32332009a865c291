"""Tracing: a function is run on the Values of two examples, which must give the same graph.

It is traced: a node is kept with the line of the user's program that made it, and whatever a graph
cannot hold is refused, or becomes a `Guard`.
"""

import math
import random
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_real, number
from tinygrad_edu.engine import RandomLeaf, Value, constant, modes, toposort
from tinygrad_edu.engine.value import compare
from tinygrad_edu.vectorize.tape import WAY_OUT, Guard, Line, Shape, Tape, VectorizeError

_PACKAGE: Final = __name__.partition(".")[0]


class Recorder:
    """The tracer of a function: lines of nodes, comparisons, and numbers for random leaves.

    The engine calls it with the name of an event, which is a method's, the Value, and the rest.
    """

    def __init__(self) -> None:
        self.lines: dict[Value, Line] = {}
        self.comparisons: list[tuple[str, Value, Value | float, bool, Line]] = []
        self.samples: list[RandomLeaf] = []

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
        return 0.5


def lenient(event: str, v: Value, *details: Any) -> float | None:
    """A tracer that refuses nothing, and gives fixed numbers for samples."""
    return 0.5 if event == "drawn" else None


class Input(Value):
    """A number of an example; `y == 1`, which asks for identity elsewhere, compares numbers."""

    __slots__ = ()

    def __hash__(self) -> int:
        self._looked_at()
        return object.__hash__(self)

    def __format__(self, spec: str) -> str:
        self._looked_at()
        return super().__format__(spec)

    def __index__(self) -> int:
        raise VectorizeError(
            f"{user_line()}\n  takes a number of the example for an index or a count, which a "
            "program for all examples does not have: give it as a 1-of-k row"
        )

    def _looked_at(self) -> None:
        """Looking a number up, in a set, a dict or as text, is reading it."""
        if modes.current.get() is not None:  # asked once per edge of a graph
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


def record(fn: Callable[..., Any], example: Sequence[Any]) -> Recording:
    """The graph of `fn` on an example: numbers, rows of numbers, or rows of rows."""
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
    recorder = Recorder()
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
    with modes.tracing(lenient):
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


def trace(
    fn: Callable[..., Any], example: Sequence[Any], other: Sequence[Any] | None = None
) -> Recording:
    """The graph of `fn`, the same for `example` and `other` (by default the example, disturbed).

    Leaves that existed before are parameters: they are the same object both times. Raises
    VectorizeError where the graphs differ, or the function does what no graph can hold.
    """
    first = record(fn, example)
    second = record(fn, disturbed(example) if other is None else other)
    before = first.nodes.keys() & second.nodes.keys()
    settle(first, before)
    settle(second, before)
    check_alike(first.tape, second.tape)
    return first


def settle(recording: Recording, before: Set[Value]) -> None:
    """Make constants of the leaves that did not exist before: the function itself made them."""
    tape = recording.tape
    for i, v in recording.parameters.items():
        if v not in before:
            del tape.parameters[i]
            tape.constants[i] = v.data


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


def disturbed(example: Sequence[Any]) -> list[Any]:
    """Another example of the same shape; whole numbers stay, they may be class numbers."""
    rng = random.Random(0)

    def moved(x: Any) -> Any:
        if shape_of(x):
            return [moved(row) for row in x]
        x = float(x)
        whole = not math.isfinite(x) or x == math.floor(x)
        return x if whole else x * rng.uniform(0.9, 1.1) + rng.uniform(-0.05, 0.05)

    return [moved(x) for x in example]


def _line_of(error: BaseException) -> Line:
    """The last line of the user's program on the way to an error."""
    frames = [
        (t.f_globals.get("__name__", ""), t.f_code.co_filename, n)
        for t, n in traceback.walk_tb(error.__traceback__)
    ]
    outside = [Line(file, n) for name, file, n in frames if name.partition(".")[0] != _PACKAGE]
    return outside[-1] if outside else user_line()


def user_line() -> Line:
    """The line of the program that called into the package."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE and frame.f_back:
        frame = frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno)
