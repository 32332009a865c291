"""Programs and updates as tables of instructions for the machine (`machine.c`), which can be moved.

A program becomes one table for any number of examples up to a capacity: the instructions as rows of
whole numbers, and what stands in the arena before the first run. Every address is an offset.
"""

from collections.abc import Container, Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu.vectorize.executors.code import UpdateEquation
from tinygrad_edu.vectorize.executors.instructions import Array, Contents, Memory
from tinygrad_edu.vectorize.executors.machine import MachineCode
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, P
from tinygrad_edu.vectorize.steps import Regrouped


class Table(NamedTuple):
    """A program for the machine.

    code       the instructions, a row of whole numbers each
    size       of the arena, in doubles
    contents   what stands in it before the first run
    rows       for how many examples
    cap        the step from one column to the next
    parameters how many there are
    work       floating-point operations of its products, for one example
    inputs, results, guards    where these stand; guards are the outcomes of comparisons
    P, G, mean, B              offsets: parameters, gradient, the mean of the first result, and the
               number of examples
    """

    code: Any
    size: int
    contents: Contents
    rows: int
    cap: int
    parameters: int
    work: int
    inputs: dict[str, Array]
    results: list[Array]
    guards: list[Array]
    P: int
    G: int
    mean: int
    B: int


class Compiler(MachineCode):
    """Takes the equations of a program apart.

    results, guards    what it gives, and the outcomes of comparisons
    begins             for each equation the number of its first instruction
    """

    results: list[Array]
    guards: list[Array]

    def __init__(self, parameters: int, rows: int) -> None:
        super().__init__(rows)
        self.begins: dict[str, int] = {}
        self.mean, B = self.scalar(), self.scalar()
        self.P, self.G = self.fixed(1, parameters), self.fixed(1, parameters)
        self.kept += (self.P, self.G)
        self.named |= {"B": B, P: self.P}

    def equations(self, equations: Sequence[Equation], free: Container[str] = ()) -> None:
        """Compute each target, and note where it begins."""
        for equation in equations:
            self.begins[equation.target] = len(self.instructions)
            super().equations([equation], free)


def compiled(program: Regrouped, gradient: Gradient | None, rows: int) -> Compiler:
    """The instructions for up to `rows` examples. NoInstruction for what the machine lacks."""
    c = Compiler(len(program.layout.parameters), rows)
    c.results, c.guards = c.forward(program)
    c.kept += (*c.inputs.values(), *c.results, *c.guards)
    first = c.results[0].view(n=1)
    c.add("mean", c.mean, first, m=1, n=1, rows=int(not first.batched))
    if gradient is not None:
        c.backward(gradient)
    return c


def table(program: Regrouped, gradient: Gradient | None, rows: int) -> Table:
    """The program for up to `rows` examples. Raises NoInstruction for what the machine lacks."""
    c = compiled(program, gradient, rows)
    code, size, contents = c.finished()
    arrays = c.inputs, c.results, c.guards
    offsets = [a.at for a in (c.P, c.G, c.mean, c.named["B"])]
    return Table(code, size, contents, rows, c.cap, c.P.n, c.work(), *arrays, *offsets)


#: How many parameters are updated at once, as in `machine.c`.
CHUNK: Final = 512


class UpdateTable(NamedTuple):
    """The equation of an optimizer in the arena of a program, which it makes longer.

    What depends on the rate and the number of the step alone is computed once a step: `numbers`
    instructions, which come first. The rest goes over a few parameters at a time, so that what
    belongs to them stays in a cache: for the machine these are the examples of a column, and a
    vector is one place after the other. `rate`, `time` and `before`, the parameters before the
    update, are offsets, and so are the `states` (None where there is none after the update either);
    `makes_states` if there was none before.
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


class UpdateCode(MachineCode):
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
        a = Array(memory, 1, 1, batched=True, row=1, place=CHUNK, column=CHUNK)
        self.kept.append(a)
        return a

    def put(self, array: Array, place: Array) -> None:
        """Let a result stand in a vector: written there at once if its old numbers are not read."""
        memory = array.memory
        writers = [k for k, i in enumerate(self.instructions) if i.out.memory is memory]
        later = self.instructions[writers[0] + 1 :] if len(writers) == 1 else []
        read = any(b.memory is place.memory for i in later for b in i.operands)
        if len(writers) != 1 or read or memory.stays or not array.batched:
            self.each("copy", array, out=place)
            return
        for k, i in enumerate(self.instructions):
            out, *operands = (place if b.memory is memory else b for b in (i.out, *i.operands))
            self.instructions[k] = i._replace(out=out, operands=tuple(operands))
        for b in self.known.values():
            if b.memory is memory:
                b.memory, b.place = place.memory, place.place


def update_code(
    x: int, g: int, n: int, equation: UpdateEquation, states: Sequence[bool]
) -> UpdateCode:
    """An update of n parameters and their gradient, at these places, -1 where they have none yet.

    `states` tells which of its states there are.
    """
    c = UpdateCode(n)
    c.named |= {"x": c.vector(x), "g": c.vector(g), "lr": c.rate, "t": c.time}
    c.made = c.update(equation, [c.vector() if there else None for there in states], c.vector)
    c.instructions.sort(key=lambda i: i.rows == 0)  # numbers first
    return c


def update_table(t: Table, equation: UpdateEquation, states: Sequence[bool]) -> UpdateTable:
    """One update of the parameters of a program; `states` tells which of its states there are."""
    c = update_code(t.P, t.G, t.parameters, equation, states)
    code, size, contents = c.finished(t.size)
    numbers = sum(row[1] != 0 for row in code.tolist())
    offsets = [None if a is None else a.memory.at for a in c.made]
    fixed = (a.memory.at for a in (c.rate, c.time, c.before))
    new = any(k is not None and not there for k, there in zip(offsets, states, strict=True))
    return UpdateTable(offsets, new, code, size, [*t.contents, *contents], numbers, *fixed)
