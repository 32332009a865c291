"""Search: many independent trainings, from several starts or with several settings.

They run here, or on other processes through joblib.
"""

import io
import pickle
import random
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from copy import deepcopy
from functools import partial
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from tinygrad_edu.checks import as_random, function, instance, is_listed, listed, text_of, whole
from tinygrad_edu.checks.habits import answered, warn
from tinygrad_edu.engine import Primitive, functions
from tinygrad_edu.text import table
from tinygrad_edu.train.history import History, measured

#: A trained model and its history.
Result: TypeAlias = tuple[Any, History]
#: A seed for the generator of a run, and its settings; the same with the run before them.
Job: TypeAlias = tuple[int, dict[str, Any]]
Task: TypeAlias = tuple[Callable[..., Result], int, dict[str, Any]]

#: So many deaths of workers in a row, without a run that ends between them, are no accident.
DEATHS = 3
#: Columns of a terminal that a table may take.
WIDTH = 100


class Best(NamedTuple):
    """The best of several runs, and the histories of all of them."""

    model: Any
    history: History
    histories: list[History]


@answered
def best_of(
    run: Callable[[random.Random], Result],
    tries: int = 10,
    *,
    rng: int | random.Random = 0,
    n_jobs: int | None = None,
) -> Best:
    """Restart `run` `tries` times and keep the model with the smallest last (validation) loss.

    `run(rng)` makes a model from its own generator, trains it and returns (model, history): descent
    from another start may end in another local minimum. A run that diverged is never better than
    one that did not. `n_jobs` and Ctrl-C as for `sweep`.
    """
    rng = as_random(rng)
    jobs: list[Job] = [
        (rng.randrange(2**32), {}) for _ in range(whole("tries", tries, most=1_000_000))
    ]
    results = list(run_all(run, jobs, n_jobs).values())
    model, history = min(results, key=lambda result: result[1].rank)
    return Best(model, history, [h for _, h in results])


class Run(NamedTuple):
    """One training of a sweep."""

    settings: dict[str, Any]
    model: Any
    history: History

    @property
    def loss(self) -> float:
        """The last validation loss, without validation data the last loss; inf if not a number."""
        return self.history.rank[1]


