"""Kinds of faults that views had, each held off by a table: inputs, and what is right for them."""

import math
import re
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import gallery
import pytest
from boxes import FONTS, faults, read
from graphs import SVG, tooltips
from PIL import Image
from test_view_notation import result

from tinygrad_edu import (
    MLP,
    Adam,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Neuron,
    Primitive,
    Sequential,
    Value,
    functions,
    grad,
    losses,
    parameter,
    toposort,
)
from tinygrad_edu.engine import GraphError, constant, primitives
from tinygrad_edu.namespace import FUNCTIONS
from tinygrad_edu.view import deltas, draw, explain, network, steps, worksheet
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.base.numbers import UNKNOWN
from tinygrad_edu.view.film import pictures
from tinygrad_edu.view.worksheet.contents import slope_rules

# Formulas are mathematics: none of the words that only programs have.

MATHEMATICS = {"acos", "asin", "atan", "atan2", "cos", "cosh", "erf", "exp", "log", "sigmoid"}
MATHEMATICS |= {"acosh", "asinh", "atanh", "log10", "log2"}
MATHEMATICS |= {"sin", "sinh", "sqrt", "tan", "tanh"}
WORDS = {*FUNCTIONS} - MATHEMATICS | {"slope", "take", "negative", "no_flow", "True", "False"}
OF_PROGRAMS = re.compile(rf"\b({'|'.join(sorted(WORDS))})\b|==")


def formulas_in(v):
    """What is written on the sides of equations in every view of `v` that has formulas."""
    for u in toposort(v):
        lines = [line.partition(" = ")[2] for line in str(explain(u)).splitlines()]
        yield from [line for line in lines if "No formula" not in line]
        yield from (rule.rpartition(":  ")[2] for rule in slope_rules([u]))
        yield re.sub(r"\\(operatorname|math\w+)\{", "", explain(u).latex)
    for frame in steps(v)._frames:
        yield from (said.partition(": ")[2] or said.partition(" = ")[2] for said in frame.said)


def softly(m, x):
    return m.where(x > 1, m.log1p(m.abs(x)), m.softplus(x))


quintic = Primitive(
    "quintic",
    lambda m, x: -x * x * x * x * x + 3 * x * x * x - x,
    lambda m, y, x: (-5 * x * x * x * x + 9 * x * x - 1,),
)
z = [Value(x, f"z{k}") for k, x in enumerate((1.0, -2.0, 0.5))]
#: Beside every operation of the package: losses of nets, derivatives, operations of a user's own.
WRITTEN = {
    **{r.name: result(r) for r in primitives.values()},
    "certainly right": losses.binary_cross_entropy(Value(1.0), Value(1.0)),
    "a hinge": losses.hinge(z[0], -1),
    "a derivative": grad(functions.relu(z[0]) * z[0], z[0]),
    "a tie": functions.max([z[0], Value(1.0), z[1]]),
    "softmax in a net": losses.squared_error(MLP(2, [2, 2], "gelu", "softmax")([1.0, 2.0]), [0, 1]),
    "a user's own": Primitive("softly", softly, lambda m, y, x: (m.expm1(x),))(z[0]),
    "a user's own in floats": Primitive("f", lambda m, x: x, lambda m, y, x: (float(x),))(z[0]),
}


@pytest.mark.parametrize("v", WRITTEN.values(), ids=WRITTEN)
def test_no_word_of_a_program_stands_in_a_formula(v):
    for formula in formulas_in(v):
        assert not OF_PROGRAMS.search(formula), formula


@pytest.mark.parametrize("loss", sorted(losses.LOSSES))
def test_no_word_of_a_program_stands_in_a_delta_rule(loss):
    outputs = {"logits": (2, "linear"), "probability": (1, "sigmoid")}
    n, output = outputs.get(losses.RECORDS[loss].outputs, (1, "linear"))
    rules = deltas(MLP(2, [2, n], "relu", output, rng=0), [0.5, -1.0], 1.0, loss=loss)
    assert not OF_PROGRAMS.search(str(rules))
    assert rules.largest_difference < 1e-12


