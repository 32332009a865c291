"""explain: the chain rule with letters and numbers, its sum checked against the engine."""

import itertools
import math
import random
import re
from xml.etree import ElementTree

import pytest
from graphs import SVG, texts
from refusals import refusals

from tinygrad_edu import MLP, Primitive, Value, detect_anomaly, no_grad, primitive, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.engine import gradients
from tinygrad_edu.losses import binary_cross_entropy, cross_entropy
from tinygrad_edu.view import RenderError
from tinygrad_edu.view.explain.explanation import explain
from tinygrad_edu.view.explain.notation import Both, Line, ends, in_text
from tinygrad_edu.view.explain.paths import MANY, Paths, contribution, largest


def unit():
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-1.0, "b")
    z = f.dot([w], [x], b)
    a = z.sigmoid()
    loss = a**2
    loss.name, a.name, z.name = "L", "a", "z"
    return loss, a, z, w


def checked(explanation, width=100):
    """The text, after a look at what every explanation must hold."""
    text, drawn = str(explanation), explanation.latex
    assert max(map(len, text.splitlines())) <= width
    assert max(map(len, explanation.table().splitlines())) <= 110
    assert drawn.count("{") - drawn.count(r"\{") == drawn.count("}") - drawn.count(r"\}")
    assert drawn.count(r"\left(") == drawn.count(r"\right)")
    assert not any("\ue000" <= c <= "\uf8ff" for c in text + drawn)
    for row in re.sub(r"\\begin{cases}.*?\\end{cases}", "", drawn).splitlines()[1:-1]:
        assert row.count("&") - row.count(r"\&") in (0, 1)
    return text


def test_one_path_is_a_product_of_slopes():
    # by hand: z = 0, a = 1/2, dL/da = 2 a = 1, da/dz = a (1 - a) = 1/4, dz/dw = x = 2
    loss, _, _, w = unit()
    loss.backward()
    explanation = explain(loss, wrt=w)
    assert explanation.value == 0.5
    assert checked(explanation) == (
        "dL/dw = dL/da * da/dz * dz/dw = 1 * 0.25 * 2 = 0.5\n"
        "The backward pass gives the same dL/dw, and w.grad agrees.\n"
        "where\n"
        "z = w * x + b = 0.5 * 2 + (-1) = 0\n"
        "  dz/dw = x = 2\n"
        "a = sigmoid(z) = sigmoid(0) = 0.5\n"
        "  da/dz = a * (1 - a) = 0.5 * (1 - 0.5) = 0.25\n"
        "L = a**2 = 0.5**2 = 0.25\n"
        "  dL/da = 2 * a = 2 * 0.5 = 1"
    )
    assert explanation.latex.splitlines()[1] == (
        r"\frac{\mathrm{d}L}{\mathrm{d}w} &= \frac{\partial L}{\partial a} \cdot "
        r"\frac{\partial a}{\partial z} \cdot \frac{\partial z}{\partial w}"
        r" = 1 \cdot 0.25 \cdot 2 = 0.5 \\"
    )
    assert explanation.table() == (
        "from  to  slope        = number  gradient  product\n"
        "L     a   2 * a        1         1         1\n"
        "a     z   a * (1 - a)  0.25      1         0.25\n"
        "z     w   x            2         0.25      0.5"
    )


def test_a_notebook_shows_latex_and_never_html():
    loss, _, _, w = unit()
    explanation = explain(loss, wrt=w)
    assert explanation._repr_latex_() == f"$$\n{explanation.latex}\n$$"
    assert not hasattr(explanation, "_repr_html_")
    assert repr(explanation) == str(explanation)


def test_the_contributions_of_several_paths_add_up():
    a, b = Value(3.0, "a"), Value(2.0, "b")
    c = a * b
    c.name = "c"
    y = c * a
    text = checked(explain(y, wrt=a))
    # the slope of y = c a to a alone is not the derivative dy/da: it is written with another d
    assert text.startswith(
        "2 paths lead from a to y:\n"
        "  path 1: ∂y/∂a = 6\n"
        "  path 2: dy/dc * dc/da = 3 * 2 = 6\n"
        "dy/da = 6 + 6 = 12\n"
    )
    assert "\n  ∂y/∂a = c = 6" in text


