"""Writer: lines about the values and links of a graph, by their names."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from tinygrad_edu.calculus import convention
from tinygrad_edu.engine import Value
from tinygrad_edu.engine.gradients import changed_since
from tinygrad_edu.expr import Expr
from tinygrad_edu.functions import softmax
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.naming import share_names
from tinygrad_edu.view.explain.derivations import derivation, normalisation
from tinygrad_edu.view.explain.formulas import UNWRITABLE, formulas, shared, total
from tinygrad_edu.view.explain.notation import (
    Both,
    Line,
    call,
    derivative,
    letter,
    listing,
    name,
    number,
    product,
    remark,
    sentence,
    with_numbers,
    written,
)
from tinygrad_edu.view.explain.paths import Link


class Writer:
    """Writes lines about the values and links of one graph, by their names."""

    def __init__(
        self,
        labels: Mapping[Value, str],
        mixed: Collection[tuple[Value, Value]] = (),
        *,
        derive: bool = False,
    ) -> None:
        self.labels, self._derive = labels, derive
        self._mixed = mixed
        #: The links whose formula was given in the equation of a derivative.
        self.given: set[Link] = set()
        self._letters_of = cache(self._letters)
        self._formulas_of = cache(formulas)
        self._unwritten: dict[str, str] = {}

    def total(self, v: Value, w: Value) -> Both:
        """dv/dw, over all paths."""
        return derivative(self.labels[v], self.labels[w])

    def local(self, link: Link) -> Both:
        """The slope of one link: as text with d too, unless that is taken by the sum over paths."""
        child, parent = self.labels[link.child], self.labels[link.parent]
        partial = derivative(child, parent, "∂")
        mixed = (link.child, link.parent) in self._mixed
        return partial if mixed else Both(derivative(child, parent).text, partial.latex)

    def value(self, v: Value) -> Line:
        """v = formula = with numbers = number."""
        return Line([name(self.labels[v]), *self._formula(v, ()), number(v.numbers[0])])

    def slope(self, link: Link) -> Line:
        """da/dz = formula = with numbers = number."""
        return Line([self.local(link), *self.formula(link), number(link.slope)], 2)

    def flow(self, link: Link, gradient: float) -> Line:
        """to z: gradient * slope = what z gets."""
        parent = name(self.labels[link.parent])
        to = Both(f"to {parent.text}:", rf"\text{{to }} {parent.latex}\text{{:}}")
        made = product([number(gradient), number(link.slope, first=False)])
        return Line([to, made, number(link.passes(gradient))], 2)

    def formula(self, link: Link) -> list[Both]:
        """The formula of the slope, with letters and then with numbers; [] if there is none."""
        return self._formula(link.child, link.positions)

    def only(self, link: Link) -> list[Both]:
        """The same where the slope alone is a derivative: it need not be given again."""
        self.given.add(link)
        return self.formula(link)

    def _formula(self, v: Value, positions: tuple[int, ...]) -> list[Both]:
        """The formula of `v`, or of its slope at the positions; with letters, then with numbers."""
        op: Any = v.op
        names, numbers = self._letters_of(v)
        try:
            value, slope = self._formulas_of(v)
            x = total([slope(i) for i in positions]) if positions else value
            return [written(x, names), *with_numbers(x, numbers)]
        except UNWRITABLE as error:
            self._unwritten[clean(op.name)] = type(error).__name__
            return [] if positions else [call(clean(op.name), names[: len(v.parents)])]

    def handed(self, v: Value, i: int, gradient: Both) -> str:
        """The slope of `v` at position i times the gradient of `v`, with letters."""
        names, _ = self._letters_of(v)
        try:
            slope = self._formulas_of(v)[1](i)
            return written(Expr("*", (slope, letter(len(names)))), [*names, gradient]).text
        except UNWRITABLE:
            partial = derivative(self.labels[v], self.labels[v.parents[i]], "∂")
            return product([partial, gradient]).text

    def _letters(self, v: Value) -> tuple[list[Both], list[Both]]:
        """Names and numbers for the letters of the formulas of `v`."""
        names = [name(self.labels[u]) for u in (*v.parents, v)]
        shares, parts = self._shares(v)
        first = len(v.parents) - len(shares)  # after the class number of a cross entropy
        numbers = [*v.numbers[1:], v.numbers[0], *parts[:first], *parts]
        return [*names, *shares[:first], *shares], [number(x, first=False) for x in numbers]

    def _shares(self, v: Value) -> tuple[list[Both], list[float]]:
        """The operands' shares in their softmax, where the formulas of `v` use them."""
        if not (z := shared(v)):
            return [], []
        return [*map(name, share_names(self.labels, z))], softmax(v.numbers[-len(z) :])

    def shares(self, v: Value) -> list[Line]:
        """p1, p2 = softmax(z1, z2), unless values of the graph say so."""
        names, numbers = self._shares(v)
        if not names or {both.text for both in names} <= {*self.labels.values()}:
            return []
        operands = [name(self.labels[u]) for u in shared(v)]
        return [Line([listing(names), call("softmax", operands), listing([*map(number, numbers)])])]

    def notes(self, made: Sequence[Value]) -> list[Line]:
        """What a reader must know about the formulas and numbers of these results."""
        lines = [line for v in made for line in self.shares(v)]
        lines += [
            sentence(f"No formula for {op}: its record cannot be evaluated on letters ({error}).")
            for op, error in self._unwritten.items()
        ]
        lines += [remark(f"{kink}.") for v in made if (kink := convention(v, self.labels))]
        lines += self._derivations(made) if self._derive else []
        changed = dict.fromkeys(self.labels[p] for v in made for p, _ in changed_since(v))
        if changed:
            few = ", ".join([*changed][:3]) + ", …" * (len(changed) > 3)
            still = "The numbers are those of the forward pass; since then changed"
            lines.append(sentence(f"{still}: {few}."))
        return lines

    def _derivations(self, made: Sequence[Value]) -> Iterator[Line]:
        """Why the slopes are what they are, step by step, once for each kind of operation."""
        for v in {v.op.value: v for v in reversed(made) if v.op is not None}.values():
            op: Any = v.op
            if found := normalisation(v, self.labels):
                yield remark(f"{self.labels[v]} is a normalisation, whose slopes are derived so:")
            elif found := derivation(v, self._letters_of(v)[0]):
                name = clean(op.name, 40).replace("_", " ")  # MathJax shows \_ as it stands
                yield remark(f"The slope of {name}, derived:")
            yield from found.lines() if found else ()

    def row(self, link: Link | int, grads: Mapping[Value, float]) -> Sequence[str]:
        """A row of the table."""
        if isinstance(link, int):
            return (f"… {link:,} more", "", "", "", "", "")
        known = link.child in grads
        formula = self.formula(link)
        return (
            clean(self.labels[link.child], 21),
            clean(self.labels[link.parent], 21),
            clean(formula[0].text, 18) if formula else DASH,
            short(link.slope),
            short(grads[link.child]) if known else DASH,
            short(link.passes(grads[link.child])) if known else DASH,
        )
