"""A report as one HTML page that needs no network: texts escaped, pictures inside the page."""

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tinygrad_edu.files import packaged
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.palette import styled

_LONGEST: Final = 100_000


@dataclass(frozen=True)
class Picture:
    """A picture with its heading and caption; `content` is a PNG, or markup of the given kind.

    The kinds are "drawing" (an SVG element), "table", "text" (see `verbatim`) and "film"; of a PNG
    "wide", which has a line of its own, and "sheet", which a phone does not shrink either.
    """

    heading: str
    caption: str
    content: str | bytes
    kind: str = "drawing"


def report(
    title: str,
    lead: str,
    *,
    results: Sequence[Sequence[str]],
    settings: Mapping[str, str],
    pictures: Sequence[Picture],
    command: str,
) -> str:
    """The text of the page.

    `results` is a table, its header first, the first cell of a row naming it; `settings` a table of
    two columns; `command` what to type to get the same again. All texts are escaped, but for the
    markup of pictures, which is put into the page as it is: give only what the views made.
    """
    return packaged("view/base/report.html").format(
        style=styled(packaged("view/base/report.css")),
        title=_text(title),
        lead=_text(lead),
        results=html_table(results),
        settings="".join(
            f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in settings.items()
        ),
        pictures="".join(map(_figure, pictures)),
        command=" ".join(f"<span>{_text(word)}</span>" for word in command.split(" ")),
    )


def verbatim(text: str) -> str:
    """The markup of a text with its line breaks and spaces."""
    return "<pre>" + "\n".join(map(_text, text.splitlines())) + "</pre>"


def _text(text: str) -> str:
    return html.escape(clean(text, _LONGEST))


def html_table(
    rows: Sequence[Sequence[str]],
    attributes: str = "",
    caption: str = "",
    markup: Callable[[str], str] = lambda cell: _text(cell),
) -> str:
    """A table: the first row is its header, the first cell of each a name; `caption` is markup.

    `markup` makes that of a cell.
    """
    header, *body = rows
    head = "".join(f'<th scope="col">{markup(cell)}</th>' for cell in header)
    lines = []
    for name, *cells in body:
        span = "" if cells else f' colspan="{len(header)}"'
        numbers = "".join(f"<td>{markup(cell)}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row"{span}>{markup(name)}</th>{numbers}</tr>')
    parts = f"{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f"<table{attributes}>{parts}</table>"


def _figure(picture: Picture) -> str:
    if isinstance(picture.content, str):
        kind, shown = picture.kind, picture.content
    else:
        data = base64.b64encode(picture.content).decode("ascii")
        kind = f"plot {picture.kind}" if picture.kind in ("wide", "sheet") else "plot"
        shown = f'<img alt="{_text(picture.heading)}" src="data:image/png;base64,{data}">'
    return (
        f'<section class="{kind}"><h2>{_text(picture.heading)}</h2>\n'
        f'<figure><div class="picture" tabindex="0">{shown}</div>\n'
        f"<figcaption>{_text(picture.caption)}</figcaption></figure></section>\n"
    )
