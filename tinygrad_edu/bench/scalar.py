"""The scalar engine, operation by operation, beside micrograd and a class as microgpt has it."""

import gc
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NamedTuple

from tinygrad_edu.bench import frameworks
from tinygrad_edu.bench.measure import Rows, Step, Table, compare, installed, missing
from tinygrad_edu.bench.microgpt import GptStep, Scalar
from tinygrad_edu.bench.nets import problem
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

MICROGPT: Final = "microgpt-style"


def classes() -> dict[str, Callable[[float], Any]]:
    """The other classes of numbers that are here."""
    here = {"micrograd": import_module("micrograd.engine").Value} if installed("micrograd") else {}
    return {**here, MICROGPT: Scalar}


class Operation(NamedTuple):
    """A function of two numbers, how many times as fast as microgpt's; whether micrograd has it."""

    make: Callable[[Any, Any], Any]
    goal: float | None = None
    micrograd: bool = True


OPERATIONS: Final = {
    "a + b": Operation(lambda a, b: a + b),
    "a + 1.0": Operation(lambda a, b: a + 1.0, 1 / 1.3),
    "a - b": Operation(lambda a, b: a - b),
    "a * b": Operation(lambda a, b: a * b),
    "a / b": Operation(lambda a, b: a / b),
    "-a": Operation(lambda a, b: -a),
    "a**2": Operation(lambda a, b: a**2, 1 / 1.3),
    "a**-0.5": Operation(lambda a, b: a**-0.5, 1 / 1.3),
    "relu": Operation(lambda a, b: a.relu()),
    "exp": Operation(lambda a, b: a.exp(), micrograd=False),
    "log": Operation(lambda a, b: a.log(), micrograd=False),
    "tanh": Operation(lambda a, b: a.tanh(), micrograd=False),
}
TIMES: Final = 1000


def scalar_table(rounds: int) -> Table:
    """Each operation, forward and with the pass back; and a GPT in scalars, its class swapped."""
    table = Table(
        f"Operations on single numbers, {TIMES:,} times each: results, and their sum and back;\n"
        "a step of a GPT of one block, the class swapped, then without Python's collector,\n"
        "and with what was there before frozen",
        missing=missing(["micrograd"]),
    )
    with _deep_recursion():
        for name, (make, goal, micrograd) in OPERATIONS.items():
            here = {e: v for e, v in classes().items() if micrograd or e != "micrograd"}
            goals = {"micrograd": 1.0, MICROGPT: goal}
            for group, step in ((name, results), (f"{name}, and back", sum_and_back)):
                others = {engine: step(value, make) for engine, value in here.items()}
                table.add(group, compare(step(Value, make), others, rounds, goals))
        ours, theirs = (GptStep(value, random.Random(0)) for value in (Value, Scalar))
        measured = compare(
            ours, {MICROGPT: theirs, **without_collector(ours, theirs)}, rounds, {MICROGPT: 1.0}
        )
        table.add(f"a step of a GPT, {len(ours.parameters):,} parameters", measured)
    return table


def results(value: Callable[[float], Any], make: Callable[[Any, Any], Any]) -> Step:
    """The results alone; gives the last one."""

    def step() -> float:
        a, b = value(1.3), value(0.7)
        for _ in range(TIMES):
            result = make(a, b)
        return float(result.data)

    return step


def sum_and_back(value: Callable[[float], Any], make: Callable[[Any, Any], Any]) -> Step:
    """Forward and backward; gives the derivative of the sum by a."""

    def step() -> float:
        a, b = value(1.3), value(0.7)
        total = a
        for _ in range(TIMES):
            total = total + make(a, b)
        total.backward()
        return float(a.grad)

    return step


def without_collector(ours: Step, theirs: Step) -> dict[str, Step]:
    """The steps where Python's collector does not look, or not at what was there before."""
    return {
        "tinygrad_edu, no gc": _between(gc.disable, ours, gc.enable),
        "tinygrad_edu, frozen": _between(gc.freeze, ours, gc.unfreeze),
        f"{MICROGPT}, no gc": _between(gc.disable, theirs, gc.enable),
    }


def _between(before: Callable[[], None], step: Step, after: Callable[[], None]) -> Step:
    def run() -> float:
        before()
        try:
            return step()
        finally:
            after()

    return run


#: Nodes -> times as fast as micrograd.
GOALS: Final = {3_000: 1.3, 30_000: 2.0}


def chain_table(rounds: int) -> Table:
    """A graph of single operations, whose nodes are of the same size in all engines."""
    table = Table(
        "A graph of single operations: a chain of (x*b + a).relu(), forward and backward;\n"
        "without Python's collector, or with what was there before frozen",
        missing=missing(["micrograd"]),
    )
    with _deep_recursion():
        for nodes, goal in GOALS.items():
            ours = chain_step(Value, nodes)
            others = {engine: chain_step(value, nodes) for engine, value in classes().items()}
            others |= without_collector(ours, others[MICROGPT])
            table.add(f"{nodes:,} nodes", compare(ours, others, rounds, {"micrograd": goal}))
    return table


def chain_step(value: Callable[[float], Any], nodes: int) -> Callable[[], float]:
    """A function that builds the chain, walks it back, and gives dx/dx0."""

    def step() -> float:
        start, a, b = value(1.0), value(0.1), value(0.9)
        x = start
        for _ in range(nodes // 3):
            x = (x * b + a).relu()
        x.backward()
        return float(start.grad)

    return step


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Python may recurse as deep as the graph, as `backward` of the others does."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 2 * max(GOALS)))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


GOAL: Final = 30.0
RATE: Final = 0.1
STRENGTH: Final = 1e-4


def moons_table(rounds: int) -> Table:
    """Our scalar engine, through `train`, against micrograd."""
    table = Table(
        "One full-batch step of the moons demo: forward, backward, SGD update\n"
        "(mean hinge + 1e-4 sum p^2)",
        missing=missing(["micrograd"]),
    )
    X, y = problem()
    others = {"micrograd": micrograd_step(X, y)} if installed("micrograd") else {}
    measured = compare(our_step(X, y), others, rounds, {"micrograd": GOAL})
    table.add("2-16-16-1, 337 parameters, 100 points", measured)
    return table


def start() -> MLP:
    """The net with the weights that all engines start from."""
    return MLP(2, [16, 16, 1], init="uniform", rng=1337)


def our_step(X: Rows, y: list[int]) -> Step:
    """Our scalar engine."""
    model = start()
    steps = train(
        model,
        X,
        y,
        loss="hinge",
        optimizer=SGD(model.parameters(), lr=RATE),
        epochs=10**9,
        penalty=lambda model: l2(model.parameters(), STRENGTH),
        engine="scalar",
    )
    return lambda: next(steps).loss


def micrograd_step(X: Rows, y: list[int]) -> Step:
    """The program of micrograd's demo notebook: one Value for each product and each sum."""
    return frameworks.micrograd_descent(
        start(), X, y, lambda score, t: (1 + -t * score).relu(), rate=RATE, strength=STRENGTH
    )
