"""The program as NumPy that a student reads: one line per equation, with its sizes."""

import re
import textwrap
from collections.abc import Iterable

from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, consecutive, spread
from tinygrad_edu.vectorize.numpy_text import ATOM, HELPERS, NumPy, number
from tinygrad_edu.vectorize.steps import Regrouped


def source(program: Regrouped, gradient: Gradient | None) -> str:
    """The whole program: a function of P, the vector of all parameters, and the arrays.

    It gives the mean loss and its gradient, in the order of P; without `gradient` what the
    function gives for each example.
    """
    variables = program.layout.variables
    numpy = NumPy(variables)
    blocks = program.layout.blocks.values()
    arguments = [v.name for v in variables.values() if v.role in ("input", "sample")]
    size = len(program.layout.parameters)
    parameters: list[tuple[str, str]] = []
    for block in blocks:
        rows, width = block.matrix or (1, block.size)
        view = f"P[{block.start}:{block.start + block.size}].reshape({rows}, {width})"
        parameters.append((f"{block.name} = {view}", ""))
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
    needed = re.findall(r"\w+", " ".join([*(t for t, _ in forward + backward), result]))
    indexes = [
        _wrapped(f"{v.name} = {_runs(v.cells)}")
        for v in variables.values()
        if v.role == "index" and v.name in needed
    ]
    name = "outputs" if gradient is None else "loss_and_gradient"
    head = f"def {name}({', '.join(['P', *arguments] if blocks else arguments)}):"
    sections = [("", parameters), ("forward", forward), ("backward", backward)]
    body = ["    B = len(X)"] if "B" in needed else []
    for title, section in sections:
        if title and section:
            body += ["", f"    # {title}"]
        body += _aligned(section)
    body.append(f"    {result}")
    helpers = "".join(HELPERS[name] for name in numpy.used)
    imports = "import math\n\n" if "erf" in numpy.used else ""
    paragraphs = [
        imports + "import numpy as np",
        helpers.strip("\n"),
        "\n".join([*constants, *indexes]),
        "\n".join([head, *body]),
    ]
    return "\n\n\n".join(part for part in paragraphs if part) + "\n"


def _wrapped(line: str) -> str:
    """A list over several lines where it is long."""
    return textwrap.fill(line, 96, subsequent_indent="    ", break_long_words=False)


def _added(piece: str, columns: tuple[int, ...]) -> str:
    """A piece added to the gradient at its columns."""
    if consecutive(columns):
        return f"G[{columns[0]}:{columns[-1] + 1}] += {piece}[0]"
    if len(set(columns)) == len(columns):
        return f"G[{_runs(columns)}] += {piece}[0]"
    return f"np.add.at(G, {_runs(columns)}, {piece}[0])"


def _lines(numpy: NumPy, equations: list[Equation]) -> Iterable[tuple[str, str]]:
    """Each equation as code, and the size of its target."""
    for target, expression in equations:
        v = numpy.variables[target]
        rows, width = v.matrix or ("B" if v.batched else 1, v.size)
        yield f"{target} = {numpy.text(expression)}", f"({rows}, {width})"


def _aligned(rows: list[tuple[str, str]], widest: int = 72) -> list[str]:
    """Lines of code with their comments below each other."""
    column = max((len(code) for code, _ in rows if len(code) <= widest), default=0)
    return [f"    {code:<{column}}  # {sizes}" if sizes else f"    {code}" for code, sizes in rows]


def _runs(columns: tuple[int, ...]) -> str:
    """An index in short: a range where it is one."""
    if len(columns) > 2:
        step = columns[1] - columns[0]
        stop = columns[-1] + (1 if step > 0 else -1)
        if step and columns == tuple(range(columns[0], stop, step)):
            return f"range({columns[0]}, {stop}, {step})"
    return str(list(columns))
