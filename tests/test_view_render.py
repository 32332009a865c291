import re
import sys
import sysconfig
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinygrad_edu.view.base import render as module
from tinygrad_edu.view.base.render import VARIABLE, RenderError, render, renderer
from tinygrad_edu.view.base.svg import inline, parsed

SOURCE = "digraph { a -> b }"
EMBEDDED = sysconfig.get_path("scripts")

posix = pytest.mark.skipif(sys.platform == "win32", reason="programs written as shell scripts")


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def refuses(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == sentence


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


def test_dot_becomes_a_picture_of_the_same_bytes():
    picture = render(SOURCE)
    assert picture.startswith(b"<?xml")
    assert render(SOURCE) == picture


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
    assert render(SOURCE) == b"<svg/>\n"


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
    assert render(SOURCE).endswith(b"</svg>\n")


@posix
def test_a_dot_that_fails_on_this_graph_alone_is_passed_over(program):
    program("dot", 'if grep -q special; then exit 3; else echo "<svg/>"; fi')
    assert renderer().name == "dot"
    assert b"special" in render("digraph { special }")


@posix
def test_a_renderer_can_be_chosen_by_name_and_by_path(program, monkeypatch):
    monkeypatch.setenv(VARIABLE, "graphviz-pure")
    assert renderer().name.removesuffix(".exe") == "graphviz-pure"
    path = program("mine", 'echo "<svg>mine</svg>"')
    monkeypatch.setenv(VARIABLE, str(path))
    assert renderer() == ("mine", str(path), "unknown")
    assert render(SOURCE) == b"<svg>mine</svg>\n"


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ("no-such-program",
         "TINYGRAD_EDU_GRAPHVIZ names the renderer 'no-such-program', which was not found or does "
         "not work: write dot, graphviz-pure, pygraphviz, none or the path of a program, or unset "
         "it"),
        ("none",
         "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or use .dot or "
         '.save("g.dot")'),
    ],
)  # fmt: skip
def test_a_choice_that_draws_nothing_is_an_error(choice, sentence, monkeypatch):
    monkeypatch.setenv(VARIABLE, choice)
    for call in (renderer, partial(render, SOURCE)):
        refuses(call, RenderError, sentence)


@posix
def test_a_chosen_renderer_is_not_replaced_by_another(program, monkeypatch):
    path = program(
        "mine", 'if grep -q special; then echo "no fonts" >&2; exit 3; else echo "<svg/>"; fi'
    )
    monkeypatch.setenv(VARIABLE, str(path))
    sentence = "no renderer could draw the graph: mine failed: no fonts"
    refuses(lambda: render("digraph { special }"), RenderError, sentence)


def test_without_a_renderer_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "_program", lambda name: None)
    monkeypatch.setattr(module, "_pygraphviz", lambda: None)
    sentence = (
        "pictures need a Graphviz renderer and none was found: write pip install graphviz-pure, or "
        "install the graphviz package of your system, or in Pyodide register the module viz_js; "
        'DOT text needs none: use .dot or .save("g.dot")'
    )
    refuses(lambda: render(SOURCE), RenderError, sentence)


class _AGraph:
    """Stands in for pygraphviz.AGraph."""

    def __init__(self, string):
        self.source = string

    def draw(self, *, format, prog):  # noqa: A002
        if "broken" in self.source:
            raise OSError("no plugins")
        return f"{prog} {format} {self.source}".encode()


def test_pygraphviz_draws_where_there_is_no_program(monkeypatch):
    found = module.Renderer("pygraphviz", "", "1.14")
    monkeypatch.setattr(module, "_program", lambda name: None)
    monkeypatch.setattr(module, "_pygraphviz", lambda: found)
    monkeypatch.setitem(sys.modules, "pygraphviz", SimpleNamespace(AGraph=_AGraph))
    assert renderer().name == "pygraphviz"
    assert render(SOURCE) == b"dot svg digraph { a -> b }"
    sentence = "no renderer could draw the graph: pygraphviz failed: no plugins"
    refuses(lambda: render("broken"), RenderError, sentence)


class _Viz:
    """Stands in for what viz-js is in Pyodide."""

    __spec__ = SimpleNamespace(origin="javascript")
    graphvizVersion = "16.1.0"  # noqa: N815

    @staticmethod
    def render(source, *, format):  # noqa: A002
        if "broken" in source:
            errors = [SimpleNamespace(message="syntax error in line 1")]
            return SimpleNamespace(status="failure", errors=errors)
        return SimpleNamespace(status="success", output=f"{format} {source}")


def test_in_a_page_viz_js_draws_if_it_is_registered(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert module.renderers() == {"viz_js": None}
    monkeypatch.setenv(VARIABLE, "dot")
    monkeypatch.setitem(sys.modules, "viz_js", _Viz)
    assert renderer() == module.Renderer("viz_js", "", "16.1.0")
    assert render(SOURCE) == b"svg digraph { a -> b }"
    sentence = "no renderer could draw the graph: viz_js failed: syntax error in line 1"
    refuses(lambda: render("broken"), RenderError, sentence)


def test_what_is_no_svg_is_refused():
    sentence = "the renderer's SVG is not well-formed: no element found: line 1, column 5"
    refuses(partial(parsed, b"<svg>"), RenderError, sentence)


def test_what_the_renderer_cannot_draw_is_an_error_with_its_words(monkeypatch):
    found = module._program
    monkeypatch.setattr(module, "_program", lambda name: None if name == "dot" else found(name))
    sentence = "no renderer could draw the graph: .*graphviz-pure.*syntax error"
    with pytest.raises(RenderError, match=f"(?s)^{sentence}"):
        render("digraph {")


RENDERED = b"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<!-- Generated by graphviz version 1 -->
<svg width="9pt" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<g id="graph0" class="graph"><title>%3</title>
<g id="node1" class="node"><title>n0</title>
<g id="a_node1"><a xlink:title="a &lt; b" xlink:href="javascript:alert(1)">
<text font-family="Times">x</text></a></g></g></g></svg>
"""


def test_the_svg_of_a_renderer_becomes_an_element_for_a_page():
    # Prologue, comment, ids, links and the renderer's own titles go; the tooltip becomes a title.
    assert inline(parsed(RENDERED), "T & t", "D") == (
        '<svg width="9pt" xmlns="http://www.w3.org/2000/svg" role="img" '
        "font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\">\n"
        "<title>T &amp; t</title>\n<desc>D</desc>\n"
        '<g class="graph"><g class="node"><g><g>\n<title>a &lt; b</title>'
        "<text>x</text></g></g></g></g></svg>\n"
    )
