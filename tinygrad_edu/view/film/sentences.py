"""What a step of the forward pass, of the chain rule or of an update says, letters then numbers."""

from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.naming import symbol
from tinygrad_edu.view.explain.chain import Writer
from tinygrad_edu.view.explain.formulas import UNWRITABLE
from tinygrad_edu.view.explain.notation import (
    Both,
    derivative,
    letter,
    name,
    number,
    with_numbers,
    written,
)

_LONGEST: Final = 60


def forward(write: Writer, v: Value) -> str:
    """`c = a * b = 2 * (-3) = -6` for the operation that made `v`."""
    called, *formula, y = [side.text for side in write.value(v).sides]
    shares = [f"; {' = '.join(side.text for side in line.sides)}" for line in write.shares(v)]
    fitting = [part for part in formula if len(part) <= _LONGEST]
    return " = ".join(dict.fromkeys([called, *fitting, y])) + "".join(shares)


def backward(write: Writer, v: Value, i: int, root: str) -> str:
    """`tanh: dL/dz += (1 - a**2) * dL/da` for operand i of `v`."""
    op: Primitive = v.op  # type: ignore[assignment]
    by, gradient = (derivative(root, write.labels[u]) for u in (v.parents[i], v))
    return f"{symbol(op, len(v.parents))}: {by.text} += {write.handed(v, i, gradient)}"


def product(slope: float, gradient: float, before: float | None, after: float) -> str:
    """` = 2 * 0.5 = 1`, and where there was a gradient before, what the sum has become."""
    equation = f" = {_factor(slope)} * {_factor(gradient)} = {short(slope * gradient)}"
    return equation if before is None else f"{equation}; {short(before)} before, now {short(after)}"


def asked(before: float | None) -> str:
    """The same with the new gradient left out."""
    return " = ?" if before is None else f"; {short(before)} before, now ?"


def update(optimizer: Optimizer, p: Value, label: str, root: str, g: float, new: float) -> str:
    """`SGD: w = w - lr * dL/dw = 2 - 0.1 * 3 = 1.7` for a parameter."""
    t, state = optimizer.steps + 1, optimizer.states[optimizer.parameters.index(p)]
    gradient, kind = derivative(root, label), clean(type(optimizer).__name__)
    names = [gradient, name(label), Both("lr", "")]
    numbers = [number(u, first=False) for u in (g, p.data, optimizer.lr)]
    slope, x, lr = list[Any](map(letter, range(3)))
    try:
        formula, _ = optimizer.update(expr, slope, x, lr, t, state)
        sides = [
            written(formula, names).text,
            *(side.text for side in with_numbers(formula, numbers)),
        ]
    except UNWRITABLE:
        sides = []
    if sides and all(s is None for s in state) and max(map(len, sides)) <= _LONGEST:
        return f"{kind}: {label} = {' = '.join(sides)} = {short(new)}"
    known = f"with {gradient.text} = {short(g)} and lr = {short(optimizer.lr)}"
    return f"{kind}: {label} from {short(p.data)} to {short(new)}, {known}"


def _factor(x: float) -> str:
    """A number in a product, a negative one in parentheses."""
    return number(x, first=False).text
