"""Convolution and pooling: by hand, against PyTorch, names, bad images, and the digits."""

import json
import math
from pathlib import Path

import pytest
from both_engines import check, rows
from refusals import refusals

from tinygrad_edu import functions as f
from tinygrad_edu.data import digits, train_test_split
from tinygrad_edu.nn import AvgPool2d, Conv2d, Flatten, Layer, MaxPool2d, Sequential, Unflatten
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.train import evaluate, fit

NINE = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]


def wave(n, start=1):
    """sin(start), sin(start + 1), ..."""
    return [math.sin(k) for k in range(start, start + n)]


def filled(conv, weights, biases):
    numbers = iter(weights)
    for kernel, b in zip(conv.kernels, biases, strict=True):
        kernel.b.data = b
        for w in kernel.w:
            w.data = next(numbers)
    return conv


def numbers_of(image):
    return [[[v.data for v in row] for row in channel] for channel in image]


def flat(image):
    return Flatten()(image)


def shape(image):
    return len(image), len(image[0]), len(image[0][0])


def test_a_convolution_does_not_flip_the_kernel():
    conv = filled(Conv2d(1, 1, 2), [1, 2, 3, 4], [0.5])
    # top left: 1*1 + 2*2 + 3*4 + 4*5 + 0.5
    assert numbers_of(conv([NINE])) == [[[37.5, 47.5], [67.5, 77.5]]]


def test_an_output_unit_is_one_dot_and_pixels_are_shared():
    maps = Conv2d(1, 2, 2, activation="tanh")([NINE])
    (z,) = maps[0][0][0].parents
    (other,) = maps[1][0][1].parents
    assert (z.op.name, len(z.parents)) == ("dot", 4 + 4 + 1)
    assert [p.data for p in z.parents[4:8]] == [1, 2, 4, 5]
    assert z.parents[5] is other.parents[4]


SHAPES = [  # (size + 2 padding - kernel) // stride + 1
    (Conv2d(1, 2, 3), (1, 8, 8), (2, 6, 6)),
    (Conv2d(1, 2, 3, 2), (1, 8, 8), (2, 3, 3)),
    (Conv2d(3, 1, 3, 2, 1), (3, 8, 7), (1, 4, 4)),
    (Conv2d(1, 1, 3, padding=1), (1, 1, 1), (1, 1, 1)),
    (MaxPool2d(2), (2, 6, 5), (2, 3, 2)),
    (MaxPool2d(3, 1), (2, 6, 5), (2, 4, 3)),
    (AvgPool2d(2, 3), (1, 8, 4), (1, 3, 1)),
]


@pytest.mark.parametrize(("module", "before", "after"), SHAPES, ids=repr)
def test_shapes(module, before, after):
    image = Unflatten(*before)([0.0] * math.prod(before))
    assert shape(image) == before
    assert shape(module(image)) == after


def test_pooling_takes_the_largest_or_the_mean_of_each_window():
    image = [[[1, 2, 5, 6, 9], [3, 4, 7, 8, 9], [9, 9, 9, 9, 9]], [[0, 1, 2, 3, 9]] * 3]
    assert numbers_of(MaxPool2d(2)(image)) == [[[4, 8]], [[1, 3]]]
    assert numbers_of(AvgPool2d(2)(image)) == [[[2.5, 6.5]], [[0.5, 2.5]]]


def test_numbers_that_tie_share_the_gradient_of_a_maximum():
    image = Unflatten(1, 2, 2)([3.0, 1.0, 3.0, 2.0])
    MaxPool2d(2)(image)[0][0][0].backward()
    assert [v.grad for v in flat(image)] == [0.5, 0, 0.5, 0]


def test_flatten_goes_channel_by_channel_row_by_row_and_unflatten_undoes_it():
    numbers = [float(k) for k in range(12)]
    image = Unflatten(2, 3, 2)(numbers)
    assert numbers_of(image)[1] == [[6, 7], [8, 9], [10, 11]]
    assert [v.data for v in flat(image)] == numbers


