"""The equation of an optimizer as instructions of the machine, on vectors of all parameters.

What depends on the rate and the number of the step alone is computed once a step; the rest for a
few parameters at a time, so that what belongs to them stays in a cache: for the machine these are
the examples of a column, and a vector is one place after the other.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.vectorize.executors.arena import Array, Memory
from tinygrad_edu.vectorize.executors.code import Code, Table
from tinygrad_edu.vectorize.executors.instructions import Contents
from tinygrad_edu.vectorize.executors.kernel import UpdateEquation

#: How many parameters are updated at once, as in `machine.c`.
CHUNK: Final = 512


class UpdateTable(NamedTuple):
    """An update in the arena of a program, which it makes longer.

    `numbers` instructions for a step come first, those for parameters after them; `rate`, `time`
    and `before`, the parameters before the update, are offsets, and so are the `states` (None where
    there is none after the update either); `makes_states` if there was none before.
    """

    states: list[int | None]
    makes_states: bool
    code: Any
    size: int
    contents: Contents
    numbers: int
    rate: int
    time: int
    before: int


class UpdateCode(Code):
    """Instructions on vectors of n parameters.

    rate, time, before    the rate, the number of the step, the parameters before the update
    made                  the states after it
    """

    made: list[Array | None]

    def __init__(self, n: int) -> None:
        super().__init__(CHUNK)
        self.n = n
        self.rate, self.time, self.before = self.scalar(), self.scalar(), self.vector()

    def vector(self, at: int = -1) -> Array:
        """A number per parameter, new or where it stands already."""
        memory = Memory(self.n)
        memory.at, memory.stays = at, True
        a = Array(memory, 1, 1, batched=True, place=CHUNK, column=CHUNK)
        self.kept.append(a)
        return a

    def put(self, a: Array, held: Array) -> None:
        """Let a result stand in a vector: written there at once if its old numbers are not read."""
        writers = [k for k, i in enumerate(self.instructions) if i.out.memory is a.memory]
        if len(writers) == 1 and not a.memory.stays and a.batched:
            later = self.instructions[writers[0] + 1 :]
            if not any(b.memory is held.memory for i in later for b in i.operands):
                self._move(a.memory, held)
                return
        self.each("copy", a, out=held)

    def _move(self, memory: Memory, held: Array) -> None:
        for k, i in enumerate(self.instructions):
            out, *operands = (held if b.memory is memory else b for b in (i.out, *i.operands))
            self.instructions[k] = i._replace(out=out, operands=tuple(operands))
        for b in self.known.values():
            if b.memory is memory:
                b.memory, b.place = held.memory, held.place


def update_code(
    x: int, g: int, n: int, equation: UpdateEquation, states: Sequence[bool]
) -> UpdateCode:
    """An update of n parameters and their gradient, at these places, -1 where they have none yet.

    `states` tells which of its states there are.
    """
    c = UpdateCode(n)
    P, G = c.vector(x), c.vector(g)
    held = [c.vector() if there else None for there in states]
    c.named |= {"g": G, "x": P, "lr": c.rate, "t": c.time}
    c.named |= {f"s{k}": a for k, a in enumerate(held) if a is not None}
    symbols = [None if a is None else expr.symbol(f"s{k}") for k, a in enumerate(held)]
    new_x, new_states = equation(expr, *map(expr.symbol, ("g", "x", "lr", "t")), tuple(symbols))
    c.made = [
        c.vector() if a is None and s is not None else a
        for a, s in zip(held, new_states, strict=True)
    ]
    places = [*zip(new_states, c.made, strict=True), (new_x, P)]
    results = [(c.buffer(new), place) for new, place in places if place is not None]
    for a, place in results:
        c.put(a, place)
    c.instructions.sort(key=lambda i: i.rows == 0)  # numbers first
    return c


def update_table(t: Table, equation: UpdateEquation, states: Sequence[bool]) -> UpdateTable:
    """One update of the parameters of a program; `states` tells which of its states there are."""
    c = update_code(t.P, t.G, t.parameters, equation, states)
    code, size, contents = c.finished(t.size)
    contents = [*t.contents, *contents]
    numbers = sum(row[1] != 0 for row in code.tolist())
    offsets = [None if a is None else a.memory.at for a in c.made]
    fixed = (a.memory.at for a in (c.rate, c.time, c.before))
    new = any(k is not None and not there for k, there in zip(offsets, states, strict=True))
    return UpdateTable(offsets, new, code, size, contents, numbers, *fixed)
