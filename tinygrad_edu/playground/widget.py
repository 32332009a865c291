"""The playground as a widget: imported only where there is anywidget."""

from functools import partial
from math import nan
from secrets import token_hex
from typing import Any

import anywidget
from traitlets import Bool, Dict, Instance, Int, List, Unicode, observe, validate

from tinygrad_edu.files import packaged
from tinygrad_edu.playground.lesson import page_of
from tinygrad_edu.playground.parts import parameter_names
from tinygrad_edu.playground.play import Playground
from tinygrad_edu.playground.settings import Settings
from tinygrad_edu.playground.start import Start, own_from_page


class Widget(Playground, anywidget.AnyWidget):  # type: ignore[misc]
    """A playground whose page is live.

    `key` tells it from others, `page` is its text, `asked` what it is to do, each thing with a
    number, and `told` what it has, with the number of the last thing that it did: it is heard
    where that is the last one asked.
    """

    _esm = packaged("playground/widget.mjs")
    key = Unicode().tag(sync=True)
    page = Unicode().tag(sync=True)
    asked = List().tag(sync=True)
    told = Dict().tag(sync=True)

    settings = Instance(Settings)
    parameters = Dict()
    losses = List(read_only=True)
    test_losses = List(read_only=True)
    epoch = Int(read_only=True)
    playing = Bool(read_only=True)
    code = Unicode(read_only=True)

    def __init__(self, start: Start, epochs: int, title: str, **options: Any) -> None:
        self._listening, self._asks = False, 0
        anywidget.AnyWidget.__init__(self)
        Playground.__init__(self, start, epochs, title, **options)
        self.key, self.page = token_hex(8), page_of(self.link, title)

    @property
    def link(self) -> str:
        """What the page opens with, behind the # of its address."""
        return self.told["link"] if self.told and self._heard else super().link

    @property
    def _heard(self) -> bool:
        """Whether the page has done all that was asked."""
        return bool(self.told.get("done", 0) == self._asks)

    @validate("settings", "parameters")  # type: ignore[untyped-decorator]
    def _taken(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if self._listening:
            return value
        if name == "parameters":
            self._put(value)
        else:
            now = vars(self.settings)
            self.change(**{k: x for k, x in vars(value).items() if x != now[k]})
        return getattr(self, name)

    @observe("told")  # type: ignore[untyped-decorator]
    def _hear(self, _: object) -> None:
        if not self.told or not self._heard:
            return
        told, settings = self.told, dict(self.told["settings"])
        if own := settings.pop("own"):
            self._own = own_from_page(own)
        names = parameter_names(told["sizes"])
        self._show(
            settings=Settings(**settings), _classes=told["classes"], code=told["code"],
            parameters=dict(zip(names, told["parameters"], strict=True)),
            losses=[_number(x) for x in told["losses"]], epoch=len(told["losses"]),
            _touched="&w=" in told["link"],
            test_losses=[_number(x) for x in told["testLosses"]], playing=told["playing"],
        )  # fmt: skip

    def _show(self, **news: Any) -> None:
        self._listening = True  # traits tell what the page has, and nothing is asked
        try:
            for name, value in news.items():
                (self.set_trait if self.has_trait(name) else partial(setattr, self))(name, value)
        finally:
            self._listening = False

    def _ask(self, what: str, how: Any = None) -> None:
        self._asks += 1
        waiting = [one for one in self.asked if one[0] > self.told.get("done", 0)]
        self.asked = [*waiting, [self._asks, what, how]]

    def _live(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return tuple(anywidget.AnyWidget._repr_mimebundle_(self))


def _number(x: float | None) -> float:
    """JSON has no number that is not finite."""
    return nan if x is None else x
