"""Checking of options where the user enters them: one clear error each."""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any


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


def _shown(x: object) -> str:
    return f"{type(x).__name__} {x!r:.40}" if x is not None else "None"
