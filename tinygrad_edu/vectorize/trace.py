"""Tracing: a function is run on the Values of two examples, which must give the same graph.

It is traced: a node is kept with the line of the user's program that made it, and whatever a graph
cannot hold is refused, or becomes a `Guard`.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from types import FrameType
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_real
from tinygrad_edu.engine import RandomLeaf, Value, constant, grad, modes, toposort
from tinygrad_edu.engine.grouped import groups_of
from tinygrad_edu.engine.other_names import no_number
from tinygrad_edu.engine.value import compare
from tinygrad_edu.vectorize.tape import (
    DOT,
    OF_GRAD,
    WAY_OUT,
    Guard,
    Line,
    Recording,
    Tape,
    VectorizeError,
    as_values,
    flat,
    nested,
    shape_of,
)

_PACKAGE: Final = __name__.partition(".")[0]
_line: Final = lru_cache(Line)  # most nodes are made by few lines


class Recorder:
    """The tracer of a function: lines of nodes, comparisons, and numbers for random leaves.

    The engine calls it with the name of an event, which is a method's, the Value, and the rest.
    """

    def __init__(self, *, lines: bool = True) -> None:
        self.wants_lines = lines
        self.lines: dict[Value, Line] = {}
        self.comparisons: list[tuple[str, Value, Value, bool, Line, str]] = []
        self.samples: list[RandomLeaf] = []
        self.asks = False

    def __call__(self, event: str, v: Value, *details: Any) -> Any:
        """What the method of the event answers."""
        return getattr(self, event)(v, *details)

    def made(self, v: Value, recorded: bool) -> None:
        """Note the line of a node. Raises VectorizeError under `no_grad`."""
        if not recorded and any(p.kind != "constant" for p in v.parents):
            raise VectorizeError(
                f"{user_line()}\n  runs inside no_grad(), which cuts the graph that a program is "
                "made of: take no_grad() out of the function"
            )
        if self.wants_lines:
            self.lines[v] = user_line()

    def read(self, v: Value) -> None:
        """Raise VectorizeError: a program has no single number to read."""
        if v.kind != "constant":
            raise VectorizeError(
                f"{user_line()}\n  reads the number of a Value (v.data or v.grad), which a program "
                f"for all examples does not have: {WAY_OUT}"
            )

    def asked(self, v: Value) -> None:
        """Note that the user's own code does with an input what a number answers otherwise."""
        self.asks |= not _is_own(sys._getframe(4))  # which called a method of `Input`

    def compared(self, v: Value, sign: str, other: Value | float, outcome: bool) -> None:
        """Note a comparison, which becomes a guard."""
        right = other if isinstance(other, Value) else constant(other)
        self.comparisons.append((sign, v, right, outcome, user_line(), _way_out()))

    def drawn(self, v: RandomLeaf) -> float:
        """The number for a new random leaf."""
        self.samples.append(v)
        return 0.5


def lenient(event: str, *_: Any) -> float | None:
    """A tracer that refuses nothing, and gives a fixed number for samples."""
    return 0.5 if event == "drawn" else None


class Input(Value):
    """A number of an example; `y == 1`, which asks for identity elsewhere, compares numbers."""

    __slots__ = ()

    def __hash__(self) -> int:
        if modes.current.get() is not None:
            modes.tell("asked", self)
        return object.__hash__(self)

    def __getattr__(self, name: str) -> Any:
        modes.tell("asked", self)
        raise AttributeError(f"'Value' object has no attribute {name!r}", name=name, obj=self)

    def _no_number(self, *_: Any) -> Any:
        modes.tell("asked", self)
        no_number(self)

    __float__ = __int__ = __round__ = _no_number

    def __format__(self, spec: str) -> str:
        modes.tell("read", self)
        return super().__format__(spec)

    def __index__(self) -> int:
        raise VectorizeError(
            f"{user_line()}\n  takes a number of the example for an index or a count, which a "
            "program for all examples does not have: give it as a 1-of-k row"
        )

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Value) or not is_real(other):
            return NotImplemented
        return compare("equal", self, float(other))  # type: ignore[arg-type]


