"""Bounds that keep training stable: on the gradient before a step, on the weights after it.

And the lists of Values that they and the optimizers take.
"""

import math
from collections.abc import Iterable, Sequence

from tinygrad_edu.checks import is_listed, real
from tinygrad_edu.engine import Value
from tinygrad_edu.engine.leaves import first_result

__all__ = ["clip_grad_norm", "clip_grad_value", "max_norm"]


def clip_grad_norm(parameters: Iterable[Value], limit: float) -> float:
    """Scale the gradients so that their Euclidean norm is at most `limit`; give the norm before.

    Pascanu, Mikolov and Bengio 2013.
    """
    limit, values = real("limit", limit, above=0), values_in("clip_grad_norm", parameters)
    norm = math.hypot(*[p.grad for p in values])
    if norm > limit:
        for p in values:
            p.grad = p.grad * (limit / norm)
    return norm


def clip_grad_value(parameters: Iterable[Value], limit: float) -> None:
    """Bound every gradient to [-limit, limit]."""
    limit = real("limit", limit, above=0)
    for p in values_in("clip_grad_value", parameters):
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
    limit, values = real("limit", limit, above=0), values_in("max_norm", weights)
    norm = math.hypot(*[w.data for w in values])
    if norm > limit:
        for w in values:
            w.data = w.data * (limit / norm)


def values_in(who: str, values: Iterable[Value]) -> list[Value]:
    """The Values that `who` was given, as a list. Raises TypeError for anything else."""
    if not is_listed(values):
        raise TypeError(
            f"{who} takes a list of Values, got {type(values).__name__}: "
            "write model.parameters(), or [v] for a single Value"
        )
    listed = list(values)
    for kind in dict.fromkeys(map(type, listed)):
        if not issubclass(kind, Value):
            raise TypeError(f"{who} takes Values, got {kind.__name__}")
    return listed


def leaves_in(who: str, values: Iterable[Value]) -> list[Value]:
    """The leaves that `who` was given to change, at least one, each once.

    Raises TypeError or ValueError for anything else.
    """
    leaves = values_in(who, values)
    if not leaves:
        raise ValueError(
            "there are no parameters to optimize: give model.parameters() of a model that has some"
        )
    if (v := first_result(leaves)) is not None:
        raise ValueError(f"{v!r} is the result of an operation: only leaves can be optimized")
    if len(set(leaves)) < len(leaves):
        raise ValueError("a parameter is given twice: it would be updated twice")
    return leaves
