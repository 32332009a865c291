"""The scalar engine against micrograd: a full-batch step of the moons demo, and a long chain."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.bench import frameworks
from tinygrad_edu.bench.measure import Rows, Step, Table, compare, installed, labelled, missing
from tinygrad_edu.bench.nets import problem
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

#: Nodes -> times as fast as micrograd.
GOALS: Final = {3_000: 1.3, 30_000: 2.0}


def chain_table(rounds: int) -> Table:
    """Our engine against micrograd, which has nodes of the same size."""
    table = Table(
        "A graph of single operations: a chain of (x*b + a).relu(), forward and backward",
        missing=missing(["micrograd"]),
    )
    with _deep_recursion():
        for nodes, goal in GOALS.items():
            others = {}
            if installed("micrograd"):
                value = import_module("micrograd.engine").Value
                others[labelled("micrograd")] = chain_step(value, nodes)
            goals = dict.fromkeys(others, goal)
            table.add(f"{nodes:,} nodes", compare(chain_step(Value, nodes), others, rounds, goals))
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
    """Python may recurse as deep as the graph, as micrograd's `backward` does."""
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
        "(100 points, MLP 2-16-16-1, 337 parameters, mean hinge + 1e-4 sum p^2)",
        missing=missing(["micrograd"]),
    )
    X, y = problem()
    others = {}
    if installed("micrograd"):
        others[labelled("micrograd")] = micrograd_step(X, y)
    table.add("", compare(our_step(X, y), others, rounds, dict.fromkeys(others, GOAL)))
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
