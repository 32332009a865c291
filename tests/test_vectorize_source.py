"""What a student reads: the source of a program, its LaTeX, and what its names stand for."""

import re
import subprocess
import sys

import numpy as np
import pytest
from vectorized import function_of, numbers, numbers_of

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import cross_entropy, hinge, l2, squared_error
from tinygrad_edu.nn import MLP, Layer
from tinygrad_edu.vectorize import vectorize

MODEL = MLP(2, [16, 16, 1])
PROGRAM = vectorize(lambda x, y: hinge(MODEL(x), y), [0.1, 0.2], 1)


def parts(program):
    """The lines forward and backward."""
    forward, _, backward = program.source.partition("# backward")
    return forward.partition("# forward")[2].splitlines(), backward.splitlines()


def targets(lines):
    """The names on the left."""
    return re.findall(r"^    (\w+) =", "\n".join(lines), re.MULTILINE)


def test_the_source_of_a_small_net_fits_on_one_screen():
    lines = PROGRAM.source.splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_there_is_a_product_per_layer_forward_and_two_backward(depth, activation):
    model = MLP(2, [4] * (depth - 1) + [1], activation)
    forward, backward = parts(vectorize(lambda x, y: hinge(model(x), y), [0.1, 0.2], 1))
    assert "\n".join(forward).count("@") == depth
    assert "\n".join(backward).count("@") == 2 * depth - 1


def test_a_penalty_adds_no_product_of_the_batch():
    model = MLP(2, [3, 1])
    program = vectorize(
        lambda x, y: hinge(model(x), y) + l2(model.parameters(), 0.1), [0.1, 0.2], 1
    )
    forward, _ = parts(program)
    assert sum("@" in line and "(B, " in line for line in forward) == 2


def test_names_are_those_of_the_lecture():
    forward, backward = parts(PROGRAM)
    assert targets(forward)[:5] == ["Z1", "A1", "Z2", "A2", "Z3"]
    assert targets(forward)[-1] == "L"
    gradients = ["delta3", "dW3", "db3", "delta2", "dW2", "db2", "delta1", "dW1", "db1"]
    assert [name for name in targets(backward) if name[0] == "d"] == gradients


def test_the_lines_are_the_equations_of_the_lecture():
    model = MLP(2, [3, 2], "tanh")
    program = vectorize(lambda x, y: squared_error(model(x), y), [0.1, 0.2], [1.0, 0.0])
    lines = [line.partition("#")[0].strip() for line in program.source.splitlines()]
    for line in [
        "Z1 = X @ W1.T + b1",
        "A1 = np.tanh(Z1)",
        "Z2 = A1 @ W2.T + b2",
        "delta1 = (delta2 @ W2) * (1 - A1 * A1)",
        "dW2 = delta2.T @ A1",
        "dW1 = delta1.T @ X",
        "db1 = delta1.sum(axis=0, keepdims=True)",
    ]:
        assert line in lines


def test_each_line_has_the_size_of_its_array():
    """By hand: 2 inputs, 16 units."""
    sizes = dict(re.findall(r"^    (\w+) = .*# \((.*)\)$", PROGRAM.source, re.MULTILINE))
    expected = {
        **dict.fromkeys(["Z1", "A1", "Z2", "A2", "delta1", "delta2"], "B, 16"),
        **dict.fromkeys(["Z3", "L", "delta3"], "B, 1"),
        "dW1": "16, 2",
        "dW2": "16, 16",
        "dW3": "1, 16",
        "db1": "1, 16",
        "db3": "1, 1",
    }
    assert {name: sizes[name] for name in expected} == expected


def check_sizes(program, *arrays):
    """Every size that is written beside a line is that of the array."""
    text = re.sub(
        r"^    (\w+) = (.*?)  # \((.*), (.*)\)$",
        r"    \1 = \2; assert np.shape(\1) == (\3, \4), '\1'",
        program.source,
        flags=re.MULTILINE,
    )
    assert "assert" in text
    function_of(program, text)(numbers_of(program), *arrays)


