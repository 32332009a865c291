"""lesson: the playground as one file of HTML, which trains in any browser without a server."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Final
from urllib.parse import urlencode

from tinygrad_edu.checks import flag, listed, one_of, text_of
from tinygrad_edu.export.page import assembled, packed, script_of
from tinygrad_edu.files import AnyPath, packaged, path_of, write
from tinygrad_edu.playground.parts import parts
from tinygrad_edu.playground.settings import Settings
from tinygrad_edu.text import clean
from tinygrad_edu.vectorize.executors.library import FOLDER

#: What a teacher can hide.
HIDEABLE: Final = (
    "data", "settings", "view", "dock", "play", "step", "reset", "fresh", "rate", "optimizer",
    "batch", "loss", "penalty", "strength", "dropout", "layers", "kinds", "sets", "points", "noise",
    "share", "classes", "seed", "features", "test", "flat", "curves", "units", "activations",
)  # fmt: skip
TITLE: Final = "tinygrad_edu playground"


def lesson(
    path: AnyPath | None = None,
    *,
    link: str = "",
    hide: Iterable[str] = (),
    lock: bool = False,
    questions: Iterable[str] = (),
    title: str = TITLE,
) -> str:
    """The playground as a page: one text of HTML, also written to `path`.

    Nets of points of the plane and of functions of one number: maps of all units, weights as lines,
    the plane, and the lens, which shows every number of the pass of an example, by which rule it
    came about, and the chain rule of each weight, path by path; signs of deltas can be guessed
    first. The page writes the Python that gives its state again, to 1e-11, and the passes in NumPy.

    link       the state in which it opens: what follows # in a link that the page has copied
    hide       panels and controls that are not shown, such as "data", "rate": see HIDEABLE
    lock       whether settings stay as they are; the lens and the weights can still be used
    questions  texts that the page shows beside the lens

    The page asks for nothing from any network. `window.tinygrad` is there as in `to_page`, and
    `example`: all numbers of the pass of the chosen example, or null.

        >>> from tinygrad_edu.playground import lesson
        >>> page = lesson(link="data=xor&hidden=2", hide=["settings"], questions=["Why 2 units?"])
        >>> page[:15]
        '<!DOCTYPE html>'
    """
    path = None if path is None else path_of(path)
    text = page_of(linked(text_of("link", link) or Settings().link, hide, lock, questions), title)
    if path is not None:
        write(path, text)
    return text


def linked(
    link: str, hide: Iterable[str] = (), lock: bool = False, questions: Iterable[str] = ()
) -> str:
    """A link, without what is before its #, with what a teacher wants."""
    hidden = [one_of("hide", name, HIDEABLE) for name in listed("hide", hide, "parts of the page")]
    asked = [text_of("question", text) for text in listed("questions", questions, "texts")]
    wanted = [("hide", " ".join(hidden))] * bool(hidden)
    wanted += [("lock", "1")] * flag("lock", lock)
    wanted += [("ask", text) for text in asked]
    return "&".join(filter(None, (link.rpartition("#")[2], urlencode(wanted))))


def page_of(link: str, title: str) -> str:
    """The page that opens in the state of a link."""
    return assembled(
        packaged("playground/screen/screen.html"),
        packaged("playground/screen/screen.css"),
        script_of("playground/screen/start"),
        title=clean(text_of("title", title), 200),
        **_packed(),
        preset=link,
    )


@cache
def _packed() -> dict[str, str]:
    """What every lesson has in it."""
    machine = FOLDER.joinpath("machine.wasm").read_bytes()
    return {"parts": packed(json.dumps(parts()).encode()), "machine": packed(machine)}
