"""Runs: independent trainings, here one after another or through joblib on many processes."""

import math
import pickle
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor
from copy import deepcopy
from typing import Any, TypeAlias

from tinygrad_edu.checks import whole
from tinygrad_edu.train.history import History
from tinygrad_edu.train.parcel import pack, unpack

#: What a run gives: the trained model and its history.
Made: TypeAlias = tuple[Any, History]
#: A seed for the generator of a run, and its settings.
Job: TypeAlias = tuple[int, dict[str, Any]]

#: So many deaths of workers in a row, without a run that ends between them, are no accident.
DEATHS = 3


def run_all(run: Callable[..., Made], jobs: Sequence[Job], n_jobs: int | None) -> dict[int, Made]:
    """`run(random.Random(seed), **settings)` for every job, under the number of the job.

    `n_jobs` is how many run at a time: 1 in this process, more on as many processes through joblib,
    -1 on all cores, None what `joblib.parallel_config` says, else 1. The seeds alone decide what
    comes out. What a dying process had not finished is run again. Ctrl-C ends with a warning and
    the runs made so far, the interrupted one included if it has a history.
    """
    if n_jobs not in (None, -1):
        whole("n_jobs", n_jobs)
    made: dict[int, Made] = {}
    deaths = 0
    while len(made) < len(jobs):
        todo = {k: job for k, job in enumerate(jobs) if k not in made}
        try:
            runs = _start(run, todo, n_jobs)
            for k, (model, history) in runs:
                made[k] = model, history
                deaths = 0
                if history.interrupted:
                    raise KeyboardInterrupt
        except BrokenExecutor as error:
            deaths += 1
            left = len(jobs) - len(made)
            if deaths == DEATHS:
                raise RuntimeError(
                    f"worker processes died {deaths} times in a row with {left} of {len(jobs)} "
                    "runs left, perhaps for want of memory: try a smaller n_jobs"
                ) from error
            warnings.warn(
                f"a worker process died: {left} of {len(jobs)} runs are started again",
                RuntimeWarning,
                stacklevel=3,
            )
        except KeyboardInterrupt:
            if not made:
                raise
            if len(made) < len(jobs):
                message = f"interrupted by the user after {len(made)} of {len(jobs)} runs"
                warnings.warn(message, RuntimeWarning, stacklevel=3)
            break
    return dict(sorted(made.items()))


def last_loss(numbers: Sequence[float]) -> float:
    """The last number for ranking: inf, behind all others, where it is missing or nan."""
    return math.inf if not numbers or math.isnan(numbers[-1]) else numbers[-1]


_Runs: TypeAlias = Generator[tuple[int, Made], None, None]


def _start(run: Callable[..., Made], todo: dict[int, Job], n_jobs: int | None) -> _Runs:
    """The runs as they end, so that those that ended before a worker died are not lost."""
    if n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules):
        return _here(run, todo)
    try:
        import cloudpickle  # noqa: F401
        import joblib
    except ImportError as error:
        raise ImportError(
            f"n_jobs={n_jobs} needs {error.name}: pip install joblib cloudpickle"
        ) from error
    parallel = joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    if parallel.n_jobs == 1:
        return _here(run, todo)
    sent = pack("run", run)
    tasks = [(k, sent, seed, pack("a setting", x)) for k, (seed, x) in todo.items()]
    return _unpacked(parallel(joblib.delayed(_there)(*task) for task in tasks))


def _here(run: Callable[..., Made], todo: dict[int, Job]) -> _Runs:
    for k, (seed, settings) in todo.items():
        yield k, _made(run, seed, {name: _copied(x) for name, x in settings.items()})


def _copied(x: Any) -> Any:
    """A copy, so that no run sees what another did to a setting; what has none is shared."""
    try:
        return deepcopy(x)
    except TypeError:
        return x


def _there(k: int, run: bytes, seed: int, settings: bytes) -> tuple[int, bytes]:
    """One run, in another process."""
    try:
        made = _made(unpack(run), seed, unpack(settings))
    except Exception as error:
        raise _travelling(error) from None
    return k, pack("what run returned", made)


def _travelling(error: Exception) -> Exception:
    """The error of a run, or another with its text where it would not survive the way."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error class of the user's may raise anything
        told = RuntimeError(f"{type(error).__name__}: {error}")
        told.add_note("".join(traceback.format_exception(error)))
        return told
    return error


def _unpacked(parcels: Generator[tuple[int, bytes], None, None]) -> _Runs:
    for k, parcel in parcels:
        yield k, unpack(parcel)


def _made(run: Callable[..., Made], seed: int, settings: dict[str, Any]) -> Made:
    made = run(random.Random(seed), **settings)
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], History)):
        raise TypeError(f"run must return (model, history), got {made!r:.60}")
    return made
