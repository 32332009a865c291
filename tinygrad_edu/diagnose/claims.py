"""A student's arrays: under the names of the program, in its orientation, and how exact."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.equations import Equations
from tinygrad_edu.vectorize.arrays import Array, as_array

#: How exact numbers are, relative to the largest of their array.
EXACT, SINGLE = 1e-12, 1e-6
#: With so many decimals numbers that people wrote down are told from exact ones.
_DECIMALS: Final = range(3, 9)


class Claims(NamedTuple):
    """The arrays by name; `relative` and `absolute` say how exact they are; `told` is said of them.

    Those of another shape than the program's count, but nothing can be computed with them.
    """

    arrays: dict[str, Array]
    relative: float
    absolute: float
    told: str = ""

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
    if decimals is None:
        return Claims(arrays, SINGLE if single else EXACT, 0.0)
    told = f", to the {decimals} decimals of the numbers"
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
        "examples in columns": [n for n in claims.arrays if equations.variables[n].batched],
        "weights with a row per input": [n for n in claims.arrays if equations.variables[n].matrix],
    }
    swapped: dict[str, Array] = {}
    said: list[str] = []
    for said_of, group in groups.items():
        least = 1 if said_of.startswith("examples") else 2
        turned = {n: claims.arrays[n].T for n in group}
        fit = [np.shape(a) == np.shape(equations.true[n]) for n, a in turned.items()]
        if len(group) >= least and all(fit):
            told = f"{claims.told}; it has {said_of}"
            yield claims._replace(arrays={**claims.arrays, **turned}, told=told)
            swapped |= turned
            said.append(said_of)
    if len(said) > 1:
        told = f"{claims.told}; it has {' and '.join(said)}"
        yield claims._replace(arrays={**claims.arrays, **swapped}, told=told)


def agree(claim: Any, numbers: Any, tolerance: float) -> bool:
    """The same numbers; axes of length 1 may be written or left out."""
    a, b = np.squeeze(claim), np.squeeze(numbers)
    return a.shape == b.shape and bool(np.isclose(a, b, 0.0, tolerance, equal_nan=True).all())
