"""The pictures of a film: one drawing with a place for every number; stills, a sheet, an animation.

The drawing is rendered once. A value at n3 has the keys n3 (its box), n3.data and n3.grad (its
numbers); a line has n1-n3. What is computed has a violet ring, the lines that feed it a halo.
"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import groupby
from textwrap import wrap
from typing import Final, NamedTuple, TypeVar
from xml.etree.ElementTree import Element, SubElement

from tinygrad_edu.engine import Value
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.palette import BY_NAME, INK, NOW, SOFT, ZERO
from tinygrad_edu.view.base.svg import (
    SVG,
    fitted,
    inline,
    place,
    readable,
    size_of,
    tag,
    text_width,
    typeset,
    words,
)
from tinygrad_edu.view.film.recorder import Change, Frame
from tinygrad_edu.view.graph.picture import KEY, lit

T = TypeVar("T")

_GAP: Final = 16.0
_LINE, _LINES = 19.0, 2
_LEAST: Final = 420.0
_WHOLE: Final = 700.0
#: Seconds for which a frame is shown; so many frames the last one.
_SECONDS, _HELD = 1.5, 3


class Place(NamedTuple):
    """Where a value is drawn: the box, and what stands there for it, a row or the box itself."""

    box: str
    row: str


class Shown(NamedTuple):
    """A frame as the page shows it: what is said, what is lit, the texts that are new.

    `answer` is the number that the question `ask` is about, None where it is not one finite number.
    `on` are the keys of boxes that change, `by` those of the lines that feed them.
    """

    phase: str
    where: str
    said: list[str]
    ask: str
    answer: float | None
    on: list[str]
    by: list[str]
    set: dict[str, str]


def shown(frame: Frame, places: Mapping[Value, Place], lines: Mapping[str, str]) -> Shown:
    """A frame with keys in place of Values.

    `lines` are the keys of lines; that which leads to a chip has the key of what comes after it.
    """
    by: list[str] = []
    for p, v in frame.flows:
        if v in places and p in places:
            key = f"{places[p].box}-{places[v].box}"
            by += [key, lines.get(key, key)]
    made = [c.value for c in frame.changes] if frame.unit is None else [frame.unit]
    asked = [c for c in frame.changes if frame.unit in (None, c.value)] if frame.question else []
    answer = asked[0].number if len(asked) == 1 else math.nan
    return Shown(
        frame.phase,
        frame.where,
        [readable(said) for said in frame.sentences],
        readable(frame.question),
        answer if math.isfinite(answer) else None,
        [places[v].box for v in made if v in places],
        [key for key in dict.fromkeys(by) if key in lines],
        texts_of(frame.changes, places),
    )


def texts_of(changes: Sequence[Change], places: Mapping[Value, Place]) -> dict[str, str]:
    """The texts that these changes set, by their keys."""
    changed = [c for c in changes if c.value in places]
    return {f"{places[c.value].row}.{c.row}": decimal(c.number) for c in changed}


class Still(NamedTuple):
    """One frame with its heading, and all numbers by their keys."""

    heading: str
    frame: Shown
    numbers: Mapping[str, str]

    def lights(self, key: str) -> bool:
        """Whether the box or the line with this key is lit."""
        return key in (self.frame.by if "-" in key else self.frame.on)


def filled(root: Element, numbers: Mapping[str, str]) -> Element:
    """A copy of the drawing with these texts at their keys."""
    root = deepcopy(root)
    for element in root.iter(f"{SVG}text"):
        if (key := element.get(KEY)) is not None:
            _write(element, key, numbers.get(key, ""))
    return root


def contact_sheet(
    drawing: Element, stills: Sequence[Still], caption: str, title: str, description: str
) -> str:
    """The SVG element: frames side by side while 700 pixels are enough, then below each other."""
    frames = [_still(drawing, still) for still in stills]
    w, h = size_of(frames[0])
    columns = max(1, min(3, len(stills), int((_WHOLE - _GAP) // (w + _GAP))))
    wide, high = columns * (w + _GAP) + _GAP, -(-len(stills) // columns) * (h + _GAP) + _GAP
    outer = _ground(wide, high, caption, _GAP + 4)
    for k, frame in enumerate(frames):
        x, y = _GAP + k % columns * (w + _GAP), _GAP + k // columns * (h + _GAP)
        outer.append(place(frame, x, y, w, h))
    return inline(outer, title, description)


def as_gif(drawing: Element, stills: Sequence[Still], caption: str) -> bytes:
    """The frames as an animated GIF that begins again after the last one."""
    from tinygrad_edu.figure import gif
    from tinygrad_edu.view.base.pdf import figure_of

    pages = (contact_sheet(drawing, [still], caption, "", "") for still in stills)
    frames = [figure_of(page).png(144) for page in pages]
    times = [*[round(1000 * _SECONDS)] * (len(frames) - 1), round(1000 * _HELD * _SECONDS)]
    return gif(frames, times)


def animation(
    drawing: Element, stills: Sequence[Still], caption: str, title: str, description: str
) -> str:
    """The frames as one SVG that plays by itself, without a script, and begins again.

    A reader that plays no animation shows the last frame.
    """
    outer = _ground(*size_of(_still(drawing, stills[0])), caption, 4)
    root = deepcopy(drawing)
    outer.append(place(root, 0, 0, *size_of(root)))
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in list(root.iter()):
        key = element.get(KEY)
        if key is None:
            continue
        if element.tag == f"{SVG}text":
            shown = [still.numbers.get(key, "") for still in stills]
            around = parents[element]
            at = list(around).index(element)
            around.remove(element)
            for text, runs in _runs(shown).items():
                part = deepcopy(element)
                _write(part, key, text)
                around.insert(at, _timed(part, runs, len(stills)))
        else:
            runs = _runs([still.lights(key) for still in stills]).get(True, [])
            for part in lit(element, key) if runs else ():
                element.insert("-" not in key and len(element), _timed(part, runs, len(stills)))
    for k, still in enumerate(stills):
        outer.append(_timed(_still(drawing, still, bare=True), [(k, k + 1)], len(stills)))
    return inline(outer, title, description)


def _runs(states: Sequence[T]) -> dict[T, list[tuple[int, int]]]:
    """For each state the frames in which it is shown: from one to before another."""
    runs: dict[T, list[tuple[int, int]]] = {}
    start = 0
    for state, members in groupby(states):
        end = start + len(list(members))
        runs.setdefault(state, []).append((start, end))
        start = end
    return runs


def _timed(part: Element, runs: Sequence[tuple[int, int]], count: int) -> Element:
    """The element, seen in these frames alone; in all others it is hidden."""
    if list(runs) == [(0, count)]:
        return part
    total = count - 1 + _HELD
    values, times = ["hidden"], [0.0]
    for start, end in runs:
        for at, value in ((start, "visible"), (end, "hidden")):
            if at < count and times[-1] == at / total:
                values[-1] = value
            elif at < count:
                values, times = [*values, value], [*times, at / total]
    look = {"attributeName": "visibility", "calcMode": "discrete", "repeatCount": "indefinite"}
    times_text = ";".join(f"{t:.5g}" for t in times)
    look |= {"dur": f"{total * _SECONDS:g}s", "values": ";".join(values), "keyTimes": times_text}
    part.set("visibility", "visible" if runs[-1][1] == count else "hidden")
    SubElement(part, f"{SVG}animate", look)
    return part


def _still(drawing: Element, still: Still, *, bare: bool = False) -> Element:
    """One frame: the drawing, what is lit, the sentence and the formula; `bare` has these alone."""
    w, h = size_of(drawing)
    width = max(w, _LEAST)
    high = h + _LINE * (_LINES + 1) + _GAP / 2
    root = tag("g") if bare else tag("svg", viewBox=f"0 0 {width:.0f} {high:.0f}")
    if not bare:
        frame = filled(drawing, still.numbers)
        for element in list(frame.iter()):
            key = element.attrib.pop(KEY, "")
            for part in lit(element, key) if still.lights(key) else ():
                element.insert("-" not in key and len(element), part)
        root.append(place(frame, 0, 0, w, h))
    first, y = f"{still.heading}:", h + _LINE
    root.append(words(first, 4, y, fill=NOW.light, font_size="12", **fitted(first, 12)))
    x = 8 + text_width(first, 12)
    [where] = _cut(wrap(still.frame.where, int((width - x) / 6.4)))
    root.append(words(where, x, y, fill=SOFT.light, font_size="12"))
    lines = [line for said in still.frame.said for line in wrap(readable(said), int(width / 7.0))]
    for k, line in enumerate(_cut(lines, _LINES), 1):
        root.extend(typeset(line, 4, y + k * _LINE, 14, fill=INK.light))
    return root


def _cut(lines: Sequence[str], most: int = 1) -> list[str]:
    """The first lines, and a sign where there are more."""
    first = [*lines[:most]] or [""]
    return first if len(lines) <= most else [*first[:-1], first[-1] + " …"]


def _write(element: Element, key: str, text: str) -> None:
    """The text of a number; what comes back has the colour of its sign."""
    element.text = text
    if key.endswith(".grad"):
        sign = "negative_text" if text.startswith("\N{MINUS SIGN}") else "positive_text"
        kind = sign if any(map(str.isdigit, text.replace("0", ""))) else "soft"
        element.attrib.update({"class": kind, "fill": BY_NAME[kind.upper()], "font-weight": "600"})


def _ground(width: float, height: float, caption: str, left: float) -> Element:
    """A white ground, with the colours of a light one in every theme, and the caption below."""
    lines = wrap(readable(caption), int((width - left) / 6.4))
    high = height + _LINE * len(lines)
    outer = tag("svg", width=f"{width:.0f}", height=f"{high:.0f}")
    outer.set("viewBox", f"0 0 {width:.0f} {high:.0f}")
    outer.set("data-theme", "light")
    outer.append(tag("rect", x=0, y=0, width=width, height=high, fill=ZERO.light))
    for k, line in enumerate(lines):
        outer.append(words(line, left, height + k * _LINE + 10, fill=SOFT.light, font_size="12"))
    return outer
