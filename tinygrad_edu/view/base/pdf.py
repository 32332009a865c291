"""A page of SVG drawn by matplotlib: PNG, PDF and EPS on every machine, whatever its Graphviz."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.colors import to_rgba
from matplotlib.patches import Ellipse, FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from tinygrad_edu.figure import Figure
from tinygrad_edu.view.base.svg import SVG, text_width

#: The size of DejaVu Sans that is about as wide as Helvetica of size 1.
_AS_WIDE: Final = {"normal": 0.87, "bold": 0.78}
#: Of a screen, by the unit of a length.
_PIXELS: Final = {"": 1.0, "px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4}
_ANCHORS: Final = {"start": 0.0, "middle": 0.5, "end": 1.0}
_NUMBER: Final = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
#: What the parts of a group have from it.
_INHERITED: Final = re.compile(r"fill(-opacity)?|stroke(-.*)?|font-.*|text-anchor|paint-order")
_CODES: Final = dict.fromkeys("LHV", Path.LINETO) | {
    "M": Path.MOVETO,
    "C": Path.CURVE4,
    "Q": Path.CURVE3,
    "Z": Path.CLOSEPOLY,
}

_Look = dict[str, str]


class _Place(NamedTuple):
    """A point (x, y) of an element is at (dx + scale x, dy + scale y) on the page."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def inside(self, scale: float, dx: float, dy: float) -> "_Place":
        return _Place(self.scale * scale, self.dx + self.scale * dx, self.dy + self.scale * dy)

    def point(self, x: float, y: float) -> tuple[float, float]:
        return self.dx + self.scale * x, self.dy + self.scale * y


def figure_of(page: Element) -> Figure:
    """The page of an SVG as a figure of its size, a pixel the 96th of an inch.

    It knows what Graphviz and the views write: g, svg in svg, polygon, polyline, path, ellipse,
    rect, circle, line, and text with tspans; of a style sheet the rules for a class on a light
    ground, its variables too.
    """
    left, top, wide, high = _numbers(page.get("viewBox", ""))
    size, unit = re.findall(r"([\d.]+)(\w*)", page.get("width", f"{wide}"))[0]
    scale = 72 / 96 * float(size) * _PIXELS[unit] / wide
    width, height = scale * wide, scale * high
    figure = Figure(figsize=(width / 72, height / 72))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    rules = _rules("".join(e.text or "" for e in page.iter(f"{SVG}style")))
    start = _Place(scale, -scale * left, -scale * top)
    for z, part in enumerate(_placed(page, _look(page, {}, rules), start, rules)):
        element, look, at = part
        if element.tag == f"{SVG}text":
            _write(ax, element, look, at, z, rules)
        else:
            _draw(ax, element.tag.removeprefix(SVG), look, at, z)
    return figure


def pdf(*figures: Figure) -> bytes:
    """Figures as pages of PDF, always the same bytes; what the font lacks becomes a box."""
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


def _rules(sheet: str) -> dict[str, _Look]:
    """What a style sheet says of a class or a tag on a light ground, its variables replaced."""
    sheet = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    rules: dict[str, _Look] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        for selector in selectors.split(","):
            name = selector.split()[-1].removeprefix(".")
            rules.setdefault(name, {}).update(_declared(body))
    variables = rules.get("svg", {})
    for rule in rules.values():
        for name, value in rule.items():
            rule[name] = re.sub(r"var\((--[\w-]+)\)", lambda v: variables.get(v[1], ""), value)
    return rules


def _declared(style: str) -> _Look:
    return dict(re.findall(r"([\w-]+)\s*:\s*([^;]+)", style))


def _look(element: Element, inherited: Mapping[str, str], rules: Mapping[str, _Look]) -> _Look:
    """The look of an element: from the group around, its attributes, the sheet, its own style."""
    look = {name: x for name, x in inherited.items() if _INHERITED.fullmatch(name)}
    look |= element.attrib
    for name in (element.tag.removeprefix(SVG), *element.get("class", "").split()):
        look |= rules.get(name, {})
    own = _declared(element.get("style", ""))
    look |= {name: x for name, x in own.items() if "var(" not in x}
    faint = float(inherited.get("opacity", "1")) * float(look.get("opacity", "1"))
    return look | {"opacity": str(faint)}


