"""Instructions of the machine (`machine.c`), as rows of numbers; their sizes may be open.

A page links fragments of nets that Python has never seen. A table is made for sizes that are prime
numbers, so that each of its fields tells which sizes it is the product of: 77 is "IO" where I is 7
and O is 11. An operand names its memory; what the names of fragments share is theirs in common.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any, Final

import numpy as np

from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.algebra import is_relu
from tinygrad_edu.vectorize.executors.code import Code
from tinygrad_edu.vectorize.executors.instructions import (
    ELEMENTWISE,
    INSTRUCTIONS,
    LINE,
    Array,
    Contents,
    Instruction,
    Memory,
    NoInstruction,
    allocate,
    needed_for,
    repeated,
)

NUMBERS: Final = {name: k for k, name in enumerate(INSTRUCTIONS)}
#: Products, which take n k operations for each example and place.
_PRODUCTS: Final = ("product", "gradient", "batched")
#: What may follow a product in one instruction, and its number there.
_FINISHES: Final = {"relu": 1, "gate": 2}
#: The same instruction under another name.
_SAME: Final = {
    "larger": "maximum",
    "smaller": "minimum",
    "top": "rowmax",
    "bottom": "rowmin",
    "pick_if_any": "pick",
}
#: Fields of an instruction.
WIDTH: Final = 22


class MachineCode(Code):
    """Instructions of the machine, for arrays that stand column by column."""

    functions = frozenset(ELEMENTWISE)

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        lines = -(-rows // LINE)
        self.cap = LINE * (lines | 1)  # odd, so that columns spread over the sets of a cache
        self._products: dict[Memory, Instruction] = {}

    def simpler(self, x: Expr) -> Expr:
        """Relu, and what passes where that is above 0, are one instruction."""
        if is_relu(x):
            return Expr("relu", x.args[2:])
        if x.op != "where":
            return x
        condition, a, b = x.args
        if isinstance(condition, Expr) and condition.op == "<=" and repr(a) in ("0", "0.0"):
            left, right = condition.args
            if not isinstance(right, Expr) and right == 0:
                return Expr("gate", (left, b))
        return x

    def function(self, op: str, arrays: list[Array]) -> Array:
        """One number by number, as an instruction."""
        op = _SAME.get(op, op)
        if op not in NUMBERS:
            raise NoInstruction(f"m.{op} is no function of a namespace")
        relu = self.known.get(("relu", id(arrays[0])))
        if relu is not None and (op == "gate" or (op in ("<=", ">") and arrays[1].number == 0)):
            arrays[0] = relu  # it is above 0 where x is, and x itself is not needed
        if op == "+" and (biased := self._with_bias(*arrays)) is not None:
            return biased
        return self.each(op, *arrays)

    def add(self, op: str, out: Array, *operands: Array, **fields: Any) -> Array:
        """A further instruction, and its result."""
        super().add(op, out, *operands, **fields)
        if op == "product":
            self._products[out.memory] = self.instructions[-1]
        return out

    def _with_bias(self, z: Array, b: Array) -> Array | None:
        """A product and a number per column, added in one instruction; None if z is none."""
        product = self._products.get(z.memory)
        if product is None or b.batched or b.m > 1 or b.n not in (1, z.n):
            return None
        if not z.same_as(product.out):
            return None
        out = self.new(z.m, z.n, batched=z.batched)
        operands = (*product.operands, repeated(b, z).view(row=1))
        self.instructions.append(product._replace(out=out, operands=operands))
        return out

    def number_by_number(self, op: str, out: Array, *operands: Array) -> None:
        """The instruction for `each`; what is the same for all examples is read like a column."""
        if out.batched or any(a.column != 1 and a.n > 1 for a in (out, *operands)):
            super().number_by_number(op, out, *operands)
            return
        columns, rows, (out, *views) = _along_rows([out, *operands])
        self.add(op, out, *views, m=1, n=columns, rows=rows, reusable=tuple(views))

    def _joined(self, instructions: list[Instruction]) -> list[Instruction]:
        """Products together with what alone reads them: relu, or what passes a gate."""
        readers = Counter(a.memory for i in instructions for a in i.operands)
        readers.update(a.memory for a in self.kept)
        products = {i.out.memory: k for k, i in enumerate(instructions) if i.op == "product"}
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
        return np.array([*map(_row, needed)], dtype=np.int64), end + LINE, contents


def _number_of(i: Instruction) -> int:
    """Which instruction of the machine it is."""
    return NUMBERS[_SAME.get(i.op, i.op)]


def _row(i: Instruction) -> list[int]:
    """An instruction as numbers, once memory is given out."""
    index = i.finish if i.columns is None else i.columns.at
    fields = [_number_of(i), i.rows, i.m, i.n, i.k, index]
    for a in (i.out, *i.operands):
        fields += [a.at, a.place, a.column, a.row]
    return fields + [0] * (WIDTH - len(fields))


def _along_rows(arrays: Sequence[Array]) -> tuple[int, int, list[Array]]:
    """Each place, or all of an array, like a column: how many, of how many rows, and the arrays."""
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
        a.view(m=1, n=columns, place=0, column=step, batched=row, row=int(row))
        for a, (step, row) in zip(arrays, steps, strict=True)
    ]
    return columns, rows, views


#: A size: a number, or the letters of the sizes that it is the product of.
Size = int | str


class Linkable:
    """The instructions of a list as rows of open fields.

    sizes    the numbers that stand for sizes, by letter
    ports    what pieces of memory are called that others know; None for one that there is not
    scaled   a number that is open too, and its name: others are multiples of it
    own      the sizes of all other memory, by the names t1, t2, ... that it has got
    """

    def __init__(
        self,
        code: MachineCode,
        sizes: Mapping[str, int],
        ports: Mapping[str, Array | None],
        scaled: tuple[str, float] | None = None,
    ) -> None:
        self.code, self.scaled = code, scaled
        known = [(a, name) for name, a in ports.items() if a is not None]
        self.names = {(a.memory, a.start): name for a, name in known}
        chosen = (letters for k in (1, 2, 3) for letters in combinations(sizes, k))
        self.letters: dict[int, Size] = {prod(sizes[x] for x in c): "".join(c) for c in chosen}
        self.own: dict[str, Size] = {}
        needed = needed_for(code.kept, code.instructions)
        self.needed = {id(i) for i in needed}

    def rows(self, start: int, stop: int | None = None) -> list[list[Any]]:
        """The rows of the instructions from `start` on: op, rows, m, n, k, out, operands.

        An operand is [memory, start, step per place, per column, per row].
        """
        chosen = self.code.instructions[start:stop]
        return [self._row(i) for i in chosen if id(i) in self.needed]

    def name(self, a: Array) -> str:
        """What the memory of a port is called: of two names the one that was given last."""
        return self.names[a.memory, a.start]

    def size(self, n: int) -> Size:
        """An open size. Raises ValueError for a number that is none."""
        if n > 1 and n not in self.letters:
            raise ValueError(f"{n} is no product of {self.letters}")
        return self.letters.get(n, n)

    def _row(self, i: Instruction) -> list[Any]:
        if i.columns is not None or i.finish:
            raise ValueError(f"{i} chooses columns, which are no size")
        fields = [self.size(n) for n in (i.rows, i.m, i.n, i.k)]
        return [_number_of(i), *fields, *map(self._operand, (i.out, *i.operands))]

    def _operand(self, a: Array) -> list[Any]:
        steps = [self.size(n) for n in (a.place, a.column, a.row)]
        memory, start = a.whole()
        if (memory, start) in self.names:
            return [self.names[memory, start], 0, *steps]
        if (memory, 0) not in self.names:
            self.names[memory, 0] = self._named(memory)
        return [self.names[memory, 0], self.size(start), *steps]

    def _named(self, memory: Memory) -> str:
        if memory.content is None:
            name = f"t{len(self.own) + 1}"
            self.own[name] = self.size(memory.size)
            return name
        if memory.size > 1:
            if not np.array_equal(memory.content, np.arange(memory.size)):
                raise ValueError("numbers that are written out are no size")
            return f"0..{self.size(memory.size)}"
        x = float(memory.content[0])
        name, unit = self.scaled or ("", 0.0)
        factor = x / unit if unit else 0.0
        return f"={factor!r}*{name}" if factor and float(2 * factor).is_integer() else f"={x!r}"
