"""Parcel: functions and models as bytes, for the way to another process and back."""

import io
import pickle
from functools import partial
from typing import Any

from tinygrad_edu.engine import Primitive, functions


def pack(what: str, x: object) -> bytes:
    """`x` as bytes: nets, lambdas, functions of a notebook, operations of one's own.

    Needs cloudpickle. Raises TypeError for what cannot travel, such as an open file.
    """
    from cloudpickle import CloudPickler

    class Pickler(CloudPickler):  # type: ignore[misc]
        dispatch_table = CloudPickler.dispatch_table.new_child({Primitive: _operation})

    parcel = io.BytesIO()
    try:
        Pickler(parcel).dump(x)
    except Exception as error:
        raise TypeError(
            f"{what} cannot be sent to another process, write n_jobs=1: {error}"
        ) from error
    return parcel.getvalue()


def unpack(parcel: bytes) -> Any:
    """What `pack` packed in a process of the same program; never the content of a file."""
    return pickle.loads(parcel)


def _operation(op: Primitive) -> Any:
    """An operation of the package by its name, any other by its parts."""
    if vars(functions).get(op.name) == op:
        return op.__reduce__()
    return partial(Primitive, constants=op.constants), (op.name, op.value, op.slopes)
