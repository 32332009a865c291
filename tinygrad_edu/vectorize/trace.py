"""Tracing: a function is run on the Values of two examples, which must give the same graph.

It is traced: a node is kept with the line of the user's program that made it, and whatever a graph
cannot hold is refused, or becomes a `Guard`.
"""

import sys
import traceback
from collections.abc import Callable, Sequence, Set
from itertools import chain, zip_longest
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_real
from tinygrad_edu.engine import RandomLeaf, Value, constant, modes, toposort
from tinygrad_edu.engine.other_names import no_number
from tinygrad_edu.engine.value import compare
from tinygrad_edu.vectorize.tape import (
    WAY_OUT,
    Guard,
    Line,
    Tape,
    VectorizeError,
    as_values,
    check_alike,
    disturbed,
    flat,
    nested,
    shape_of,
)

_PACKAGE: Final = __name__.partition(".")[0]


class Recorder:
    """The tracer of a function: lines of nodes, comparisons, and numbers for random leaves.

    The engine calls it with the name of an event, which is a method's, the Value, and the rest.
    """

    def __init__(self, *, lines: bool = True) -> None:
        self.wants_lines = lines
        self.lines: dict[Value, Line] = {}
        self.comparisons: list[tuple[str, Value, Value, bool, Line]] = []
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
        caller = sys._getframe(4)  # of a method of `Input`
        self.asks |= caller.f_globals.get("__name__", "").partition(".")[0] != _PACKAGE

    def compared(self, v: Value, sign: str, other: Value | float, outcome: bool) -> None:
        """Note a comparison, which becomes a guard."""
        right = other if isinstance(other, Value) else constant(other)
        self.comparisons.append((sign, v, right, outcome, user_line()))

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


class Recording(NamedTuple):
    """A tape, the Values of its nodes, and the random ones.

    `asks` if the user's own code did with an input what a number may answer otherwise: looked it up
    in a set or a dict, asked for an attribute that it has not, or for a float.
    """

    tape: Tape
    nodes: dict[Value, int]
    samples: list[RandomLeaf]
    results: list[list[Value]]
    asks: bool

    @property
    def parameters(self) -> dict[int, Value]:
        """The Values of the parameters by node."""
        return {i: v for v, i in self.nodes.items() if i in self.tape.parameters}


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


def record(fn: Callable[..., Any], example: Sequence[Any]) -> Recording:
    """The graph of `fn` on an example."""
    recorder, inputs, results = ran = run(fn, example)
    tape, known = Tape(shapes=[shape_of(x) for x in example]), dict[Value, int]()
    for values in inputs:
        tape.inputs.append([tape.add(None, (), None) for _ in values])
        known.update(zip(values, tape.inputs[-1], strict=True))
    nodes = [_enter(tape, known, recorder, values) for values in ran.roots]
    tape.results, sides = nodes[: len(results)], nodes[len(results) :]
    for (sign, _, _, outcome, line), (left, right) in zip(recorder.comparisons, sides, strict=True):
        tape.guards.append(Guard(sign, left, right, outcome, line))
    tape.samples = [known.get(v, -1) for v in recorder.samples]
    return Recording(tape, known, recorder.samples, results, recorder.asks)


def repeated(
    fn: Callable[..., Any], example: Sequence[Any], tape: Tape, leaves: dict[Value, int]
) -> list[RandomLeaf] | None:
    """The random Values of another run, or None unless its graph is that of `tape`.

    `leaves` are the nodes of the parameters. This is quicker than another tape.
    """
    ran = run(fn, example, lines=False)
    samples, guards = ran.recorder.samples, tape.guards
    known = {**leaves, **dict(zip(chain(*ran.inputs), chain(*tape.inputs), strict=True))}
    known.update(zip(samples, tape.samples, strict=False))
    inner = (i for i, parents in enumerate(tape.parents) if parents)

    def same(v: Value, i: int) -> bool:
        if v in known or v.parents:
            return known.get(v) == i
        return repr(v.data) == repr(tape.constants.get(i))

    def alike(values: Sequence[Value], nodes: Sequence[int]) -> bool:
        quick = tuple(map(known.get, values)) == nodes
        return quick or (len(values) == len(nodes) and all(map(same, values, nodes)))

    nodes = [*tape.results, *([guard.left, guard.right] for guard in guards)]
    for values, places in zip_longest(ran.roots, nodes, fillvalue=()):
        for v in toposort(*values):
            if v not in known:
                known[v] = i = next(inner, -1)
                if i < 0 or tape.records[i] != v.op or not alike(v.parents, tape.parents[i]):
                    return None
        if not alike(values, places):
            return None
    outcomes = [(sign, outcome) for sign, _, _, outcome, _ in ran.recorder.comparisons]
    still = (
        next(inner, None) is None
        and len(samples) == len(tape.samples)
        and outcomes == [(guard.sign, guard.outcome) for guard in guards]
    )
    return samples if still else None


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


def values_of(result: Any) -> list[Value]:
    """The Values that a function gives, as one list."""
    if isinstance(result, Value):
        return [result]
    if isinstance(result, (list, tuple)) and result:
        return [v for part in result for v in values_of(part)]
    raise VectorizeError(
        f"the function must give a Value or a list of Values, got {type(result).__name__}"
    )


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
