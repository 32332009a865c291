"""Fitting: `fit` drives `train` epoch by epoch, with a bar, a `History` and callbacks."""

from __future__ import annotations  # so that help() shows the names of the types

import math
import random
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, NamedTuple

from tinygrad_edu.checks import as_random, flag, instance, is_flag, real, whole
from tinygrad_edu.checks.habits import answered, warn
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import Rows, examples, inputs
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import MLP, Activation, Layer, Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.train.blocks import blocks, planned
from tinygrad_edu.train.engines import find_engine
from tinygrad_edu.train.evaluation import evaluation, outputs_of
from tinygrad_edu.train.heads import Right
from tinygrad_edu.train.history import History
from tinygrad_edu.train.training import (
    AnyOptimizer,
    Augment,
    DivergenceError,
    Engine,
    Model,
    Penalty,
    prepared,
    weighted,
)


class Epoch(NamedTuple):
    """What a callback gets after an epoch; the last one has `last` set."""

    number: int
    last: bool
    model: Model
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None


#: Called after each epoch; True ends training.
AnyCallback = Callable[[Epoch], bool | None]


class Callback:
    """A callback that `fit` also tells when training begins and, whatever ends it, when it is over.

    `best_loss` is what was measured for the parameters that `over` gives back, if it does: of
    several callbacks that do, the one with the smallest is told last.
    """

    best_loss = math.inf

    def start(self, model: Model) -> None:
        """Before the first step."""

    def __call__(self, epoch: Epoch) -> bool | None:
        """After each epoch; True ends training."""
        raise NotImplementedError

    def over(self) -> None:
        """After the last epoch, a callback, divergence, an interruption or any error."""


@answered
def fit(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: AnyOptimizer,
    epochs: int,
    batch_size: int | None = None,
    penalty: Penalty | None = None,
    validation: tuple[Iterable[Any], ...] | None = None,
    engine: str | Engine = "auto",
    rng: int | random.Random | None = None,
    augment: Augment | None = None,
    callbacks: Sequence[AnyCallback] = (),
    progress: bool = True,
    sample_weight: Iterable[float] | None = None,
) -> History:
    """Train the model and give the `History`; options as for `train`.

    `validation` is (X, y) or (X, y, sample_weight) to measure after each epoch, in evaluation mode;
    loss and accuracy of the history are those of the steps themselves, in training mode. Each
    callback gets an `Epoch` and may return True to stop; a `Callback` hears of the start and the
    end too. `progress` shows a bar in a terminal or a notebook. Ctrl-C after the first epoch, or
    divergence, ends training with a warning: the history up to then is returned and the model
    usable. An array of floats is read where it is, without a copy, unless there are callbacks.
    """
    callbacks = _callables(callbacks)
    rows, targets, weights = weighted(*examples(X, y, own=bool(callbacks)), sample_weight)
    held_out = None if validation is None else validation_rows(validation, own=bool(callbacks))
    training = prepared(model, rows, targets, loss, optimizer, penalty, weights)
    right = Right(loss := find_loss(loss), targets, weights)
    epochs, block = planned(training, epochs, batch_size, rng, augment, right.known)
    descent = find_engine(engine)(training)
    measure = held_out and evaluation(model, held_out, loss, engine)
    history = History()
    shared, most = bool(callbacks), 1 if callbacks or measure is not None else epochs
    steps = blocks(descent, block, epochs, most=most, shared=shared)

    def record(*measured: float | None) -> tuple[float, float | None]:
        losses, shares, k = block.mean_losses(), None, block.epochs
        if isinstance(block.outputs, list):  # of one epoch
            shares = [right.share(block.outputs[0], block.order)]
        elif block.outputs is not None:
            orders = slice(None) if block.rng is None else block.orders[:k]
            shares = right.share(block.outputs[:k], orders).tolist()
        block.steps = 0
        history._extend(losses, shares, *(None if x is None else [x] for x in measured))
        last = losses[-1], shares[-1] if shares else None
        if not bar.disable:
            bar.set_postfix(_shown(*last), refresh=False)
            bar.update(len(losses))
        return last

    with progress_bar(epochs, flag("progress", progress)) as bar, _told(callbacks, model, steps):
        try:
            for number in steps:
                measured = (None, None) if measure is None else measure(descent, shared=shared)
                shown = record(*measured)
                if _stops(callbacks, Epoch(number, number == epochs - 1, model, *shown, *measured)):
                    history.stopped = f"stopped by a callback after epoch {number}"
                    break
        except (KeyboardInterrupt, DivergenceError) as error:
            if block.epochs and measure is None:  # complete when it was broken off
                record(None, None)
            history.stopped, history.diverged = str(error), True
            if isinstance(error, KeyboardInterrupt):
                if not history.loss:
                    raise
                history.interrupted, history.diverged = True, False
                history.stopped = f"interrupted by the user after epoch {len(history) - 1}"
            warn(f"training {history.stopped}", RuntimeWarning)
    return history


