"""Steps of a descent in one call of the machine: rows gathered, run, checked, updated."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.executors.code import Table
from tinygrad_edu.vectorize.executors.library import Library
from tinygrad_edu.vectorize.executors.native import arena, function_of
from tinygrad_edu.vectorize.executors.update import UpdateTable

#: Why steps ended early, in the order of `machine.c`.
REASONS: Final = ("", "the loss", "a gradient", "a parameter")
PARAMETER: Final = 3


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
        self,
        t: Table,
        u: UpdateTable,
        found: Library,
        data: Sequence[Array],
        size: int,
    ) -> None:
        self.arena, n = arena(u.size, u.contents), t.parameters
        self.P, self.G, self.before = (self.arena[k : k + n] for k in (t.P, t.G, u.before))
        self.states = [None if k is None else self.arena[k : k + n] for k in u.states]
        self.makes_states = u.makes_states
        self.data = [np.ascontiguousarray(array, dtype=float) for array in data]
        self.code = np.concatenate([t.code, u.code])
        self.updated = False
        self.progress = np.zeros(1, dtype=np.int64)
        self.fields = np.array(fields_of(t, u, len(self.data[0]), size), dtype=np.int64)
        self.load(found)

    def load(self, found: Library) -> None:
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
