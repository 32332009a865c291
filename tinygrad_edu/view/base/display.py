"""Display: what a notebook is given to show, and what is written to a file."""

import os
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from tinygrad_edu import files
from tinygrad_edu.files import AnyPath
from tinygrad_edu.view.base.render import RenderError

#: "static" shows a picture in place of a player or of widgets.
VARIABLE: Final = "TINYGRAD_EDU_DISPLAY"

#: What makes the content of a file, by its suffix.
Forms = Mapping[str, Callable[[], bytes | str]]


def displays_still() -> bool:
    """Whether displays are to be still: without a script, and without HTML."""
    choice = os.environ.get(VARIABLE, "").strip()
    if choice not in ("", "static", "interactive"):
        raise ValueError(
            f"{VARIABLE}={choice!r} is unknown: write static or interactive, or unset it"
        )
    return choice == "static"


class Picture(ABC):
    """What has an `svg`: it is saved by its suffix, and shows itself in a notebook."""

    #: What it is called where it is saved.
    _kind = "picture"

    @property
    @abstractmethod
    def svg(self) -> str:
        """An SVG element, to be saved or put into a page. Raises RenderError without a renderer."""

    def save(self, path: AnyPath) -> Path:
        """Write the picture as .svg, .png, .pdf, .eps, ... or a form of its kind; returns the path.

        Raises ValueError for another suffix, RenderError where the renderer cannot draw it or there
        is none; the file is then left alone.
        """
        return save(path, self._kind, self.forms())

    def forms(self) -> Forms:
        """What makes the content of each kind of file."""
        printed: Forms = {}
        with suppress(ImportError):  # of matplotlib, which a page may be without
            from tinygrad_edu.view.base.pdf import PRINTED

            printed = {ending: partial(self._printed, form) for ending, form in PRINTED.items()}
        return {".svg": lambda: self.svg, **printed, **self._others()}

    def _others(self) -> Forms:
        return {}

    def _text(self) -> str:
        """The text in its place, where there is no renderer."""
        return repr(self)

    def _printed(self, form: Callable[[Any], bytes]) -> bytes:
        """By matplotlib, whatever the renderer can write."""
        from tinygrad_edu.view.base.pdf import figure_of

        return form(figure_of(self.svg))

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """SVG, the PNG that a notebook shows which is not trusted, and text."""
        try:
            shown = {"image/svg+xml": self.svg}
        except RenderError as error:
            return {"text/plain": f"{error}\n\n{self._text()}"}
        if ".png" in self.forms():
            png = self._printed(lambda figure: figure.png(96))
            shown["image/png"] = b64encode(png).decode("ascii")
        return shown | {"text/plain": repr(self)}


class Drawing(Picture):
    """A picture that is drawn when it is asked for; it shows itself in a notebook."""

    def __init__(self, kind: str, draw: Callable[[], str], text: str) -> None:
        self._kind, self._draw, self.text = kind, draw, text

    @cached_property
    def svg(self) -> str:
        """An SVG element. Raises RenderError without a renderer."""
        return self._draw()

    def __repr__(self) -> str:
        return self.text


def save(path: AnyPath, what: str, forms: Forms) -> Path:
    """Write the one of these forms that the suffix of the path names; gives the path.

    Raises ValueError for another suffix, and whatever a form raises; the file is then left alone.
    """
    path = Path(files.path_of(path))
    form = forms.get(path.suffix.lower())
    if form is None:
        *most, last = forms
        offered = f"{', '.join(most)} or {last}" if most else last
        article = "an" if what[0] in "aeiou" else "a"
        raise ValueError(
            f"{article} {what} is saved as {offered}, and {path.name!r} is none of these: "
            f'write .save("{what}{next(iter(forms))}")'
        )
    files.write(path, form())
    return path
