"""Restarts: descent from several starts, the best kept."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from tinygrad_edu.checks import as_random, whole
from tinygrad_edu.train.history import History
from tinygrad_edu.train.runs import last_loss, run_all


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
    n_jobs: int | None = None,
) -> Best:
    """Restart `run` `tries` times and keep the model whose last loss is the smallest.

    `run(rng)` makes a model from its own generator, trains it and returns (model, history): descent
    from another start may end in another local minimum. With `n_jobs=4` four processes share the
    runs (needs joblib; -1 is one per core, None takes what `joblib.parallel_config` says, else 1);
    the result does not depend on it. Ctrl-C ends with a warning and the best so far.
    """
    rng = as_random(rng)
    jobs: list[tuple[int, dict[str, Any]]] = [
        (rng.randrange(2**32), {}) for _ in range(whole("tries", tries))
    ]
    made = list(run_all(run, jobs, n_jobs).values())
    model, history = min(made, key=lambda pair: last_loss(pair[1].loss))
    return Best(model, history, [h for _, h in made])
