"""Descent on the machine: many steps in a call, where nobody looks between them."""

import random
from time import monotonic
from typing import Any, Final

import numpy as np

from tinygrad_edu.engine import modes
from tinygrad_edu.train import blocks
from tinygrad_edu.train.blocks import Block
from tinygrad_edu.train.matrix import MatrixDescent
from tinygrad_edu.train.training import check_finite
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.executors import library
from tinygrad_edu.vectorize.executors.instructions import NoInstruction
from tinygrad_edu.vectorize.executors.native import PARAMETER, REASONS, Steps, table_for
from tinygrad_edu.vectorize.executors.table import Table, UpdateTable, update_table

#: What a step takes until one was measured: so many seconds, and operations in a second.
_STEP: Final = 1e-5
_SPEED: Final = 2e9
#: How many tables are kept with a plan.
_MOST_TABLES: Final = 64


class MachineDescent(MatrixDescent):
    """The matrix engine with many steps in a call of the machine.

    made        the steps, and for what size and states they were made
    running     the steps whose numbers are ahead of P and G, until these are kept
    call        block, steps and updates before a call that was not counted yet
    seconds     what a step takes

    Taking over what a call did can be interrupted, and is then done again: see `write`.
    """

    made: tuple[Any, Steps | None] | None = None
    running: Steps | None = None
    call: tuple[Block, int, int] | None = None
    seconds = 0.0

    def run(self, block: Block, epoch: int) -> None:
        """Whole epochs; one step after the other where the machine is not for them."""
        steps = self._steps(block.size)
        if steps is None:
            super().run(block, epoch)
            return
        epochs = block.open(len(self.program.tape.results[1]))
        until, orders = monotonic() + blocks.SECONDS, Orders(block)
        try:
            self._load(steps)
            while block.epochs < epochs:
                at_end = block.steps % block.batches == 0
                if at_end and block.steps and monotonic() > until:
                    return
                many = 1 if steps.makes_states else self._heeding()
                left = orders.shuffled(min(epochs, block.epochs + many // block.batches), steps)
                self._call(steps, block, epoch, min(many, left))
                if steps.makes_states:
                    self._keep()
                    again = self._steps(block.size)
                    assert again is not None
                    steps = again
                    self._load(steps)
        finally:
            try:
                self._keep()
            finally:
                orders.end()

    def write(self) -> None:
        """As in NumPy, of what the last call did."""
        self._keep()
        super().write()

    def _call(self, steps: Steps, block: Block, epoch: int, many: int) -> None:
        """So many steps. Raises DivergenceError as `step` does."""
        optimizer = self.optimizer
        rates, failure = self.rates(many)
        begun, steps.progress[0] = monotonic(), 0
        self.call = (block, block.steps, optimizer.steps)
        why = steps.run(block, rates, optimizer.steps)
        made, at = self._count(steps, self.call, why), block.steps
        if why:
            found = ([block.losses.flat[at]], steps.G, steps.P)[why - 1]
            try:
                check_finite(REASONS[why], found, optimizer, epoch + at // block.batches)
            finally:
                steps.P[...] = steps.before
        self.seconds = max((monotonic() - begun) / made, 1e-7)
        if failure is not None:
            raise failure

    def _count(self, steps: Steps, call: tuple[Block, int, int], why: int = 0) -> int:
        """How many steps were made, counted in block and optimizer."""
        (block, at, updates), made = call, int(steps.progress[0])
        block.steps, self.optimizer.steps = at + made, updates + made + (why == PARAMETER)
        self.call = None
        return made

    def _heeding(self) -> int:
        """So many steps that an interruption after them comes soon."""
        return max(1, int(blocks.SECONDS / 2 / self.seconds))

    def rates(self, many: int) -> tuple[Array, BaseException | None]:
        """The rates of the next steps; fewer where a schedule fails, and how: after those steps."""
        optimizer, before = self.optimizer, self.optimizer.steps
        if optimizer.schedule is None:  # else it is asked for each step
            return np.full(many, optimizer.lr), None
        rates: list[float] = []
        try:
            for k in range(many):
                optimizer.steps = before + k
                rates.append(optimizer.lr)
        except BaseException as error:
            if not rates:
                raise
            return np.array(rates), error
        finally:
            optimizer.steps = before
        return np.array(rates), None

    def _steps(self, size: int) -> Steps | None:
        """The steps for batches of a size and the states there are; None without the machine."""
        program, found = self.program, library.find()
        if found is None or self.on_values or not self.whole or program.samples:
            return None
        if modes.mode().checking:  # nodes are to be named, before a step
            return None
        table = table_for(program.plan, size, gradient=True)
        if table is None:
            return None
        states = [state is not None for state in self.states]
        key = (size, states, self.options, found.variant)
        if self.made is None or self.made[0] != key:
            self.seconds = self.seconds or _STEP + size * table.work / _SPEED
            update = self._update_table(table, states)
            data = (self.X, self.y)
            self.made = (key, None if update is None else Steps(table, update, found, data, size))
        return self.made[1]

    def _update_table(self, table: Table, states: list[bool]) -> UpdateTable | None:
        tables, optimizer = self.program.plan.tables, self.optimizer
        key = (table.size, type(optimizer), repr(self.options), *states)
        if key not in tables:
            if len(tables) > _MOST_TABLES:
                tables.clear()
            try:
                tables[key] = update_table(table, optimizer.update, states)
            except NoInstruction:
                tables[key] = None
        made: UpdateTable | None = tables[key]
        return made

    def _load(self, steps: Steps) -> None:
        steps.P[...], steps.before[...] = self.program.P, self.last_finite
        for held, state in zip(steps.states, self.states, strict=True):
            if held is not None and state is not None:
                held[...] = state
        self.running = steps

    def _keep(self) -> None:
        steps = self.running
        if steps is None:
            return
        if self.call is not None:
            self._count(steps, self.call)
        self.program.P[...], self.program.G[...] = steps.P, steps.G
        self.last_finite[...] = steps.before
        if steps.updated:
            self.states = [None if held is None else held.copy() for held in steps.states]
            self.update = None
        self.running = None


class Orders:
    """The orders of the epochs of a block, shuffled ahead of the steps.

    Where these end early, generator and order go back to where the last step needed them.
    """

    def __init__(self, block: Block) -> None:
        self.block, self.epochs = block, 0
        self.before: tuple[Any, list[int], int] | None = None

    def shuffled(self, wanted: int, steps: Steps) -> int:
        """Shuffle for epochs until `wanted`, at least the next; how many steps these have left."""
        block, first = self.block, self.epochs
        if block.steps == first * block.batches:
            self.epochs = max(wanted, first + 1)
            if type(block.rng) is random.Random:
                state = version, words, gauss = block.rng.getstate()
                self.before = (state, list(block.order), first)
                words = steps.shuffle(words, block.order, block.orders[first : self.epochs])
                block.rng.setstate((version, words, gauss))
            elif block.rng is not None:
                self.epochs = first + 1
                block.rng.shuffle(block.order)
                block.orders[first] = block.order
        return self.epochs * block.batches - block.steps

    def end(self) -> None:
        """Generator and order as the steps that were begun have left them."""
        block, before = self.block, self.before
        begun = block.steps // block.batches + 1
        if block.rng is None or before is None or begun >= self.epochs:
            return
        state, block.order[:], first = before
        block.rng.setstate(state)
        for _ in range(begun - first):
            block.rng.shuffle(block.order)
