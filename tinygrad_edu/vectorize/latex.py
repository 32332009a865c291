r"""The program as equations in LaTeX: $Z_1 = X\,W_1^{\top} + b_1$, one row per example."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.layout import Equation, Variable
from tinygrad_edu.vectorize.numpy_text import is_relu
from tinygrad_edu.vectorize.plan import Plan
from tinygrad_edu.vectorize.shape import extent

_OPERATORS: Final = ("+", "-", "*", "@", "negative", "<", "<=", ">", ">=")
_HOLE: Final = "hole"


def equations(plan: Plan, *, gradient: bool) -> str:
    """An `aligned` environment, a line per equation: forward, and with `gradient` backward."""
    variables = plan.layout.variables
    found = list(plan.layout.equations)
    if gradient:
        found += plan.backward.equations
    return "\n".join(
        [r"\begin{aligned}", " \\\\\n".join(_lines(found, variables)), r"\end{aligned}"]
    )


def _lines(found: Sequence[Equation], variables: Mapping[str, Variable]) -> list[str]:
    return [f"{_name(target)} &= {_tex(x, variables)}" for target, x in found]


def _tex(x: Any, variables: Mapping[str, Variable]) -> str:
    """An expression of arrays; what is no matrix operation is left to `expr`."""
    if not isinstance(x, Expr):
        return expr.latex(x)
    if not x.args:
        return _name(x.op)

    def part(a: Any, tight: bool = True) -> str:
        shown = _tex(a, variables)
        compound = isinstance(a, Expr) and a.op in _OPERATORS and bool(a.args)
        negative = not isinstance(a, Expr) and a < 0
        return rf"\left({shown}\right)" if tight and (compound or negative) else shown

    a = x.args[0]
    rest = x.args[1:]
    match x.op:
        case "@":
            return rf"{part(a)}\,{part(rest[0])}"
        case "where" if is_relu(x):
            return rf"\max\left({_tex(rest[1], variables)}, 0\right)"
        case "T":
            return rf"{part(a)}^{{\top}}"
        case "total":
            return rf"\mathbf{{1}}^{{\top}} {part(a)}"
        case "rowsum":
            return rf"{part(a)}\,\mathbf{{1}}"
        case "rowmax" | "rowmin":
            return rf"\{x.op[3:]}_{{k}} {part(a)}"
        case "rowprod":
            return rf"\prod_{{k}} {part(a)}"
        case "columns" if str(a) == "P":
            return f"P_{{{_columns(rest[0], rest[1] - rest[0])}}}"
        case "columns":
            return _entries(part(a), _columns(rest[0], rest[1] - rest[0]))
        case "take":
            return _entries(part(a), _name(rest[0]))
        case "pick":
            return _entries(part(a), _tex(rest[0], variables))
        case "onehot":
            return rf"\mathbf{{1}}\left[k = {_tex(a, variables)}\right]"
        case "reshape" | "wide" | "full":
            return _tex(a, variables)
        case "join":
            return rf"\left[{', '.join(part(b, tight=False) for b in rest)}\right]"
        case "scatter":
            places = zip(rest[::3], rest[1::3], rest[2::3], strict=True)
            added = [rf"{part(b)} \to {_columns(at, n)}" for b, at, n in places]
            return rf"\mathrm{{scatter}}\left({', '.join(added)}\right)"
        case "+" | "-":
            right = part(rest[0], tight=isinstance(rest[0], Expr) and rest[0].op in ("+", "-"))
            return f"{part(a, tight=False)} {x.op} {right}"
        case "negative":
            return f"-{part(a, tight=isinstance(a, Expr) and a.op in ('+', '-'))}"
        case "*" if all(extent(b, variables) != (False, 1) for b in x.args):
            if _tex(a, variables) == _tex(rest[0], variables):
                return f"{part(a)}^{{2}}"
            return rf"{_factor(a, part)} \odot {_factor(rest[0], part)}"
    shown = Expr(x.op, tuple(Expr(f"{_HOLE}{k}") for k in range(len(x.args))))
    text = expr.latex(shown)
    for k in reversed(range(len(x.args))):
        inside = part(x.args[k], tight=x.op in _OPERATORS or x.op == "pow")
        text = text.replace(f"{_HOLE}{k}", inside)
    return text


def _entries(array: str, columns: str) -> str:
    """Columns of an array; a name that ends in an index of its own is a group, as TeX wants it."""
    group = f"{{{array}}}" if "_" in array else array
    return f"{group}_{{:,{columns}}}"


def _columns(start: str | int, n: int) -> str:
    """Columns from 0-based `start` on, or those of an index: counted from 1."""
    if isinstance(start, str):
        return _name(start)
    return f"{start + 1}" if n == 1 else f"{start + 1}:{start + n}"


def _factor(x: Any, part: Any) -> str:
    product = isinstance(x, Expr) and x.op == "*"
    return str(part(x, tight=not product))


def _name(name: str) -> str:
    r"""W1 as W_{1}, delta2 as \delta_{2}, dW1 as a partial derivative, Z1_2 as Z_{1\,\#2}."""
    letters, number, use = re.fullmatch(r"(.*?)(\d*)(?:(?<=\d)_(\d+))?", name).groups()  # type: ignore[union-attr]
    number += rf"\,\#{use}" if use else ""
    index = f"_{{{number}}}" if number else ""
    if letters == "delta":
        return rf"\delta{index}"
    if len(letters) > 1 and letters[0] == "d":
        return rf"\frac{{\partial L}}{{\partial {_name(name[1:])}}}"
    return (letters if len(letters) == 1 else rf"\mathrm{{{letters}}}") + index
