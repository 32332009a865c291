"""Blocks: whole epochs of a descent at once, where nobody looks at single steps.

An engine fills a `Block`; what is asked of an epoch, such as its mean loss, is then computed for
all epochs of the block by operations on arrays.
"""

import random
from collections.abc import Callable, Generator, Sequence
from time import monotonic
from typing import Any, Final, Protocol

from tinygrad_edu.engine import Value
from tinygrad_edu.train.training import Divergence, DivergenceError

#: Seconds after which a block ends, so that a bar moves; and the most numbers it may hold.
SECONDS: Final = 0.1
MOST: Final = 4_000_000

#: Makes other rows of those of these numbers.
OtherRows = Callable[[list[int]], list[list[float]]]


class Block:
    """Up to E whole epochs of a descent on n examples, filled step by step.

    order    the numbers of the examples: a list, shuffled by `rng` before each epoch
    size     examples in a batch; the last one of an epoch may have fewer
    rng      None where the order stays
    rows     makes other rows of those chosen; None where they are learned as they are
    asked    whether somebody asks for the outputs, given how many an example has
    most     epochs that may be made from `start` on
    steps    how many were made since `start`

    From `open` on these are arrays, of which the first `epochs` rows are complete:

    orders   (E, n) int64, the order in each epoch
    losses   (E, batches), the mean loss of each batch before its update
    outputs  (E, n, units), what the model gave, in the order of the epoch; None if nobody asks
    """

    orders: Any = None
    losses: Any = None
    outputs: Any = None

    def __init__(
        self,
        order: list[int],
        size: int,
        rng: random.Random | None,
        rows: OtherRows | None,
        asked: Callable[[int], bool],
    ) -> None:
        self.order, self.size, self.rng, self.rows, self.asked = order, size, rng, rows, asked
        self.batches = -(-len(order) // size)
        self.most = self.steps = 0

    @property
    def epochs(self) -> int:
        """How many epochs are complete."""
        return self.steps // self.batches

    def start(self, most: int) -> None:
        """Empty again, with room for `most` epochs or as many as fit."""
        self.most, self.steps = most, 0

    def open(self, units: int) -> int:
        """Make the arrays, for so many outputs of an example; how many epochs they hold."""
        import numpy as np

        if self.losses is None:
            n = len(self.order)
            E = max(1, min(self.most, MOST // (n * (units + 1))))
            self.losses = np.empty((E, self.batches))
            self.outputs = np.empty((E, n, units)) if self.asked(units) else None
            self.orders = np.empty((E, n), dtype=np.int64)
            self.orders[...] = self.order
        return min(self.most, len(self.losses))

    def put(self, loss: float, outputs: Any) -> None:
        """One more step: its mean loss, and what the model gave for its examples."""
        epoch, batch = divmod(self.steps, self.batches)
        if self.losses is None:
            self.open(len(outputs[0]))
        self.losses[epoch, batch] = loss
        if self.outputs is not None:
            start = batch * self.size
            self.outputs[epoch, start : start + self.size] = outputs
        if batch == 0 and self.rng is not None:
            self.orders[epoch] = self.order
        self.steps += 1


class Descent(Protocol):
    """The steps of a descent on given rows and targets."""

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        `rows`, if given, take the place of theirs.
        """

    def run(self, block: Block, epoch: int) -> None:
        """Whole epochs, the first of which has this number, put into a block that was started.

        At least one, and no more where the block is full or SECONDS are over. Whatever is raised,
        `steps` tells how many were made.
        """

    def read(self) -> bool:
        """Take over the numbers of the parameters; False where more than these was changed."""

    def write(self) -> None:
        """Give the parameters their numbers and gradients."""

    def numbers(self, leaves: list[Value]) -> Any:
        """The numbers of these leaves as they are now, which the Values may not have yet."""


def run_steps(descent: Descent, block: Block, epoch: int) -> None:
    """`run` of a descent, one step after the other."""
    until = monotonic() + SECONDS
    while True:
        if block.rng is not None:
            block.rng.shuffle(block.order)
        for start in range(0, len(block.order), block.size):
            chosen = block.order[start : start + block.size]
            rows = None if block.rows is None else block.rows(chosen)
            block.put(*descent.step(chosen, epoch, rows))
        epoch += 1
        if block.epochs >= min(block.most, len(block.losses)) or monotonic() > until:
            return


def blocks(
    descent: Descent, block: Block, epochs: int, *, most: int, shared: bool
) -> Generator[int, None, None]:
    """Fill the block again and again, with at most so many epochs; the number of its first.

    The parameters are written when all is over, or broken off. With `shared`, where code of the
    user's runs after each block, they are written before it and read again after it.
    """
    done, written = 0, True
    try:
        while done < epochs:
            if shared:
                descent.read()
            written = False
            block.start(min(most, epochs - done))
            descent.run(block, done)
            first, done = done, done + block.epochs
            if shared or done == epochs:
                descent.write()
                written = True
            yield first
    except BaseException as error:
        if not written:
            descent.write()
        match error.args:
            case [Divergence() as found] if done == block.steps == 0:
                raise DivergenceError(found._replace(first=True)) from None
        raise
