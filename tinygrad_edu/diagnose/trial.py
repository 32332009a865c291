"""A trial: what follows from another equation for an array, compared with what a student claims."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import numpy as np

from tinygrad_edu.diagnose.equations import places
from tinygrad_edu.diagnose.layer_rewrites import rewrites
from tinygrad_edu.diagnose.rewrites import FITTED, FREE, Rewrite, local
from tinygrad_edu.diagnose.student import Pass, agree
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.arrays import largest

#: From so many numbers on a claim is large.
_LARGE: Final = 20_000
#: So many pairs of slips are tried.
_MOST: Final = 3_000


class Trial:
    """What follows from another equation for an array, compared with the claims of the layer.

    Of a large claim only its product with one column is compared at first.
    """

    def __init__(self, student: Pass, place: str) -> None:
        self.student, self.place, self.equations = student, place, student.equations
        self.rewrites = [*rewrites(place, student.equations, student.usable)]
        self.behind = [n for n in student.layer if n == place or place in student.hidden(n)]
        self.paths = {n: self.between(n) for n in self.behind}
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

    def between(self, name: str) -> list[str]:
        """What is to be computed anew for a claim, in order."""
        hidden = [n for n in self.student.hidden(name) if self.place in self.student.hidden(n)]
        return hidden[::-1]

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
