"""SVG of pages: elements, texts with the room they need, names as letters with indices.

What a renderer drew is made fit for a page: inline, accessible, the same bytes on every machine.
"""

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from unicodedata import east_asian_width
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from tinygrad_edu.files import packaged
from tinygrad_edu.text import JOINER, name_parts, superscript
from tinygrad_edu.view.base.render import RenderError

#: The namespace, as it stands before the names of elements.
SVG: Final = "{http://www.w3.org/2000/svg}"
#: The style of a picture that is as wide as its place on a page at most.
FITTING: Final = "max-width:100%;height:auto"
#: The same of links.
LINK: Final = "{http://www.w3.org/1999/xlink}"
_FONT: Final = "Helvetica, Arial, 'Liberation Sans', sans-serif"
#: The widest of the usual fonts against Helvetica.
_WIDEST: Final = 1.27
_SERIF: Final = "'STIX Two Text', Cambria, 'Times New Roman', 'Liberation Serif', Times, serif"
ITALIC: Final = {"font-family": _SERIF, "font-style": "italic"}
_NAME: Final = re.compile(
    r"(?<![\w.])((?:delta|alpha|[A-Za-z])\d*(?:\[[\d,]+\])?(?:\(\d+\))?(?:#\d+)?)(?![A-Za-z0-9_(])"
)
_GREEK: Final = {"delta": "δ", "alpha": "\N{GREEK SMALL LETTER ALPHA}"}
#: Of the size: that of indices, and how far they stand above and below.
_INDEX, _ABOVE, _BELOW = 0.66, 0.42, 0.26


def parsed(svg: bytes) -> Element:
    """The renderer's SVG as an element. Raises RenderError for what is no XML."""
    try:
        return ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise RenderError(f"the renderer's SVG is not well-formed: {error}") from None


def tag(name: str, **attributes: str | float) -> Element:
    """A new element; an underscore in the name of an attribute stands for a hyphen."""
    texts = {key: x if isinstance(x, str) else f"{x:.2f}" for key, x in attributes.items()}
    return Element(f"{SVG}{name}", {key.replace("_", "-"): x for key, x in texts.items()})


def words(text: str, x: float, y: float, **attributes: str | float) -> Element:
    """A text that begins at (x, y)."""
    element = tag("text", x=x, y=y, **attributes)
    element.text = text
    return element


@cache
def _widths(weight: str) -> Any:
    """Of the characters of Helvetica, in thousandths of its size, by Adobe's metrics."""
    return json.loads(packaged("view/base/helvetica.json"))[
        "bold" if weight == "bold" else "normal"
    ]


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a text in Helvetica, by which boxes are laid out.

    Of other characters Graphviz counts 278 for each byte, in which a wide one has room.
    """
    widths: dict[str, int] = _widths(weight)
    wide = [c == "…" or east_asian_width(c) in "WF" for c in text]
    others = [278 * len(c.encode()) if w else 556 for c, w in zip(text, wide, strict=True)]
    return size / 1000 * sum(widths.get(c, x) for c, x in zip(text, others, strict=True))


def fitted(text: str, size: float, weight: str = "normal") -> dict[str, str]:
    """The attributes that keep a text in its box, whatever font a reader has."""
    width = f"{text_width(text, size, weight):.2f}"
    return {"textLength": width, "lengthAdjust": "spacingAndGlyphs"}


def room(text: str, size: float, *, bold: bool = False) -> float:
    """The width that a text needs in any of the usual fonts."""
    return _WIDEST * text_width(text, size, "bold" if bold else "normal") + 2


def wrapped(text: str, size: float, width: float) -> list[str]:
    """The text in lines that have room in this width, whatever the font."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and room(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def place(drawing: Element, x: float, y: float, width: float, height: float) -> Element:
    """The drawing, to stand in another: its left upper corner at (x, y), in this size."""
    for name, number in {"x": x, "y": y, "width": width, "height": height}.items():
        drawing.set(name, f"{number:.2f}")
    return drawing


def size_of(root: Element) -> tuple[float, float]:
    """Width and height of a picture in its own units, points for those of a renderer."""
    *_, width, height = (float(x) for x in root.get("viewBox", "0 0 1 1").split())
    return width, height


