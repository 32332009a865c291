"""Checks where the user enters: one function for each kind of argument, one clear error each.

A check takes what the argument is called and its value, gives the value back in its one type, and
raises TypeError or ValueError with what was wrong, the value, and what was expected. With bounds it
is declared as `partial(real, least=0, below=1)`, for an option in the body of a class
`momentum: float = option(0.0, partial(real, least=0, below=1))`; one constructor reads them all.
"""

import random
import sys
from collections.abc import Callable, Iterable, Mapping, Set
from math import inf, isfinite
from numbers import Integral, Real
from operator import ge, gt, le, lt
from os import PathLike
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks.habits import nearest

#: Takes what an argument is called and its value, and gives the value.
Check = Callable[[str, Any], Any]

_SIGNS: Final = ((">", gt), (">=", ge), ("<", lt), ("<=", le))
#: What has no order of its own, or is text: no list of numbers.
UNORDERED: Final = (str, bytes, bytearray, memoryview, Mapping, Set)


def number(x: object, what: str = "Value") -> float:
    """`x` as a float, if it is one real number: int, float, bool, Fraction or a NumPy scalar.

    Raises TypeError for anything else, naming `what` was to take it; OverflowError beyond 1.8e308.
    """
    if type(x) is float:
        return x
    if is_real(x):
        try:
            return float(x)  # type: ignore[arg-type]
        except OverflowError:
            raise OverflowError(
                f"{what} takes a float, at most 1.8e308, and this {type(x).__name__} is larger"
            ) from None
    text = repr(x) if isinstance(x, (str, bytes)) else ""
    kind = f"{type(x).__name__} {text[:40]}".strip()
    raise TypeError(f"{what} takes one real number, got {kind}: {_remedy(x, what)}")


def finite(what: str, x: object) -> float:
    """`x` as a finite float, of any type that `number` takes: an entry of a data set."""
    value = number(x, what)
    if not isfinite(value):
        raise ValueError(f"{what} must be a finite number, got {value!r}")
    return value


def is_real(x: object) -> bool:
    """Whether `x` is a real number that a float can stand for (NumPy's bool included)."""
    if type(x) is float or type(x) is int:  # a tenth of what the rest costs
        return True
    if isinstance(x, Real):
        return type(x).__name__ != "timedelta64"  # which NumPy counts among the integers
    return is_flag(x)


def _is_int(x: object) -> bool:
    return isinstance(x, Integral) and not isinstance(x, bool) and is_real(x)


def whole(what: str, n: Any, least: int = 1, most: int | None = None) -> int:
    """`n` as an int from `least` to `most`; a bool is none."""
    expected = f"of at least {least}" if most is None else f"from {least} to {most}"
    if not _is_int(n):
        raise TypeError(f"{what} must be an int {expected}, got {_described(n)}")
    value = int(n)
    if value < least or (most is not None and value > most):
        raise ValueError(f"{what} must be an int {expected}, got {value}")
    return value


