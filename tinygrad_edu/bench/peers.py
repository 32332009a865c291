"""The engines we compare ourselves with, where they are installed, each on one thread."""

import gc
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module, metadata, util
from typing import Final

#: Name -> (module, package to install).
PEERS: Final = {
    "micrograd": ("micrograd", "micrograd"),
    "PyTorch": ("torch", "torch"),
    "JAX": ("jax", "jax"),
    "autograd": ("autograd", "autograd"),
}


def installed(name: str) -> bool:
    """Whether a peer can be imported."""
    return util.find_spec(PEERS[name][0]) is not None


def labelled(name: str) -> str:
    """Name and version, as in "JAX 0.4.30"."""
    return f"{name} {metadata.version(PEERS[name][1]).partition('+')[0]}"


def missing(names: Sequence[str]) -> list[str]:
    """What to install for those of the names that are not, as in "JAX (pip install jax)"."""
    return [f"{name} (pip install {PEERS[name][1]})" for name in names if not installed(name)]


@contextmanager
def one_thread_each(names: Collection[str]) -> Iterator[None]:
    """PyTorch on one thread, as the other engines are, and JAX with float64; restored after.

    What they import is hidden from Python's collector, which would look through it again and again
    for those who leave garbage.
    """
    with ExitStack() as restored:
        if "PyTorch" in names:
            torch = import_module("torch")
            restored.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
        if "JAX" in names:
            config = import_module("jax").config
            restored.callback(config.update, "jax_enable_x64", config.jax_enable_x64)
            config.update("jax_enable_x64", True)
        gc.freeze()
        restored.callback(gc.unfreeze)
        yield


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