@pytest.mark.parametrize(
    ("v", "slope"),
    [
        (losses.cross_entropy(z, 2), "p1 = 0.6037"),
        (losses.binary_cross_entropy(Value(0.25, "a"), 1), "-1 / a = -1 / 0.25 = -4"),
        (losses.binary_cross_entropy(Value(0.25, "a"), 0), "1 / (1 - a) = 1 / (1 - 0.25) = 1.333"),
        (losses.binary_cross_entropy_with_logits(z[0], 1), "sigmoid(z0) - 1"),
        (losses.binary_cross_entropy_with_logits(z[0], 0), "sigmoid(z0) = sigmoid(1) = 0.7311"),
        (losses.binary_cross_entropy_with_logits(z[0], 0.3), "sigmoid(z0) - 0.3"),
        (losses.binary_cross_entropy_with_logits(z[0], Value(0.3, "t")), "sigmoid(z0) - t"),
        (z[0].relu(), "(1 if z0 > 0 else 0) = (1 if 1 > 0 else 0) = 1"),
        (abs(z[0]), "(1 if z0 > 0 else -1 if z0 < 0 else 0)"),
        (z[0].sqrt(), "1 / (2 * y) = 1 / (2 * 1) = 0.5"),
        (Value(0.6, "a").asin(), "1 / sqrt(1 - a**2)"),
        (Value(0.6, "a").acos(), "-1 / sqrt(1 - a**2)"),
        (z[0].expm1(), "y + 1"),
        (functions.hypot(z[0], z[1]), "z0 / y"),
        (functions.where(Value(2.0), z[0], z[1]), "(1 if "),
        (functions.where(constant(2.0), z[0], z[1]), "1"),
        (2.0 ** z[0], "y * log(2) = 2 * log(2) = 1.386"),
        (quintic(z[0]), "-5 * z0**4 + 9 * z0**2 - 1"),
        (functions.softmax(z)[0], "y * (1 - y)"),
        (functions.softmax(z)[1], "-y * p1"),
        (functions.log_softmax(z)[1], "-p1"),
    ],
)
def test_slopes_are_the_formulas_of_the_lecture(v, slope):
    first = next(p for p in v.parents if p.kind == "input" and p.name)
    assert f"/d{first.name} = {slope}" in str(explain(v))


def test_shares_in_a_softmax_have_the_names_of_the_graph_or_their_own():
    two = losses.cross_entropy(z[:2], 0) + losses.cross_entropy(z[1:], 1)
    said = [line for frame in steps(two)._frames for line in frame.said]
    assert any("; p1, p2 = softmax(z0, z1) = 0.9526, 0.04743" in line for line in said)
    assert any("; p1#2, p2#2 = softmax(z1, z2) = 0.07586, 0.9241" in line for line in said)
    taken = [Value(1.0, "p1"), Value(2.0, "p2")]
    assert "q1, q2 = softmax(p1, p2)" in str(explain(losses.cross_entropy(taken, 0)))
    other = Primitive("softmax", lambda m, *x: m.sum(x), lambda m, y, *x: (1.0, 1.0))
    mixed = other(*z[:2]) * losses.cross_entropy(z[:2], 0)
    assert "= -log(p1)" in str(explain(mixed, wrt=z[0]))
    a, b = functions.softmax(z[:2])
    a.name, b.name = "a", "b"
    assert "da/dz1 = -a * b" in str(explain(a * b, wrt=z[1]))


# A symbol is told from an operation by its type, never by its text.

CALLED = ("negative", "+", "<", "=", "where", "divide", "#0", "#1", "…", "{0}", "p1", "|x|", "1[x")
CALLED += ("*", "hole3", "\ue0001\ue001")


#: Longer names are cut.
OPERATIONS = sorted(name for name in {*FUNCTIONS, *primitives} - {*CALLED} if len(name) < 25)


@pytest.mark.parametrize(
    "called", [*CALLED, *(pytest.param(name, marks=pytest.mark.slow) for name in OPERATIONS)]
)
def test_a_value_may_be_called_like_any_operation(called):
    x = Value(2.0, called)
    loss = (x * x).tanh() + losses.cross_entropy([x, -x], 1)
    assert len(steps(loss)) > 6
    assert f"y = {called}**2 = 2**2 = 4" in str(explain(x * x))
    assert explain(loss, wrt=x).latex
    assert called in worksheet(loss)._text()
    assert draw(loss).table.splitlines()[1].startswith(called)


