"""Figure: a matplotlib figure that shows itself in a notebook, without pyplot's global state."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BytesIO
from typing import Any

from matplotlib.cbook import is_writable_file_like
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure as _Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from PIL import Image  # matplotlib stands on it

from tinygrad_edu import files


class Figure(_Figure):
    """As `matplotlib.figure.Figure`; `figure.savefig("loss.png")` writes it to a file."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """As in matplotlib, but a file is written whole or not at all.

        EPS, which knows nothing transparent, has the colours as they look on white.
        """
        from matplotlib.backends.backend_pdf import PdfPages  # late: it takes long to import

        if is_writable_file_like(fname) or isinstance(fname, PdfPages):
            with _opaque(self) if options.get("format") in ("eps", "ps") else nullcontext():
                return super().savefig(fname, **options)
        path, buffer = files.path_of(fname, "fname"), BytesIO()
        form = options.pop("format", None) or os.path.splitext(path)[1][1:]
        if not form:
            form = self.canvas.get_default_filetype()
            path = f"{path.rstrip('.')}.{form}"
        self.savefig(buffer, format=form, **options)
        files.write(path, buffer.getvalue())
        return None

    def png(self, dpi: float = 150, form: str = "png") -> bytes:
        """The picture, dots per inch; a character that the font lacks becomes a box.

        It has at most 256 colours, on white: a third of the size in notebooks and reports. `form`
        is another format of Pillow, such as "webp".
        """
        buffer, smaller = BytesIO(), BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self.savefig(buffer, format="png", dpi=dpi)
        image = Image.open(buffer)
        on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        few = on_white.convert("RGB").quantize(
            256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
        shown = few if form in ("png", "gif") else on_white.convert("RGB")
        shown.save(smaller, form, dpi=(dpi, dpi))
        return smaller.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return self.png(), {"width": round(72 * self.get_figwidth())}


@contextmanager
def _opaque(figure: Figure) -> Iterator[None]:
    """What is transparent in the figure meanwhile has the colours that it has on white.

    A surface in space stays as it is: its faces are sorted while they are drawn.
    """
    figure.draw_without_rendering()  # makes ticks and their lines
    flat = [ax for ax in figure.axes if ax.name != "3d"]
    parts: Any = [
        part for ax in flat for part in ax.findobj(lambda part: part.get_alpha() is not None)
    ]
    before = [(part, dict(vars(part))) for part in parts]
    try:
        for part in parts:
            kinds = ["facecolor", "edgecolor"] * isinstance(part, (Collection, Patch))
            if isinstance(part, Line2D):
                kinds = ["color", "markerfacecolor", "markeredgecolor"]
            colours = {kind: _on_white(getattr(part, f"get_{kind}")(), part) for kind in kinds}
            part.set_alpha(None)
            if isinstance(part, Collection):
                part.set_array(None)  # its colours are those that it gave
            part.set(**colours)
        yield
    finally:
        for part, state in before:
            vars(part).clear()
            vars(part).update(state)


def _on_white(colours: Any, part: Any) -> Any:
    rgba = to_rgba_array(colours)
    shares = rgba[:, 3:] * (part.get_alpha() if isinstance(part, Line2D) else 1.0)
    mixed = [
        (*(share * rgb + 1 - share), 1.0) if share else (0.0, 0.0, 0.0, 0.0)
        for rgb, [share] in zip(rgba[:, :3], shares, strict=True)
    ]
    return mixed if isinstance(part, Collection) else mixed[0] if mixed else "none"


def gif(pictures: Sequence[bytes], milliseconds: Sequence[int]) -> bytes:
    """PNG pictures one after the other, each so long, again and again."""
    first, *others = (Image.open(BytesIO(picture)).convert("RGB") for picture in pictures)
    buffer = BytesIO()
    look: dict[str, Any] = {"duration": list(milliseconds), "loop": 0}
    first.save(buffer, "GIF", save_all=True, append_images=others, **look)
    return buffer.getvalue()


def in_a_row(pictures: Sequence[bytes]) -> bytes:
    """PNG pictures in a row, on white, as one."""
    images = [Image.open(BytesIO(picture)).convert("RGB") for picture in pictures]
    height = max(image.height for image in images)
    row = Image.new("RGB", (sum(image.width for image in images), height), "white")
    left = 0
    for image in images:
        row.paste(image, (left, (height - image.height) // 2))
        left += image.width
    buffer = BytesIO()
    row.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(buffer, "png")
    return buffer.getvalue()


def draw_epochs(ax: Any, curves: Sequence[tuple[Sequence[float], dict[str, Any]]]) -> None:
    """Curves over the epochs 0, 1, ..., each with its look; one number is a point.

    A scale that is not logarithmic begins at 0 or below.
    """
    for numbers, look in curves:
        marker = "o" if len(numbers) == 1 else None
        ax.plot(range(len(numbers)), numbers, **{"lw": 1.8, "marker": marker} | look)
    if not any(len(numbers) for numbers, _ in curves):
        ax.text(0.5, 0.5, "no epoch was completed", ha="center", transform=ax.transAxes)
    elif ax.get_yscale() == "linear":
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
