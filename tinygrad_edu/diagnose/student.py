"""A student's pass: what the arrays before each claim give, and trials of other equations."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, Final

import numpy as np

from tinygrad_edu.diagnose.claims import Claims, agree, fits
from tinygrad_edu.diagnose.equations import Equations, places
from tinygrad_edu.diagnose.layer_rewrites import rewrites
from tinygrad_edu.diagnose.rewrites import FITTED, FREE, Rewrite, local
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.arrays import largest

#: From so many numbers on a claim is large.
_LARGE: Final = 20_000
#: So many pairs of slips are tried.
_MOST: Final = 3_000


class Pass:
    """Claims, and every array from the claims before it; `wrong` is the first that is not so."""

    def __init__(self, equations: Equations, claims: Claims) -> None:
        self.equations, self.claims = equations, claims
        #: The claims that have the shape of the program's, in that shape.
        self.usable = {
            name: a.reshape(equations.true[name].shape)
            for name, a in claims.arrays.items()
            if fits(a, equations.true[name])
        }
        self.own = equations.numbers(self.usable)
        self._tolerances: dict[str, float] = {}
        rng = np.random.default_rng(0)

        def shaken(name: str, a: Any) -> Any:
            if not isinstance(a, np.ndarray) or np.array_equal(a, np.round(a)):
                return a  # class numbers
            step = claims.relative * largest(a) + claims.absolute * (name in self.usable)
            return a + step * rng.uniform(-1, 1, a.shape)

        self.shaken = [equations.numbers(self.usable, shaken) for _ in range(2)]
        order = [name for name in equations.order if name in claims.arrays]
        self.wrong = next((name for name in order if not self.is_explained(name)), "")

    def is_explained(self, name: str) -> bool:
        """Whether a claim is what the claims before it give."""
        return agree(self.claims.arrays[name], self.own_value(name), self.tolerance(name))

    def tolerance(self, name: str) -> float:
        """How far a claim may be off, given how exact the claims are."""
        if name not in self._tolerances:
            self._tolerances[name] = self._tolerance(name)
        return self._tolerances[name]

    def _tolerance(self, name: str) -> float:
        x, numbers = self.equations.all[name], self.own_value(name)
        off = max(largest(self.equations.value(x, shaken) - numbers) for shaken in self.shaken)
        return 5 * off + 5 * self.claims.relative * largest(numbers) + self.claims.absolute

    def furthest_off(self, name: str) -> tuple[str, float, float] | None:
        """The number of a claim that is the furthest off: its name, what it is, what is right."""
        if name not in self.usable:
            return None
        numbers = self.own_value(name)
        off = np.abs(self.usable[name] - numbers)
        place = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        at = ", ".join(map(str, place))
        return f"{name}[{at}]", float(self.usable[name][place]), float(numbers[place])

    def seen(self, name: str) -> str:
        """The number of a claim that is the furthest off, or its shape."""
        if off := self.furthest_off(name):
            return f": {off[0]} is {off[1]:.6g}, not {off[2]:.6g}"
        if name not in self.claims.arrays:
            return ""
        is_, should = self.claims.arrays[name].shape, self.own_value(name).shape
        return f": its shape is {is_}, not {should}"

    def own_value(self, name: str) -> Any:
        """What the claims before it give for an array."""
        return self.equations.value(self.equations.all[name], self.own)

    def hidden(self, name: str) -> list[str]:
        """The arrays backward behind a claim that are not shown, the nearest first."""
        behind = self.equations.behind(name, self.usable)
        return [n for n in behind if n in self.equations.backward]

    @cached_property
    def layer(self) -> list[str]:
        """The claims up to the end of the layer of the first wrong one."""
        order = self.equations.order
        start = order.index(self.wrong) + 1
        deltas = [k for k, name in enumerate(order) if k >= start and name.startswith("delta")]
        return [n for n in order[: deltas[0] if deltas else None] if n in self.claims.arrays]


class Trial:
    """What follows from another equation for an array, compared with the claims of the layer.

    Of a large claim only its product with one column is compared at first.
    """

    def __init__(self, student: Pass, place: str) -> None:
        self.student, self.place, self.equations = student, place, student.equations
        self.rewrites = [*rewrites(place, student.equations, student.usable)]
        self.behind = [n for n in student.layer if n == place or place in student.hidden(n)]
        #: What is to be computed anew for each claim, in order.
        self.paths = {
            n: [h for h in reversed(student.hidden(n)) if place in student.hidden(h)]
            for n in self.behind
        }
        self.left = sum(not student.is_explained(n) for n in student.layer if n not in self.behind)
        parts = [x for x, _ in places(self.equations.all[place]) if isinstance(x, Expr)]
        self.known = {id(x): self.equations.value(x, student.own) for x in parts}
        self.whole = {n: student.claims.arrays[n] for n in self.behind}
        self.count = sum(a.size for a in self.whole.values())
        rng = np.random.default_rng(0)
        self.columns = {
            n: rng.uniform(0, 1, (a.shape[1], 1)) / a.shape[1]
            for n, a in self.whole.items()
            if a.size > _LARGE and n in student.usable and a.ndim == 2
        }
        self.claims = {
            n: a @ self.columns[n] if n in self.columns else a for n, a in self.whole.items()
        }

    def pairs(self) -> Iterator[Rewrite]:
        """Two slips in one equation, so many that it does not take long."""
        if self.count < 2 or self.student.claims.absolute:
            return iter(())  # they would fit by accident
        places = 1 + len(self.student.hidden(self.student.wrong))
        size = 1 + np.size(self.student.own[self.place]) // 500
        return islice(self._pairs(), _MOST // places // size)

    def _pairs(self) -> Iterator[Rewrite]:
        for r in self.rewrites:
            if not r.free:
                times = "it has the factor {free}"
                factor = Rewrite(FREE * r.x, "constant factor", times, (), FITTED, "number")
                for second in (factor, *local(r.x)):
                    both = second._replace(slip=r.slip, says="{0}, and {1}", parts=(r, second))
                    yield both._replace(cost=r.cost + second.cost)

    def numbers(self, x: Any, free: float, *, whole: bool = False) -> Iterator[Any]:
        """The arrays that are claimed, in order, if the place has this expression."""
        found = {**self.student.own, FREE.name: free}
        alone = self.behind == [self.place] and not whole
        if not alone:
            found[self.place] = self.equations.value(x, found, self.known)
        for name in self.behind:
            for between in self.paths[name]:
                found[between] = self.equations.value(self.equations.all[between], found)
            own, known = (x, self.known) if name == self.place else (self.equations.all[name], {})
            if name in self.columns and not whole:
                yield self.equations.projected(own, self.columns[name], found, known)
            else:
                yield np.asarray(self.equations.value(own, found, known))

    def explains(self, r: Rewrite) -> float | None:
        """The free number with which a rewrite gives the claims, 0 if it has none; None if not."""
        try:
            free = self.fit(r.x) if r.free else 0.0
            if free is None or not self.agrees(r.x, free, self.claims):
                return None
            return free if self.agrees(r.x, free, self.whole) else None
        except (ValueError, IndexError):  # the shapes do not go together
            return None

    def agrees(self, x: Any, free: float, claims: Mapping[str, Any]) -> bool:
        """Whether the claims follow: all their numbers, or their products with the columns."""
        if claims is self.whole and not self.columns:
            return True
        relative = 5 * self.student.claims.relative
        numbers = self.numbers(x, free, whole=claims is self.whole)
        return all(
            agree(claims[name], a, self.student.tolerance(name) + relative * largest(a))
            for name, a in zip(self.behind, numbers, strict=True)
        )

    def fit(self, x: Any) -> float | None:
        """The free number for which the claims come out nearest; they depend on it linearly."""
        claims = [np.squeeze(self.claims[n]) for n in self.behind]
        at_0, at_1 = ([np.squeeze(a) for a in self.numbers(x, t)] for t in (0.0, 1.0))
        if [a.shape for a in at_1] != [a.shape for a in claims]:
            return None
        base, one, claim = (
            np.concatenate([a.ravel() for a in arrays]) for arrays in (at_0, at_1, claims)
        )
        size = float((one - base) @ (one - base))
        free = float((one - base) @ (claim - base)) / size if size else np.nan
        return free if np.isfinite(free) else None
