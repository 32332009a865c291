"""What it costs to make a program: trace the scalar graph, regroup it, compile it for a batch."""

from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu.bench import nets
from tinygrad_edu.bench.measure import Table, compare
from tinygrad_edu.bench.threads import one_blas_thread
from tinygrad_edu.engine import Value
from tinygrad_edu.engine.graph import toposort

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
