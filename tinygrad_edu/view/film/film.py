"""steps: the backward pass as a film, one page that needs neither network nor server."""

import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from tinygrad_edu.checks import flag, instance, one_of, whole
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.files import packaged
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.display import Drawing, Forms, displays_still, save
from tinygrad_edu.view.base.naming import names_of, variable_names
from tinygrad_edu.view.base.numbers import UNKNOWN, decimal, has_grad, in_our_graph, one_value
from tinygrad_edu.view.base.palette import BY_NAME
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.svg import inline, size_of
from tinygrad_edu.view.film import pictures
from tinygrad_edu.view.film.pictures import Place, Still, shown, texts_of
from tinygrad_edu.view.film.recorder import Recording, record
from tinygrad_edu.view.graph.diagram import Diagram, Number
from tinygrad_edu.view.graph.picture import KEY, picture
from tinygrad_edu.view.graph.select import LARGEST, main_strands
from tinygrad_edu.view.graph.values import Content, value_diagram

_PHASES: Final = {"forward": "forward pass", "backward": "backward pass", "update": "update"}
#: What is left of a frame in a notebook that is not trusted.
_UNTRUSTED: Final = (
    "The film plays in a trusted notebook: run this cell. To save it as a picture, set "
    "TINYGRAD_EDU_DISPLAY to static."
)
# Pixels of the player in a notebook; a point of the picture is shown as 0.9 to 1.33 pixels.
_COLUMN, _SMALLEST, _LARGEST = 860, 0.9, 4 / 3
_CONTROLS, _TALLEST = 330, 760


def steps(
    v: Value,
    *,
    level: str = "auto",
    optimizer: Optimizer | None = None,
    guess: bool = False,
    names: Mapping[str, object] | None = None,
    max_steps: int = 300,
    max_nodes: int = LARGEST,
    notation: str = "lecture",
) -> "Film":
    """The way from the inputs to `v` and of the gradient back, step by step, as a page to look at.

    level      "value" has a step for each operation, "neuron" for each unit with its delta; "auto"
               is "neuron" where units stand in several layers
    optimizer  adds its next update of the parameters, from the gradients of the film
    guess      hides each new gradient until it is asked for, or guessed
    names      labels for values without a name of their own, e.g. `names=locals()`, as in `draw`
    max_steps  of more steps than this (at least 5) those of a unit are one, then those of a layer
    max_nodes  of more values than this the main strands are drawn
    notation   "lecture" or "code", as in `draw`

    Gradients start from 0, and no data and no gradient of yours is changed. Raises TypeError unless
    `v` is a Value, of any engine, and `optimizer` an Optimizer, ValueError for units where there
    are none.
    """
    v, names = in_our_graph(v, names)
    one_value("steps", v, "shows the backward pass of")
    if optimizer is not None:
        instance("optimizer", optimizer, Optimizer, "an Optimizer such as SGD(parameters)")
    max_steps, max_nodes = whole("max_steps", max_steps, 5), whole("max_nodes", max_nodes)
    order = toposort(v, leaves=True)
    all_names = names_of(order, variable_names(names), notation=notation)
    level, units = one_of("level", level, ("auto", "value", "neuron")), all_names.units.units
    if level == "neuron" and not units:
        raise ValueError(
            'level="neuron" has a step for each unit, and this graph has none: write level="value"'
        )
    by_unit = level == "neuron" or (level == "auto" and len({u.depth for u in units}) > 1)
    recording = record(
        v, optimizer=optimizer, names=all_names, max_steps=max_steps, by_unit=by_unit
    )
    return Film(recording, guess=guess, max_nodes=max_nodes, by_unit=by_unit)