def test_the_sizes_are_those_of_the_arrays():
    check_sizes(PROGRAM, numbers(5, 2), np.ones(5))
    layers = [Layer(4, 4, "tanh", rng=k) for k in range(2)]
    scale = Value(2.0)

    def fn(x, y):
        h = layers[1]([a * b for a, b in zip(layers[0](x), x, strict=True)])
        return cross_entropy(h, y) + scale * f.mean(h) + f.exp(scale) / 3

    check_sizes(vectorize(fn, [0.1, 0.2, 0.3, 0.4], 1), numbers(5, 4), np.array([0, 1, 2, 3, 3]))


def test_the_source_runs_with_numpy_alone():
    """In a process that cannot import the package."""
    model = MLP(2, [2, 1], "tanh")
    program = vectorize(lambda x, y: (model(x) - y) ** 2, [0.1, 0.2], 1)
    x, y = numbers(3, 2), numbers(3)
    loss, gradient = program.value_and_grad(x, y)
    call = f"loss_and_gradient({numbers_of(program).tolist()}, {x.tolist()}, {y.tolist()})"
    text = f"import sys\nsys.modules['tinygrad_edu'] = None\n{program.source}\n"
    text += f"loss, G = {call}\nprint(repr(float(loss)), G.tolist(), sep='|')"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    found, vector = done.stdout.split("|")
    assert float(found) == pytest.approx(loss, rel=1e-12)
    found = [float(g) for g in vector.strip("[]\n").split(",")]
    np.testing.assert_allclose(found, gradient, rtol=1e-9)


def test_a_function_without_a_gradient_has_its_outputs_as_source():
    model = MLP(2, [3, 2], "tanh")
    program = vectorize(model, [0.1, 0.2])
    x = numbers(4, 2)
    np.testing.assert_allclose(function_of(program)(numbers_of(program), x), program(x), rtol=1e-12)
    assert "backward" not in program.source
    assert r"\delta" not in program.latex


def test_source_is_deterministic():
    again = MLP(2, [16, 16, 1])
    assert vectorize(lambda x, y: hinge(again(x), y), [0.3, 0.4], -1).source == PROGRAM.source


# --- LaTeX ----------------------------------------------------------------------------------------


def odd(x, y):
    w = MODEL.parameters()[:4]
    z = f.dot(w[:2], x, w[2])
    terms = [
        f.gelu(z),
        f.logsumexp([z, w[3]]),
        f.max(x[0], z) ** 3,
        f.prod([z, y, w[0]]),
        z ** w[1],
    ]
    return f.mean(terms) - f.where(f.step(z), z / w[3], abs(z)) + f.softmax([z, y, w[1]])[1]


def irregular(x):
    a, b, c = (f.tanh(w * v) for w, v in zip(MODEL.parameters(), x, strict=False))
    return a * b + f.exp(c) * a


LATEX = {
    "irregular": vectorize(irregular, [0.1, 0.2, 0.3]),
    "a net": PROGRAM,
    "classes": vectorize(lambda x, y: cross_entropy(MLP(2, [3])(x), y), [0.1, 0.2], 1),
    "odd": vectorize(odd, [0.1, 0.2], 0.5),
    "outputs": vectorize(MLP(2, [3, 3], "gelu", "softmax"), [0.1, 0.2]),
}


@pytest.mark.parametrize("name", LATEX)
def test_latex_is_an_aligned_environment_with_everything_closed(name):
    text = LATEX[name].latex
    assert text.startswith("\\begin{aligned}\n")
    assert text.endswith("\n\\end{aligned}")
    assert "hole" not in text
    assert not re.search(r"[^{]\w_\{[^{}]*\}_", text), "a double index is an error of TeX"
    assert len(re.findall(r"\\left(?![a-z])", text)) == len(re.findall(r"\\right(?![a-z])", text))
    open_braces = 0
    for brace in re.sub(r"\\[{}]", "", text):
        open_braces += (brace == "{") - (brace == "}")
        assert open_braces >= 0
    assert open_braces == 0
    opened = []
    for kind, environment in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            opened.append(environment)
        else:
            assert opened.pop() == environment
    assert opened == []
    for line in text.split("\n")[1:-1]:
        assert "&=" in line


