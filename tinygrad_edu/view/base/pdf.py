"""A page of SVG drawn by matplotlib: PDF on every machine, whatever its Graphviz can write."""

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Ellipse, PathPatch
from matplotlib.path import Path

from tinygrad_edu.figure import Figure
from tinygrad_edu.view.base.svg import SVG, text_width

#: The size of DejaVu Sans that is about as wide as Helvetica of size 1.
_AS_WIDE: Final = {"normal": 0.87, "bold": 0.78}
#: Of a screen, by the unit of a length.
_PIXELS: Final = {"": 1.0, "pt": 96 / 72, "mm": 96 / 25.4}
_ANCHORS: Final[dict[str, Any]] = {"start": "left", "middle": "center", "end": "right"}
_NUMBER: Final = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


class _Place(NamedTuple):
    """A point (x, y) of an element is at (dx + scale x, dy + scale y) on the page."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def inside(self, scale: float, dx: float, dy: float) -> "_Place":
        return _Place(self.scale * scale, self.dx + self.scale * dx, self.dy + self.scale * dy)


def figure_of(page: Element) -> Figure:
    """The page of an SVG in points as a figure.

    It knows what Graphviz and the views write: g, polygon, polyline, path, ellipse, text, svg in
    svg, and rect, circle and line; of a style sheet the rules for a class on a light ground.
    """
    _plain(page)
    width, height = _numbers(page.get("viewBox", ""))[2:]
    figure = Figure(figsize=(width / 72, height / 72))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    for z, (element, at) in enumerate(_placed(page, _Place())):
        _draw(ax, element, at, z)
    return figure


def screen_resolution(page: Element) -> float:
    """The dots per inch at which its figure is as large on a screen as the SVG."""
    width, unit = re.findall(r"([\d.]+)(\w*)", page.get("width", "1"))[0]
    return 72 * float(width) * _PIXELS[unit] / _numbers(page.get("viewBox", ""))[2]


def pdf(*figures: Figure) -> bytes:
    """Figures as pages of PDF, always the same bytes; what the font lacks becomes a box."""
    from matplotlib.backends.backend_pdf import PdfPages  # late: it takes long to import

    buffer = BytesIO()
    with warnings.catch_warnings(), PdfPages(buffer, metadata={"CreationDate": None}) as pages:
        warnings.simplefilter("ignore", UserWarning)
        for figure in figures:
            figure.savefig(pages, format="pdf")
    return buffer.getvalue()


def _plain(page: Element) -> None:
    """Attributes in place of styles, and shapes of Graphviz in place of others."""
    sheet = page.findtext(f"{SVG}style", "").partition("@media")[0]
    rules = {
        name: dict(re.findall(r"([\w-]+): ([^;]+);", rule))
        for name, rule in re.findall(r"\.(\w+) \{([^}]*)\}", sheet)
    }
    for element in page.iter():
        for name in element.get("class", "").split():
            rule = rules.get(name, {}).items()
            element.attrib.update({k: x for k, x in rule if not x.startswith("var(")})
        tag, look = element.tag.removeprefix(SVG), element.attrib
        if tag == "rect":
            x, y, wide, high = (
                float(look.get(name, "0")) for name in ("x", "y", "width", "height")
            )
            corners = [x, y, x + wide, y, x + wide, y + high, x, y + high]
            element.tag, look["points"] = f"{SVG}polygon", " ".join(map(str, corners))
        elif tag == "line":
            ends = " ".join(look[name] for name in ("x1", "y1", "x2", "y2"))
            element.tag, look["points"] = f"{SVG}polyline", ends
        elif tag == "circle":
            element.tag, look["rx"], look["ry"] = f"{SVG}ellipse", look["r"], look["r"]


def _placed(parent: Element, at: _Place) -> Iterator[tuple[Element, _Place]]:
    for element in parent:
        tag = element.tag.removeprefix(SVG)
        if tag == "svg":
            x, y, width, _ = _numbers(element.get("viewBox", ""))
            scale = float(element.get("width", "")) / width
            dx, dy = float(element.get("x", "")), float(element.get("y", ""))
            yield from _placed(element, at.inside(scale, dx - scale * x, dy - scale * y))
        elif tag == "g":
            scale, _, _, dx, dy = _numbers(element.get("transform", "scale(1 1) 0 0 0"))
            yield from _placed(element, at.inside(scale, scale * dx, scale * dy))
        elif tag in ("polygon", "polyline", "path", "ellipse", "text"):
            yield element, at


def _draw(ax: Axes, element: Element, at: _Place, z: int) -> None:
    tag = element.tag.removeprefix(SVG)
    if tag == "text":
        _write(ax, element, at, z)
        return
    look: dict[str, Any] = {
        "facecolor": _colour(element, "fill", "black"),
        "edgecolor": _colour(element, "stroke", "none"),
        "linewidth": at.scale * float(element.get("stroke-width", "1")),
        "zorder": z,
    }
    if "stroke-dasharray" in element.attrib:
        dashes = _numbers(element.get("stroke-dasharray", ""))  # matplotlib counts in line widths
        look["linestyle"] = (0, [at.scale * x / look["linewidth"] for x in dashes])
    if tag == "ellipse":
        cx, cy, rx, ry = (float(element.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
        centre = (at.dx + at.scale * cx, at.dy + at.scale * cy)
        ax.add_patch(Ellipse(centre, 2 * at.scale * rx, 2 * at.scale * ry, **look))
        return
    numbers = _numbers(element.get("d") or element.get("points") or "")
    points = [
        (at.dx + at.scale * x, at.dy + at.scale * y)
        for x, y in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    rest = Path.CURVE4 if tag == "path" else Path.LINETO
    codes = [Path.MOVETO, *[rest] * (len(points) - 1)]
    ax.add_patch(PathPatch(Path(points, codes), **look))


def _write(ax: Axes, element: Element, at: _Place, z: int) -> None:
    """A text; each of its parts stands where it says, or after the one before."""
    x = 0.0
    for part in (element, *element.findall(f"{SVG}tspan")):
        look = element.attrib | part.attrib
        x = float(part.get("x", x))
        size, text = float(look.get("font-size", "12")), part.text or ""
        weight = "bold" if look.get("font-weight") in ("600", "bold") else "normal"
        if text:
            ax.text(
                at.dx + at.scale * x,
                at.dy + at.scale * float(look.get("y", "0")),
                text,
                family="DejaVu Serif" if look.get("font-style") == "italic" else "DejaVu Sans",
                size=_AS_WIDE[weight] * at.scale * size,
                weight=weight,
                style=look.get("font-style", "normal"),
                color=look.get("fill", "black"),
                ha=_ANCHORS[look.get("text-anchor", "start")],
                va="baseline",
                parse_math=False,
                zorder=z,
            )
        x += text_width(text, size, weight)


def _colour(element: Element, name: str, default: str) -> Any:
    return to_rgba(element.get(name, default), float(element.get(f"{name}-opacity", "1")))


def _numbers(text: str) -> list[float]:
    return [float(x) for x in _NUMBER.findall(text)]
