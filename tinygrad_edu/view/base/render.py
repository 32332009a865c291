"""From DOT to a picture: which renderer draws, and what happens where there is none.

The environment variable TINYGRAD_EDU_GRAPHVIZ chooses (dot, graphviz-pure, pygraphviz, none,
or a path), else a working `dot`, else the program `graphviz-pure`, else the module pygraphviz. In
Pyodide it is viz_js, registered by `pyodide.registerJsModule("viz_js", await Viz.instance())`.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib import import_module, metadata, util
from typing import Any, Final, NamedTuple

VARIABLE: Final = "TINYGRAD_EDU_GRAPHVIZ"
_SECONDS: Final = 60.0


class RenderError(RuntimeError):
    """DOT could not be made a picture; the message says what to install or to write instead."""


class Renderer(NamedTuple):
    """A Graphviz: the name it goes by, the path of its program or module, and its version."""

    name: str
    path: str
    version: str


def render(source: str) -> bytes:
    """The SVG of a DOT text.

    A renderer that fails or takes longer than a minute is passed over for the next, but for one
    that TINYGRAD_EDU_GRAPHVIZ names. Raises RenderError if none can draw it.
    """
    failures = []
    for candidate in _candidates():
        try:
            return _run(candidate, source, _SECONDS)
        except RenderError as error:
            failures.append(str(error))
    raise RenderError("no renderer could draw the graph: " + "; ".join(failures))


def dot_writer() -> Any:
    """The package graphviz, which writes DOT text. Raises RenderError where it is missing."""
    try:
        return import_module("graphviz")
    except ImportError:
        raise RenderError("DOT text needs the package graphviz: pip install graphviz") from None


def renderer() -> Renderer:
    """The renderer that `render` asks first. Raises RenderError if there is none."""
    return next(_candidates())


def renderers() -> dict[str, Renderer | None]:
    """The renderers by name, best first; None for one that was not found, or does not draw."""
    if sys.platform == "emscripten":  # a page starts no programs
        return {"viz_js": _viz_js()}
    return {
        "dot": _program("dot"),
        "graphviz-pure": _program("graphviz-pure"),
        "pygraphviz": _pygraphviz(),
    }


def _candidates() -> Iterator[Renderer]:
    """The renderers that work, best first; the one that was asked for alone. Never empty."""
    choice = os.environ.get(VARIABLE, "").strip()
    if choice == "none":
        raise RenderError(
            f'pictures are switched off by {VARIABLE}=none: unset it, or use .dot or .save("g.dot")'
        )
    if choice and sys.platform != "emscripten":  # a page has no other renderer
        chosen = _pygraphviz() if choice == "pygraphviz" else _program(choice)
        if chosen is None:
            raise RenderError(
                f"{VARIABLE} names the renderer {choice!r}, which was not found or does not work: "
                "write dot, graphviz-pure, pygraphviz, none or the path of a program, or unset it"
            )
        yield chosen
        return
    working = [candidate for candidate in renderers().values() if candidate is not None]
    if not working:
        raise RenderError(
            "pictures need a Graphviz renderer and none was found: write pip install "
            "graphviz-pure, or install the graphviz package of your system, or in Pyodide register "
            "the module viz_js; DOT text needs none: "
            'use .dot or .save("g.dot")'
        )
    yield from working


def _program(name: str) -> Renderer | None:
    """The first program of this name that draws a small graph: on PATH, else beside this Python."""
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    for folder in (None, sysconfig.get_path("scripts"), user):
        path = shutil.which(name, path=folder)
        version = _version(path) if path else None
        if path and version is not None:
            return Renderer(os.path.basename(name), path, version)
    return None


@cache
def _version(path: str) -> str | None:
    """The version of a program that draws, None for one that is broken or hangs."""
    trial = Renderer(os.path.basename(path), path, "")
    try:
        if b"<svg" not in _run(trial, "digraph { a -> b }", _SECONDS / 3):
            return None
        answer = subprocess.run([path, "-V"], capture_output=True, timeout=_SECONDS, check=False)
    except (RenderError, OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(rb"version (\S+)", answer.stderr + answer.stdout)
    return match[1].decode("ascii", "replace") if match else "unknown"


def _pygraphviz() -> Renderer | None:
    spec = util.find_spec("pygraphviz")
    if spec is None:
        return None
    return Renderer("pygraphviz", spec.origin or "", metadata.version("pygraphviz"))


def _viz_js() -> Renderer | None:
    found = util.find_spec("viz_js") and import_module("viz_js").graphvizVersion
    return Renderer("viz_js", "", found) if found else None


def _run(chosen: Renderer, source: str, seconds: float) -> bytes:
    if chosen.name == "pygraphviz":
        return _run_pygraphviz(source)
    if chosen.name == "viz_js":
        drawn = import_module("viz_js").render(source, format="svg")
        if drawn.status != "success":
            raise RenderError(f"viz_js failed: {'; '.join(e.message for e in drawn.errors)}")
        return str(drawn.output).encode()
    command, text = [chosen.path, "-Tsvg"], source.encode()
    try:
        done = subprocess.run(command, input=text, capture_output=True, timeout=seconds, check=True)
    except subprocess.TimeoutExpired:
        raise RenderError(f"{chosen.name} took longer than {seconds:g} seconds") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip() or f"exit code {error.returncode}"
        raise RenderError(f"{chosen.name} failed: {reason[:300]}") from None
    except OSError as error:
        raise RenderError(f"{chosen.name} cannot be started: {error.strerror}") from None
    if not done.stdout:
        raise RenderError(f"{chosen.name} gave an empty picture")
    return done.stdout


def _run_pygraphviz(source: str) -> bytes:
    try:
        pygraphviz = import_module("pygraphviz")
        drawn: bytes = pygraphviz.AGraph(string=source).draw(format="svg", prog="dot")
    except (ImportError, OSError, ValueError) as error:
        raise RenderError(f"pygraphviz failed: {error}") from None
    return drawn