@contextmanager
def _told(
    callbacks: Iterable[AnyCallback], model: Model, steps: Generator[int, None, None]
) -> Iterator[None]:
    """Tell the callbacks when training begins and when it is over; also where telling one fails."""
    listening = [callback for callback in callbacks if isinstance(callback, Callback)]
    try:
        for callback in listening:
            callback.start(model)
        yield
    finally:
        steps.close()  # which writes the parameters of the last step
        with ExitStack() as ends:  # the last one in is the first told
            for callback in sorted(listening, key=lambda callback: callback.best_loss):
                ends.callback(callback.over)


class EarlyStopping(Callback):
    """A callback: stop when the validation loss has not fallen for `patience` epochs.

    A fall counts if it is more than `min_delta`. However training ends, the parameters (and
    buffers) of the best epoch are then restored (Prechelt 1998). Without validation data it takes
    the loss, which is measured before an update, and the parameters from before that epoch. Where
    no loss was a number below infinity, nothing is best and nothing restored.
    """

    def __init__(self, patience: int = 10, *, min_delta: float = 0.0) -> None:
        self.patience = whole("patience", patience)
        self.min_delta = real("min_delta", min_delta, least=0)
        self.best_epoch = 0
        self._model: Module | None = None
        self._best: dict[str, float] = {}
        self._before: dict[str, float] = {}

    def start(self, model: Model) -> None:
        """Forget an earlier training. Raises TypeError for a model that is no Module."""
        if not isinstance(model, Module):
            raise TypeError("EarlyStopping restores parameters: the model must be an nn.Module")
        self.best_loss, self.best_epoch = math.inf, 0
        self._model, self._before = model, model.state_dict()

    def __call__(self, epoch: Epoch) -> bool:
        """Whether to stop after this epoch."""
        instance("epoch", epoch, Epoch, "an Epoch", "write fit(..., callbacks=[EarlyStopping()])")
        if self._model is None:  # in a loop of one's own
            self.start(epoch.model)
        assert self._model is not None
        now = self._model.state_dict()
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, epoch.number
            self._best = self._before if epoch.validation_loss is None else now
        self._before = now
        return epoch.number - self.best_epoch >= self.patience

    def over(self) -> None:
        """Restore the best parameters; in a loop of one's own to be called behind it."""
        if self._model is not None and self.best_loss < math.inf:
            self._model.load_state_dict(self._best)
        self._model = None

    def __repr__(self) -> str:
        return f"EarlyStopping({self.patience}, min_delta={self.min_delta})"


def validation_rows(validation: Any, *, own: bool) -> tuple[Rows, Rows, Any]:
    """Rows, targets and weights (None without) of `validation`. TypeError for anything else."""
    try:
        X, y, *weights = validation
        [sample_weight] = weights or [None]
    except (TypeError, ValueError):
        raise TypeError(
            f"validation must be (X, y) or (X, y, sample_weight), got {validation!r:.60}"
        ) from None
    return weighted(*examples(X, y, names=("X_val", "y_val"), own=own), sample_weight)


