"""How an operation is written: its sign, what it calls its operands, their order."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tinygrad_edu.engine import Primitive, Value, primitives
from tinygrad_edu.text import clean, short, superscript

_MINUS: Final = "\N{MINUS SIGN}"
_SYMBOLS: Final = {
    "add": "+",
    "subtract": f"{{0}} {_MINUS} {{1}}",
    "multiply": "\N{MULTIPLICATION SIGN}",
    "divide": "{0} ÷ {1}",
    "negative": f"{_MINUS}{{0}}",
    "abs": "|{0}|",
    "pow": "{0}^{1}",
    "sqrt": "√{0}",
    "sum": "Σ",
    "prod": "∏",
}
_SYMMETRIC: Final = {
    *("add", "multiply", "maximum", "minimum", "hypot"),
    *("sum", "mean", "prod", "max", "min", "logsumexp"),
}


def built_in_name(op: Primitive) -> str:
    """The name of a built-in operation; "" for a user's own, though it have the same name."""
    known = primitives.get(op.name)
    return op.name if known is not None and known.value is op.value else ""


def is_dot(v: Value) -> bool:
    """Whether `v` is a net input w . x + b."""
    return v.op is not None and len(v.parents) > 1 and built_in_name(v.op) == "dot"


def symbol(op: Primitive, operands: int, letters: Sequence[str] = ("x", "y")) -> str:
    """The operation as a short text: +, tanh, x², w·x + b, a user's own name."""
    name = built_in_name(op)
    if name == "power":
        return f"{letters[0]}{superscript(op.constants['c'])}"
    if name == "dot":
        return "w·x + b" if operands % 2 else "w·x"
    return _SYMBOLS[name].format(*letters) if name in _SYMBOLS else clean(op.name) or "?"


def constants(op: Primitive) -> str:
    """The constants of the operation that its symbol does not show, as "alpha = 0.01"."""
    if built_in_name(op) == "power":
        return ""
    return ", ".join(f"{clean(name)} = {short(x)}" for name, x in op.constants.items())


def roles(op: Primitive, operands: int) -> list[str]:
    """What each operand is called, "" where they can be swapped or there is one.

    dot has w[1], w[2], ..., x[1], x[2], ... and perhaps b; other operations use the names of their
    record's function, and x[1], x[2], ... for those in its `*x`.
    """
    name = built_in_name(op)
    if name == "dot":
        pairs = range(1, operands // 2 + 1)
        return [f"w[{i}]" for i in pairs] + [f"x[{i}]" for i in pairs] + ["b"] * (operands % 2)
    if operands < 2 or name in _SYMMETRIC:
        return [""] * operands
    parameters = list(inspect.signature(op.value).parameters.values())[1:]
    single = [clean(p.name) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][:operands]
    rest = next((clean(p.name) for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    return [*single, *(f"{rest}[{i}]" for i in range(1, operands - len(single) + 1))]


def drawing_order(op: Primitive, operands: int) -> list[int]:
    """Positions of the operands from top to bottom: for dot each weight with its input, then b."""
    if built_in_name(op) != "dot":
        return list(range(operands))
    n = operands // 2
    pairs = [i for pair in zip(range(n), range(n, 2 * n), strict=True) for i in pair]
    return pairs + [2 * n] * (operands % 2)


def placeholders(v: Value, names: Mapping[Value, str]) -> list[str]:
    """The operands of `v` by their roles, in other letters where those are names of quantities.

    A quantity may be called as its own role is, and w·x + b is that of the lecture.
    """
    op: Primitive = v.op  # type: ignore[assignment]
    wanted = [role or "x" for role in roles(op, len(v.parents))]
    if is_dot(v):
        return wanted
    own = {role for role, p in zip(wanted, v.parents, strict=True) if names[p] == role}
    return free(wanted, {*names.values()} - own)


def free(wanted: Sequence[str], taken: Iterable[str]) -> list[str]:
    """The letters that are wanted, or another in place of one that is taken; x[1] goes with x."""
    letters = dict.fromkeys(text.partition("[")[0] for text in wanted)
    used = {text.partition("[")[0] for text in taken}
    others = (c for c in "uvstpqrnmkjcdefgh" if c not in used and c not in letters)
    chosen = {letter: next(others, letter) if letter in used else letter for letter in letters}
    parts = (text.partition("[") for text in wanted)
    return [f"{chosen[letter]}{bracket}{index}" for letter, bracket, index in parts]
