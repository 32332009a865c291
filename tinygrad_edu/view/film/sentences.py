"""What a step of the forward pass, of the chain rule or of an update says, letters then numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.naming import constants, symbol
from tinygrad_edu.view.explain.formulas import UNWRITABLE

_LONGEST: Final = 60
#: How the operands are joined where an operation is written with a sign.
_SIGNS: Final = {
    "+": " + ",
    "x \N{MINUS SIGN} y": " - ",
    "\N{MULTIPLICATION SIGN}": " * ",
    "x ÷ y": " / ",
    "x^y": " ** ",
    "Σ": " + ",
    "∏": " * ",
}


def forward(v: Value, names: Mapping[Value, str]) -> str:
    """`c = a * b = 2 * (-3) = -6` for the operation that made `v`."""
    op: Primitive = v.op  # type: ignore[assignment]
    y, *x = v.numbers
    written = _written(op, [names[p] for p in v.parents])
    numbers = _written(op, [_factor(number) for number in x])
    parts = [names[v], *(part for part in (written, numbers) if len(part) <= _LONGEST), short(y)]
    if len(parts) == 2:
        parts.insert(1, f"{symbol(op, len(x))} of {len(x)} numbers")
    return " = ".join(parts)


def backward(v: Value, i: int, names: Mapping[Value, str], root: str) -> str:
    """`tanh: dL/dz += (1 - a * a) * dL/da` for operand i of `v`."""
    op: Primitive = v.op  # type: ignore[assignment]
    result, operands = names[v], [names[p] for p in v.parents]
    flowing = f"d{root}/d{result}"
    slope = _slope(op, i, result, operands, flowing)
    return f"{symbol(op, len(operands))}: d{root}/d{operands[i]} += {slope}"


def product(slope: float, gradient: float, before: float | None, after: float) -> str:
    """` = 2 * 0.5 = 1`, and where there was a gradient before, what the sum has become."""
    equation = f" = {_factor(slope)} * {_factor(gradient)} = {short(slope * gradient)}"
    return equation if before is None else f"{equation}; {short(before)} before, now {short(after)}"


def asked(before: float | None) -> str:
    """The same with the new gradient left out."""
    return " = ?" if before is None else f"; {short(before)} before, now ?"


def update(optimizer: Optimizer, p: Value, name: str, root: str, g: float, new: float) -> str:
    """`SGD: w = w - lr * dL/dw = 2 - 0.1 * 3 = 1.7` for a parameter."""
    x, lr, t = p.data, optimizer.lr, optimizer.steps + 1
    state = optimizer.states[optimizer.parameters.index(p)]
    gradient, kind = f"d{root}/d{name}", clean(type(optimizer).__name__)

    def equation(g: str, x: str, lr: str) -> str:
        rate: Any = expr.symbol(lr)
        return _formula(
            lambda: optimizer.update(expr, expr.symbol(g), expr.symbol(x), rate, t, state)[0]
        )

    if all(s is None for s in state):
        letters = equation(gradient, name, "lr")
        numbers = equation(_factor(g), short(x), short(lr))
        if letters and numbers:
            return f"{kind}: {name} = {letters} = {numbers} = {short(new)}"
    numbers = f"with {gradient} = {short(g)} and lr = {short(lr)}"
    return f"{kind}: {name} from {short(x)} to {short(new)}, {numbers}"


def _written(op: Primitive, operands: list[str]) -> str:
    """The operation with its operands, as Python writes it."""
    n, bound = len(operands), constants(op)
    sign = symbol(op, n)
    if sign in _SIGNS and n > 1:
        return _SIGNS[sign].join(operands)
    if sign.startswith("w·x"):
        pairs = zip(operands[: n // 2], operands[n // 2 :], strict=False)
        return " + ".join([f"{w} * {x}" for w, x in pairs] + operands[n // 2 * 2 :])
    if sign == "\N{MINUS SIGN}x":
        return f"-{operands[0]}"
    if sign != clean(op.name) and "c" in op.constants:
        return f"{operands[0]} ** {_factor(op.constants['c'])}"
    inside = [_bare(x) for x in operands] + [bound] * bool(bound)
    return f"{clean(op.name)}({', '.join(inside)})"


def _slope(op: Primitive, i: int, result: str, operands: Sequence[str], flowing: str) -> str:
    """Formula of slope i, from the record itself, times the gradient that flows back."""

    def formula() -> Any:
        y, *x = map(expr.symbol, (result, *operands))
        return expr.Expr("*", (op.slopes(expr, y, *x, **op.constants)[i], expr.symbol(flowing)))

    return _formula(formula) or f"slope * {flowing}"


def _formula(formula: Callable[[], Any]) -> str:
    """The text of a formula; "" if it is long, or the function cannot be given symbols."""
    try:
        written = expr.text(formula())
    except UNWRITABLE:
        return ""
    return written if len(written) <= _LONGEST else ""


def _factor(x: float) -> str:
    """A number in a product, a negative one in parentheses."""
    return f"({short(x)})" if short(x).startswith("-") else short(x)


def _bare(text: str) -> str:
    return text[1:-1] if text.startswith("(-") and text.endswith(")") else text
