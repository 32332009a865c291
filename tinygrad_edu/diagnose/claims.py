"""Claims: a student's arrays, how exact they are, and how their axes lie."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.equations import Equations
from tinygrad_edu.vectorize.arrays import Array, as_array, largest
from tinygrad_edu.vectorize.layout import P

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


def read(claims: object, equations: Equations, given: Mapping[str, Any]) -> Claims:
    """A student's claims, a dict or a function of arrays; `given` are x and y as they were given.

    Raises TypeError for no dict of arrays, ValueError for unknown names.
    """
    if callable(claims) and not isinstance(claims, type):
        claims = _called(claims, {**equations.true, **given}, equations)
    shown = instance("claims", claims, Mapping, "a dict of arrays by the names of the program")
    if not shown:
        raise ValueError("claims are empty: give some of the arrays, such as dW1")
    arrays: dict[str, Array] = {}
    single = False
    for name, array in shown.items():
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


def _called(backward: Callable[..., Any], known: Mapping[str, Any], equations: Equations) -> Any:
    """What a function gives for the arrays that its parameters name: those the program computes."""
    try:
        parameters = signature(backward).parameters
    except ValueError:  # of some that are built in
        raise TypeError("claims are a dict of arrays, or a function of your own") from None
    for parameter in parameters:
        if parameter not in known:
            choose = ", ".join(name for name in known if name not in (P, "B"))
            raise TypeError(f"backward is given arrays by its parameters, and {parameter} is none "
                            f"of them: choose among {choose}")  # fmt: skip
    found = backward(*[np.array(known[parameter]) for parameter in parameters])
    if not isinstance(found, Mapping):
        raise TypeError(f"backward must give a dict of its arrays, and gives {type(found).__name__}"
                        ': write return {"dW1": dW1, ...}, or return locals()')  # fmt: skip
    return {name: a for name, a in found.items() if _name_in(equations, name)}


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
