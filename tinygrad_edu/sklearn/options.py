"""What the constructors take, as scikit-learn's and some more; the net and program made of it."""

import math
from collections.abc import Callable
from copy import copy
from difflib import get_close_matches
from functools import wraps
from inspect import Signature, signature
from numbers import Real
from typing import Any, Final, TypeVar

from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from tinygrad_edu.checks import is_listed, listed, whole
from tinygrad_edu.engine import modes
from tinygrad_edu.examples import Rows
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import ACTIVATIONS, MLP, Dropout
from tinygrad_edu.nn.mode import check_size
from tinygrad_edu.train.matrix import checked_program
from tinygrad_edu.train.training import WeightedLoss
from tinygrad_edu.vectorize import VectorizeError
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program

_Method = TypeVar("_Method", bound=Callable[..., Any])
#: Names of scikit-learn for activations that have another name here.
ALIASES: Final = {"identity": "linear", "logistic": "sigmoid"}
_NAMES: Final = StrOptions((set(ACTIVATIONS) | set(ALIASES)) - {"softmax"})
#: What scikit-learn takes for the options of its name, and what more is taken here.
CONSTRAINTS: Final[dict[str, list[Any]]] = MLPClassifier._parameter_constraints | {
    "activation": [_NAMES, "array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left")],
}
#: The last programs of new nets, which serve those that differ in their numbers alone, and the
#: places of their parameters in the net.
_KNOWN: Final[dict[Any, tuple[Program, list[int]]]] = {}


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
    several = hidden if is_listed(hidden) else [hidden]
    return [whole("a size in hidden_layer_sizes", n) for n in several]


def activations_of(net: Any) -> str | list[str]:
    """The activation of the hidden layers, or that of each, by their names here."""
    if isinstance(net.activation, str):
        return ALIASES.get(net.activation, net.activation)
    for name in (names := listed("activation", net.activation, "names")):
        rules, given = {"activation": [_NAMES]}, {"activation": name}
        validate_parameter_constraints(rules, given, type(net).__name__)
    return [ALIASES.get(name, name) for name in names]


def new_model(sizes: list[int], activation: str | list[str], random_state: Any) -> MLP:
    """A net with the weights and biases that scikit-learn draws from this generator.

    Uniform in +-sqrt(c / (inputs + units)), c = 6, or 2 for sigmoids (Glorot and Bengio 2010).
    """
    check_size(sizes)
    one = isinstance(activation, str)
    names = [activation] * (len(sizes) - 1) if one else [*activation, *(activation[-1:] or ["-"])]
    weights, biases = list[float](), list[float]()
    for name, inputs, units in zip(names, sizes[:-1], sizes[1:], strict=False):  # MLP counts
        bound = math.sqrt((2 if name == "sigmoid" else 6) / (inputs + units))
        weights += random_state.uniform(-bound, bound, (inputs, units)).T.ravel().tolist()
        biases += random_state.uniform(-bound, bound, units).tolist()
    drawn = iter(weights)
    model = MLP(sizes[0], sizes[1:], activation, init=lambda rng, nin, nout: next(drawn))
    neurons = (unit for layer in model.layers for unit in layer.neurons)
    for unit, bias in zip(neurons, biases, strict=True):
        unit.b.data = bias
    return model


def program_of(
    net: Any, X: Array, targets: Array, strength: float, weighted: bool, dropout: float
) -> Program:
    """The loss of an estimator and its penalty as a program. VectorizeError where there is none."""
    model, loss, own = copy(net.model_), net._loss, callable(net.loss)
    parameters = model.parameters()
    key = (*model.sizes, str(model.activation), loss, strength, weighted)
    shared = net._new is net.model_ and not (own or dropout or modes.mode().checking)
    if shared and (known := _KNOWN.get(key)):
        kept, places = known
        program = copy(kept)
        program.parameters = [parameters[k] for k in places]
        program.P, program.G = kept.P.copy(), kept.G.copy()
        return program
    alone = targets.shape[1] == 1 + weighted
    rows = slice(None if own else 3)  # a loss of the user's may ask what it gets
    y = targets[rows] if weighted or not alone else targets[rows, 0]
    w = [w for layer in model.layers for unit in layer.neurons for w in unit.w]
    if dropout:
        drop: Any = Dropout(dropout, int(net._random_state.randint(2**31 - 1)))
        model.layers = [part for layer in model.layers for part in (layer, drop)][:-1]
    loss = WeightedLoss(loss, alone) if weighted else loss
    penalty = (lambda _: l2(w, strength, half=True)) if strength else None
    program, _, _ = checked_program(model, loss, penalty, Rows(None, X[rows]), Rows(None, y))
    for guard in program.tape.guards:  # of which batches and predictions would not know
        raise VectorizeError(
            f"{guard.line}\n  compares numbers of the graph, which a loss of an estimator cannot: "
            "write the choice with where(step(z), a, b), maximum or relu"
        )
    if shared:
        place = {p: k for k, p in enumerate(parameters)}
        _KNOWN[key] = copy(program), [place[p] for p in program.parameters]
        if len(_KNOWN) > 16:
            _KNOWN.pop(next(iter(_KNOWN)), None)
    return program
