"""One full-batch step of the moons demo: forward, backward, update, against micrograd."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

from tinygrad_edu.bench.measure import Table, compare
from tinygrad_edu.bench.peers import installed, labelled, missing
from tinygrad_edu.data import moons
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

GOAL: Final = 30.0
RATE: Final = 0.1
STRENGTH: Final = 1e-4

#: A step gives the loss before its update.
Step = Callable[[], float]
Rows = list[list[float]]


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


def problem() -> tuple[Rows, list[int]]:
    """The points and their targets -1 and 1."""
    X, y = moons(100, noise=0.1, rng=1337)
    return X, [2 * label - 1 for label in y]


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
    value = import_module("micrograd.engine").Value
    model = import_module("micrograd.nn").MLP(2, [16, 16, 1])
    for theirs, ours in zip(model.parameters(), start().parameters(), strict=True):
        theirs.data = ours.data

    def step() -> float:
        scores = [model([value(x) for x in row]) for row in X]
        losses = [(1 + -t * score).relu() for t, score in zip(y, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses))
        loss = loss + STRENGTH * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= RATE * p.grad
        return float(loss.data)

    return step
