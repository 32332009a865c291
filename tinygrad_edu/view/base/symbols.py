"""How an operation is written in a picture, and what its operands are called there."""

import inspect
from typing import Final

from tinygrad_edu.engine import Primitive, Value, primitives
from tinygrad_edu.text import clean, short, superscript

_MINUS: Final = "\N{MINUS SIGN}"
_SYMBOLS: Final = {
    "add": "+",
    "subtract": f"x {_MINUS} y",
    "multiply": "\N{MULTIPLICATION SIGN}",
    "divide": "x ÷ y",
    "negative": f"{_MINUS}x",
    "abs": "|x|",
    "pow": "x^y",
    "sqrt": "√x",
    "sum": "Σ",
    "prod": "∏",
}
_SYMMETRIC: Final = {
    *("add", "multiply", "maximum", "minimum", "hypot"),
    *("sum", "mean", "prod", "max", "min", "logsumexp"),
}


def _built_in_name(op: Primitive) -> str:
    """The name of a built-in operation; "" for a user's own, though it have the same name."""
    known = primitives.get(op.name)
    return op.name if known is not None and known.value is op.value else ""


def is_dot(v: Value) -> bool:
    """Whether `v` is a net input w . x + b."""
    return v.op is not None and len(v.parents) > 1 and _built_in_name(v.op) == "dot"


def symbol(op: Primitive, operands: int) -> str:
    """The operation as a short text: +, tanh, x², w·x + b, a user's own name."""
    name = _built_in_name(op)
    if name == "power":
        return f"x{superscript(op.constants['c'])}"
    if name == "dot":
        return "w·x + b" if operands % 2 else "w·x"
    return _SYMBOLS.get(name) or clean(op.name) or "?"


def constants(op: Primitive) -> str:
    """The constants of the operation that its symbol does not show, as "alpha = 0.01"."""
    if _built_in_name(op) == "power":
        return ""
    return ", ".join(f"{clean(name)} = {short(x)}" for name, x in op.constants.items())


def roles(op: Primitive, operands: int) -> list[str]:
    """What each operand is called, "" where they can be swapped or there is one.

    dot has w[1], w[2], ..., x[1], x[2], ... and perhaps b; other operations use the names of their
    record's function, and x[1], x[2], ... for those in its `*x`.
    """
    name = _built_in_name(op)
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
    if _built_in_name(op) != "dot":
        return list(range(operands))
    n = operands // 2
    pairs = [i for pair in zip(range(n), range(n, 2 * n), strict=True) for i in pair]
    return pairs + [2 * n] * (operands % 2)
