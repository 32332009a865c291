"""Tracing: a function is recorded on two examples, which must give the same graph."""

import math
import random
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import zip_longest
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.vectorize.errors import WAY_OUT, VectorizeError
from tinygrad_edu.vectorize.tape import Recording, Tape, record, shape_of


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
    compare(first.tape, second.tape)
    return first


def settle(recording: Recording, before: Set[Value]) -> None:
    """Make constants of the leaves that did not exist before: the function itself made them."""
    tape = recording.tape
    for i, v in recording.parameters.items():
        if v not in before:
            del tape.parameters[i]
            tape.constants[i] = v.data


def compare(tape: Tape, twin: Tape) -> None:
    """Raise VectorizeError, naming the line, unless two examples gave the same graph."""
    for guard, other in zip(tape.guards, twin.guards, strict=False):
        if guard[::3] != other[::3]:
            raise VectorizeError(
                f"{guard.line}\n  compares numbers of the graph: the outcome is "
                f"{guard.outcome} for one and {other.outcome} for another, so that no single "
                f"program is right for both: {WAY_OUT}"
            )
    if (tape.records, tape.parents) != (twin.records, twin.parents):
        nodes = zip_longest(_nodes(tape), _nodes(twin), fillvalue=(None, (), None))
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


def _nodes(tape: Tape) -> Iterator[tuple[Any, ...]]:
    return zip(tape.records, tape.parents, tape.lines, strict=True)


def disturbed(example: Sequence[Any]) -> list[Any]:
    """Another example of the same shape; whole numbers stay, they may be class numbers."""
    rng = random.Random(0)

    def moved(x: Any) -> Any:
        if shape_of(x):
            return [moved(row) for row in x]
        x = float(x)
        return (
            x
            if not math.isfinite(x) or x == math.floor(x)
            else x * rng.uniform(0.9, 1.1) + rng.uniform(-0.05, 0.05)
        )

    return [moved(x) for x in example]