# Every view of a graph shows the numbers of the forward pass, and says what was changed since.


def after_backward(v, times=1):
    for _ in range(times):
        v.backward()
    return v


#: What is made of leaves, the numbers that they are given afterwards, their names, and the result.
CHANGED = {
    "an input": (lambda x: x * x, {Value(2.0, "x"): 5.0}, "x", "4"),
    "to nan": (lambda x: x * x, {Value(2.0, "x"): float("nan")}, "x", "4"),
    "to 0": (lambda x: (x * x).exp().log(), {Value(2.0, "x"): 0.0}, "x", "4"),
    "a parameter that was updated": (
        lambda w: after_backward(Value(2.0, "x") * w), {parameter(3.0, "w"): 2.8}, "w", "6"
    ),
    "several": (lambda a, b: a * b, {Value(2.0, "a"): 4.0, Value(3.0, "b"): 5.0}, "a, b", "6"),
    "a constant": (lambda c: Value(3.0, "x") * c, {constant(2.0): 7.0}, "2", "6"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "new", "names", "data"), CHANGED.values(), ids=CHANGED)
def test_views_show_the_forward_pass_and_what_was_changed_since(make, new, names, data):
    y = make(*new)
    levels = ("value", "neuron", "layer", "auto")
    before = {level: draw(y, level=level) for level in levels}
    for v, x in new.items():
        v.data = x
    remark = f"changed since the forward pass: {names}"
    for level in levels:
        graph = draw(y, level=level)
        assert remark in graph.dot
        assert graph.table.startswith(f"{before[level].table}\n{remark}")
        assert remark in repr(graph)
        assert remark in ElementTree.fromstring(graph.svg).findtext(f"{SVG}desc")
        assert f" {data} " in graph.table.splitlines()[-2]
    film = steps(y)
    moving = pictures.animation(*film._stills(range(len(film))))
    paths = explain(y, wrt=next(iter(new))).picture.svg
    for picture in (film.html, film.strip().svg, moving, paths):
        assert remark in picture
    said = "\n".join(str(explain(u)) for u in toposort(y))
    assert f"since then changed: {names}." in said
    with pytest.raises(GraphError, match="was changed since"):
        worksheet(y)


# A gradient is shown where it is that of this very result.


def two_roots(x):
    (x * 5).backward()
    return x * x


def by_hand(x):
    z = after_backward(x * x)
    x.grad = 1.0
    return z


def through_a_larger_graph(x):
    z = x * x
    (z * 2).backward()
    return z


OF_ANOTHER = "of another backward pass, not shown: .grad of x"
OF_SEVERAL = "not of this backward pass alone: .grad of x"


@pytest.mark.parametrize(
    ("make", "shown", "remark"),
    [
        (
            lambda x: grad(after_backward(x**3), x),
            UNKNOWN,
            OF_ANOTHER,
        ),
        (two_roots, UNKNOWN, OF_ANOTHER),
        (lambda x: after_backward(x * x, 2), "12", OF_SEVERAL),
        (by_hand, "1", OF_SEVERAL),
        (through_a_larger_graph, "12", ""),
    ],
)
def test_a_gradient_is_that_of_the_result_or_it_is_said(make, shown, remark):
    graph = draw(make(Value(3.0, "x")))
    assert graph.table.splitlines()[1].split() == ["x", "input", "3", shown]
    exact = {UNKNOWN: "not computed", "12": "12.0", "1": "1.0"}[shown]
    assert f"x (input): data = 3.0, grad = {exact}" in tooltips(graph.svg)
    assert remark in graph.table.splitlines()[-1]
    assert remark in graph.dot
    assert remark in repr(graph)
    assert ("backward pass" in repr(graph)) == bool(remark)


# No view changes a number of the user, whether a backward pass has been or not.

