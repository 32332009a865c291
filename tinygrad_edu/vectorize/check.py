"""Checks: that two examples give one graph, and that a program gives what its graphs gave."""

from collections.abc import Callable, Iterable, Sequence, Set
from itertools import chain, compress, repeat, zip_longest
from typing import Any

import numpy as np

from tinygrad_edu.engine import Value, gradients, modes, toposort
from tinygrad_edu.engine.grouped import groups_of
from tinygrad_edu.functions import mean
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.tape import (
    DOT,
    WAY_OUT,
    Recording,
    Row,
    Tape,
    VectorizeError,
    as_row,
    as_values,
)
from tinygrad_edu.vectorize.trace import Run, lenient, record, run, values_of


def trace(fn: Callable[..., Any], *examples: Sequence[Any]) -> tuple[Recording, list[Run]]:
    """The graph of `fn`, the same for two examples, and what it did with them.

    Leaves that existed before are parameters: they are the same object both times. Raises
    VectorizeError where the graphs differ, or the function does what no graph can hold.
    """
    runs = [run(fn, example) for example in examples]
    first = record(runs[0], examples[0])
    first.forget()
    if not is_alike(runs[1], first):
        twin = record(runs[1], examples[1])
        both = first.leaves & twin.leaves
        check_alike(settle(first, both), settle(twin, both))
    return first, runs


def is_alike(ran: Run, recorded: Recording) -> bool:
    """Whether another run gave the graph that is recorded, of the same parameters.

    This is quicker than another tape. It is False where the function makes leaves of its own that
    are no constants of the tape.
    """
    tape, samples, units = recorded.tape, ran.recorder.samples, recorded.units or {}
    if len(samples) != len(tape.samples):
        return False
    known = dict(zip(chain(*ran.inputs), chain(*tape.inputs), strict=True))
    known.update(zip(samples, tape.samples, strict=True))
    parameter = recorded.known.get
    rows: dict[int, Row] = {}  # of groups by their ids

    def node(v: Value) -> int | None:
        i = known.get(v)
        return parameter(v) if i is None else i

    def same(v: Value, i: int) -> bool:
        j = node(v)
        if j is not None or v.parents:
            return j == i
        return repr(v.data) == repr(tape.constants.get(i))

    def alike(values: Sequence[Value], nodes: Sequence[int]) -> bool:
        return len(values) == len(nodes) and all(map(same, values, nodes))

    def alike_rows(group: tuple[Value, ...], row: Row) -> bool:
        found = rows.get(id(group)) or units.get(group)
        if found is None:
            found = as_row([-1 if i is None else i for i in map(node, group)])
        rows[id(group)] = found
        return found == row or alike(group, row)

    inner = iter(tape.records)
    for v in toposort(*chain(*ran.roots)):
        i = next(inner, -1)
        if i < 0 or v.op != tape.records[i]:
            return False
        if v.op is DOT:
            if not all(map(alike_rows, groups_of(v), tape.parents[i])):
                return False
        elif not alike(v.parents, tape.parents[i]):
            return False
        known[v] = i
    nodes = [*tape.results, *([guard.left, guard.right] for guard in tape.guards)]
    outcomes = [(sign, outcome) for sign, _, _, outcome, *_ in ran.recorder.comparisons]
    return (
        next(inner, None) is None
        and len(nodes) == len(ran.roots)
        and all(map(alike, ran.roots, nodes))
        and outcomes == [(guard.sign, guard.outcome) for guard in tape.guards]
    )


def check_alike(tape: Tape, twin: Tape) -> None:
    """Raise VectorizeError, naming the line, unless two examples gave the same graph."""
    for guard, other in zip(tape.guards, twin.guards, strict=False):
        if guard[::3] != other[::3]:
            raise VectorizeError(
                f"{guard.line}\n  compares numbers of the graph: the outcome is "
                f"{guard.outcome} for one and {other.outcome} for another, so that no single "
                f"program is right for both: {guard.way_out}"
            )
    if (tape.records, tape.parents) != (twin.records, twin.parents):
        columns = [(t.records.values(), t.parents.values(), t.lines.values()) for t in (tape, twin)]
        both = [zip(*of, strict=True) for of in columns]
        nodes = zip_longest(*both, fillvalue=(None, (), None))
        line = next(a[2] or b[2] for a, b in nodes if a[:2] != b[:2])
        raise VectorizeError(
            f"{line or 'the function'}\n  makes another graph for another example: {WAY_OUT}"
        )
    for i in tape.constants | twin.constants:
        x, y = tape.constants.get(i), twin.constants.get(i)
        if repr(x) != repr(y):
            line = next((tape.lines[j] for j in tape.records if i in tape.operands(j)), None)
            raise VectorizeError(
                f"{line or 'the function'}\n  uses the number {x!r} for one example and {y!r} for "
                "another, and neither is part of the graph: make it an argument of the function, "
                'or a RandomLeaf if it is random, or train with engine="scalar"'
            )
    if tape.results != twin.results or len(tape.guards) != len(twin.guards):
        raise VectorizeError(f"the function does other things for another example: {WAY_OUT}")


def repeated(fn: Callable[..., Any], example: Sequence[Any], recorded: Recording) -> Run:
    """Another run. Raises VectorizeError, naming the line, unless its graph is the recorded one."""
    ran = run(fn, example)
    if not is_alike(ran, recorded):
        check_alike(recorded.tape, settle(record(ran, example), recorded.leaves))
    return ran


def settle(recording: Recording, before: Set[Value]) -> Tape:
    """Make constants of the leaves that did not exist before: the function itself made them."""
    tape = recording.tape
    for i in [*compress(range(len(tape.names)), tape.parameters)]:
        v = recording.values[i]
        if v not in before:
            tape.parameters[i], tape.names[i], tape.constants[i] = 0, None, v.data
            recording.known.pop(v, None)
    return tape


def by_scalars(runs: Iterable[Run], parameters: Sequence[Value]) -> tuple[Array, Array | None]:
    """The results of each run, and the gradient of the mean of the first ones by parameters."""
    results = [ran.results for ran in runs]
    numbers = [[v.numbers[0] for values in found for v in values] for found in results]
    if not parameters:
        return np.array(numbers), None
    with modes.tracing(lenient):
        by = gradients(mean([found[0][0] for found in results]))
    return np.array(numbers), np.array([*map(by.get, parameters, repeat(0.0))])


def find_anomaly(
    fn: Callable[..., Any],
    examples: Iterable[Sequence[Any]],
    parameters: Sequence[Value],
    share: float | None,
) -> None:
    """NonFiniteError for the first node that goes bad as `fn` is run on examples, if one does.

    It goes backward from `share` of the first result unless that is None; gradients stay.
    """
    held = [p.grad for p in parameters]
    try:
        with modes.tracing(lenient), modes.detect_anomaly():
            for example in examples:
                loss, *_ = values_of(fn(*as_values(example)))
                if share is not None:
                    loss.backward(share)
    finally:
        for p, g in zip(parameters, held, strict=True):
            p.grad = g
