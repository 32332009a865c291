"""Models to export, their parameters drawn so that no two are equal."""

import random
import re

import pytest

from tinygrad_edu.nn import (
    ACTIVATIONS,
    MLP,
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
from tinygrad_edu.nn.mode import in_mode, modules_of
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
    with in_mode(modules_of(model), training=False):
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
