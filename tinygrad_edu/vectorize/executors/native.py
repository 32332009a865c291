"""The machine natively: a table of instructions runs in the compiled library, through ctypes.

Or whole steps of a descent run in one call: rows gathered, run, checked, updated.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.executors import library
from tinygrad_edu.vectorize.executors.calls import Views
from tinygrad_edu.vectorize.executors.instructions import NoInstruction, filled
from tinygrad_edu.vectorize.executors.kernel import Kernel
from tinygrad_edu.vectorize.executors.table import Table, UpdateTable, table
from tinygrad_edu.vectorize.plan import Plan

#: With more parameters NumPy's products are as fast; a step of more operations takes so long that
#: it could not be interrupted.
MOST_PARAMETERS: Final = 300_000
MOST_WORK: Final = 2e9
#: For how many examples a table is made at least, as it then serves other numbers of them; and for
#: how many numbers of all examples.
_ROWS: Final = 128
_NUMBERS: Final = 1_000_000
#: Why steps ended early, in the order of `machine.c`.
REASONS: Final = ("", "the loss", "a gradient", "a parameter")
PARAMETER: Final = 3


def machine_kernel(
    plan: Plan, B: int, parameters: Array, into: Array, *, gradient: bool
) -> Kernel | None:
    """The program for B examples, with its vectors P and G; None where NumPy is to compute it."""
    found = library.find()
    t = None if found is None else table_for(plan, B, gradient=gradient)
    if found is None or t is None:
        return None
    memory, n = filled(t.size, t.contents), len(parameters)
    P, G = (memory[at : at + n] for at in (t.P, t.G))
    memory[t.B] = B
    function = function_of(found, "run", 4)
    arguments = (memory.ctypes.data, t.code.ctypes.data, len(t.code), B)

    def run() -> None:
        P[...] = parameters
        function(*arguments)
        if gradient:
            into[...] = G

    look = Views(B, memory).look
    inputs = {name: look(a) for name, a in t.inputs.items()}
    results, guards = [*map(look, t.results)], [*map(look, t.guards)]
    return Kernel(run, inputs, results, guards, lambda: float(memory[t.mean]))


def table_for(plan: Plan, B: int, *, gradient: bool) -> Table | None:
    """The table for B examples; None where the machine cannot do it, or NumPy is faster."""
    if len(plan.layout.parameters) > MOST_PARAMETERS:
        return None
    known = plan.tables.get(gradient)
    if gradient not in plan.tables or (known and not B <= known.rows <= max(_ROWS, 4 * B)):
        variables = plan.layout.variables.values()
        rows = max(B, min(_ROWS, _NUMBERS // sum(v.size for v in variables if v.batched)))
        try:
            known = table(plan, plan.backward if gradient else None, rows)
        except NoInstruction:
            known = None
        plan.tables[gradient] = known
    return known if known is not None and known.work * B <= MOST_WORK else None


def function_of(found: library.Library, name: str, arguments: int) -> Any:
    """A function of the library that takes so many addresses and whole numbers."""
    function = found.function(name)
    function.argtypes, function.restype = [ctypes.c_int64] * arguments, ctypes.c_int64
    return function


def fields_of(t: Table, u: UpdateTable, n: int, size: int) -> list[int]:
    """A `Training` of `machine.c`, for n examples; its last four fields are those of a call."""
    out = t.results[1]
    places = [field for name in ("X", "Y") for field in (t.inputs[name].at, t.inputs[name].n)]
    return [
        *(len(t.code), u.numbers, len(u.code) - u.numbers),
        *(t.B, u.rate, u.time, t.mean, t.P, t.G, u.before, t.parameters),
        *(*places, t.cap, out.at, out.row, out.column, out.n),
        *(n, size, 0, 0, 0, 0),
    ]


class Steps:
    """Steps on batches of `size` rows of X and y, with the vectors of the parameters.

    P, G, before     the parameters, their gradient, and the parameters before the last update
    states           the optimizer's states, None for one that it does not have
    makes_states     whether the equation makes one that was not there: then another is to be made
    updated          whether there was an update
    """

    def __init__(
        self, t: Table, u: UpdateTable, found: library.Library, data: Sequence[Array], size: int
    ) -> None:
        self.arena, n = filled(u.size, u.contents), t.parameters
        self.P, self.G, self.before = (self.arena[k : k + n] for k in (t.P, t.G, u.before))
        self.states = [None if k is None else self.arena[k : k + n] for k in u.states]
        self.makes_states = u.makes_states
        self.data = [np.ascontiguousarray(array, dtype=float) for array in data]
        self.code = np.concatenate([t.code, u.code])
        self.updated = False
        self.progress = np.zeros(1, dtype=np.int64)
        self.fields = np.array(fields_of(t, u, len(self.data[0]), size), dtype=np.int64)
        self.load(found)

    def load(self, found: library.Library) -> None:
        """Take the functions from the library."""
        self.function = function_of(found, "train", 10)
        self.shuffles = function_of(found, "shuffle", 5)

    def shuffle(self, words: Sequence[int], order: list[int], orders: Any) -> tuple[int, ...]:
        """Shuffle an order once for each row, which then holds it; the words of the generator."""
        state, shuffled = np.array(words, dtype=np.uint32), np.array(order, dtype=np.int64)
        arrays = (state, shuffled)
        self.shuffles(*[a.ctypes.data for a in arrays], len(order), orders.ctypes.data, len(orders))
        order[:] = shuffled.tolist()
        return tuple(state.tolist())

    def run(self, block: Any, rates: Array, updates: int) -> int:
        """So many steps as there are rates, the first of which follows those of the block.

        `updates` were made before. `progress` tells how many steps were made; gives the place in
        REASONS of what is not finite where there are fewer, else 0.
        """
        self.progress[0] = 0
        self.fields[-4:] = (block.batches > 1, block.steps, len(rates), updates)
        tables = (self.arena, self.code, self.fields, *self.data)
        arrays = (*tables, block.orders, rates, block.losses, block.outputs, self.progress)
        why: int = self.function(*[0 if a is None else a.ctypes.data for a in arrays])
        self.updated = self.updated or why == PARAMETER or self.progress[0] > 0
        return why