def _placed(
    parent: Element, look: _Look, at: _Place, rules: Mapping[str, _Look]
) -> Iterator[tuple[Element, _Look, _Place]]:
    for element in parent:
        tag, own = element.tag.removeprefix(SVG), _look(element, look, rules)
        if tag == "svg":
            x, y, width, _ = _numbers(element.get("viewBox", ""))
            scale = float(element.get("width", "")) / width
            dx, dy = float(element.get("x", "")), float(element.get("y", ""))
            yield from _placed(
                element, own, at.inside(scale, dx - scale * x, dy - scale * y), rules
            )
        elif tag == "g":
            moved = element.get("transform", "")
            scale = float(([*re.findall(r"scale\(([\d.]+)", moved), "1"])[0])
            shift = re.findall(r"translate\(([^)]*)\)", moved)
            dx, dy = [*_numbers(shift[0]), 0.0][:2] if shift else (0.0, 0.0)
            first = scale if moved.startswith("scale") else 1.0
            yield from _placed(element, own, at.inside(scale, first * dx, first * dy), rules)
        elif tag in _SHAPES or tag == "text":
            yield element, own, at


def _draw(ax: Axes, tag: str, look: _Look, at: _Place, z: int) -> None:
    width = at.scale * float(look.get("stroke-width", "1"))
    drawn: dict[str, Any] = {
        "facecolor": _colour(look, "fill", "black"),
        "edgecolor": _colour(look, "stroke", "none"),
        "linewidth": width,
        "zorder": z,
    }
    if look.get("stroke-dasharray", "none") != "none":
        dashes = _numbers(look["stroke-dasharray"])  # matplotlib counts in line widths
        drawn["linestyle"] = (0, [at.scale * x / width for x in dashes])
    ax.add_patch(_SHAPES[tag](look, at, drawn))


def _round(look: _Look, at: _Place, drawn: dict[str, Any]) -> Ellipse:
    x, y, r, rx, ry = (float(look.get(name, "0")) for name in ("cx", "cy", "r", "rx", "ry"))
    return Ellipse(at.point(x, y), 2 * at.scale * (rx or r), 2 * at.scale * (ry or r), **drawn)


def _rect(look: _Look, at: _Place, drawn: dict[str, Any]) -> FancyBboxPatch:
    x, y, w, h, r = (float(look.get(name, "0")) for name in ("x", "y", "width", "height", "rx"))
    style = f"round,pad=0,rounding_size={at.scale * r}" if r else "square,pad=0"
    return FancyBboxPatch(at.point(x, y), at.scale * w, at.scale * h, boxstyle=style, **drawn)


def _line(look: _Look, at: _Place, drawn: dict[str, Any]) -> PathPatch:
    ends = [(float(look[f"x{k}"]), float(look[f"y{k}"])) for k in "12"]
    return PathPatch(Path([at.point(*end) for end in ends]), **drawn)


def _poly(look: _Look, at: _Place, drawn: dict[str, Any]) -> PathPatch:
    numbers = _numbers(look.get("points", ""))
    points = [at.point(*p) for p in zip(numbers[::2], numbers[1::2], strict=True)]
    return PathPatch(Path(points), **drawn)


def _path(look: _Look, at: _Place, drawn: dict[str, Any]) -> PathPatch:
    """A path of M, L, H, V, C, Q and Z, the small letters too."""
    points: list[tuple[float, float]] = [(0.0, 0.0)]
    codes: list[Any] = []
    for letter, inside in re.findall(r"(?i)([MLHVCQZ])([^MLHVCQZ]*)", look.get("d", "")):
        numbers, kind, (x, y) = _numbers(inside), letter.upper(), points[-1]
        if letter.islower():
            shift = {"H": [x], "V": [y]}.get(kind, [x, y] * len(numbers))
            numbers = [n + before for n, before in zip(numbers, shift, strict=False)]
        numbers = {"H": [*numbers, y], "V": [x, *numbers], "Z": [x, y]}.get(kind, numbers)
        new = [*zip(numbers[::2], numbers[1::2], strict=True)]
        points += new
        codes += [_CODES[kind], *[_CODES["L" if kind == "M" else kind]] * (len(new) - 1)]
    return PathPatch(Path([at.point(*p) for p in points[1:]], codes), **drawn)


