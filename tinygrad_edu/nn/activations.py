"""Activations: the functions from the net input z of a unit to its activation a, by name."""

from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.options import choose

#: An activation: its name, or a function from the net input z to the activation a.
Activation = str | Callable[[Value], Value]

ACTIVATIONS: Final[dict[str, Callable[..., Any]]] = {
    "elu": f.elu,
    "gelu": f.gelu,
    "leaky_relu": f.leaky_relu,
    "linear": lambda z: z,
    "prelu": f.prelu,
    "relu": f.relu,
    "sigmoid": f.sigmoid,
    "sign": f.sign,
    "silu": f.silu,
    "softmax": f.softmax,
    "softplus": f.softplus,
    "step": f.step,
    "tanh": f.tanh,
}


def activation_name(activation: Activation, nonlin: bool | None = None) -> Activation:
    """The activation, checked; `nonlin` is micrograd's word for relu or linear."""
    if nonlin is not None:
        return "relu" if nonlin else "linear"
    if callable(activation):
        return activation
    return choose("activation", activation, ACTIVATIONS)


def activation_function(activation: Activation) -> Callable[..., Any]:
    """The function of that name, or the function itself."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


def shown(activation: Activation) -> str:
    """The activation as a repr of a module shows it."""
    return repr(activation) if isinstance(activation, str) else repr(activation)[:40]
