"""How time grows with size: for each quantity the exponent p of time ~ size^p; 1 is linear."""

from collections.abc import Callable
from functools import partial
from math import log
from statistics import linear_regression
from typing import Final

from tinygrad_edu.bench import nets
from tinygrad_edu.bench.fits import noise, our_fit, task
from tinygrad_edu.bench.matrix import making
from tinygrad_edu.bench.measure import Table, compare, duration, one_blas_thread
from tinygrad_edu.engine import Value

#: What the exponent may be.
LINEAR: Final = 1.15
#: The exponent is that of so many sizes, the largest: with small ones there is what does not grow.
LARGEST: Final = 3

Work = Callable[[], object]


def _fit(*sizes: int, rows: int = 500, batch: int = 32, epochs: int = 1) -> Work:
    return partial(our_fit, task(list(sizes), noise(sizes[0], rows), batch, epochs))


def _vectorize(hidden: int) -> Work:
    return making(nets.classifier(784, hidden, 1), gradient=False)


def euler(steps: int) -> Work:
    """From code to a program: so many steps of y' = 1 - y^2."""
    from tinygrad_edu.vectorize import vectorize

    def end(y: Value) -> Value:
        for _ in range(steps):
            y = y + 0.001 * (1.0 - y * y)
        return y

    return lambda: vectorize(end, 0.5)


#: Quantity -> what is done for a size, and the sizes.
SIZES: Final[dict[str, tuple[Callable[[int], Work], list[int]]]] = {
    "fit, rows: 64-32-10": (lambda n: _fit(64, 32, 10, rows=n), [8000, 16000, 32000, 64000]),
    "fit, epochs: 64-32-10": (lambda n: _fit(64, 32, 10, epochs=n), [1, 10, 100, 1000]),
    "fit, units: 64-n-10": (lambda n: _fit(64, n, 10), [16, 64, 128, 256, 512]),
    "fit, layers of 16 units": (lambda n: _fit(64, *[16] * n, 10), [1, 8, 16, 32, 64]),
    "fit, batch: 64-32-10": (
        lambda n: _fit(64, 32, 10, rows=4096, batch=n), [16, 64, 256, 1024, 4096]
    ),
    "vectorize, units: 784-n-10": (_vectorize, [16, 32, 64, 128]),
    "vectorize, steps of Euler's method": (euler, [500, 1000, 2000, 4000]),
}  # fmt: skip


def growth_table(rounds: int) -> Table:
    """An exponent for each quantity; all of its sizes are measured in turn."""
    table = Table(
        "Growth: the exponent p of time ~ size^p over the largest sizes; linear is 1",
        engine="exponent",
    )
    with one_blas_thread():
        for name, (work, sizes) in SIZES.items():
            first, *rest = map(work, sizes)
            others = dict(zip(map(str, sizes[1:]), rest, strict=True))
            least, larger = compare(first, others, rounds, least=1)
            seconds = [least, *(size.seconds for size in larger)]
            ends = [f"{sizes[k]:,}: {duration(seconds[k])}" for k in (0, -1)]
            exponent = fitted(sizes, seconds)
            table.add(name, (exponent, []), detail=", ".join(ends), limit=LINEAR, unit="")
    return table


def fitted(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log time over log size, by least squares over the largest sizes."""
    logs = [list(map(log, values[-LARGEST:])) for values in (sizes, seconds)]
    return linear_regression(*logs).slope
