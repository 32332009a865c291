"""Widgets of our own: the plane, which can be clicked, and a slider for each weight.

The colours of the plane are painted without a picture file: that is what makes many frames a second
possible. A slider of ipywidgets also tells what it was set to, rounded to its step, which would
change the weights of a net in training. Imported only where there are widgets.
"""

from importlib import resources

import anywidget
import numpy as np
from traitlets import Bytes, Dict, Float, List, Unicode

from tinygrad_edu.vectorize.arrays import Array


def _script(name: str) -> str:
    return resources.files("tinygrad_edu.playground").joinpath(name).read_text("utf-8")


class Surface(anywidget.AnyWidget):  # type: ignore[misc]
    """`clicked` is the place of the last click, from (0, 0) top left to (1, 1) bottom right."""

    _esm = _script("surface.js")
    label = Unicode().tag(sync=True)
    pixels = Bytes().tag(sync=True)
    svg = Unicode().tag(sync=True)
    clicked = List(Float()).tag(sync=True)

    def paint(self, image: Array) -> None:
        """Show colours, (side, side, 3) in [0, 1]."""
        opaque = np.pad(image, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
        self.pixels = (255 * opaque + 0.5).astype(np.uint8).tobytes()


class Sliders(anywidget.AnyWidget):  # type: ignore[misc]
    """`numbers` by name; `moved` is what the user moved last: name, number and time."""

    _esm = _script("sliders.js")
    numbers = Dict().tag(sync=True)
    moved = List().tag(sync=True)
