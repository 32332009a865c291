"""Instructions on arrays: a list that grows, and where numbers stand.

An `Array` is a piece of memory, and steps. Memory is given out in one block of doubles, the arena,
when all instructions are known; until then a piece has no place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.vectorize.tape import VectorizeError

#: What is computed number by number, in the order of `machine.c`.
ELEMENTWISE: Final = (
    *("copy", "negative", "abs", "relu", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10"),
    *("sigmoid", "softplus", "tanh", "sinh", "cosh", "asinh", "acosh", "atanh", "sin", "cos"),
    *("tan", "asin", "acos", "atan", "erf", "+", "-", "*", "divide", "maximum", "minimum"),
    *("copysign", "<", "<=", ">", ">=", "equal", "!=", "gate", "pow", "atan2", "hypot"),
    *("remainder", "where"),
)
#: All instructions of the machine by their numbers.
INSTRUCTIONS: Final = (
    *ELEMENTWISE,
    *("product", "gradient", "batched", "total", "mean", "rowsum", "rowprod", "rowmax", "rowmin"),
    *("pick", "sums_of_others", "products_of_others", "take", "scatter"),
)
#: Doubles in a cache line: memory starts at a multiple of it.
LINE: Final = 8
#: Offsets, and the numbers that stand there before the first run.
Contents = Sequence[tuple[int, Any]]


class Memory:
    """So many doubles; `at` is their offset, `content` what stands there before the first run.

    `stays` is whether they are never used for anything else; `inside` is the memory, and the place
    in it, that they are a part of; `bools` whether they hold truth values, a byte each.
    """

    __slots__ = ("at", "bools", "content", "inside", "size", "stays")

    def __init__(self, size: int, content: Any = None) -> None:
        self.size, self.content, self.stays = size, content, content is not None
        self.inside: tuple[Memory, int] | None = None
        self.at, self.bools = -1, False


@dataclass(slots=True, eq=False)
class Array:
    """m places of n columns, with a number per example (`batched`) or one for all.

    row, place, column    the steps from one to the next, in doubles
    across                whether it is the transpose of what is described, for products alone
    number                the number of one that never changes
    scalar                whether it is one number, made from the number of examples alone
    """

    memory: Memory
    m: int
    n: int
    batched: bool
    row: int
    place: int
    column: int
    start: int = 0
    across: bool = False
    number: float | None = None
    scalar: bool = False

    def view(self, **changes: Any) -> "Array":
        """The same memory read otherwise."""
        steps = self.row, self.place, self.column, self.start, self.across
        a = Array(self.memory, self.m, self.n, self.batched, *steps)
        for name, x in changes.items():
            setattr(a, name, x)
        return a

    @property
    def at(self) -> int:
        """The offset of its first number, once memory is given out."""
        return self.memory.at + self.start

    def whole(self) -> tuple[Memory, int]:
        """The memory that it stands in, which is a part of no other, and where in it."""
        memory, start = self.memory, self.start
        while memory.inside is not None:
            memory, place = memory.inside
            start += place
        return memory, start

    def lies_like(self, other: "Array") -> bool:
        """Whether both are the same numbers, in the same order, of the same or equal memory."""
        alike = self.batched == other.batched and self.start == other.start
        columns = self.n == other.n and self.column == other.column
        places = self.m == other.m and (self.m == 1 or self.place == other.place)
        memory = (self.memory.size, self.memory.bools) == (other.memory.size, other.memory.bools)
        return alike and columns and places and memory

    def same_as(self, other: "Array") -> bool:
        """Whether both are the same numbers in memory."""
        return self.memory is other.memory and self.lies_like(other)


class Instruction(NamedTuple):
    """What is computed, where it goes, and from what.

    `rows` is 0 for as many as there are examples; `out` may take over the memory of one of the
    `reusable` operands that is not needed any more; `columns` are column numbers; `finish` is what
    is done with the numbers of a product.
    """

    op: str
    out: Array
    operands: tuple[Array, ...]
    m: int
    n: int
    k: int = 0
    rows: int = 0
    columns: Memory | None = None
    reusable: tuple[Array, ...] = ()
    finish: int = 0


class NoInstruction(VectorizeError):  # noqa: N818
    """There is no instruction for what is to be computed; where the machine lacks it, NumPy has."""


class Instructions:
    """A list of instructions that grows, for arrays of up to `rows` examples.

    `indexes` are column numbers by name; `kept` arrays are read when all is done. Rows stand one
    after the other; on the machine columns do, `cap` numbers each.
    """

    cap = 1

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.instructions: list[Instruction] = []
        self.contents: list[Memory] = []
        self.indexes: dict[str, Any] = {}
        self.kept: list[Array] = []
        self._numbers: dict[str, Array] = {}

    # --- Arrays

    def new(self, m: int, n: int, *, batched: bool) -> Array:
        """Memory for m places of n columns."""
        row, column, size = m * n, 1, m * n * (self.rows if batched else 1)
        if self.cap > 1 and batched:
            row, column, size = 1, self.cap, m * n * self.cap
        place = n * column if m > 1 else 0
        return Array(Memory(size), m, n, batched, row if batched else 0, place, column)

    def fixed(self, m: int, n: int, *, batched: bool = False, content: Any = None) -> Array:
        """Memory that is never used for anything else."""
        a = self.new(m, n, batched=batched)
        a.memory.stays, a.memory.content = True, content
        if content is not None:
            self.contents.append(a.memory)
        return a

    def scalar(self) -> Array:
        """A number that is set before each run."""
        a = self.fixed(1, 1)
        a.scalar = True
        self.kept.append(a)
        return a

    def given(self, x: float) -> Array:
        """A number that stays as it is."""
        key = repr(x)
        if key not in self._numbers:
            a = self._numbers[key] = self.fixed(1, 1, content=np.array([x]))
            a.number, a.scalar = x, True
        return self._numbers[key]

    def index(self, columns: Any) -> Memory:
        """Column numbers, as whole numbers among the doubles."""
        memory = Memory(len(columns), np.array(columns, dtype=np.int64))
        self.contents.append(memory)
        return memory

    def is_plain(self, a: Array) -> bool:
        """Whether the columns of an array follow each other in memory."""
        step = self.cap if a.batched else 1
        columns = a.column == step or a.n == 1
        rows = not a.batched or self.cap > 1 or a.row == a.m * a.n
        return columns and rows and not a.across and (a.m == 1 or a.place == a.n * step)

    # --- Instructions

    def add(self, op: str, out: Array, *operands: Array, **fields: Any) -> Array:
        """A further instruction, and its result."""
        for a in operands:
            if a.across:
                raise NoInstruction(f"there is no {op} of a transposed array of examples")
        fields = {"m": out.m, "n": out.n, "rows": int(not out.batched)} | fields
        self.instructions.append(Instruction(op, out, operands, **fields))
        return out

    def each(self, op: str, *operands: Array, out: Array | None = None) -> Array:
        """An operation number by number, operands repeated to the shape of the result."""
        if out is None:
            m, n = max(a.m for a in operands), max(a.n for a in operands)
            out = self.new(m, n, batched=any(a.batched for a in operands))
            out.scalar = all(a.scalar for a in operands)
        self.number_by_number(op, out, *operands)
        return out

    def number_by_number(self, op: str, out: Array, *operands: Array) -> None:
        """The instruction for `each`."""
        arrays = tuple([repeated(a, out) for a in operands])
        self.add(op, out, *arrays, reusable=arrays)

    def copied(self, a: Array, m: int, n: int, *, batched: bool) -> Array:
        """An array in memory of its own, repeated to a shape."""
        return self.each("copy", a, out=self.new(m, n, batched=batched))

    def by_rows(self, op: str, a: Array, n: int, *others: Array) -> Array:
        """Of the k numbers of each place n new ones."""
        out = self.new(a.m, n, batched=any(b.batched for b in (a, *others)))
        return self.add(op, out, a, *[repeated(b, out) for b in others], k=a.n)


def repeated(a: Array, out: Array) -> Array:
    """An operand with steps of 0 where there are fewer places or columns than in the result."""
    if a.m == out.m and a.n == out.n:
        return a
    place, column = (a.place if a.m == out.m else 0), (a.column if a.n == out.n else 0)
    return a.view(m=out.m, n=out.n, place=place, column=column, number=a.number)


def needed_for(kept: Sequence[Array], instructions: Sequence[Instruction]) -> list[Instruction]:
    """The instructions that these arrays depend on, and memory that stays."""
    needed: list[Instruction] = []
    wanted = {id(a.memory) for a in kept}
    for i in reversed(instructions):
        if id(i.out.memory) in wanted or i.out.memory.stays:
            wanted.update(id(a.memory) for a in i.operands)
            needed.append(i)
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
        if i.out.memory.at < 0 and not i.out.memory.stays:
            _take_over(i, dying)
        give(i.out.memory)
        for m in dying.values():
            free.setdefault(m.size, []).append(m.at)
    for a in kept:
        give(a.memory)
    return start


def _take_over(i: Instruction, dying: dict[int, Memory]) -> None:
    """Let the result stand where an operand stood that is read for the last time."""
    for a in i.reusable:
        dies = id(a.memory) in dying and a.lies_like(i.out)
        if dies and all(b.memory is not a.memory or b.same_as(a) for b in i.operands):
            i.out.memory.at = dying.pop(id(a.memory)).at
            return


def filled(size: int, contents: Contents = ()) -> Any:
    """An arena that starts at a cache line: zeros, and what is known."""
    memory = np.zeros(size + LINE)
    start = -memory.ctypes.data // 8 % LINE
    memory = memory[start : start + size]
    for at, numbers in contents:
        memory[at : at + len(numbers)] = numbers
    return memory
