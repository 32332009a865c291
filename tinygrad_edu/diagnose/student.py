"""A student's pass: the arrays that are claimed, what those before them give, and trials.

A trial is what follows from another equation for an array, beside what is claimed.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from inspect import signature
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.equations import Equations, places
from tinygrad_edu.diagnose.layer_rewrites import rewrites
from tinygrad_edu.diagnose.rewrites import FITTED, FREE, Rewrite, local
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.arrays import Array, as_array, largest
from tinygrad_edu.vectorize.layout import P

#: How exact numbers are, relative to the largest of their array.
EXACT, SINGLE = 1e-12, 1e-6
#: With so many decimals numbers that people wrote down are told from exact ones.
_DECIMALS: Final = range(2, 9)
#: From so many numbers on a claim is large.
_LARGE: Final = 20_000
#: So many pairs of slips are tried.
_MOST: Final = 3_000


class Claims(NamedTuple):
    """The arrays by name, how exact they are, relatively and absolutely, and what is told of them.

    Those of another shape than the program's count, but nothing can be computed with them.
    """

    arrays: dict[str, Array]
    relative: float
    absolute: float
    told: tuple[str, ...] = ()

    def usable(self, equations: Equations) -> dict[str, Array]:
        """Those that have the shape of the program's, in that shape."""
        true = equations.true
        return {
            name: a.reshape(true[name].shape)
            for name, a in self.arrays.items()
            if fits(a, true[name])
        }


def read(claims: object, equations: Equations) -> Claims:
    """A student's claims. Raises TypeError for no dict of arrays, ValueError for unknown names."""
    if callable(claims):
        claims = _called(claims, equations)
    given = instance("claims", claims, Mapping, "a dict of arrays by the names of the program")
    if not given:
        raise ValueError("claims are empty: give some of the arrays, such as dW1")
    arrays: dict[str, Array] = {}
    single = False
    for name, array in given.items():
        known = _known(name, equations)
        single = single or getattr(array, "dtype", None) in (np.float32, np.float16)
        a = np.array(as_array(array, f"the claim {name}"))
        variable = equations.variables[known]
        is_column = not variable.batched and not variable.matrix and a.shape[1:] == (1,)
        arrays[known] = a.T if is_column else a  # a bias may stand in one
    flat = np.concatenate([a.ravel() for a in arrays.values()])
    single = single or bool(np.array_equal(flat, flat.astype(np.float32), equal_nan=True))
    decimals = next((k for k in _DECIMALS if np.array_equal(flat, np.round(flat, k))), None)
    if decimals is None or largest(flat) < 20 * 10.0**-decimals:  # not even two digits
        return Claims(arrays, SINGLE if single else EXACT, 0.0)
    told = (f"to the {decimals} decimals of the numbers",)
    return Claims(arrays, SINGLE if single else EXACT, 0.51 * 10.0**-decimals, told)


def _called(backward: Callable[..., Any], equations: Equations) -> Any:
    """What a function gives for the arrays that its parameters name: those the program computes."""
    names = {parameter: _capital(parameter) for parameter in signature(backward).parameters}
    for parameter, name in names.items():
        if name not in equations.true:
            choose = ", ".join(n for n in equations.true if n not in (P, "B"))
            raise TypeError(f"backward is given arrays by its parameters, and {parameter} is none "
                            f"of them: choose among {choose}")  # fmt: skip
    found = backward(*[np.array(equations.true[name]) for name in names.values()])
    if not isinstance(found, Mapping):
        raise TypeError(f"backward must give a dict of its arrays, and gives {type(found).__name__}"
                        ': write return {"dW1": dW1, ...}, or return locals()')  # fmt: skip
    return {name: a for name, a in found.items() if _name_in(equations, name)}


def _capital(name: str) -> str:
    """X and Y, of which students write y."""
    return name.upper() if name in ("x", "y") else name


def _known(name: object, equations: Equations) -> str:
    """The name that the program has for an array; delta2 is also called dZ2."""
    if known := _name_in(equations, name):
        return known
    near = get_close_matches(str(name), equations.all, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    choose = ", ".join(equations.all)
    raise ValueError(f"the program computes no {name!r:.40}: choose {choose}{hint}")


def _name_in(equations: Equations, name: object) -> str:
    text = str(name)
    again = f"delta{text[2:]}" if text.startswith("dZ") else text
    return next((known for known in (text, again) if known in equations.all), "")


def conventions(claims: Claims, equations: Equations) -> Iterator[Claims]:
    """The claims as they are, and with axes swapped where their owner may keep them otherwise.

    Examples may stand in columns, weights may have a row per input: then all such arrays have.
    """
    yield claims
    groups = {
        "with examples in columns": [n for n in claims.arrays if equations.variables[n].batched],
        "with a row per input in dW": [n for n in claims.arrays if equations.variables[n].matrix],
    }
    both = claims
    for told, group in groups.items():
        turned = {n: claims.arrays[n].T for n in group}
        fit = [np.shape(a) == np.shape(equations.true[n]) for n, a in turned.items()]
        if all(fit) and len(group) > ("dW" in told):  # one matrix on its side is a slip
            arrays = {**claims.arrays, **turned}
            yield claims._replace(arrays=arrays, told=(*claims.told, told))
            both = both._replace(arrays={**both.arrays, **turned}, told=(*both.told, told))
    if len(both.told) > len(claims.told) + 1:
        yield both


def fits(claim: Any, numbers: Any) -> bool:
    """Whether an array has a shape but for axes of length 1, and does not lie on its side."""
    is_, should = np.shape(claim), np.shape(numbers)
    on_its_side = is_ != should and is_ == should[::-1] and len(is_) == 2
    return not on_its_side and np.squeeze(claim).shape == np.squeeze(numbers).shape


def agree(claim: Any, numbers: Any, tolerance: float) -> bool:
    """The same numbers; axes of length 1 may be written or left out."""
    if not fits(claim, numbers):
        return False
    a, b = np.squeeze(claim), np.squeeze(numbers)
    near = np.abs(a - b) <= tolerance
    return bool(near.all() or (near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


class Pass:
    """Claims, and every array from the claims before it; `wrong` is the first that is not so."""

    def __init__(self, equations: Equations, claims: Claims) -> None:
        self.equations, self.claims = equations, claims
        self.usable = claims.usable(equations)
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
