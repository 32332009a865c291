"""The program as a student reads it: NumPy with the size of each array, and equations in LaTeX."""

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Final

from tinygrad_edu.expr import Expr, show
from tinygrad_edu.expr.styles import ATOM, MULTIPLY, NEGATE, Form, LaTeX, NumPy
from tinygrad_edu.text import latex_name
from tinygrad_edu.vectorize.algebra import SHARE, B, in_short, is_relu
from tinygrad_edu.vectorize.arrays import HELPERS
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, P, Variable, consecutive, spread
from tinygrad_edu.vectorize.operations import OPERATIONS, Variables, extent
from tinygrad_edu.vectorize.plan import Plan
from tinygrad_edu.vectorize.steps import Regrouped
from tinygrad_edu.vectorize.tape import Tape, VectorizeError


def _rewritten(x: Expr) -> Expr:
    """A relu is written as a maximum."""
    return Expr("maximum", x.args[:0:-1]) if is_relu(x) else x


def _of_table(x: Expr, style: str, variables: Variables) -> Form | None:
    """The form of an operation on arrays in a style; None where it has no form of its own."""
    form: Any = getattr(OPERATIONS[x.op], style) if x.op in OPERATIONS else None
    return form if form is None or isinstance(form, Form) else form(variables, *x.args)


class _Source(NumPy):
    """NumPy; `used` are the helpers that it needs, `more` forms of operations beside the table."""

    def __init__(self, variables: Variables, more: Mapping[str, Form] | None = None) -> None:
        self.variables, self.more = variables, more or {}
        self.used: dict[str, None] = {}

    def form(self, x: Expr) -> Form:
        """An operation on arrays as the table of operations has it."""
        x = _rewritten(x)
        if x.op == "*" and any(a is SHARE for a in x.args):
            x = Expr("divide", (x.args[0] if x.args[1] is SHARE else x.args[1], B))
        if x.op in self.more:
            return self.more[x.op]._replace(args=x.args)
        form = _of_table(x, "numpy", self.variables) or super().form(x)
        helper, parenthesis, _ = form.template.partition("(")
        if parenthesis and helper.isidentifier():
            if helper not in HELPERS:
                raise VectorizeError(f"m.{x.op} is no function of a namespace")
            self.used[helper] = None
        return form if form.args is not None else form._replace(args=x.args)


def as_numpy(x: Any, variables: Variables, more: Mapping[str, Form]) -> str:
    """An expression of arrays as the program has it, with forms of operations that it lacks."""
    return show(x, _Source(variables, more))


class _Equations(LaTeX):
    """LaTeX; arrays are multiplied number by number with a dot in a circle."""

    def __init__(self, variables: Variables) -> None:
        super().__init__()
        self.variables = variables

    def form(self, x: Expr) -> Form:
        """An operation on arrays as the table of operations has it."""
        x = _rewritten(x)
        form = _of_table(x, "latex", self.variables) or super().form(x)
        arrays = x.op == "*" and form.level == MULTIPLY
        if arrays and all(extent(a, self.variables) != (False, 1) for a in x.args):
            form = Form(r"{0} \odot {1}", MULTIPLY, (MULTIPLY, NEGATE))
        return form if form.args is not None else form._replace(args=x.args)

    def letter(self, name: str) -> str:
        r"""W1 as W_{1}, delta2 as \delta_{2}, dW1 as a partial derivative, Z1_2 as Z_{1\,\#2}."""
        if name[0] == "d" and not name.startswith("delta") and len(name) > 1:
            return rf"\frac{{\partial L}}{{\partial {self.letter(name[1:])}}}"
        return latex_name(name.replace("_", "#"))


def _forward(program: Regrouped, gradient: Gradient | None) -> list[Equation]:
    """The equations forward as they are read."""
    backward = [x for x, _ in gradient.pieces] if gradient else []
    backward += [x for _, x in gradient.equations] if gradient else []
    return in_short(program.layout.equations, [*backward, *[r.expression for r in program.results]])


def equations(program: Regrouped, gradient: Gradient | None) -> str:
    r"""An `aligned` environment, a line per equation: Z_{1} &= X\,W_{1}^{\top} + b_{1}."""
    style = _Equations(program.layout.variables)
    lines = [
        f"{style.letter(target)} &= {show(x, style)}"
        for target, x in [*_forward(program, gradient), *(gradient.equations if gradient else ())]
    ]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}"])


