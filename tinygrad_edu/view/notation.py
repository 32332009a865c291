"""How formulas, numbers and names are written, as text and as LaTeX.

A formula is the record of the operation, evaluated over `ink` on letters; nothing here knows a
derivative. Long sums and products keep two terms at the front and one at the end.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu import functions, ink
from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.ink import Ink
from tinygrad_edu.view.text import short

_SHIFTED: Final = {
    record.value
    for record in (
        *(functions._softmax, functions._log_softmax),
        *(functions._logsumexp, functions._cross_entropy),
    )
}
_LONGEST: Final = 5

# Letters are private characters until a formula is printed, so that no name is read as markup.
_HOLE: Final = "\ue000{}\ue001"
_HOLES: Final = re.compile("\ue000(\\d+)\ue001")
_MORE: Final = "\ue002"

#: A negative number that has the parentheses of a call, and needs none of its own.
_BARE: Final = re.compile(r"(\(|, )\((-[\w.-]+)\)(?=[,)])")
_BARE_LATEX: Final = re.compile(r"(\{|\\left\(|, )\\left\((-[^\\ ]+)\\right\)(?=\}|\\right\)|,)")

_ESCAPES: Final = {
    "\\": r"\backslash ",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\wedge ",
    "~": r"\sim ",
    "<": r"\lt ",
    ">": r"\gt ",
    " ": r"\ ",
    "'": "\N{RIGHT SINGLE QUOTATION MARK}",
    "`": "\N{LEFT SINGLE QUOTATION MARK}",
}

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


def formulas(v: Value) -> tuple[Any, Callable[[int], Any]]:
    """The value of a result, and a function that gives its slope to parent i, as ink on letters.

    The letter of a parent is a hole with the number of its first position, that of `v` the hole
    after the last parent; `written` puts names into the holes. Softmax and its like are written
    without the shift by the largest operand against overflow, which cancels. Raises whatever the
    record raises where it cannot be evaluated on letters.
    """
    op: Primitive = v.op  # type: ignore[assignment]
    first = {p: i for i, p in reversed(list(enumerate(v.parents)))}
    x: list[Any] = [Ink(_HOLE.format(first[p])) for p in v.parents]
    y = Ink(_HOLE.format(len(x)))
    m: Any = _Unshifted() if op.value in _SHIFTED else ink
    if op.value is functions._cross_entropy.value:
        x[0] = v._numbers[1]  # the class number chooses the formula
    value = _shortened(op.value(m, *x, **op.constants), {}, {})
    # a slope of softmax holds the softmax itself: that is y
    known = {_plain(value): y} if isinstance(value, Ink) and value.operands else {}
    slopes = op.slopes(m, y, *x, **op.constants)
    memo: dict[int, Any] = {}
    return value, lambda i: _shortened(slopes[i], known, memo)


class _Unshifted:
    """`ink` for formulas which any shift leaves as they are: the largest operand counts as 0."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ink, name)

    def maximum(self, x: Any, y: Any) -> float:
        return 0.0

    def abs(self, x: Any) -> Any:
        return ink.abs(x) if isinstance(x, Ink) else abs(x)

    def equal(self, x: Any, y: Any) -> Any:
        return ink.equal(x, y) if isinstance(x, Ink) or isinstance(y, Ink) else x == y

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        if isinstance(condition, Ink):
            return ink.where(condition, x, y)
        return x if condition else y


def total(slopes: Sequence[Any]) -> Any:
    """The sum of the slopes to one parent that stands at several positions: a + a is 2 a."""
    if len(slopes) > 1 and len({_plain(slope) for slope in slopes}) == 1:
        return len(slopes) * slopes[0]
    return _shortened(ink.sum(slopes), {}, {})


def _shortened(x: Any, known: Mapping[str, Ink], memo: dict[int, Any]) -> Any:
    """The same expression with long chains cut, numbers rounded, `known` parts named."""
    if not isinstance(x, Ink):
        return float(short(x))
    if not x.operands:
        return x
    if id(x) not in memo:
        terms = _chain_of(x)
        if len(terms) > _LONGEST:
            terms = [*terms[:2], Ink(_MORE), terms[-1]]
        shown = [_shortened(a, known, memo) for a in terms]
        memo[id(x)] = _joined(x.head, shown)
        if known:
            memo[id(x)] = known.get(_plain(memo[id(x)]), memo[id(x)])
    return memo[id(x)]


def _chain_of(x: Ink) -> list[Any]:
    """[a, b, c] for (a + b) + c; the operands for what is no chain."""
    if x.head not in ("+", "*", "maximum", "minimum"):
        return list(x.operands)
    backwards = []
    left: Any = x
    while isinstance(left, Ink) and left.head == x.head:
        backwards.append(left.operands[1])
        left = left.operands[0]
    return [left, *reversed(backwards)]


