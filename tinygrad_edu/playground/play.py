"""playground: the page with a net in training, as Python holds it."""

import base64
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tinygrad_edu.checks import listed, one_of, real, text_of, whole
from tinygrad_edu.data import Dataset
from tinygrad_edu.files import AnyPath, path_of, write
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.playground.lesson import TITLE, linked, page_of
from tinygrad_edu.playground.parts import parameter_names
from tinygrad_edu.playground.settings import MOST_POINTS, OWN, RUNNING, Settings, changed
from tinygrad_edu.playground.start import (
    MOST_EPOCHS,
    Module,
    Start,
    features_of,
    losses_for,
    net_of,
    own_in_page,
    own_text,
    points,
)
from tinygrad_edu.train import History
from tinygrad_edu.view.base.display import displays_still

MISSING: Final = (
    'the playground is live in a notebook with anywidget: pip install "tinygrad-edu[notebook]"; '
    'without it .save("lesson.html") writes it as a page'
)
#: The panels of the first release, by the part of the page in which their things are.
PANELS: Final[Mapping[str, Sequence[str]]] = {
    "data": ("data",),
    "settings": ("net", "training"),
    "view": ("plane", "losses"),
    "dock": ("example", "code"),
    "net": ("network", "units", "weights"),
}


class Playground:
    """The page as Python holds it: what it has is read here, while it plays too, and changed.

    settings     as `Settings`; others in their place are those of the page
    parameters   numbers by name, such as "w1[2,1]"; a dict in their place sets those in it
    losses, test_losses
                 of each epoch, those of the test points where there are any
    epoch, playing
                 how many epochs are complete, and whether it goes on
    code         the program that gives this state again, "" until the page has been shown

    They are traits: `p.observe(print, "epoch")`. What the page does while a cell runs is heard when
    the cell has ended. `save` needs no widgets; without them, what has the page do something
    raises ImportError.
    """

    settings: Settings
    parameters: dict[str, float]
    losses: list[float]
    test_losses: list[float]
    epoch: int
    playing: bool = False
    code: str = ""
    _classes: int
    _touched: bool

    def __init__(self, start: Start, epochs: int = 0, title: str = TITLE, **options: Any) -> None:
        self._own, self._title, self._wanted = start.own, title, linked("", **options)
        self._begin(start, epochs)

    def model(self) -> Module:
        """The net with the parameters of now: an MLP, with dropout a Sequential."""
        net = net_of(self.settings, self._classes).module
        for p, x in zip(net.parameters(), self.parameters.values(), strict=True):
            p.data = x
        return net

    @property
    def link(self) -> str:
        """What the page opens with, behind the # of its address."""
        pairs = [("epoch", str(self.epoch))] * (0 < self.epoch <= MOST_EPOCHS)
        if self._touched or self.epoch > MOST_EPOCHS:
            pairs.append(("w", " ".join(map(repr, self.parameters.values()))))
        if self.settings.data == OWN and self._own is not None:
            pairs.append(("own", own_text(self._own)))
        return "&".join(filter(None, [self.settings.link, urlencode(pairs), self._wanted]))

    def save(self, path: AnyPath) -> Path:
        """Write the page in the state of now as one file of HTML; returns the path."""
        path = Path(path_of(path))
        write(path, page_of(self.link, self._title))
        return path

    def change(self, **changes: Any) -> None:
        """Change settings: rate, optimizer, batch, penalty and strength as training goes on.

        With others it starts anew. Raises TypeError or ValueError for what does not fit.
        """
        start, before = begun(self.settings, changes, self._own), vars(self.settings)
        news = {k: value for k, value in vars(start.settings).items() if value != before[k]}
        if news.get("data") == OWN and self._own is not None:
            news["own"] = own_in_page(self._own)
        self._ask("change", news)
        if news.keys() <= RUNNING:
            self._show(settings=start.settings, _touched=self._touched or self.epoch > 0)
        else:
            self._begin(start)

    def set(self, name: str, number: float) -> None:
        """Give a parameter a number, by its name such as "w1[2,1]" or "b1[2]"."""
        self._put({text_of("name", name): number})

    def play(self) -> None:
        """Train epoch after epoch, until `pause`."""
        self._ask("play")

    def pause(self) -> None:
        """End playing."""
        self._ask("pause")

    def step(self, epochs: int = 1) -> None:
        """Train so many epochs."""
        self._ask("step", whole("epochs", epochs))

    def reset(self) -> None:
        """The first weights again."""
        self._ask("reset")
        self._begin(Start(self.settings, self._own))

    def _put(self, numbers: Mapping[str, Any]) -> None:
        news = {one_of("parameter", k, self.parameters): real(k, x) for k, x in numbers.items()}
        self._ask("set", news)
        self._show(parameters={**self.parameters, **news}, _touched=True)

    def _begin(self, start: Start, epochs: int = 0) -> None:
        history = start.fit(epochs) if epochs else History()
        numbers = [p.data for p in start.net.module.parameters()]
        self._show(
            settings=start.settings, _classes=start.classes, _touched=history.diverged,
            parameters=dict(zip(parameter_names(start.net.sizes), numbers, strict=True)),
            losses=history.loss, test_losses=history.validation_loss, epoch=len(history),
        )  # fmt: skip

    def _show(self, **news: Any) -> None:
        """What the page has now."""
        for name, value in news.items():
            setattr(self, name, value)

    def _ask(self, what: str, how: Any = None) -> None:
        """Have the page do something."""
        raise ImportError(MISSING)

    def _live(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What shows the page itself in a notebook, and what is said of it."""
        warnings.warn(MISSING, stacklevel=2)
        return {}, {}

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        png = base64.b64encode(_picture(self.model(), Start(self.settings, self._own))).decode()
        live, about = ({}, {}) if displays_still() else self._live()
        return {"image/png": png, **live, "text/plain": repr(self)}, about

    def __repr__(self) -> str:
        loss = f", training loss {self.losses[-1]:.4g}" if self.losses else ""
        return f"<Playground: {self.settings.data}, epoch {self.epoch:,}{loss}>"


def playground(
    X: Iterable[Any] | str | os.PathLike[str] | None = None,
    y: Iterable[Any] | None = None,
    *,
    columns: Sequence[str] | None = None,
    show: Iterable[str] | None = None,
    hide: Iterable[str] = (),
    lock: bool = False,
    questions: Iterable[str] = (),
    title: str = TITLE,
    epochs: int = 0,
    **settings: Any,
) -> Playground:
    """The page as a widget: a net on points of the plane, and every number of its training.

    X, y       your own points, as for `points`; or X is the path of a CSV file
    columns    of the file: x1, x2 and the class
    show       what is not hidden, as the first release called it: "plane", "losses", "net", ...
    hide, lock, questions, title
               what a teacher wants, as for `lesson`
    epochs     trained before it is shown, at most 5,000
    settings   what is chosen at first, as for `Settings`: data="spiral", hidden=[8, 8], rate=0.03

    A saved notebook keeps a picture, which is all that there is with TINYGRAD_EDU_DISPLAY="static".
    Raises TypeError or ValueError naming the argument.
    """
    own = None
    if X is not None:
        own = points(X, y, columns)
        settings = {"data": OWN} | settings
    elif y is not None or columns is not None:
        raise TypeError("y and columns belong to points of your own: write playground(X, y)")
    if show is not None:
        hide = [*listed("hide", hide, "parts of the page"), *_not_shown(show)]
    start = begun(Settings(), settings, own)
    kind: type[Playground] = Playground
    if find_spec("anywidget"):
        kind = import_module("tinygrad_edu.playground.widget").Widget
    epochs = whole("epochs", epochs, 0, MOST_EPOCHS)
    return kind(start, epochs, title, hide=hide, lock=lock, questions=questions)


def begun(settings: Settings, changes: Mapping[str, Any], own: Dataset | None) -> Start:
    """The start with these changes, of which a loss has to fit the data."""
    start = Start(changed(settings, changes), own)
    loss, offered = start.settings.loss, losses_for(start.classes)
    if "loss" in changes and loss not in offered:
        kind = f"{start.classes} classes" if start.classes else "numbers"
        raise ValueError(f"the loss {loss} is not for {kind}: choose {', '.join(offered)}")
    if len(start.data) > MOST_POINTS:
        raise ValueError(
            f"the playground shows at most {MOST_POINTS:,} points, got {len(start.data):,}: "
            "choose some, such as X[::10] and y[::10]"
        )
    return start


def _picture(net: Module, start: Start) -> bytes:
    """Net and plane as one PNG: regions with the points, or how a function is met."""
    from tinygrad_edu.figure import in_a_row  # late: matplotlib takes long
    from tinygrad_edu.view import network, pictures
    from tinygrad_edu.view.base.pdf import figure_of

    X, y = start.train
    if start.classes:
        X_test, y_test = start.test or ([], [])
        axes = pictures.regions(
            net, X, y, X_test=X_test, y_test=y_test, transform=start.rows, loss=start.net.loss,
            class_names=start.data.class_names, feature_names=start.data.feature_names,
            hidden_lines=False, margins=False, misclassified=False, resolution=120,
        )  # fmt: skip
    elif len(X[0]) > 1:
        with in_mode(modules_of(net), training=False):
            axes = pictures.predictions(y, [net(row).data for row in start.rows(X)])
    else:
        axes = pictures.curve(net, X, y, transform=start.rows, units=0)
    drawn = network(net, input_names=features_of(start.settings, start.classes))
    figures: list[Any] = [figure_of(drawn.svg), axes.figure]
    return in_a_row([figure.png(96) for figure in figures])


def _not_shown(show: Iterable[str]) -> list[str]:
    """The parts of the page in which nothing is shown; the net always is."""
    names = listed("show", show, "panels", remedy=f"write show=[{show!r:.40}]")
    for name in names:
        one_of("panel", name, [panel for panels in PANELS.values() for panel in panels])
    return [part for part, panels in PANELS.items() if part != "net" and not {*names} & {*panels}]