def test_an_operand_that_stands_twice_is_one_link():
    a = Value(3.0, "a")
    assert str(explain(a * a, wrt=a)).startswith("dy/da = 2 * a = 2 * 3 = 6\n")


def test_many_paths_are_followed_value_by_value():
    model = MLP(3, [4, 4, 2], "tanh", rng=0)
    loss = cross_entropy(model([1.0, 2.0, -1.0]), 1)
    loss.backward()
    w = model.parameters()[0]
    explanation = explain(loss, wrt=w)
    text = checked(explanation)
    assert text.startswith(
        "8 paths of up to 6 links lead from w1[1,1] to L. Value by value, backward:\n"
        "  dL/dz3[2] = p2 - 1 = 0.5349 - 1 = -0.4651\n"
    )
    assert "\n  dL/dz1[1] = dL/da1[1] * da1[1]/dz1[1] = " in text
    assert "w1[1,1].grad agrees" in text


@pytest.mark.parametrize("output", ["linear", "softmax"])
def test_the_value_is_the_derivative_of_the_engine_for_every_value_of_a_net(output):
    model = MLP(2, [3, 2], "relu", output=output, rng=1)
    loss = f.dot(model([0.3, -0.7]), [1.0, 2.0])
    loss.backward()
    for w in model.parameters():
        explained = explain(loss, wrt=w)
        assert "differs" not in checked(explained)
        assert explained.value == w.grad


def test_a_power_of_a_name_with_a_layer_above_is_no_double_superscript():
    loss = MLP(1, [1], "tanh", rng=0)([2.0]) ** 2
    latex = explain(loss).latex
    assert r"L &= \left(z^{(1)}_{1}\right)^{2}" in latex
    assert "}^{2}" not in latex.replace(r"\right)^{2}", "")


def test_more_than_four_terms_are_summed_and_counted():
    w = Value(2.0, "w")
    y = f.sum([w * i for i in range(1, 101)])
    text = checked(explain(y, wrt=w))
    assert "100 paths of up to 2 links lead from w to y." in text
    # backward from the last: 100, 99, 98, and the rest is 5050 - 297
    assert "… 97 more" in text
    assert "= 1 * 100 + 1 * 99 + 1 * 98 + 4753 (97 more)\n" in text
    assert explain(y, wrt=w).value == 5050


@pytest.mark.slow
def test_exponentially_many_paths_and_deep_graphs_are_no_trouble():
    v = w = Value(1.0, "w")
    for _ in range(100):
        v = v.sin() + v
    assert str(explain(v, wrt=w)).startswith("More than 1,000,000,000,000 paths of up to 200 links")
    v = w
    for _ in range(30_000):
        v = -v
    explanation = explain(v, wrt=w)
    assert explanation.value == 1.0
    assert "  … 29,980 more …" in checked(explanation)
    assert "… 29,940 more" in explanation.table()


def test_the_sum_is_compared_with_the_grad_only_where_that_is_meant_to_agree():
    loss, _, _, w = unit()
    assert "gives the same dL/dw. w.grad is empty: no backward pass" in str(explain(loss, wrt=w))
    loss.backward()
    assert "w.grad agrees" in str(explain(loss, wrt=w))
    loss.backward()
    assert "w.grad = 1 holds something else: other backward" in str(explain(loss, wrt=w))


def test_slopes_that_change_from_call_to_call_are_found_out():
    calls = itertools.count(1)
    fickle = Primitive("fickle", lambda m, x: x, lambda m, y, x: (float(next(calls)),))
    x = Value(1.0, "x")
    assert "which differs: an operation gives other slopes" in str(explain(fickle(x), wrt=x))


def test_paths_beyond_the_range_of_floats_are_followed_value_by_value():
    w = Value(1.0, "w")
    u = w * 1e200
    y = u * 1e200 - u * 1e200  # each path is infinite; the engine subtracts first, at u
    text = checked(explain(y, wrt=w))
    assert explain(y, wrt=w).value == 0.0
    assert text.startswith("2 paths of up to 3 links lead from w to y.")
    assert "differs" not in text


def test_where_nothing_flows_an_infinite_gradient_gives_zero():
    x = Value(-1.0, "x")
    y = f.relu(x).log()  # log'(0) is inf, relu lets nothing through
    with detect_anomaly():
        explanation = explain(Value(2.0) * x.exp(), wrt=x)
    assert explanation.value == pytest.approx(2 / math.e)
    assert explain(y, wrt=x).value == 0.0
    assert "gives the same dy/dx" in str(explain(y, wrt=x))


