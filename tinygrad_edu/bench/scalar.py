"""The scalar engine, operation by operation, beside micrograd and a class as microgpt has it."""

import gc
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.bench.measure import Rows, Step, Table, compare, installed, missing
from tinygrad_edu.bench.microgpt import GptStep, Scalar
from tinygrad_edu.bench.nets import micrograd_descent, problem
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

MICROGPT: Final = "microgpt-style"
#: Operation -> a function of two numbers, and how many times as fast as microgpt's it is to be.
OPERATIONS: Final[dict[str, tuple[Callable[[Any, Any], Any], float | None]]] = {
    "a + b": (lambda a, b: a + b, None),
    "a + 1.0": (lambda a, b: a + 1.0, 1 / 1.3),
    "a - b": (lambda a, b: a - b, None),
    "a * b": (lambda a, b: a * b, None),
    "a / b": (lambda a, b: a / b, None),
    "-a": (lambda a, b: -a, None),
    "a**2": (lambda a, b: a**2, 1 / 1.3),
    "a**-0.5": (lambda a, b: a**-0.5, 1 / 1.3),
    "relu": (lambda a, b: a.relu(), None),
    "exp": (lambda a, b: a.exp(), None),
    "log": (lambda a, b: a.log(), None),
    "tanh": (lambda a, b: a.tanh(), None),
}
#: Operations that micrograd does not have.
LACKED: Final = ("exp", "log", "tanh")
TIMES: Final = 1000
#: Nodes -> times as fast as micrograd.
CHAINS: Final = {3_000: 1.3, 30_000: 2.0}


def classes(operation: str = "") -> dict[str, Callable[[float], Any]]:
    """The other classes of numbers that are here and have the operation."""
    here: dict[str, Callable[[float], Any]] = {MICROGPT: Scalar}
    if installed("micrograd") and operation not in LACKED:
        here["micrograd"] = import_module("micrograd.engine").Value
    return here


def scalar_table(rounds: int) -> Table:
    """Operations, chains of them, a GPT in scalars, and the demo of micrograd."""
    table = Table(
        f"Operations on numbers, {TIMES:,} times each: results; their sum, and back. Then graphs\n"
        "of single operations (without Python's collector; with what was there before\n"
        "frozen), and the demo of micrograd, where a unit is one node of ours",
        missing=missing(["micrograd"]),
    )
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 100_000))  # `backward` of the others recurses over the graph
    try:
        for group, ours, others, goals in rows():
            table.add(group, compare(ours, others, rounds, goals))
    finally:
        sys.setrecursionlimit(limit)
    return table


def rows() -> Iterator[tuple[str, Step, dict[str, Step], dict[str, float | None]]]:
    """What is measured, ours, the others, and their goals."""
    others: dict[str, Step]
    for name, (make, goal) in OPERATIONS.items():
        for group, work in ((name, results), (f"{name}, and back", sum_and_back)):
            others = {engine: partial(work, v, make) for engine, v in classes(name).items()}
            yield group, partial(work, Value, make), others, {"micrograd": 1.0, MICROGPT: goal}
    for nodes, goal in CHAINS.items():
        links = partial(chain, Value, nodes)
        others = {engine: partial(chain, value, nodes) for engine, value in classes().items()}
        others |= without_collector(links, others[MICROGPT])
        yield f"a chain of (x*b + a).relu(), {nodes:,} nodes", links, others, {"micrograd": goal}
    ours, theirs = (GptStep(value, random.Random(0)) for value in (Value, Scalar))
    others = {MICROGPT: theirs, **without_collector(ours, theirs)}
    yield f"a step of a GPT, {len(ours.parameters):,} parameters", ours, others, {MICROGPT: 1.0}
    X, y = problem()
    others = {"micrograd": micrograd_step(X, y)} if installed("micrograd") else {}
    yield "a step of 2-16-16-1, 100 points", our_step(X, y), others, {"micrograd": 30.0}


def results(value: Callable[[float], Any], make: Callable[[Any, Any], Any]) -> float:
    """The results alone; gives the last one."""
    a, b = value(1.3), value(0.7)
    for _ in range(TIMES):
        result = make(a, b)
    return float(result.data)


def sum_and_back(value: Callable[[float], Any], make: Callable[[Any, Any], Any]) -> float:
    """Forward and backward; gives the derivative of the sum by a."""
    a, b = value(1.3), value(0.7)
    total = a
    for _ in range(TIMES):
        total = total + make(a, b)
    total.backward()
    return float(a.grad)


def without_collector(ours: Step, theirs: Step) -> dict[str, Step]:
    """The steps where Python's collector does not look, or not at what was there before."""

    def between(before: Callable[[], None], step: Step, after: Callable[[], None]) -> float:
        before()
        try:
            return step()
        finally:
            after()

    return {
        "tinygrad_edu, no gc": partial(between, gc.disable, ours, gc.enable),
        "tinygrad_edu, frozen": partial(between, gc.freeze, ours, gc.unfreeze),
        f"{MICROGPT}, no gc": partial(between, gc.disable, theirs, gc.enable),
    }


def chain(value: Callable[[float], Any], nodes: int) -> float:
    """Build the chain and walk it back; gives dx/dx0."""
    start, a, b = value(1.0), value(0.1), value(0.9)
    x = start
    for _ in range(nodes // 3):
        x = (x * b + a).relu()
    x.backward()
    return float(start.grad)


RATE: Final = 0.1
STRENGTH: Final = 1e-4


def start() -> MLP:
    """The net with the weights that all engines start from."""
    return MLP(2, [16, 16, 1], init="uniform", rng=1337)


def our_step(X: Rows, y: list[int]) -> Step:
    """Our scalar engine."""
    model = start()
    steps = train(
        model, X, y, loss="hinge", optimizer=SGD(model.parameters(), lr=RATE), epochs=10**9,
        penalty=lambda model: l2(model.parameters(), STRENGTH), engine="scalar",
    )  # fmt: skip
    return lambda: next(steps).loss


def micrograd_step(X: Rows, y: list[int]) -> Step:
    """The program of micrograd's demo notebook."""
    return micrograd_descent(
        start(), X, y, lambda score, t: (1 + -t * score).relu(), rate=RATE, strength=STRENGTH
    )
