"""Processes: runs on other processes through joblib, and what they are made of as bytes."""

import io
import pickle
import sys
import traceback
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from tinygrad_edu.engine import Primitive, functions

#: From the arguments of a job to what it gives.
Run = Callable[..., Any]


def start(
    run: Run, jobs: dict[int, tuple[Any, ...]], n_jobs: int | None
) -> Generator[tuple[int, Any], None, None] | None:
    """The jobs as they end, so that those that ended before a worker died are not lost.

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
    sent = pack("run", run)
    tasks = [(k, sent, pack("a setting", job)) for k, job in jobs.items()]
    return _unpacked(parallel(joblib.delayed(_there)(*task) for task in tasks))


def pack(what: str, x: object) -> bytes:
    """`x` as bytes: nets, lambdas, functions of a notebook, operations of one's own.

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


def unpack(data: bytes) -> Any:
    """What `pack` packed in a process of the same program; never the content of a file."""
    return pickle.loads(data)


def _operation(op: Primitive) -> Any:
    """An operation of the package by its name, any other by its parts."""
    if vars(functions).get(op.name) == op:
        return op.__reduce__()
    return partial(Primitive, constants=op.constants), (op.name, op.value, op.slopes)


def _there(k: int, run: bytes, job: bytes) -> tuple[int, bytes]:
    """One job, in another process."""
    try:
        result = unpack(run)(*unpack(job))
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


def _unpacked(results: Generator[Any, None, None]) -> Generator[tuple[int, Any], None, None]:
    for k, data in results:
        yield k, unpack(data)
