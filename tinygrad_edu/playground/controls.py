"""Controls: a widget for each setting, and the settings that they show."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.playground.features import FEATURES
from tinygrad_edu.playground.settings import (
    DATA,
    LOSSES,
    MAX_LAYERS,
    MAX_UNITS,
    OWN,
    PENALTIES,
    UNITS,
    Settings,
)

#: Settings by the panel in which they stand.
GROUPS: Final = {
    "data": ("data", "n", "noise", "test_share", "features", "seed"),
    "net": ("hidden", "activation", "loss"),
    "training": ("lr", "penalty", "strength", "batch_size"),
}
_RATES: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_STRENGTHS: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
_BATCHES: Final = (1, 5, 10, 30, 100)
_ROW: Final = {"width": "232px"}
_TEXT: Final = {"description_width": "86px"}
_TITLES: Final = {
    "data": "data", "n": "points", "noise": "noise", "test_share": "test share", "seed": "seed",
    "activation": "activation", "loss": "loss", "lr": "learning rate", "penalty": "penalty",
    "strength": "its strength", "batch_size": "batch size",
}  # fmt: skip


def library() -> Any:
    """The package ipywidgets. Raises ImportError saying how to get it, and anywidget too."""
    try:
        import_module("anywidget")
        return import_module("ipywidgets")
    except ImportError as error:
        raise ImportError(
            'the playground needs ipywidgets and anywidget: pip install "tinygrad-edu[notebook]"'
        ) from error


class Controls:
    """Widgets by setting; `changed(name, value)` is called where the user changes one."""

    def __init__(self, settings: Settings, own: bool, changed: Callable[[str, Any], None]) -> None:
        self.widgets = library()
        self.changed = changed
        self.showing = False
        self.boxes: dict[str, list[Any]] = {
            "data": [self._dropdown("data", [*DATA, *([OWN] if own else [])])],
            "n": [self._slider("IntSlider", "n", min(20, settings.n), max(500, settings.n), 10)],
            "noise": [self._slider("FloatSlider", "noise", 0.0, max(1.0, settings.noise), 0.05)],
            "test_share": [
                self._slider("FloatSlider", "test_share", 0.0, max(0.9, settings.test_share), 0.05)
            ],
            "features": [self._checkbox(name) for name in FEATURES],
            "seed": [self._number("seed", 0, 10**9)],
            "hidden": [self._number("", 0, MAX_UNITS) for _ in range(MAX_LAYERS)],
            "activation": [self._dropdown("activation", UNITS)],
            "loss": [self._dropdown("loss", LOSSES)],
            "lr": [self._dropdown("lr", _with(_RATES, settings.lr))],
            "penalty": [self._dropdown("penalty", PENALTIES)],
            "strength": [self._dropdown("strength", _with(_STRENGTHS, settings.strength))],
            "batch_size": [self._dropdown("batch_size", _batches(settings.batch_size))],
        }
        self.show(settings)
        for name, boxes in self.boxes.items():
            for box in boxes:
                box.observe(lambda _, name=name: self._tell(name), names="value")

    def show(self, settings: Settings) -> None:
        """Let the widgets show these settings."""
        self.showing = True
        try:
            for name, boxes in self.boxes.items():
                value = getattr(settings, name)
                values = [value]
                if name == "features":
                    values = [feature in value for feature in FEATURES]
                elif name == "hidden":
                    values = [*value, *[0] * MAX_LAYERS][:MAX_LAYERS]
                for box, number in zip(boxes, values, strict=True):
                    box.value = number
                    box.disabled = name in ("n", "noise") and settings.data == OWN
        finally:
            self.showing = False

    def group(self, name: str) -> Any:
        """The widgets of a group in a column."""
        w, rows = self.widgets, []
        for setting in GROUPS[name]:
            if setting == "features":
                grid = w.Layout(grid_template_columns="1fr 1fr 1fr", width="100%")
                rows.append(w.GridBox(self.boxes[setting], layout=grid))
            elif setting == "hidden":
                rows.append(w.HTML("units of the hidden layers (0: none)"))
                rows.append(w.HBox(self.boxes[setting]))
            else:
                rows += self.boxes[setting]
        return w.VBox(rows)

    def _tell(self, name: str) -> None:
        if self.showing:
            return
        values = [box.value for box in self.boxes[name]]
        if name == "features":
            chosen = [f for f, ticked in zip(FEATURES, values, strict=True) if ticked]
            self.changed(name, tuple(chosen))
        elif name == "hidden":
            self.changed(name, tuple(n for n in values if n))
        else:
            self.changed(name, values[0])

    def _dropdown(self, name: str, options: Any) -> Any:
        return self.widgets.Dropdown(
            options=options, description=_TITLES[name], layout=_ROW, style=_TEXT
        )

    def _slider(self, kind: str, name: str, least: float, most: float, step: float) -> Any:
        return getattr(self.widgets, kind)(
            min=least, max=most, step=step, description=_TITLES[name], continuous_update=False,
            layout=_ROW, style=_TEXT,
        )  # fmt: skip

    def _number(self, name: str, least: int, most: int) -> Any:
        look = {"layout": _ROW, "style": _TEXT} if name else {"layout": {"width": "54px"}}
        return self.widgets.BoundedIntText(
            min=least, max=most, description=_TITLES.get(name, ""), **look
        )

    def _checkbox(self, name: str) -> Any:
        return self.widgets.Checkbox(
            description=name, indent=False, layout={"width": "auto", "margin": "0"}
        )


def _with(numbers: tuple[float, ...], chosen: float) -> list[float]:
    return sorted({*numbers, chosen})


def _batches(chosen: int | None) -> list[tuple[str, int | None]]:
    sizes = sorted({*_BATCHES, *([] if chosen is None else [chosen])})
    return [*((str(n), n) for n in sizes), ("all", None)]
