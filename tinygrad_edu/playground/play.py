"""playground: a run on a page of widgets, or as a picture."""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from tinygrad_edu.checks import one_of, whole
from tinygrad_edu.playground.code import code
from tinygrad_edu.playground.page import PANELS, Page
from tinygrad_edu.playground.panels import numbers
from tinygrad_edu.playground.points import points
from tinygrad_edu.playground.run import Run
from tinygrad_edu.playground.settings import OWN, Settings
from tinygrad_edu.playground.still import still
from tinygrad_edu.view.base.display import displays_still


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
        picture = base64.b64encode(still(self.run).png()).decode()
        bundle: dict[str, Any] = {"text/plain": repr(self), "image/png": picture}
        if self.page is not None:
            bundle |= self.page.widget._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle

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
    if isinstance(show, str):
        raise TypeError(f"show is a list of panels: write show=[{show!r:.40}]")
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