def _joined(head: str, terms: list[Any]) -> Any:
    if head in ("maximum", "minimum") and len(terms) > 2:
        return Ink(head[:3], tuple(terms))
    if head == "-" and not isinstance(terms[0], Ink) and terms[0] == 0:
        return Ink("negative", (terms[1],))
    if head not in ("+", "*"):
        return Ink(head, tuple(terms))
    joined, *rest = terms
    for term in rest:
        joined = Ink(head, (joined, term))
    return joined


class Both(NamedTuple):
    """The same as text and as LaTeX."""

    text: str
    latex: str


def written(x: Any, names: Sequence[Both]) -> Both:
    """A formula with `names[i]` in hole i; its text is Python."""
    plain, drawn = _plain(x).replace(_MORE, "…"), ink.latex(x).replace(_MORE, r"\cdots")
    if any(shown.latex.startswith(r"\mathrm") for shown in names):
        drawn = drawn.replace(r"\,", r"\cdot")  # words side by side do not look like a product
    return Both(
        _HOLES.sub(lambda hole: names[int(hole[1])].text, plain),
        _HOLES.sub(lambda hole: names[int(hole[1])].latex, drawn),
    )


def with_numbers(x: Any, numbers: Sequence[Both]) -> list[Both]:
    """A formula with numbers for its letters; [] for a single letter or number."""
    if not isinstance(x, Ink) or not x.operands:
        return []
    plain, drawn = written(x, numbers)
    drawn = _BARE_LATEX.sub(r"\1\2", drawn).replace(r"\,", r"\cdot")
    return [Both(_BARE.sub(r"\1\2", plain), drawn)]


def call(operation: str, operands: Sequence[Both]) -> Both:
    """f(a, b)."""
    texts, drawn = (", ".join(shown) for shown in zip(*operands, strict=True))
    return Both(f"{operation}({texts})", rf"{latex_name(operation)}\left({drawn}\right)")


def _plain(x: Any, above: int = _COMPARE) -> str:
    """`x` as text, in parentheses if it binds less than `above`."""
    own = _ATOM
    if not isinstance(x, Ink):
        shown, own = short(x), _NEGATE if x < 0 else _ATOM
    elif not x.operands:
        shown = x.head
    elif x.head == "negative":
        shown, own = f"-{_plain(x.operands[0], _NEGATE)}", _NEGATE
    elif x.head == "*" and _plain(x.operands[0]) == _plain(x.operands[1]):
        shown, own = f"{_plain(x.operands[0], _ATOM)}**2", _POWER
    elif x.head == "pow":
        shown, own = f"{_plain(x.operands[0], _ATOM)}**{_plain(x.operands[1], _ATOM)}", _POWER
    elif x.head in _SIGNS:
        sign, own = _SIGNS[x.head]
        left, right = _plain(x.operands[0], own), _plain(x.operands[1], own + 1)
        shown = f"{left} {sign} {f'({right})' if right.startswith('-') else right}"
    else:
        shown = f"{x.head}({', '.join(_plain(a) for a in x.operands)})"
    return f"({shown})" if own < above else shown


def latex_name(called: str) -> str:
    r"""A cleaned name as LaTeX: w as it is, z12 and x_1 with an index, others upright, escaped."""
    indexed = re.fullmatch(r"([A-Za-z])_?([0-9]*)", called)
    if indexed:
        return f"{indexed[1]}_{{{indexed[2]}}}" if indexed[2] else indexed[1]
    if re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?|-?inf|nan", called):
        return _latex_number(called)
    return rf"\mathrm{{{''.join(_ESCAPES.get(c, c) for c in called)}}}"


def name(called: str) -> Both:
    """A name; a negative number, the name of a constant, in parentheses."""
    if called.startswith("-"):
        return Both(f"({called})", rf"\left({latex_name(called)}\right)")
    return Both(called, latex_name(called))


def number(x: float, first: bool = True) -> Both:
    """A number; a negative one in parentheses unless it is the first of a sum or product."""
    both = Both(short(x), _latex_number(short(x)))
    return both if first or x >= 0 else Both(f"({both.text})", rf"\left({both.latex}\right)")


def _latex_number(x: str) -> str:
    mantissa, _, exponent = x.partition("e")
    mantissa = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa


def derivative(of: str, by: str, sign: str = "d") -> Both:
    """dL/dw; of a plain name in text without parentheses. In LaTeX `sign` "d" is upright."""
    a, b = (x if re.fullmatch(r"\w+", x) else f"({x})" for x in (of, by))
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
