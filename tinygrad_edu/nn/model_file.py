"""The file of a saved model: versioned JSON with a checksum, written atomically, read strictly.

Everything in a file that is read is untrusted: only numbers, short texts and lists of the announced
sizes come out of it, and nothing in it is executed.
"""

import json
import math
import os
import threading
from contextlib import suppress
from itertools import pairwise
from os import PathLike
from typing import Any, Final, NamedTuple

FORMAT: Final = "tinygrad_edu.mlp"
VERSION: Final = 1
MAX_BYTES: Final = 100_000_000
MAX_SIZE: Final = 1_000_000_000


class ModelFileError(ValueError):
    """A file is not a model that this release can read."""


class MLPFile(NamedTuple):
    """What a file holds: layer sizes (inputs first), activations, parameters by name, metadata."""

    sizes: list[int]
    activation: str
    output: str
    parameters: dict[str, float]
    metadata: dict[str, Any]


def write(path: str | PathLike[str], content: MLPFile) -> None:
    """Write `content` to `path`; the old file stays as it was until the new one is complete.

    Raises ValueError for content that `read` would refuse, OSError as the system gives it.
    """
    for name, x in content.parameters.items():
        if not math.isfinite(x):
            raise ValueError(f"parameter {name} is {x!r}: only finite parameters can be saved")
    _check(content)
    text = _text({"format": FORMAT, "version": VERSION, **content._asdict()})
    _parse(text)
    folder = os.path.dirname(os.fspath(path))
    temporary = os.path.join(folder, f".{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            error.filename, error.filename2 = os.fspath(path), None
        raise


def read(path: str | PathLike[str], *, max_bytes: int = MAX_BYTES) -> MLPFile:
    """The content of the file `path`.

    Raises ModelFileError for anything but a complete, unchanged file of this version of at most
    `max_bytes` bytes, OSError as the system gives it.
    """
    with open(path, "rb") as file:
        raw = file.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise ModelFileError(f"larger than {max_bytes:,} bytes: pass max_bytes to read it")
    body = _parse(raw)
    if body.get("format") != FORMAT:
        raise ModelFileError(f"not a tinygrad_edu model: format is {_shown(body.get('format'))}")
    if type(body.get("version")) is not int or body["version"] != VERSION:
        raise ModelFileError(
            f"written in version {_shown(body.get('version'))} of the format, this release reads "
            f"version {VERSION}: use the release of tinygrad_edu that wrote it"
        )
    expected = {"format", "version", "sha256", *MLPFile._fields}
    if set(body) != expected:
        odd = sorted(set(body) ^ expected)
        raise ModelFileError(f"fields missing or unknown: {_shown(', '.join(odd))}")
    del body["sha256"]
    content = MLPFile(**{name: body[name] for name in MLPFile._fields})
    _check(content)
    try:
        unchanged = raw.replace(b"\r\n", b"\n") == _text(body)
    except (ValueError, RecursionError):
        unchanged = False
    if not unchanged:
        raise ModelFileError("damaged: it is not byte for byte what was saved")
    return content


def _check(content: MLPFile) -> None:
    """Types, sizes and finiteness of everything that a model is built from."""
    sizes = content.sizes
    if not isinstance(sizes, list) or len(sizes) < 2 or not all(type(n) is int for n in sizes):
        raise ModelFileError(f"sizes must be a list of at least 2 ints, got {_shown(sizes)}")
    if not 1 <= min(sizes) <= max(sizes) <= MAX_SIZE:
        raise ModelFileError(f"sizes must lie in 1..{MAX_SIZE:,}, got {_shown(sizes)}")
    for name in ("activation", "output"):
        if not isinstance(getattr(content, name), str):
            raise ModelFileError(f"{name} must be a text, got {_shown(getattr(content, name))}")
    if not isinstance(content.metadata, dict):
        raise ModelFileError(f"metadata must be an object, got {_shown(content.metadata)}")
    parameters = content.parameters
    if not isinstance(parameters, dict):
        raise ModelFileError(f"parameters must be an object, got {_shown(parameters)}")
    activations = [content.activation] * (len(sizes) - 2) + [content.output]
    announced = 0
    for (nin, nout), activation in zip(pairwise(sizes), activations, strict=True):
        announced += (nin + 1 + (activation == "prelu")) * nout
    if len(parameters) != announced:
        raise ModelFileError(
            f"sizes {_shown(sizes)} announce {announced:,} parameters, "
            f"the file has {len(parameters):,}"
        )
    for name, x in parameters.items():
        if type(x) is not float or not math.isfinite(x):
            raise ModelFileError(
                f"parameter {_shown(name)} must be a finite float, got {_shown(x)}"
            )


def _parse(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`: strict UTF-8, no repeated keys, no NaN, nothing after it."""
    if not raw.lstrip()[:1] == b"{":
        raise ModelFileError(f"not a tinygrad_edu model: it starts with {raw[:4]!r}")
    try:
        body = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"not a tinygrad_edu model: {error!s:.100}") from None
    if not isinstance(body, dict):
        raise ModelFileError(f"not a tinygrad_edu model: a JSON {type(body).__name__}")
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, x in pairs:
        if key in found:
            raise ModelFileError(f"not a tinygrad_edu model: the key {_shown(key)} is repeated")
        found[key] = x
    return found


def _no_constant(name: str) -> Any:
    raise ModelFileError(f"not a tinygrad_edu model: it contains {name}")


def _text(body: dict[str, Any]) -> bytes:
    """The file of `body`: its checksum is that of the same text without the checksum."""
    import hashlib

    def text(content: dict[str, Any]) -> bytes:
        return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()

    return text({**body, "sha256": hashlib.sha256(text(body)).hexdigest()})


def _shown(x: object) -> str:
    text = repr(x)
    return text if len(text) <= 80 else text[:77] + "..."
