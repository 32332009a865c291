"""Checks where the user enters: one number, one name of a table, one seed; one clear error each."""

import random
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any


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
        except TypeError:
            pass  # NumPy counts its timedelta64 among the integers
    shown = repr(x) if isinstance(x, (str, bytes)) else ""
    kind = f"{type(x).__name__} {shown[:40]}".strip()
    raise TypeError(f"{what} takes one real number, got {kind}: {_remedy(x)}")


def is_real(x: object) -> bool:
    """Whether `x` is a real number that a float can stand for (NumPy's bool included)."""
    if isinstance(x, Real):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.bool_)


def _remedy(x: object) -> str:
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
    if isinstance(x, (list, tuple, set, dict)):
        return "make one Value per number, as in [Value(x) for x in xs]"
    return "write a number such as 1.0"


def choose(what: str, name: object, table: Iterable[str]) -> str:
    """`name` if `table` has it. Raises ValueError with the nearest name, TypeError for no text."""
    names = list(table)
    if not isinstance(name, str):
        raise TypeError(
            f"{what} is a name or a function, got {type(name).__name__}: choose {', '.join(names)}"
        )
    if name not in names:
        near = get_close_matches(name[:40].lower(), names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown {what} {name!r:.40}: choose {', '.join(names)}{hint}")
    return name


def positive_int(what: str, n: Any, least: int = 1) -> int:
    """`n` as an int of at least `least`. Raises TypeError or ValueError naming `what`."""
    if isinstance(n, bool) or not isinstance(n, Integral):
        raise TypeError(f"{what} must be an int of at least {least}, got {_shown(n)}")
    if n < least:
        raise ValueError(f"{what} must be an int of at least {least}, got {n}")
    return int(n)


def real(
    what: str,
    x: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
) -> float:
    """`x` as a finite float within the bounds. Raises TypeError or ValueError naming `what`."""
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", least), ("<", below))
        if bound is not None
    ]
    expected = " ".join(["a finite number", " and ".join(bounds)]).strip()
    if isinstance(x, bool) or not isinstance(x, Real):
        raise TypeError(f"{what} must be {expected}, got {_shown(x)}")
    try:
        value = float(x)
    except OverflowError:
        value = float("inf")
    inside = (
        value - value == 0
        and (above is None or value > above)
        and (least is None or value >= least)
        and (below is None or value < below)
    )
    if not inside:
        raise ValueError(f"{what} must be {expected}, got {value!r}")
    return value


def as_random(rng: int | random.Random) -> random.Random:
    """Return `rng` itself, or a new `random.Random` seeded with it.

    A `Random` is used and advanced; an int gives the same numbers at every call. Anything else
    (None, a bool, a NumPy generator) is a TypeError, a negative seed a ValueError:
    `random.Random(-1)` would repeat `random.Random(1)`.
    """
    if isinstance(rng, random.Random):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, Integral):
        raise TypeError(
            f"rng must be an int seed or a random.Random, got {type(rng).__name__}; write rng=0"
        )
    if rng < 0:
        raise ValueError(f"rng must be a seed of at least 0, got {rng}; write rng={-rng}")
    return random.Random(int(rng))


def _shown(x: object) -> str:
    return f"{type(x).__name__} {x!r:.40}" if x is not None else "None"
