"""An update equation over vectors, as calls of NumPy that write in place.

The equation is the optimizer's own, evaluated over symbols; the rate and the number of the update
are symbols too.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.calls import Cell, assembled, link
from tinygrad_edu.vectorize.kernel import Expressions
from tinygrad_edu.vectorize.operations import copy

#: The equation: (m, g, x, lr, t, state) -> new x and state, as `Optimizer.update`.
Equation = Callable[..., tuple[Any, tuple[Any, ...]]]


class Update:
    """x and its states after one update from the gradient g: `update(lr, t)` changes the vectors.

    `states` has a vector, or None where there is none yet. Those that the equation makes are in
    `states` after the first call, for which another `Update` is to be made.
    """

    def __init__(self, equation: Equation, x: Array, g: Array, states: Sequence[Array | None]):
        self._lr, self._t = np.empty(()), np.empty(())
        found = Expressions(0)
        for name, array in (("x", x), ("g", g), ("lr", self._lr), ("t", self._t)):
            found.named[name] = Cell(array.shape).place(array)
        symbols: list[Any] = []
        for k, state in enumerate(states):
            symbols.append(None if state is None else expr.symbol(f"s{k}"))
            if state is not None:
                found.named[f"s{k}"] = Cell(state.shape).place(state)
        names = [expr.symbol(name) for name in ("g", "x", "lr", "t")]
        new_x, new_states = equation(expr, *names, tuple(symbols))
        results: list[tuple[Cell, Array]] = []
        self.states: list[Array | None] = []
        for state, new in zip(states, new_states, strict=True):
            held = state if state is not None or new is None else np.empty(len(x))
            self.states.append(held)
            if held is not None:
                results.append((found.cell(new), held))
        results.append((found.cell(new_x), x))
        for cell, held in results:
            if not _written_last(found, cell, held):
                found.add((cell,), Cell(held.shape).place(held), copy)
        self.made_states = any(
            new is not None and old is None for old, new in zip(states, self.states, strict=True)
        )
        self._run = assembled(link(found.calls, []))

    def __call__(self, lr: float, t: int) -> None:
        """One update."""
        self._lr[()], self._t[()] = lr, t
        self._run()


def _written_last(found: Expressions, cell: Cell, held: Array) -> bool:
    """Let a result be written where its old number stands, if nothing reads that afterwards."""
    made = [i for i, call in enumerate(found.calls) if call.out is cell]
    reads = [
        i for i, call in enumerate(found.calls) if any(a.array is held for a in call.arguments)
    ]
    if not made or cell.fixed or cell.shape != held.shape or max(reads, default=-1) > made[0]:
        return False
    cell.place(held)
    return True