def test_a_value_changes_as_itself_does():
    w = Value(2.0, "w")
    assert str(explain(w, wrt=w)).startswith("dw/dw = 1\n")
    loss, _, _, _ = unit()
    assert str(explain(loss, wrt=loss)).startswith("dL/dL = 1\n")


def test_one_operation_is_explained_with_what_flows_to_its_parents():
    loss, a, _, _ = unit()
    assert checked(explain(a)) == (
        "a is the result of sigmoid on 1 operand.\n"
        "a = sigmoid(z) = sigmoid(0) = 0.5\n"
        "  da/dz = a * (1 - a) = 0.5 * (1 - 0.5) = 0.25\n"
        "No backward pass has reached a: nothing flows back."
    )
    loss.backward()
    assert checked(explain(a)).endswith(
        "a.grad = 1 flows back, times the slope:\n  to z: 1 * 0.25 = 0.25"
    )
    assert explain(a).value == 0.5
    assert r"\text{to } z\text{:} & 1 \cdot 0.25 = 0.25" in explain(a).latex


def test_a_leaf_says_so():
    w = Value(2.0, "w")
    assert str(explain(w)) == (
        "w = 2\nNo operation made w: it is a leaf (input).\nNo backward pass has reached w."
    )
    (w * 3).backward()
    assert str(explain(w)).endswith("w.grad = 3, added up over backward passes.")
    assert explain(w).value == 2.0


def test_the_picture_of_a_leaf_is_its_box(embedded_renderer):
    shown = "".join(texts(explain(Value(2.5, "x")).picture.svg))
    assert "x" in shown
    assert "2.500" in shown


def test_a_unit_with_many_inputs_is_elided_with_a_count():
    w = [Value(0.01, f"w{i}") for i in range(784)]
    x = [Value(1.0, f"x{i}") for i in range(784)]
    z = f.dot(w, x, Value(0.5, "b"))
    z.backward()
    text = checked(explain(z))
    assert text.startswith(
        "z is the result of dot on 1,569 operands.\n"
        "z = w0 * x0 + w1 * x1 + … + b = 0.01 * 1 + 0.01 * 1 + … + 0.5 = 8.34\n"
    )
    assert text.count("  … 1,561 more …") == 2
    assert len(text.splitlines()) < 30


def test_constants_show_their_number():
    x = Value(4.0, "x")
    text = checked(explain(x * -0.5 + 2))
    assert "y = v1 + 2 = (-2) + 2 = 0" in text
    assert "y = x * (-0.5) = 4 * (-0.5) = -2" in checked(explain(x * -0.5))
    assert "d(-0.5)" not in text


def test_variables_give_names():
    p, q = Value(2.0), Value(3.0)
    s = p * q
    assert str(explain(s, wrt=p, names=locals())).startswith("ds/dp = q = 3\n")


@pytest.mark.parametrize(
    "hostile", [r"\frac{", "a&b", "$x$", "</script>", "{", "a_b^c%#~", "zwei\nZeilen", "重み", '"']
)
def test_hostile_names_stay_text(hostile):
    w, x = Value(2.0, hostile), Value(3.0, hostile)
    y = (w * x).tanh()
    y.backward()
    for explanation in (explain(y, wrt=w), explain(y), explain(y.parents[0])):
        checked(explanation)
        assert "<" not in explanation.latex
        assert "$" not in explanation.latex.replace(r"\$", "")
        assert r"\frac{}" not in explanation.latex


def test_an_operation_whose_record_decides_in_python_has_numbers_but_no_formula():
    @primitive(lambda m, y, x: (1.0 if x > 0 else 0.0,))
    def ramp(m, x):
        return x if x > 0 else 0.0

    x = Value(2.0, "x")
    assert checked(explain(ramp(x), wrt=x)) == (
        "dy/dx = 1\n"
        "The backward pass gives the same dy/dx. "
        "x.grad is empty: no backward pass has reached it.\n"
        "where\n"
        "y = ramp(x) = 2\n"
        "No formula for ramp: its record cannot be evaluated on letters (TypeError)."
    )


