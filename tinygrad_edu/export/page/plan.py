"""The plan of a training: plain data with which a page goes on where Python stops."""

import json
import random
import struct
from collections.abc import Callable, Iterable
from inspect import ismethod
from typing import Any, Final

from tinygrad_edu.engine import RandomLeaf, toposort
from tinygrad_edu.examples import Rows
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import Dropout
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.text import clean
from tinygrad_edu.train.engines import matrix_descent
from tinygrad_edu.train.heads import Right
from tinygrad_edu.train.machine import MachineDescent
from tinygrad_edu.train.matrix import checked_program
from tinygrad_edu.train.training import Training, with_weights
from tinygrad_edu.vectorize import VectorizeError
from tinygrad_edu.vectorize.executors.instructions import Array
from tinygrad_edu.vectorize.executors.native import REASONS, fields_of, table_for
from tinygrad_edu.vectorize.executors.table import Table, UpdateTable, update_table
from tinygrad_edu.vectorize.plan import Plan
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.base.naming import names_of

#: How many characters of a model, an optimizer or a name are shown.
_LONGEST: Final = 120
#: How many rates of a schedule a page holds: it trains no further.
MOST_RATES: Final = 10_000
#: Why a step fails in a page, by the number that the machine gives; then a guard, and a schedule.
FAILURES: Final = (
    *(f"{what} was no finite number" for what in REASONS),
    "a comparison that the model makes in Python would have come out otherwise",
    f"the schedule of the learning rate stands in this page for {MOST_RATES:,} updates",
)
_NO_TABLE: Final = (
    "the machine of a page lacks an instruction for the model or the loss, or a step is too long "
    "for it: train with fit(...), and draw its history by pictures.curve"
)


class Words:
    """Arrays that follow each other, eight bytes a number, so that not a bit of them is lost.

    A record holds their places, and the page reads the arrays.
    """

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.length = 0

    def add(self, numbers: Iterable[float]) -> dict[str, list[int]]:
        """The place of an array; whole numbers are below 2**53."""
        floats = [*numbers]
        self.parts.append(struct.pack(f"<{len(floats)}d", *floats))
        start, self.length = self.length, self.length + len(floats)
        return {"words": [start, len(floats)]}

    def behind(self, record: dict[str, Any]) -> bytes:
        """A record and the words, as `words.mjs` reads them."""
        header = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        return b"".join([len(header).to_bytes(8, "little"), header, *self.parts])


def training_plan(
    training: Training,
    right: Right,
    size: int,
    generator: random.Random | None,
    held_out: tuple[Rows, Rows, Any] | None,
    words: Words,
) -> dict[str, Any]:
    """What `training.mjs` takes, its arrays put into `words`: batches of `size`, shuffled or not.

    `right` knows the loss without weights; `held_out` are rows, targets and weights to measure.
    Raises ValueError with what to do instead for what a page cannot run.
    """
    try:
        with in_mode(modules_of(training.model), training=True):
            descent = matrix_descent(training)
            assert isinstance(descent, MachineDescent)
            layers = [_dropout_of(sample, generator) for sample in descent.program.samples]
            _check(descent, generator, layers)
            states = {rng: rng.getstate() for rng in {layer.rng for layer in layers}}
            loss = training.loss(training.model(training.rows[0]), training.targets[0])
            for rng, state in states.items():  # as if nothing had been drawn
                rng.setstate(state)
    except VectorizeError as error:
        raise ValueError(
            f'a page trains what fit(..., engine="matrix") can train, and that raises: {error}'
        ) from error
    program, optimizer = descent.program, descent.optimizer
    table = _table(program.plan, size, gradient=True)
    names = names_of(toposort(loss, leaves=True))
    return {
        "model": clean(repr(training.model), _LONGEST),
        "optimizer": clean(repr(optimizer), _LONGEST),
        "loss": clean(getattr(right.loss, "__name__", repr(right.loss)), _LONGEST),
        "names": [names[p] for p in optimizer.parameters],
        "places": words.add(descent.places),
        "blocks": [
            {"name": v.name, "at": v.start, "rows": (v.matrix or (1,))[0], "n": v.size}
            for v in program.plan.layout.blocks.values()
        ],
        "parameters": words.add(program.P),
        "X": words.add(descent.X.flat),
        "Y": words.add(descent.y.flat),
        "size": size,
        "generator": None if generator is None else words.add(generator.getstate()[1]),
        "rate": optimizer.lr,
        "rates": None if optimizer.schedule is None else words.add(descent.rates(MOST_RATES)[0]),
        "updates": optimizer.steps,
        "states": [None if state is None else words.add(state) for state in descent.states],
        "phases": _phases(table, descent, size, words),
        "masks": _masks(layers, table, words),
        "head": _head(right, table, words),
        "test": None if held_out is None else _test(right.loss, held_out, training, descent, words),
        "guards": _guards(program, table),
        "reasons": FAILURES,
    }


