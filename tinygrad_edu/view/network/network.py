"""network: a net of any kind as a picture: its units and stages, and the weights between them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tinygrad_edu.checks import flag, instance, is_listed, listed, one_of, whole
from tinygrad_edu.engine import Value, gradients, toposort
from tinygrad_edu.examples import read_target
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import (
    MLP,
    RNN,
    BatchNorm,
    Dropout,
    Embedding,
    Layer,
    Module,
    Neuron,
    RMSNorm,
    Sequential,
    Unflatten,
)
from tinygrad_edu.nn.containers import Part, parts_of
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.perceptron import Perceptron
from tinygrad_edu.text import clean
from tinygrad_edu.train.training import differentiable
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.base.numbers import Numbers
from tinygrad_edu.view.graph.blocks import cut
from tinygrad_edu.view.graph.board.cards import Desk
from tinygrad_edu.view.graph.board.columns import Board
from tinygrad_edu.view.graph.diagram import table
from tinygrad_edu.view.graph.drawing import Graph
from tinygrad_edu.view.graph.levels import board_of
from tinygrad_edu.view.network.delta_rules import CONVENTIONS, plain
from tinygrad_edu.view.network.deltas import name_of_function

#: So many steps of a sequence are drawn where none is given.
_STEPS: Final = 3
#: What modules call the number of their inputs.
_COUNTS: Final = {
    Layer: "nin", Neuron: "nin", BatchNorm: "n", RMSNorm: "n", Embedding: "n", Unflatten: "size",
}  # fmt: skip


class _Found(Numbers):
    """The numbers of a graph with gradients that were found for it alone."""

    def __init__(self, order: Sequence[Value], grads: Mapping[Value, float] | None) -> None:
        super().__init__(order)
        self.data = {v: v.data for v in order} | self.data  # also where nothing is computed
        self._grads = grads

    def grad(self, v: Value) -> float | None:
        """The gradient of `v`, None without a loss."""
        return None if self._grads is None else self._grads.get(v, 0.0)


class Network(Graph):
    """A picture of a net: `.svg` is its text; in a notebook it shows itself. It keeps no Value."""

    _kind = "network"


def network(
    model: Any,
    x: Iterable[Any] | None = None,
    target: Any = None,
    loss: str | Loss | None = None,
    *,
    input_names: Sequence[str] | None = None,
    convention: str = "dL/dz",
    max_units: int = 8,
    numbers: bool = False,
    notation: str = "lecture",
    mark: str = "",
) -> Network:
    """The net as columns of units: blue lines are positive weights, orange dashed ones negative.

    model        a Module, one of your own too, a Perceptron, or a list of modules in their order
    x            one example, as the model takes it: units show z and a, kernels their maps. Without
                 it the net alone is drawn, if its first module tells how many inputs there are
    target, loss with both, each unit shows its delta; of more than 5 units a table shows those with
                 the largest
    input_names  texts for the inputs, x1, x2, ... otherwise
    convention   of delta, "dL/dz" or "-dE/dnet"
    max_units    of a larger layer without an example the first ones are drawn
    numbers      whether weights stand on their lines, and biases on those of a unit +1
    notation     of names: "lecture" for w1[2,3], "code" for layer1.neuron2.w[3]
    mark         an array by its name in a program: the units of "delta2", the lines of "dW2"

    A BatchNorm in training mode is drawn with its running numbers. No `.grad` and no mode is
    changed. Raises TypeError or ValueError naming the argument.

    >>> from tinygrad_edu import MLP, network
    >>> network(MLP(2, [3, 1]), [1.0, 0.0]).title
    'Network 2-3-1'
    """
    instance("mark", mark, str, "the name of an array of a program, such as delta2")
    sign = CONVENTIONS[one_of("convention", convention, CONVENTIONS)]
    max_units, numbers = whole("max_units", max_units), flag("numbers", numbers)
    if (target is None) != (loss is None) or (x is None and loss is not None):
        raise ValueError("deltas need an example: give x, target and loss, or x alone")
    parts = _parts(model)
    inputs = _inputs(parts[0]) if x is None else _values(x)
    leaves, output = _flat(inputs), _output(parts, inputs)
    labels = dict(zip(leaves, _input_names(input_names, len(leaves)), strict=False))
    titles = {m.path: type(m.x).__name__ for part in parts for m in _modules(part)}
    roots, grads = _flat(output), None
    if loss is not None:
        function = find_loss(loss)
        roots = [differentiable(function(output, read_target(target)))]
        grads = gradients(roots[0])
        titles["loss"] = clean(name_of_function(function).replace("_", " "), 40)
    order = toposort(*roots, leaves=True)
    names = names_of(order, labels, notation=notation)
    desk = Desk(
        cut(order, names.units, None, ends_in_loss=loss is not None),
        names,
        _Found(order, grads),
        level="neuron",
        titles=titles,
        known=x is not None,
        most=max_units,
        named="all" if numbers else "none" if x is None else "strongest",
        counted=True,
        sign=sign,
        is_net=loss is None,
    )
    board = board_of(desk)
    _mark(board, mark, names.units.units)
    board.caption = [text.replace("dL/dz", convention) for text in board.caption]
    sizes = [f"{column.size:,}" for column in board.layers if column.size]
    title, told = f"Network {'-'.join(sizes)}", "; ".join([", ".join(sizes), *board.caption])
    return Network(board, title=title, description=told, table=table(board))


def _mark(board: Board, mark: str, units: Sequence[Unit]) -> None:
    """Have the units or the weights of an array of a program stand out."""
    found = re.fullmatch(r"d?(delta|A|Z|b|W)(\d+)", mark)
    layer = [u for u in units if found and u.place.layer == int(found[2])]
    labels = {clean(name, 40) for u in layer for name in (u.name, u.layer)}
    cards = {card.id: card for card in board.cards() if card.label in labels}
    for card in cards.values() if found and found[1] != "W" else ():
        card.lit = True
    for line in board.lines if found and found[1] == "W" else ():
        line.lit = line.head in cards and line.weight is not None


def _parts(model: Any) -> list[Any]:
    """The modules of a model, one after the other."""
    if isinstance(model, Perceptron):
        unit = Neuron(model.nin, "step")
        for v, number in zip([unit.b, *unit.w], model.w, strict=True):
            v.data = number
        return [unit]
    parts = list(model) if isinstance(model, (list, tuple)) and model else [model]
    if not all(callable(part) for part in parts):
        kind = type(model).__name__
        raise TypeError(f"network(model) draws a module or a list of modules, got {kind}")
    return parts


def _modules(part: Any) -> list[Part]:
    """The modules below a module that are more than units in a layer."""
    below = parts_of(part, Module) if isinstance(part, Module) else ()
    return [m for m in below if isinstance(m.x, Module) and type(m.x) not in (Layer, Neuron)]


def _output(parts: Sequence[Any], x: Any) -> Any:
    """What the modules make of an example, which changes none of them."""
    modules = modules_of(*parts)
    drawn = [(m.rng, m.rng.getstate()) for m in modules if isinstance(m, Dropout)]
    with in_mode([m for m in modules if isinstance(m, BatchNorm)], training=False):
        for part in parts:
            x = part([x] if isinstance(x, Value) else x)
    for rng, state in drawn:
        rng.setstate(state)
    return x


def _inputs(first: Any) -> list[Any]:
    """Zeros for as many inputs as the first module takes."""
    while isinstance(first, (Sequential, MLP)):
        first = first.layers[0]
    if isinstance(first, RNN):
        return [Value(0.0) for _ in range(_STEPS * first.cell.nin)]
    for kind, count in _COUNTS.items():
        if isinstance(first, kind):
            return [Value(0.0) for _ in range(getattr(first, count))]
    raise ValueError(
        f"{first!r:.60} does not tell how many inputs there are: write network(model, x)"
    )


def _values(x: Any) -> Any:
    """An example of numbers, or lists of them, as Values."""
    return [_values(item) for item in x] if is_listed(x) else Value(plain(x, "an input"))


def _flat(x: Any) -> list[Value]:
    """The Values in lists of lists."""
    return [v for item in x for v in _flat(item)] if is_listed(x) else [x]


def _input_names(names: Sequence[str] | None, n: int) -> list[str]:
    if names is None:
        return []
    remedy = 'write input_names=["height", "weight"]'
    names = listed("input_names", names, "texts", str, remedy)
    if len(names) != n:
        raise ValueError(f"the net has {n} inputs, but input_names has {len(names)}")
    return [clean(name, 16) for name in names]
