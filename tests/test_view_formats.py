"""What a picture is saved as: one table of formats, and every file opens and shows the same."""

import re
import shutil
import subprocess
from io import BytesIO

import gallery
import pytest
from graphs import HOSTILE, net, neuron, unit
from PIL import Image

from tinygrad_edu import Value
from tinygrad_edu.nn import MLP
from tinygrad_edu.text import latex_name, name_parts
from tinygrad_edu.view import deltas, draw, explain, network, steps, worksheet
from tinygrad_edu.view.base.pdf import PRINTED
from tinygrad_edu.view.base.tex import latex_page, latex_words
from tinygrad_edu.view.graph.formats import to_mermaid

PICTURES = {
    "drawing": lambda: draw(neuron(backward=True), edges="local"),
    "worksheet": lambda: worksheet(unit()),
    "strip": lambda: steps(unit()).strip(2),
    "network": lambda: network(MLP(2, [2, 1], rng=0), [1.0, -2.0], [0.0], "squared_error"),
}
STARTS = {
    ".svg": b"<svg ",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".pdf": b"%PDF-",
    ".eps": b"%!PS-Adobe-3.0 EPSF-3.0",
    ".gif": b"GIF8",
    ".jpg": b"\xff\xd8\xff",
    ".webp": b"RIFF",
}


def size_of(svg):
    """Width and height in points."""
    sides = re.search(r'<svg [^>]*?width="([\d.]+)(\w*)" height="([\d.]+)', svg).groups()
    scale = 72 / 96 * {"": 1, "pt": 96 / 72, "mm": 96 / 25.4}[sides[1]]
    return float(sides[0]) * scale, float(sides[2]) * scale


def test_every_format_is_tried():
    assert {".svg", *PRINTED} == {*STARTS}


@pytest.mark.parametrize("what", PICTURES)
@pytest.mark.parametrize("ending", [".svg", pytest.param(".eps", marks=pytest.mark.slow)])
def test_a_file_is_the_same_again(what, ending, tmp_path, embedded_renderer):
    first, again = (PICTURES[what]().save(tmp_path / f"{k}{ending}").read_bytes() for k in range(2))
    assert first == again
    assert first.startswith(STARTS[ending])


@pytest.mark.slow
@pytest.mark.parametrize("what", PICTURES)
@pytest.mark.parametrize("ending", PRINTED)
def test_every_picture_has_its_size_in_every_format(what, ending, tmp_path, embedded_renderer):
    picture = PICTURES[what]()
    content = picture.save(tmp_path / f"a{ending}").read_bytes()
    assert content.startswith(STARTS[ending])
    width, height = size_of(picture.svg)
    if ending == ".pdf":
        found = [
            float(x) for x in re.search(rb"MediaBox \[ 0 0 ([\d.]+) ([\d.]+)", content).groups()
        ]
        assert found == pytest.approx([width, height], abs=0.1)
    elif ending == ".eps":
        found = re.search(rb"HiResBoundingBox: ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)", content)
        left, bottom, right, top = map(float, found.groups())
        assert (right - left, top - bottom) == pytest.approx((width, height), abs=0.1)
        assert b"CreationDate" not in content
    else:
        image = Image.open(BytesIO(content))
        assert image.size == pytest.approx([150 / 72 * width, 150 / 72 * height], abs=2)


def test_a_path_is_a_text_or_a_path_with_a_suffix_in_any_letters(tmp_path, embedded_renderer):
    drawing = PICTURES["drawing"]()
    for name, start in (("DOT", "digraph {"), ("gv", "digraph {"), ("dots.Svg", "<svg ")):
        for path in (tmp_path / f"g.{name}", str(tmp_path / f"g.{name}")):
            assert drawing.save(path) == tmp_path / f"g.{name}"
            assert (tmp_path / f"g.{name}").read_text("utf-8").startswith(start)


# LaTeX: what is written is a page of its own, and nothing in a name is a command.

EQUATIONS = {
    "explanation": lambda: explain(unit()),
    "deltas": lambda: deltas(MLP(2, [2, 1], rng=0), [1.0, -2.0], [0.0], "squared_error"),
}


def test_a_text_in_latex_has_no_command_but_those_of_its_letters():
    allowed = r"\\[{}$&#%_]|\\text(backslash|less|greater|bar)\{\}|\\[~^]\{\}"
    for name in HOSTILE:
        left = re.sub(allowed, "", latex_words(name[:200]))
        assert not re.search(r"[\\{}$&#%_^~<>|\"]", left), left


