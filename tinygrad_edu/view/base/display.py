"""Display: what a notebook is given to show."""

import os
from collections.abc import Callable
from typing import Final

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
    """The forms of a picture; without a renderer the error, and another text in its place."""
    try:
        return {"image/svg+xml": svg(), "text/plain": text}
    except RenderError as error:
        return {"text/plain": f"{error}\n\n{instead()}"}
