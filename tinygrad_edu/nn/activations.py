"""Activations: the functions from the net input z of a unit to its activation a, by name.

linear z; step 1 if z > 0, else 0; sign 1, 0 or -1; sigmoid 1 / (1 + exp(-z));
tanh = 2 sigmoid(2z) - 1; relu max(z, 0); softplus log(1 + exp(z)); silu z sigmoid(z);
gelu z Phi(z), Phi the normal distribution function; elu z if z > 0, else exp(z) - 1;
softmax, of all units of a layer, exp(z_k) / sum_j exp(z_j).

The lectures' generalised ReLU max(z, 0) + alpha min(z, 0) is prelu, its alpha learned, 0.25 at
first; leaky_relu has alpha = 0.01; `lambda z: leaky_relu(z, 0.2)` is one with another fixed alpha,
0 gives relu and -1 the absolute value. step and sign have gradient 0: nothing below them learns.
"""

from collections.abc import Callable
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.checks import one_of
from tinygrad_edu.engine import Value

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
    return one_of("activation", activation, ACTIVATIONS)


def activation_function(activation: Activation) -> Callable[..., Any]:
    """The function of that name, or the function itself."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation


def shown(activation: Activation) -> str:
    """The activation as a repr of a module shows it."""
    return repr(activation) if isinstance(activation, str) else repr(activation)[:40]
