"""How formulas, numbers and names are written, as text and as LaTeX.

A formula is an `Expr` with holes for its letters.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.text import short
from tinygrad_edu.view.base.naming import latex_name, latex_number

# Letters are private characters until a formula is printed, so that no name is read as markup.
HOLE: Final = "\ue000{}\ue001"
_HOLES: Final = re.compile("\ue000(\\d+)\ue001(\\^?)")
MORE: Final = "\ue002"

#: A negative number that has the parentheses of a call, and needs none of its own.
_BARE: Final = re.compile(r"(\(|, )\((-[\w.-]+)\)(?=[,)])")
_BARE_LATEX: Final = re.compile(r"(\{|\\left\(|, )\\left\((-[^\\ ]+)\\right\)(?=\}|\\right\)|,)")

_COMPARE, _ADD, _MULTIPLY, _NEGATE, _POWER, _ATOM = range(6)
_SIGNS: Final = {
    "<": ("<", _COMPARE),
    "<=": ("<=", _COMPARE),
    ">": (">", _COMPARE),
    ">=": (">=", _COMPARE),
    "equal": ("==", _COMPARE),
    "+": ("+", _ADD),
    "-": ("-", _ADD),
    "*": ("*", _MULTIPLY),
    "divide": ("/", _MULTIPLY),
}


class Both(NamedTuple):
    """The same as text and as LaTeX."""

    text: str
    latex: str


def written(x: Any, names: Sequence[Both]) -> Both:
    """A formula with `names[i]` in hole i; its text is Python."""
    flat, drawn = plain(x).replace(MORE, "…"), expr.latex(x).replace(MORE, r"\cdots")
    if any(shown.latex.startswith(r"\mathrm") for shown in names):
        drawn = drawn.replace(r"\,", r"\cdot")  # words side by side do not look like a product
    return Both(
        _HOLES.sub(lambda hole: names[int(hole[1])].text + hole[2], flat),
        _HOLES.sub(lambda hole: _raised(names[int(hole[1])].latex, hole[2]), drawn),
    )


def _raised(name: str, power: str) -> str:
    """A name in LaTeX, which has one superscript at most: that of a layer goes in parentheses."""
    return rf"\left({name}\right)^" if power and "^" in name else name + power


def with_numbers(x: Any, numbers: Sequence[Both]) -> list[Both]:
    """A formula with numbers for its letters; [] for a single letter or number."""
    if not isinstance(x, Expr) or not x.args:
        return []
    flat, drawn = written(x, numbers)
    drawn = _BARE_LATEX.sub(r"\1\2", drawn).replace(r"\,", r"\cdot")
    return [Both(_BARE.sub(r"\1\2", flat), drawn)]


def call(operation: str, operands: Sequence[Both]) -> Both:
    """f(a, b)."""
    texts, drawn = (", ".join(shown) for shown in zip(*operands, strict=True))
    return Both(f"{operation}({texts})", rf"{latex_name(operation)}\left({drawn}\right)")


def plain(x: Any, above: int = _COMPARE) -> str:
    """`x` as text, in parentheses if it binds less than `above`."""
    own = _ATOM
    if not isinstance(x, Expr):
        shown, own = short(x), _NEGATE if x < 0 else _ATOM
    elif not x.args:
        shown = x.op
    elif x.op == "negative":
        shown, own = f"-{plain(x.args[0], _NEGATE)}", _NEGATE
    elif x.op == "*" and plain(x.args[0]) == plain(x.args[1]):
        shown, own = f"{plain(x.args[0], _ATOM)}**2", _POWER
    elif x.op == "pow":
        shown, own = f"{plain(x.args[0], _ATOM)}**{plain(x.args[1], _ATOM)}", _POWER
    elif x.op in _SIGNS:
        sign, own = _SIGNS[x.op]
        left, right = plain(x.args[0], own), plain(x.args[1], own + 1)
        shown = f"{left} {sign} {f'({right})' if right.startswith('-') else right}"
    else:
        shown = f"{x.op}({', '.join(plain(a) for a in x.args)})"
    return f"({shown})" if own < above else shown


def name(called: str) -> Both:
    """A name; a negative number, the name of a constant, in parentheses."""
    if called.startswith("-"):
        return Both(f"({called})", rf"\left({latex_name(called)}\right)")
    return Both(called, latex_name(called))


def number(x: float, first: bool = True) -> Both:
    """A number; a negative one in parentheses unless it is the first of a sum or product."""
    both = Both(short(x), latex_number(short(x)))
    return both if first or x >= 0 else Both(f"({both.text})", rf"\left({both.latex}\right)")


def derivative(of: str, by: str, sign: str = "d") -> Both:
    """dL/dw; of a plain name in text without parentheses. In LaTeX `sign` "d" is upright."""
    a, b = (x if re.fullmatch(r"\w+(?<=\d)\[[\d,]+\]|\w+", x) else f"({x})" for x in (of, by))
    drawn = r"\mathrm{d}" if sign == "d" else r"\partial "
    over, under = (
        drawn + r"\, " * x.startswith(r"\mathrm") + x for x in (name(of).latex, name(by).latex)
    )
    return Both(f"{sign}{a}/{sign}{b}", rf"\frac{{{over}}}{{{under}}}")


def product(factors: Iterable[Both]) -> Both:
    """a * b * c."""
    texts, drawn = zip(*factors, strict=True)
    return Both(" * ".join(texts), r" \cdot ".join(drawn))


def added(terms: Iterable[Both]) -> Both:
    """a + b + c."""
    texts, drawn = zip(*terms, strict=True)
    return Both(" + ".join(texts), " + ".join(drawn))
