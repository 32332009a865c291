"""A student's pass: what is claimed, what the claims before each give, and other equations."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from inspect import signature
from itertools import chain, combinations, islice
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.equations import Equations, evaluate, places
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


def read(claims: object, equations: Equations, given: Mapping[str, Any]) -> Claims:
    """A student's claims, a dict or a function of arrays; `given` are x and y as they were given.

    Raises TypeError for no dict of arrays, ValueError for unknown names.
    """
    deltas = [n for n in equations.all if n.startswith("delta")]
    names = {f"dZ{n[5:]}": n for n in deltas} | {n: n for n in equations.all}
    if callable(claims) and not isinstance(claims, type):
        found = _called(claims, {**equations.true, **given})
        claims = {name: a for name, a in found.items() if name in names}
    shown = instance("claims", claims, Mapping, "a dict of arrays by the names of the program")
    if not shown:
        raise ValueError("claims are empty: give some of the arrays, such as dW1")
    arrays: dict[str, Array] = {}
    for name, array in shown.items():
        if name not in names:
            near = get_close_matches(str(name), equations.all, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            choose = ", ".join(equations.all)
            raise ValueError(f"the program computes no {name!r:.40}: choose {choose}{hint}")
        a = np.array(as_array(array, f"the claim {name}"))
        variable = equations.variables[names[name]]
        is_column = not variable.batched and not variable.matrix and a.shape[1:] == (1,)
        arrays[names[name]] = a.T if is_column else a  # a bias may stand in one
    flat = np.concatenate([a.ravel() for a in arrays.values()])
    single = any(getattr(a, "dtype", None) in (np.float32, np.float16) for a in shown.values())
    single = single or bool(np.array_equal(flat, flat.astype(np.float32), equal_nan=True))
    relative = SINGLE if single else EXACT
    decimals = next((k for k in _DECIMALS if np.array_equal(flat, np.round(flat, k))), None)
    if decimals is None or largest(flat) < 20 * 10.0**-decimals:  # not even two digits
        return Claims(arrays, relative, 0.0)
    told = (f"to the {decimals} decimals of the numbers",)
    return Claims(arrays, relative, 0.51 * 10.0**-decimals, told)


def _called(backward: Callable[..., Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a function gives for the arrays that its parameters name."""
    parameters = signature(backward).parameters
    for parameter in parameters:
        if parameter not in known:
            choose = ", ".join(name for name in known if name not in (P, "B"))
            raise TypeError(f"backward is given arrays by its parameters, and {parameter} is none "
                            f"of them: choose among {choose}")  # fmt: skip
    found = backward(*[np.array(known[parameter]) for parameter in parameters])
    if not isinstance(found, Mapping):
        raise TypeError(f"backward must give a dict of its arrays, and gives {type(found).__name__}"
                        ': write return {"dW1": dW1, ...}, or return locals()')  # fmt: skip
    return found


def conventions(claims: Claims, equations: Equations) -> Iterator[Claims]:
    """The claims as they are, and with axes swapped where their owner may keep them otherwise.

    Examples may stand in columns, weights may have a row per input: then all such arrays have.
    """
    variables, true = equations.variables, equations.true
    groups = {
        "with examples in columns": [n for n in claims.arrays if variables[n].batched],
        "with a row per input in dW": [n for n in claims.arrays if variables[n].matrix],
    }
    turned = {told: {n: claims.arrays[n].T for n in group} for told, group in groups.items()}
    fitting = [
        told for told, arrays in turned.items()
        if all(a.shape == np.shape(true[n]) for n, a in arrays.items())
        and len(arrays) > ("dW" in told)  # one matrix on its side is a slip
    ]  # fmt: skip
    for some in chain.from_iterable(combinations(fitting, k) for k in range(3)):
        arrays = dict(claims.arrays)
        for told in some:
            arrays |= turned[told]
        yield claims._replace(arrays=arrays, told=(*claims.told, *some))


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
    """Claims, and every array from the claims before it.

    usable     the claims that have the shape of the program's, in that shape
    own        every array, computed from those that are claimed
    expected   what the claims before it give for each claim
    tolerances how far each may be off, given how exact the claims are
    wrong      the first claim that is not so, "" if there is none
    layer      the claims up to the end of its layer; `others` are those that are not so either
    """

    def __init__(self, equations: Equations, claims: Claims) -> None:
        self.equations, self.claims = equations, claims
        self.usable = {
            name: a.reshape(equations.true[name].shape)
            for name, a in claims.arrays.items()
            if fits(a, equations.true[name])
        }
        self.own = equations.numbers(self.usable)
        rng = np.random.default_rng(0)

        def shaken(name: str, a: Any) -> Any:
            if not isinstance(a, np.ndarray) or np.array_equal(a, np.round(a)):
                return a  # class numbers
            step = claims.relative * largest(a) + claims.absolute * (name in self.usable)
            return a + step * rng.uniform(-1, 1, a.shape)

        all_shaken = [equations.numbers(self.usable, shaken) for _ in range(2)]
        self.expected: dict[str, Array] = {}
        self.tolerances: dict[str, float] = {}
        unlike: list[str] = []
        for name, x in equations.all.items():
            if name in claims.arrays:
                numbers = self.expected[name] = evaluate(x, self.own)
                off = max(largest(evaluate(x, of) - numbers) for of in all_shaken)
                size = 5 * off + 5 * claims.relative * largest(numbers)
                self.tolerances[name] = size + claims.absolute
                if not agree(claims.arrays[name], numbers, self.tolerances[name]):
                    unlike.append(name)
        self.wrong = unlike[0] if unlike else ""
        order = [*equations.all]
        begun = order.index(self.wrong) + 1 if unlike else 0
        end = next((k for k in range(begun, len(order)) if order[k].startswith("delta")), None)
        self.layer = [name for name in order[:end] if name in claims.arrays]
        self.others = [name for name in unlike if name in self.layer]

    def furthest_off(self, name: str) -> tuple[str, float, float] | None:
        """The number of a claim that is the furthest off: its name, what it is, what is right."""
        if name not in self.usable:
            return None
        is_, should = self.usable[name], self.expected[name]
        off = np.abs(is_ - should)
        place = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        at = ", ".join(map(str, place))
        return f"{name}[{at}]", float(is_[place]), float(should[place])

    def seen(self, name: str) -> str:
        """The number of a claim that is the furthest off, or its shape."""
        if off := self.furthest_off(name):
            return f": {off[0]} is {off[1]:.6g}, not {off[2]:.6g}"
        if name not in self.claims.arrays:
            return ""
        is_, should = self.claims.arrays[name].shape, self.expected[name].shape
        return f": its shape is {is_}, not {should}"

    def hidden(self, name: str) -> list[str]:
        """The arrays backward behind a claim that are not shown, the nearest first."""
        behind = self.equations.behind(name, self.usable)
        return [n for n in behind if n in self.equations.backward]


