"""Every value has one name, from the net it belongs to, as text and as LaTeX."""

import pytest

from tinygrad_edu import MLP, RNN, Conv2d, Dropout, Layer, Neuron, Sequential, Value, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.engine import constant, parameter
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import Module
from tinygrad_edu.text import clean, latex_name
from tinygrad_edu.view.base.naming import names_of, variable_names

X = [0.5, -1.0]


def names(v, **options):
    return list(names_of(toposort(v, leaves=True), **options).values())


def hand_made():
    """A net 2-2-1 of dots over plain Values."""
    x = [Value(0.5), Value(-1.0)]
    hidden = [f.dot([Value(0.1), Value(0.2)], x, Value(0.0)).tanh() for _ in range(2)]
    return f.dot([Value(0.3), Value(0.4)], hidden, Value(0.0))


class Shared(Module):
    """Two layers with names of their own, and one of them used twice."""

    def __init__(self):
        self.hidden = Layer(2, 2, "tanh", rng=0)
        self.out = Layer(2, 1, "linear", rng=0)
        self._name_parameters()

    def __call__(self, x):
        return self.out(self.hidden(self.hidden(x)))[0]


NETS = {
    "neuron": (lambda: Neuron(2, "tanh", rng=0)(X), "w1 w2 x1 x2 b z a"),
    "layer": (
        lambda: f.sum(Layer(2, 2, "prelu")(X)),
        "w1[1,1] w1[1,2] x1 x2 b1[1] z1[1] w1[2,1] w1[2,2] b1[2] z1[2] alpha1[1] a1[1] "
        "alpha1[2] a1[2] L",
    ),
    "MLP and loss": (
        lambda: half_squared_error(MLP(1, [1, 1], "tanh", rng=0)([0.5]), Value(1.0)),
        "w1[1,1] x1 b1[1] z1[1] a1[1] w2[1,1] b2[1] z2[1] y v1 v2 0.5 L",
    ),
    "Sequential": (
        lambda: Sequential(Layer(1, 1, "linear"), "tanh", Layer(1, 2, "softmax"))([0.5])[1],
        "w1[1,1] x1 b1[1] z1[1] a1[1] w2[1,1] b2[1] z2[1] w2[2,1] b2[2] z2[2] a2[2]",
    ),
    "part of a net": (
        lambda: MLP(2, [1, 1, 1], "tanh", rng=0).layers[2]([0.5])[0],
        "w3[1,1] x1 b3[1] z3[1]",
    ),
    "recurrent": (
        lambda: RNN(1, 1, 1, return_sequences=False)([0.5, 1.0])[0],
        "w1[1,1] w1[1,2] x1 x2 b1[1] z1[1] a1[1] x1#2 z1[1]#2 a1[1]#2 w2[1,1] b2[1] z2[1]",
    ),
    "convolution": (
        lambda: f.sum(Conv2d(1, 1, 2)([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])[0][0]),
        "w1[1,1] w1[1,2] w1[1,3] w1[1,4] x1 x2 x3 x4 b1[1] z1[1] x5 x6 z1[1]#2 L",
    ),
    "by hand": (
        hand_made,
        "w1[1,1] w1[1,2] x1 x2 b1[1] z1[1] a1[1] w1[2,1] w1[2,2] b1[2] z1[2] a1[2] "
        "w2[1,1] w2[1,2] b2[1] z2[1]",
    ),
    "names of a class": (
        lambda: Shared()([0.5, 1.0]),
        "w1[1,1] w1[1,2] x1 x2 b1[1] z1[1] w1[2,1] w1[2,2] b1[2] z1[2] a1[1] a1[2] "
        "z1[1]#2 z1[2]#2 a1[1]#2 a1[2]#2 w2[1,1] w2[1,2] b2[1] z2[1]",
    ),
    "dropout": (
        lambda: Sequential(Layer(1, 1, "linear"), Dropout(0.5, rng=0), Layer(1, 1, "linear"))(
            [0.5]
        ),
        "w1[1,1] x1 b1[1] z1[1] m1 v1 w2[1,1] b2[1] z2[1]",
    ),
    "a feature of the input": (
        lambda: (Neuron(1, "linear", rng=0)([Value(3.0) ** 2]) - Value(1.0)) ** 2,
        "x1 v1 w1 b z y v2 L",
    ),
    "two nets": (
        lambda: MLP(1, [1], rng=1)([0.5]) + MLP(1, [1], rng=2)([0.5]),
        "w1[1,1] x1 b1[1] z1[1] w1[1,1](2) x2 b1[1](2) z1[1](2) L",
    ),
    "penalty": (lambda: MLP(1, [1], rng=0).parameters()[0] ** 2, "w1[1,1] L"),
    "no net": (lambda: Value(1.0) * 3.0 + Value(2.0), "a 3 v1 b y"),
}


@pytest.mark.parametrize(("make", "expected"), NETS.values(), ids=NETS)
def test_values_are_named_by_their_place_in_the_net(make, expected):
    assert names(make()) == expected.split()


