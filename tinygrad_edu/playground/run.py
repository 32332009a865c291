"""Run: a net in training, made from settings, and the program that gives its state again."""

import sys
from dataclasses import replace
from types import NoneType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.checks import instance, one_of, whole
from tinygrad_edu.data import Dataset, train_test_split
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import find_loss, l1, l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.playground.settings import DATA, LOSSES, OWN, RUNNING, Settings, columns
from tinygrad_edu.text import public_order
from tinygrad_edu.train import DivergenceError
from tinygrad_edu.train.blocks import blocks
from tinygrad_edu.train.descent import planned
from tinygrad_edu.train.engines import find_engine
from tinygrad_edu.train.heads import Head, head_for
from tinygrad_edu.train.matrix import Evaluator
from tinygrad_edu.train.training import prepared
from tinygrad_edu.vectorize.arrays import Array


class Fit(NamedTuple):
    """So many epochs with these settings."""

    settings: Settings
    epochs: int


class Put(NamedTuple):
    """A parameter set by hand."""

    name: str
    number: float


class Measured(NamedTuple):
    """Mean loss and share of right classes after an epoch; of the test points None without any."""

    epoch: int
    loss: float
    accuracy: float
    test_loss: float | None
    test_accuracy: float | None


class Part(NamedTuple):
    """Training or test points: `X` (n, 2), class numbers `y` (n,), rows and targets of the net."""

    X: Array
    y: Array
    rows: list[list[float]]
    targets: list[Any]

    def measure(self, evaluator: Evaluator, head: Head) -> tuple[float, float]:
        """Mean loss and share of right classes."""
        loss, outputs = evaluator.measure()
        return loss, float((head.classes(outputs) == self.y).mean())


class Run:
    """A net in training. The same settings and steps give the same numbers again.

    `settings`, `loss` (its name), `head`, `data`, `model`, `training` and `test` points (None
    without any), `losses`: a `Measured` for each time it was measured; `done`: what was done since
    the start.
    """

    def __init__(self, settings: Settings, own: Dataset | None = None) -> None:
        self.own = instance("own", own, (Dataset, NoneType), "a Dataset", "write points(X, y)")
        self._start(instance("settings", settings, Settings, "Settings", "write Settings()"))

    def _start(self, settings: Settings) -> None:
        if settings.data == OWN and self.own is None:
            raise ValueError('data="own" needs points: write playground(X, y)')
        made = settings.n, settings.noise, settings.seed
        data = self.own if settings.data == OWN else DATA[settings.data].points(*made)
        assert data is not None
        loss, classes = settings.loss, len(data.class_names)
        if loss == "cross_entropy" and classes == 2:
            loss = "binary_cross_entropy_with_logits"
        head = head_for(loss, classes, LOSSES)
        self.training, self.test = _split(data, settings, head)
        self.settings, self.data, self.loss, self.head = settings, data, loss, head
        self.reset()

    def reset(self) -> None:
        """The initial weights again."""
        settings, head = self.settings, self.head
        sizes = [*settings.hidden, head.units]
        activations = settings.activation, head.activation
        self.model = MLP(len(settings.features), sizes, *activations, rng=settings.seed)
        loss = find_loss(self.loss)
        self._evaluators = [
            (part, Evaluator(self.model, part.rows, part.targets, loss))
            for part in (self.training, self.test)
            if part is not None
        ]
        self.epoch = 0
        self.losses: list[Measured] = []
        self.done: list[Fit | Put] = []
        self._begin()
        self.measure()

    def change(self, **changes: Any) -> None:
        """Other settings: training goes on with those of `RUNNING`, others start it anew.

        Raises ValueError or TypeError, the run then being as it was.
        """
        settings = replace(self.settings, **changes)
        if changes.keys() <= RUNNING:
            self.settings = settings
            self._begin()
        else:
            self._start(settings)

    def train(self, epochs: int = 1) -> None:
        """So many epochs more. Raises DivergenceError, with the last finite weights kept."""
        for _ in range(whole("epochs", epochs, least=0)):
            self.epoch += 1
            fit = self.done[-1]
            assert isinstance(fit, Fit)
            self.done[-1] = fit._replace(epochs=fit.epochs + 1)
            try:
                next(self._epochs)
            except DivergenceError as error:
                self._begin()
                # which counts from 1, over all fits
                raise DivergenceError(error.args[0]._replace(epoch=self.epoch)) from None

    def measure(self) -> Measured:
        """Losses and accuracies as they are now, kept in `losses`."""
        found: list[float | None] = []
        for part, evaluator in self._evaluators:
            found += part.measure(evaluator, self.head)
        measured = Measured(self.epoch, *[*found, None, None][:4])  # type: ignore[arg-type]
        if self.losses and self.losses[-1].epoch == self.epoch:
            self.losses.pop()
        self.losses.append(measured)
        return measured

    @property
    def weights(self) -> dict[str, Value]:
        """The parameters by name."""
        return self.model.named_parameters()

    def set_weight(self, name: str, number: float) -> None:
        """Set a parameter by hand; training goes on from there."""
        self.weights[one_of("parameter", name, self.weights)].data = number
        self._begin(Put(name, number))

    @property
    def batch_size(self) -> int:
        """Examples in an update: not more than there are."""
        n = len(self.training.rows)
        return n if self.settings.batch_size is None else min(self.settings.batch_size, n)

    def _begin(self, put: Put | None = None) -> None:
        """Begin to train with the settings as they are now, after `put` if it is given."""
        settings = self.settings
        done = [act for act in self.done if not isinstance(act, Fit) or act.epochs]
        if put is not None:
            again = done and isinstance(done[-1], Put) and done[-1].name == put.name
            done[len(done) - bool(again) :] = [put]
        self.done = [*done, Fit(settings, 0)]
        rule = {"none": None, "l1": l1, "l2": l2}[settings.penalty]
        strength = settings.strength
        training = prepared(
            self.model, self.training.rows, self.training.targets, self.loss,
            SGD(self.model.parameters(), lr=settings.lr),
            rule and (lambda model: rule(model.parameters(), strength)),
        )  # fmt: skip
        epochs, block = planned(training, sys.maxsize, self.batch_size, settings.seed)
        self._epochs = blocks(find_engine("auto")(training), block, epochs, most=1, shared=True)