def test_a_page_of_latex_frames_the_letters_that_it_lacks():
    page = latex_page("重", "é δ − 重")  # noqa: RUF001
    assert page.startswith(r"% \fbox{\tiny 91CD}")
    assert "é δ − \\fbox{\\tiny 91CD}%" in page  # noqa: RUF001


@pytest.mark.parametrize("what", EQUATIONS)
def test_equations_are_saved_as_a_page_and_as_text(what, tmp_path):
    view = EQUATIONS[what]()
    assert view.save(tmp_path / "a.txt").read_text() == f"{view}\n"
    page = view.save(tmp_path / "a.tex").read_text()
    assert view.latex in page
    assert page.count(r"\begin{") == page.count(r"\end{")


# TikZ and Mermaid: what the diagram says, as text.

NAMED = [Value(float(k), name) for k, name in enumerate(HOSTILE[:-1])]
#: What is drawn, and how often a number of it stands in the text of each format.
DRAWN = {
    "values": lambda: draw(neuron(backward=True), edges="local"),
    "a net": lambda: draw(net(), level="value"),
    "units": lambda: draw(net(), level="neuron"),
    "layers": lambda: draw(gallery.digit(), level="layer"),
    "shared weights": lambda: draw(gallery.recurrence(), level="layer"),
    "a network": lambda: network(MLP(2, [2, 1], rng=0), [1.0, -2.0], [0.0], "squared_error"),
    "colours": lambda: draw(net(), level="value", color=lambda v: v.grad),
    "names": lambda: draw(sum(NAMED[1:], NAMED[0]), level="value"),
}


def numbers_of(drawing):
    """The texts of all numbers of a drawing."""
    numbers = [x for edge in drawing.diagram.edges for x in edge.numbers]
    for box in drawing.diagram.boxes:
        cells = [cell for row in getattr(box, "cells", ()) for cell in row]
        numbers += [cell.number for cell in cells if cell.number]
        numbers += () if cells else [x for part in (box, *box.rows) for x in part.numbers]
    return [x.text for x in numbers]


QUICK = ("values", "units")
SOME = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in DRAWN]


@pytest.mark.parametrize("what", SOME)
def test_tikz_and_mermaid_say_every_number_of_a_drawing(what, tmp_path, embedded_renderer):
    drawing = DRAWN[what]()
    tikz = drawing.save(tmp_path / "a.tex").read_text(encoding="utf-8")
    mermaid = drawing.save(tmp_path / "a.mmd").read_text(encoding="utf-8")
    for text in (numbers := numbers_of(drawing)):
        assert f"{text}}}" in tikz or f"& {text}" in tikz, text
        assert "".join(c if c.isalnum() or c == "." else f"#{ord(c)};" for c in text) in mermaid
    assert len(numbers) > 3
    rows = [row for box in drawing.diagram.boxes for row in getattr(box, "cells", ())]
    for name in (cell.text for row in rows for cell in row if name_parts(cell.text)):
        letters = latex_name(name).replace(r"\delta", "δ").replace(r"\,", "")
        assert f"${letters}$" in tikz
    outlined = [box for box in drawing.diagram.boxes if box.kind not in ("constant", "inputs")]
    assert tikz.count(r"\path[fill=") >= len(outlined)
    assert tikz.count("{") == tikz.count("}") or what == "names"


@pytest.mark.parametrize("what", SOME)
def test_lines_of_mermaid_are_those_of_its_grammar(what):
    drawing = DRAWN[what]()
    head, *lines = to_mermaid(drawing.diagram, "title").split("---\n")[2].splitlines()
    assert head == "flowchart LR"
    text = r'"(?:[\w .,]|#\d+;|<br/>)*"'
    forms = (
        rf"n\d+[\[(]{text}[\])]",
        rf"n\d+ (?:-->|---|-\.->)(?:\|{text}\|)? n\d+",
        rf"subgraph f\d+\[{text}\]|end",
        r"(?:style [nf]\d+|linkStyle \d+|classDef \w+) [a-z]+[-\w:#.,]+",
        r"class n[\dn,]+ \w+",
    )
    for line in lines:
        assert any(re.fullmatch(form, line) for form in forms), line


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")
@pytest.mark.parametrize("what", [*EQUATIONS, *DRAWN])
def test_latex_makes_a_page(what, tmp_path):
    {**EQUATIONS, **DRAWN}[what]().save(tmp_path / "a.tex")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout or what == "names"  # whose frames are wider than letters
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
