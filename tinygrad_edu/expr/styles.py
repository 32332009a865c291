"""Styles in which expressions are written: Python, NumPy, LaTeX; what is written how, in tables.

A form says how an operation is written and how tightly it binds; parentheses follow from that.
`expr.show` writes an expression in a style.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_real
from tinygrad_edu.namespace import FUNCTIONS
from tinygrad_edu.text import latex_name, latex_number, number_text

#: How tightly things bind, from what binds as its operand does to what never needs brackets.
TRANSPARENT, CONDITION, COMPARE, SIGNED, ADD, MATRIX, MULTIPLY, NEGATE, POWER, ATOM = range(-1, 9)


class Form(NamedTuple):
    """How an operation is written: {0}, {1}, ... are its operands.

    `level` says how tightly it binds (TRANSPARENT: as its operand does). An operand that binds less
    than its level in `operands` stands in brackets; where none is given it may be anything but a
    condition. `args` are the operands where they are not those of the expression.
    """

    template: str
    level: int = ATOM
    operands: tuple[int, ...] = ()
    args: tuple[Any, ...] | None = None


# fmt: off
_PYTHON: Final = {
    "<":        Form("{0} < {1}",  COMPARE,  (ADD, ADD)),
    "<=":       Form("{0} <= {1}", COMPARE,  (ADD, ADD)),
    ">":        Form("{0} > {1}",  COMPARE,  (ADD, ADD)),
    ">=":       Form("{0} >= {1}", COMPARE,  (ADD, ADD)),
    "equal":    Form("{0} == {1}", COMPARE,  (ADD, ADD)),
    "+":        Form("{0} + {1}",  ADD,      (ADD, MATRIX)),
    "-":        Form("{0} - {1}",  ADD,      (ADD, MATRIX)),
    "*":        Form("{0} * {1}",  MULTIPLY, (MULTIPLY, NEGATE)),
    "divide":   Form("{0} / {1}",  MULTIPLY, (MULTIPLY, NEGATE)),
    "negative": Form("-{0}",       NEGATE,   (NEGATE,)),
    "pow":      Form("{0}**{1}",   POWER,    (ATOM, ATOM)),
}
# fmt: on


def call(name: str, n: int) -> Form:
    """f({0}, {1}, ...) for n operands."""
    safe = name.replace("{", "{{").replace("}", "}}")
    return Form(f"{safe}({', '.join(f'{{{k}}}' for k in range(n))})")


class Style:
    """A way to write expressions: here Python, with the functions of a namespace."""

    forms: Mapping[str, Form] = _PYTHON
    #: How x * x is written, where that is not as any product.
    square: Form | None = Form("{0}**2", POWER, (ATOM,))

    def form(self, x: Any) -> Form:
        """How an operation is written: `x` has `op` and `args`."""
        form = self.forms.get(x.op)
        fits = form is not None and len(form.operands) == len(x.args)
        return form if form and fits else self.function(x.op, len(x.args))

    def function(self, name: str, n: int) -> Form:
        """How a function of n operands is written that has no form of its own."""
        return call(name, n)

    def number(self, x: float) -> str:
        """A number."""
        return number_text(x)

    def letter(self, name: str) -> str:
        """A symbol."""
        return name

    def bracketed(self, text: str, level: int) -> str:
        """What binds less than it must, in brackets."""
        return f"({text})"


class Mathematics(Style):
    """Text as people read it: cases in words, |x|, a comparison as a number as 1[x = y]."""

    forms: Mapping[str, Form] = {
        **_PYTHON,
        "equal": Form("{0} = {1}", COMPARE, (ADD, ADD)),
        "!=": Form("{0} \N{NOT EQUAL TO} {1}", COMPARE, (ADD, ADD)),
        "abs": Form("|{0}|", ATOM, (COMPARE,)),
        "negative": Form("-{0}", NEGATE, (MULTIPLY,)),
        "remainder": Form("{0} mod {1}", MATRIX, (POWER, POWER)),
        "where": Form("{1} if {0} else {2}", CONDITION, (COMPARE, SIGNED, CONDITION)),
    }

    def function(self, name: str, n: int) -> Form:
        """A function under its name, the largest and the smallest of two as that of many."""
        return call({"maximum": "max", "minimum": "min"}.get(name, name), n)

    def bracketed(self, text: str, level: int) -> str:
        """In parentheses; a comparison as a number that is 1 where it holds."""
        return f"1[{text}]" if level == COMPARE else f"({text})"


class NumPy(Style):
    """NumPy as it runs: sums from left to right, products of matrices in brackets for the eye."""

    forms: Mapping[str, Form] = {
        **{op: form for op, form in _PYTHON.items() if op != "pow"},
        "+": Form("{0} + {1}", ADD, (ADD, ADD)),
    }
    square = None

    def form(self, x: Any) -> Form:
        """As in Python; a whole number as exponent with the operator."""
        if x.op == "pow" and is_real(x.args[1]) and float(x.args[1]).is_integer():
            return Form("{0} ** {1}", POWER, (ATOM, NEGATE))
        return super().form(x)

    def function(self, name: str, n: int) -> Form:
        """A function under NumPy's name."""
        return call(FUNCTIONS[name].numpy if name in FUNCTIONS else name, n)

    def number(self, x: float) -> str:
        """A number as Python writes it, inf and nan being NumPy's."""
        return re.sub("inf|nan", r"np.\g<0>", number_text(x))


