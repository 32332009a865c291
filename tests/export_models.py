"""Models to export, their parameters drawn so that no two are equal."""

import random
import re

import pytest

from tinygrad_edu import (
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
from tinygrad_edu import functions as f
from tinygrad_edu.nn import ACTIVATIONS
from tinygrad_edu.train.eval_mode import eval_mode
from tinygrad_edu.train.scalar import numbers_of

#: Those that have a slope, and so a module in torch.nn.
SMOOTH = sorted(set(ACTIVATIONS) - {"sign", "step"})


def drawn(model, seed=0):
    """The model with every parameter and buffer drawn; variances in (0.5, 1.5)."""
    rng = random.Random(seed)
    for name, p in {**model.named_parameters(), **model.named_buffers()}.items():
        p.data = rng.uniform(0.5, 1.5) if "running_var" in name else rng.gauss(0.0, 1.0)
    return model


def rows(n, width, seed=1):
    rng = random.Random(seed)
    return [[rng.gauss(0.0, 2.0) for _ in range(width)] for _ in range(n)]


def outputs(model, X):
    """What the model gives in evaluation mode, from a scalar graph for each row or image."""
    with eval_mode(model):
        return [numbers_of(model(x)) for x in X]


def refusal(text, kind=ValueError):
    """Expects an error of exactly this text."""
    return pytest.raises(kind, match=f"^{re.escape(text)}\\Z")


def mlp(activation):
    output = "softmax" if activation == "softmax" else "linear"
    return drawn(MLP(3, [4, 4, 2], activation, output))


def convolutional():
    """Every kind of part; 49 numbers to 3."""
    return drawn(
        Sequential(
            Unflatten(1, 7, 7),
            Conv2d(1, 3, 3, stride=2, padding=1, activation="prelu"),
            MaxPool2d(2, stride=1),
            Conv2d(3, 2, 2, activation="tanh"),
            AvgPool2d(2, stride=1),
            Flatten(),
            BatchNorm(2, eps=0.1),
            "silu",
            Dropout(0.3),
            Sequential(Layer(2, 5, "prelu"), Layer(5, 3, "softmax")),
        )
    )


def assert_names_what_has_no_equal(export):
    """What every export refuses, in the same words."""
    with refusal(
        "RNN(2, 3, 1, 'tanh', output='linear', return_sequences=True) has no equal elsewhere: "
        "MLP, Sequential and the layers of nn, convolution and regularize can be exported; for any "
        "other model write to_numpy_source(model, example)"
    ):
        export(Sequential(RNN(2, 3, 1), Layer(1, 1)))
    with refusal(
        "Layer(2, 3, Primitive('tanh')) has a function as activation, which has no equal "
        "elsewhere: choose one of nn.ACTIVATIONS by its name, or write "
        "to_numpy_source(model, example)"
    ):
        export(MLP(2, [3, 1], f.tanh))
    with refusal("expected a model such as MLP(2, [16, 1]), got list [1.0]", TypeError):
        export([1.0])
    with refusal(
        "expected a model such as MLP(2, [16, 1]), got Estimator Estimator(): write clf.model_ for "
        "the net of a fitted estimator clf",
        TypeError,
    ):
        export(Estimator())


class Estimator:
    """What has a net, as a fitted estimator has, and is none."""

    model_ = MLP(2, [1])

    def __repr__(self):
        return "Estimator()"


# fmt: off
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


def assert_names_what_does_not_fit(export):
    """What every export refuses, in the same words."""
    for model, why in UNFIT:
        with refusal(f"the parts of {model!r:.80} do not fit each other: {why}"):
            export(model)
