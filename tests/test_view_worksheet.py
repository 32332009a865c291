"""Sheets to print: what is asked stands in empty boxes, and the solution has the numbers."""

import re
from xml.etree import ElementTree

import pytest
from graphs import SVG, chain, texts, unit
from refusals import refusals

from tinygrad_edu import MLP, Value, functions, parameter, primitive, toposort, worksheet
from tinygrad_edu.engine import GraphError
from tinygrad_edu.losses import binary_cross_entropy, cross_entropy, squared_error
from tinygrad_edu.view import RenderError
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.pdf import figure_of
from tinygrad_edu.view.worksheet.contents import slope_rules
from tinygrad_edu.view.worksheet.page import LEAST, MM, WIDE, Answer, row

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


def in_words(sheet):
    """The parts of the sheet where there is no renderer: title, tasks, graph, answers, rules."""
    return [part.split("\n") for part in sheet._text().split("\n\n")]


def by_hand(layers=(2, 1), x=(1.0, 2.0), y=2.0):
    """The loss of the net of the slide: relu inside, linear at the end."""
    model = MLP(len(x), [*layers], "relu", rng=0)
    if [*layers] == [2, 1]:
        numbers = (0.5, 0.25, 0, -1, 0.75, 1, 2, -1, 0.5)
        for p, number in zip(model.parameters(), numbers, strict=True):
            p.data = number
    output = model([*x])
    return squared_error(output, y if layers[-1] == 1 else [y] * layers[-1])


# By hand: dL/da = 2 (0.5 - 1) = -1, dL/dz = -1 / 4, then times x, w and 1; constants have none.
FORWARD = ["z = 0", "a = 0.5", "v1 = -0.5", "L = 0.25"]
SLOPES = ["∂z/∂w = 2", "∂z/∂x = 0.5", "∂z/∂b = 1", "∂a/∂z = 0.25", "∂v1/∂a = 1", "∂L/∂v1 = -1"]
BACKWARD = [
    *("∂L/∂w = -0.5", "∂L/∂x = -0.125", "∂L/∂b = -0.25", "∂L/∂z = -0.25", "∂L/∂a = -1"),
    *("∂L/∂v1 = -1", "∂L/∂L = 1"),
]


def test_what_is_asked_is_blank_and_in_the_solution():
    sheet = worksheet(unit())
    _, _, table, forward, backward, _ = in_words(sheet)
    assert [row.split()[2:] for row in table[1:]] == [
        *(["0.5"], ["2"], ["-1"], ["x,", "b)"], [], ["1"], ["1)"], [])
    ]
    assert forward == ["1 Forward", *(f"{name} = {LINE}" for name in ("z", "a", "v1", "L"))]
    assert {line.partition(" = ")[2] for line in backward[1:]} == {LINE}
    _, _, table, forward, backward, _ = in_words(sheet.solution)
    assert forward[1:] == FORWARD
    assert backward[1:] == BACKWARD
    assert table[4].split() == ["z", "dot(w,", "x,", "b)", "0", "-0.25"]


@pytest.mark.parametrize(
    ("blanks", "headings", "answers"),
    [
        ("data", ["1 Forward"], FORWARD),
        (["slopes"], ["1 Local derivatives"], SLOPES),
        ("gradients", ["1 Backward"], BACKWARD),
        ("all", ["1 Forward", "2 Local derivatives", "3 Backward"], FORWARD + SLOPES + BACKWARD),
    ],
)
def test_other_numbers_can_be_asked(blanks, headings, answers):
    parts = in_words(worksheet(unit(), blanks=blanks).solution)
    asked = [part for part in parts if re.match(r"\d ", part[0])]
    assert [part[0] for part in asked] == headings
    assert [line for part in asked for line in part[1:]] == answers


def test_the_numbers_that_are_asked_stand_in_the_solution_alone(sheet):
    shown, solved = texts(sheet.svg), texts(sheet.solution.svg)
    # by hand, forward and backward; the data of the leaves stay
    for answer in (0, 0.5, -0.5, 0.25, -0.5, -0.125, -0.25, -0.25, -1, -1, 1):
        solved.remove(decimal(answer).replace("\N{MINUS SIGN}", "-"))
    assert sorted(solved[1:]) == sorted(shown[1:])
    assert "0.125" not in sheet.svg + sheet.dot


