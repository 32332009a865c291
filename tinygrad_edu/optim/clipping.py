"""Bounds that keep training stable: on the gradient before a step, on the weights after it."""

import math
from collections.abc import Iterable, Sequence

from tinygrad_edu.checks import real
from tinygrad_edu.engine import Value


def clip_grad_norm(parameters: Iterable[Value], limit: float) -> float:
    """Scale the gradients so that their Euclidean norm is at most `limit`; give the norm before.

    Pascanu, Mikolov and Bengio 2013.
    """
    limit = real("limit", limit, above=0)
    found = list(parameters)
    norm = math.hypot(*[p.grad for p in found])
    if norm > limit:
        for p in found:
            p.grad = p.grad * (limit / norm)
    return norm


def clip_grad_value(parameters: Iterable[Value], limit: float) -> None:
    """Bound every gradient to [-limit, limit]."""
    limit = real("limit", limit, above=0)
    for p in parameters:
        p.grad = min(max(p.grad, -limit), limit)


def max_norm(weights: Sequence[Value], limit: float) -> None:
    """Scale the incoming weights of a unit so that their Euclidean norm is at most `limit`.

    Srebro and Shraibman 2005. After each step of training, with either engine:

        for step in train(model, X, y, ...):
            for layer in model.layers:
                for unit in layer.neurons:
                    max_norm(unit.w, 3.0)

    The same loop in a function of an `Epoch` is a callback of `fit`, after each epoch.
    """
    limit = real("limit", limit, above=0)
    norm = math.hypot(*[w.data for w in weights])
    if norm > limit:
        for w in weights:
            w.data = w.data * (limit / norm)
