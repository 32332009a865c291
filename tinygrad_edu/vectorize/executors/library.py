"""The library of the machine: found beside this file, opened, and the build for this processor.

The environment variable TINYGRAD_EDU_MACHINE chooses: none switches it off; baseline, avx2, avx512
name a build of it; unset or empty is the best that the processor runs. What cannot be opened is
absent: NumPy then runs, and `tinygrad-edu doctor` says why. hatch_build.py makes the library, and
asks here what it is called; that is why only the standard library is imported.
"""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

VARIABLE: Final = "TINYGRAD_EDU_MACHINE"
#: The builds, in the order of `machine_level` in processor.c, and what people call them.
VARIANTS: Final = {"baseline": "baseline", "avx2": "AVX2", "avx512": "AVX-512"}
FOLDER: Final = Path(__file__).parent


class Library(NamedTuple):
    """An opened library, and the build of it that runs: a key of VARIANTS."""

    path: Path
    variant: str
    opened: ctypes.CDLL

    def function(self, name: str) -> Any:
        """The function of that build, as ctypes gives it."""
        return getattr(self.opened, f"{name}_{self.variant}")


def file_name(platform: str) -> str:
    """What the library is called on a platform: the tag of a wheel, or `sys.platform`.

    With a second dot, since Python takes `machine.so` for a module that can be imported.
    """
    if platform.startswith(("darwin", "macosx")):
        return "machine.c.dylib"
    return "machine.c.dll" if platform.startswith("win") else "machine.c.so"


def checksum(folder: Path = FOLDER) -> int:
    """A number for the C sources in a folder, below 2**32: other sources, another number."""
    texts = (path.read_bytes() for path in sorted(folder.glob("*.[ch]")))
    return crc32(b"".join(texts).replace(b"\r\n", b"\n"))  # the same as a checkout of Windows


def find() -> Library | None:
    """The library, or None where it is switched off or absent.

    Raises ValueError where TINYGRAD_EDU_MACHINE names no build, or one that cannot run here.
    """
    found = _search()
    return found if isinstance(found, Library) else None


def description() -> str:
    """The machine that runs, or none and why, in a line."""
    found = _search()
    if isinstance(found, Library):
        place = found.path.relative_to(FOLDER.parents[1]).as_posix()
        return f"{VARIANTS[found.variant]}, {place}"
    return f"none ({found}); NumPy runs"


def _search() -> Library | str:
    """The library, or why there is none."""
    choice = os.environ.get(VARIABLE, "").strip()
    if choice not in ("", "none", *VARIANTS):
        raise ValueError(
            f"{VARIABLE}={choice} is no build of the machine: "
            f"write none, {', '.join(VARIANTS)}, or unset it"
        )
    if choice == "none":
        return f"switched off by {VARIABLE}=none"
    path = FOLDER / file_name(sys.platform)
    opened = _open(path)
    if isinstance(opened, str):
        return opened
    runs = list(VARIANTS)[: opened.machine_level() + 1]
    if choice and choice not in runs:
        raise ValueError(
            f"{VARIABLE}={choice} does not run on this processor: write {' or '.join(runs)}"
        )
    return Library(path, choice or runs[-1], opened)


@cache
def _open(path: Path) -> ctypes.CDLL | str:
    """The library at a path, opened once, or why it cannot be used."""
    if not path.exists():
        return "built without a C compiler"
    try:
        opened = ctypes.CDLL(str(path))
        built_from = opened.machine_sources
    except (OSError, AttributeError) as error:  # another processor's, no right to execute, ...
        return f"{path.name} cannot be opened: {error}"
    built_from.restype = ctypes.c_uint32
    if built_from() != checksum(path.parent):
        return f"{path.name} was built from other sources: pip install -e . builds it anew"
    return opened