def real(
    what: str,
    x: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> float:
    """`x` as a finite float within the bounds; a bool is none."""
    limits = [
        (sign, holds, bound)
        for (sign, holds), bound in zip(_SIGNS, (above, least, below, most), strict=True)
        if bound is not None
    ]
    bounds = " and ".join(f"{sign} {bound:g}" for sign, _, bound in limits)
    expected = f"a finite number {bounds}".strip()
    if isinstance(x, bool) or not isinstance(x, Real) or not is_real(x):
        raise TypeError(f"{what} must be {expected}, got {_described(x)}")
    try:
        value = float(x)
    except OverflowError:
        value = inf
    if not isfinite(value) or not all(holds(value, bound) for _, holds, bound in limits):
        raise ValueError(f"{what} must be {expected}, got {value!r}")
    return value


def one_of(what: str, name: object, table: Iterable[str]) -> str:
    """`name`, if `table` has it. The error knows the nearest name."""
    names = list(table)
    if not isinstance(name, str):
        raise TypeError(
            f"{what} is a name or a function, got {type(name).__name__}: choose {', '.join(names)}"
        )
    if name not in names:
        raise ValueError(f"unknown {what} {name!r:.40}: choose {_among(names, name)}")
    return name


def is_flag(x: object) -> bool:
    """Whether `x` is True or False, also as NumPy has them."""
    numpy = sys.modules.get("numpy")
    return isinstance(x, bool) or (numpy is not None and isinstance(x, numpy.bool_))


def flag(what: str, x: object) -> bool:
    """`x` as a bool, if it is True or False: the text "False" would be true."""
    if not is_flag(x):
        raise TypeError(f"{what} must be True or False, got {_described(x)}")
    return bool(x)


def instance(what: str, x: Any, kind: Any, expected: str, remedy: str = "") -> Any:
    """`x`, if it is of a class, which `expected` says in words."""
    if not isinstance(x, kind):
        raise TypeError(
            f"{what} must be {expected}, got {type(x).__name__}{remedy and f': {remedy}'}"
        )
    return x


def function(what: str, x: Any, of: str, remedy: str = "") -> Any:
    """`x`, if it can be called, and is no class: an object of it was meant."""
    if isinstance(x, type):
        raise TypeError(f"{what} is the class {x.__name__}: make one of it, {x.__name__}(...)")
    if not callable(x):
        kind = type(x).__name__
        raise TypeError(f"{what} is a function of {of}, got {kind}{remedy and f': {remedy}'}")
    return x


def as_model(x: Any) -> Any:
    """`x`, if it is a function of a row, as models are."""
    remedy = "write Sequential(*layers)" if isinstance(x, (list, tuple)) else ""
    if isinstance(x, (str, PathLike)):
        remedy = "write load(path) for a model in a file"
    return function("model", x, "a row, such as MLP(2, [8, 1])", remedy)


def text_of(what: str, x: Any) -> str:
    """`x`, if it is a text."""
    return str(instance(what, x, str, "a text"))


def is_listed(x: object) -> bool:
    """Whether `x` gives its items one after the other in an order: no text, mapping or set."""
    if type(x) in (list, tuple):  # a tenth of the time of what follows
        return True
    if not isinstance(x, Iterable) or isinstance(x, UNORDERED):
        return False
    numpy = sys.modules.get("numpy")
    return numpy is None or not isinstance(x, numpy.ndarray) or x.ndim > 0


def listed(
    what: str, x: Any, of: str = "numbers", kind: Any = object, remedy: str = ""
) -> list[Any]:
    """The items of `x` as a list, if it has them in an order, all of one class."""
    got = type(x).__name__
    if is_listed(x):
        items = list(x)
        if kind is object or all(isinstance(item, kind) for item in items):
            return items  # at once: each unit of a net asks for its rows
        got = f"one with {_described(next(item for item in items if not isinstance(item, kind)))}"
    raise TypeError(f"{what} must be a list of {of}, got {got}" + (remedy and f": {remedy}"))


def row(what: str, x: Any, n: int | None = None) -> list[float]:
    """`x` as a list of finite floats, `n` of them if given."""
    of = "numbers" if n is None else f"{n} numbers"
    numbers = [finite(f"{what}[{i}]", item) for i, item in enumerate(listed(what, x, of))]
    if n is not None and len(numbers) != n:
        raise ValueError(f"{what} has {len(numbers)} numbers, expected {n}")
    return numbers


def row_in(n: int, check: Check) -> Check:
    """The check of a row of `n` entries, each taken by `check`; gives a tuple."""

    def entries(what: str, x: Any) -> tuple[Any, ...]:
        items = listed(what, x, f"{n} numbers")
        if len(items) != n:
            raise TypeError(f"{what} must be a list of {n} numbers, got {len(items)}")
        return tuple(check(f"{what}[{i}]", item) for i, item in enumerate(items))

    return entries


class Option(NamedTuple):
    """An option as it is declared in a class: its default, and the check of what is given."""

    default: Any
    check: Check


def option(default: Any, check: Check) -> Any:
    """Declare an option in the body of a class, `flat: bool = option(False, flag)`."""
    return Option(default, check)


def declared(owner: type) -> dict[str, Option]:
    """The options of a class and its bases; a plain value in a subclass is another default."""
    known: dict[str, Option] = {}
    for base in reversed(owner.__mro__):
        for name, x in vars(base).items():
            if isinstance(x, Option):
                known[name] = x
            elif name in known:
                known[name] = known[name]._replace(default=x)
    return known


def options(owner: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Each declared option, checked: what is in `values`, else the default.

    Raises TypeError for a name that `owner` does not declare.
    """
    known = declared(owner)
    for name in values:
        if name not in known:
            from inspect import signature  # late: it takes long to import

            taken = _among(known, name, signature(owner).parameters)
            raise TypeError(f"{owner.__name__} has no option {name!r:.40}: it takes {taken}")
    return {name: x.check(name, values.get(name, x.default)) for name, x in known.items()}


class OptionsSignature:
    """As `__signature__` of a class, what help and completion show: its options by name.

    An argument x of the constructor has the default `default_x` of the class.
    """

    def __get__(self, instance: object, owner: Any) -> Any:
        from inspect import Parameter, signature  # late: it takes long to import

        plain = signature(owner.__init__)
        arguments = list(plain.parameters.values())[1:]
        if not any(a.kind is Parameter.VAR_KEYWORD for a in arguments):
            return None  # a constructor of its own says what it takes
        first = [
            a.replace(default=getattr(owner, f"default_{a.name}", a.default))
            for a in arguments
            if a.kind is Parameter.POSITIONAL_OR_KEYWORD
        ]
        known, kind = declared(owner), Parameter.KEYWORD_ONLY
        named = [Parameter(name, kind, default=x.default) for name, x in known.items()]
        return plain.replace(parameters=[*first, *named])


def as_random(rng: int | random.Random) -> random.Random:
    """Return `rng` itself, or a new `random.Random` seeded with it.

    A `Random` is used and advanced; an int gives the same numbers at every call. Anything else
    (None, a bool, a NumPy generator) is a TypeError, a negative seed a ValueError:
    `random.Random(-1)` would repeat `random.Random(1)`.
    """
    if isinstance(rng, random.Random):
        return rng
    if not _is_int(rng):
        raise TypeError(
            f"rng must be an int seed or a random.Random, got {type(rng).__name__}; write rng=0"
        )
    if rng < 0:
        raise ValueError(f"rng must be a seed of at least 0, got {rng}; write rng={-rng}")
    return random.Random(int(rng))


def _among(names: Iterable[str], name: str, meant: Iterable[str] = ()) -> str:
    near = nearest(name, [*names, *meant])
    return ", ".join(names) + (f"; did you mean {near!r}?" if near else "")


def _described(x: object) -> str:
    return f"{type(x).__name__} {x!r:.40}" if x is not None else "None"


def _remedy(x: object, what: str) -> str:
    kind = type(x).__name__
    if any(base.__name__ == "Value" for base in type(x).__mro__):
        return "use the Value as it is, or its number v.data"
    if isinstance(x, (str, bytes, bytearray)):
        return "write float(...) around a text that is a number"
    if isinstance(x, complex) or kind.startswith("complex"):
        return "complex numbers have no place in a real gradient; write z.real or z.imag"
    if kind == "Decimal":
        return "write float(d), which rounds it to 53 bits"
    if kind in ("ndarray", "Tensor"):
        return "write x.item() for an array of one number, or make one Value per element"
    if isinstance(x, (list, tuple)) and what.endswith("]"):  # of an entry of a row
        return "X is a list of rows, and each row a list of numbers, without targets"
    if isinstance(x, (list, tuple, set, dict)):
        return "make one Value per number, as in [Value(x) for x in xs]"
    return "write a number such as 1.0"
