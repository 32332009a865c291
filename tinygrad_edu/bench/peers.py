"""The engines we compare ourselves with, where they are installed."""

from collections.abc import Sequence
from importlib import metadata, util
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