class Sweep:
    """The runs of a sweep, the smallest last (validation) loss first, those that diverged last.

    Shown as a table.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        known: list[Run] = listed("runs", runs, "runs of a sweep", Run)
        self.runs = sorted(known, key=lambda run: run.history.rank)

    @property
    def best(self) -> Run:
        """The run with the smallest last (validation) loss of those that did not diverge."""
        return self.runs[0]

    def table(self, rows: int = 20) -> str:
        """A text table of the best `rows` runs: last numbers of the history, then the settings."""
        best = self.runs[: whole("rows", rows)]
        columns = {name: None for run in best for name in run.history.columns()}
        ends = ["diverged" if run.history.diverged else "" for run in best]
        ended = ["ended"] * any(ends)
        cells = [[*columns, *ended, *self.runs[0].settings]]
        for run, end in zip(best, ends, strict=True):
            last = {name: measured(name, x[-1], 4) for name, x in run.history.columns().items()}
            shown = [*(last.get(name, "-") for name in columns), *[end] * any(ends)]
            cells.append([*shown, *map(_short, run.settings.values())])
        lines = table(cells, left=0).split("\n")
        if len(best) < len(self.runs):
            lines.append(f"and {len(self.runs) - len(best)} more runs")
        return "\n".join(f"{x[: WIDTH - 3]}..." if len(x) > WIDTH else x for x in lines)

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        return self.table()


@answered
def sweep(
    run: Callable[..., Result],
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
    results = run_all(run, [(seed, settings) for settings in combinations], n_jobs)
    return Sweep(Run(combinations[k], *result) for k, result in results.items())


def run_all(
    run: Callable[..., Result], jobs: Sequence[Job], n_jobs: int | None
) -> dict[int, Result]:
    """`run(random.Random(seed), **settings)` for every job, under the number of the job.

    `n_jobs` is how many run at a time: 1 in this process, more on as many processes through joblib,
    -1 on all cores, None what `joblib.parallel_config` says, else 1. The seeds alone decide what
    comes out. What a dying process had not finished is run again. Ctrl-C ends with a warning and
    the runs made so far, the interrupted one included if it has a history.
    """
    if n_jobs is not None and not (isinstance(n_jobs, int) and n_jobs == -1):
        whole("n_jobs", n_jobs)
    function("run", run, "a generator and the settings")
    results: dict[int, Result] = {}
    deaths = 0
    while len(results) < len(jobs):
        todo = {k: (run, *job) for k, job in enumerate(jobs) if k not in results}
        try:
            for k, (model, history) in _on_processes(todo, n_jobs) or _here(todo):
                results[k] = model, history
                deaths = 0
                if history.interrupted:
                    raise KeyboardInterrupt
        except BrokenExecutor as error:
            deaths += 1
            left = len(jobs) - len(results)
            if deaths == DEATHS:
                raise RuntimeError(
                    f"worker processes died {deaths} times in a row with {left} of {len(jobs)} "
                    "runs left, perhaps for want of memory: try a smaller n_jobs"
                ) from error
            warn(
                f"a worker process died: {left} of {len(jobs)} runs are started again",
                RuntimeWarning,
            )
        except KeyboardInterrupt:
            if not results:
                raise
            if len(results) < len(jobs):
                message = f"interrupted by the user after {len(results)} of {len(jobs)} runs"
                warn(message, RuntimeWarning)
            break
    return dict(sorted(results.items()))


def _on_processes(todo: dict[int, Task], n_jobs: int | None) -> Iterator[tuple[int, Result]] | None:
    """The tasks as they end, so that those that ended before a worker died are not lost.

    None where this process is to do them all. Raises ImportError without joblib and cloudpickle,
    TypeError for what cannot be sent.
    """
    if n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        return None
    try:
        import cloudpickle  # noqa: F401
        import joblib
    except ImportError as error:
        raise ImportError(
            f"n_jobs={n_jobs} needs {error.name}: pip install joblib cloudpickle"
        ) from error
    parallel = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    if parallel.n_jobs == 1:
        return None
    sent = [(k, pack("a setting", task)) for k, task in todo.items()]
    ended = parallel(joblib.delayed(_there)(*task) for task in sent)
    return ((k, pickle.loads(result)) for k, result in ended)


def _here(todo: dict[int, Task]) -> Iterator[tuple[int, Result]]:
    for k, (run, seed, settings) in todo.items():
        yield k, _run(run, seed, {name: _copied(x) for name, x in settings.items()})


def _copied(x: Any) -> Any:
    """A copy, so that no run sees what another did to a setting; what has none is shared."""
    try:
        return deepcopy(x)
    except TypeError:
        return x


def _run(run: Callable[..., Result], seed: int, settings: dict[str, Any]) -> Result:
    result = run(random.Random(seed), **settings)
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], History)):
        raise TypeError(f"run must return (model, history), got {result!r:.60}")
    return result


def _combinations(grid: Any) -> list[dict[str, Any]]:
    """Every combination, the last name changing fastest."""
    instance("grid", grid, Mapping, "a dict of lists", 'write {"lr": [0.1, 1.0]}')
    lists = {}
    for name, values in grid.items():
        text_of("a name in grid", name)
        if not is_listed(values):
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


def _short(x: Any, width: int = 20) -> str:
    x = x.item() if getattr(x, "shape", None) == () else x  # a number of NumPy
    text = x if isinstance(x, str) else f"{x:g}" if isinstance(x, float) else repr(x)
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 3]}..."


def pack(what: str, x: object) -> bytes:
    """`x` as bytes for pickle: nets, lambdas, functions of a notebook, operations of one's own.

    Needs cloudpickle. Raises TypeError for what cannot be pickled, such as an open file.
    """
    from cloudpickle import CloudPickler

    class Pickler(CloudPickler):  # type: ignore[misc]
        dispatch_table = CloudPickler.dispatch_table.new_child({Primitive: _operation})

    data = io.BytesIO()
    try:
        Pickler(data).dump(x)
    except Exception as error:  # what is pickled may raise anything
        raise TypeError(
            f"{what} cannot be sent to another process, write n_jobs=1: {error}"
        ) from error
    return data.getvalue()


def _operation(op: Primitive) -> Any:
    """An operation of the package by its name, any other by its parts."""
    if vars(functions).get(op.name) == op:
        return op.__reduce__()
    return partial(Primitive, constants=op.constants), (op.name, op.value, op.slopes)


def _there(k: int, job: bytes) -> tuple[int, bytes]:
    """One job, in another process."""
    try:
        result = _run(*pickle.loads(job))
    except Exception as error:
        raise _picklable(error) from None
    return k, pack("what run returned", result)


def _picklable(error: Exception) -> Exception:
    """The error of a run, or another with its text where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error class of the user's may raise anything
        text = RuntimeError(f"{type(error).__name__}: {error}")
        text.add_note("".join(traceback.format_exception(error)))
        return text
    return error
