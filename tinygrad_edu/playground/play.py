"""playground: a run on a page of widgets, or as a picture."""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from matplotlib.axes import Axes

from tinygrad_edu.checks import listed, one_of, whole
from tinygrad_edu.figure import Figure, draw_epochs
from tinygrad_edu.playground.page import PANELS, Page
from tinygrad_edu.playground.panels import numbers
from tinygrad_edu.playground.points import points
from tinygrad_edu.playground.run import Run, code
from tinygrad_edu.playground.settings import OWN, Settings, features
from tinygrad_edu.view import pictures
from tinygrad_edu.view.base.display import displays_still
from tinygrad_edu.view.base.palette import CURVES


class Playground:
    """A run that shows itself: in a notebook as widgets, in a saved one as a picture.

    `run` is the net in training, `code` the program that gives its state.
    """

    def __init__(self, run: Run, own: str, show: Sequence[str]) -> None:
        self.run = run
        self.own = own
        self.page = None if displays_still() else Page(run, own, show)

    @property
    def code(self) -> str:
        """Imports and the lines that give the state of the run."""
        return code(self.run, self.own)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        picture = base64.b64encode(snapshot(self.run).png()).decode()
        widgets = {} if self.page is None else self.page.widget._repr_mimebundle_()
        return {"image/png": picture, **widgets, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Playground: {self.run.settings.data}, {numbers(self.run.losses[-1])}>"


def playground(
    X: Iterable[Any] | str | os.PathLike[str] | None = None,
    y: Iterable[Any] | None = None,
    *,
    columns: Sequence[str] | None = None,
    show: Sequence[str] = PANELS,
    epochs: int = 0,
    **settings: Any,
) -> Playground:
    """A net on points of the plane: every setting, the decision regions, the losses, every unit.

    X, y      your own points, as for `points`; or X is the path of a CSV file
    columns   of the file: x1, x2 and the class
    show      panels: "data", "net", "training" (the settings), "plane", "losses", "network",
              "units", "weights" (sliders, for at most 20 parameters), "example", "code"
    epochs    trained before it is shown
    settings  what is chosen at first, as for `Settings`: data="spiral", hidden=[16], lr=0.3

    With TINYGRAD_EDU_DISPLAY="static" it is a picture. Raises TypeError or ValueError naming the
    argument, ImportError without the extra `notebook`.
    """
    show = listed("show", show, "panels", remedy=f"write show=[{show!r:.40}]")
    for name in show:
        one_of("panel", name, PANELS)
    names = [field.name for field in fields(Settings)]
    for name in settings:
        one_of("setting", name, names)
    own, text = None, ""
    if X is not None:
        own = points(X, y, columns)
        path = isinstance(X, (str, os.PathLike))
        option = "" if columns is None else f", columns={list(columns)}"
        text = f"points({os.fspath(X)!r}{option})" if path else "points(X, y)"  # type: ignore[arg-type]
        settings.setdefault("data", OWN)
    elif y is not None or columns is not None:
        raise TypeError("y and columns belong to points of your own: write playground(X, y)")
    run = Run(Settings(**settings), own)
    for _ in range(whole("epochs", epochs, least=0)):
        run.train()
        run.measure()
    return Playground(run, text, show)


def snapshot(run: Run) -> Figure:
    """A run as one picture, which stays in a saved notebook: regions, and losses if several."""
    curve = len(run.losses) > 1
    figure = Figure(figsize=(10.5 if curve else 6.0, 4.4), layout="constrained")
    axes = figure.subplots(1, 1 + curve, squeeze=False)[0]
    training, test = run.training, run.test
    X_test, y_test = ([], []) if test is None else (test.X.tolist(), test.y.tolist())
    pictures.regions(
        run.model, training.X.tolist(), training.y.tolist(), X_test=X_test, y_test=y_test,
        transform=lambda rows: features(rows, run.settings.features),
        loss=run.loss,
        class_names=run.data.class_names, feature_names=run.data.feature_names,
        hidden_lines=False, margins=False, misclassified=False, resolution=120, ax=axes[0],
    )  # fmt: skip
    if curve:
        _losses(run, axes[1])
    figure.suptitle(numbers(run.losses[-1]), fontsize="medium")
    return figure


def _losses(run: Run, ax: Axes) -> None:
    curves = [([m.loss for m in run.losses], {"color": CURVES[0], "label": "training"})]
    if run.test is not None:
        losses = [m.test_loss for m in run.losses if m.test_loss is not None]
        curves.append((losses, {"color": CURVES[0], "ls": "--", "label": "test"}))
    draw_epochs(ax, curves, [m.epoch for m in run.losses])
    ax.set_ylabel("loss")
    ax.legend(frameon=False)