class Run(NamedTuple):
    """What a function did with the Values of an example, `inputs` of each argument."""

    recorder: Recorder
    inputs: list[list[Value]]
    results: list[list[Value]]

    @property
    def roots(self) -> list[list[Value]]:
        """What its graph leads to: the results, and the two sides of each comparison."""
        return [*self.results, *([left, right] for _, left, right, *_ in self.recorder.comparisons)]


def run(fn: Callable[..., Any], example: Sequence[Any], *, lines: bool = True) -> Run:
    """What `fn` does with an example: numbers, rows of numbers, or rows of rows."""
    recorder = Recorder(lines=lines)
    inputs: list[list[Value]] = [[Input(number) for number in flat(x)] for x in example]
    with modes.tracing(recorder):
        try:
            result = fn(*map(nested, map(iter, inputs), map(shape_of, example)))
        except VectorizeError:
            raise
        except Exception as error:  # whatever a user's function may raise
            _raise_own_error(fn, example)
            raise VectorizeError(
                f"{_line_of(error)}\n  does with a Value what cannot be traced ({error}): {WAY_OUT}"
            ) from error
    for v in chain(*inputs):  # nobody looks any more, and the hash of a plain Value is quicker
        v.__class__ = Value
    parts = result if isinstance(result, tuple) and result else (result,)
    return Run(recorder, inputs, [values_of(part) for part in parts])


def record(ran: Run, example: Sequence[Any], *, units: bool = True) -> Recording:
    """The graph of a run as a tape: parents before children, in the order they were made."""
    tape = Tape(shapes=[shape_of(x) for x in example])
    recording = Recording(tape, [], {}, {}, {} if units else None)
    for values in ran.inputs:
        tape.inputs.append(tape.add_leaves(len(values)))
        recording.values.extend(values)
        recording.known.update(zip(values, tape.inputs[-1], strict=True))
    for v in toposort(*chain(*ran.roots)):
        op: Any = v.op
        rows = map(recording.row, groups_of(v)) if op is DOT else map(recording.enter, v.parents)
        recording.known[v] = tape.add(op, tuple(rows), ran.recorder.lines.get(v))
        recording.values.append(v)
    nodes = [[recording.enter(v) for v in values] for values in ran.roots]
    tape.results, sides = nodes[: len(ran.results)], nodes[len(ran.results) :]
    comparisons = ran.recorder.comparisons
    for (sign, _, _, outcome, line, way), (left, right) in zip(comparisons, sides, strict=True):
        tape.guards.append(Guard(sign, left, right, outcome, line, way))
    tape.samples = [recording.known.get(v, -1) for v in ran.recorder.samples]
    return recording if recording.is_right else record(ran, example, units=False)


def _raise_own_error(fn: Callable[..., Any], example: Sequence[Any]) -> None:
    """Raise what `fn` raises by itself, for plain Values and for the numbers of the example."""
    with modes.tracing(lenient):
        try:
            fn(*as_values(example))
        except Exception as error:
            try:
                fn(*example)
            except Exception:
                raise error from None


def values_of(result: Any) -> list[Value]:
    """The Values that a function gives, as one list."""
    if isinstance(result, Value):
        return [result]
    if isinstance(result, (list, tuple)) and result:
        return [v for part in result for v in values_of(part)]
    raise VectorizeError(
        f"the function must give a Value or a list of Values, got {type(result).__name__}"
    )


def _line_of(error: BaseException) -> Line:
    """The last line of the user's program on the way to an error."""
    frames = traceback.walk_tb(error.__traceback__)
    outside = [Line(f.f_code.co_filename, n) for f, n in frames if not _is_own(f)]
    return outside[-1] if outside else user_line()


def _is_own(frame: FrameType) -> bool:
    """Whether it is the package that runs there."""
    return bool(frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE)


def _way_out() -> str:
    """What to write instead of a comparison; one that `grad` makes is no choice of the user's."""
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE and frame.f_back:
        if frame.f_code is grad.__code__:
            return OF_GRAD
        frame = frame.f_back
    return WAY_OUT


def user_line() -> Line:
    """The line of the program that called into the package."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE and frame.f_back:
        frame = frame.f_back
    return _line(frame.f_code.co_filename, frame.f_lineno)
