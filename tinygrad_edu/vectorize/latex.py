r"""The program as equations in LaTeX: $Z_1 = X\,W_1^{\top} + b_1$, one row per example."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tinygrad_edu import ink
from tinygrad_edu.ink import Ink
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
    """An expression of arrays; what is no matrix operation is left to `ink`."""
    if not isinstance(x, Ink):
        return ink.latex(x)
    if not x.operands:
        return _name(x.head)

    def part(a: Any, tight: bool = True) -> str:
        shown = _tex(a, variables)
        compound = isinstance(a, Ink) and a.head in _OPERATORS and bool(a.operands)
        negative = not isinstance(a, Ink) and a < 0
        return rf"\left({shown}\right)" if tight and (compound or negative) else shown

    a = x.operands[0]
    rest = x.operands[1:]
    match x.head:
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
            return rf"\{x.head[3:]}_{{k}} {part(a)}"
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
            right = part(rest[0], tight=isinstance(rest[0], Ink) and rest[0].head in ("+", "-"))
            return f"{part(a, tight=False)} {x.head} {right}"
        case "negative":
            return f"-{part(a, tight=isinstance(a, Ink) and a.head in ('+', '-'))}"
        case "*" if all(extent(b, variables) != (False, 1) for b in x.operands):
            if _tex(a, variables) == _tex(rest[0], variables):
                return f"{part(a)}^{{2}}"
            return rf"{_factor(a, part)} \odot {_factor(rest[0], part)}"
    shown = Ink(x.head, tuple(Ink(f"{_HOLE}{k}") for k in range(len(x.operands))))
    text = ink.latex(shown)
    for k in reversed(range(len(x.operands))):
        inside = part(x.operands[k], tight=x.head in _OPERATORS or x.head == "pow")
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
    product = isinstance(x, Ink) and x.head == "*"
    return str(part(x, tight=not product))


def _name(name: str) -> str:
    r"""W1 as W_{1}, delta2 as \delta_{2}, dW1 as a partial derivative."""
    letters, number = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
    index = f"_{{{number}}}" if number else ""
    if letters == "delta":
        return rf"\delta{index}"
    if len(letters) > 1 and letters[0] == "d":
        return rf"\frac{{\partial L}}{{\partial {_name(letters[1:] + number)}}}"
    return (letters if len(letters) == 1 else rf"\mathrm{{{letters}}}") + index
