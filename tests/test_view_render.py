import re
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinygrad_edu.view.base import render as module
from tinygrad_edu.view.base.render import RenderError, render, renderer

SOURCE = "digraph { a -> b }"
EMBEDDED = sysconfig.get_path("scripts")

posix = pytest.mark.skipif(sys.platform == "win32", reason="programs written as shell scripts")


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch):
    monkeypatch.delenv("TINYGRAD_EDU_GRAPHVIZ", raising=False)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Writes a shell script and makes its folder, with the system's own tools, the PATH."""

    def write(name, body):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return write


def _embedded_only(monkeypatch):
    found = module._program
    monkeypatch.setattr(module, "_program", lambda name: None if name == "dot" else found(name))


def _nothing_installed(monkeypatch):
    monkeypatch.setattr(module, "_program", lambda name: None)
    monkeypatch.setattr(module, "_pygraphviz", lambda: None)


@pytest.mark.parametrize(("format", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG\r\n\x1a\n")])
def test_dot_becomes_a_picture(format, start):  # noqa: A002
    assert render(SOURCE, format).startswith(start)


def test_the_same_dot_gives_the_same_bytes():
    assert [render(SOURCE, f) for f in ("svg", "png")] == [
        render(SOURCE, f) for f in ("svg", "png")
    ]


def test_the_embedded_renderer_needs_no_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    chosen = renderer()
    assert chosen.name.removesuffix(".exe") == "graphviz-pure"
    assert Path(chosen.path).parent == Path(EMBEDDED)
    assert re.fullmatch(r"\d+\.\d+\.\d+", chosen.version)


@posix
def test_a_working_dot_comes_first(program):
    path = program(
        "dot",
        'case "$1" in -V) echo "dot - graphviz version 9.1.2 (x)" >&2;; *) echo "<svg/>";; esac',
    )
    assert renderer() == ("dot", str(path), "9.1.2")
    assert render(SOURCE, "svg") == b"<svg/>\n"


@posix
@pytest.mark.parametrize(
    "body",
    ["exit 1", "echo oops", ":", "kill -9 $$", "exec sleep 60"],
    ids=["fails", "draws no SVG", "draws nothing", "crashes", "hangs"],
)
def test_a_broken_dot_is_passed_over(body, program, monkeypatch):
    program("dot", body)
    assert module._program("graphviz-pure")  # found, and remembered, at its usual patience
    monkeypatch.setattr(module, "_SECONDS", 3.0)
    assert renderer().name == "graphviz-pure"
    assert render(SOURCE, "svg").endswith(b"</svg>\n")


@posix
def test_a_dot_that_fails_on_this_graph_alone_is_passed_over(program):
    program("dot", 'if grep -q special; then exit 3; else echo "<svg/>"; fi')
    assert renderer().name == "dot"
    assert b"special" in render("digraph { special }", "svg")


def test_a_renderer_can_be_chosen_by_name(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "graphviz-pure")
    assert renderer().name.removesuffix(".exe") == "graphviz-pure"


@posix
def test_a_renderer_can_be_chosen_by_path(program, monkeypatch):
    path = program("mine", 'echo "<svg>mine</svg>"')
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", str(path))
    assert renderer() == ("mine", str(path), "unknown")
    assert render(SOURCE, "svg") == b"<svg>mine</svg>\n"


def test_a_chosen_renderer_that_is_missing_is_an_error(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "no-such-program")
    message = (
        "TINYGRAD_EDU_GRAPHVIZ names the renderer 'no-such-program', which was not found or does "
        "not work: write dot, graphviz-pure, pygraphviz, none or the path of a program, or unset it"
    )
    with pytest.raises(RenderError, match=f"^{re.escape(message)}$"):
        render(SOURCE, "svg")


@posix
def test_a_chosen_renderer_is_not_replaced_by_another(program, monkeypatch):
    path = program(
        "mine", 'if grep -q special; then echo "no fonts" >&2; exit 3; else echo "<svg/>"; fi'
    )
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", str(path))
    message = "no renderer could draw the graph: mine failed: no fonts"
    with pytest.raises(RenderError, match=f"^{re.escape(message)}$"):
        render("digraph { special }", "svg")


def test_pictures_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    message = (
        "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or use .dot or "
        '.save("g.dot")'
    )
    with pytest.raises(RenderError, match=f"^{re.escape(message)}$"):
        renderer()


def test_without_a_renderer_the_error_says_what_to_install(monkeypatch):
    _nothing_installed(monkeypatch)
    message = (
        "pictures need a Graphviz renderer and none was found: write pip install graphviz-pure, or "
        "install the graphviz package of your system; DOT text needs none: use .dot or "
        '.save("g.dot")'
    )
    with pytest.raises(RenderError, match=f"^{re.escape(message)}$"):
        render(SOURCE, "svg")


class _AGraph:
    """Stands in for pygraphviz.AGraph."""

    def __init__(self, string):
        self.source = string

    def draw(self, *, format, prog):  # noqa: A002
        if "broken" in self.source:
            raise OSError("no plugins")
        return f"{prog} {format} {self.source}".encode()


@pytest.fixture
def _pygraphviz_alone(monkeypatch):
    found = module.Renderer("pygraphviz", "", "1.14")
    monkeypatch.setattr(module, "_program", lambda name: None)
    monkeypatch.setattr(module, "_pygraphviz", lambda: found)
    monkeypatch.setitem(sys.modules, "pygraphviz", SimpleNamespace(AGraph=_AGraph))


@pytest.mark.usefixtures("_pygraphviz_alone")
def test_pygraphviz_draws_where_there_is_no_program():
    assert renderer().name == "pygraphviz"
    assert render(SOURCE, "svg") == b"dot svg digraph { a -> b }"


@pytest.mark.usefixtures("_pygraphviz_alone")
def test_a_failing_pygraphviz_is_a_render_error():
    message = "no renderer could draw the graph: pygraphviz failed: no plugins"
    with pytest.raises(RenderError, match=f"^{re.escape(message)}$"):
        render("broken", "svg")


@pytest.mark.parametrize("wrong", ["", "SVG", "svg -o/tmp/x", "../svg", "-v", "pn\ng"])
def test_a_format_is_a_word(wrong):
    message = f'format={wrong!r} is no picture format: write "svg" or "png"'
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        render(SOURCE, wrong)


def test_what_the_renderer_cannot_draw_is_an_error_with_its_words(monkeypatch):
    _embedded_only(monkeypatch)
    with pytest.raises(RenderError, match=r"^no renderer could draw the graph: .*graphviz-pure.*"):
        render(SOURCE, "nosuchformat")
    with pytest.raises(RenderError, match="syntax error"):
        render("digraph {", "svg")
