"""The program as NumPy that a student reads: one line per equation, with its sizes."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, Variable, spread
from tinygrad_edu.vectorize.numpy_text import ATOM, HELPERS, NumPy, number
from tinygrad_edu.vectorize.steps import Regrouped


def source(program: Regrouped, gradient: Gradient | None, outputs: bool = False) -> str:
    """The whole program: a function of P, the vector of all parameters, and the arrays.

    It gives the mean loss and its gradient, in the order of P; without `gradient` what the
    function gives for each example.
    """
    variables = program.layout.variables
    numpy = NumPy(variables)
    blocks = [v for v in variables.values() if v.role == "parameter"]
    arguments = [v.name for v in variables.values() if v.role in ("input", "sample")]
    size = len(program.layout.parameters)
    lines: list[str] = []
    for block in blocks:
        shape = block.matrix or (1, block.size)
        stop = block.start + block.size
        view = f"P[{block.start}:{stop}].reshape({shape[0]}, {shape[1]})"
        lines.append(f"{block.name} = {view}")
    parameters = lines
    forward = list(_lines(numpy, program.layout.equations))
    backward: list[tuple[str, str]] = []
    if gradient is not None:
        backward = list(_lines(numpy, gradient.equations))
        parts = [
            f"{gradient.blocks[b.name]}.ravel()"
            if b.name in gradient.blocks
            else f"np.zeros({b.size})"
            for b in blocks
        ]
        joined = textwrap.wrap(", ".join(parts), 64, break_long_words=False)
        if len(joined) > 1:
            backward.append(("G = np.concatenate([", ""))
            backward += [(f"    {line}", "") for line in joined]
            backward.append(("])", f"({size},)"))
        elif parts:
            backward.append((f"G = np.concatenate([{joined[0]}])", f"({size},)"))
        for piece, columns in gradient.pieces:
            backward.append((_added(numpy.text(piece, ATOM), columns), ""))
        result = f"return {numpy.text(program.results[0].expression, ATOM)}.mean(), G"
    else:
        result = f"return {', '.join(numpy.text(spread(r)) for r in program.results)}"
    constants = [
        f"{v.name} = np.array([[{', '.join(number(program.tape.constants[c]) for c in v.cells)}]])"
        for v in variables.values()
        if v.role == "constant"
    ]
    indexes = [f"{v.name} = {_runs(v.cells)}" for v in variables.values() if v.role == "index"]
    needed = re.findall(r"\w+", " ".join([*(t for t, _ in forward + backward), result]))
    indexes = [_wrapped(line) for line in indexes if line.split(" ")[0] in needed]
    name = "outputs" if gradient is None else "loss_and_gradient"
    head = f"def {name}({', '.join(['P', *arguments] if blocks else arguments)}):"
    sections = [("", [(p, "") for p in parameters]), ("forward", forward), ("backward", backward)]
    body = []
    if any(re.search(r"\bB\b", t) for t, _ in forward + backward):
        body.append("    B = len(X)")
    for title, rows in sections:
        if title and rows:
            body += ["", f"    # {title}"]
        body += _aligned(rows)
    body += ["", f"    {result}"] if False else [f"    {result}"]
    helpers = "".join(HELPERS[name] for name in numpy.used)
    imports = "import math\n\n" if "erf" in numpy.used else ""
    preamble = "\n".join([*constants, *indexes])
    parts_of = [
        imports + "import numpy as np",
        helpers.strip("\n"),
        preamble,
        "\n".join([head, *body]),
    ]
    return "\n\n\n".join(part for part in parts_of if part) + "\n"


def _wrapped(line: str) -> str:
    """A list over several lines where it is long."""
    return textwrap.fill(line, 96, subsequent_indent="    ", break_long_words=False)


def _added(piece: str, columns: tuple[int, ...]) -> str:
    """A piece added to the gradient at its columns."""
    start, n = columns[0], len(columns)
    if columns == tuple(range(start, start + n)):
        return f"G[{start}:{start + n}] += {piece}[0]"
    if len(set(columns)) == n:
        return f"G[{_runs(columns)}] += {piece}[0]"
    return f"np.add.at(G, {_runs(columns)}, {piece}[0])"


def _lines(numpy: NumPy, equations: list[Equation]) -> Iterable[tuple[str, str]]:
    """Each equation as code, and the sizes in it."""
    for target, expression in equations:
        yield f"{target} = {numpy.text(expression)}", _sizes(numpy.variables, target, expression)


def _sizes(variables: Mapping[str, Variable], target: str, expression: Any) -> str:
    v = variables[target]
    shape = v.matrix or ("B" if v.batched else 1, v.size)
    return f"({shape[0]}, {shape[1]})"


def _aligned(rows: list[tuple[str, str]], widest: int = 72) -> list[str]:
    """Lines of code with their comments below each other."""
    column = max((len(code) for code, _ in rows if len(code) <= widest), default=0)
    return [f"    {code:<{column}}  # {sizes}" if sizes else f"    {code}" for code, sizes in rows]


def _runs(columns: tuple[int, ...]) -> str:
    """An index in short: a range where it is one."""
    if len(columns) > 2:
        step = columns[1] - columns[0]
        if step and list(columns) == list(
            range(columns[0], columns[-1] + (1 if step > 0 else -1), step)
        ):
            return f"range({columns[0]}, {columns[-1] + (1 if step > 0 else -1)}, {step})"
    return str(list(columns))
