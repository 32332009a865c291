"""A page of SVG drawn by matplotlib: PNG, PDF and EPS on every machine, whatever its Graphviz."""

import re
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from tinygrad_edu.figure import Figure
from tinygrad_edu.view.base.shapes import Look, Run, Shape, Text, numbers_in, page_of
from tinygrad_edu.view.base.svg import text_width

#: The size of DejaVu Sans that is about as wide as Helvetica of size 1.
_AS_WIDE: Final = {"normal": 0.87, "bold": 0.78}
_ANCHORS: Final = {"start": ("left", 0.0), "middle": ("center", 0.5), "end": ("right", 1.0)}
_CODES: Final = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4, "Z": Path.CLOSEPOLY}


def figure_of(svg: str) -> Figure:
    """An SVG as a figure of its size, a pixel the 96th of an inch."""
    page = page_of(svg, 72 / 96)
    figure = Figure(figsize=(page.width / 72, page.height / 72))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, page.width), ylim=(page.height, 0))
    ax.set_axis_off()
    for z, part in enumerate(page.parts):
        if isinstance(part, Shape):
            _draw(ax, part, z)
        else:
            for line in part:
                _write(ax, line, z)
    return figure


def pdf(*figures: Figure) -> bytes:
    """Figures as pages of PDF, always the same bytes; what the font lacks becomes a box."""
    from matplotlib.backends.backend_pdf import PdfPages  # late: it takes long to import

    buffer = BytesIO()
    with warnings.catch_warnings(), PdfPages(buffer, metadata={"CreationDate": None}) as pages:
        warnings.simplefilter("ignore", UserWarning)
        for figure in figures:
            figure.savefig(pages, format="pdf")
    return buffer.getvalue()


def eps(figure: Figure) -> bytes:
    """A figure as EPS, in the same way."""
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(buffer, format="eps")
    return re.sub(rb"(?m)^%%CreationDate:.*\n", b"", buffer.getvalue())


#: What makes a file of a figure, by its suffix.
PRINTED: Final[Mapping[str, Callable[[Figure], bytes]]] = {
    ".png": Figure.png,
    ".pdf": pdf,
    ".eps": eps,
    ".gif": partial(Figure.png, form="gif"),
    ".jpg": partial(Figure.png, form="jpeg"),
    ".webp": partial(Figure.png, form="webp"),
}


def _draw(ax: Axes, shape: Shape, z: int) -> None:
    look, width = shape.look, shape.scale * float(shape.look.get("stroke-width", "1"))
    drawn: dict[str, Any] = {"linewidth": width, "zorder": z}
    if look.get("stroke-dasharray", "none") != "none":
        dashes = numbers_in(look["stroke-dasharray"])  # matplotlib counts in line widths
        drawn["linestyle"] = (0, [shape.scale * x / width for x in dashes])
    points = [point for _, several in shape.steps for point in several]
    path = Path(points, [_CODES[kind] for kind, several in shape.steps for _ in several])
    colours = _colour(look, "fill", "black"), _colour(look, "stroke", "none")
    ax.add_patch(PathPatch(path, facecolor=colours[0], edgecolor=colours[1], **drawn))


def _write(ax: Axes, text: Text, z: int) -> None:
    """The runs of a text one after the other; one alone is placed by its own width."""
    widths = [text.scale * text_width(run.said, run.size, run.weight) for run in text.runs]
    (x, y), (aligned, part) = text.at, _ANCHORS[text.anchor]
    if text.runs[1:]:
        x, aligned = x - part * sum(widths), "left"
    for run, width in zip(text.runs, widths, strict=True):
        _letters(ax, run, (x, y), text.scale, {"ha": aligned, "zorder": z})
        x += width


def _letters(
    ax: Axes, run: Run, at: tuple[float, float], scale: float, more: dict[str, Any]
) -> None:
    serif = re.search(r"(?<!sans-)\bserif", run.look.get("font-family", "")) is not None
    ax.text(
        *at,
        run.said,
        family=["STIXGeneral", "DejaVu Serif"] if serif else "DejaVu Sans",
        size=scale * run.size * (1.0 if serif else _AS_WIDE[run.weight]),
        weight=run.weight,
        style=run.look.get("font-style", "normal"),
        color=_colour(run.look, "fill", "black"),
        va="baseline",
        parse_math=False,
        **more,
    )


def _colour(look: Look, name: str, default: str) -> Any:
    """A colour on white: EPS knows nothing that shines through."""
    *rgb, full = to_rgba(look.get(name, default).replace("transparent", "none"))
    alpha = full * float(look.get(f"{name}-opacity", "1")) * float(look.get("opacity", "1"))
    return (*(1 - alpha * (1 - c) for c in rgb), 1.0) if alpha else (0.0, 0.0, 0.0, 0.0)
