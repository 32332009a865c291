"""What a film says: the formula of a step, with names, numbers and the result."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.engine import Value
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import short
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import FEW
from tinygrad_edu.view.explain.chain import Writer
from tinygrad_edu.view.explain.formulas import UNWRITABLE
from tinygrad_edu.view.explain.notation import (
    Both,
    added,
    derivative,
    ends,
    letter,
    name,
    number,
    product,
    with_numbers,
    written,
)

#: A formula in a sentence has at most so many characters.
_LONGEST: Final = 60


def place_of(u: Unit) -> str:
    """Which unit it is, in words."""
    return f"unit {u.place.unit} of layer {u.place.layer}" if u.place.layer else "the unit"


def _added(terms: Sequence[Both]) -> str:
    """A sum, long ones with their ends."""
    few = [Both("…", "") if isinstance(x, int) else x for x in ends(terms, FEW)]
    return added(few).text


def fed_by(names: Names, u: Unit) -> list[tuple[Unit, Value]]:
    """The units that a unit feeds, each with its weight."""
    pairs = ((d, *pair) for d in names.units.units for pair in zip(d.w, d.x, strict=True))
    return [(d, w) for d, w, x in pairs if x is u.a]


def say_delta(
    write: Writer, names: Names, order: Sequence[Value], u: Unit, grads: Mapping[Value, float]
) -> tuple[str, str, str]:
    """Where the delta of a unit comes from: in words, with names, and with numbers.

    `delta1[1] = (1 - a1[1]**2) * w2[1,1] * delta2[1]`, or of an output by dL/da.
    """
    fed = fed_by(names, u)
    users, first = sum(p is u.a for v in order for p in v.parents), u.a is u.z
    where = "the weights to the units it feeds, times their deltas"
    terms = [Both(f"{names[w]} * {names.deltas[d.z]}", "") for d, w in fed]
    products = [
        product([number(w.data, first=first and not k), number(grads[d.z], first=False)])
        for k, (d, w) in enumerate(fed)
    ]
    if not fed or users != len(fed):
        root = names[order[-1]]
        where, fed = f"the derivative of {root} by its output", []
        terms, products = [derivative(root, names[u.a])], [number(grads[u.a], first=first)]
    made, reckoned = _added(terms), _added(products)
    if u.a is not u.z:
        if len(fed) > 1:
            made, reckoned = f"({made})", f"({reckoned})"
        i = u.a.parents.index(u.z)
        made = write.handed(u.a, i, Both(made, ""))
        reckoned = f"{number(u.a.slopes()[i]).text} * {reckoned}"
        where = f"the derivative of {u.activation}, times {where}"
    delta, result = names.deltas[u.z], short(grads[u.z])
    reckoned = f"{reckoned} = {result}" if reckoned != result else result
    return f"{place_of(u)}: {where}", f"{delta} = {made}", reckoned


def say_gradients(names: Names, root: str, u: Unit, grads: Mapping[Value, float]) -> list[str]:
    """`dL/dw1[1,2] = delta1[1] * x2` with numbers, for each weight of a unit.

    A weight that is used elsewhere too gets `+=`, the part of this unit, and the sum of all parts.
    """
    said = []
    for w, x in zip(u.w, u.x, strict=True):
        part = grads[u.z] * x.data
        sign, whole = ("=", "") if part == grads[w] else ("+=", f"; in all {short(grads[w])}")
        letters = f"{derivative(root, names[w]).text} {sign} {names.deltas[u.z]} * {names[x]}"
        numbers = product([number(grads[u.z]), number(x.data, first=False)]).text
        said.append(f"{letters} = {numbers} = {short(part)}{whole}")
    return said


def say_forward(write: Writer, v: Value) -> str:
    """`c = a * b = 2 * (-3) = -6` for the operation that made `v`."""
    called, *formula, y = [side.text for side in write.value(v).sides]
    shares = [f"; {' = '.join(side.text for side in line.sides)}" for line in write.shares(v)]
    fitting = [part for part in formula if len(part) <= _LONGEST]
    return " = ".join(dict.fromkeys([called, *fitting, y])) + "".join(shares)


def say_backward(write: Writer, v: Value, i: int, root: str) -> str:
    """`dL/dz += (1 - a**2) * dL/da` for operand i of `v`."""
    by, gradient = (derivative(root, write.labels[u]) for u in (v.parents[i], v))
    return f"{by.text} += {write.handed(v, i, gradient)}"


def say_update(optimizer: Optimizer, p: Value, label: str, root: str, g: float, new: float) -> str:
    """`w = w - lr * dL/dw = 2 - 0.1 * 3 = 1.7` for a parameter."""
    t, state = optimizer.steps + 1, optimizer.states[optimizer.parameters.index(p)]
    gradient = derivative(root, label)
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
        return f"{label} = {' = '.join(sides)} = {short(new)}"
    known = f"with {gradient.text} = {short(g)} and lr = {short(optimizer.lr)}"
    return f"{label} from {short(p.data)} to {short(new)}, {known}"
