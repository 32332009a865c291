"""Expressions: a record evaluated over symbols gives its formula, and one printer writes it.

    >>> from tinygrad_edu import functions, expr
    >>> y, x = expr.symbol("y"), expr.symbol("x")
    >>> expr.latex(functions.tanh.slopes(expr, y, x)[0])
    '1 - y^{2}'

This module is a namespace `m`: any function exists here by its name (`expr.exp`, `expr.where`) and
gives an `Expr` that remembers its operands. `show` writes an expression in one of the `styles`: as
Python, as NumPy or as LaTeX.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.checks import is_real
from tinygrad_edu.expr.styles import (
    ATOM,
    COMPARE,
    LATEX,
    PYTHON,
    SIGNED,
    TRANSPARENT,
    Form,
    Style,
    in_brackets,
    level_of,
)
from tinygrad_edu.namespace import no_flow


def _relation(op: str) -> Callable[[Any, Any], "Expr"]:
    return lambda x, y: Expr(op, (x, y))


class Expr:
    """An expression: the name of its function or operator, and its operands."""

    __slots__ = ("args", "op")

    def __init__(self, op: str, args: tuple[Any, ...] = ()) -> None:
        self.op, self.args = op, args

    def __add__(self, other: Any) -> Any:
        return self if _is(other, -0.0) else Expr("+", (self, other))

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, -0.0) else Expr("+", (other, self))

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0.0) else Expr("-", (self, other))

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, -0.0) else Expr("-", (other, self))

    def __mul__(self, other: Any) -> Any:
        return self if _is(other, 1) else Expr("*", (self, other))

    def __rmul__(self, other: Any) -> Any:
        return self if _is(other, 1) else Expr("*", (other, self))

    def __neg__(self) -> "Expr":
        return Expr("negative", (self,))

    __lt__, __le__ = _relation("<"), _relation("<=")
    __gt__, __ge__ = _relation(">"), _relation(">=")

    def __eq__(self, other: object) -> bool:
        if is_real(other):
            self._no_decision()
        return self is other

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return self._no_decision()

    def _no_decision(self) -> bool:
        raise TypeError(
            "a record cannot decide in Python what its operands are: write m.where(x > 0, a, b), "
            "m.equal(x, y), m.maximum(x, y)"
        )

    def __str__(self) -> str:
        return show(self)

    def __repr__(self) -> str:
        return f"Expr({show(self)!r})"


class Symbol(Expr):
    """A letter: an expression of its own kind, whatever its name is."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__("")
        self.name = name


def symbol(name: str) -> Symbol:
    """A letter; an index after an underscore is set as a subscript in LaTeX (`x_1`)."""
    return Symbol(name)


def __getattr__(name: str) -> Callable[..., Expr]:
    if name.startswith("_"):
        raise AttributeError(f"module 'tinygrad_edu.expr' has no attribute {name!r}")
    return lambda *operands: Expr(name, operands)


def sum(x: Sequence[Any]) -> Any:  # noqa: A001
    """x1 + ... + xn."""
    total, *rest = x
    for a in rest:
        total = total + a
    return total


def dot(w: Sequence[Any], x: Sequence[Any], *b: Any) -> Any:
    """w1 x1 + ... + wn xn (+ b)."""
    return sum([*(wi * xi for wi, xi in zip(w, x, strict=True)), *b])


def _is(x: Any, n: float) -> bool:
    """Whether `x` is that very number: x + 0 is not x where x is -0."""
    return is_real(x) and x is not no_flow and repr(float(x)) == repr(float(n))


def same(a: Any, b: Any) -> bool:
    """Whether two expressions are written alike."""
    pairs = [(a, b)]
    while pairs:
        a, b = pairs.pop()
        if a is b:
            continue
        if not isinstance(a, Expr) or not isinstance(b, Expr):
            if isinstance(a, Expr) or isinstance(b, Expr) or repr(a) != repr(b):
                return False
        elif isinstance(a, Symbol) and isinstance(b, Symbol):
            if a.name != b.name:
                return False
        elif (type(a), a.op, len(a.args)) != (type(b), b.op, len(b.args)):
            return False
        else:
            pairs.extend(zip(a.args, b.args, strict=True))
    return True


def show(
    x: Any,
    style: Style = PYTHON,
    letters: Callable[[str], str] | None = None,
    *,
    least: int = COMPARE,
) -> str:
    """An expression or a number in a style, in brackets if it binds less than `least`.

    `letters` gives other texts for the symbols.
    """
    negative = SIGNED if letters else ATOM
    letters = letters or style.letter
    written: list[tuple[str, int]] = []
    stack: list[Any] = [x]
    while stack:
        a = stack.pop()
        if isinstance(a, Form):  # its operands are written
            n = len(a.args or ())
            operands = written[len(written) - n :]
            del written[len(written) - n :]
            level = operands[0][1] if a.level == TRANSPARENT else a.level
            written.append((a.template.format(*in_brackets(a, operands, style)), level))
        elif isinstance(a, (Symbol, str)):  # a text is the name of an index
            text = letters(a.name if isinstance(a, Symbol) else a)
            written.append((text, level_of(text, negative)))
        elif isinstance(a, Expr):
            form = style.form(a)
            if style.square and a.op == "*" and len(a.args) == 2 and same(*a.args):
                form = style.square
            args = a.args if form.args is None else form.args
            stack += [form._replace(args=args), *reversed(args)]
        else:
            text = style.number(a) if is_real(a) else repr(a)
            written.append((text, level_of(text)))
    text, level = written[0]
    return style.bracketed(text, level) if level < least else text


def text(x: Any) -> str:
    """`x` as Python over the functions of a namespace."""
    return show(x, PYTHON)


def latex(x: Any) -> str:
    """`x` as LaTeX, without dollar signs."""
    return show(x, LATEX)
