"""A student's pass: the arrays that are claimed, and what the claims before each of them give."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.equations import Equations
from tinygrad_edu.vectorize.arrays import Array, as_array, largest

#: How exact numbers are, relative to the largest of their array.
EXACT, SINGLE = 1e-12, 1e-6
#: With so many decimals numbers that people wrote down are told from exact ones.
_DECIMALS: Final = range(2, 9)


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
            if np.squeeze(a).shape == np.squeeze(true[name]).shape
        }


def read(claims: object, equations: Equations) -> Claims:
    """A student's claims. Raises TypeError for no dict of arrays, ValueError for unknown names."""
    given = instance("claims", claims, Mapping, "a dict of arrays by the names of the program")
    if not given:
        raise ValueError("claims are empty: give some of the arrays, such as dW1")
    arrays: dict[str, Array] = {}
    single = False
    for name, array in given.items():
        known = _known(name, equations)
        single = single or getattr(array, "dtype", None) in (np.float32, np.float16)
        arrays[known] = np.array(as_array(array, f"the claim {name}"))
    flat = np.concatenate([a.ravel() for a in arrays.values()])
    single = single or bool(np.array_equal(flat, flat.astype(np.float32), equal_nan=True))
    decimals = next((k for k in _DECIMALS if np.array_equal(flat, np.round(flat, k))), None)
    if decimals is None or largest(flat) < 20 * 10.0**-decimals:  # not even two digits
        return Claims(arrays, SINGLE if single else EXACT, 0.0)
    told = (f"to the {decimals} decimals of the numbers",)
    return Claims(arrays, SINGLE if single else EXACT, 0.51 * 10.0**-decimals, told)


def _known(name: object, equations: Equations) -> str:
    """The name that the program has for an array; delta2 is also called dZ2."""
    if isinstance(name, str):
        for known in (name, f"delta{name[2:]}"):
            if known in equations.all and (known == name or name.startswith("dZ")):
                return known
    near = get_close_matches(str(name), equations.all, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    choose = ", ".join(equations.all)
    raise ValueError(f"the program computes no {name!r:.40}: choose {choose}{hint}")


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


def agree(claim: Any, numbers: Any, tolerance: float) -> bool:
    """The same numbers; axes of length 1 may be written or left out."""
    a, b = np.squeeze(claim), np.squeeze(numbers)
    if a.shape != b.shape:
        return False
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

    def seen(self, name: str) -> str:
        """The number of a claim that is the furthest off, or its shape."""
        claim, numbers = self.claims.arrays.get(name), self.own_value(name)
        if claim is None:
            return ""
        if name not in self.usable:
            return f": its shape is {claim.shape}, not {numbers.shape}"
        off = np.abs(self.usable[name] - numbers)
        place = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        at = ", ".join(map(str, place))
        return f": {name}[{at}] is {self.usable[name][place]:.6g}, not {numbers[place]:.6g}"

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
