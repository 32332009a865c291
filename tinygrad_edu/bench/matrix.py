"""The matrix engine: a step beside the same by hand in NumPy and in other engines; its making."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final, NamedTuple

from tinygrad_edu.bench import measure, nets
from tinygrad_edu.bench.limit import Limit
from tinygrad_edu.bench.measure import IN_NUMPY, LIMIT, Step, Table, compare, in_numpy
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.losses import find_loss

#: Engine -> what makes a step of a problem. What imports NumPy has to wait for `one_blas_thread`.
ENGINES: Final[dict[str, Callable[[nets.Problem], Step]]] = {
    "NumPy": lambda given: import_module("tinygrad_edu.bench.numpy_nets").step_by_hand(given),
    "PyTorch": nets.torch_step,
    "JAX": partial(nets.dense_step, nets.jax_dense),
    "micrograd": lambda given: nets.micrograd_descent(
        given.model, given.X, given.y, lambda score, t: (score - t) ** 2
    ),
    LIMIT: lambda given: Limit(*given.start()).step,
}
#: Steps of microseconds are measured in so many times the rounds, and slow ones once in each.
MORE_ROUNDS: Final = 2


class Row(NamedTuple):
    """A net: its problem, and the engines that have a step of it, with their goals."""

    problem: Callable[[], nets.Problem]
    goals: dict[str, float | None]


#: The goals of NumPy are in its time: 1.1 times its time is a ratio of 1/1.1.
ROWS: Final[dict[str, Row]] = {
    "2-16-16-1, squared error, batch of 100": Row(
        nets.regression,
        {"NumPy": 1 / 1.1, "PyTorch": 4.0, "JAX": 1.0, "micrograd": 10_000.0, LIMIT: None},
    ),
    "64-32-10, softmax and cross entropy, batch of 32": Row(
        lambda: nets.classifier(64, 32, 32),
        {"NumPy": 1 / 1.1, "PyTorch": 3.0, "JAX": None, LIMIT: None},
    ),
    "64-32-10, a single example": Row(
        lambda: nets.classifier(64, 32, 1), {"NumPy": 1 / 1.1, "PyTorch": 3.0, "JAX": None}
    ),
    "784-128-10, batch of 64": Row(
        lambda: nets.classifier(784, 128, 64), {"NumPy": 1 / 1.1, "PyTorch": 1.0, "JAX": None}
    ),
    "convolution of 8x8, 8 filters of 3x3, dense 10, batch of 32": Row(
        nets.convolution, {"NumPy": 1 / 1.5, "PyTorch": None}
    ),
}


def matrix_table(rounds: int) -> Table:
    """Our matrix engine against hand-written NumPy and, where they are installed, the others."""
    with measure.beside(*ENGINES) as side:
        table = Table(
            "One step on arrays of float64: forward, backward, SGD update, loss as a number\n"
            f"({side.threads}, PyTorch eager on one, JAX compiled by jit; ReLU; "
            f"{MORE_ROUNDS * rounds} rounds)",
            engine="matrix",
            missing=side.missing,
        )
        for name, row in ROWS.items():
            given = row.problem()
            others = {e: ENGINES[e](given) for e in row.goals if e in side.here}
            others[IN_NUMPY] = in_numpy(partial(nets.matrix_step, given))
            in_numpy(others[IN_NUMPY])
            ours = nets.matrix_step(given)
            table.add(name, compare(ours, others, MORE_ROUNDS * rounds, row.goals, least=1))
    return table


#: Net -> its problem, whether its first gradient is asked for, and the seconds it may take.
NETS: Final[dict[str, tuple[Callable[[], nets.Problem], bool, float]]] = {
    "2-16-16-1": (nets.regression, False, 0.025),
    "2-16-16-1, and its first gradient": (nets.regression, True, 0.035),
    "784-128-10": (lambda: nets.classifier(784, 128, 64), False, 0.040),
    "784-128-10, and its first gradient": (lambda: nets.classifier(784, 128, 64), True, 0.100),
}


def tracing_table(rounds: int) -> Table:
    """Seconds for each net, and per edge of the graph of one example."""
    table = Table(
        "From scalar code to a program: tracing, checking, regrouping; compiling for a batch\n"
        "(an edge leads from a node to one of its parents, in the graph of one example)",
        engine="matrix",
    )
    with measure.one_blas_thread():
        for name, (problem, gradient, limit) in NETS.items():
            given = problem()
            measured = compare(making(given, gradient=gradient), {}, rounds, least=1)
            links = edges(given)
            detail = f"{links:,} edges, {1e6 * measured[0] / links:.2f} µs each"
            table.add(name, measured, detail=detail, limit=limit)
    return table


def making(given: nets.Problem, *, gradient: bool) -> Callable[[], Any]:
    """A function that makes the program of a net anew, and takes the first gradient of a batch."""
    from tinygrad_edu.vectorize import vectorize

    loss = find_loss(given.loss)

    def example(x: list[Value], t: Any) -> Value:
        return loss(given.model(x), t)

    def make() -> Any:
        program = vectorize(example, given.X[0], given.y[0])
        return program.value_and_grad(given.X, given.y) if gradient else program

    return make


def edges(given: nets.Problem) -> int:
    """The links from a node to a parent in the graph of one example, counted with repeats."""
    root = find_loss(given.loss)(given.model([Value(x) for x in given.X[0]]), given.y[0])
    return sum(len(v.parents) for v in toposort(root))
