"""One thread for NumPy's BLAS, so that engines are compared on one core each."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, util
from typing import Final

#: What OpenBLAS, OpenMP, MKL and Apple's Accelerate read when NumPy is imported.
VARIABLES: Final = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """Limit BLAS to one thread; gives whether it is.

    Where NumPy is not imported yet this is done by the environment, which is restored after; else
    by threadpoolctl. Without that it holds where the environment says so already.
    """
    if "numpy" not in sys.modules:
        before = {name: os.environ.get(name) for name in VARIABLES}
        os.environ.update(dict.fromkeys(VARIABLES, "1"))
        try:
            import_module("numpy")
            yield True
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
    elif util.find_spec("threadpoolctl") is not None:
        with import_module("threadpoolctl").threadpool_limits(1, "blas"):
            yield True
    else:
        yield "1" in (os.environ.get(name) for name in VARIABLES)


def stated(one: bool) -> str:
    """What a title says about it."""
    return "BLAS on one thread" if one else "BLAS not limited: set OPENBLAS_NUM_THREADS=1"