def _callables(callbacks: Any) -> Sequence[AnyCallback]:
    if isinstance(callbacks, (list, tuple)) and any(isinstance(c, type) for c in callbacks):
        raise TypeError("callbacks holds a class: write EarlyStopping() with parentheses")
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks must be a list of functions of an Epoch, got {callbacks!r:.60}")
    return callbacks


def _stops(callbacks: Sequence[AnyCallback], epoch: Epoch) -> bool:
    answers = [callback(epoch) for callback in callbacks]
    for callback, answer in zip(callbacks, answers, strict=True):
        if answer is not None and not is_flag(answer):
            raise TypeError(
                f"callback {callback!r} must return True to stop or None, got {answer!r}"
            )
    return any(answers)


def _shown(loss: float, accuracy: float | None) -> dict[str, str]:
    shown = {"loss": f"{loss:.4f}"}
    return shown if accuracy is None else {**shown, "accuracy": f"{accuracy:.1%}"}


def progress_bar(epochs: int, progress: bool) -> Any:
    """A bar of epochs, where somebody can see it: a terminal or a notebook, never a log."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    seen = flag("progress", progress) and (terminal or "ipykernel" in sys.modules)
    try:
        from tqdm import tqdm
    except ImportError:  # as in a page, which has no terminal
        return nullcontext(SimpleNamespace(disable=True))
    return tqdm(total=epochs, unit="epoch", disable=not seen, dynamic_ncols=True)


@answered
def pretrain(
    model: MLP,
    X: Iterable[Any],
    *,
    optimizer: str | Callable[[list[Value]], Optimizer],
    epochs: int,
    decoder: Activation = "linear",
    batch_size: int | None = None,
    engine: str | Engine = "auto",
    rng: int | random.Random | None = None,
    augment: Augment | None = None,
    progress: bool = True,
) -> list[History]:
    """Train the hidden layers one by one, from the first on, to keep what their inputs tell.

    Each layer is the encoder of an autoencoder: a new layer, the decoder, learns with it to give
    back the layer's own inputs, which are the activations of the layers below for the rows `X`
    (squared error, `epochs` each), and is thrown away. The last layer stays as it is; `fit` then
    tunes them all. A decoder that is "sigmoid" gives numbers in (0, 1) only. With `augment` the
    first layer has to restore the row from a changed one. Options as for `fit`; `rng` draws the
    decoders and the batches. Gives the history of each layer; one that was stopped is the last.

    Raises TypeError for a model that is no MLP or an optimizer that is made already, ValueError for
    one without hidden layers. Hinton and Salakhutdinov 2006; Bengio, Lamblin, Popovici and
    Larochelle 2007.
    """
    if not isinstance(model, MLP):
        raise TypeError(f"pretrain takes an MLP, got {type(model).__name__}")
    if len(model.layers) < 2:
        raise ValueError(f"{model!r} has no hidden layer to pretrain: write MLP(2, [8, 1])")
    if isinstance(optimizer, Optimizer):
        raise TypeError(
            "every layer is trained by an optimizer of its own: "
            "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"
        )
    rng, rows = as_random(0 if rng is None else rng), inputs(X)
    histories = []
    for layer, nin, nout in zip(model.layers[:-1], model.sizes, model.sizes[1:], strict=False):
        history = fit(
            _Autoencoder(layer, Layer(nout, nin, decoder, rng=rng)), rows, rows,
            loss="squared_error", optimizer=optimizer, epochs=epochs, batch_size=batch_size,
            engine=engine, rng=rng, augment=augment, progress=progress,
        )  # fmt: skip
        histories.append(history)
        if history.stopped:
            break
        rows, augment = inputs(outputs_of(layer, rows, engine)), None
    return histories


class _Autoencoder(Module):
    """A decoder after an encoder, whose parameters keep their names."""

    def __init__(self, encoder: Layer, decoder: Layer) -> None:
        self.encoder, self.decoder = encoder, decoder

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        return self.decoder(self.encoder(x))
