"""The machine natively: a table of instructions runs in the compiled library, through ctypes."""

import ctypes
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.executors import library
from tinygrad_edu.vectorize.executors.arena import LINE
from tinygrad_edu.vectorize.executors.code import Place, Table, table
from tinygrad_edu.vectorize.executors.instructions import NoInstruction
from tinygrad_edu.vectorize.executors.kernel import Kernel
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.steps import Regrouped

#: From so much work in a step on, and so many parameters, NumPy's products are faster.
MOST_WORK: Final = 6e7
MOST_PARAMETERS: Final = 400_000
#: For how many examples a table is made at least.
_ROWS: Final = 24


class Machine:
    """What runs the tables of a program; `parameters` and `into` are its vectors P and G."""

    def __init__(self, parameters: Array, into: Array) -> None:
        self.parameters, self.into = parameters, into
        self.tables: dict[bool, Table | None] = {}

    def kernel(self, program: Regrouped, gradient: Gradient | None, B: int) -> Kernel | None:
        """The program for B examples; None where NumPy is to compute it."""
        found = library.find()
        if found is None:
            return None
        key = gradient is not None
        known = self.tables.get(key)
        if key not in self.tables or (known is not None and known.rows < B):
            known = self.tables[key] = table_for(program, gradient, max(B, _ROWS))
        return _kernel(known, found, B, self.parameters, self.into) if known else None


def table_for(program: Regrouped, gradient: Gradient | None, B: int) -> Table | None:
    """The table for B examples; None where the machine cannot do it, or NumPy is faster."""
    if len(program.layout.parameters) > MOST_PARAMETERS:
        return None
    try:
        found = table(program, gradient, B)
    except NoInstruction:
        return None
    return found if found.work * B <= MOST_WORK else None


def _kernel(t: Table, found: library.Library, B: int, parameters: Array, into: Array) -> Kernel:
    arena, n = aligned(t.arena), len(parameters)
    P, G = (arena[at : at + n] for at in (t.P, t.G))
    arena[t.B] = B
    function = function_of(found, "run", 4)
    arguments = (arena.ctypes.data, t.code.ctypes.data, len(t.code), B)

    def run() -> None:
        P[...] = parameters
        function(*arguments)
        into[...] = G

    inputs = {name: _view(arena, place, B) for name, place in t.inputs.items()}
    results, guards = ([_view(arena, a, B) for a in places] for places in (t.results, t.guards))
    return Kernel(run, inputs, results, guards, lambda: float(arena[t.mean]))


def function_of(found: library.Library, name: str, arguments: int) -> Any:
    """A function of the library that takes so many addresses and whole numbers."""
    function = found.function(name)
    function.argtypes, function.restype = [ctypes.c_int64] * arguments, ctypes.c_int64
    return function


def aligned(numbers: Array) -> Array:
    """A copy that starts at a cache line."""
    memory = np.empty(len(numbers) + LINE)
    start = -memory.ctypes.data // 8 % LINE
    memory[start : start + len(numbers)] = numbers
    return memory[start : start + len(numbers)]


def _view(arena: Array, place: Place, B: int) -> Array:
    """An array of the machine as one of NumPy, with a row per example."""
    rows = B if place.row else 1
    return as_strided(arena[place.at :], (rows, place.n), (8 * place.row, 8 * place.column))
