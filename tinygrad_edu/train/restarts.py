"""Restarts: descent from several starts, the best kept."""

import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from tinygrad_edu.options import positive_int
from tinygrad_edu.rng import as_random
from tinygrad_edu.train.history import History


class Best(NamedTuple):
    """The best of several runs, and the histories of all of them."""

    model: Any
    history: History
    histories: list[History]


def best_of(
    run: Callable[[random.Random], tuple[Any, History]],
    tries: int = 10,
    *,
    rng: int | random.Random = 0,
) -> Best:
    """Restart `run` `tries` times and keep the model whose last loss is the smallest.

    `run(rng)` makes a model from its own generator, trains it and returns (model, history): descent
    from another start may end in another local minimum.
    """
    rng = as_random(rng)
    seeds = [rng.randrange(2**32) for _ in range(positive_int("tries", tries))]
    runs = [run(random.Random(seed)) for seed in seeds]
    for made in runs:
        if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], History)):
            raise TypeError(f"run must return (model, history), got {made!r:.60}")
    model, history = min(runs, key=lambda made: _last_loss(made[1]))
    return Best(model, history, [h for _, h in runs])


def _last_loss(history: History) -> float:
    loss = history.loss[-1] if history.loss else math.nan
    return math.inf if math.isnan(loss) else loss