# By hand: z1 = 0.5 + 0.5 = 1 and -1 + 1.5 + 1 = 1.5, z2 = 2 - 1.5 + 0.5 = 1, L = (1 - 2)^2 = 1,
# delta2 = 2 (1 - 2) = -2, delta1 = (2 * -2, -1 * -2), gradients delta times what comes in.
BY_HAND = {
    "1 Forward": "z1[1] = 1,a1[1] = 1,z1[2] = 1.5,a1[2] = 1.5,z2[1] = 1,v1 = -1,L = 1",
    "2 Backward": "delta1[1] = -4,delta1[2] = 2,delta2[1] = -2",
    "3 Gradients": "∂L/∂w1[1,1] = -4,∂L/∂w1[1,2] = -8,∂L/∂b1[1] = -4,∂L/∂w1[2,1] = 2,"
    "∂L/∂w1[2,2] = 4,∂L/∂b1[2] = 2,∂L/∂w2[1,1] = -2,∂L/∂w2[1,2] = -3,∂L/∂b2[1] = -2",
}


def test_a_net_is_asked_unit_by_unit_in_three_tasks():
    sheet = worksheet(by_hand())
    assert repr(sheet) == "<Worksheet: A 2-2-1 net by hand>"
    blank, solved = in_words(sheet), in_words(sheet.solution)
    assert {part[0]: ",".join(part[1:]) for part in solved[3:6]} == BY_HAND
    assert {line.partition(" = ")[2] for part in blank[3:6] for line in part[1:]} == {LINE}
    assert blank[1] == [
        "Forward, from left to right: write z and a of each unit, then L.",
        "Backward, from right to left: write each δ = ∂L/∂z.",
        "Gradients: write ∂L/∂w and ∂L/∂b of each weight and bias.",
    ]
    assert blank[2] == solved[2]
    assert "w1[2,1] = -1" in blank[2]
    assert blank[6] == solved[6]
    assert blank[6][1:4] == [
        "a = (z if z ≥ 0 else 0),  ∂a/∂z = (1 if z > 0 else 0)",
        "v1 = z2[1] \N{MINUS SIGN} 2,  ∂v1/∂z2[1] = 1",
        "L = v1²,  ∂L/∂v1 = 2 · v1",
    ]


@pytest.mark.parametrize(
    ("blanks", "boxes"), [(("data", "gradients"), 19), ("data", 7), ("gradients", 12), ("all", 21)]
)
def test_every_answer_of_a_net_has_a_box_and_no_other_number_has_one(blanks, boxes):
    """z and a of two units, z of the last, v1, L; three deltas; nine gradients; two slopes."""
    assert len(boxes_of(worksheet(by_hand(), blanks=blanks))) == boxes


def boxes_of(sheet):
    """Width and height of each box to write in, in millimetres on paper."""
    found = []
    for page in map(ElementTree.fromstring, sheet.pages):
        inner = page.find(f"{SVG}svg")
        scale = 1.0
        if inner is not None:
            scale = float(inner.get("width", "")) / float(inner.get("viewBox", "").split()[2])
        drawn = [] if inner is None else list(inner.iter(f"{SVG}rect"))
        for boxes, factor in ((page.findall(f"{SVG}rect"), 1.0), (drawn, scale)):
            for box in boxes:
                if box.get("fill") == "white" and box.get("stroke-width") == "0.9":
                    sides = (float(box.get(side, "")) for side in ("width", "height"))
                    found.append(tuple(factor * side / MM for side in sides))
    return found


@pytest.mark.parametrize(
    ("layers", "pages"),
    [
        ((2, 1), 1),
        ((3, 1), 2),
        pytest.param((4, 2, 1), 3, marks=pytest.mark.slow),
        pytest.param((7, 2), 3, marks=pytest.mark.slow),
        pytest.param((2, 2, 2, 1), 2, marks=pytest.mark.slow),
    ],
)
def test_boxes_are_18_by_8_millimetres_on_as_many_pages_as_it_takes(layers, pages):
    sheet = worksheet(by_hand(layers), rng=1)
    assert len(sheet.pages) == pages
    sides = boxes_of(sheet)
    assert len(sides) == len(boxes_of(sheet.solution)) >= 19
    assert min(width for width, _ in sides) >= 18
    assert min(height for _, height in sides) >= 8
    assert 12 * LEAST >= 11  # points of the numbers in the boxes
    answers = [line for line in worksheet(by_hand(layers))._text().split("\n") if LINE in line]
    assert len(answers) == len(sides)
    page = ElementTree.fromstring(sheet.svg)
    high = {"210mm": 297, "297mm": 210}[page.get("width", "")]
    assert page.get("height") == f"{high * pages}mm"