UNTOUCHED = {
    "draw": lambda model, x, loss, optimizer: [
        draw(loss, level=level, edges="gradient", names={"x": loss}).svg
        for level in ("value", "neuron", "layer")
    ],
    "explain": lambda model, x, loss, optimizer: [
        explain(loss), explain(loss.parents[0]), explain(loss, wrt=model.parameters()[0])
    ],
    "steps": lambda model, x, loss, optimizer: steps(loss, optimizer=optimizer).html,
    "worksheet": lambda model, x, loss, optimizer: worksheet(loss).solution.svg,
    "deltas": lambda model, x, loss, optimizer: deltas(model, x, 1.0, "squared_error"),
    "network": lambda model, x, loss, optimizer: network(model, x, 1.0, "squared_error").svg,
}  # fmt: skip


@pytest.mark.parametrize("passes", [0, 2])
@pytest.mark.parametrize("view", UNTOUCHED.values(), ids=UNTOUCHED)
def test_a_view_changes_no_number_and_is_the_same_again(view, passes):
    model, x = MLP(2, [3, 1], "tanh", rng=0), [Value(0.5, "x1"), Value(-1.0, "x2")]
    optimizer = Adam(model.parameters())
    losses.squared_error(model([1.0, 2.0]), 0.0).backward()
    optimizer.step()
    loss = losses.squared_error(model(x), 1.0)
    for _ in range(passes):
        loss.backward()

    def everything():
        values = [(v.data, v.grad, v.reached, v.name) for v in toposort(loss, leaves=True)]
        return [values, optimizer.steps, optimizer.states, optimizer.lr]

    before = everything()
    shown = [str(view(model, x, loss, optimizer)) for _ in range(2)]
    assert shown[0] == shown[1]
    assert everything() == before


# One quantity has one name in every view, and placeholders are no names of quantities.

NET = MLP(2, [2, 1], "tanh", rng=0)


def texts_of_views(loss, notation):
    yield draw(loss, level="value", notation=notation).dot
    yield "\n".join(str(explain(u, notation=notation)) for u in toposort(loss))
    yield "\n".join("\n".join(f.said) for f in steps(loss, notation=notation)._frames)
    yield worksheet(loss, notation=notation)._text()
    yield str(deltas(NET, [0.5, -1.0], 1.0, "half_squared_error", notation=notation))
    yield network(NET, [0.5, -1.0], notation=notation).svg


def names_in_text(text):
    lecture = r"\b(?:w|b|z|a|delta)\d\[\d(?:,\d)?\]"
    return set(re.findall(rf"{lecture}|\blayer\d\.neuron\d\.(?:w\[\d\]|b|z|a|delta)", text))


@pytest.mark.parametrize("notation", ["lecture", "code"])
def test_one_quantity_has_one_name_in_every_view(notation):
    loss = losses.half_squared_error(NET([0.5, -1.0]), 1.0)
    names = names_of(toposort(loss, leaves=True), notation=notation)
    every = {*names.values(), *names.deltas.values()}
    for text in texts_of_views(loss, notation):
        found = names_in_text(text)
        assert len(found) >= 9
        assert found <= every


@pytest.mark.parametrize(
    ("make", "label", "rule"),
    [
        (lambda x, y: x - y, "x − y", "s = u - v"),  # noqa: RUF001
        (lambda x, y: y - x, "u − v", "s = u - v"),  # noqa: RUF001
        (lambda x, y: y / (x * 2.0), "u ÷ v", "s = u / v"),
        (lambda x, y: (x + y) ** 2, "u²", "v = u²"),
        (lambda x, y: abs(x * y), "|u|", "v = |u|"),
        (lambda x, y: -(x * y), "−u", "v = -u"),  # noqa: RUF001
        (lambda x, y: (x * y) ** (x + y), "u^v", "s = u**v"),
    ],
)
def test_placeholders_are_no_names_of_quantities(make, label, rule):
    z = make(Value(3.0, "x"), Value(2.0, "y"))
    z.name = "z"
    assert f">{label}</FONT>" in draw(z).dot
    rule = rule.replace("-", "\N{MINUS SIGN}")
    assert any(f"{rule}," in line for line in worksheet(z)._text().splitlines())
    assert steps(z)._frames[-1].said