def _split(data: Dataset, settings: Settings, head: Head) -> tuple[Part, Part | None]:
    """The training points, and the test points if there are any."""

    def part(X: Any, y: Any) -> Part:
        points = np.array(X)
        rows: list[list[float]] = columns(points, settings.features).tolist()
        return Part(points, np.array(y), rows, head.targets(y))

    if not settings.test_share:
        return part(data.X, data.y), None
    try:
        X, y, X_test, y_test = train_test_split(
            data.X, data.y, test_size=settings.test_share, rng=settings.seed
        )
    except ValueError as error:
        said = str(error).replace("rows or write stratify=False", "points or choose test_share=0")
        raise ValueError(said) from None
    return part(X, y), part(X_test, y_test)


def code(run: Run, own: str = "points(X, y)") -> str:
    """Imports, a line each for data, model and training, and one for each thing done in between.

    `own` is how the user's points were made.
    """
    first, *rest = run.done
    done = [first, *(act for act in rest if act != Fit(run.settings, 0))]
    lines = [_data(run.settings, own), _model(run), *(_done(run, act) for act in done)]
    return "\n".join([*_imports("\n".join(lines)), *lines])


def _data(settings: Settings, own: str) -> str:
    source = own
    if settings.data != OWN:
        source = DATA[settings.data].code(settings.n, settings.noise, settings.seed)
    if not settings.test_share:
        return f"X_train, y_train = {source}"
    return (
        f"X_train, y_train, X_test, y_test = train_test_split(*{source}, "
        f"test_size={settings.test_share}, rng={settings.seed})"
    )


def _model(run: Run) -> str:
    settings, head = run.settings, run.head
    sizes = [*settings.hidden, head.units]
    output = "" if head.activation == "linear" else f', output="{head.activation}"'
    return (
        f'model = MLP({len(settings.features)}, {sizes}, "{settings.activation}"{output}, '
        f"rng={settings.seed})"
    )


def _done(run: Run, act: Fit | Put) -> str:
    if isinstance(act, Put):
        return f'model.named_parameters()["{act.name}"].data = {act.number}'
    settings = act.settings
    options: dict[str, Any] = {
        "loss": f'"{run.loss}"',
        "optimizer": f"SGD(model.parameters(), lr={settings.lr})",
        "epochs": act.epochs,
    }
    n = len(run.training.rows)
    if settings.batch_size is not None and settings.batch_size < n:
        options["batch_size"] = settings.batch_size
    if settings.penalty != "none":
        rule = f"{settings.penalty}(model.parameters(), {settings.strength})"
        options["penalty"] = f"lambda model: {rule}"
    options["rng"] = settings.seed
    X = "X_train"
    if tuple(settings.features) != ("x1", "x2"):
        X = f"features(X_train, {list(settings.features)})"
    arguments = "".join(f", {name}={value}" for name, value in options.items())
    return f"fit(model, {X}, {_targets(run.head)}{arguments})"


def _targets(head: Head) -> str:
    """The targets of the training points as the loss takes them."""
    if head.low < 0:
        return "[2 * c - 1 for c in y_train]"
    one_of_k = head.units > 1 and head.outputs != "logits"
    return f"one_hot(y_train, range({head.units}))" if one_of_k else "y_train"


_HOMES = {
    "tinygrad_edu": (*sorted(["MLP", "SGD", "fit", "train_test_split", *DATA], key=public_order),),
    "tinygrad_edu.data": ("one_hot",),
    "tinygrad_edu.losses": ("l1", "l2"),
    "tinygrad_edu.playground": ("features", "points"),
}


def _imports(lines: str) -> list[str]:
    used = {home: [n for n in names if f"{n}(" in lines] for home, names in _HOMES.items()}
    return [f"from {home} import {', '.join(names)}" for home, names in used.items() if names]
