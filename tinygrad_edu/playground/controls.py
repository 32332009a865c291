"""Controls: a widget for each setting, and the settings that they show."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.playground import settings as of
from tinygrad_edu.playground.settings import FEATURES, MAX_LAYERS, OWN, Settings

#: Settings by the panel in which they stand.
GROUPS: Final = {
    "data": ("data", "n", "noise", "test_share", "features", "seed"),
    "net": ("hidden", "activation", "loss"),
    "training": ("lr", "penalty", "strength", "batch_size"),
}
_RATES: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_STRENGTHS: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
_BATCHES: Final = (1, 5, 10, 30, 100)
#: Titles that are not the names of their settings.
_TITLES: Final = {"n": "points", "lr": "learning rate", "strength": "its strength"}


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
        w = self.widgets = library()
        self.changed = changed
        self.showing = False
        sizes = sorted({*_BATCHES, settings.batch_size or 1})
        choices: dict[str, Any] = {
            "data": [*of.DATA, *([OWN] if own else [])],
            "activation": of.UNITS,
            "loss": of.LOSSES,
            "penalty": of.PENALTIES,
            "lr": sorted({*_RATES, settings.lr}),
            "strength": sorted({*_STRENGTHS, settings.strength}),
            "batch_size": [*((str(n), n) for n in sizes), ("all", None)],
        }
        ranges = {
            "n": (w.IntSlider, min(20, settings.n), max(500, settings.n), 10),
            "noise": (w.FloatSlider, 0.0, max(1.0, settings.noise), 0.05),
            "test_share": (w.FloatSlider, 0.0, max(0.9, settings.test_share), 0.05),
            "seed": (w.BoundedIntText, 0, 10**9, 1),
        }
        tick, small = {"width": "auto", "margin": "0"}, {"width": "54px"}
        self.boxes: dict[str, list[Any]] = {
            "features": [w.Checkbox(description=f, indent=False, layout=tick) for f in FEATURES],
            "hidden": [
                w.BoundedIntText(min=0, max=of.MAX_UNITS, layout=small) for _ in range(MAX_LAYERS)
            ],
        }
        for name in choices.keys() | ranges.keys():
            title = _TITLES.get(name, name.replace("_", " "))
            kind, *limits = ranges.get(name, (w.Dropdown,))
            options = dict(zip(("min", "max", "step"), limits, strict=False))
            options |= {"continuous_update": False} if limits else {"options": choices[name]}
            look = {"layout": {"width": "232px"}, "style": {"description_width": "86px"}}
            self.boxes[name] = [kind(description=title, **options, **look)]
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
            boxes = self.boxes[setting]
            if setting == "features":
                grid = w.Layout(grid_template_columns="1fr 1fr 1fr", width="100%")
                boxes = [w.GridBox(boxes, layout=grid)]
            elif setting == "hidden":
                boxes = [w.HTML("units of the hidden layers (0: none)"), w.HBox(boxes)]
            rows += boxes
        return w.VBox(rows)

    def _tell(self, name: str) -> None:
        if self.showing:
            return
        values = [box.value for box in self.boxes[name]]
        if name == "features":
            self.changed(name, tuple(f for f, on in zip(FEATURES, values, strict=True) if on))
        elif name == "hidden":
            self.changed(name, tuple(n for n in values if n))
        else:
            self.changed(name, values[0])
