"""Blocks: whole epochs of a descent at once, where nobody looks at single steps."""

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from operator import mul
from time import monotonic
from typing import Any, Final

from tinygrad_edu.checks import as_random, function, whole
from tinygrad_edu.checks.habits import warn
from tinygrad_edu.engine import Value
from tinygrad_edu.engine.leaves import data_of
from tinygrad_edu.examples import read_row
from tinygrad_edu.train.training import Augment, DivergenceError, Training, numpy_or_none

#: Seconds after which a block ends, so that a bar moves; and the most numbers it may hold.
SECONDS: Final = 0.1
MOST: Final = 4_000_000


class Block:
    """How n examples are taken in batches, and what an engine gives for at most E epochs of them.

    order    the numbers of the examples, shuffled by `rng` (if there is one) before each epoch
    size     examples of a batch; `batches` of them are an epoch, the last may have fewer
    rows     makes other rows of those chosen; None where they are learned as they are
    asked    whether anybody asks for the outputs, given how many an example has
    most     how many epochs may be made now
    steps    how many steps were made of these, complete epochs or not
    losses   (E, batches), the mean loss of each batch before its update; None until it is open
    orders   (E, n) int64, the order of each epoch
    outputs  (E, n, units), of the examples in this order; None if nobody asks
    """

    losses: Any = None
    outputs: Any = None

    def __init__(
        self,
        order: Any,
        size: int,
        rng: Any = None,
        rows: Callable[[Any], list[list[float]]] | None = None,
        asked: Callable[[int], bool] = lambda units: False,
    ) -> None:
        self.order, self.size, self.rng, self.rows, self.asked = order, size, rng, rows, asked
        self.batches = -(-len(order) // size)
        self.most = self.steps = 0

    @property
    def epochs(self) -> int:
        """How many epochs are complete."""
        return self.steps // self.batches

    def open(self, units: int) -> int:
        """Make the arrays, for so many outputs of an example; how many epochs may be made now."""
        np = numpy_or_none()
        if self.losses is None and np is not None:
            n = len(self.order)
            E = max(1, min(self.most, MOST // (n * (units + 1))))
            self.losses, self.orders = np.empty((E, self.batches)), np.empty((E, n), dtype=np.int64)
            self.orders[...] = self.order
            self.outputs = np.empty((E, n, units)) if self.asked(units) else None
        elif self.losses is None:  # lists, of one epoch
            self.losses, self.orders = [[0.0] * self.batches], [self.order]
            self.outputs = [[None] * len(self.order)] if self.asked(units) else None
        return min(self.most, len(self.losses))

    def epoch(self) -> Iterator[tuple[Any, list[list[float]] | None]]:
        """For each batch of an epoch the numbers of its examples, and other rows for them."""
        if self.rng is not None:
            self.rng.shuffle(self.order)
        for start in range(0, len(self.order), self.size):
            chosen = self.order[start : start + self.size]
            yield chosen, None if self.rows is None else self.rows(chosen)

    def put(self, loss: float, outputs: Any) -> None:
        """One more step: its mean loss, and what the model gave for its examples."""
        epoch, batch = divmod(self.steps, self.batches)
        if self.losses is None:
            self.open(len(outputs[0]))
        self.losses[epoch][batch] = loss
        if self.outputs is not None:
            start = batch * self.size
            self.outputs[epoch][start : start + self.size] = outputs
        if batch == 0 and self.rng is not None:
            self.orders[epoch][:] = self.order
        self.steps += 1

    def mean_losses(self) -> list[float]:
        """The mean loss of the examples of each complete epoch."""
        n, starts = len(self.order), range(0, len(self.order), self.size)
        shares = [min(self.size, n - start) / n for start in starts]
        if isinstance(self.losses, list):
            return [sum(map(mul, row, shares)) for row in self.losses[: self.epochs]]
        losses: list[float] = (self.losses[: self.epochs] * shares).cumsum(axis=1)[:, -1].tolist()
        return losses


def planned(
    training: Training,
    epochs: int,
    batch_size: int | None,
    rng: int | random.Random | None,
    augment: Augment | None = None,
    asked: Callable[[int], bool] = lambda units: False,
) -> tuple[int, Block]:
    """Epochs and batches as `train` takes them; of a full batch the order stays."""
    rows, n = training.rows, len(training.rows)
    epochs = whole("epochs", epochs, least=0)
    size = n if batch_size is None else whole("batch_size", batch_size)
    if size > n:
        warn(f"batch_size {size} is larger than the {n} rows")
    rng, augmented = as_random(0 if rng is None else rng), None
    if augment is not None:
        remedy = "write augment=lambda row, rng: [x + rng.gauss(0, 0.1) for x in row]"
        augment = function("augment", augment, "a row and a generator", remedy)
        augmented = lambda chosen: [_changed(augment, rows[i], rng) for i in chosen]  # noqa: E731
    shuffling = rng if size < n else None
    return epochs, Block(list(range(n)), min(size, n), shuffling, augmented, asked)


def _changed(augment: Augment, row: list[float], rng: random.Random) -> list[float]:
    """The row as `augment` changes it, checked like the rows of X; the row itself stays."""
    changed = read_row(augment(list(row), rng), "augment(row, rng)")
    if len(changed) != len(row):
        raise ValueError(
            f"augment(row, rng) must be a row of {len(row)} numbers, got {len(changed)}"
        )
    return changed


class Descent:
    """The steps of a descent on given rows and targets; here, one that works on Values themselves.

    values       the parameters
    last_finite  their numbers with the last finite loss
    sure         whether no step may turn out to need scalars
    """

    values: list[Value]
    last_finite: Any
    sure = True

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        `rows` take the place of theirs. Raises DivergenceError, the parameters (and buffers) then
        being the last ones with a finite loss.
        """
        raise NotImplementedError

    def run(self, block: Block, epoch: int) -> None:
        """Epochs from this number on: one or more, until the block is full or SECONDS are over."""
        until = monotonic() + SECONDS
        while True:
            for chosen, rows in block.epoch():
                block.put(*self.step(chosen, epoch, rows))
            epoch += 1
            if block.epochs >= min(block.most, len(block.losses)) or monotonic() > until:
                return

    def read(self) -> bool:
        """Take over the numbers of the parameters; False where more than these was changed."""
        return True

    def write(self) -> None:
        """Give the parameters their numbers and gradients."""

    def numbers(self, leaves: list[Value]) -> Any:
        """The numbers of these leaves as they are now, which the Values may not have yet."""
        return data_of(leaves)


def blocks(
    descent: Descent, block: Block, epochs: int, *, most: int, shared: bool
) -> Generator[int, None, None]:
    """Fill the block with at most so many epochs, again and again; the number of the first.

    Parameters are written at the end or when it is broken off; with `shared`, where code of the
    user's runs between, before that too, and read behind it.
    """
    done, written = 0, True
    try:
        while done < epochs:
            if shared:
                descent.read()
            block.most, block.steps, written = min(most, epochs - done), 0, False
            descent.run(block, done)
            first, done = done, done + block.epochs
            if shared or done == epochs:
                descent.write()
                written = True
            yield first
    except BaseException as error:
        broken_off(descent, error, written=written, first=done == block.steps == 0)
        raise


def broken_off(descent: Descent, error: BaseException, *, written: bool, first: bool) -> None:
    """Write the parameters, if they are not; a divergence in the `first` step of all says so."""
    if not written:
        descent.write()
    if isinstance(error, DivergenceError):
        error.first = first