@pytest.mark.parametrize("blanks", ["all", "gradients", "slopes"])
def test_boxes_in_a_graph_are_as_large_on_paper(blanks):
    sheet = worksheet(Value(2.0, "x").tanh() * 3, blanks=blanks)
    inner = ElementTree.fromstring(sheet.pages[0]).find(f"{SVG}svg")
    scale = float(inner.get("width", "")) / float(inner.get("viewBox", "").split()[2])
    assert scale >= LEAST
    width, height = re.findall(r'FIXEDSIZE="TRUE" WIDTH="(\d+)" HEIGHT="(\d+)"', sheet.dot)[0]
    assert scale * float(width) / MM >= 18
    assert scale * float(height) / MM >= 8


def test_a_seed_makes_a_variant_with_numbers_by_heart():
    loss = by_hand()
    texts_of = [worksheet(loss, rng=k).solution._text() for k in (1, 1, 2, 3)]
    assert texts_of[0] == texts_of[1]
    assert len({*texts_of}) == 3
    assert texts_of[0] != worksheet(loss).solution._text()
    for text in texts_of:
        numbers = re.findall(r" = (-?[\d.]+)$", text, re.MULTILINE)
        assert len(numbers) == 12 + 19  # leaves and answers
        assert all(abs(float(x)) <= 100 for x in numbers)
        assert "\nx1 = " in text
    assert [p.data for p in toposort(loss, leaves=True) if p.kind == "parameter"][:2] == [0.5, 0.25]
    target = Value(3.0, "y")
    varied = worksheet((MLP(1, [1], "linear", rng=0)([2.0]) - target) ** 2, rng=5)
    assert re.search(r"^y +input +3$", varied._text(), re.MULTILINE)


def test_a_variant_keeps_away_from_kinks_and_domains():
    x, w = Value(-1.0, "x"), parameter(1.0, "w")
    for seed in range(20):
        text = worksheet((w * x).relu() + x.log(), rng=seed).solution._text()
        assert "nan" not in text
        assert "∂y/∂w = 0" not in text
    with pytest.raises(ValueError, match=r"^in 300 draws there was no variant with numbers of"):
        worksheet((-(x * x)).log(), rng=0)


@pytest.mark.slow
def test_a_graph_that_is_too_large_for_paper_says_what_to_do():
    sheet = worksheet(chain(60))
    with pytest.raises(RenderError, match=r"^the graph is too large for a sheet of A4"):
        sheet.svg  # noqa: B018
    assert "draw a smaller one" in sheet._repr_mimebundle_()["text/plain"]


def test_a_box_has_one_size_whatever_stands_in_it(sheet):
    def shapes(sheet):
        found = ElementTree.fromstring(sheet.svg).iter(f"{SVG}polygon")
        return [polygon.get("points") for polygon in found]

    assert shapes(sheet) == shapes(sheet.solution)


def test_slopes_stand_on_the_arrows_of_the_drawing():
    label = '<TD FIXEDSIZE="TRUE" WIDTH="62" HEIGHT="26">{}</TD>'
    sheet = worksheet(Value(2.0, "x") ** 2, blanks="slopes")
    on_line = next(line for line in sheet.dot.split("\n") if line.startswith("\te0 ["))
    assert label.format("") in on_line
    assert label.format("4") in sheet.solution.dot


def test_a_sheet_is_one_page_of_a4_with_the_drawing_inside(sheet):
    page = ElementTree.fromstring(sheet.pages[0])
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
    page = ElementTree.fromstring(sheet.pages[0])
    _, _, width, height = map(float, page.get("viewBox", "").split())
    ax = figure_of(sheet.pages[0]).axes[0]
    written = "".join(text.get_text().strip() for text in ax.texts)
    assert written.replace("\N{MINUS SIGN}", "-") == "".join(texts(sheet.pages[0]))
    tags = ("polygon", "polyline", "path", "ellipse", "rect", "line", "circle")
    assert len(ax.patches) == sum(1 for tag in tags for _ in page.iter(f"{SVG}{tag}"))
    for text in ax.texts:
        x, y = text.get_position()
        assert 40 < x < width - 42
        assert 40 < y < height - 40