def source(program: Regrouped, gradient: Gradient | None) -> str:
    """The whole program: a function of P, the numbers of `Program.parameters`, and of the arrays.

    It takes what the program takes, lists and flat targets too, and raises ValueError for other
    shapes. It gives the mean loss and its gradient, in the order of P; without `gradient` what the
    function gives for each example.
    """
    variables = program.layout.variables
    style = _Source(variables)
    blocks = program.layout.blocks.values()
    size = len(program.layout.parameters)
    shapes = {"P": f"{size}"} if size else {}
    shapes |= {v.name: f"B, {v.size}" for v in variables.values() if v.role in ("input", "sample")}
    arguments = [(f"{name} = shaped({name}, {shape})", "") for name, shape in shapes.items()]
    style.used["shaped"] = None
    parameters = [
        (f"{b.name} = P[{b.start}:{b.start + b.size}].reshape{b.matrix or (1, b.size)}", "")
        for b in blocks
    ]
    forward = list(_lines(style, _forward(program, gradient)))
    backward: list[tuple[str, str]] = []
    if gradient is not None:
        backward = list(_lines(style, gradient.equations))
        parts = [
            f"{gradient.blocks[b.name]}.ravel()"
            if b.name in gradient.blocks
            else f"np.zeros({b.size})"
            for b in blocks
        ]
        joined = textwrap.wrap(", ".join(parts), 64, break_long_words=False)
        if len(joined) > 1 and len(gradient.blocks) == len(parts):
            joined = [f"d.ravel() for d in ({', '.join(gradient.blocks[b.name] for b in blocks)})"]
        if len(joined) > 1:
            backward.append(("G = np.concatenate([", ""))
            backward += [(f"    {line}", "") for line in joined]
            backward.append(("])", f"({size},)"))
        elif parts:
            backward.append((f"G = np.concatenate([{joined[0]}])", f"({size},)"))
        for piece, columns in gradient.pieces:
            backward.append((_added(show(piece, style, least=ATOM), columns), ""))
        result = f"return {show(program.results[0].expression, style, least=ATOM)}.mean(), G"
    else:
        result = f"return {', '.join(show(spread(r), style) for r in program.results)}"
    numbers = {i: style.number(x) for i, x in program.tape.constants.items()}
    constants = [
        f"{v.name} = np.array([[{', '.join(numbers[c] for c in v.cells)}]])"
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
    head = f"def {name}({', '.join(shapes)}):"
    sections = [("", [*arguments, *parameters]), ("forward", forward), ("backward", backward)]
    body = ["    B = len(X)"]
    for title, section in sections:
        if title and section:
            body += ["", f"    # {title}"]
        body += _aligned(section)
    body.append(f"    {result}")
    definitions = "\n\n".join(inspect.getsource(HELPERS[name]) for name in style.used)
    imports = "import math\n\n" if "math." in definitions else ""
    paragraphs = [
        imports + "import numpy as np",
        definitions.strip("\n"),
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


def _lines(style: _Source, equations: list[Equation]) -> Iterable[tuple[str, str]]:
    """Each equation as code, and the size of its target."""
    for target, expression in equations:
        v = style.variables[target]
        rows, width = v.matrix or ("B" if v.batched else 1, v.size)
        yield f"{target} = {show(expression, style)}", f"({rows}, {width})"


def _aligned(rows: list[tuple[str, str]], widest: int = 72) -> list[str]:
    """Lines of code with their comments below each other."""
    column = max((len(code) for code, _ in rows if len(code) <= widest), default=0)
    return [f"    {code:<{column}}  # {sizes}" if sizes else f"    {code}" for code, sizes in rows]


def _runs(columns: tuple[int, ...]) -> str:
    """An index in short: a range if it is one, [48*i + j for i in range(8) for j in range(3)]."""
    if len(columns) > 2:
        step = columns[1] - columns[0]
        stop = columns[-1] + (1 if step > 0 else -1)
        if step and columns == tuple(range(columns[0], stop, step)):
            return f"range({columns[0]}, {stop}, {step})"
    starts, axes = columns, list[tuple[int, int]]()  # counts and steps, the outer axis first
    while len(starts) > 1:
        steps = [b - a for a, b in pairwise(starts)]
        n = next((k for k, step in enumerate(steps, 1) if step != steps[0]), len(starts))
        outer = starts[::n]
        if len(starts) % n or starts != tuple([c + k * steps[0] for c in outer for k in range(n)]):
            return str(list(columns))
        starts, axes = outer, [(n, steps[0]), *axes]
    loops = " ".join([f"for {i} in range({n})" for i, (n, _) in zip("ijkm", axes, strict=False)])
    terms = [f"{step}*{i}" for i, (_, step) in zip("ijkm", axes, strict=False) if step]
    place = " + ".join([*map(str, starts if starts[0] or not terms else ()), *terms])
    short = re.sub(r"\b1\*", "", f"[{place} {loops}]")
    return short if len(axes) < 5 and len(short) < len(str(list(columns))) else str(list(columns))


#: How many numbers of an array are written out, and how many operands of a node.
_SHOWN: Final = 6


#: What an array is said to be, by its role; any other is a value.
_HEADLINES: Final = {
    "input": "{v.name}: {n}, an argument of the function",
    "sample": "{v.name}: {n}, drawn anew at each call",
    "constant": "{v.name}: {n} that the function mentions",
    "parameter": "{v.name}: {v.size} parameter{many}, P[{v.start}:{stop}]",
    "gradient": "{v.name} = dL/d{of}: {n}, the gradients of parameters",
    "adjoint": "{v.name} = dL/d{of}: {n}, the gradients of the nodes behind {of}",
    "flow": "{v.name}: {n}, 0 where nothing flows back",
    "gathered": "{v.name}: {n}, put together from other arrays",
}


def explanation(plan: Plan, tape: Tape, name: str) -> str:
    """The nodes that the array of that name stands for. Raises ValueError for an unknown name."""
    variables = {n: v for n, v in _variables(plan).items() if v.role != "index"}
    if not isinstance(name, str) or name not in variables:
        near = get_close_matches(str(name), variables, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"the program has no {name!r:.40}: choose {', '.join(variables)}{hint}")
    v = variables[name]
    return "\n".join([_headline(plan, tape, v), *_entries(plan, tape, v)])


def _variables(plan: Plan) -> dict[str, Variable]:
    if len(plan.results[0].parts) and plan.results[0].n == 1 and plan.layout.parameters:
        plan.backward  # noqa: B018  (its arrays are entered when it is first asked for)
    return plan.layout.variables


def _headline(plan: Plan, tape: Tape, v: Variable) -> str:
    many = "s" * (v.size != 1)
    n = f"{v.size} number{many}" + " per example" * v.batched
    if v.role in _HEADLINES:
        of = v.name[1:]
        if v.role == "adjoint":
            of = next(s for s, u in plan.layout.variables.items() if u.cells == v.cells)
        return _HEADLINES[v.role].format(v=v, n=n, many=many, of=of, stop=v.start + v.size)
    lines = {line for c in v.cells if (line := tape.lines.get(c)) is not None}
    source = f": nodes made by {next(iter(lines))}" if len(lines) == 1 else ""
    return f"{v.name}: {n}{source}"


def _entries(plan: Plan, tape: Tape, v: Variable) -> Iterator[str]:
    if v.role == "input":
        return
    gradient = "dL/d " if v.role in ("adjoint", "gradient") else ""
    for column, cell in list(enumerate(v.cells))[:_SHOWN]:
        if cell >= 0:
            yield f"  {_entry(v, column)} = {gradient}{_node(plan, tape, cell)}"
    if len(v.cells) > _SHOWN:
        yield f"  ... and {len(v.cells) - _SHOWN} more"


def _entry(v: Variable, column: int) -> str:
    if v.matrix is not None:
        return f"{v.name}[{column // v.matrix[1]}, {column % v.matrix[1]}]"
    return f"{v.name}[:, {column}]"


def _node(plan: Plan, tape: Tape, cell: int) -> str:
    """A node with its operands: dot(layer1.neuron1.w[0], X[:, 0], layer1.neuron1.b)."""
    record = tape.records.get(cell)
    if record is None:
        return _leaf(plan, tape, cell)
    parents = tape.operands(cell)
    if len(parents) <= _SHOWN:
        operands = [_leaf(plan, tape, p) for p in parents]
    else:
        ends = [_leaf(plan, tape, p) for p in (*parents[:2], *parents[-2:])]
        operands = [*ends[:2], f"... {len(parents) - 4} more ...", *ends[2:]]
    return f"{record.name}({', '.join(operands)})"


def _leaf(plan: Plan, tape: Tape, cell: int) -> str:
    if cell in tape.constants:
        return f"{tape.constants[cell]:g}"
    name = tape.names[cell]
    if name:
        return name
    array, column = plan.layout.array[cell] or "an unused number", plan.layout.column[cell]
    return f"P[{column}]" if array == P else f"{array}[:, {column}]"
