"""Sweep: one training for every combination of settings, as a table."""

import random
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from tinygrad_edu.checks import as_random
from tinygrad_edu.train.history import History
from tinygrad_edu.train.runs import last_loss, run_all

#: Columns of a terminal that a table may take.
WIDTH = 100


class Run(NamedTuple):
    """One training of a sweep."""

    settings: dict[str, Any]
    model: Any
    history: History

    @property
    def loss(self) -> float:
        """The last validation loss, without validation data the last loss; inf if not a number."""
        return last_loss(self.history.validation_loss or self.history.loss)


class Sweep:
    """The runs of a sweep, the smallest last (validation) loss first; shown as a table."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = sorted(runs, key=lambda run: run.loss)

    @property
    def best(self) -> Run:
        """The run with the smallest last (validation) loss."""
        return self.runs[0]

    def table(self, rows: int = 20) -> str:
        """A text table of the best `rows` runs: last numbers of the history, then the settings."""
        shown = self.runs[:rows]
        measured = {name: None for run in shown for name in run.history._columns()}
        columns = [
            *([name, *[_last(run.history, name) for run in shown]] for name in measured),
            *([name, *[_short(run.settings[name]) for run in shown]] for name in self._names()),
        ]
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            for cells in zip(*columns, strict=True)
        ]
        if len(shown) < len(self.runs):
            lines.append(f"and {len(self.runs) - len(shown)} more runs")
        return "\n".join(f"{x[: WIDTH - 3]}..." if len(x) > WIDTH else x for x in lines)

    def _names(self) -> list[str]:
        return list(self.runs[0].settings)

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        return self.table()


def sweep(
    run: Callable[..., tuple[Any, History]],
    grid: Mapping[str, Iterable[Any]],
    *,
    rng: int | random.Random = 0,
    n_jobs: int | None = None,
) -> Sweep:
    """Train once for every combination of the settings in `grid`, as in {"lr": [0.1, 1.0]}.

    `run(rng, **settings)` makes a model from its generator, trains it and returns (model, history).
    All runs get generators with the same seed, so that settings are compared and not luck, and the
    result for one of them does not depend on the others. With `n_jobs=4` four processes share the
    runs (needs joblib; -1 is one per core, None takes what `joblib.parallel_config` says, else 1);
    the result does not depend on it. Ctrl-C ends with a warning and the runs made so far.
    """
    combinations = _combinations(grid)
    seed = as_random(rng).randrange(2**32)
    made = run_all(run, [(seed, settings) for settings in combinations], n_jobs)
    return Sweep(Run(combinations[k], *pair) for k, pair in made.items())


def _combinations(grid: Any) -> list[dict[str, Any]]:
    """Every combination, the last name changing fastest."""
    if not isinstance(grid, Mapping):
        raise TypeError(
            f'grid must be a dict of lists, got {type(grid).__name__}: write {{"lr": [0.1, 1.0]}}'
        )
    lists = {}
    for name, values in grid.items():
        number = getattr(values, "shape", None) == ()  # an array without a dimension
        if number or isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise TypeError(
                f"grid[{name!r}] must be a list of settings, got {type(values).__name__} "
                f"{values!r:.40}: write [{values!r:.40}]"
            )
        lists[name] = list(values)
    empty = [name for name, values in lists.items() if not values]
    if empty or not lists:
        where = f"grid[{empty[0]!r}]" if empty else "grid"
        raise ValueError(f"{where} is empty: there is nothing to train")
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def _last(history: History, name: str) -> str:
    numbers = history._columns().get(name)
    if not numbers:
        return "-"
    return f"{numbers[-1]:.1%}" if "accuracy" in name else f"{numbers[-1]:.4g}"


def _short(x: Any, width: int = 20) -> str:
    x = x.item() if getattr(x, "shape", None) == () else x  # a number of NumPy
    text = x if isinstance(x, str) else f"{x:g}" if isinstance(x, float) else repr(x)
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 3]}..."