def _check(descent: MachineDescent, generator: random.Random | None, layers: list[Any]) -> None:
    """Raise ValueError for what a page cannot do, with what to do instead."""
    optimizer = descent.optimizer
    obstacles: list[tuple[Any, str]] = [
        (
            None in layers,
            "the model draws random numbers of its own: of these a page has those of Dropout, from "
            "another random.Random than the one that shuffles",
        ),
        (descent.on_values, f"{optimizer!r} is of your own: write one of OPTIMIZERS, such as Adam"),
        (not descent.whole, "the optimizer must have just the parameters that the loss depends on"),
        (
            generator is not None and type(generator) is not random.Random,
            f"batches are shuffled by a {type(generator).__name__}: write rng=0 or a random.Random",
        ),
    ]
    for is_there, what in obstacles:
        if is_there:
            raise ValueError(f"a page cannot train this: {what}")


def _dropout_of(sample: RandomLeaf, other: random.Random | None) -> Any:
    """The Dropout that draws a number, from a generator of Python's that is not the other; None."""
    layer: Any = sample.draw.__self__ if ismethod(sample.draw) else None
    fits = isinstance(layer, Dropout) and type(layer.rng) is random.Random
    return layer if fits and layer.rng is not other else None


def _masks(layers: list[Any], table: Table, words: Words) -> dict[str, Any] | None:
    """What `masks.mjs` takes, for the layer of each number in the order in which they are drawn."""
    if not layers:
        return None
    generators = list(dict.fromkeys(layer.rng for layer in layers))
    S = table.inputs["S"]
    return {
        "generators": [words.add(rng.getstate()[1]) for rng in generators],
        "places": words.add([S.at + k * S.column for k in range(len(layers))]),
        "sources": words.add([generators.index(layer.rng) for layer in layers]),
        "p": words.add([layer.p for layer in layers]),
    }


def _table(plan: Plan, rows: int, *, gradient: bool) -> Table:
    table = table_for(plan, rows, gradient=gradient)
    if table is None:
        raise ValueError(_NO_TABLE)
    return table


def _phases(table: Table, descent: MachineDescent, size: int, words: Words) -> list[dict[str, Any]]:
    """The tables with the updates: before and, if they differ, after states are made."""
    update: Callable[..., Any] = descent.optimizer.update
    there = [state is not None for state in descent.states]
    updates: list[UpdateTable] = []
    while not updates or updates[-1].makes_states:
        updates.append(update_table(table, update, there))
        there = [at is not None for at in updates[-1].states]
    return [
        {
            "code": words.add([*table.code.flat, *u.code.flat]),
            "fields": fields_of(table, u, len(descent.X), size),
            "arena": u.size,
            "contents": [[at, words.add(numbers)] for at, numbers in u.contents],
            "states": u.states,
        }
        for u in updates
    ]


def _head(right: Right, table: Table, words: Words) -> dict[str, Any] | None:
    """Which outputs are right, and what each weighs; None where targets are no classes."""
    units = table.results[1].n
    if not right.known(units) or right.head is None:
        return None
    weights = [1.0] * len(right.wanted) if right.weights is None else right.weights
    head = {"wanted": words.add(right.wanted), "weights": words.add(weights)}
    return {"units": units, "threshold": right.head.threshold, **head}


def _guards(program: Program, table: Table) -> list[dict[str, Any]]:
    """Where comparisons leave their outcome, and which it has to be."""
    pairs = zip(program.tape.guards, table.guards, strict=True)
    return [{"place": _place(a), "outcome": float(guard.outcome)} for guard, a in pairs]


def _place(a: Array) -> list[int]:
    """Where numbers stand, as the modules of the page read them."""
    return [a.at, a.row, a.column, a.n]


def _test(
    loss: Loss,
    held_out: tuple[Rows, Rows, Any],
    training: Training,
    descent: MachineDescent,
    words: Words,
) -> dict[str, Any]:
    """Rows that are held out, and the table that measures them in evaluation mode."""
    model, (rows, targets, weights) = training.model, held_out
    with in_mode(modules_of(model), training=False):
        measured, weighted = with_weights(loss, targets, weights)
        program, X, y = checked_program(model, measured, None, rows, weighted, gradient=False)
    table = _table(program.plan, min(program.plan.rows, len(rows)), gradient=False)
    places = [descent.place.get(p, -1) for p in program.parameters]
    return {
        "X": words.add(X.flat),
        "Y": words.add(y.flat),
        "head": _head(Right(loss, targets, weights), table, words),
        "table": {
            "code": words.add(table.code.flat),
            "arena": table.size,
            "contents": [
                *([at, words.add(numbers)] for at, numbers in table.contents),
                [table.P, words.add(program.P)],
            ],
            "rows": table.rows, "P": table.P, "B": table.B, "places": words.add(places),
            "x": _place(table.inputs["X"]), "y": _place(table.inputs["Y"]),
            "loss": _place(table.results[0]), "out": _place(table.results[1]),
            "guards": _guards(program, table),
        },
    }  # fmt: skip