def test_numbers_are_those_of_the_forward_pass():
    loss, _, _, w = unit()
    w.data = 9.0
    text = checked(explain(loss, wrt=w))
    assert "z = w * x + b = 0.5 * 2 + (-1) = 0" in text
    assert "The numbers are those of the forward pass; since then changed: w." in text


LOSS, A, _, W = unit()
NO_VALUE = "explain(v) explains one Value, got {}"

test_what_is_no_derivative_is_refused = refusals(
    [
        (lambda: explain(1.0), TypeError, NO_VALUE.format("float")),
        (lambda: explain(None), TypeError, NO_VALUE.format("NoneType")),
        (lambda: explain([Value(1.0)]), TypeError,
         NO_VALUE.format("list: write explain(v[0]), or the loss that is made of them")),
        (lambda: explain(Value(1.0), wrt="w"), TypeError,
         "wrt must be the Value by which to differentiate, got str: write wrt=w, such as "
         "wrt=model.parameters()[0]"),
        (lambda: explain(LOSS, wrt=Value(1.0, "other")), ValueError,
         "L does not depend on other, the derivative is 0: wrt is a value of its graph, such as w "
         "or x or b"),
        (lambda: explain(A, wrt=LOSS), ValueError,
         "a does not depend on L, but L on a: swap them, explain(L, wrt=a)"),
        (lambda: explain(no_grad()(lambda: W * 2)(), wrt=W), ValueError,
         "1 does not depend on w: no operation made it, or one under no_grad()"),
    ]
)  # fmt: skip


def test_a_long_equation_is_broken_before_its_signs():
    sides = [Both(x, "") for x in ("left", "a " * 40 + "a", "b " * 30 + "b", "1")]
    rows = in_text(Line(sides, 2))
    assert rows == ["  left = " + "a " * 40 + "a", "       = " + "b " * 30 + "b", "       = 1"]


def test_the_middle_of_a_long_list_is_counted():
    assert ends("abcdefg", 4) == ["a", "b", 3, "f", "g"]
    assert ends("abcdefg", 3) == ["a", "b", 4, "g"]
    assert ends("abcde", 4) == ["a", "b", "c", "d", "e"]


def random_graph(seed):
    rng = random.Random(seed)
    values = [Value(rng.uniform(0.5, 1.5)) for _ in range(3)]
    for _ in range(9):
        values.append(rng.choice([f.maximum, lambda x, y: x * y, lambda x, y: x + y])(
            rng.choice(values[-6:]), rng.choice(values[-6:])
        ))  # fmt: skip
    return values[-1]


def walked(v, w, parents=lambda v: v.parents):
    """The number of links of every path, by walking each."""
    if v is w:
        return [0]
    return [n + 1 for p in parents(v) for n in walked(p, w, parents)]


@pytest.mark.parametrize("seed", range(20))
def test_paths_are_counted_as_if_each_were_walked_and_sum_to_the_gradient(seed):
    v = random_graph(seed)
    order = toposort(v, leaves=True)
    found = gradients(v)
    for w in order:
        paths = Paths(order, w)
        lengths = walked(v, w)
        assert (paths.count, paths.longest) == (len(lengths), max(lengths))
        routes = paths.all()  # those through the same values together
        together = walked(v, w, lambda v: dict.fromkeys(v.parents))
        assert paths.routes == len(together)
        assert sorted(map(len, routes)) == sorted(together)
        assert sum(map(contribution, routes)) == pytest.approx(found[w], rel=1e-12)


def test_the_number_of_paths_stops_growing():
    v = w = Value(1.0)
    for _ in range(2000):
        v = v.sin() + v
    paths = Paths(toposort(v, leaves=True), w)
    assert (paths.count, paths.longest) == (MANY, 4000)


def hidden_net():
    """The loss of a net 2-3-1 with its parameters."""
    model = MLP(2, [3, 1], "tanh", "sigmoid", rng=0)
    return binary_cross_entropy(model([1.0, 0.5]), 1), model.parameters()


def factors_in(svg):
    """The large numbers of each row below the graph, by height, with their places."""
    rows = {}
    for text in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        if text.get("font-size") == "15":
            number = float((text.text or "").replace("\N{MINUS SIGN}", "-"))
            rows.setdefault(text.get("y"), []).append((float(text.get("x", "")), number))
    return list(rows.values())


