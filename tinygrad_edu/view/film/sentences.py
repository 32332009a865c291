"""What a film says: the formula of a step, with names, numbers and the result."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    return added(Both("…", "") if isinstance(x, int) else x for x in ends(terms, FEW)).text


class Teller(Writer):
    """Says what happens in a graph with these gradients."""

    def __init__(self, order: Sequence[Value], names: Names, grads: Mapping[Value, float]) -> None:
        super().__init__(names)
        self.names, self.grads, self.root = names, grads, names[order[-1]]
        #: What was made from each result, and the units that it feeds, each with its weight.
        self.users = defaultdict[Value, list[Value]](list)
        self.fed = defaultdict[Value, list[tuple[Unit, Value]]](list)
        for v in order:
            for p in v.parents:
                if p.op is not None:
                    self.users[p].append(v)
        for u in names.units.units:
            for w, x in zip(u.w, u.x, strict=True):
                self.fed[x].append((u, w))

    def by(self, v: Value) -> str:
        """`dL/dw`."""
        return derivative(self.root, self.names[v]).text

    def forward(self, v: Value) -> str:
        """`c = a * b = 2 * (-3) = -6` for the operation that made `v`."""
        called, *formula, y = [side.text for side in self.value(v).sides]
        shares = [f"; {' = '.join(side.text for side in line.sides)}" for line in self.shares(v)]
        fitting = [part for part in formula if len(part) <= _LONGEST]
        return " = ".join(dict.fromkeys([called, *fitting, y])) + "".join(shares)

    def backward(self, v: Value, i: int) -> str:
        """`dL/dz += (1 - a**2) * dL/da` for operand i of `v`."""
        return f"{self.by(v.parents[i])} += {self.handed(v, i, Both(self.by(v), ''))}"

    def delta(self, u: Unit) -> tuple[str, str, str]:
        """Where the delta of a unit comes from: in words, with names, and with numbers.

        `delta1[1] = (1 - a1[1]**2) * w2[1,1] * delta2[1]`, or of an output by dL/da.
        """
        names, grads, fed, first = self.names, self.grads, self.fed[u.a], u.a is u.z
        if fed and len(self.users[u.a]) == len(fed):
            where = "the weights to the units it feeds, times their deltas"
            terms = [Both(f"{names[w]} * {names.deltas[d.z]}", "") for d, w in fed]
            products = [
                product([number(w.data, first=first and not k), number(grads[d.z], first=False)])
                for k, (d, w) in enumerate(fed)
            ]
        else:
            where = f"the derivative of {self.root} by its output"
            terms = [derivative(self.root, names[u.a])]
            products = [number(grads[u.a], first=first)]
        made, reckoned = _added(terms), _added(products)
        if u.a is not u.z:
            if len(terms) > 1:
                made, reckoned = f"({made})", f"({reckoned})"
            i = u.a.parents.index(u.z)
            made = self.handed(u.a, i, Both(made, ""))
            reckoned = f"{number(u.a.slopes()[i]).text} * {reckoned}"
            where = f"the derivative of {u.activation}, times {where}"
        delta, result = names.deltas[u.z], short(grads[u.z])
        reckoned = f"{reckoned} = {result}" if reckoned != result else result
        return f"{place_of(u)}: {where}", f"{delta} = {made}", reckoned

    def gradients(self, u: Unit) -> Iterator[str]:
        """`dL/dw1[1,2] = delta1[1] * x2` with numbers, for each weight of a unit.

        A weight that is used elsewhere too gets `+=`, the part of this unit, and the sum of all.
        """
        delta, grads = self.names.deltas[u.z], self.grads
        for w, x in zip(u.w, u.x, strict=True):
            part = grads[u.z] * x.data
            sign, whole = ("=", "") if part == grads[w] else ("+=", f"; in all {short(grads[w])}")
            numbers = product([number(grads[u.z]), number(x.data, first=False)]).text
            letters = f"{self.by(w)} {sign} {delta} * {self.names[x]}"
            yield f"{letters} = {numbers} = {short(part)}{whole}"

    def update(self, optimizer: Optimizer, p: Value, new: float) -> str:
        """`w = w - lr * dL/dw = 2 - 0.1 * 3 = 1.7` for a parameter."""
        t, state = optimizer.steps + 1, optimizer.states[optimizer.parameters.index(p)]
        label, g = self.names[p], self.grads[p]
        slope, x, lr = list[Any](map(letter, range(3)))
        try:
            formula, _ = optimizer.update(expr, slope, x, lr, t, state)
            names = [Both(self.by(p), ""), name(label), Both("lr", "")]
            numbers = [number(u, first=False) for u in (g, p.data, optimizer.lr)]
            sides = [written(formula, names), *with_numbers(formula, numbers)]
        except UNWRITABLE:
            sides = []
        texts = [side.text for side in sides]
        if texts and all(s is None for s in state) and max(map(len, texts)) <= _LONGEST:
            return f"{label} = {' = '.join(texts)} = {short(new)}"
        known = f"with {self.by(p)} = {short(g)} and lr = {short(optimizer.lr)}"
        return f"{label} from {short(p.data)} to {short(new)}, {known}"
