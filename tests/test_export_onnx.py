"""ONNX: onnxruntime gives what the scalar engine gives, in float32."""

import numpy as np
import pytest
from export_models import convolutional, drawn, mlp, outputs, refusal, rows

from tinygrad_edu import MLP, Conv2d, Dropout, Flatten, MaxPool2d, Sequential, Unflatten
from tinygrad_edu.export import to_onnx
from tinygrad_edu.nn import ACTIVATIONS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.slow


def run(model, X, path):
    to_onnx(model, path)
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (Y,) = session.run(["Y"], {"X": np.array(X, dtype=np.float32)})
    return Y


def assert_same(model, X, path):
    expected = np.array(outputs(model, X))
    np.testing.assert_allclose(run(model, X, path), expected, rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_onnxruntime_gives_what_the_model_gives(activation, tmp_path):
    assert_same(mlp(activation), rows(5, 3), tmp_path / "net.onnx")


@pytest.mark.parametrize("examples", [1, 6])
def test_a_convolutional_net_runs_in_evaluation_mode(examples, tmp_path):
    model = convolutional()
    assert_same(model, rows(examples, 49), tmp_path / "net.onnx")
    assert all(part.training for part in model.layers)


def test_images_are_taken_as_they_are(tmp_path):
    model = drawn(Sequential(Conv2d(2, 3, 2), MaxPool2d(2), Flatten()))
    assert_same(model, [[rows(5, 7, seed=k), rows(5, 7, seed=9)] for k in range(4)], tmp_path / "i")


def test_the_smallest_image_that_fits_runs(tmp_path):
    model = drawn(
        Sequential(Unflatten(1, 2, 3), Conv2d(1, 2, 4, padding=1), MaxPool2d(1), Flatten())
    )
    assert_same(model, rows(2, 6), tmp_path / "net.onnx")  # 4 x 5 with its frame, to 1 x 2


def test_activations_are_right_far_out(tmp_path):
    X = [[-1000.0], [-30.0], [0.0], [30.0], [1000.0]]
    for name in sorted(set(ACTIVATIONS) - {"prelu"}):
        assert_same(Sequential(name), X, tmp_path / "net.onnx")


def test_nothing_but_dropout_is_the_identity(tmp_path):
    assert run(Sequential(Dropout(0.5)), [[1.0, 2.0]], tmp_path / "net.onnx").tolist() == [[1, 2]]


def test_the_file_names_its_shapes(tmp_path):
    to_onnx(convolutional(), tmp_path / "net.onnx")
    graph = onnx.load(tmp_path / "net.onnx").graph
    shapes = [
        (v.name, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
        for v in (*graph.input, *graph.output)
    ]
    assert shapes == [("X", ["B", 49]), ("Y", ["B", 3])]


def test_a_number_that_float32_cannot_hold_is_refused(tmp_path):
    model = MLP(2, [1])
    for x in (1e39, float("inf"), float("nan")):
        model.parameters()[0].data = x
        with refusal(f"Layer(2, 1, 'linear') holds the number {x:g}, which float32 cannot hold"):
            to_onnx(model, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
