"""Why a net does not learn: the checks that are made by hand, in the order in which they help."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from operator import sub
from statistics import median
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_listed
from tinygrad_edu.diagnose.diagnosis import Diagnosis
from tinygrad_edu.engine import Value, functions, gradients
from tinygrad_edu.examples import examples
from tinygrad_edu.losses import Loss, record_of
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.text import short
from tinygrad_edu.train import DivergenceError, train
from tinygrad_edu.train.held import trial
from tinygrad_edu.train.training import AnyOptimizer, Training, differentiable, prepared
from tinygrad_edu.view.network.deltas import Pass, forward

#: So many rows are looked at, so many are to be learned, in so many steps.
_ROWS, _FEW, _STEPS = 60, 10, 200
#: The numbers that an activation of the last layer gives.
_RANGES: Final = {
    "sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf),
}  # fmt: skip
#: The loss of a net that knows nothing, from the number of its outputs, by what the loss takes.
_GUESS: Final[dict[str, Callable[[int], float]]] = {
    "logits": math.log, "logit": lambda k: math.log(2), "probability": lambda k: math.log(2),
}  # fmt: skip

#: The slopes of activations that have flat ends.
_SLOPES: Final[dict[str, Callable[[float], float]]] = {
    "tanh": lambda a: 1 - a * a, "sigmoid": lambda a: 4 * a * (1 - a),
}  # fmt: skip

#: What is wrong: where, the slip, and a sentence.
Trouble = tuple[str, str, str]


class _Units(NamedTuple):
    """A layer: its name, its activation, and by unit and row net inputs and activations."""

    name: str
    activation: str
    z: list[list[float]]
    a: list[list[float]]


class _Look(NamedTuple):
    """What is seen of a training before it begins, and of its first steps.

    outputs, targets  a list of numbers for each row; `rows` are those of the inputs
    layers            those of a dense net, else none
    gradients, ratios of each layer, or of all: the size of the gradient, that of an update
                      relative to the weights
    few               the losses of ten examples from step to step, at last inf if they diverge
    """

    kind: str
    rows: list[list[float]]
    outputs: list[list[float]]
    targets: list[list[float]]
    loss: float
    layers: list[_Units]
    gradients: list[float]
    ratios: list[float]
    few: list[float]
    lr: float


def diagnose_training(
    model: Any, X: Iterable[Any], y: Iterable[Any], *, loss: str | Loss, optimizer: AnyOptimizer
) -> Diagnosis:
    """Why a net does not learn, before time is spent: options as for `train`.

    Looked at are the loss at the start against that of a guess (ln k for k classes), the scales of
    inputs, targets and outputs, units that are dead, saturated or alike, the gradients of each
    layer, the size of an update against the weights (about 1e-3 is usual), and whether ten examples
    are learned in 200 steps. What comes first in this order is the diagnosis. Model and optimizer
    stay as they were; it takes some hundred steps of training.

    Raises TypeError or ValueError as `train` does.

        diagnose_training(model, X, y, loss="cross_entropy", optimizer=SGD(model.parameters(), 0.1))
    """
    rows, targets = examples(X, y)
    training = prepared(model, rows, targets, loss, optimizer, None)
    with _untouched(training):
        look = _look(training)
    for check in _CHECKS:
        for where, slip, said in check(look):
            return Diagnosis(False, where, slip, said)
    return Diagnosis(True, "", "", f"nothing is wrong: {_told(look)}")


@contextmanager
def _untouched(training: Training) -> Iterator[None]:
    """Inside, the model may be trained; afterwards model and optimizer are as before."""
    model, optimizer = training.model, training.optimizer
    leaves = list(optimizer.parameters)
    if isinstance(model, Module):
        leaves = list(dict.fromkeys([*leaves, *model.parameters()]))
    held = [(v.data, v.grad) for v in leaves]
    try:
        with trial(model, training.loss, optimizer):
            yield
    finally:
        for v, (x, g) in zip(leaves, held, strict=True):
            v.data, v.grad = x, g


def _look(training: Training) -> _Look:
    """Forward, backward, one update, and steps with ten examples."""
    model, optimizer = training.model, training.optimizer
    chosen = _spread(len(training.rows), _ROWS)
    rows = [list(training.rows[i]) for i in chosen]
    targets = [training.targets[i] for i in chosen]
    with in_mode(modules_of(model), training=False):
        outputs = [model(x) for x in rows]
        losses = [training.loss(o, t) for o, t in zip(outputs, targets, strict=True)]
        passes = _passes(model, rows)
    groups = _groups(passes, optimizer.parameters)
    root = differentiable(functions.mean(losses))
    found = gradients(root)
    before = [[p.data for p in group] for group in groups]
    with _untouched(training):
        lr = optimizer.lr
        for p in optimizer.parameters:
            p.grad = float(found.get(p, 0.0))
        optimizer.step()
        after = [[p.data for p in group] for group in groups]
    record = record_of(training.loss)
    return _Look(
        kind=record.outputs if record else "",
        rows=rows,
        outputs=[_numbers(o) for o in outputs],
        targets=[_numbers(t) for t in targets],
        loss=root.data,
        layers=[_units(of_rows) for of_rows in zip(*passes, strict=True)],
        gradients=[_size([float(found.get(p, 0.0)) for p in group]) for group in groups],
        ratios=[
            _size(map(sub, new, x)) / (_size(x) or 1.0)
            for x, new in zip(before, after, strict=True)
        ],
        few=_few(training),
        lr=lr,
    )


def _spread(n: int, most: int) -> list[int]:
    """Numbers of rows from the first to the last, as data may be sorted."""
    return [k * n // min(n, most) for k in range(min(n, most))]


def _passes(model: Any, rows: list[list[float]]) -> list[list[Pass]]:
    """Of a dense net the passes of each row, else none."""
    try:
        layers = dense_layers(model)
    except (TypeError, ValueError):
        return []
    return [forward(model, layers, x) for x in rows]


def _groups(passes: list[list[Pass]], parameters: Sequence[Value]) -> list[list[Value]]:
    """The parameters of each layer, of a net without dense layers all of them."""
    known = set(parameters)
    of_layers = [
        [p for unit in of_layer.layer.neurons for p in unit.parameters() if p in known]
        for of_layer in (passes or [[]])[0]
    ]
    return [group for group in of_layers if group] or [list(parameters)]


def _units(of_rows: Sequence[Pass]) -> _Units:
    """The numbers of the units of a layer."""
    z, a = (
        [[v.data for v in unit] for unit in zip(*rows, strict=True)]
        for rows in ([p.z for p in of_rows], [p.a for p in of_rows])
    )
    return _Units(of_rows[0].name or "layer1", of_rows[0].activation, z, a)


def _few(training: Training) -> list[float]:
    """The losses of a few examples in steps of training with them; at last inf if they diverge."""
    chosen, losses = _spread(len(training.rows), _FEW), []
    rows, targets = ([x[i] for i in chosen] for x in (training.rows, training.targets))
    function, optimizer = training.loss, training.optimizer
    with _untouched(training):
        steps = train(
            training.model, rows, targets, loss=function, optimizer=optimizer, epochs=_STEPS
        )
        try:
            for step in steps:
                losses.append(step.loss)
        except DivergenceError:
            losses.append(math.inf)
    return losses


def _numbers(x: Any) -> list[float]:
    """The numbers of outputs or of a target in a row."""
    if isinstance(x, Value):
        return [x.data]
    return [n for item in x for n in _numbers(item)] if is_listed(x) else [float(x)]


def _size(x: Iterable[float]) -> float:
    """The root mean square."""
    return math.hypot(*(x := list(x))) / math.sqrt(len(x) or 1)


def _is_finite(look: _Look) -> Iterator[Trouble]:
    if not math.isfinite(look.loss):
        yield "loss", "wrong value", f"the loss at the start is {look.loss!r}, before any step"


def _inputs(look: _Look) -> Iterator[Trouble]:
    sizes = [_size(column) for column in zip(*look.rows, strict=True)]
    if max(sizes) > 30:
        said = f"inputs are of size {short(max(sizes))}: standardise them, so that they are about 1"
        yield f"x{sizes.index(max(sizes)) + 1}", "scale", said


def _targets(look: _Look) -> Iterator[Trouble]:
    targets = [t for row in look.targets for t in row]
    low, high = min(targets), max(targets)
    activation = look.layers[-1].activation if look.layers else ""
    least, most = _RANGES.get(activation, (-math.inf, math.inf))
    if look.kind == "numbers" and not (least <= low and high <= most):
        said = f"targets reach from {short(low)} to {short(high)}, and {activation} gives numbers"
        yield "y", "scale", f"{said} from {short(least)} to {short(most)}"
    outputs = _size(o for row in look.outputs for o in row)
    if look.kind in ("numbers", "") and _size(targets) > 30 * max(outputs, 1.0):
        said = f"targets are of size {short(_size(targets))} and outputs of size {short(outputs)}"
        yield "y", "scale", f"{said}: standardise the targets"


def _alike(look: _Look) -> Iterator[Trouble]:
    for layer in look.layers[:-1]:
        if len(layer.a) > 1 and all(_close(*pair) for pair in pairwise(layer.a)):
            said = f"all units of {layer.name} give the same: begin with random weights"
            yield layer.name, "symmetric units", said


def _dead(look: _Look) -> Iterator[Trouble]:
    for layer in look.layers[:-1]:
        dead = sum(max(unit) <= 0 for unit in layer.z) if layer.activation == "relu" else 0
        if 2 * dead > len(layer.z):
            said = f"{dead} of {len(layer.z)} units of {layer.name} give 0 for every example"
            yield layer.name, "dead units", f"{said}: smaller weights, or a bias nearer to 0"


def _saturated(look: _Look) -> Iterator[Trouble]:
    for layer in look.layers[:-1]:
        slope = _SLOPES.get(layer.activation)
        slopes = [slope(a) for unit in layer.a for a in unit] if slope else []
        flat = sum(s < 0.02 for s in slopes)
        if 2 * flat > len(slopes):
            share = f"{100 * flat / len(slopes):.0f} % of the activations of {layer.name}"
            said = f"{share} stand where {layer.activation} is flat: smaller weights or inputs"
            yield layer.name, "saturated units", said


def _constant(look: _Look) -> Iterator[Trouble]:
    alike = all(_close(*pair) for pair in pairwise(look.outputs))
    if alike and len(look.rows) > 1 and not all(a == b for a, b in pairwise(look.rows)):
        yield "outputs", "constant output", "the outputs are the same for every example"


def _flow(look: _Look) -> Iterator[Trouble]:
    first, last = look.gradients[0], look.gradients[-1]
    if not any(look.gradients) and look.loss > 1e-3:
        yield "parameters", "vanishing gradients", "the gradient of every parameter is 0"
        return
    said = f"gradients are of size {short(first)} in the first layer and {short(last)} in the last"
    if first < 1e-4 * last:
        yield "layer1", "vanishing gradients", said
    if first > 1e4 * last:
        yield "layer1", "exploding gradients", said


def _start(look: _Look) -> Iterator[Trouble]:
    guess = _GUESS[look.kind](len(look.outputs[0])) if look.kind in _GUESS else math.inf
    if look.loss > 2 * guess + 0.5:
        said = f"the loss at the start is {short(look.loss)}, and that of a guess {short(guess)}"
        large = _size(x for row in look.rows for x in row) > 3
        yield "loss", "start", f"{said}: smaller {'inputs' if large else 'weights at the end'}"


def _learns(look: _Look) -> Iterator[Trouble]:
    before, after, ratio = look.few[0], look.few[-1], median(look.ratios)
    if after > 0.9 * before and before > 1e-3:
        slip = "learning rate too small" if ratio < 1e-4 else "unknown"
        slip = "learning rate too large" if max(look.few) > 2 * before or ratio > 0.1 else slip
        yield "steps" if slip == "unknown" else "lr", slip, f"{_told(look)}; lr is {short(look.lr)}"


def _told(look: _Look) -> str:
    """How ten examples are learned, and how large an update is."""
    n, before, after = min(_FEW, len(look.rows)), short(look.few[0]), short(look.few[-1])
    learned = f"the loss of {n} examples went from {before} to {after} in {len(look.few)} steps"
    ratio = short(median(look.ratios))
    return f"{learned}, and the first update changes the weights by {ratio} of their size"


def _close(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(math.isclose(p, q, rel_tol=1e-9, abs_tol=1e-12) for p, q in zip(a, b, strict=True))


#: The checks, what explains most first.
_CHECKS: Final = (
    _is_finite, _inputs, _targets, _dead, _alike, _saturated, _constant, _flow, _start, _learns,
)  # fmt: skip
