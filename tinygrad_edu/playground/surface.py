"""Surface: a square of colours with an SVG over it, as a widget that tells where it is clicked.

The colours are painted without a picture file: that is what makes many frames a second possible.
Imported only where there are widgets.
"""

from typing import Final

import anywidget
import numpy as np
from traitlets import Bytes, Float, List, Unicode

from tinygrad_edu.vectorize.arrays import Array

_MODULE: Final = """
export default {
  render({ model, el }) {
    const canvas = document.createElement("canvas");
    const over = document.createElement("div");
    Object.assign(canvas, { role: "img", ariaLabel: model.get("label") });
    el.append(canvas, over);
    const paint = () => {
      const { buffer, byteOffset, byteLength } = model.get("pixels");
      const side = Math.sqrt(byteLength / 4);
      if (!side) return;
      canvas.width = canvas.height = side;
      const colours = new Uint8ClampedArray(buffer, byteOffset, byteLength);
      canvas.getContext("2d").putImageData(new ImageData(colours, side, side), 0, 0);
    };
    const write = () => { over.innerHTML = model.get("svg"); };
    paint();
    write();
    model.on("change:pixels", paint);
    model.on("change:svg", write);
    el.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      model.set("clicked", [
        (event.clientX - box.left) / box.width,
        (event.clientY - box.top) / box.height,
      ]);
      model.save_changes();
    });
  },
};
"""


class Surface(anywidget.AnyWidget):  # type: ignore[misc]
    """`clicked` is the place of the last click, from (0, 0) top left to (1, 1) bottom right."""

    _esm = _MODULE
    label = Unicode().tag(sync=True)
    pixels = Bytes().tag(sync=True)
    svg = Unicode().tag(sync=True)
    clicked = List(Float()).tag(sync=True)

    def paint(self, image: Array) -> None:
        """Show colours, (side, side, 3) in [0, 1]."""
        opaque = np.pad(image, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
        self.pixels = (255 * opaque + 0.5).astype(np.uint8).tobytes()
