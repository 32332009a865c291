"""A report as one HTML page that needs no network: texts escaped, pictures inside the page."""

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tinygrad_edu.text import clean

_LONGEST: Final = 100_000


@dataclass(frozen=True)
class Picture:
    """A picture with its heading and caption; `content` is a PNG, or markup of the given kind.

    The kinds are "drawing" (an SVG element), "table", "text" (see `verbatim`) and "film".
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
    return _PAGE.format(
        style=_STYLE,
        title=_text(title),
        lead=_text(lead),
        results=_table(results),
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


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = rows
    head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in header)
    lines = [f"<thead><tr>{head}</tr></thead>"]
    for name, *cells in body:
        numbers = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{_text(name)}</th>{numbers}</tr>')
    return f"<table>{''.join(lines)}</table>"


def _figure(picture: Picture) -> str:
    if isinstance(picture.content, str):
        kind, shown = picture.kind, picture.content
    else:
        data = base64.b64encode(picture.content).decode("ascii")
        kind = "plot"
        shown = f'<img alt="{_text(picture.heading)}" src="data:image/png;base64,{data}">'
    return (
        f'<section class="{kind}"><h2>{_text(picture.heading)}</h2>\n'
        f'<figure><div class="picture" tabindex="0">{shown}</div>\n'
        f"<figcaption>{_text(picture.caption)}</figcaption></figure></section>\n"
    )


_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --expr: #1d2330; --faint: #5b6475;
  --line: #d9dde5; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171d; --card: #1d222b; --expr: #e6e9ef;
  --faint: #a3acbb; --line: #343b48; --accent: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--expr);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; display: grid; gap: 1.25rem;
  grid-template-columns: repeat(2, minmax(0, 1fr)); }
header, .drawing, .table, .text, .film, .whole { grid-column: 1 / -1; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; }
header p { margin: .5rem 0 0; color: var(--faint); font-size: 1.1rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.1rem 1.3rem; }
h2 { margin: 0 0 .7rem; font-size: 1.05rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .6rem; text-align: right; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--faint); font-weight: 500; }
th:first-child { text-align: left; padding-left: 0; }
tbody td:last-child { font-weight: 600; color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
.picture { overflow-x: auto; border-radius: 8px; }
.plot .picture { background: #fff; padding: .6rem; text-align: center; }
.plot img { display: block; margin: 0 auto; max-width: 100%; max-height: 34rem; }
.table .picture { max-height: 36rem; overflow: auto; }
.table caption { padding: .6rem 0 .2rem; font-weight: 600; }
.table tbody td:last-child { font-weight: inherit; color: inherit; }
.drawing { width: min(96vw, 110rem); margin-left: calc(50% - min(48vw, 55rem)); }
.drawing svg { display: block; max-width: max(100%, 84rem); height: auto; margin: 0 auto; }
figcaption { margin-top: .7rem; color: var(--faint); font-size: .92rem; }
pre { margin: 0; padding: .8rem 1rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; white-space: pre-wrap; }
.text pre { font-size: .85rem; white-space: pre; overflow-x: auto; }
code span { display: inline-block; max-width: 100%; overflow-wrap: anywhere; }
@media (max-width: 46rem) { main { grid-template-columns: minmax(0, 1fr); padding: 1rem; } }
@media print { .drawing svg { max-width: 100%; } }
"""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header><h1>{title}</h1><p>{lead}</p></header>
<section><h2>Results</h2>{results}</section>
<section><h2>Settings</h2><dl>{settings}</dl></section>
{pictures}<section class="whole"><h2>Do it again</h2><pre><code>{command}</code></pre></section>
</main>
</body>
</html>
"""
