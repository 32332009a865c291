"""How names, numbers, formulas and lines of them are written, as text and as LaTeX.

A formula is an `Expr` whose symbols are the numbers of its letters. Long lists are cut short.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from tinygrad_edu.expr import Expr, Symbol, show, symbol
from tinygrad_edu.expr.styles import LATEX, MATHEMATICS, LaTeX
from tinygrad_edu.text import latex_name, latex_number, short
from tinygrad_edu.view.base.tex import latex_words

#: What a formula that is too long leaves out.
MORE: Final = symbol("…")

_DOTTED: Final = LaTeX(times=r"\cdot")


class Both(NamedTuple):
    """The same as text and as LaTeX."""

    text: str
    latex: str


def letter(i: int) -> Symbol:
    """The letter of operand i in a formula."""
    return symbol(f"#{i}")


def written(x: Any, names: Sequence[Both]) -> Both:
    """A formula with `names[i]` for letter i; its text is Python."""
    words = any(both.latex.startswith(r"\mathrm") for both in names)
    return _both(x, names, _DOTTED if words else LATEX)  # words do not look like a product


def with_numbers(x: Any, numbers: Sequence[Both]) -> list[Both]:
    """A formula with numbers for its letters; [] for a single letter or number.

    A negative number keeps its parentheses only where there is an operator.
    """
    if not isinstance(x, Expr) or isinstance(x, Symbol):
        return []
    bare = [
        Both(n.text.strip("()"), n.latex.removeprefix(r"\left(").removesuffix(r"\right)"))
        for n in numbers
    ]
    return [_both(x, bare, _DOTTED)]


def _both(x: Any, names: Sequence[Both], style: LaTeX) -> Both:
    def of(part: int, more: str) -> Callable[[str], str]:
        return lambda name: more if name == MORE.name else names[int(name[1:])][part]

    return Both(show(x, MATHEMATICS, of(0, "…")), show(x, style, of(1, r"\cdots")))


def call(operation: str, operands: Sequence[Both]) -> Both:
    """f(a, b)."""
    texts, drawn = listing(operands)
    return Both(f"{operation}({texts})", rf"{latex_name(operation)}\left({drawn}\right)")


def listing(items: Sequence[Both]) -> Both:
    """a, b, …, y, z."""
    few = [Both("…", r"\cdots") if isinstance(x, int) else x for x in ends(items, 4)]
    texts, drawn = (", ".join(parts) for parts in zip(*few, strict=True))
    return Both(texts, drawn)


def name(text: str) -> Both:
    """A name; a negative number, the name of a constant, in parentheses."""
    if text.startswith("-"):
        return Both(f"({text})", rf"\left({latex_name(text)}\right)")
    return Both(text, latex_name(text))


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


T = TypeVar("T")

_WIDTH: Final = 100


class Line(NamedTuple):
    """An equation of several sides, or a sentence in words, which LaTeX leaves out.

    After a first side that ends in a colon stands no sign; sides that are `apart` have a row each.
    """

    sides: Sequence[Both]
    indent: int = 0
    apart: bool = False


def sentence(words: str) -> Line:
    """A line of words."""
    return Line([Both(words, "")])


def remark(words: str) -> Line:
    """A line of words that stands in LaTeX, too."""
    return Line([Both(words, rf"&\text{{{latex_words(words)}}}")])


def in_text(line: Line) -> list[str]:
    """The line, side under side if it were wider than 100 columns."""
    left, *sides = _unlike([side.text for side in line.sides])
    start = " " * line.indent
    if not sides:
        return textwrap.wrap(left, _WIDTH, initial_indent=start, subsequent_indent=start)
    head = f"{start}{left} " + "= " * (not left.endswith(":"))
    whole = head + " = ".join(sides)
    if len(whole) <= _WIDTH and not line.apart:
        return [whole]
    margin = " " * min(len(head) - 2, line.indent + 20)
    rows = [head + sides[0], *(f"{margin}= {side}" for side in sides[1:])]
    return [
        part
        for row in rows
        for part in textwrap.wrap(
            row, _WIDTH, subsequent_indent=margin + "    ", break_on_hyphens=False
        )
    ]


def in_latex(line: Line) -> str:
    """The line for an `aligned` environment, side under side if its text is; "" for a sentence."""
    left, *sides = _unlike([side.latex for side in line.sides])
    if not sides:
        return left
    sign = "&" if line.sides[0].text.endswith(":") else "&="
    glue = " = " if len(in_text(line)) == 1 else " \\\\\n&= "
    return f"{left} {sign} {glue.join(sides)}"


def _unlike(sides: Sequence[str]) -> list[str]:
    """Without repetitions, such as that of a formula which is a number."""
    return [side for i, side in enumerate(sides) if i == 0 or side != sides[i - 1]]


def ends(items: Sequence[T], most: int) -> list[T | int]:
    """The items, or the first and last of them, and between these the number of those left out.

    `most` are kept, or one more rather than leaving out a single one.
    """
    if len(items) <= most + 1:
        return list(items)
    half = most // 2
    return [*items[: most - half], len(items) - most, *items[-half:]]


def lines_of(write: Callable[[T], Line], items: Sequence[T | int]) -> list[Line]:
    """A line for each of what `ends` gives."""
    return [more(item) if isinstance(item, int) else write(item) for item in items]


def more(n: int) -> Line:
    """The line for what was left out."""
    return Line([Both(f"… {n:,} more …", r"\vdots")], 2)
