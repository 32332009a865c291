"""Calls of NumPy that compute one array from others, and the memory they share.

A `Buffer` is a number or an array at run time, a `Call` computes one; `Calls` is a growing list
of them. `allocate` gives out memory: an array is used again after its last reader. `compile_calls`
makes one function of all the calls.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.executors.arena import needed_for


class Buffer:
    """A number or an array: given, the result of a call, or a view (`look`) of another buffer.

    `number` is the number of one that never changes. `array` is known at once where it is given,
    else when memory is given out; memory that `stays` is never used for anything else.
    """

    __slots__ = ("array", "base", "contiguous", "dtype", "look", "number", "shape", "stays")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any = float,
        *,
        base: "Buffer | None" = None,
        look: Callable[[Any], Any] | None = None,
        contiguous: bool = True,
    ) -> None:
        self.shape, self.dtype, self.base, self.look = shape, dtype, base, look
        self.contiguous = contiguous
        self.array: Any = None
        self.stays = False
        self.number: float | None = None

    @property
    def memory(self) -> "Buffer":
        """The buffer whose memory this one looks into."""
        return self if self.base is None else self.base.memory

    def place(self, array: Any) -> "Buffer":
        """The buffer, with memory of its own that stays."""
        self.array, self.stays = array, True
        return self

    def resolved(self) -> Any:
        """The array itself, once memory is given out."""
        if self.array is None and self.base is not None and self.look is not None:
            self.array = self.look(self.base.resolved())
        return self.array


def given(x: Any) -> Buffer:
    """A buffer for a number or an array that exists."""
    array = np.asarray(x, dtype=float)
    buffer = Buffer(array.shape, contiguous=array.flags.c_contiguous).place(array)
    if isinstance(x, float):
        buffer.number = x
    return buffer


class Call(NamedTuple):
    """A buffer computed from others; `write(out, *arrays)` gives the calls of NumPy that do it.

    Each is (function, arguments) or (function, arguments, keywords). `out` may take over the memory
    of the first `reusable` operands where these are not needed any more.
    """

    operands: tuple[Buffer, ...]
    out: Buffer
    write: Callable[..., list[tuple[Any, ...]]]
    reusable: int = 0


class Calls:
    """A list of calls that grows, for B examples; `indexes` are column numbers by name."""

    indexes: dict[str, Any]

    def __init__(self, B: int) -> None:
        self.B = B
        self.calls: list[Call] = []

    def add(
        self, operands: tuple[Buffer, ...], out: Buffer, write: Any, reusable: int = 0
    ) -> Buffer:
        """A further call, and its buffer."""
        self.calls.append(Call(operands, out, write, reusable))
        return out

    def ufunc(self, f: Any, *operands: Buffer, dtype: Any = float) -> Buffer:
        """f of each number."""
        shape = np.broadcast_shapes(*[b.shape for b in operands])
        keyword = f in (np.maximum, np.minimum)  # they take no third argument by position

        def write(out: Any, *arrays: Any) -> list[tuple[Any, ...]]:
            return [(f, arrays, {"out": out})] if keyword else [(f, (*arrays, out))]

        return self.add(operands, Buffer(shape, dtype), write, len(operands))

    def by_function(self, f: Any, shape: tuple[int, ...], *operands: Buffer) -> Buffer:
        """A function of arrays that gives a new one."""
        return self.add(operands, Buffer(shape), lambda out, *a: [(_store, (out, f, a))])

    def view(
        self,
        a: Buffer,
        shape: tuple[int, ...],
        look: Callable[[Any], Any],
        contiguous: bool = False,
    ) -> Buffer:
        """A buffer that looks into another."""
        return Buffer(shape, a.dtype, base=a, look=look, contiguous=contiguous or 1 in shape)

    def repeated(self, a: Buffer, shape: tuple[int, ...]) -> Buffer:
        """Repeated to a shape."""
        return self.add((a,), Buffer(shape), copy)

    def add_at(self, out: Buffer, piece: Buffer, place: Any, n: int) -> None:
        """out[:, place] += piece, for n columns from `place` on or at these columns."""
        if isinstance(place, int):
            to = self.view(out, (out.shape[0], n), lambda x: x[:, place : place + n])
            self.add((to, piece), to, lambda out, to, piece: [(np.add, (out, piece, out))])
            return
        order = np.argsort(place, kind="stable")  # a column may be named several times
        columns, starts = np.unique(place[order], return_index=True)
        if piece.shape != (out.shape[0], n):
            piece = self.repeated(piece, (out.shape[0], n))
        sorted_piece = np.empty((out.shape[0], n))
        sums = np.empty((out.shape[0], len(columns)))

        def write(out: Any, _: Any, piece: Any) -> list[tuple[Any, ...]]:
            lines: list[tuple[Any, ...]] = [(np.take, (piece, order, 1, sorted_piece, "clip"))]
            if len(columns) == out.shape[1] == n:  # each column once
                return [*lines, (np.add, (out, sorted_piece, out))]
            lines.append((np.add.reduceat, (sorted_piece, starts, 1, None, sums)))
            return [*lines, (_add_columns, (out, columns, sums))]

        self.add((out, piece), out, write)

    def where(self, condition: Buffer, a: Buffer, b: Buffer) -> Buffer:
        """`a` where the condition holds, else `b`."""
        if condition.dtype is not bool:
            condition = self.ufunc(np.not_equal, condition, given(0.0), dtype=bool)
        shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
        if b.shape != shape and a.shape == shape:
            condition, a, b = self.ufunc(np.logical_not, condition, dtype=bool), b, a
        single = a.shape == ()
        # a mask pays as arithmetic on all numbers where its branches are many
        large = len(shape) == 2 and shape[0] * shape[1] >= 2048
        zero = repr(a.number) == "0.0"  # not -0
        bits = np.empty(shape, dtype=np.int64) if zero and large else None

        def write(out: Any, b: Any, condition: Any, a: Any) -> list[tuple[Any, ...]]:
            copied = [] if out is b else [(np.copyto, (out, b))]
            if bits is not None and condition.shape == out.shape:  # no branch per number
                one = np.array(1, dtype=np.int8)
                words = out.view(np.int64)
                keep = (np.subtract, (condition.view(np.int8), one, bits))  # 0 or all bits
                return [*copied, keep, (np.bitwise_and, (words, bits, words))]
            if single and condition.shape == out.shape:
                return [*copied, (np.putmask, (out, condition, a))]
            return [*copied, (np.copyto, (out, a), {"where": condition})]

        return self.add((b, condition, a), Buffer(shape), write, 1)


def copy(out: Any, a: Any) -> list[tuple[Any, ...]]:
    """The call that copies an array, or repeats it to the shape of `out`."""
    return [(np.copyto, (out, a))]


def _store(out: Array, f: Callable[..., Array], arrays: tuple[Array, ...]) -> None:
    out[...] = f(*arrays)


def _add_columns(out: Array, columns: Any, sums: Array) -> None:
    out[:, columns] += sums


def allocate(calls: Sequence[Call], results: Sequence[Buffer]) -> list[tuple[Any, ...]]:
    """The calls of NumPy, with memory given out: an array is used again after its last reader."""
    calls = needed_for(results, calls)
    last = {id(b.memory): i for i, call in enumerate(calls) for b in (*call.operands, call.out)}
    last.update(dict.fromkeys([id(b.memory) for b in results], len(calls)))
    free: dict[tuple[Any, ...], list[Any]] = {}
    lines: list[tuple[Any, ...]] = []
    for i, call in enumerate(calls):
        owners = {id(b.memory): b.memory for b in (*call.operands, call.out)}
        dying = {k: b for k, b in owners.items() if last[k] == i and not b.stays}
        target = call.out.memory
        if target.array is None:
            kind = (target.shape, target.dtype)
            for b in call.operands[: call.reusable]:
                if id(b) in dying and (b.shape, b.dtype) == kind:
                    target.array = dying.pop(id(b)).array
                    break
            else:
                target.array = free[kind].pop() if free.get(kind) else np.empty(*kind)
        lines += call.write(call.out.resolved(), *[b.resolved() for b in call.operands])
        for b in dying.values():
            free.setdefault((b.shape, b.dtype), []).append(b.array)
    for b in results:
        b.resolved()
    return lines


def compile_calls(lines: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    """One function that makes all the calls."""
    names: dict[str, Any] = {}
    known: dict[int, str] = {}

    def named(x: Any) -> str:
        if id(x) not in known:
            known[id(x)] = f"x{len(names)}"
            names[known[id(x)]] = x  # which keeps it alive, and its id its own
        return known[id(x)]

    text = ["def run():"]
    for f, arguments, *keywords in lines:
        options = [f"{key}={named(x)}" for key, x in (keywords[0] if keywords else {}).items()]
        text.append(f"    {named(f)}({', '.join([*map(named, arguments), *options])})")
    if not lines:
        text.append("    pass")
    exec(compile("\n".join(text), "<kernel>", "exec"), names)
    run: Callable[[], None] = names["run"]
    return run