def inline(root: Element, title: str, description: str, style: str = "") -> str:
    """An SVG element to put into a page: no prologue, comment, id or link; tooltips are <title>s.

    `title` and `description` become <title> and <desc>, read aloud in place of the picture; `style`
    goes to the root. The element is used up.
    """
    for element in list(root.iter()):
        _shed(element)
    root.set("xmlns", SVG[1:-1])
    root.set("role", "img")
    root.set("font-family", _FONT)
    if style:
        root.set("style", style)
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = Element(tag)
        element.text, element.tail = text, "\n"
        root.insert(position, element)
    root.tail = None
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _shed(element: Element) -> None:
    """Take from one element what a page does not need, and make its tooltip a <title>."""
    element.tag = element.tag.removeprefix(SVG)
    element.attrib.pop("id", None)
    if element.tag == "text":
        element.attrib.pop("font-family", None)
    if element.tag != "g":
        return
    for title in element.findall(f"{SVG}title"):
        element.remove(title)
    for link in element.findall(f"{SVG}a"):
        tooltip = Element("title")
        tooltip.text = link.get(f"{LINK}title", "").replace("\\" + JOINER, "\\")
        link.tag = f"{SVG}g"
        link.attrib.clear()
        link.insert(0, tooltip)


def typeset(
    text: str, x: float, y: float, size: float, *, anchor: str = "start", **look: str | float
) -> list[Element]:
    """A formula such as `a1[2] = tanh(z1[2])` as texts, from (x, y) on, or centred there."""
    weight = str(look.get("font_weight", "normal"))
    x -= formula_width(text, size, weight) / 2 * (anchor == "middle")
    parts = []
    for piece, dx, dy, own, is_letter in pieces(text, size, weight):
        part = words("", x + dx, y + dy, font_size=f"{own:.4g}", **look)
        if is_letter:  # its font is that of a part, since a text has that of the picture
            SubElement(part, f"{SVG}tspan", ITALIC).text = piece
        else:
            part.text = piece
            part.attrib.update(fitted(piece, own, weight))
        parts.append(part)
    return parts


def formula_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a typeset formula."""
    places = pieces(text, size, weight)
    return max((x + text_width(piece, own, weight) for piece, x, _, own, _ in places), default=0.0)


def in_html(formula: str) -> str:
    """The markup of a formula."""
    parts = []
    for plain, letter, above, below in _pieces(formula):
        indices = (("sup", above), ("sub", below))
        name = f"<i>{letter}</i>" * bool(letter)
        parts += [html.escape(plain), name, *(f"<{t}>{x}</{t}>" for t, x in indices if x)]
    return "".join(parts)


def readable(formula: str) -> str:
    """A formula in text as it is read: ∂L/∂w for dL/dw, x² for x**2, · for *, a true minus."""
    formula = re.sub(r"(?<!\w)([a-z]+\d+\[[\d,]+\])(?=\*\*)", r"(\1)", formula)
    formula = re.sub(r"\*\*(\d+)", lambda power: superscript(float(power[1])), formula)
    formula = re.sub(r"\bd([^\s/]+)/d(?=[A-Za-z(])", r"∂\1/∂", formula)
    signs = {" * ": " · ", "<=": "≤", ">=": "≥", "-": "\N{MINUS SIGN}"}
    for sign, written in signs.items():
        formula = formula.replace(sign, written)
    return formula


def _pieces(text: str) -> Iterator[tuple[str, str, str, str]]:
    """What is no name, and after it a name: its letter, what stands above and below."""
    *pairs, last = _NAME.split(text)
    for plain, name in zip(pairs[::2], pairs[1::2], strict=True):
        if parts := name_parts(name):
            letter, above, below = parts
            yield plain, _GREEK.get(letter, letter), above, "".join(below)
        else:
            yield plain + name, "", "", ""
    yield last, "", "", ""


def pieces(
    text: str, size: float, weight: str = "normal"
) -> Iterator[tuple[str, float, float, float, bool]]:
    """Texts with their places from the start, sizes, and whether they are letters of names."""
    x = 0.0
    for plain, letter, above, below in _pieces(text):
        if plain.strip():
            lead = plain[: len(plain) - len(plain.lstrip())]
            yield plain.strip(), x + text_width(lead, size, weight), 0.0, size, False
        x += text_width(plain, size, weight)
        if letter:
            yield letter, x, 0.0, 1.05 * size, True
            x += text_width(letter, 1.05 * size, weight)
            # with serifs m and w are wider, and an index leans on its letter
            x += (0.03 if (above or below) and letter not in "mw" else 0.12) * size
        small = _INDEX * size
        for index, dy in ((above, -_ABOVE), (below, _BELOW)):
            if index:
                yield index, x, dy * size, small, False
        x += max(text_width(index, small, weight) for index in (above, below))
