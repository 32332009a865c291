"""The memory of the machine: one block of doubles, in which arrays stand column by column.

An `Array` is where the numbers of an expression stand: a piece of memory, and steps. Memory is
given out when all instructions are known; until then a piece has no place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

#: Doubles in a cache line: memory starts at a multiple of it.
LINE: Final = 8


class Memory:
    """So many doubles; `at` is their offset, `content` what stands there before the first run.

    `stays` is whether they are never used for anything else; `inside` is the memory, and the place
    in it, that they are a part of.
    """

    __slots__ = ("at", "content", "inside", "size", "stays")

    def __init__(self, size: int, content: Any = None) -> None:
        self.size, self.content, self.stays = size, content, content is not None
        self.inside: tuple[Memory, int] | None = None
        self.at = -1

    def put_into(self, other: "Memory", start: int) -> None:
        """Stand there, in memory that stays."""
        self.inside, self.stays = (other, start), True


@dataclass(slots=True, eq=False)
class Array:
    """m places of n columns, with a number per example (`batched`) or one for all.

    place, column   the steps from one to the next, in doubles
    across          whether it is the transpose of what is described, which products alone can read
    number          the number of one that never changes
    scalar          whether it is one number, made from the number of examples alone
    """

    memory: Memory
    m: int
    n: int
    batched: bool
    place: int
    column: int
    start: int = 0
    across: bool = False
    number: float | None = None
    scalar: bool = False

    def view(self, **changes: Any) -> "Array":
        """The same memory read otherwise."""
        a = Array(self.memory, self.m, self.n, self.batched, self.place, self.column, self.start)
        a.across = self.across
        for name, x in changes.items():
            setattr(a, name, x)
        return a

    def lies_like(self, other: "Array") -> bool:
        """Whether both are the same numbers, in the same order, of the same or equal memory."""
        alike = self.batched == other.batched and self.start == other.start
        columns = self.n == other.n and self.column == other.column
        places = self.m == other.m and (self.m == 1 or self.place == other.place)
        return alike and columns and places and self.memory.size == other.memory.size

    def same_as(self, other: "Array") -> bool:
        """Whether both are the same numbers in memory."""
        return self.memory is other.memory and self.lies_like(other)


class Instruction(NamedTuple):
    """One row of the table: what is computed, where it goes, and from what.

    `rows` is 0 for as many as there are examples; `reusable` whether `out` may take over the memory
    of an operand that is not needed any more; `finish` what is done with the numbers of a product.
    """

    op: int
    out: Array
    operands: tuple[Array, ...]
    m: int
    n: int
    k: int = 0
    rows: int = 0
    columns: Memory | None = None
    reusable: bool = False
    finish: int = 0

    def row(self) -> list[int]:
        """The fields as numbers, once memory is given out."""
        index = self.finish if self.columns is None else self.columns.at
        fields = [self.op, self.rows, self.m, self.n, self.k, index, *_steps(self, self.out)]
        for a in self.operands:
            fields += _steps(self, a)
        return fields + [0] * (WIDTH - len(fields))


#: Fields of an instruction.
WIDTH: Final = 22


def _steps(i: Instruction, a: Array) -> list[int]:
    return [a.memory.at + a.start, a.place, a.column, int(a.batched)]


def needed_for(kept: Sequence[Any], steps: Sequence[Any]) -> list[Any]:
    """The instructions, or calls, that these arrays depend on, and memory that stays."""
    needed = []
    wanted = {id(a.memory) for a in kept}
    for step in reversed(steps):
        if id(step.out.memory) in wanted or step.out.memory.stays:
            wanted.update(id(a.memory) for a in step.operands)
            needed.append(step)
    return needed[::-1]


def allocate(needed: Sequence[Instruction], start: int, kept: Sequence[Array]) -> int:
    """Give out memory, from `start` on; where it ends.

    It is used again after its last reader; that of `kept` arrays is not.
    """
    last = {id(a.memory): k for k, i in enumerate(needed) for a in (*i.operands, i.out)}
    last.update(dict.fromkeys([id(a.memory) for a in kept], len(needed)))
    free: dict[int, list[int]] = {}

    def give(memory: Memory) -> None:
        nonlocal start
        if memory.inside is not None:
            outer, place = memory.inside
            give(outer)
            memory.at = outer.at + place
        elif memory.at < 0:
            if not memory.stays and free.get(memory.size):
                memory.at = free[memory.size].pop()
            else:
                memory.at, start = start, start + -(-memory.size // LINE) * LINE

    for k, i in enumerate(needed):
        if i.columns is not None:
            give(i.columns)
        for a in i.operands:
            give(a.memory)
        held = {id(a.memory): a.memory for a in (*i.operands, i.out)}
        dying = {key: m for key, m in held.items() if last[key] == k and not m.stays}
        if i.out.memory.at < 0 and i.reusable:
            _take_over(i, dying)
        give(i.out.memory)
        for m in dying.values():
            free.setdefault(m.size, []).append(m.at)
    for a in kept:
        give(a.memory)
    return start


def _take_over(i: Instruction, dying: dict[int, Memory]) -> None:
    """Let the result stand where an operand stood that is read for the last time."""
    out = i.out
    if out.memory.stays:
        return
    for a in i.operands:
        if id(a.memory) in dying and a.lies_like(out):
            if any(b.memory is a.memory and not b.same_as(a) for b in i.operands):
                continue
            out.memory.at = dying.pop(id(a.memory)).at
            return
