"""The file of a saved model: versioned JSON with a checksum, written atomically, read strictly.

Everything in a file that is read is untrusted: only numbers, short texts, lists and dicts come out
of it, and nothing in it is executed.
"""

import json
import math
import os
from typing import Any, Final, NamedTuple

from tinygrad_edu import files
from tinygrad_edu.checks import whole
from tinygrad_edu.files import AnyPath

#: The name of the first release, which then says of our files that their version is newer.
FORMAT: Final = "tinygrad_edu.mlp"
VERSION: Final = 2
#: More parameters than this are refused: a scalar engine would take minutes a step.
MAX_PARAMETERS: Final = 10_000_000
#: A file may have a line of this length for each of them, on average.
MAX_BYTES: Final = 100 * MAX_PARAMETERS

_FIRST_RELEASE: Final = {"sizes", "activation", "output", "parameters", "metadata"}


class ModelFileError(ValueError):
    """A file is not a model that this release can read."""


class ModelFile(NamedTuple):
    """What a file holds: a description of the model, its numbers by name, metadata."""

    model: dict[str, Any]
    state: dict[str, float]
    metadata: dict[str, Any]


def write(path: AnyPath, content: ModelFile) -> None:
    """Write `content` to `path`; the old file stays as it was until the new one is complete.

    Raises ValueError for content that `read` would refuse, OSError as the system gives it.
    """
    path = files.path_of(path)
    _check(content)
    body = {"format": FORMAT, "version": VERSION, **content._asdict()}
    _parse(_written({**body, "state": {}}))  # the names of the state are different texts
    raw = _written(body)
    if len(raw) > MAX_BYTES:
        raise ModelFileError(f"a model file has at most {MAX_BYTES:,} bytes, not {len(raw):,}")
    files.write(path, raw)


def read(path: AnyPath, *, max_bytes: int = MAX_BYTES) -> ModelFile:
    """The content of the file `path`.

    Raises ModelFileError for anything but a complete, unchanged file of this version, or of the
    first release, of at most `max_bytes` bytes; OSError as the system gives it.
    """
    max_bytes = whole("max_bytes", max_bytes)
    with files.open_regular(path) as file:
        size, _ = file.seek(0, os.SEEK_END), file.seek(0)
        if size > max_bytes:
            raise ModelFileError(f"larger than {max_bytes:,} bytes: pass max_bytes to read it")
        raw = file.read()
    body = _parse(raw)
    if body.get("format") != FORMAT:
        raise ModelFileError(f"not a tinygrad_edu model: format is {_repr(body.get('format'))}")
    version = body.get("version")
    if type(version) is not int or version not in (1, VERSION):
        raise ModelFileError(
            f"written in version {_repr(version)} of the format, this release reads "
            f"versions 1 and {VERSION}: use the release of tinygrad_edu that wrote it"
        )
    fields = _FIRST_RELEASE if version == 1 else ModelFile._fields
    if odd := sorted(set(body) ^ {"format", "version", "sha256", *fields}):
        raise ModelFileError(f"fields missing or unknown: {_repr(', '.join(odd))}")
    del body["sha256"]
    parts = _of_first_release(body) if version == 1 else body
    content = ModelFile(*(parts[name] for name in ModelFile._fields))
    _check(content)
    try:
        undamaged = raw.replace(b"\r\n", b"\n") == _written(body)
    except (ValueError, RecursionError):
        undamaged = False
    if not undamaged:
        raise ModelFileError("damaged: it is not byte for byte what was saved")
    return content


def _of_first_release(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of today for a file that describes an MLP by its sizes."""
    sizes = body["sizes"]
    if not isinstance(sizes, list) or len(sizes) < 2:
        raise ModelFileError(f"sizes must be a list of at least 2 ints, got {_repr(sizes)}")
    activation, output = body["activation"], body["output"]
    if not isinstance(activation, str) or not isinstance(output, str):
        raise ModelFileError(
            f"activation and output must be texts, got {_repr(activation)} and {_repr(output)}"
        )
    model = {"layer": "MLP", "nin": sizes[0], "nouts": sizes[1:], "training": True}
    model |= {"activation": activation, "output": output}
    return {"model": model, "state": body["parameters"], "metadata": body["metadata"]}


def _check(content: ModelFile) -> None:
    """Types and finiteness of what is no layer; the layers check their arguments themselves."""
    for name, part in content._asdict().items():
        if not isinstance(part, dict):
            raise ModelFileError(f"{name} must be an object, got {_repr(part)}")
    for name, x in content.state.items():
        if type(x) is not float or not math.isfinite(x):
            raise ModelFileError(f"parameter {_repr(name)} must be a finite float, got {_repr(x)}")


def _parse(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`: strict UTF-8, no repeated keys, no NaN, nothing after it."""
    if not raw.lstrip()[:1] == b"{":
        raise ModelFileError(f"not a tinygrad_edu model: it starts with {raw[:4]!r}")
    try:
        body: dict[str, Any] = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"not a tinygrad_edu model: {error!s:.100}") from None
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for k, key in enumerate(names) if key in names[:k])
        raise ModelFileError(f"not a tinygrad_edu model: the key {_repr(twice)} is repeated")
    return unique


def _no_constant(name: str) -> Any:
    raise ModelFileError(f"not a tinygrad_edu model: it contains {name}")


def _written(body: dict[str, Any]) -> bytes:
    """The file of `body`: its checksum is that of the same text without the checksum."""
    import hashlib

    text = json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1)
    checksum = hashlib.sha256(f"{text}\n".encode()).hexdigest()
    return f'{text[:-2]},\n "sha256": "{checksum}"\n}}\n'.encode()


def _repr(x: object) -> str:
    text = repr(x)
    return text if len(text) <= 80 else text[:77] + "..."
