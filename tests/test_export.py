"""Export as NumPy, and what all exports refuse. PyTorch and ONNX have files of their own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from export_models import convolutional, drawn, mlp, outputs, refusal, rows

from tinygrad_edu import VectorizeError
from tinygrad_edu import functions as f
from tinygrad_edu.engine import RandomLeaf
from tinygrad_edu.export import from_torch, to_numpy_source, to_onnx, to_torch
from tinygrad_edu.nn import (
    ACTIVATIONS,
    MLP,
    RNN,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    MaxPool2d,
    Sequential,
    Unflatten,
)


def run(source):
    names = {}
    exec(compile(source, "model", "exec"), names)
    return names


def assert_same(source, model, X):
    """The program gives what the scalar engine gives."""
    expected = np.array(outputs(model, X))
    assert np.abs(run(source)["predict"](X) - expected).max() < 1e-12


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_program_gives_what_the_model_gives(activation):
    model = mlp(activation)
    assert_same(to_numpy_source(model), model, rows(5, 3))


@pytest.mark.slow
def test_a_convolutional_net_becomes_a_program():
    model = convolutional()
    assert_same(to_numpy_source(model), model, rows(4, 49))
    assert all(part.training for part in model.layers)


def test_the_program_is_short_and_reads_like_the_lecture():
    model = Layer(2, 1, "tanh", init="zeros")
    model.neurons[0].w[0].data, model.neurons[0].b.data = 0.1, -0.0
    assert (
        to_numpy_source(model)
        == '''\
import numpy as np


def shaped(a, *shape):  # as many rows of as many numbers, which may stand flat
    a = np.asarray(a, dtype=float)
    if a.shape[:1] != shape[:1] or a.size != np.prod(shape):
        raise ValueError(f"expected an array of shape {shape}, got {a.shape}")
    return a.reshape(shape)


def outputs(P, X):
    B = len(X)
    P = shaped(P, 3)
    X = shaped(X, B, 2)
    W1 = P[0:2].reshape(1, 2)
    b1 = P[2:3].reshape(1, 1)

    # forward
    Z1 = X @ W1.T + b1  # (B, 1)
    A1 = np.tanh(Z1)    # (B, 1)
    return A1


P = np.array([
    0.1, 0, -0.0,
], dtype=float)


def predict(X):
    """The outputs, (B, 1), for X of shape (B, 2)."""
    X = np.asarray(X, dtype=float)
    if X.ndim == 0 or X.shape[1:] != (2,):
        raise ValueError(f"X must have the shape (B, 2), got {X.shape}")
    with np.errstate(all="ignore"):
        return outputs(P, X)
'''
    )


def test_the_parameters_stand_in_the_program_to_the_last_bit():
    model = drawn(MLP(2, [2, 1], "tanh"))
    tiny = [5e-324, 1e308, 1 / 3, float("inf"), -float("inf")]
    for p, x in zip(model.parameters(), tiny, strict=False):
        p.data = x
    numbers = run(to_numpy_source(model))["P"]
    assert sorted(numbers.tolist()) == sorted(p.data for p in model.parameters())


def test_no_rows_give_no_outputs():
    assert run(to_numpy_source(mlp("tanh")))["predict"](np.ones((0, 3))).shape == (0, 2)


@pytest.mark.parametrize(
    ("X", "shape"), [([1, 2, 3], "(3,)"), (3, "()"), ([[1, 2]], "(1, 2)"), ([[[1]]], "(1, 1, 1)")]
)
def test_the_program_names_a_wrong_shape(X, shape):
    with refusal(f"X must have the shape (B, 3), got {shape}"):
        run(to_numpy_source(mlp("relu")))["predict"](X)


def test_with_an_example_any_function_of_values_becomes_a_program():
    recurrent = drawn(RNN(2, 3, 1, return_sequences=False))
    sequences = [rows(4, 2, seed=k) for k in range(3)]
    assert_same(to_numpy_source(recurrent, sequences[0]), recurrent, sequences)
    image = [rows(3, 3)]
    kernels = Sequential(drawn(Conv2d(1, 2, 2)), Flatten())
    assert_same(to_numpy_source(kernels, image), kernels, [image, image])
    assert run(to_numpy_source(lambda x: x**2, 0.5))["predict"]([3.0]) == [[9.0]]


@pytest.mark.slow
def test_the_program_needs_numpy_alone(tmp_path):
    model = mlp("gelu")
    (tmp_path / "net.py").write_text(to_numpy_source(model))
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
before = set(sys.modules)
import net
print(net.predict({rows(3, 3)!r}).tolist())
tops = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(sorted(tops - set(sys.stdlib_module_names)))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    numbers, modules = done.stdout.splitlines()
    expected = outputs(model, rows(3, 3))
    assert np.abs(np.array(eval(numbers)) - expected).max() < 1e-12
    assert modules == "['net', 'numpy']"


def noisy(x):
    return x[0] + RandomLeaf(lambda: 0.5)


def chosen(x):
    return x[0] if x[0] > 0 else x[1]


def two_lists(x):
    return [x[0]], [x[1]]


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (noisy, "draws random numbers"),
        (chosen, "compares numbers in Python"),
        (two_lists, "gives several lists"),
    ],
)
def test_a_function_that_is_no_formula_is_refused(model, what):
    with refusal(
        f"{model!r:.80} {what}: a model to export gives one list of numbers, the same each "
        "time; write choices as where(step(z), a, b)"
    ):
        to_numpy_source(model, [0.5, 0.2])


def test_what_vectorize_refuses_is_refused():
    with pytest.raises(VectorizeError, match="reads the number of a Value"):
        to_numpy_source(lambda x: x[0] * x[0].data, [0.5])


def test_a_model_of_open_size_needs_an_example():
    with refusal(
        "Sequential('tanh') does not say which shape its input has: write "
        "to_numpy_source(model, example) with one example, such as a row of X"
    ):
        to_numpy_source(Sequential("tanh"))


def onnx(model):
    to_onnx(model, "unwritten.onnx")


@pytest.fixture
def no_libraries(monkeypatch):
    for name in ("onnx", "torch"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("no_libraries")
@pytest.mark.parametrize(
    ("export", "name"), [(onnx, "onnx"), (to_torch, "torch"), (from_torch, "torch")]
)
def test_a_missing_extra_says_how_to_get_it(export, name):
    with pytest.raises(ImportError) as error:
        export(mlp("tanh"))
    assert str(error.value) == f'{name} is missing: pip install "tinygrad-edu[{name}]"'


class Estimator:
    """What has a net, as a fitted estimator has, and is none."""

    model_ = MLP(2, [1])

    def __repr__(self):
        return "Estimator()"


# fmt: off
NO_EQUAL = [
    (Sequential(RNN(2, 3, 1), Layer(1, 1)), ValueError,
     "RNN(2, 3, 1, 'tanh', output='linear', return_sequences=True) has no equal elsewhere: "
     "MLP, Sequential and the layers of nn, convolution and regularize can be exported; for any "
     "other model write to_numpy_source(model, example)"),
    (MLP(2, [3, 1], f.erf), ValueError,
     "Layer(2, 3, Primitive('erf')) has a function as activation, which has no equal "
     "elsewhere: choose one of nn.ACTIVATIONS by its name, or write "
     "to_numpy_source(model, example)"),
    ([1.0], TypeError, "expected a model such as MLP(2, [16, 1]), got list [1.0]"),
    (Estimator(), TypeError,
     "expected a model such as MLP(2, [16, 1]), got Estimator Estimator(): write clf.model_ for "
     "the net of a fitted estimator clf"),
]
#: Models whose parts do not fit each other, and which of them does not.
UNFIT = [
    (Sequential(Layer(2, 3), "tanh", Dropout(0.1), Layer(4, 1)),
     "Layer(4, 1, 'relu') takes a row of 4 and gets a row of 3"),
    (Sequential("tanh", BatchNorm(2), Sequential(MLP(3, [1]))),
     "Layer(3, 1, 'linear') takes a row of 3 and gets a row of 2"),
    (Sequential(Unflatten(1, 6, 6), Conv2d(2, 1, 2)),
     "Conv2d(2, 1, 2, stride=1, padding=0, activation='linear') takes an image of 2 x height x "
     "width and gets an image of 1 x 6 x 6"),
    (Sequential(Unflatten(1, 2, 2), Conv2d(1, 1, 3)),
     "Conv2d(1, 1, 3, stride=1, padding=0, activation='linear') takes an image of at least 3 x "
     "3 and gets an image of 1 x 2 x 2"),
    (Sequential(Unflatten(1, 1, 2), Conv2d(1, 1, 4, padding=1)),
     "Conv2d(1, 1, 4, stride=1, padding=1, activation='linear') takes an image of at least 2 x "
     "2 and gets an image of 1 x 1 x 2"),
    (Sequential(Unflatten(1, 7, 5), Conv2d(1, 2, 2, stride=3, padding=1), AvgPool2d(3)),
     "AvgPool2d(3, stride=3) takes an image of at least 3 x 3 and gets an image of 2 x 3 x 2"),
    (Sequential(Unflatten(1, 5, 5), MaxPool2d(2), Flatten(), BatchNorm(5)),
     "BatchNorm(5, momentum=0.1, eps=1e-05) takes a row of 5 and gets a row of 4"),
    (Sequential(MaxPool2d(2), Conv2d(1, 2, 2), Conv2d(1, 2, 2)),
     "Conv2d(1, 2, 2, stride=1, padding=0, activation='linear') takes an image of 1 x height x "
     "width and gets an image of 2 x height x width"),
    (Sequential(Layer(2, 3), MaxPool2d(2)),
     "MaxPool2d(2, stride=2) takes an image of channels x height x width and gets a row of 3"),
    (Sequential("tanh", Flatten()),
     "'tanh' takes a row of n and gets an image of channels x height x width"),
]
# fmt: on


@pytest.mark.parametrize(
    ("export", "library"),
    [
        (to_numpy_source, "numpy"),
        pytest.param(onnx, "onnx", marks=pytest.mark.slow),
        pytest.param(to_torch, "torch", marks=pytest.mark.slow),
    ],
)
def test_every_export_names_the_part_without_an_equal_and_the_one_that_does_not_fit(
    export, library
):
    pytest.importorskip(library)
    for model, kind, text in NO_EQUAL:
        with refusal(text, kind):
            export(model)
    for model, why in UNFIT:
        with refusal(f"the parts of {model!r:.80} do not fit each other: {why}"):
            export(model)
    assert not Path("unwritten.onnx").exists()


class Twice(Layer):
    """A layer with a forward pass of its own."""

    def __call__(self, x):
        return [2 * a for a in super().__call__(x)]


def test_a_layer_with_a_forward_pass_of_its_own_is_no_layer():
    with pytest.raises(ValueError, match="has no equal elsewhere"):
        to_numpy_source(Twice(2, 1))
    model = drawn(Twice(2, 1))
    assert_same(to_numpy_source(model, [0.1, 0.2]), model, rows(3, 2))
