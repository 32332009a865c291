"""What is around the steps of a training: rows predicted, nets made, saved and loaded, memory."""

import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tinygrad_edu.bench.fits import noise
from tinygrad_edu.bench.growth import Work, euler
from tinygrad_edu.bench.measure import Table, beside, compare
from tinygrad_edu.bench.nets import arrays
from tinygrad_edu.nn import MLP
from tinygrad_edu.train import evaluate, predict

INPUTS: Final = 784
ROWS: Final = 60_000
#: Gigabytes, the data included.
MEMORY: Final = 0.8


def net() -> MLP:
    """784-128-10, with 101,770 parameters."""
    return MLP(INPUTS, [128, 10], rng=0)


def overheads_table(rounds: int) -> Table:
    """The goals are multiples of what has to be done anyway, seconds, or gigabytes."""
    with beside("NumPy") as side, TemporaryDirectory() as folder:
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

    W1, b1, W2, b2 = map(np.array, arrays(model))
    return lambda: np.maximum(X @ W1.T + b1, 0) @ W2.T + b2


def peak(run: Callable[[], object]) -> float:
    """Gigabytes that are allocated at the worst moment of a run, beside what was there before."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / 1e9
    finally:
        tracemalloc.stop()