def test_without_a_renderer_there_is_text(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    sheet = worksheet(Value(2.0, "x") ** 2)
    assert sheet._repr_mimebundle_() == {
        "text/plain": "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none: unset it, or use "
        '.dot or .save("g.dot")\n\n'
        "Backpropagation of y\n\n"
        "Forward: compute every result and write it into its box.\n"
        "Backward: write the derivative of y with respect to each value into its box, beginning "
        "with y itself, where it is 1. A result hands on its own times the local derivative; where "
        "several lines leave a value, add what comes back.\n\n"
        "name  made by   data  grad\nx     input     2\ny     power(x)\n\n"
        f"1 Forward\ny = {LINE}\n\n2 Backward\n∂y/∂x = {LINE}\n∂y/∂y = {LINE}\n\n"
        "v = u²,  ∂v/∂u = 2 · u"
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
        "y = a · b,  ∂y/∂a = b,  ∂y/∂b = a": a * a,
        "z = x - y,  ∂z/∂x = 1,  ∂z/∂y = -1": a - b,
        "y = x³,  ∂y/∂x = 3 · x²": a**3,
        "relu:  y = (x if x ≥ 0 else 0),  ∂y/∂x = (1 if x > 0 else 0)": a.relu(),
        "y = w·x + b,  ∂y/∂wᵢ = xᵢ,  ∂y/∂xᵢ = wᵢ,  ∂y/∂b = 1": functions.dot([a, b], [b, c], c),
        "y = w·x,  ∂y/∂wᵢ = xᵢ,  ∂y/∂xᵢ = wᵢ": functions.dot([a, b], [b, c]),
        "y = x1 + x2 + x3,  ∂y/∂x1 = 1,  ∂y/∂x2 = 1,  ∂y/∂x3 = 1": functions.sum([a, b, c]),
        "cross_entropy:  y = -log(p[2]),  ∂y/∂(z[1]) = p[1],  "
        "∂y/∂(z[2]) = p[2] - 1,  p = softmax(z[1], z[2])": cross_entropy([a, b], 1),
        "binary_cross_entropy:  y = (t - 1) · log(1 - p) - t · log(p),  "
        "∂y/∂p = (1 - t) / (1 - p) - t / p,  ∂y/∂t = log(1 - p) - log(p)": binary_cross_entropy(
            Value(0.5), 1
        ),
        "unwritable: no formula (TypeError)": unwritable(a),
    }
    for rule, v in rules.items():
        assert slope_rules([v]) == [rule.replace("-", "\N{MINUS SIGN}")]
    assert slope_rules([a * b, a, b * c, a + b]) == [
        "y = a · b,  ∂y/∂a = b,  ∂y/∂b = a",
        "y = a + b,  ∂y/∂a = 1,  ∂y/∂b = 1",
    ]


def test_formulas_can_be_left_out(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    for sheet in (worksheet(unit(), formulas=False), worksheet(unit(), blanks="data")):
        assert "∂y/∂x" not in sheet._repr_mimebundle_()["text/plain"]


def test_of_many_formulas_the_first_are_shown(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    v = Value(1.5)
    for c in range(2, 16):
        v = v**c
    shown = worksheet(v)._repr_mimebundle_()["text/plain"].split("\n\n")[-1].split("\n")
    assert shown[-2:] == ["u = x¹²,  ∂u/∂x = 12 · x¹¹", "… 3 more operations"]


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
        (lambda: worksheet(MLP(8, [2, 1])([1.0] * 8), level="neuron"), ValueError,
         'level="neuron" draws nets of layers, each unit with up to 7 weights of its own that take '
         'the layer before: write level="value"'),
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
    (heading,) = re.findall(r'x="([\d.]+)" y="[\d.]+" [^>]*>Rules', svg)
    formula = svg[svg.index(">Rules") :]
    assert re.search(r'<text x="([\d.]+)"', formula)[1] == heading


@pytest.mark.parametrize("number", ["0.5", "-0.002591", "-0.00002591", "12345678.9"])
def test_a_number_fits_its_box(number):
    answer = Answer("delta", number, back=True)
    *_, shown = row(answer, 0.0, 0.0, 60 * MM, solved=True)
    assert float(shown.get("textLength")) <= WIDE - 4 * MM + 0.01
