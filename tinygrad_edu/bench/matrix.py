"""The matrix engine: a step beside the same by hand in NumPy and in other engines, and its making.

A program is made once: the scalar graph is traced, regrouped, and compiled for a batch.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

from tinygrad_edu.bench import nets
from tinygrad_edu.bench.measure import (
    Step,
    Table,
    compare,
    installed,
    labelled,
    missing,
    one_blas_thread,
    one_thread_each,
    stated,
)
from tinygrad_edu.engine import Value, toposort

BY_HAND: Final = "NumPy by hand"
#: Engine -> module of its steps and how their names begin. NumPy's import it, which has to wait for
#: `one_blas_thread`.
MODULES: Final = {
    BY_HAND: ("numpy_nets", ""),
    "PyTorch": ("frameworks", "torch_"),
    "JAX": ("frameworks", "jax_"),
    "micrograd": ("frameworks", "micrograd_"),
}
#: Steps of microseconds are measured in so many times the rounds, and slow ones once in each.
MORE_ROUNDS: Final = 2


class Row(NamedTuple):
    """A net: its problem, the function that makes a step of it, the engines and their goals."""

    problem: Callable[[], nets.Problem]
    function: str
    goals: dict[str, float | None]


def _classifier(inputs: int, hidden: int, examples: int, *, torch: float) -> Row:
    goals: dict[str, float | None] = {BY_HAND: 1 / 1.1, "PyTorch": torch}
    return Row(lambda: nets.classifier(inputs, hidden, examples), "classifier_step", goals)


#: The goals of NumPy are in its time: 1.1 times its time is a ratio of 1/1.1.
ROWS: Final[dict[str, Row]] = {
    "2-16-16-1, squared error, batch of 100": Row(
        nets.regression,
        "regression_step",
        {BY_HAND: 1 / 1.1, "PyTorch": 4.0, "JAX": 1.0, "micrograd": 10_000.0},
    ),
    "64-32-10, softmax and cross entropy, batch of 32": _classifier(64, 32, 32, torch=3.0),
    "64-32-10, a single example": _classifier(64, 32, 1, torch=3.0),
    "784-128-10, batch of 64": _classifier(784, 128, 64, torch=1.0),
    "convolution of 8x8, 8 filters of 3x3, dense 10, batch of 32": Row(
        nets.convolution,
        "convolution_step",
        {BY_HAND: 1 / 1.5, "PyTorch": None},
    ),
}


def matrix_table(rounds: int) -> Table:
    """Our matrix engine against hand-written NumPy and, where they are installed, the others."""
    peers = [name for name in MODULES if name != BY_HAND]
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
    module, prefix = MODULES[engine]
    steps = import_module(f"tinygrad_edu.bench.{module}")
    step: Step = getattr(steps, prefix + function)(given)
    return step


def label(engine: str) -> str:
    """The name of an engine with its version."""
    if engine == BY_HAND:
        return f"{labelled('NumPy')} by hand"
    return labelled(engine)


#: Net -> its problem, and the seconds it may take.
NETS: Final[dict[str, tuple[Callable[[], nets.Problem], float | None]]] = {
    "2-16-16-1": (nets.regression, 0.025),
    "784-16-10": (lambda: nets.classifier(784, 16, 64), None),
    "784-32-10": (lambda: nets.classifier(784, 32, 64), None),
    "784-64-10": (lambda: nets.classifier(784, 64, 64), None),
    "784-128-10": (lambda: nets.classifier(784, 128, 64), 1.5),
}


def tracing_table(rounds: int) -> Table:
    """Seconds for each net, and per edge of the graph of one example."""
    table = Table(
        "From scalar code to a program: tracing, regrouping, compiling for a batch\n"
        "(an edge leads from a node to one of its parents, in the graph of one example)",
        engine="matrix",
    )
    with one_blas_thread():
        for name, (problem, limit) in NETS.items():
            given = problem()
            measured = compare(making(given), {}, rounds, least=1)
            links = edges(given)
            detail = f"{links:,} edges, {1e6 * measured[0] / links:.1f} µs each"
            table.add(name, measured, detail=detail, limit=limit)
    return table


def making(given: nets.Problem) -> Callable[[], object]:
    """A function that makes the program of a net anew, and the kernel of a step."""
    from tinygrad_edu.vectorize import vectorize

    def example(x: list[Value], t: Any) -> Value:
        return given.loss(given.model(x), t)

    batch = len(given.X)
    return lambda: vectorize(example, given.X[0], given.y[0]).kernel(batch, gradient=True)


def edges(given: nets.Problem) -> int:
    """The links from a node to a parent in the graph of one example, counted with repeats."""
    root = given.loss(given.model([Value(x) for x in given.X[0]]), given.y[0])
    return sum(len(v.parents) for v in toposort(root))