def test_a_name_of_the_user_wins_and_is_given_once():
    w, again, x = parameter(1.0, "w"), parameter(2.0, "w"), Value(3.0)
    z = f.dot([w, again], [x, constant(4.0)], Value(5.0, "net"))
    loss = (z.tanh() - Value(-1.0)) ** 2
    order = toposort(loss, leaves=True)
    expected = ["w", "w#2", "a", "4", "net", "z", "a#2", "y", "v1", "L"]
    assert list(names_of(order, {x: "a", w: "other"}).values()) == expected


@pytest.mark.parametrize("name", ["kappa", "alpha", "b"])
@pytest.mark.parametrize("notation", ["lecture", "code"])
def test_a_name_of_the_user_wins_in_a_net_too(name, notation):
    model = MLP(2, [2, 1], "tanh", rng=0)
    w = model.parameters()[0]
    w.name = name
    assert names_of(toposort(model(X), leaves=True), notation=notation)[w] == name


def test_the_names_of_modules_are_no_names_of_the_user():
    model = MLP(2, [2, 1], "tanh", rng=0)
    order = toposort(model(X), leaves=True)
    given = variable_names({"weights": model.parameters()})
    lecture, code = (names_of(order, given, notation=n) for n in ("lecture", "code"))
    pairs = {lecture[v]: code[v] for v in order}
    assert pairs["w1[2,1]"] == "layer1.neuron2.w[1]"
    assert pairs["b2[1]"] == "layer2.neuron1.b"
    assert pairs["a1[2]"] == "layer1.neuron2.a"
    assert lecture.deltas[order[-1]] == "delta2[1]"
    assert code.deltas[order[-1]] == "layer2.neuron1.delta"
    assert model.parameters()[2].name == "layer1.neuron1.b"


def test_names_in_the_notation_of_code_count_from_one():
    assert names(Neuron(2, "tanh", rng=0)(X), notation="code") == [
        *("w[1]", "w[2]", "x1", "x2", "b", "z", "a")
    ]
    with pytest.raises(ValueError, match="unknown notation 'maths': choose lecture, code"):
        names(Value(1.0) * 2, notation="maths")


def test_a_delta_is_named_after_its_net_input():
    x, net = Value(1.0), Neuron(1, "tanh", rng=0)
    order = toposort(net([x]) + net([2.0]), leaves=True)
    z = [v for v in order if v.op is not None and v.op.name == "dot"]
    assert [names_of(order).deltas[v] for v in z] == ["delta", "delta#2"]
    assert [names_of(order, {z[1]: "net"}).deltas[v] for v in z] == ["delta", "delta(net)"]


def test_the_examples_of_a_batch_are_told_apart():
    model = MLP(2, [2, 1], "tanh", rng=0)
    loss = f.mean([half_squared_error(model(x), 1.0) for x in ([1.0, 2.0], [3.0, 4.0])])
    called = names(loss)
    assert {"x1", "x2", "x1#2", "x2#2", "z1[2]#2", "a1[2]#2", "z2[1]#2"} <= set(called)
    assert not [name for name in called if name.startswith("w") and "#" in name]


def test_names_are_unique_in_a_large_net():
    order = toposort(
        f.sum(MLP(30, [14, 3], "prelu", output="softmax", rng=0)([0.1] * 30)), leaves=True
    )
    assert len(set(names_of(order).values())) == len(order)
    assert {"L", "z2[3]", "a1[14]", "x30", "w1[14,30]"} <= set(names_of(order).values())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("z1[2]", "z^{(1)}_{2}"),
        ("w1[2,3]", "w^{(1)}_{23}"),
        ("w1[2,13]", "w^{(1)}_{2,13}"),
        ("delta2[1]", r"\delta^{(2)}_{1}"),
        ("alpha1[3]", r"\alpha^{(1)}_{3}"),
        ("delta", r"\delta"),
        ("z1[2](2)#3", r"z^{(1)}_{2\,(2)\,\#3}"),
        ("x1#2", r"x_{1\,\#2}"),
        ("w[1]", r"\mathrm{w[1]}"),
        ("delta(net)", r"\mathrm{delta(net)}"),
        ("w", "w"),
        ("z12", "z_{12}"),
        ("x_1", "x_{1}"),
        ("loss", r"\mathrm{loss}"),
        ("layer1.neuron3.w[0]", r"\mathrm{layer1.neuron3.w[0]}"),
        (r"a\b{c}$&#%_^~", r"\mathrm{a\backslash b\{c\}\$\&\#\%\_\wedge \sim }"),
        ("</script>", r"\mathrm{\lt /script\gt }"),
        ("größe 1", r"\mathrm{größe\ 1}"),
        ("0.5", "0.5"),
        ("1e-7", r"1 \cdot 10^{-7}"),
    ],
)
def test_names_as_latex(name, expected):
    assert latex_name(name) == expected


@pytest.mark.parametrize("attribute", ["a\nb", "a\x00b", "\ud800"])
def test_the_names_of_modules_are_made_harmless(attribute):
    model = Shared()
    setattr(model, attribute, model.__dict__.pop("hidden"))
    model._name_parameters()
    order = toposort(model.out(getattr(model, attribute)([0.5, 1.0]))[0], leaves=True)
    for notation in ("lecture", "code"):
        for name in names_of(order, notation=notation).values():
            assert name == clean(name, 100)
