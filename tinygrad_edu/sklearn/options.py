"""What the constructors take: the parameters of scikit-learn's perceptrons, and some more."""

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from inspect import Signature, signature
from numbers import Real
from typing import Any, Final, TypeVar

from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from tinygrad_edu.checks import whole
from tinygrad_edu.nn import ACTIVATIONS, MLP

_Method = TypeVar("_Method", bound=Callable[..., Any])
#: Names of scikit-learn for activations that have another name here.
ALIASES: Final = {"identity": "linear", "logistic": "sigmoid"}
_NAMES: Final = StrOptions((set(ACTIVATIONS) | set(ALIASES)) - {"softmax"})
#: What scikit-learn takes for the options of its name, and what more is taken here.
CONSTRAINTS: Final[dict[str, list[Any]]] = MLPClassifier._parameter_constraints | {
    "activation": [_NAMES, "array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
}


def refusing(method: _Method) -> _Method:
    """The method, with a TypeError that says what to write instead of an argument it has not."""
    taken = signature(method).parameters

    @wraps(method)
    def checked(net: Any, /, *arguments: Any, **named: Any) -> Any:
        for name in sorted(named.keys() - taken.keys()):
            known, who = net._get_param_names(), type(net).__name__
            near, *_ = get_close_matches(name, known, n=1) or [", ".join(known)]
            raise TypeError(f"{who} takes no {name:.60}: the constructor takes {near}")
        return method(net, *arguments, **named)

    return checked  # type: ignore[return-value]


def merged(own: Callable[..., Any], shared: Callable[..., Any]) -> Signature:
    """The signature of `own`, whose `**options` are the other parameters of `shared`."""
    parameters = {**signature(shared).parameters, **signature(own).parameters}
    del parameters["options"]
    return signature(own).replace(parameters=list(parameters.values()))


def units_of(hidden: Any) -> list[int]:
    """The sizes of the hidden layers."""
    several = hidden if isinstance(hidden, Iterable) else [hidden]
    return [whole("a size in hidden_layer_sizes", n) for n in several]


def activations_of(net: Any) -> str | list[str]:
    """The activation of the hidden layers, or that of each, by their names here."""
    if isinstance(net.activation, str):
        return ALIASES.get(net.activation, net.activation)
    for name in net.activation:
        rules, given = {"activation": [_NAMES]}, {"activation": name}
        validate_parameter_constraints(rules, given, type(net).__name__)
    return [ALIASES.get(name, name) for name in net.activation]


def new_model(sizes: list[int], activation: str | list[str], random_state: Any) -> MLP:
    """A net whose weights and biases are those that scikit-learn draws from this generator.

    Each is uniform in +-sqrt(6 / (inputs + units)), or for sigmoids +-sqrt(2 / (inputs + units))
    (Glorot and Bengio 2010).
    """
    one = isinstance(activation, str)
    names = [activation] * (len(sizes) - 1) if one else [*activation, *(activation[-1:] or ["-"])]
    weights, biases = list[float](), list[float]()
    for name, inputs, units in zip(names, sizes[:-1], sizes[1:], strict=False):  # MLP counts
        bound = math.sqrt((2 if name == "sigmoid" else 6) / (inputs + units))
        weights += random_state.uniform(-bound, bound, (inputs, units)).T.ravel().tolist()
        biases += random_state.uniform(-bound, bound, units).tolist()
    drawn = iter(weights)
    model = MLP(sizes[0], sizes[1:], activation, init=lambda rng, nin, nout: next(drawn))
    neurons = [unit for layer in model.layers for unit in layer.neurons]
    for unit, bias in zip(neurons, biases, strict=True):
        unit.b.data = bias
    return model
