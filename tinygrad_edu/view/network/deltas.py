"""deltas: the delta of each unit as the engine found it, beside the textbook's rule for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from tinygrad_edu.checks import is_listed, one_of
from tinygrad_edu.engine import Primitive, Value, grad, gradients, toposort
from tinygrad_edu.engine.adopted import is_foreign
from tinygrad_edu.examples import read_target
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.losses import record_of as loss_record
from tinygrad_edu.nn import Layer, Neuron
from tinygrad_edu.nn.activations import record_of
from tinygrad_edu.nn.sequential import DenseLayer, dense_layers
from tinygrad_edu.text import clean
from tinygrad_edu.train.training import differentiable
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.explain.notation import Both
from tinygrad_edu.view.network import delta_rules as rules
from tinygrad_edu.view.network.delta_rules import CONVENTIONS, plain
from tinygrad_edu.view.network.delta_tables import (
    Deltas,
    LayerDeltas,
    ParameterRow,
    UnitRow,
    latex_text,
)


class Pass(NamedTuple):
    """What a layer took and gave for one example; `z` and `a` are one Value per unit.

    `name` is "layer1", "layer2", ... ("" for a layer or a neuron alone).
    """

    layer: DenseLayer
    name: str
    inputs: list[Value]
    z: list[Value]
    a: list[Value]

    @property
    def activation(self) -> str:
        """The name of the activation of the units."""
        return name_of_function(self.layer.activation)


def forward(model: Any, layers: Sequence[DenseLayer], x: Iterable[Any]) -> list[Pass]:
    """The forward pass for one example `x` of numbers; a Value counts as its number.

    Raises TypeError for what is no list of numbers, ValueError for the wrong count.
    """
    nin = layers[0].neurons[0].nin
    if not is_listed(x):
        raise TypeError(f"expected a list of {nin} numbers, got {type(x).__name__}")
    inputs = [Value(plain(v, "an input")) for v in x]
    if len(inputs) != nin:
        raise ValueError(f"expected {nin} inputs, got {len(inputs)}")
    return passes_of(model, layers, inputs)


def passes_of(model: Any, layers: Sequence[DenseLayer], a: list[Any]) -> list[Pass]:
    """The forward pass from inputs that are checked, or stand for those of any example."""
    passes = list[Pass]()
    for k, layer in enumerate(layers, 1):
        z = [neuron.net_input(a) for neuron in layer.neurons]
        name = "" if isinstance(model, (Layer, Neuron)) else f"layer{k}"
        passes.append(Pass(layer, name, a, z, layer.activate(z)))
        a = passes[-1].a
    return passes


def loss_of(model: Any, passes: Sequence[Pass], target: Any, loss: Loss) -> Value:
    """The loss of the outputs, given to `loss` as the model gives them: one Value or a list.

    Raises TypeError if there is nothing to differentiate.
    """
    outputs = passes[-1].a
    single = len(outputs) == 1 and not isinstance(model, Layer)
    return differentiable(loss(outputs[0] if single else outputs, target))


def name_of_function(function: Any) -> str:
    """What a loss or an activation of the user's is called: its name, else that of its type."""
    if isinstance(function, (str, Primitive)):
        return function if isinstance(function, str) else function.name
    return str(getattr(function, "__name__", type(function).__name__))


