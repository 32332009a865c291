r"""Activations: the functions from the net input z of a unit to its activation a, by name.

linear z; step 1 if z > 0, else 0; sign 1, 0 or -1; sigmoid 1 / (1 + exp(-z));
tanh = 2 sigmoid(2z) - 1; relu max(z, 0); softplus log(1 + exp(z)); silu z sigmoid(z);
gelu z Phi(z), Phi the normal distribution function; elu z if z > 0, else exp(z) - 1;
softmax, of all units of a layer, exp(z_k) / sum_j exp(z_j).

The lectures' generalised ReLU max(z, 0) + alpha min(z, 0) is prelu, its alpha learned, 0.25 at
first; leaky_relu has alpha = 0.01; `lambda z: leaky_relu(z, 0.2)` is one with another fixed alpha,
0 gives relu and -1 the absolute value. step and sign have gradient 0: nothing below them learns.

All that is known of an activation stands in its record below: a new one is one entry.
"""

from collections.abc import Callable, Mapping, Sequence
from math import erfc, exp, pi, sqrt
from typing import Any, Final, NamedTuple

from tinygrad_edu import functions as f
from tinygrad_edu.checks import flag, one_of
from tinygrad_edu.engine import Value
from tinygrad_edu.namespace import sigmoid

#: An activation: its name, or a function from the net input z to the activation a.
Activation = str | Callable[[Value], Value]


class Slope(NamedTuple):
    """The textbook's g'(z), written by hand: as text, as LaTeX, and from z, a = g(z) and alpha.

    Goodfellow, Bengio and Courville 2016, chapter 6; Bishop 2006, section 5.3.
    """

    text: str
    latex: str
    at: Callable[[float, float, float], float]


class ActivationRecord(NamedTuple):
    """One activation: what trains, explains, initialises and exports it."""

    function: Callable[..., Any]
    #: None for a function of the user's.
    slope: Slope | None = None
    #: The initialiser that fits it.
    init: str = "xavier"
    #: The class of torch.nn that equals it, "" where there is none, and the values of its options
    #: for which the two are equal, first the one that is written.
    torch: str = ""
    torch_options: Mapping[str, tuple[Any, ...]] = {}
    #: Adds it to a graph of ONNX: (graph, z, slopes if it has some) -> the name of the result.
    onnx: Callable[..., str] | None = None
    #: Whether it is a function of all net inputs of a layer, which gives a list.
    of_layer: bool = False
    #: The slope alpha that each unit starts with and learns, the second argument of `function`.
    alpha: float | None = None


def _kinked(below: str, latex: str, at: Callable[[float, float], float]) -> Slope:
    """g'(z) = 1 above 0, and `at(z, alpha)` below."""
    latex = rf"1 \text{{ if }} z > 0 \text{{ else }} {latex}"
    return Slope(
        f"1 if z > 0 else {below}", latex, lambda z, a, alpha: 1.0 if z > 0 else at(z, alpha)
    )


def _gelu_slope(z: float, a: float, alpha: float) -> float:
    return 0.5 * erfc(-z / sqrt(2)) + z * exp(-z * z / 2) / sqrt(2 * pi)


def _node(operator: str, **attributes: Any) -> Callable[..., str]:
    return lambda graph, *inputs: str(graph.node(operator, *inputs, **attributes))


def _gelu_nodes(graph: Any, z: str) -> str:
    spread = graph.node("Erf", graph.node("Mul", z, graph.number(0.5**0.5)))
    half = graph.node("Mul", z, graph.number(0.5))
    return str(graph.node("Mul", half, graph.node("Add", spread, graph.number(1.0))))


