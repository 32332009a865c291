"""Fragments: instructions whose sizes and places are still open, to be linked where they are known.

A page links them for nets that Python has never seen. A table is made for sizes that are prime
numbers, so that each of its fields tells which sizes it is the product of: 77 is "IO" where I is 7
and O is 11. An operand names its memory; what the names of fragments share is theirs in common.
"""

from collections.abc import Mapping
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from tinygrad_edu.vectorize.executors.arena import Array, Instruction, Memory, needed_for
from tinygrad_edu.vectorize.executors.instructions import Instructions

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
        code: Instructions,
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
        return [i.op, *fields, *map(self._operand, (i.out, *i.operands))]

    def _operand(self, a: Array) -> list[Any]:
        steps = [self.size(n) for n in (a.place, a.column, int(a.batched))]
        memory, start = _whole(a)
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


def _whole(a: Array) -> tuple[Memory, int]:
    """The memory that an array stands in, which is a part of no other, and where in it."""
    memory, start = a.memory, a.start
    while memory.inside is not None:
        memory, place = memory.inside
        start += place
    return memory, start