def test_parameters_have_names_and_sizes():
    model = Sequential(Unflatten(1, 2, 2), Conv2d(1, 3, 2), Flatten(), Layer(3, 2, "linear"))
    names = list(model.named_parameters())
    kernel = [f"w[{k}]" for k in range(4)] + ["b"]
    assert names[:10] == [f"layer2.kernel{unit}.{name}" for unit in (1, 2) for name in kernel]
    assert len(names) == 3 * 5 + 2 * 4
    assert model.layers[1].kernels[2].w[3].name == "layer2.kernel3.w[3]"


def test_an_initialiser_gets_the_inputs_and_outputs_of_a_weight():
    conv = Conv2d(2, 5, 3, init=lambda rng, nin, nout: 1000 * nin + nout)
    assert {w.data for kernel in conv.kernels for w in kernel.w} == {18_045}
    assert [kernel.b.data for kernel in conv.kernels] == [0] * 5


def test_a_seed_gives_the_same_kernels_again():
    assert Conv2d(1, 2, 3, rng=1).state_dict() == Conv2d(1, 2, 3, rng=1).state_dict()
    assert Conv2d(1, 2, 3, rng=1).state_dict() != Conv2d(1, 2, 3, rng=2).state_dict()


def test_prelu_has_a_slope_for_each_kernel():
    conv = filled(Conv2d(1, 2, 1, activation="prelu"), [1, 1], [0, 0])
    conv.kernels[1].alpha.data = 0.5
    assert numbers_of(conv([[[-2, 2]]])) == [[[-0.5, 2]], [[-1, 2]]]


BAD = [
    (lambda: Conv2d(1, 2, 3)([0.0] * 64), TypeError,
     "an image is a list of channels of rows of numbers, got a flat list: "
     "put Unflatten(channels, height, width) before"),
    (lambda: Conv2d(1, 2, 3)(NINE), TypeError,
     "an image is a list of channels of rows of numbers, got rows without channels: "
     "write [rows] for a single channel"),
    (lambda: Conv2d(1, 2, 3)([[NINE]]), TypeError,
     "an image is a list of channels of rows of numbers, got one level more: "
     "a model takes one image, write [model(x) for x in X] for several"),
    (lambda: Flatten()(3.0), TypeError,
     "an image is a list of channels of rows of numbers, got float"),
    (lambda: MaxPool2d(1)([[["a"]]]), TypeError,
     "Value takes one real number, got str 'a': write float(...) around a text that is a number"),
    (lambda: Conv2d(3, 2, 3)([NINE]), ValueError,
     "Conv2d(3, 2, 3, stride=1, padding=0, activation='linear') expects 3 channels, got 1"),
    (lambda: Conv2d(1, 1, 6, padding=1)([NINE]), ValueError,
     "Conv2d(1, 1, 6, stride=1, padding=1, activation='linear') needs an image of at least "
     "6 x 6, padding included, got 5 x 5"),
    (lambda: MaxPool2d(2)([[[1, 2, 3]]]), ValueError,
     "MaxPool2d(2, stride=2) needs an image of at least 2 x 2, padding included, got 1 x 3"),
    (lambda: Flatten()([NINE, NINE[:2]]), ValueError,
     "channel 1 of the image has 2 rows, channel 0 has 3"),
    (lambda: Flatten()([NINE, [[1, 2, 3], [4, 5], [7, 8, 9]]]), ValueError,
     "row 1 of channel 1 of the image has 2 columns, the first row has 3"),
    (lambda: Flatten()([]), ValueError,
     "an image has at least one channel, one row and one column"),
    (lambda: Unflatten(1, 8, 8)([0.0] * 63), ValueError, "expected 64 inputs, got 63"),
    (lambda: Conv2d(1, 2, (3, 3)), TypeError,
     "kernel_size must be an int of at least 1, got tuple (3, 3)"),
    (lambda: Conv2d(1, 2, 3, padding=-1), ValueError,
     "padding must be an int from 0 to 1000, got -1"),
    (lambda: MaxPool2d(2, 0), ValueError, "stride must be an int of at least 1, got 0"),
    (lambda: Conv2d(1, 2, 3, activation="softmax"), ValueError,
     "softmax is an activation of a whole layer: use Layer or MLP(output=...)"),
]  # fmt: skip


test_a_bad_image_or_option_is_explained = refusals(BAD)


