"""One step of the matrix engine against the same by hand in NumPy, PyTorch, JAX and micrograd."""

from collections.abc import Callable
from importlib import import_module, metadata
from typing import Final, NamedTuple

from tinygrad_edu.bench import nets
from tinygrad_edu.bench.measure import Table, compare
from tinygrad_edu.bench.moons import Step
from tinygrad_edu.bench.peers import installed, labelled, missing, one_thread_each
from tinygrad_edu.bench.threads import one_blas_thread, stated

BY_HAND: Final = "NumPy by hand"
FOLDED: Final = "NumPy, b within W"
#: Engine -> module of its steps. Those of NumPy import it, which has to wait for `one_blas_thread`.
MODULES: Final = {
    BY_HAND: "tinygrad_edu.bench.numpy_nets",
    FOLDED: "tinygrad_edu.bench.numpy_columns",
    "PyTorch": "tinygrad_edu.bench.torch_nets",
    "JAX": "tinygrad_edu.bench.jax_nets",
    "micrograd": "tinygrad_edu.bench.micrograd_nets",
}
#: Steps of microseconds are measured in so many times the rounds, and slow ones once in each.
MORE_ROUNDS: Final = 2


class Row(NamedTuple):
    """A net: its problem, the function that makes a step of it, the engines and their goals."""

    problem: Callable[[], nets.Problem]
    function: str
    goals: dict[str, float | None]


#: The goals of NumPy are in its time: 1.1 times its time is a ratio of 1/1.1.
ROWS: Final[dict[str, Row]] = {
    "2-16-16-1, squared error, batch of 100": Row(
        nets.regression,
        "regression_step",
        {BY_HAND: 1 / 1.1, FOLDED: None, "PyTorch": 4.0, "JAX": 1.0, "micrograd": 10_000.0},
    ),
    "64-32-10, softmax and cross entropy, batch of 32": Row(
        lambda: nets.classifier(64, 32, 32),
        "classifier_step",
        {BY_HAND: 1 / 1.1, FOLDED: None, "PyTorch": 3.0},
    ),
    "64-32-10, a single example": Row(
        lambda: nets.classifier(64, 32, 1),
        "classifier_step",
        {BY_HAND: 1 / 1.1, FOLDED: None, "PyTorch": 3.0},
    ),
    "784-128-10, batch of 64": Row(
        lambda: nets.classifier(784, 128, 64),
        "classifier_step",
        {BY_HAND: 1 / 1.1, FOLDED: None, "PyTorch": 1.0},
    ),
    "convolution of 8x8, 8 filters of 3x3, dense 10, batch of 32": Row(
        nets.convolution,
        "convolution_step",
        {BY_HAND: 1 / 1.5, FOLDED: None, "PyTorch": None},
    ),
}


def matrix_table(rounds: int) -> Table:
    """Our matrix engine against hand-written NumPy and, where they are installed, the others."""
    peers = [name for name in MODULES if name not in (BY_HAND, FOLDED)]
    here = [name for name in MODULES if name not in peers or installed(name)]
    with one_blas_thread() as one, one_thread_each(set(here) & set(peers)):
        table = Table(
            "One step on arrays of float64: forward, backward, SGD update, loss as a number\n"
            f"({stated(one)}, PyTorch eager on one, JAX compiled by jit; ReLU; "
            f"{MORE_ROUNDS * rounds} rounds)",
            engine="matrix",
            missing=missing(peers),
        )
        for name, row in ROWS.items():
            given = row.problem()
            engines = {e: goal for e, goal in row.goals.items() if e in here}
            others = {label(e): step_of(e, row.function, given) for e in engines}
            goals = {label(e): goal for e, goal in engines.items() if goal is not None}
            ours = nets.matrix_step(given)
            table.add(name, compare(ours, others, MORE_ROUNDS * rounds, goals, least=1))
    return table


def step_of(engine: str, function: str, given: nets.Problem) -> Step:
    """The step of an engine on a problem."""
    step: Step = getattr(import_module(MODULES[engine]), function)(given)
    return step


def label(engine: str) -> str:
    """The name of an engine with its version."""
    if engine == BY_HAND:
        return f"NumPy {metadata.version('numpy')} by hand"
    return engine if engine == FOLDED else labelled(engine)
