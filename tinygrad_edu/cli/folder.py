"""The folder that a run writes its results into."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.cli.options import reason
from tinygrad_edu.nn import Module
from tinygrad_edu.view.base.report import Picture

#: What is said where a model is no MLP.
PARAMETERS_ONLY: Final = (
    "parameters.json is for load_state_dict: a model.json for predict can hold an MLP alone"
)


def make_folder(path: str) -> None:
    """Make the folder where there is none. Raises UsageError if nothing can be written into it."""
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"--out: cannot write into {path!r}: {reason(error)}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"--out: cannot write into {path!r}: permission denied")


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Errors of the system as UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path!r}: {reason(error)}") from None


def write_files(folder: str, pictures: Sequence[tuple[str, Picture]], page: str) -> list[str]:
    """Write the pictures that have a file name, and the report; give the names.

    Raises UsageError for a file that cannot be written.
    """
    files = [(name, picture.content) for name, picture in pictures if name]
    files.append(("report.html", page))
    for name, content in files:
        path = os.path.join(folder, name)
        with writing(path), open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return [name for name, _ in files]


def write_parameters(model: Module, folder: str) -> str:
    """Write the numbers of a model by the names of its parameters; give the name of the file."""
    path = os.path.join(folder, "parameters.json")
    with writing(path), open(path, "w", encoding="ascii") as file:
        json.dump(model.state_dict(), file, indent=1)
    return "parameters.json"
