"""Sheets to print: what is asked stands in empty boxes, and the solution has the numbers."""

import re
from xml.etree import ElementTree

import pytest
from graphs import SVG, chain, texts, unit
from refusals import refusals

from tinygrad_edu import Value, functions, parameter, primitive, worksheet
from tinygrad_edu.engine import GraphError
from tinygrad_edu.losses import binary_cross_entropy, cross_entropy
from tinygrad_edu.view import RenderError
from tinygrad_edu.view.base.palette import EDGE, INK, SOFT
from tinygrad_edu.view.base.pdf import figure_of
from tinygrad_edu.view.worksheet.worksheet import slope_rules

BAD = "<script>alert(1)</script>&\"'{}\\N\u202e\x00$"
LINE = "_______"


pytestmark = pytest.mark.usefixtures("embedded_renderer")


@pytest.fixture(scope="module")
def sheet():
    """A sheet that is rendered once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYGRAD_EDU_GRAPHVIZ", "graphviz-pure")
        sheet = worksheet(unit(), title=BAD)
        assert sheet.svg
    return sheet


def in_words(sheet, monkeypatch):
    """The lines about the graph where there is no renderer."""
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    text: str = sheet._repr_mimebundle_()["text/plain"]
    return text.split("\n\n")[3].split("\n")


def test_gradients_are_blank_and_in_the_solution(monkeypatch):
    sheet = worksheet(unit())
    blank = [
        f"w (parameter):  data = 0.5,  grad = {LINE}",
        f"x (input):  data = 2,  grad = {LINE}",
        f"b (parameter):  data = -1,  grad = {LINE}",
        f"z = dot(w, x, b):  data = 0,  grad = {LINE}",
        f"a = sigmoid(z):  data = 0.5,  grad = {LINE}",
        "1 (constant):  data = 1",
        f"v1 = subtract(a, 1):  data = -0.5,  grad = {LINE}",
        f"L = power(v1):  data = 0.25,  grad = {LINE}",
    ]
    assert in_words(sheet, monkeypatch) == blank
    # By hand: dL/da = 2 (0.5 - 1) = -1, dL/dz = -1 / 4, then times x, w and 1.
    lines = in_words(sheet.solution, monkeypatch)
    assert [line.partition(",  grad = ")[2] for line in lines] == [
        *("-0.5", "-0.125", "-0.25", "-0.25", "-1", "", "-1", "1")
    ]
    assert [re.sub("grad = .+", f"grad = {LINE}", line) for line in lines] == blank


@pytest.mark.parametrize(
    ("blanks", "asked", "answers"),
    [
        ("data", "data = {}", ["0.5"]),
        (["slopes"], "data = 0.5,  slopes = {}", ["0.25"]),
        ("all", "data = {},  grad = {},  slopes = {}", ["0.5", "-1", "0.25"]),
    ],
)
def test_other_numbers_can_be_asked(blanks, asked, answers, monkeypatch):
    sheet, line = worksheet(unit(), blanks=blanks), f"a = sigmoid(z):  {asked}"
    assert in_words(sheet, monkeypatch)[4] == line.format(*[LINE] * len(answers))
    assert in_words(sheet.solution, monkeypatch)[4] == line.format(*answers)


def test_leaves_are_given_and_constants_have_no_slope(monkeypatch):
    lines = in_words(worksheet(unit(), blanks="all").solution, monkeypatch)
    assert lines[0] == "w (parameter):  data = 0.5,  grad = -0.5"
    assert lines[3] == "z = dot(w, x, b):  data = 0,  grad = -0.25,  slopes = 2, 0.5, 1"
    assert lines[6].endswith("slopes = 1, \N{EN DASH}")


def test_the_picture_has_an_empty_box_for_each_gradient(sheet):
    shown, solved = texts(sheet.svg), texts(sheet.solution.svg)
    answers = ["-0.500", "-0.125", "-0.250", "-0.250", "-1", "-1", "1"]
    for answer in answers:
        solved.remove(answer)
    # data -1 and -0.500 stay, and nothing but the title differs
    assert sorted(solved[1:]) == sorted(shown[1:])
    assert "-0.125" not in sheet.svg + sheet.dot


def test_a_box_has_one_size_whatever_stands_in_it(sheet):
    def shapes(sheet):
        found = ElementTree.fromstring(sheet.svg).iter(f"{SVG}polygon")
        return [polygon.get("points") for polygon in found]

    assert shapes(sheet) == shapes(sheet.solution)


def test_slopes_stand_on_the_arrows_of_the_drawing():
    label = '<TD FIXEDSIZE="TRUE" WIDTH="60" HEIGHT="20">{}</TD>'
    sheet = worksheet(Value(2.0, "x") ** 2, blanks="slopes")
    on_line = next(line for line in sheet.dot.split("\n") if line.startswith("\te0 ["))
    assert label.format("") in on_line
    assert label.format("4") in sheet.solution.dot


def test_a_sheet_is_white_black_and_grey(sheet):
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', sheet.svg))
    greys = {colour.light for colour in (INK, SOFT, EDGE)}
    assert {INK.light, "white"} <= colours <= {*greys, "white", "black", "none", "transparent"}


def test_a_sheet_is_one_page_of_a4_with_the_drawing_inside(sheet):
    page = ElementTree.fromstring(sheet.svg)
    assert {page.get("width"), page.get("height")} == {"210mm", "297mm"}
    _, _, width, height = map(float, page.get("viewBox", "").split())
    inner = page.find(f"{SVG}svg")
    assert inner is not None
    x, y, w, h = (float(inner.get(name, "")) for name in ("x", "y", "width", "height"))
    assert 42 <= x < x + w <= width - 42 + 0.01
    assert 100 <= y < y + h <= height - 42


def test_names_and_titles_are_harmless(sheet):
    assert texts(sheet.svg)[0] == "<script>alert(1)</script>&\"'{}\\N\N{REPLACEMENT CHARACTER}$"
    assert "<script" not in sheet.svg
    named = worksheet(Value(1.0, BAD).tanh())
    assert "<script" not in named.dot + named.svg
    assert "<script>a…{}\\N\N{REPLACEMENT CHARACTER}$" in "".join(texts(named.svg))


def test_variables_name_values():
    x = parameter(1.0)
    y = x.tanh()
    assert repr(worksheet(y, names={"x": x, "y": y})) == "<Worksheet: Backpropagation of y>"
    assert repr(worksheet(y, blanks="data")) == "<Worksheet: Forward pass of L>"
    assert repr(worksheet(y, title="Sheet 3").solution) == "<Worksheet: Sheet 3: solution>"


@pytest.mark.slow
def test_files_are_the_same_bytes_again(sheet, tmp_path):
    for name in ("a.svg", "a.dot", "a.pdf"):
        first = sheet.save(tmp_path / name).read_bytes()
        again = worksheet(unit(), title=BAD).save(tmp_path / name).read_bytes()
        assert first == again
    assert sheet.save(tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    assert first.startswith(b"%PDF")
    assert b"CreationDate" not in first
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", first)
    assert box is not None
    assert sorted(map(float, box.groups())) == pytest.approx([595.28, 841.89], abs=0.01)


def test_the_pdf_holds_what_the_svg_holds_in_the_same_places(sheet):
    page = ElementTree.fromstring(sheet.svg)
    _, _, width, height = map(float, page.get("viewBox", "").split())
    ax = figure_of(page).axes[0]
    written = "".join(text.get_text().strip() for text in ax.texts)
    assert written.replace("\N{MINUS SIGN}", "-") == "".join(texts(sheet.svg))
    tags = ("polygon", "polyline", "path", "ellipse")
    assert len(ax.patches) == sum(1 for tag in tags for _ in page.iter(f"{SVG}{tag}"))
    for text in ax.texts:
        x, y = text.get_position()
        assert 40 < x < width - 42
        assert 40 < y < height - 40
    root = next(text for text in ax.texts if text.get_text() == "L")
    below = next(text for text in ax.texts if text.get_text() == "Slopes")
    assert root.get_position()[1] < below.get_position()[1]


def test_without_a_renderer_there_is_text(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    sheet = worksheet(Value(2.0, "x") ** 2)
    assert sheet._repr_mimebundle_() == {
        "text/plain": "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or use "
        '.dot or .save("g.dot")\n\n'
        "Backpropagation of y\n\n"
        "Backwards: write the gradient of y with respect to each value into its box, "
        "beginning with y itself, where it is 1. An operation hands to each operand its "
        "own gradient times the slope; where several arrows leave a value, add what comes back."
        "\n\n"
        f"x (input):  data = 2,  grad = {LINE}\ny = power(x):  data = 4,  grad = {LINE}\n\n"
        "v = u²,  dv/du = 2 · u"
    }
    assert sheet.save(tmp_path / "g.dot").read_text() == sheet.dot
    for name in ("g.pdf", "g.svg"):
        with pytest.raises(RenderError):
            sheet.save(tmp_path / name)
        assert not (tmp_path / name).exists()


def test_slopes_as_formulas():
    a, b, c = Value(2.0), Value(3.0), Value(4.0)

    @primitive(lambda m, y, x: (open(x),))  # noqa: SIM115
    def unwritable(m, x):
        return m.exp(x)

    rules = {
        "y = a · b,  dy/da = b,  dy/db = a": a * a,
        "z = x - y,  dz/dx = 1,  dz/dy = -1": a - b,
        "y = x³,  dy/dx = 3 · x²": a**3,
        "relu:  y = (x if x ≥ 0 else 0),  dy/dx = (1 if x > 0 else 0)": a.relu(),
        "y = w·x + b,  dy/dwᵢ = xᵢ,  dy/dxᵢ = wᵢ,  dy/db = 1": functions.dot([a, b], [b, c], c),
        "y = w·x,  dy/dwᵢ = xᵢ,  dy/dxᵢ = wᵢ": functions.dot([a, b], [b, c]),
        "y = x1 + x2 + x3,  dy/dx1 = 1,  dy/dx2 = 1,  dy/dx3 = 1": functions.sum([a, b, c]),
        "cross_entropy:  y = -log(p[2]),  dy/dtarget = 0,  dy/d(z[1]) = p[1],  "
        "dy/d(z[2]) = p[2] - 1,  p = softmax(z[1], z[2])": cross_entropy([a, b], 1),
        "binary_cross_entropy:  y = (t - 1) · log(1 - p) - t · log(p),  "
        "dy/dp = (1 - t) / (1 - p) - t / p,  dy/dt = log(1 - p) - log(p)": binary_cross_entropy(
            Value(0.5), 1
        ),
        "unwritable: no formula (TypeError)": unwritable(a),
    }
    for rule, v in rules.items():
        assert slope_rules([v]) == [rule]
    assert slope_rules([a * b, a, b * c, a + b]) == [
        "y = a · b,  dy/da = b,  dy/db = a",
        "y = a + b,  dy/da = 1,  dy/db = 1",
    ]


def test_formulas_can_be_left_out(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    for sheet in (worksheet(unit(), formulas=False), worksheet(unit(), blanks="data")):
        assert "dy/dx" not in sheet._repr_mimebundle_()["text/plain"]


def test_of_many_formulas_the_first_are_shown(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    v = Value(1.5)
    for c in range(2, 16):
        v = v**c
    shown = worksheet(v)._repr_mimebundle_()["text/plain"].split("\n\n")[-1].split("\n")
    assert shown[-2:] == ["u = x¹²,  du/dx = 12 · x¹¹", "… 3 more operations"]


def changed():
    x = Value(1.0, "x")
    y = x.tanh()
    x.data = 2.0
    return y


test_what_is_no_sheet_is_refused = refusals(
    [
        (lambda: worksheet(1.0), TypeError, "worksheet(v) shows the graph of one Value, got float"),
        (lambda: worksheet(chain(61)), ValueError,
         "the graph has 61 values, and a sheet of paper has room for 60: draw a smaller graph, "
         "such as the loss of one example, or a net of fewer units"),
        (lambda: worksheet(unit(), blanks="grad"), ValueError,
         "unknown blanks 'grad': choose data, slopes, gradients, all; did you mean 'gradients'?"),
        (lambda: worksheet(unit(), blanks=None), TypeError,
         "blanks must be a list of names, got NoneType"),
        (lambda: worksheet(unit(), blanks=[]), ValueError,
         'blanks is empty, so nothing is asked: write blanks="gradients"'),
        (lambda: worksheet(changed()), GraphError,
         "Value(data=2.0, grad=0.0, name='x') held 1.0 in the forward pass and was changed since: "
         "run the forward pass again before worksheet()"),
    ]
)  # fmt: skip


def test_sixty_values_and_nan_are_no_obstacle():
    assert worksheet(chain(60)).dot.count("shape=box") == 60
    assert ">nan<" in worksheet(Value(-1.0).log() * 2).solution.dot


def test_a_single_formula_stands_under_its_heading():
    svg = worksheet(Value(2.0, "a") * 3).svg
    (heading,) = re.findall(r'x="([\d.]+)" y="[\d.]+" [^>]*>Slopes', svg)
    (formula,) = re.findall(r'x="([\d.]+)" y="[\d.]+" [^>]*>v = ', svg)
    assert formula == heading