def test_a_picture_has_each_factor_of_the_path_below_its_place(embedded_renderer):
    loss, (w, *_) = hidden_net()
    explanation = explain(loss, w)
    (row,) = factors_in(explanation.picture.svg)
    places, numbers = zip(*row, strict=True)
    assert len(numbers) == 5 + 1  # z by w, a by z, z by a, a by z, L by a; dL/dw
    assert math.prod(numbers[:-1]) == pytest.approx(explanation.value, abs=2e-3)
    assert numbers[-1] == pytest.approx(explanation.value, abs=5e-4)
    assert list(places) == sorted(places)
    assert min(b - a for a, b in itertools.pairwise(places)) > 45  # none on another
    said = texts(explanation.picture.svg)
    assert "".join(said).count("z(1)1") >= 1
    assert explanation.picture.svg == explain(loss, w).picture.svg


def test_what_is_off_the_path_is_faint_and_the_path_has_a_halo(embedded_renderer):
    loss, (w, *_) = hidden_net()
    root = ElementTree.fromstring(explain(loss, w).picture.svg)
    groups = {e.get("data-key"): e for e in root.iter(f"{SVG}g") if e.get("data-key")}
    names = {key: "".join(t for e in g.iter(f"{SVG}text") for t in e.itertext())
             for key, g in groups.items() if key and "-" not in key}  # fmt: skip
    seen = {names[key] for key in names if groups[key].get("opacity") is None}
    on = ("x1", "w(1)11", "b(1)1", "w(2)11", "b(2)1")
    shown = {name for name in names.values() if name.startswith(on)}
    assert shown <= seen
    assert len(seen) == len(shown) + 1 + sum("Layer" in name for name in names.values())  # and L
    lit = [key for key, g in groups.items() if any(e.get("stroke-opacity") for e in g.iter())]
    assert len(lit) == 5  # x1, w1, unit 1, w2, the output, L
    assert {groups[key].get("opacity") for key in groups if "-" in key} == {None, "0.13"}


def test_of_many_paths_the_largest_eight_are_drawn_each_in_a_row(embedded_renderer):
    x = Value(1.5, "x")
    terms = [x * (k + 1) for k in range(11)]
    y = f.sum(terms)
    explanation = explain(y, x)
    rows = factors_in(explanation.picture.svg)
    assert [row[0][1] for row in rows] == [11, 10, 9, 8, 7, 6, 5, 4]
    rows = factors_in(explain(hidden_net()[0]).picture.svg)
    assert len(rows) == 1  # of one operation each derivative alone


@pytest.mark.parametrize(
    ("length", "message"),
    [(100, "the graph has 101 boxes"), (200, "the graph has too many values")],
)
def test_a_way_that_is_too_long_for_a_picture_says_so(length, message, tmp_path, embedded_renderer):
    x = y = Value(0.5, "x")
    for _ in range(length):
        y = y.tanh()
    with pytest.raises(RenderError, match=message):
        explain(y, x).picture.save(tmp_path / "path.svg")
    assert not (tmp_path / "path.svg").exists()
    assert explain(x.tanh(), x).picture.save(tmp_path / "path.pdf").exists()


def test_the_largest_routes_are_those_of_all_by_size():
    rng = random.Random(3)
    values = [Value(rng.uniform(-2, 2)) for _ in range(3)]
    for _ in range(9):
        a, b = rng.sample(values[-4:], 2)
        values.append(rng.choice([lambda a, b: a * b, lambda a, b: a - b])(a, b))
    paths = Paths(toposort(values[-1], leaves=True), values[1])
    every = sorted((abs(contribution(r)) for r in paths.all()), reverse=True)
    found = [abs(contribution(r)) for r in largest(paths, 4)]
    assert len(every) > 4
    assert found == pytest.approx(every[:4])


def test_in_a_large_net_the_paths_are_drawn_without_what_is_beside_them(embedded_renderer):
    model = MLP(2, [16, 16, 1], "tanh", rng=0)
    loss = (model([1.0, 2.0]) - 1) ** 2
    explanation = explain(loss, model.parameters()[0])
    rows = factors_in(explanation.picture.svg)
    assert len(rows) == 8
    products = [math.prod(number for _, number in row[:-1]) for row in rows]
    assert [row[-1][1] for row in rows] == pytest.approx(products, abs=0.01)
    shown = "".join(texts(explanation.picture.svg))
    assert "x1" in shown
    assert "x2" not in shown