class Trial:
    """What follows from another equation for an array, compared with the claims of the layer.

    Of a large claim only its product with one column is compared at first.
    """

    def __init__(self, student: Pass, place: str) -> None:
        self.student, self.place, self.equations = student, place, student.equations
        self.rewrites = [*rewrites(place, student.equations, student.usable)]
        needed = {m for n in student.layer for m in (n, *student.hidden(n))}
        #: What is to be computed anew, in order, the claims among it.
        self.names = [
            n for n in self.equations.all
            if n in needed and (n == place or place in student.hidden(n))
        ]  # fmt: skip
        self.behind = [n for n in self.names if n in student.claims.arrays]
        self.left = len({*student.others} - {*self.behind})
        parts = [x for x, _ in places(self.equations.all[place]) if isinstance(x, Expr)]
        self.known = {id(x): evaluate(x, student.own) for x in parts}
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
            times = Rewrite(FREE * r.x, "", "it has the factor {free}", (), FITTED, "number")
            for second in (times, *local(r.x)) if not r.free else ():
                both = second._replace(slip=r.slip, says="{0}, and {1}", parts=(r, second))
                yield both._replace(cost=r.cost + second.cost)

    def numbers(self, x: Any, free: float, *, whole: bool = False) -> Iterator[Any]:
        """The arrays that are claimed, in order, if the place has this expression."""
        found = {**self.student.own, FREE.name: free}
        for name in self.names:
            own, known = (x, self.known) if name == self.place else (self.equations.all[name], {})
            if name in self.columns and not whole:
                yield projected(own, self.columns[name], found, known)
                continue
            numbers = np.asarray(evaluate(own, found, known))
            if name not in self.student.usable:
                found[name] = numbers
            if name in self.student.claims.arrays:
                yield numbers

    def explains(self, r: Rewrite) -> float | None:
        """The free number with which a rewrite gives the claims, 0 if it has none; None if not."""
        try:
            free = self._fit(r.x) if r.free else 0.0
            if free is None or not self._agrees(r.x, free, self.claims):
                return None
            return free if not self.columns or self._agrees(r.x, free, self.whole) else None
        except (ValueError, IndexError):  # the shapes do not go together
            return None

    def _agrees(self, x: Any, free: float, claims: Mapping[str, Any]) -> bool:
        """Whether the claims follow: all their numbers, or their products with the columns."""
        student, relative = self.student, 5 * self.student.claims.relative
        numbers = self.numbers(x, free, whole=claims is self.whole)
        return all(
            agree(claims[name], a, student.tolerances[name] + relative * largest(a))
            for name, a in zip(self.behind, numbers, strict=True)
        )

    def _fit(self, x: Any) -> float | None:
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


def projected(x: Any, v: Array, found: Mapping[str, Any], known: Mapping[int, Any]) -> Any:
    """The numbers of an expression times the column v, without a large product of matrices."""
    match x:
        case Expr(op="@", args=(a, b)) if id(x) not in known:
            return evaluate(a, found, known) @ projected(b, v, found, known)
        case Expr(op="+" | "-", args=(a, b)) if id(x) not in known:
            sign = 1 if x.op == "+" else -1
            return projected(a, v, found, known) + sign * projected(b, v, found, known)
        case Expr(op="*", args=(a, b)) if id(x) not in known:
            if np.ndim(factor := evaluate(a, found, known)) == 0:
                return factor * projected(b, v, found, known)
    numbers = evaluate(x, found, known)
    return numbers @ v if np.shape(numbers)[-1:] == np.shape(v)[:1] else numbers * np.sum(v)