# What is a net of dense layers is one for every view; else the part that is none is named.

NETS = {
    "MLP": MLP(2, [3, 1]),
    "Layer": Layer(2, 3),
    "Neuron": Neuron(2),
    "list": [Layer(2, 3), Layer(3, 1)],
    "tuple": (Layer(2, 3), Layer(3, 1)),
    "Sequential": Sequential(Layer(2, 3), Layer(3, 1)),
    "nested": Sequential(Sequential(Layer(2, 3)), MLP(3, [2, 1])),
    "with an activation": Sequential(Layer(2, 3, "linear"), Value.tanh, Layer(3, 1)),
    "list of a Neuron": [Neuron(2)],
}


@pytest.mark.parametrize("model", NETS.values(), ids=NETS)
def test_a_net_of_dense_layers_is_one_for_every_view(model):
    target = [0.0] * (3 if isinstance(model, Layer) else 1)
    assert network(model, [1.0, 2.0], target, "squared_error").svg
    assert "largest difference 0" in repr(deltas(model, [1.0, 2.0], target, "squared_error"))


class Doubled(MLP):
    def __call__(self, x):
        return 2 * super().__call__(x)


NO_NET = (
    "expected an MLP, a Sequential, a Layer or a list of layers, got {}: "
    "give its layers as a list, [layer1, layer2]"
)
REFUSED = [
    (Sequential(Layer(2, 3), Dropout(0.5), Layer(3, 1)), "part 2, Dropout(0.5), is no dense layer"),
    (Sequential(Layer(2, 3), BatchNorm(3)), "part 2, BatchNorm("),
    (
        Sequential(Flatten(), Layer(2, 1)),
        "part 1, Flatten(), is no dense layer: expected Layers, and one activation after each",
    ),
    (Sequential(Layer(2, 3), Layer(4, 1)), "layer1 gives 3 activations, but layer2 takes 4"),
    ([Layer(2, 2), Layer(3, 1)], "layer1 gives 2 activations, but layer2 takes 3"),
    (Doubled(2, [1]), NO_NET.format("Doubled")),
    (abs, NO_NET.format("builtin_function_or_method")),
    (Conv2d(1, 1, 2), NO_NET.format("Conv2d")),
    (None, NO_NET.format("NoneType")),
    ([], NO_NET.format("list")),
]


@pytest.mark.parametrize(("model", "said"), REFUSED, ids=[said[:24] for _, said in REFUSED])
def test_of_another_model_deltas_say_which_part_is_no_layer(model, said):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(said)}"):
        deltas(model, [1.0, 2.0], [0.0], "squared_error")


# What is saved under another ending is refused with those that a view has.

PICTURED = Value(2.0, "x").tanh()
PRINTED = ".svg .png .pdf .eps .gif .jpg .webp"
SAVED = {
    "drawing": (draw(PICTURED), f"{PRINTED} .dot .gv .tex .mmd"),
    "film": (steps(PICTURED), ".html .htm .svg .gif .png .pdf .eps .jpg .webp"),
    "worksheet": (worksheet(PICTURED), f"{PRINTED} .dot"),
    "strip": (steps(PICTURED).strip(), PRINTED),
    "network": (network(NET), f"{PRINTED} .dot .gv .tex .mmd"),
    "explanation": (explain(PICTURED), f".tex .txt {PRINTED}"),
    "deltas": (deltas(NET, [1.0, 2.0], [0.0], "squared_error"), ".tex .txt"),
}


@pytest.mark.parametrize(
    "wrong", ["g.xyz", "g", "g.", "g.s;v", "g.svg.gz", ".svg", "g.docx", "g.jpeg", "g.svg "]
)
@pytest.mark.parametrize("what", SAVED)
def test_the_way_to_save_is_named(what, wrong, tmp_path):
    view, endings = SAVED[what]
    *most, last = endings.split()
    message = (
        f"{'an' if what == 'explanation' else 'a'} {what} is saved as {', '.join(most)} or {last}, "
        f"and {wrong!r} is none of these: "
        f'write .save("{what}{most[0]}")'
    )
    for before in ([], ["kept"]):
        for text in before:
            (tmp_path / wrong).write_text(text)
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            view.save(tmp_path / wrong)
        assert [path.read_text() for path in tmp_path.iterdir()] == before


