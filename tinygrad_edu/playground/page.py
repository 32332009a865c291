"""Page: a run with its controls and views as widgets, and the loop that plays it."""

import asyncio
from collections.abc import Callable, Sequence
from html import escape
from importlib import import_module, resources
from time import perf_counter
from typing import Any, Final

from tinygrad_edu.playground import panels
from tinygrad_edu.playground.controls import GROUPS, Controls, library
from tinygrad_edu.playground.panels import Plane
from tinygrad_edu.playground.run import Run, code
from tinygrad_edu.train import DivergenceError
from tinygrad_edu.view.base.palette import ERROR, styled

PANELS: Final = (
    *("data", "net", "training", "plane", "losses", "network", "units"),
    *("weights", "example", "code"),
)
#: Nets of more parameters have no sliders.
MOST_SLIDERS: Final = 20
#: Seconds: a frame at least, training in a frame at most, between pictures that take longer.
_FRAME, _TRAINING, _PAUSE = 0.05, 0.06, 1.0
#: A view is anew in every frame of a run that plays, in every second, or where the run rests.
_ALWAYS, _OFTEN, _AT_REST = range(3)
_STYLE: Final = styled(resources.files(__package__).joinpath("page.css").read_text("utf-8"))


class Page:
    """The widgets: `widget` is all of them; `show` the names of the panels that are shown."""

    def __init__(self, run: Run, own: str, show: Sequence[str]) -> None:
        self.run, self.show = run, show
        w = library()
        self.task: asyncio.Task[None] | None = None
        self.looked = 0.0
        self.controls = Controls(run.settings, run.own is not None, self.change)
        self.play = w.ToggleButton(description="play", icon="play", layout={"width": "90px"})
        self.step = w.Button(description="step", icon="step-forward", layout={"width": "90px"})
        self.reset = w.Button(description="reset", icon="undo", layout={"width": "90px"})
        self.pace = w.Dropdown(
            options=[1, 10, 100], description="epochs a frame", layout={"width": "180px"},
            style={"description_width": "initial"},
        )  # fmt: skip
        side = f"{panels.SIDE}px"
        widgets = import_module("tinygrad_edu.playground.widgets")
        self.surface = widgets.Surface(
            label="decision regions", layout={"width": side, "height": side, "margin": "0"}
        )
        self.sliders = widgets.Sliders()
        self.slider = w.IntSlider(min=0, max=0, description="example", layout={"width": "340px"})
        self.numbers, self.message, self.key, self.curve, self.maps = (w.HTML() for _ in range(5))
        self.line, self.deltas, self.graph = w.HTML(), w.HTML(), w.HTML()
        self.network = w.HTML(layout={"max_width": "640px"})
        self.code = w.Textarea(layout={"width": "980px", "height": "110px"})

        def of_example(text: Callable[[Run, int], str]) -> Callable[[], str]:
            return lambda: text(run, self.slider.value)

        #: Panel, how often it changes, widget and text.
        self.views: list[tuple[str, int, Any, Callable[[], str]]] = [
            ("losses", _ALWAYS, self.curve, lambda: panels.curve(run.losses)),
            ("network", _OFTEN, self.network, self._net),
            ("units", _OFTEN, self.maps, lambda: panels.maps(self.activations)),
            ("code", _OFTEN, self.code, lambda: code(run, own)),
            ("example", _AT_REST, self.line, of_example(panels.example_line)),
            ("example", _AT_REST, self.deltas, of_example(panels.example_deltas)),
            ("example", _AT_REST, self.graph, of_example(panels.example_graph)),
        ]
        self.widget = self._laid_out(w)
        self.widget._view_count = 0  # so that the page is told when its last view is gone
        self.play.observe(lambda _: self._toggled(), names="value")
        self.step.on_click(lambda _: self.advance(1))
        self.reset.on_click(lambda _: self._reset())
        self.slider.observe(lambda _: self.look(), names="value")
        self.sliders.observe(lambda change: self._weigh(*change["new"][:2]), names="moved")
        self.surface.observe(lambda change: self._clicked(*change["new"]), names="clicked")
        self.widget.observe(lambda change: self._viewed(change["new"]), names="_view_count")
        self.start_over()

    def change(self, name: str, value: Any) -> None:
        """Change a setting; what does not fit is said, and the control goes back."""
        before = self.run.training
        try:
            self.run.change(**{name: value})
        except (TypeError, ValueError) as error:
            self.say(str(error))
        else:
            if self.run.training is before:
                self.look()
            else:
                self.start_over()
        self.controls.show(self.run.settings)

    def start_over(self) -> None:
        """Show a run that has begun anew."""
        self.plane = Plane(self.run)
        self.key.value = panels.key(self.run)
        self.slider.max = len(self.run.training.rows) - 1
        self.say("")
        self.look()

    def advance(self, epochs: int) -> None:
        """Train so many epochs, or as many as there is time for in a frame, and show the run."""
        until = perf_counter() + _TRAINING
        try:
            for _ in range(epochs):
                self.run.train()
                if perf_counter() > until:
                    break
        except DivergenceError as error:
            self.stop()
            self.say(str(error))
        if self.task is None:
            self.look()
        else:
            self.look(_OFTEN if perf_counter() - self.looked > _PAUSE else _ALWAYS)

    def look(self, most: int = _AT_REST) -> None:
        """Show the run: the views that change that often, unless told otherwise all."""
        self.numbers.value = panels.numbers(self.run.measure())
        self.activations = self.plane.activations()
        if "plane" in self.show:
            self.surface.paint(self.plane.regions(self.activations))
        if most == _AT_REST:
            self.surface.svg = panels.points_over(self.run, self.plane.extent, self.slider.value)
        if most >= _OFTEN:
            self.looked = perf_counter()
            weights = self.run.weights
            few = "weights" in self.show and len(weights) <= MOST_SLIDERS
            self.sliders.numbers = {name: w.data for name, w in weights.items()} if few else {}
        for panel, often, widget, text in self.views:
            if panel in self.show and often <= most:
                widget.value = text()

    def say(self, text: str) -> None:
        """Show a message, or none."""
        self.message.value = f'<span style="color:{ERROR.light}">{escape(text)}</span>'

    def stop(self) -> None:
        """Stop playing, and show the run as it then stands."""
        if self.task is None:
            return
        task, self.task = self.task, None
        task.cancel()
        self.play.value = False
        self.look()

    async def _playing(self) -> None:
        try:
            while True:
                began = perf_counter()
                self.advance(self.pace.value)
                await asyncio.sleep(max(_FRAME - (perf_counter() - began), 0.01))
        finally:
            if self.task is asyncio.current_task():
                self.stop()

    def _toggled(self) -> None:
        self.play.description = self.play.icon = "pause" if self.play.value else "play"
        if not self.play.value:
            self.stop()
        elif self.task is None:
            self.say("")
            self.task = asyncio.get_running_loop().create_task(self._playing())

    def _clicked(self, across: float, down: float) -> None:
        self.slider.value = panels.nearest(self.run, self.plane.extent, across, down)

    def _viewed(self, views: int) -> None:
        if not views:
            self.stop()

    def _reset(self) -> None:
        self.run.reset()
        self.start_over()

    def _net(self) -> str:
        with_example = "example" in self.show
        return panels.net(self.run, self.slider.value, with_example=with_example)

    def _weigh(self, name: str, number: float) -> None:
        self.run.set_weight(name, number)
        self.look()

    def _laid_out(self, w: Any) -> Any:
        buttons = w.HBox([self.play, self.step, self.reset, self.pace])
        self.surface.add_class("tge-plane")
        beside = [("losses", self.curve), ("units", self.maps)]
        columns = [
            (240, [self.controls.group(name) for name in GROUPS if name in self.show]),
            (panels.SIDE, [self.surface, self.key] if "plane" in self.show else []),
            (panels.SIDE, [part for name, part in beside if name in self.show]),
        ]
        wrapped = w.Layout(flex_flow="row wrap", grid_gap="12px")
        self.sliders.add_class("tge-sliders")
        rows = [
            *(w.HTML(f"<style>{_STYLE}</style>"), buttons, self.numbers, self.message),
            w.HBox(
                [w.VBox(c, layout={"width": f"{px}px"}) for px, c in columns if c],
                layout=wrapped,
            ),
            w.HBox([self.network, self.sliders], layout=wrapped),
        ]
        if "example" in self.show:
            scrolled = {"width": "480px", "max_height": "380px", "overflow": "auto"}
            self.graph.add_class("tge-graph")
            both = [w.VBox([self.deltas], layout=scrolled), w.VBox([self.graph], layout=scrolled)]
            rows += [w.HBox([self.slider, self.line]), w.HBox(both, layout=wrapped)]
        if "code" in self.show:
            rows.append(self.code)
        page = w.VBox(rows, layout={"width": "100%"})
        page.add_class("tge-playground")
        return page
