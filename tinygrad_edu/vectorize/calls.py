"""Calls of NumPy that compute one array from others, and the memory they share.

A `Cell` is a number or an array at run time, a `Call` computes one. `link` gives out memory: an
array is used again after its last reader. `assembled` makes one function of all the calls.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Cell:
    """A number or an array: given, the result of a call, or a view (`look`) of another cell.

    `number` is the number of one that never changes.

    `array` is known at once where it is given, else when memory is given out; `fixed` memory is
    never used for anything else.
    """

    __slots__ = ("array", "base", "contiguous", "dtype", "fixed", "look", "number", "shape")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any = float,
        *,
        base: "Cell | None" = None,
        look: Callable[[Any], Any] | None = None,
        contiguous: bool = True,
    ) -> None:
        self.shape, self.dtype, self.base, self.look = shape, dtype, base, look
        self.contiguous = contiguous
        self.array: Any = None
        self.fixed = False
        self.number: float | None = None

    @property
    def owner(self) -> "Cell":
        """The cell whose memory this one looks into."""
        return self if self.base is None else self.base.owner

    def place(self, array: Any) -> "Cell":
        """The cell, with memory of its own that stays."""
        self.array, self.fixed = array, True
        return self

    def resolved(self) -> Any:
        """The array itself, once memory is given out."""
        if self.array is None and self.base is not None and self.look is not None:
            self.array = self.look(self.base.resolved())
        return self.array


def given(array: Any) -> Cell:
    """A cell for a number or an array that exists."""
    found = np.asarray(array, dtype=float)
    cell = Cell(found.shape, contiguous=found.flags.c_contiguous).place(found)
    if isinstance(array, float):
        cell.number = array
    return cell


class Call(NamedTuple):
    """A cell computed from others; `write(out, *arrays)` gives the calls of NumPy that do it.

    Each is (function, arguments) or (function, arguments, keywords). `out` may take over the memory
    of the first `reusable` arguments where these are not needed any more.
    """

    arguments: tuple[Cell, ...]
    out: Cell
    write: Callable[..., list[tuple[Any, ...]]]
    reusable: int = 0


def link(calls: Sequence[Call], results: Sequence[Cell]) -> list[tuple[Any, ...]]:
    """The calls of NumPy, with memory given out: an array is used again after its last reader."""
    calls = _needed(calls, results)
    last = {
        id(cell.owner): i for i, call in enumerate(calls) for cell in (*call.arguments, call.out)
    }
    last.update(dict.fromkeys([id(cell.owner) for cell in results], len(calls)))
    free: dict[tuple[Any, ...], list[Any]] = {}
    lines: list[tuple[Any, ...]] = []
    for i, call in enumerate(calls):
        owners = {id(c.owner): c.owner for c in (*call.arguments, call.out)}
        dying = {k: c for k, c in owners.items() if last[k] == i and not c.fixed}
        target = call.out.owner
        if target.array is None:
            kind = (target.shape, target.dtype)
            for c in call.arguments[: call.reusable]:
                if id(c) in dying and (c.shape, c.dtype) == kind:
                    target.array = dying.pop(id(c)).array
                    break
            else:
                target.array = free[kind].pop() if free.get(kind) else np.empty(*kind)
        lines += call.write(call.out.resolved(), *[c.resolved() for c in call.arguments])
        for c in dying.values():
            free.setdefault((c.shape, c.dtype), []).append(c.array)
    for cell in results:
        cell.resolved()
    return lines


def _needed(calls: Sequence[Call], results: Sequence[Cell]) -> list[Call]:
    """The calls that results, or memory that stays, depend on."""
    wanted = {id(cell.owner) for cell in results}
    found = []
    for call in reversed(calls):
        if id(call.out.owner) in wanted or call.out.owner.fixed:
            wanted.update(id(cell.owner) for cell in call.arguments)
            found.append(call)
    return found[::-1]


def assembled(lines: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    """One function that makes all the calls."""
    names: dict[str, Any] = {}

    def named(x: Any) -> str:
        name = f"x{len(names)}"
        names[name] = x
        return name

    known: dict[int, str] = {}
    text = ["def run():"]
    for f, arguments, *keywords in lines:
        written = [
            known.setdefault(id(x), named(x)) if id(x) not in known else known[id(x)]
            for x in (f, *arguments)
        ]
        options = [f"{key}={named(x)}" for key, x in (keywords[0] if keywords else {}).items()]
        text.append(f"    {written[0]}({', '.join([*written[1:], *options])})")
    if not lines:
        text.append("    pass")
    exec(compile("\n".join(text), "<kernel>", "exec"), names)
    run: Callable[[], None] = names["run"]
    return run