_SHAPES: Final = {
    "circle": _round,
    "ellipse": _round,
    "line": _line,
    "path": _path,
    "polygon": _poly,
    "polyline": _poly,
    "rect": _rect,
}


class _Run(NamedTuple):
    """Letters of one look; `x` and `y` are None where they follow the letters before."""

    said: str
    look: _Look
    x: float | None
    y: float | None
    dx: float
    dy: float

    @property
    def size(self) -> float:
        return float(self.look.get("font-size", "12").removesuffix("px"))

    @property
    def weight(self) -> str:
        given = self.look.get("font-weight", "normal")
        return "bold" if given == "bold" or (given.isdigit() and int(given) >= 600) else "normal"

    @property
    def width(self) -> float:
        return text_width(self.said, self.size, self.weight)


def _write(
    ax: Axes, element: Element, look: _Look, at: _Place, z: int, rules: Mapping[str, _Look]
) -> None:
    """A text, its tspans one after the other, or where they say."""
    runs = [*_runs(element, look, rules)]
    starts = [k for k, run in enumerate(runs) if k == 0 or run.x is not None]
    y = 0.0
    for first, end in zip(starts, [*starts[1:], len(runs)], strict=True):
        part = runs[first:end]
        anchor = _ANCHORS[look.get("text-anchor", "start")]
        x = (part[0].x or 0.0) - (anchor * sum(run.width for run in part) if part[1:] else 0.0)
        for run in part:
            x, y = x + run.dx, (y if run.y is None else run.y) + run.dy
            aligned = "left" if part[1:] else ("left", "center", "right")[int(2 * anchor)]
            _letters(ax, run, at.point(x, y), at.scale, aligned, z)
            x += run.width


def _runs(element: Element, look: _Look, rules: Mapping[str, _Look]) -> Iterator[_Run]:
    x, y = (float(v) if (v := element.get(name)) else None for name in "xy")
    dx, dy = (float(element.get(name, "0")) for name in ("dx", "dy"))
    said = element.text or ""
    yield _Run(said if said.strip() else "", look, x, y, dx, dy)
    for inner in element:
        yield from _runs(inner, _look(inner, look, rules), rules)
        if (inner.tail or "").strip():
            yield _Run(inner.tail or "", look, None, None, 0.0, 0.0)


def _letters(
    ax: Axes, run: _Run, at: tuple[float, float], scale: float, aligned: str, z: int
) -> None:
    look, size = run.look, scale * run.size
    serif = re.search(r"(?<!sans-)\bserif", look.get("font-family", "")) is not None
    ax.text(
        *at,
        run.said,
        family=["STIXGeneral", "DejaVu Serif"] if serif else "DejaVu Sans",
        size=size if serif else _AS_WIDE[run.weight] * size,
        weight=run.weight,
        style=look.get("font-style", "normal"),
        color=_colour(look, "fill", "black"),
        ha=aligned,
        va="baseline",
        parse_math=False,
        zorder=z,
        path_effects=[withStroke(linewidth=scale * float(look["stroke-width"]), foreground="white")]
        if look.get("paint-order") == "stroke"
        else None,
    )


def _colour(look: _Look, name: str, default: str) -> Any:
    """A colour on white: EPS knows nothing that shines through."""
    *rgb, full = to_rgba(look.get(name, default).replace("transparent", "none"))
    alpha = full * float(look.get(f"{name}-opacity", "1")) * float(look.get("opacity", "1"))
    return (*(1 - alpha * (1 - c) for c in rgb), 1.0) if alpha else (0.0, 0.0, 0.0, 0.0)


def _numbers(text: str) -> list[float]:
    return [float(x) for x in _NUMBER.findall(text)]
