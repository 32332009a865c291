"""A page of SVG drawn by matplotlib: PNG, PDF and EPS on every machine, whatever its Graphviz."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from typing import Any, Final
from xml.etree.ElementTree import Element

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import BoxStyle, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Affine2D

from tinygrad_edu.figure import Figure
from tinygrad_edu.view.base.svg import SVG, text_width

#: The size of DejaVu Sans that is about as wide as Helvetica of size 1.
_AS_WIDE: Final = {"normal": 0.87, "bold": 0.78}
#: Of a screen, by the unit of a length.
_PIXELS: Final = {"": 1.0, "px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4}
_ANCHORS: Final = {"start": 0.0, "middle": 0.5, "end": 1.0}
#: What the parts of a group have from it.
_INHERITED: Final = re.compile(r"fill(-opacity)?|stroke(-.*)?|font-.*|text-anchor|paint-order")
_CODES: Final = dict.fromkeys("LHV", Path.LINETO) | {"M": Path.MOVETO, "C": Path.CURVE4}

_Look = dict[str, str]


def figure_of(page: Element) -> Figure:
    """The page of an SVG as a figure of its size, a pixel the 96th of an inch.

    It knows what Graphviz and the views write: g, svg in svg, polygon, polyline, path, ellipse,
    rect, circle, line, and text with tspans; of a style sheet the rules for a class on a light
    ground, its variables too.
    """
    left, top, wide, high = _numbers(page.get("viewBox", ""))
    size, unit = re.findall(r"([\d.]+)(\w*)", page.get("width", f"{wide}"))[0]
    scale = 72 / 96 * float(size) * _PIXELS[unit] / wide
    figure = Figure(figsize=(scale * wide / 72, scale * high / 72))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, scale * wide), ylim=(scale * high, 0))
    ax.set_axis_off()
    rules = _rules("".join(e.text or "" for e in page.iter(f"{SVG}style")))
    start = Affine2D().translate(-left, -top).scale(scale)
    for z, part in enumerate(_placed(page, _look(page, {}, rules), start, rules)):
        element, look, at = part
        if element.tag == f"{SVG}text":
            _write(ax, [*_runs(element, look, rules)], at, z)
        else:
            _draw(ax, element.tag.removeprefix(SVG), look, at, z)
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


def _rules(sheet: str) -> dict[str, _Look]:
    """What a style sheet says of a class or a tag on a light ground, its variables replaced."""
    sheet = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet)
    rules: dict[str, _Look] = {}
    variables: _Look = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        for selector in selectors.split(","):
            if "[" not in selector:  # a scheme of a page
                rules.setdefault(selector.split()[-1].strip("."), {}).update(_declared(body))
                variables |= _declared(body)
    for rule in rules.values():
        for name, value in rule.items():
            rule[name] = re.sub(r"var\((--[\w-]+)\)", lambda v: variables[v[1]], value)
    return rules


def _declared(style: str) -> _Look:
    return {k: v.strip() for k, v in re.findall(r"([\w-]+)\s*:\s*([^;]+)", style)}


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
    parent: Element, look: _Look, at: Affine2D, rules: Mapping[str, _Look]
) -> Iterator[tuple[Element, _Look, Affine2D]]:
    """Shapes and texts with what they look like, and how their points come onto the page."""
    for element in parent:
        tag, own = element.tag.removeprefix(SVG), _look(element, look, rules)
        if tag == "svg":
            x, y, width, _ = _numbers(element.get("viewBox", ""))
            to = float(element.get("x", "0")), float(element.get("y", "0"))
            scale = float(element.get("width", width)) / width
            inner = Affine2D().translate(-x, -y).scale(scale).translate(*to)
            yield from _placed(element, own, _inside(at, inner), rules)
        elif tag == "g":
            inner = at
            for name, inside in re.findall(r"(\w+)\s*\(([^)]*)\)", element.get("transform", "")):
                numbers = [*_numbers(inside), 0.0][:2]
                if name == "translate":
                    inner = _inside(inner, Affine2D().translate(*numbers))
                elif name == "scale":
                    inner = _inside(inner, Affine2D().scale(numbers[0]))
            yield from _placed(element, own, inner, rules)
        elif tag in _SHAPES or tag == "text":
            yield element, own, at


def _inside(at: Affine2D, inner: Affine2D) -> Affine2D:
    return Affine2D(at.get_matrix() @ inner.get_matrix())


def _draw(ax: Axes, tag: str, look: _Look, at: Affine2D, z: int) -> None:
    scale = float(at.get_matrix()[0, 0])
    width = scale * float(look.get("stroke-width", "1"))
    drawn: dict[str, Any] = {"linewidth": width, "zorder": z}
    if look.get("stroke-dasharray", "none") != "none":
        dashes = _numbers(look["stroke-dasharray"])  # matplotlib counts in line widths
        drawn["linestyle"] = (0, [scale * x / width for x in dashes])
    path = at.transform_path(_SHAPES[tag](look))
    colours = _colour(look, "fill", "black"), _colour(look, "stroke", "none")
    ax.add_patch(PathPatch(path, facecolor=colours[0], edgecolor=colours[1], **drawn))


def _sizes(look: _Look, *names: str) -> list[float]:
    return [float(look.get(name, "0")) for name in names]


def _round(look: _Look) -> Path:
    x, y, r, rx, ry = _sizes(look, "cx", "cy", "r", "rx", "ry")
    return Affine2D().scale(rx or r, ry or r).translate(x, y).transform_path(Path.unit_circle())


def _rect(look: _Look) -> Path:
    *place, r = _sizes(look, "x", "y", "width", "height", "rx")
    style: Any = BoxStyle.Round(pad=0, rounding_size=r) if r else BoxStyle.Square(pad=0)
    path: Path = style(*place, 1.0)
    return path


def _line(look: _Look) -> Path:
    return Path(np.reshape(_sizes(look, "x1", "y1", "x2", "y2"), (2, 2)))


def _poly(look: _Look) -> Path:
    return Path(np.reshape(_numbers(look.get("points", "")), (-1, 2)))


def _path(look: _Look) -> Path:
    """A path of M, L, H, V, C and Z, the small letters too."""
    points: list[list[float]] = [[0.0, 0.0]]
    codes: list[Any] = []
    for letter, inside in re.findall(r"(?i)([MLHVCZ])([^MLHVCZ]*)", look.get("d", "")):
        numbers, kind, (x, y) = _numbers(inside), letter.upper(), points[-1]
        if kind in "HV":
            numbers = [*numbers, y] if kind == "H" else [x, *numbers]
            shift = [x, 0.0] if kind == "H" else [0.0, y]
        else:
            shift = [x, y]
        new = np.reshape(numbers, (-1, 2)) + (shift if letter.islower() and kind != "Z" else 0.0)
        points += new.tolist() or [[x, y]]
        code = _CODES.get(kind, Path.CLOSEPOLY)
        codes += [code, *[Path.LINETO if kind == "M" else code] * (len(new) - 1)]
    return Path(points[1:], codes)


_SHAPES: Final[Mapping[str, Callable[[_Look], Path]]] = {
    "circle": _round,
    "ellipse": _round,
    "line": _line,
    "path": _path,
    "polygon": _poly,
    "polyline": _poly,
    "rect": _rect,
}

#: Letters of one look, where they begin (None after those before), and how far they are moved.
_Run = tuple[str, _Look, tuple[float | None, float | None], tuple[float, float]]


def _runs(element: Element, look: _Look, rules: Mapping[str, _Look]) -> Iterator[_Run]:
    x, y = (float(v) if (v := element.get(name)) else None for name in "xy")
    dx, dy = (float(element.get(name, "0")) for name in ("dx", "dy"))
    said = element.text or ""
    yield said if said.strip() else "", look, (x, y), (dx, dy)
    for inner in element:
        yield from _runs(inner, _look(inner, look, rules), rules)
        if (inner.tail or "").strip():
            yield inner.tail or "", look, (None, None), (0.0, 0.0)


def _write(ax: Axes, runs: list[_Run], at: Affine2D, z: int) -> None:
    """A text, its tspans one after the other, or where they say."""
    starts = [k for k, (_, _, (x, _), _) in enumerate(runs) if k == 0 or x is not None]
    y = 0.0
    for first, end in zip(starts, [*starts[1:], len(runs)], strict=True):
        part = [run for run in runs[first:end] if run[0] or run is runs[first]]
        widths = [text_width(said, _size(look), _weight(look)) for said, look, *_ in part]
        anchor = _ANCHORS[part[0][1].get("text-anchor", "start")]
        x = (part[0][2][0] or 0.0) - (anchor * sum(widths) if part[1:] else 0.0)
        aligned = "left" if part[1:] else ("left", "center", "right")[int(2 * anchor)]
        for (said, look, (_, new), (dx, dy)), width in zip(part, widths, strict=True):
            x, y = x + dx, (y if new is None else new) + dy
            _letters(ax, said, look, (x, y), at, {"ha": aligned, "zorder": z})
            x += width


def _size(look: _Look) -> float:
    return float(look.get("font-size", "12").removesuffix("px"))


def _weight(look: _Look) -> str:
    weight = look.get("font-weight", "normal")
    return "bold" if weight == "bold" or (weight.isdigit() and int(weight) >= 600) else "normal"


def _letters(
    ax: Axes, said: str, look: _Look, place: tuple[float, float], at: Affine2D, more: dict[str, Any]
) -> None:
    scale, weight = float(at.get_matrix()[0, 0]), _weight(look)
    serif = re.search(r"(?<!sans-)\bserif", look.get("font-family", "")) is not None
    if look.get("paint-order") == "stroke":
        width = scale * float(look["stroke-width"])
        more["path_effects"] = [withStroke(linewidth=width, foreground="white")]
    x, y = at.transform(place)
    ax.text(
        x,
        y,
        said,
        family=["STIXGeneral", "DejaVu Serif"] if serif else "DejaVu Sans",
        size=scale * _size(look) * (1.0 if serif else _AS_WIDE[weight]),
        weight=weight,
        style=look.get("font-style", "normal"),
        color=_colour(look, "fill", "black"),
        va="baseline",
        parse_math=False,
        **more,
    )


def _colour(look: _Look, name: str, default: str) -> Any:
    """A colour on white: EPS knows nothing that shines through."""
    *rgb, full = to_rgba(look.get(name, default).replace("transparent", "none"))
    alpha = full * float(look.get(f"{name}-opacity", "1")) * float(look.get("opacity", "1"))
    return (*(1 - alpha * (1 - c) for c in rgb), 1.0) if alpha else (0.0, 0.0, 0.0, 0.0)


def _numbers(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]