class Film:
    """A film of a backward pass. It keeps no Value.

    In a notebook it shows itself as a player. `.html` is the page as a text; `.strip()` a still
    picture of a few frames, which is what is shown where TINYGRAD_EDU_DISPLAY is "static".
    """

    def __init__(
        self,
        recording: Recording,
        *,
        guess: bool = False,
        max_nodes: int = LARGEST,
        by_unit: bool = False,
    ) -> None:
        order, names = recording.order, recording.names
        drawn = main_strands(order, max_nodes)
        counted = f"{len(drawn):,} of {len(order):,} values shown" * (len(drawn) < len(order))
        self.guess = flag("guess", guess)
        self.title = f"Backward pass of {names[order[-1]]}"
        self.caption = "; ".join(part for part in (counted, recording.caption) if part)

        #: Of the texts of a place, which has room for it.
        widest: dict[tuple[Value, str], float] = {}
        seen, changes = {*drawn}, (frame.changes for frame in recording.frames)
        for v, row, number in chain(recording.start, *changes):
            if v in seen:
                known = widest.get((v, row), number)
                widest[v, row] = max(number, known, key=lambda x: len(decimal(x)))

        def numbers(v: Value) -> list[Number]:
            labels = ["data", "grad"] if has_grad(v) or v is order[-1] else ["data"]
            return [Number(k, widest.get((v, k)), back=k == "grad", keyed=True) for k in labels]

        units = names.units.units if by_unit else ()
        self._diagram, boxes = value_diagram(drawn, Content(names, numbers), units=units)
        rows = {row.label: row.id for box in self._diagram.boxes for row in box.rows}
        places = {v: Place(box.id, rows.get(names[v], box.id)) for v, box in boxes.items()}
        lines = self._diagram.ways()
        self._frames = [shown(frame, places, lines) for frame in recording.frames]
        self._start = {
            f"{row.id}.{number.label}": UNKNOWN
            for box in self._diagram.boxes
            for row in (box, *box.rows)
            for number in row.numbers
        }
        self._start |= texts_of(recording.start, places)

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._frames)

    @cached_property
    def html(self) -> str:
        """The page: one text without any address in it, to be saved or sent."""
        least = 0.0
        try:
            last = pictures.filled(self._drawing, self._numbers_at(len(self) - 1))
            drawn = inline(last, self.title, f"{self._lead} The last frame is shown.")
            least = _SMALLEST * size_of(self._drawing)[0]
        except RenderError as error:
            numbers = self._numbers_at(len(self) - 1)
            drawn = f"<p>{_text(str(error))}</p>\n{_table(self._diagram, numbers)}"
        frames = [frame._asdict() for frame in self._frames]
        parts = BY_NAME | {
            "title": _text(self.title),
            "lead": _text(self._lead),
            "caption": _text(self.caption),
            "least": f"{least:.0f}",
            "last": str(len(self) - 1),
            "phase": self._frames[-1].phase,
            "where": _text(self._frames[-1].where),
            "sentence": _lines(self._frames[-1].said),
            "picture": drawn,
            "rows": "".join(
                f"<tr><td>{k}</td><td>{f.phase}, {_text(f.where)}</td>"
                f"<td>{_lines(f.said)}</td></tr>\n"
                for k, f in enumerate(self._frames)
            ),
            "film": _json({"guess": self.guess, "start": self._start, "frames": frames}),
        }
        page = packaged("view/film/film.html")
        return re.sub(r"\{\{(\w+)\}\}", lambda hole: parts[hole[1]], page)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film: a page as .html, a picture that moves as .svg or .gif, else the strip.

        The SVG plays without a script, also where a page shows it as an image; .png, .pdf, .eps,
        .jpg and .webp hold the frames of `strip()`. Returns the path.
        Raises ValueError for another suffix, RenderError for a picture without a renderer; the file
        is then left alone.
        """
        page, still = lambda: self.html, self.strip().forms()
        forms: Forms = {
            ".html": page,
            ".htm": page,
            ".svg": lambda: pictures.animation(*self._stills(range(len(self)))),
            ".gif": lambda: pictures.as_gif(*self._stills(range(len(self)))[:3]),
        }
        return save(path, "film", {**forms, **{k: x for k, x in still.items() if k not in forms}})

    def strip(self, frames: int = 6) -> Drawing:
        """A still picture of at most `frames` frames: the end of the forward pass, and after it."""
        chosen = self._chosen(whole("frames", frames))
        text = [f"{self._heading(k)}: {'; '.join(self._frames[k].said)}" for k in chosen]
        return Drawing("strip", partial(self._sheet, chosen), "\n".join([self.title, *text]))

    def _sheet(self, chosen: Sequence[int]) -> str:
        return pictures.contact_sheet(*self._stills(chosen))

    def _stills(self, chosen: Sequence[int]) -> tuple[Element, list[Still], str, str, str]:
        """The drawing, these frames, caption, title and description of a picture of them."""
        stills = [Still(self._heading(k), self._frames[k], self._numbers_at(k)) for k in chosen]
        lead = f"{self._lead} {len(chosen)} of {len(self)} frames are shown."
        return self._drawing, stills, self.caption, self.title, lead

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        if displays_still():
            return self.strip()._repr_mimebundle_()
        return {"text/html": self.inline(), "text/plain": repr(self)}

    def _repr_html_(self) -> str | None:
        return None if displays_still() else self.inline()

    def __repr__(self) -> str:
        return f"<Film: {self.title}, {len(self)} steps>"

    def inline(self) -> str:
        """The page in a frame of its own, to stand within another page.

        The page is written into the attribute srcdoc: notebooks run the scripts of such a frame
        where they would drop or rewrite those of a cell's output, nothing is fetched, the styles
        and ids of notebook and page do not meet, and `sandbox` keeps the page from the notebook. A
        notebook that is not trusted drops the frame, and shows the sentence in it.
        """
        return (
            f'<iframe title="{_text(self.title)}" sandbox="allow-scripts" '
            f'style="width:100%;height:{self._height()}px;border:0" '
            f'srcdoc="{html.escape(self.html)}">{_UNTRUSTED}</iframe>'
        )

    def _height(self) -> int:
        """Room for controls and picture in a column 900 pixels wide, within bounds."""
        try:
            w, h = size_of(self._drawing)
        except RenderError:
            return _TALLEST
        height = h * min(max(_COLUMN / w, _SMALLEST), _LARGEST)
        return round(min(_CONTROLS + height, _TALLEST))

    @cached_property
    def _drawing(self) -> Element:
        return picture(self._diagram)

    @property
    def _lead(self) -> str:
        present = {frame.phase for frame in self._frames}
        phases = [name for phase, name in _PHASES.items() if phase in present]
        return f"{len(self)} steps: {', '.join(phases)}."

    def _heading(self, k: int) -> str:
        return f"{k} of {len(self) - 1}, {self._frames[k].phase}"

    def _numbers_at(self, k: int) -> dict[str, str]:
        """The text of every number after frame k."""
        numbers = dict(self._start)
        for frame in self._frames[: k + 1]:
            numbers |= frame.set
        return numbers

    def _chosen(self, n: int) -> list[int]:
        """The frame at the end of the forward pass, and others after it, evenly, with the last."""
        last = len(self) - 1
        first = next(k for k, f in enumerate(self._frames) if f.phase == "backward") - 1
        if len(self) <= n:
            return list(range(len(self)))
        if n == 1 or last == first:
            return [last]
        return sorted({first + round(k * (last - first) / (n - 1)) for k in range(n)})


def _table(diagram: Diagram, numbers: Mapping[str, str]) -> str:
    """Where there is no renderer: the values as a table in HTML, with the same keys."""
    rows = []
    for box in (row for outer in diagram.boxes for row in (outer.rows or (outer,))):
        keys = [f"{box.id}.{number.label}" for number in box.numbers]
        cells = "".join(f'<td {KEY}="{key}">{numbers[key]}</td>' for key in keys)
        head = f'<th scope="row">{_text(box.label)}</th><td>{_text(box.made)}</td>'
        rows += [f'<tr {KEY}="{box.id}">{head}{cells}</tr>'] * bool(box.numbers)
    return (
        '<table><thead><tr><th scope="col">name</th><th scope="col">made by</th>'
        '<th scope="col">data</th><th scope="col">grad</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>\n"
    )


def _lines(sentences: Sequence[str]) -> str:
    return "".join(f"<p>{_text(said)}</p>" for said in sentences)


def _text(text: str) -> str:
    return html.escape(clean(text, 2000))


def _json(content: object) -> str:
    """JSON that may stand in a script element, whatever texts it holds."""
    written = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written