def deltas(
    model: Any,
    x: Iterable[Any],
    target: Any,
    loss: str | Loss,
    convention: str = "dL/dz",
    *,
    notation: str = "lecture",
) -> Deltas:
    """The delta of each unit for one example, from the engine and from the textbook's rules.

    model       an MLP, a Layer, a Neuron, a Sequential or list of dense layers and activations
    x, target   one example, as for the model and the loss
    loss        a name of LOSSES, or a function (output, target) -> Value; if it is none of LOSSES
                the last layer has no rule, and the layers before it start from the engine's deltas
    convention  "dL/dz", or "-dE/dnet", the delta of lectures that subtract the output
    notation    "lecture" for delta1[2] and w1[2,3], "code" for layer1.neuron2.w[3]

    The rules are evaluated in plain floats, from the last layer back. A penalty inside `loss` shows
    as a difference of dL/dw. No `.grad` is changed. Raises TypeError or ValueError naming the
    argument.
    """
    sign = CONVENTIONS[one_of("convention", convention, CONVENTIONS)]
    target = plain(target, "a target") if is_foreign(target) else read_target(target)
    function = find_loss(loss)
    passes = forward(model, dense_layers(model), x)
    total = loss_of(model, passes, target, function)
    grads = defaultdict(float, gradients(total))
    names = names_of(toposort(*passes[-1].a, total, leaves=True), notation=notation)
    known, loss_name = loss_record(function), name_of_function(function)

    told: list[tuple[Both, Both, list[UnitRow]]] = []
    used: list[list[float]] = []  # dL/dz by the rules; where there is none, by the engine
    for k, layer in reversed(list(enumerate(passes))):  # from the last layer back
        activation, a = layer.layer.activation, [v.data for v in layer.a]
        slope, slopes = _slopes(layer)
        by_rule: list[float] | None = None
        if used:
            w = [[v.data for v in neuron.w] for neuron in passes[k + 1].layer.neurons]
            by_rule = rules.through(activation, rules.backpropagated(used[0], w), a, slopes)
            formula = rules.hidden_formula(activation)
        elif known is not None:
            by_rule = rules.output_deltas(known, activation, a, slopes, target)
            one_hot = not isinstance(target, Iterable)
            formula = rules.output_formula(known, activation, convention, one_hot=one_hot)
        else:
            text = f"no rule for {clean(loss_name)}"
            formula = Both(text, latex_text(text))
        used.insert(0, by_rule or [grads[z] for z in layer.z])
        rows = []
        for j, z in enumerate(layer.z):
            delta = sign * grads[z] + 0.0
            rule = None if by_rule is None else sign * by_rule[j] + 0.0
            apart = None if rule is None else _apart(delta, rule)
            rows.append(UnitRow(names.deltas[z], z.data, a[j], slopes[j], delta, rule, apart))
        told.insert(0, (slope, formula, rows))

    expected: defaultdict[Value, float] = defaultdict(float)  # over all uses of a parameter
    uses = [list(_uses(*pair)) for pair in zip(passes, used, strict=True)]
    for p, factor, delta in chain(*uses):
        expected[p] += delta * factor
    layers = []
    for layer, (slope, formula, rows), of_layer in zip(passes, told, uses, strict=True):
        parameters = [
            ParameterRow(names[p], factor, grads[p], expected[p], _apart(grads[p], expected[p]))
            for p, factor, _ in of_layer
        ]
        title = f"{layer.name} ({clean(layer.activation)})".lstrip()
        layers.append(LayerDeltas(title, slope, formula, tuple(rows), tuple(parameters)))
    return Deltas(layers, convention, loss_name, total.data)


def _uses(layer: Pass, deltas: Sequence[float]) -> Iterator[tuple[Value, float, float]]:
    """Each parameter of a layer, what it multiplies (1 for a bias), and the delta of its unit."""
    inputs = [*(x.data for x in layer.inputs), 1.0]
    for neuron, delta in zip(layer.layer.neurons, deltas, strict=True):
        for p, x in zip([*neuron.w, neuron.b], inputs, strict=True):
            yield p, x, delta


def _slopes(layer: Pass) -> tuple[Both, list[float]]:
    """g'(z) as a formula and for each unit, by the textbook or, where it has none, the engine."""
    slope = record_of(layer.layer.activation).slope
    if slope is None:
        formula = Both("as the engine found it", r"\text{as the engine found it}")
        return formula, [grad(a, z).data for a, z in zip(layer.a, layer.z, strict=True)]
    units = zip(layer.layer.neurons, layer.z, layer.a, strict=True)
    return Both(slope.text, slope.latex), [
        slope.at(z.data, a.data, 0.0 if unit.alpha is None else unit.alpha.data)
        for unit, z, a in units
    ]


def _apart(x: float, y: float) -> float:
    """|x - y|, and 0 where both are the same infinity or both nan."""
    return 0.0 if x == y or (x != x and y != y) else abs(x - y)
