"""The command `diagnose`: what is wrong with a class Value, or a function backward, in a file."""

import argparse
import os
import runpy
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Final

from tinygrad_edu.cli.options import UsageError, command, takes, usage_errors
from tinygrad_edu.diagnose import Diagnosis, diagnose_backward, diagnose_engine
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import find_loss
from tinygrad_edu.vectorize import vectorize

_EPILOG: Final = """\
The file is run, as python FILE.py runs it but for what stands under if __name__ == "__main__". It
defines one of these, or both:
  class Value                       with data, grad and backward(), operators and functions
  def backward(W1, b1, ..., X, y)   gives a dict of arrays, {"dW1": dW1, ...} or locals(), by the
                                    names that print(program.source) shows, as its parameters are:
                                    W1 has a row per unit, Y a row per example, y is as yours; and
                                    beside it model, a net such as MLP(2, [3, 1], "tanh"), the
                                    arrays X and y, and loss, by name, unless it is "squared_error"
"""


@command(
    "diagnose",
    "say what is wrong with a class Value, or a function backward(...), in your own file",
    takes("file", metavar="FILE.py", help="your program; it is run"),
    description="Run a file of yours, and say where it goes wrong first, and by which slip.",
    epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
)  # fmt: skip
def run(args: argparse.Namespace) -> int:
    """Print a diagnosis for each; 1 if something is wrong."""
    path = os.path.abspath(args.file)
    with open(path, "rb"):
        sys.path.insert(0, os.path.dirname(path))
    try:
        names = runpy.run_path(path)
        found = diagnosed(names, args.file)
    except UsageError:
        raise
    except Exception:  # whatever a student's program may raise
        traceback.print_exc()
        return 1
    finally:
        sys.path.pop(0)
    for name, diagnosis in found.items():
        print(f"{name}: {diagnosis}")
    return 0 if all(diagnosis.right for diagnosis in found.values()) else 1


def diagnosed(names: Mapping[str, Any], file: str) -> dict[str, Diagnosis]:
    """A diagnosis for each that a file defines. Raises UsageError if it defines neither."""
    found = {}
    if "Value" in names and names["Value"] is not Value:
        with usage_errors():
            found["Value"] = diagnose_engine(names["Value"])
    if "backward" in names:
        if missing := [name for name in ("model", "X", "y") if name not in names]:
            raise UsageError(
                f"{file} defines backward, and no {' and no '.join(missing)}: it needs model, a "
                'net such as MLP(2, [3, 1], "tanh"), and the arrays X and y'
            )
        model, X, y = names["model"], names["X"], names["y"]
        with usage_errors():
            loss = find_loss(names.get("loss", "squared_error"))
            program = vectorize(lambda x, t: loss(model(x), t), X[0], y[0])
        found["backward"] = diagnose_backward(program, names["backward"], X, y)
    if not found:
        raise UsageError(
            f"{file} defines neither a class Value nor a function backward(W1, b1, ..., X, y)"
        )
    return found
