"""What a training costs around its steps, and how time grows with size: p of time ~ size^p."""

import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from math import log
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import Any, Final

from tinygrad_edu.bench import measure, nets
from tinygrad_edu.bench.fits import noise, our_fit, task
from tinygrad_edu.bench.matrix import making
from tinygrad_edu.bench.measure import Table, compare
from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP
from tinygrad_edu.train import evaluate, predict

Work = Callable[[], object]

INPUTS: Final = 784
ROWS: Final = 60_000
#: Gigabytes, the data included.
MEMORY: Final = 0.8


def net() -> MLP:
    """784-128-10, with 101,770 parameters."""
    return MLP(INPUTS, [128, 10], rng=0)


def overheads_table(rounds: int) -> Table:
    """The goals are multiples of what has to be done anyway, seconds, or gigabytes."""
    with measure.beside("NumPy") as side, TemporaryDirectory() as folder:
        table = Table(
            f"Around the steps: 784-128-10, 101,770 parameters, {ROWS:,} rows\n"
            f"({side.threads}; memory is the highest state of what Python and NumPy hold)",
            engine="",
        )
        model, (X, y), path = net(), noise(INPUTS, ROWS), Path(folder, "net.json")
        model.save(path)
        text = path.read_text()
        content, bare = json.loads(text), products(model, X)
        runs: dict[str, Work] = {
            "predict": partial(predict, model, X),
            "evaluate": partial(evaluate, model, X, y, loss="cross_entropy"),
        }
        #: what is done, what has to be done anyway and its name, how many times its time is given
        tasks: list[tuple[str, Work, str, Work, float]] = [
            *((name, run, "bare products", bare, 2) for name, run in runs.items()),
            ("save", partial(model.save, path), "json.dumps", partial(json.dumps, content), 4),
            ("load", partial(MLP.load, path), "json.loads", partial(json.loads, text), 6),
        ]
        for name, ours, other, theirs, times in tasks:
            measured = compare(ours, {other: theirs}, rounds, {other: 1 / times}, least=1)
            table.add(name, measured)
        for name, run in runs.items():
            held = peak(run) + X.nbytes / 1e9
            table.add(f"{name}: memory, the data included", (held, []), limit=MEMORY, unit="GB")
        for name, ours, limit in (
            ("MLP(784, [128, 10])", net, 0.12),
            ("vectorize: 4,000 steps of Euler's method", euler(4000), 0.6),
        ):
            table.add(name, compare(ours, {}, rounds, least=1), limit=limit)
    return table


def products(model: MLP, X: Any) -> Callable[[], Any]:
    """What NumPy needs for the outputs: two products, and the ReLU between them."""
    import numpy as np

    W1, b1, W2, b2 = map(np.array, nets.arrays(model))
    return lambda: np.maximum(X @ W1.T + b1, 0) @ W2.T + b2


def peak(run: Callable[[], object]) -> float:
    """Gigabytes that are allocated at the worst moment of a run, beside what was there before."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / 1e9
    finally:
        tracemalloc.stop()


#: What the exponent may be.
LINEAR: Final = 1.15
#: The exponent is that of so many sizes, the largest: with small ones there is what does not grow.
LARGEST: Final = 3


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
    with measure.one_blas_thread():
        for name, (work, sizes) in SIZES.items():
            first, *rest = map(work, sizes)
            others = dict(zip(map(str, sizes[1:]), rest, strict=True))
            least, larger = compare(first, others, rounds, least=1)
            seconds = [least, *(size.seconds for size in larger)]
            ends = [f"{sizes[k]:,}: {measure.duration(seconds[k])}" for k in (0, -1)]
            exponent = fitted(sizes, seconds)
            table.add(name, (exponent, []), detail=", ".join(ends), limit=LINEAR, unit="")
    return table


def fitted(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log time over log size, by least squares over the largest sizes."""
    logs = [list(map(log, values[-LARGEST:])) for values in (sizes, seconds)]
    return linear_regression(*logs).slope
