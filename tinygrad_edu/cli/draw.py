"""The command `draw`: a formula, forward and backward, as a picture."""

import argparse
import keyword
import re
import unicodedata
from pathlib import Path

from tinygrad_edu.cli.formula import CONSTANTS, evaluate, variables
from tinygrad_edu.cli.options import UsageError, command, reason, takes, usage_errors
from tinygrad_edu.engine import NonFiniteError, Value, detect_anomaly
from tinygrad_edu.text import clean, number_text, table


@command(
    "draw",
    "draw the computation graph of a formula",
    takes("formula", metavar="FORMULA",
          help="numbers, names, + - * / **, parentheses, functions such as tanh(a)"),
    takes("assignments", nargs="*", metavar="NAME=NUMBER", help="the number of each name"),
    takes("-o", "--out", default="graph.svg", metavar="FILE",
          help="the picture: .svg, .png, .pdf, .tex, .dot, ... (default: %(default)s)"),
    takes("--edges", choices=("none", "local", "gradient"), default="none",
          help="numbers on the edges: local derivatives, or the gradient that flows back"),
    description="Compute a formula forward and backward, and draw its computation graph.",
    epilog='Example: tinygrad-edu draw "tanh(a*b + c)" a=2 b=-3 c=10 -o graph.svg. '
    'Options stand last; a formula that begins with a minus stands in parentheses: "(-a)".',
)  # fmt: skip
def run(args: argparse.Namespace) -> int:
    """Print the value and the gradients, and write the picture."""
    from tinygrad_edu.view import RenderError, draw  # doctor must run where graphviz is missing

    if not Path(args.out).suffix:
        raise UsageError(
            f"the suffix of the picture says its format and {args.out!r} has none: "
            "write -o graph.svg"
        )
    values = assigned(args.assignments)
    with usage_errors():
        check_names(variables(args.formula), values)
        result = evaluate(args.formula, values)
    result.backward()
    print(answer(args.formula, result, values))
    if remark := culprit(args.formula, values):
        print(f"\n{remark}")
    try:
        path = draw(result, edges=args.edges).save(args.out)
    except (RenderError, ValueError) as error:
        said = re.sub(r"write \.save.*", "write -o graph.svg", str(error))
        raise UsageError(f"no picture was written: {said}") from None
    except OSError as error:
        raise UsageError(f"no picture was written: {args.out}: {reason(error)}") from None
    print(f"\nwrote {clean(str(path), 1000)}")
    return 0


def assigned(texts: list[str]) -> dict[str, Value]:
    """Named Values from texts such as "a=2". Raises UsageError for anything else."""
    values: dict[str, Value] = {}
    for text in texts:
        name, equals, shown = (part.strip() for part in text.partition("="))
        name = unicodedata.normalize("NFKC", name)  # as in the formula
        if not equals:
            raise UsageError(f"{text!r} gives no number: write {text}=1")
        if not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"{name!r} in {text!r} is no name: write one such as a or x1")
        if name in values:
            raise UsageError(f"{name} is given twice: write it once")
        try:
            if not shown.isascii() or "_" in shown:
                raise ValueError
            values[name] = Value(float(shown), name)  # inf and nan are numbers
        except ValueError:
            found = repr(shown[:40]) if shown else "nothing"
            raise UsageError(
                f"{name} needs a number such as 2 or -1.5e-3, as in {name}=2, got {found}"
            ) from None
    return values


def check_names(used: list[str], values: dict[str, Value]) -> None:
    """Raise UsageError if several names have no number, or some number has no use."""
    unused = [name for name in values if name not in used]
    missing = [name for name in used if name not in values and name not in CONSTANTS]
    if len(missing) > 1:
        raise UsageError(
            f"{', '.join(missing)} need numbers: add {' '.join(f'{name}=1' for name in missing)}"
        )
    if unused and not missing:
        raise UsageError(
            f"the formula does not use {', '.join(unused)}: its names are "
            f"{', '.join(used) or 'none'}"
        )


def answer(formula: str, result: Value, values: dict[str, Value]) -> str:
    """The formula with its value, then a line with value and gradient for each variable."""
    heading = f"{clean(formula, 50)} = {number_text(result.data)}"
    rows = [("", "value", "gradient")]
    rows += [(clean(name), number_text(v.data), number_text(v.grad)) for name, v in values.items()]
    return f"{heading}\n\n{table(rows)}" if values else heading


def culprit(formula: str, values: dict[str, Value]) -> str:
    """The first operation that gives inf or nan, forward or backward, and on what; "" if none."""
    try:
        with detect_anomaly():
            evaluate(formula, {name: Value(v.data, name) for name, v in values.items()}).backward()
    except NonFiniteError as error:
        return str(error)
    return ""