# fmt: off
RECORDS: Final[dict[str, ActivationRecord]] = {
    "elu": ActivationRecord(
        f.elu, _kinked("exp(z)", "e^{z}", lambda z, alpha: exp(z)), init="he",
        torch="ELU", torch_options={"alpha": (1.0,)}, onnx=_node("Elu")),
    "gelu": ActivationRecord(
        f.gelu, Slope("Phi(z) + z phi(z)", r"\Phi(z) + z\,\varphi(z)", _gelu_slope), init="he",
        torch="GELU", torch_options={"approximate": ("none",)}, onnx=_gelu_nodes),
    "leaky_relu": ActivationRecord(
        f.leaky_relu, _kinked("0.01", "0.01", lambda z, alpha: 0.01), init="he",
        torch="LeakyReLU", torch_options={"negative_slope": (0.01,)},
        onnx=_node("LeakyRelu", alpha=0.01)),
    "linear": ActivationRecord(
        lambda z: z, Slope("1", "1", lambda z, a, alpha: 1.0), onnx=lambda graph, z: z),
    "prelu": ActivationRecord(
        f.prelu, _kinked("alpha", r"\alpha", lambda z, alpha: alpha), init="he",
        torch="PReLU", onnx=_node("PRelu"), alpha=0.25),
    "relu": ActivationRecord(
        f.relu, _kinked("0", "0", lambda z, alpha: 0.0), init="he",
        torch="ReLU", onnx=_node("Relu")),
    "sigmoid": ActivationRecord(
        f.sigmoid, Slope("a (1 - a)", r"a\,(1 - a)", lambda z, a, alpha: a * (1 - a)),
        torch="Sigmoid", onnx=_node("Sigmoid")),
    "sign": ActivationRecord(
        f.sign, Slope("0", "0", lambda z, a, alpha: 0.0), onnx=_node("Sign")),
    "silu": ActivationRecord(
        f.silu, Slope("s(z) + a (1 - s(z))", r"\sigma(z) + a\,(1 - \sigma(z))",
                      lambda z, a, alpha: sigmoid(z) + a * (1 - sigmoid(z))), init="he",
        torch="SiLU", onnx=lambda graph, z: graph.node("Mul", z, graph.node("Sigmoid", z))),
    "softmax": ActivationRecord(
        f.softmax, Slope("a (1 - a), the unit's own", r"a\,(1 - a)\text{, the unit's own}",
                         lambda z, a, alpha: a * (1 - a)), of_layer=True,
        torch="Softmax", torch_options={"dim": (-1, 1)},
        onnx=_node("Softmax", axis=-1)),
    "softplus": ActivationRecord(
        f.softplus, Slope("s(z)", r"\sigma(z)", lambda z, a, alpha: sigmoid(z)), init="he",
        # above the threshold PyTorch gives z: the same float from 40 on, 2e-9 off above its default
        torch="Softplus", torch_options={"beta": (1.0,), "threshold": (40.0, 20.0)},
        onnx=_node("Softplus")),
    "step": ActivationRecord(
        f.step, Slope("0", "0", lambda z, a, alpha: 0.0),
        onnx=lambda graph, z: graph.cast(graph.node("Greater", z, graph.number(0.0)))),
    "tanh": ActivationRecord(
        f.tanh, Slope("1 - a^2", "1 - a^{2}", lambda z, a, alpha: 1 - a * a),
        torch="Tanh", onnx=_node("Tanh")),
}
# fmt: on

#: The function of each activation by its name.
ACTIVATIONS: Final = {name: record.function for name, record in RECORDS.items()}
#: Those of a single unit, which every layer can have.
UNIT_ACTIVATIONS: Final = tuple(name for name, record in RECORDS.items() if not record.of_layer)


#: The activation where none is given, told by its class from the same name given.
DEFAULT: Final[str] = type("Default", (str,), {})("relu")


def activation_name(activation: Activation, nonlin: bool | None = None) -> Activation:
    """The activation, checked; `nonlin` is micrograd's word for relu or linear, in its place."""
    if nonlin is not None:
        if activation is not DEFAULT:
            raise ValueError(f"nonlin={nonlin!r} stands in place of an activation: write one only")
        return "relu" if flag("nonlin", nonlin) else "linear"
    if callable(activation):  # one of functions.py is known by its name
        names = [name for name, known in ACTIVATIONS.items() if known is activation]
        return names[0] if names else activation
    return str(one_of("activation", activation, ACTIVATIONS))


def record_of(activation: Activation) -> ActivationRecord:
    """The record of an activation; that of a function of the user's has nothing but it."""
    return RECORDS[activation] if isinstance(activation, str) else ActivationRecord(activation)


def activated(
    activation: Activation, zs: Sequence[Value], alphas: Sequence[Value | None] = ()
) -> list[Value]:
    """The activations for net inputs: each by itself, with its slope, or, softmax, together."""
    record = record_of(activation)
    if record.of_layer:
        return list(record.function(zs))
    if record.alpha is not None:
        return [record.function(z, alpha) for z, alpha in zip(zs, alphas, strict=True)]
    return [record.function(z) for z in zs]