def _latex_form(template: str) -> Form:
    """The form of a function from its template, which shows how tightly things bind."""
    levels = []
    for k in range(4):
        before, place, after = template.partition(f"{{{k}}}")
        if not place:
            break
        contexts = {
            ATOM: after.startswith("^"),
            MATRIX: before.endswith("+ "),
            CONDITION: before.endswith("& "),
            ADD: " = " in template,
            POWER: r"\bmod" in template,
        }
        levels.append(next((level for level, fits in contexts.items() if fits), COMPARE))
    own = CONDITION if " = " in template else ATOM if r"\right" in template else POWER
    own = MATRIX if r"\bmod" in template else own
    return Form(template, own, tuple(levels))


class LaTeX(Style):
    r"""LaTeX for math mode, without dollar signs; `times` stands between the factors."""

    forms: Mapping[str, Form] = {
        **_PYTHON,
        **{name: _latex_form(function.latex) for name, function in FUNCTIONS.items()},
        "!=": Form(r"{0} \ne {1}", COMPARE, (ADD, ADD)),
        "<=": Form(r"{0} \le {1}", COMPARE, (ADD, ADD)),
        ">=": Form(r"{0} \ge {1}", COMPARE, (ADD, ADD)),
    }
    square = Form("{0}^{{2}}", POWER, (ATOM,))

    def __init__(self, times: str = r"\,") -> None:
        self.forms = {**self.forms, "*": Form(f"{{0}} {times} {{1}}", MULTIPLY, (MULTIPLY, NEGATE))}

    def function(self, name: str, n: int) -> Form:
        """A function with an upright name."""
        operands = ", ".join(f"{{{k}}}" for k in range(n))
        upright = call(name.replace("_", r"\_"), 0).template.removesuffix("()")
        return Form(rf"\operatorname{{{{{upright}}}}}\left({operands}\right)")

    def number(self, x: float) -> str:
        """A number."""
        return latex_number(number_text(x))

    def letter(self, name: str) -> str:
        """A word as it is, with an index after an underscore; what is no word upright."""
        word, _, index = name.partition("_")
        if not word.isalpha() or not (index.isalnum() or not index):
            return latex_name(name)
        return f"{word}_{{{index}}}" if index else word

    def bracketed(self, text: str, level: int) -> str:
        """In parentheses; a comparison as a number is 1[x = y]."""
        return rf"\mathbf{{1}}[{text}]" if level <= COMPARE else rf"\left({text}\right)"


PYTHON: Final = Style()
MATHEMATICS: Final = Mathematics()
NUMPY: Final = NumPy()
LATEX: Final = LaTeX()


def in_brackets(form: Form, operands: Sequence[tuple[str, int]], style: Style) -> Iterator[str]:
    """The operands, in brackets where they bind less than they must or begin with a minus sign."""
    signed = form.level in (ADD, MATRIX, MULTIPLY)
    for k, (text, level) in enumerate(operands):
        least = form.operands[k] if k < len(form.operands) else COMPARE
        loose = level < least or (signed and k and text.startswith("-"))
        yield style.bracketed(text, level) if loose else text


def level_of(text: str, negative: int = NEGATE) -> int:
    """How tightly a number or a name binds: -2, 10 to some power, a raised name are no atoms.

    A negative number in the place of a letter stands in brackets wherever there is an operator.
    """
    if text.startswith("-"):
        return negative
    return MULTIPLY if r" \cdot " in text else POWER if "^" in text else ATOM