# A text keeps to its box in every font, and nothing covers it, also where names are long.


NAMED = losses.squared_error(MLP(2, [3, 1], "tanh", rng=1)([0.123456, -1234.5]), -9.876e-7)
NAMED.backward()
WIDE = Value(-1.234e-300, "x") * Value(-1.234e-100, "y") + Value(-1.234e-200, "parameter")
LAID_OUT = {
    "values": lambda: draw(NAMED, level="value", notation="code").svg,
    "slopes": lambda: draw(NAMED, level="value", edges="local", unfold=True).svg,
    "gradients": lambda: draw(NAMED, level="value", edges="gradient", notation="code").svg,
    "units": lambda: draw(NAMED, level="neuron", edges="gradient", notation="code").svg,
    "layers": lambda: draw(NAMED, level="layer").svg,
    "opened": lambda: draw(NAMED, level="neuron", expand="layer1.neuron1").svg,
    "wide words": lambda: draw(functions.softplus(Value(-1.5e-300, "W" * 30)).tanh()).svg,
    "a strip of a film": lambda: steps(NAMED).strip(3).svg,
    "a film, whose texts change": lambda: gallery.drawn(steps(WIDE).html),
    "a worksheet": lambda: worksheet(NAMED, level="value").solution.svg,
    "a worksheet of a net": lambda: worksheet(NAMED, blanks="all").solution.svg,
    "a film of units": lambda: gallery.drawn(steps(NAMED).html),
    "a net": lambda: network(MLP(2, [3, 1]), [-1.23e-10, 123456.0], [0.0], "squared_error").svg,
}


@pytest.mark.slow
@pytest.mark.parametrize("picture", LAID_OUT.values(), ids=LAID_OUT)
def test_texts_fit_their_boxes_in_the_widest_font(picture, embedded_renderer):
    svg = picture()
    assert len(read(svg).texts) > 3
    for font in FONTS:
        assert faults(svg, font, column=math.inf) == [], font


# A notebook that nobody has trusted yet shows PNG alone: every picture has it beside its SVG.

SHOWN = {
    "a graph": lambda: draw(NAMED, level="neuron"),
    "a worksheet": lambda: worksheet(PICTURED),
    "a strip of a film": lambda: steps(PICTURED).strip(2),
    "a net": lambda: network(MLP(2, [2, 1], init=lambda rng, nin, nout: 1.0)),
}


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
def test_every_picture_stands_inline_and_can_be_read_aloud(make, embedded_renderer):
    svg = make().svg
    root = ElementTree.fromstring(svg)
    assert svg.startswith("<svg ")
    assert root.get("role") == "img"
    assert [e.tag.removeprefix(SVG) for e in root[:2]] == ["title", "desc"]
    assert all(e.text for e in root[:2])
    assert not re.search(r"<!|<\?|href|<script|http(?!://www\.w3\.org/2000/svg\")| id=", svg)


@pytest.mark.parametrize("make", SHOWN.values(), ids=SHOWN)
def test_every_picture_has_a_png_as_large_as_its_svg(make, embedded_renderer):
    view = make()
    bundle = view._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "image/png", "text/plain"}
    assert (bundle["image/svg+xml"], bundle["text/plain"]) == (view.svg, repr(view))
    image = Image.open(BytesIO(b64decode(bundle["image/png"])))
    width, unit = re.search(r'width="([\d.]+)(\w*)"', bundle["image/svg+xml"]).groups()
    assert image.width == pytest.approx(
        float(width) * {"": 1, "pt": 96 / 72, "mm": 96 / 25.4}[unit], abs=2
    )
    if bundle["text/plain"].startswith("<Network"):  # whose lines are those of positive weights
        colours = {rgb for _, rgb in image.convert("RGB").getcolors(10_000)}
        blue, orange = (
            any(abs(a - r) < 90 and abs(b - g) < 90 and abs(c - e) < 90 for r, g, e in colours)
            for a, b, c in ((0, 114, 178), (213, 94, 0))
        )
        assert blue
        assert not orange
