"""The slope of each operation in a graph as a formula: a list to look things up in."""

import re
from collections.abc import Iterable
from typing import Final

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import clean, superscript
from tinygrad_edu.view.base.symbols import is_dot, roles, symbol
from tinygrad_edu.view.explain.equations import ends
from tinygrad_edu.view.explain.formulas import formulas
from tinygrad_edu.view.explain.notation import Both, derivative, written

_LONGEST: Final = 240
_SLOPES: Final = 3


def slope_rules(values: Iterable[Value]) -> list[str]:
    """A line such as "y = tanh(x),  dy/dx = 1 - y²" for each operation, in this order.

    Operands are sign as in the drawing, else x, or a and b, or x1, x2, ...; of a dot w and x
    with an index.
    """
    rules = [_rule(v, v.op) for v in values if v.op is not None]
    return [clean(rule, _LONGEST) for rule in dict.fromkeys(rules)]


def _rule(v: Value, op: Primitive) -> str:
    n, sign = len(v.parents), symbol(op, len(v.parents))
    letters, written_out = _letters(op, n), ends(range(n), _SLOPES)
    if is_dot(v):
        pairs = n // 2
        letters = ["wᵢ"] * pairs + ["xᵢ"] * pairs + ["b"] * (n % 2)
        written_out = [0, pairs, *[2 * pairs][: n % 2]]
    result = next(letter for letter in ("y", "z", "v", "result") if letter not in letters)
    names = [Both(letter, "") for letter in (*letters, result)]
    try:
        value, slope = formulas(v, general=True)
        value_text = sign if is_dot(v) else _on_paper(written(value, names).text)
        parts = [f"{result} = {value_text}"]
        for i in written_out:
            by = derivative(result, letters[i]).text
            parts.append(f"{by} = {_on_paper(written(slope(i), names).text)}")
    except Exception as error:  # a user's record may raise anything
        return f"{sign}: no formula ({type(error).__name__})"
    plain = sign in value_text or not sign.isascii() or not sign.isidentifier()
    return ",  ".join(parts) if plain else f"{sign}:  {',  '.join(parts)}"


def _letters(op: Primitive, n: int) -> list[str]:
    named = roles(op, n)
    if all(named):
        return named
    return {1: ["x"], 2: ["a", "b"]}.get(n) or [f"x{i + 1}" for i in range(n)]


def _on_paper(formula: str) -> str:
    formula = re.sub(r"\*\*(\d+)", lambda power: superscript(float(power[1])), formula)
    return formula.replace(" * ", " · ").replace("<=", "≤").replace(">=", "≥")
