"""Files: what is a path, which files are read, and how one is written, whole or not at all."""

import errno
import os
import stat
from contextlib import suppress
from os import PathLike
from typing import Any, BinaryIO

#: What a file can be named by.
AnyPath = str | bytes | PathLike[str] | PathLike[bytes]


def path_of(path: Any, what: str = "path") -> str:
    """A path as text. Raises TypeError for what is none, as a number, which is a descriptor."""
    if not isinstance(path, (str, bytes, PathLike)):
        raise TypeError(
            f'{what} must be a path such as "folder/file", got {type(path).__name__} {path!r:.40}'
        )
    text = os.fsdecode(path)
    if "\0" in text:
        raise ValueError(f"{what} must be a path, which has no NUL character, got {text!r:.40}")
    return text


def packaged(name: str) -> str:
    """The text of a file of the package, by its place there, such as "view/base/page.tex"."""
    text: str = _place(name).read_text("utf-8")
    return text


def packaged_bytes(name: str) -> bytes:
    """What such a file holds that is no text."""
    content: bytes = _place(name).read_bytes()
    return content


def _place(name: str) -> Any:
    from importlib.resources import files  # late: it takes a while

    return files("tinygrad_edu").joinpath(name)


def packaged_table(name: str) -> dict[str, Any]:
    """What such a .toml file holds."""
    import tomllib  # late, too

    return tomllib.loads(packaged(name))


def open_regular(path: AnyPath) -> BinaryIO:
    """The regular file `path`, open for reading bytes.

    Raises OSError as the system gives it, also for a folder, a pipe or a device.
    """
    path = path_of(path)
    if path.startswith(("http://", "https://", "ftp://")):
        raise FileNotFoundError(errno.ENOENT, "an address: download the file first", path)
    _check_regular(path, os.stat(path))
    return open(path, "rb", opener=_opened)


def write(path: AnyPath, content: bytes | str) -> None:
    """Write the file `path`, text as UTF-8; the old one stays until the new one is complete.

    The new file has the mode of the old one; a symbolic link is replaced by the file. Raises
    OSError as the system gives it, naming `path`, also where a folder, a pipe or a device is there.
    """
    path = path_of(path)
    temporary = os.path.join(os.path.dirname(path), f".{os.urandom(8).hex()}.tmp")
    try:
        mode = _mode_of_old(path)
        # what only its owner may read is not open to others while it is written
        first = 0o666 if mode is None else 0o600
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, first)) as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = path
            del error.filename2
        raise


def _opened(path: str, flags: int) -> int:
    """The descriptor of a regular file; of a pipe that took its place nobody waits for the end."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        _check_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _mode_of_old(path: str) -> int | None:
    """The mode of the file that is to be replaced; None where there is none."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return None
    _check_regular(path, old)
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return stat.S_IMODE(old.st_mode)


def _check_regular(path: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
