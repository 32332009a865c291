"""Start: points, split and net of some settings, equal to what the page makes of them."""

import random
import re
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu.data import Dataset, train_test_split
from tinygrad_edu.nn import MLP, Dropout, Layer, Sequential
from tinygrad_edu.playground.parts import PENALTIES, UPDATES, head_of
from tinygrad_edu.playground.settings import (
    COUNTED,
    FUNCTIONS,
    LOSSES,
    OWN,
    POINTS,
    SURFACES,
    Settings,
    columns,
)
from tinygrad_edu.train import History, fit

#: More epochs than these are no start: the page, too, makes no more of them before it is shown.
MOST_EPOCHS: Final = 5000

Module = MLP | Sequential


class Net(NamedTuple):
    """A net with its first weights, and the loss by name that its end is made for.

    `sizes` are those of inputs and layers, `low` is the target of the first of two classes.
    """

    module: Module
    sizes: list[int]
    loss: str
    low: int


class Start:
    """What training begins with.

    `settings`, `own` points, `data`, `classes` (0 for a function), `net`; `train`
    and `test` are points and labels, `test` None where none are held out.
    """

    def __init__(self, settings: Settings, own: Dataset | None = None) -> None:
        self.own, self.data = own, data_of(settings, own)
        if settings.data == OWN and len(self.data.X[0]) == 1:  # as the page does
            settings = replace(settings, features=_of_one(settings))
        self.settings = settings
        self.classes = len(self.data.class_names)
        self.net = net_of(settings, self.classes)
        self.train: tuple[Any, Any] = (self.data.X, self.data.y)
        self.test: tuple[Any, Any] | None = None
        if settings.share:
            options: Any = {"test_size": settings.share, "stratify": self.classes > 0}
            try:
                parts = train_test_split(*self.train, **options, rng=settings.seed)
            except ValueError as error:
                way = "points or choose share=0"
                said = str(error).replace("rows or write stratify=False", way)
                called = re.sub(
                    r"class (\d+) ", lambda m: f"class {self.data.class_names[int(m[1])]!r} ", said
                )
                raise ValueError(called) from None
            self.train, self.test = parts[:2], parts[2:]

    def fit(self, epochs: int) -> History:
        """Train the net so many epochs, as the page does."""
        s, net, n = self.settings, self.net.module, len(self.train[1])
        rule = PENALTIES.get(s.penalty)
        return fit(
            net, *self._examples(*self.train), loss=self.net.loss,
            optimizer=lambda p: UPDATES[s.optimizer](p, lr=s.rate),
            epochs=epochs, batch_size=None if s.batch is None or s.batch >= n else s.batch,
            penalty=rule and (lambda net: rule(net.parameters(), s.strength)),
            validation=self.test and self._examples(*self.test), rng=s.seed, progress=False,
        )  # fmt: skip

    def rows(self, points: Any) -> list[list[float]]:
        """What the net is given of points."""
        return columns(np.array(points, dtype=float), features_of(self.settings, self.classes))

    def _examples(self, points: Any, labels: Any) -> tuple[Any, Any]:
        low = self.net.low
        return self.rows(points), [y or low for y in labels] if low else labels


def data_of(settings: Settings, own: Dataset | None) -> Dataset:
    """Points of the plane with class numbers; or rows of numbers with what a function gives."""
    if settings.data == OWN:
        if own is None:
            raise ValueError('data="own" needs points: write playground(X, y)')
        return own
    if settings.data in POINTS:
        count = {COUNTED[settings.data]: settings.classes} if settings.data in COUNTED else {}
        return POINTS[settings.data].points(settings.n, settings.noise, settings.seed, **count)
    names = ("x",) if settings.data in FUNCTIONS else ("x1", "x2")
    rng = random.Random(settings.seed)
    function: Any = {**FUNCTIONS, **SURFACES}[settings.data]
    X = [[rng.uniform(-1, 1) for _ in names] for _ in range(settings.n)]
    y = [function(*x) + rng.gauss(0, settings.noise) for x in X]
    return Dataset(X, y, names, (), settings.data, "made")


def net_of(settings: Settings, classes: int) -> Net:
    """The net for so many classes; with another loss where theirs is not for as many."""
    offered = losses_for(classes)
    head = head_of(settings.loss if settings.loss in offered else offered[0], classes)
    assert head is not None
    loss, output = head["end"].split()
    outputs = 1 if head["units"] == 1 else classes
    sizes = [len(features_of(settings, classes)), *settings.hidden, outputs]
    activations = [*settings.activations, output]
    first = settings.seed if settings.start is None else settings.start
    module: Module
    if settings.dropout and settings.hidden:
        rng, masks = random.Random(first), random.Random(settings.seed + 1)
        layers: list[Any] = []
        for nin, nout, activation in zip(sizes, sizes[1:], activations, strict=False):
            layer = Layer(nin, nout, activation, rng=rng)
            layers += [layer, Dropout(settings.dropout, rng=masks)]
        module = Sequential(*layers[:-1])
    else:
        kinds = [*settings.activations]
        hidden = kinds if len({*kinds}) > 1 else (kinds or ["relu"])[0]  # as the page writes it
        module = MLP(sizes[0], sizes[1:], hidden, output=output, rng=first)
    return Net(module, sizes, loss, head["low"])


def losses_for(classes: int) -> list[str]:
    """The losses of the page for so many classes, 0 for numbers."""
    return [loss for loss in LOSSES if head_of(loss, classes)]


def features_of(settings: Settings, classes: int) -> list[str]:
    """The features that are used: of one number those without x2."""
    curve = not classes and settings.data in FUNCTIONS
    return _of_one(settings) if curve else list(settings.features)


def _of_one(settings: Settings) -> list[str]:
    return [name for name in settings.features if "x2" not in name] or ["x1"]