# Made with PyTorch 2.13 in float64. The image holds sin(1), sin(2), ..., the weights sin(100), ...,
# the biases sin(200), sin(201); the loss is the sum of the squared outputs of
# tanh(conv2d(x, w, b, stride=2, padding=1)), max_pool2d(x, 2, 1) and avg_pool2d(x, 2, 1).
FIXTURES = Path(__file__).parent / "fixtures"
TORCH = json.loads((FIXTURES / "torch_layers.json").read_text())["convolution"]


def test_a_convolution_is_that_of_pytorch_forward_and_backward():
    conv = filled(Conv2d(2, 2, 3, 2, 1, activation="tanh"), wave(36, 100), wave(2, 200))
    image = Unflatten(2, 3, 4)(wave(24))
    output = flat(conv(image))
    f.sum([o**2 for o in output]).backward()
    assert [o.data for o in output] == pytest.approx(TORCH["output"], rel=1e-12)
    assert [v.grad for v in flat(image)] == pytest.approx(TORCH["dx"], rel=1e-12)
    found = [w.grad for kernel in conv.kernels for w in kernel.w]
    assert found == pytest.approx(TORCH["dw"], rel=1e-12)
    assert [kernel.b.grad for kernel in conv.kernels] == pytest.approx(TORCH["db"], rel=1e-12)


@pytest.mark.parametrize(
    ("pool", "expected"), [(MaxPool2d(2, 1), TORCH["max_dx"]), (AvgPool2d(2, 1), TORCH["avg_dx"])]
)
def test_pooling_is_that_of_pytorch_backward(pool, expected):
    image = Unflatten(2, 3, 4)(wave(24))
    f.sum([o**2 for o in flat(pool(image))]).backward()
    assert [v.grad for v in flat(image)] == pytest.approx(expected, rel=1e-12)


def pooled(pool, activation):
    size = math.prod(shape(pool([[[0.0] * 4] * 4] * 3)))
    kernels = Conv2d(1, 3, 3, padding=1, activation=activation, rng=1)
    return Sequential(Unflatten(1, 4, 4), kernels, pool, Flatten(), Layer(size, 3, "linear", rng=2))


def two_in_a_row():
    return Sequential(
        Unflatten(2, 5, 4),
        Conv2d(2, 3, 3, padding=1, activation="relu", rng=1),
        Conv2d(3, 2, 2, stride=2, activation="tanh", rng=2),
        Flatten(),
        Layer(8, 1, "linear", rng=3),
    )


POOLS = [MaxPool2d(2), AvgPool2d(2), MaxPool2d(3, 1), AvgPool2d(3, 2)]


@pytest.mark.slow
@pytest.mark.parametrize("pool", POOLS, ids=repr)
@pytest.mark.parametrize("activation", ["relu", "tanh", "prelu"])
def test_both_engines_train_a_convolutional_net_alike(pool, activation):
    check(lambda: pooled(pool, activation), lambda p: SGD(p, lr=0.1), rows(10, 16),
          [k % 3 for k in range(10)], loss="cross_entropy", epochs=4, batch_size=4)  # fmt: skip


@pytest.mark.slow
def test_both_engines_train_two_convolutions_in_a_row_alike():
    check(two_in_a_row, lambda p: Adam(p, lr=0.01), rows(8, 40), [k % 2 for k in range(8)],
          loss="binary_cross_entropy_with_logits", epochs=4)  # fmt: skip


@pytest.mark.slow
def test_digits_are_learned_to_97_percent_by_a_small_convolution():
    data = digits()
    scaled = [[x / 16 for x in row] for row in data.X]
    X, y, X_test, y_test = train_test_split(scaled, data.y, rng=0)
    model = Sequential(
        Unflatten(1, 8, 8),
        Conv2d(1, 8, 3, padding=1, activation="relu"),
        MaxPool2d(2),
        Flatten(),
        Layer(128, 10, "linear"),
    )
    assert len(model.parameters()) == 8 * 10 + 10 * 129
    fit(model, X, y, loss="cross_entropy", optimizer=lambda p: Adam(p, lr=0.01), epochs=20,
        batch_size=32, engine="matrix", progress=False)  # fmt: skip
    loss, accuracy = evaluate(model, X_test, y_test, loss="cross_entropy")
    assert accuracy is not None
    assert accuracy >= 0.97  # 0.98
    assert loss < 0.12  # 0.077
