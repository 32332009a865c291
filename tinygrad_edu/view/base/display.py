"""Display: what a notebook is given to show, and what is written to a file."""

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tinygrad_edu import files
from tinygrad_edu.files import AnyPath
from tinygrad_edu.view.base.render import RenderError

#: "static" shows a picture in place of a player or of widgets.
VARIABLE: Final = "TINYGRAD_EDU_DISPLAY"


def displays_still() -> bool:
    """Whether displays are to be still: without a script, and without HTML."""
    choice = os.environ.get(VARIABLE, "").strip()
    if choice not in ("", "static", "interactive"):
        raise ValueError(
            f"{VARIABLE}={choice!r} is unknown: write static or interactive, or unset it"
        )
    return choice == "static"


def picture_bundle(svg: Callable[[], str], text: str, instead: Callable[[], str]) -> dict[str, str]:
    """The forms of a picture: SVG, the PNG that a notebook shows which is not trusted, and text.

    Without a renderer the error, and another text in its place.
    """
    try:
        drawn = svg()
    except RenderError as error:
        return {"text/plain": f"{error}\n\n{instead()}"}
    from tinygrad_edu.view.base.pdf import figure_of, screen_resolution

    page = ElementTree.fromstring(drawn)
    png = figure_of(page).png(screen_resolution(page))
    return {
        "image/svg+xml": drawn,
        "image/png": b64encode(png).decode("ascii"),
        "text/plain": text,
    }


def converted(svg: str, form: str) -> bytes:
    """A picture as "pdf" or "png", by matplotlib, whatever the renderer can write."""
    from tinygrad_edu.view.base.pdf import figure_of, pdf

    figure = figure_of(ElementTree.fromstring(svg))
    return pdf(figure) if form == "pdf" else figure.png()


def save(path: AnyPath, what: str, forms: Mapping[str, Callable[[], bytes | str]]) -> Path:
    """Write the one of these forms that the suffix of the path names; gives the path.

    Raises ValueError for another suffix, and whatever a form raises; the file is then left alone.
    """
    path = Path(files.path_of(path))
    form = forms.get(path.suffix.lower())
    if form is None:
        *most, last = forms
        offered = f"{', '.join(most)} or {last}" if most else last
        raise ValueError(
            f"a {what} is saved as {offered}, and {path.name!r} is none of these: "
            f'write .save("{what}{next(iter(forms))}")'
        )
    files.write(path, form())
    return path
