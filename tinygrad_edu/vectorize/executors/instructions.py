"""The instructions of the machine (`machine.c`) by name, and a list of them that grows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.vectorize.executors.arena import (
    LINE,
    Array,
    Instruction,
    Memory,
    allocate,
    needed_for,
)
from tinygrad_edu.vectorize.tape import VectorizeError

#: What is computed number by number, in the order of `machine.c`.
ELEMENTWISE: Final = (
    *("copy", "negative", "abs", "relu", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10"),
    *("sigmoid", "softplus", "tanh", "sinh", "cosh", "asinh", "acosh", "atanh", "sin", "cos"),
    *("tan", "asin", "acos", "atan", "erf", "+", "-", "*", "divide", "maximum", "minimum"),
    *("copysign", "<", "<=", ">", ">=", "equal", "!=", "gate", "pow", "atan2", "hypot"),
    *("remainder", "where"),
)
#: All instructions by their numbers.
INSTRUCTIONS: Final = (
    *ELEMENTWISE,
    *("product", "gradient", "batched", "total", "mean", "rowsum", "rowprod", "rowmax", "rowmin"),
    *("pick", "sums_of_others", "products_of_others", "take", "scatter"),
)
NUMBERS: Final = {name: k for k, name in enumerate(INSTRUCTIONS)}
#: Products, which take n k operations for each example and place.
_PRODUCTS: Final = tuple(NUMBERS[name] for name in ("product", "gradient", "batched"))
#: What may follow a product in one instruction, and its number there.
_FINISHES: Final = {NUMBERS["relu"]: 1, NUMBERS["gate"]: 2}
#: Offsets, and the numbers that stand there before the first run; elsewhere stand zeros.
Contents = list[tuple[int, Any]]


class NoInstruction(VectorizeError):  # noqa: N818
    """The machine has no instruction for what is to be computed: NumPy does it."""


class Instructions:
    """A list of instructions that grows, for arrays of up to `rows` examples.

    `indexes` are column numbers by name; `kept` arrays are read when all is done.
    """

    indexes: dict[str, Any]

    def __init__(self, rows: int) -> None:
        lines = -(-rows // LINE)
        self.cap = LINE * (lines | 1)  # odd, so that columns spread over the sets of a cache
        self.instructions: list[Instruction] = []
        self.contents: list[Memory] = []
        self.kept: list[Array] = []
        self._numbers: dict[str, Array] = {}
        self._writer: dict[Memory, Instruction] = {}

    # --- Arrays

    def new(self, m: int, n: int, *, batched: bool) -> Array:
        """Memory for m places of n columns."""
        step = self.cap if batched else 1
        place = n * step if m > 1 else 0
        return Array(Memory(m * n * step), m, n, batched, place, step)

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
        return columns and not a.across and (a.m == 1 or a.place == a.n * step)

    # --- Instructions

    def add(self, op: str, out: Array, *operands: Array, **fields: Any) -> Array:
        """A further instruction, and its result."""
        if any(a.across for a in operands):
            raise NoInstruction(f"the machine computes {op} of no transposed array of examples")
        fields = {"m": out.m, "n": out.n, "rows": int(not out.batched)} | fields
        self._enter(Instruction(NUMBERS[op], out, operands, **fields))
        return out

    def _enter(self, instruction: Instruction) -> None:
        self._writer[instruction.out.memory] = instruction
        self.instructions.append(instruction)

    def each(self, op: str, *operands: Array, out: Array | None = None) -> Array:
        """An operation number by number, operands repeated to the shape of the result."""
        if out is None:
            m, n = max(a.m for a in operands), max(a.n for a in operands)
            out = self.new(m, n, batched=any(a.batched for a in operands))
            out.scalar = all(a.scalar for a in operands)
        arrays = [out, *operands]
        if out.batched or any(a.column != 1 and a.n > 1 for a in arrays):
            places, columns, rows = out.m, out.n, int(not out.batched)
            arrays = [repeated(a, out) for a in arrays]
        else:
            places, columns, rows, arrays = _along_rows(arrays)
        self.add(op, *arrays, m=places, n=columns, rows=rows, reusable=True)
        return out

    def copied(self, a: Array, m: int, n: int, *, batched: bool) -> Array:
        """An array in memory of its own, repeated to a shape."""
        return self.each("copy", a, out=self.new(m, n, batched=batched))

    def by_rows(self, op: str, a: Array, n: int, *others: Array) -> Array:
        """Of the k numbers of each place n new ones."""
        out = self.new(a.m, n, batched=any(b.batched for b in (a, *others)))
        return self.add(op, out, a, *[repeated(b, out) for b in others], k=a.n)

    def with_bias(self, z: Array, b: Array) -> Array | None:
        """A product and a number per column, added in one instruction; None if z is none."""
        product = self._writer.get(z.memory)
        if product is None or product.op != NUMBERS["product"] or product.operands[2:]:
            return None
        if b.batched or b.m > 1 or b.n not in (1, z.n) or not z.same_as(product.out):
            return None
        out = self.new(z.m, z.n, batched=z.batched)
        bias = repeated(b, z).view(batched=True)
        self._enter(product._replace(out=out, operands=(*product.operands, bias)))
        return out

    def is_last(self, a: Array) -> bool:
        """Whether the last instruction made just that array, in memory of its own."""
        memory = a.memory
        made = bool(self.instructions) and self.instructions[-1].out.memory is memory
        whole = memory.size == a.m * a.n * (self.cap if a.batched else 1)
        return made and whole and not memory.stays and self.is_plain(a)

    def _joined(self, instructions: list[Instruction]) -> list[Instruction]:
        """Products together with what alone reads them: relu, or what passes a gate."""
        readers = Counter(a.memory for i in instructions for a in i.operands)
        readers.update(a.memory for a in self.kept)
        products = {i.out.memory: k for k, i in enumerate(instructions) if i.op == _PRODUCTS[0]}
        joined: list[Instruction | None] = list(instructions)
        for k, i in enumerate(instructions):
            z = i.operands[-1] if i.op in _FINISHES else None
            place = products.get(z.memory) if z is not None else None
            if z is None or place is None or readers[z.memory] > 1:
                continue
            p, (*gate, _) = instructions[place], i.operands
            shapes = {(a.m * a.n, a.batched, self.is_plain(a)) for a in (p.out, i.out, *i.operands)}
            if shapes == {(p.m * p.n, True, True)} and not (gate and p.operands[2:]):
                like = {"m": p.m, "n": p.n, "place": p.out.place, "column": p.out.column}
                operands = (*p.operands, *[a.view(**like) for a in gate])
                out, finish = i.out.view(**like), _FINISHES[i.op]
                joined[place] = None
                joined[k] = p._replace(out=out, operands=operands, finish=finish)
        return [i for i in joined if i is not None]

    def work(self) -> int:
        """The floating-point operations of all products, for one example."""
        products = [i for i in self.instructions if i.op in _PRODUCTS]
        return sum(2 * i.m * i.n * i.k for i in products)

    def finished(self, start: int = 0) -> tuple[Any, int, Contents]:
        """The instructions as rows of numbers, the size of the arena, and what stands in it.

        What they need begins at `start`; vectors may be read beyond the end.
        """
        needed = self._joined(needed_for(self.kept, self.instructions))
        end = allocate(needed, start, self.kept)
        contents = [(m.at, m.content.view(float)) for m in self.contents if m.at >= 0]
        return np.array([i.row() for i in needed], dtype=np.int64), end + LINE, contents


def repeated(a: Array, out: Array) -> Array:
    """An operand with steps of 0 where there are fewer places or columns than in the result."""
    if a.m == out.m and a.n == out.n:
        return a
    place, column = (a.place if a.m == out.m else 0), (a.column if a.n == out.n else 0)
    return a.view(m=out.m, n=out.n, place=place, column=column)


def _along_rows(arrays: Sequence[Array]) -> tuple[int, int, int, list[Array]]:
    """Numbers for all examples: each place, or all of an array, is read like a column.

    Gives places, columns, rows, and the arrays with a number per row.
    """
    out = arrays[0]
    columns, rows = out.m, out.n
    if rows == 1 and all(a.m == 1 or a.place == 1 for a in arrays):
        columns, rows = 1, out.m
        steps = [(0, a.m > 1 or rows == 1) for a in arrays]
    else:
        steps = [(a.place if a.m > 1 else 0, a.n > 1 or rows == 1) for a in arrays]
        whole = [a.m == out.m and a.n == rows and a.place == rows for a in arrays]
        if all(w or a.m * a.n == 1 for w, a in zip(whole, arrays, strict=True)):
            columns, rows = 1, out.m * out.n
    views = [
        a.view(m=1, n=columns, place=0, column=step, batched=row)
        for a, (step, row) in zip(arrays, steps, strict=True)
    ]
    return 1, columns, rows, views