def test_latex_has_the_equations_of_the_lecture():
    for equation in [
        r"Z_{1} &= X\,W_{1}^{\top} + b_{1}",
        r"\frac{\partial L}{\partial W_{1}} &= \delta_{1}^{\top}\,X",
        r"\frac{\partial L}{\partial b_{3}} &= \mathbf{1}^{\top} \delta_{3}",
    ]:
        assert equation in PROGRAM.latex


# --- explain --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("delta2", ["delta2 = dL/dZ2", "16 numbers per example", "dL/d dot(layer2.neuron1.w[0]"]),
        ("Z1", ["16 numbers per example", "Z1[:, 0] = dot(layer1.neuron1.w[0]", "X[:, 1]"]),
        ("A1", ["A1[:, 0] = relu(Z1[:, 0])", "and 10 more"]),
        ("W1", ["32 parameters, P[0:32]", "W1[0, 1] = layer1.neuron1.w[1]"]),
        ("b3", ["1 parameter", "layer3.neuron1.b"]),
        ("dW1", ["dW1 = dL/dW1", "W1[2, 1] = dL/d layer1.neuron3.w[1]"]),
        ("X", ["2 numbers per example, an argument of the function"]),
        ("L", ["1 number per example", "relu("]),
    ],
)
def test_explain_names_nodes_and_parameters(name, expected):
    text = PROGRAM.explain(name)
    for part in expected:
        assert part in text


def test_explain_names_the_line_of_the_function():
    assert __file__ in PROGRAM.explain("Z1")
    assert "hinge(MODEL(x), y)" in PROGRAM.explain("Z1")


def test_every_name_of_the_source_can_be_explained():
    program = LATEX["odd"]
    body = program.source.partition("def loss_and_gradient")[2]
    names = re.findall(r"^    (\w+) =", body, re.MULTILINE)
    for name in set(names) - {"B", "G", "P"}:
        assert program.explain(name).startswith(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("delta9", "; did you mean delta3?"), ("Z", "; did you mean Z3?"), ("nothing", ""), ("", "")],
)
def test_explain_refuses_an_unknown_name(name, hint):
    pattern = rf"^the program has no {name!r}: choose X, Y, W1, b1, .*db3{re.escape(hint)}$"
    with pytest.raises(ValueError, match=pattern):
        PROGRAM.explain(name)


@pytest.mark.parametrize("name", [None, 3])
def test_explain_refuses_what_is_no_name(name):
    with pytest.raises((TypeError, ValueError), match="the program has no"):
        PROGRAM.explain(name)


def test_the_repr_of_a_program_tells_what_it_takes():
    model = MLP(2, [3, 1])
    program = vectorize(lambda x, y: squared_error(model(x), y), [0.1, 0.2], 1.0)
    assert repr(program) == "Program(X (B, 2), Y (B); 13 parameters)"


def test_a_relu_is_a_maximum_in_latex():
    assert r"A_{1} &= \max\left(Z_{1}, 0\right)" in vectorize(MLP(2, [3, 1]), [0.1, 0.2]).latex


def test_latex_adds_pieces_at_their_columns():
    text = LATEX["irregular"].latex
    assert r"V_{3} &= e^{{V_{2}}_{:,3}}" in text
    assert r"{V_{2}}_{:,1} \odot V_{3}\right) \to 3\right)" in text


def test_a_source_whose_result_needs_the_number_of_rows_counts_them():
    program = vectorize(lambda x: [x[0], x[0]], [1.0, 2.0])
    assert "    B = len(X)\n" in program.source
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert function_of(program)(X).tolist() == [[1, 1], [3, 3]] == program(X).tolist()
