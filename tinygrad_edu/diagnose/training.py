"""Why a net does not learn: the checks that are made by hand, in the order in which they help."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np

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
from tinygrad_edu.vectorize.arrays import Array
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
_SLOPES: Final[dict[str, Callable[[Array], Array]]] = {
    "tanh": lambda a: 1 - a * a, "sigmoid": lambda a: 4 * a * (1 - a),
}  # fmt: skip


#: What is wrong: where, the slip, and a sentence.
Trouble = tuple[str, str, str]
#: A layer: its name, its activation, and net inputs and activations, a column per unit.
_Units = tuple[str, str, Array, Array]


class _Look(NamedTuple):
    """What is seen of a training before it begins, and of its first steps.

    rows, outputs, targets  a row for each of the examples that are looked at
    layers                  those of a dense net, else none
    gradients, ratios       of each layer, or of all: the size of the gradient, that of an update
                            relative to the weights
    few                     the losses of ten examples from step to step, inf if they diverge
    decay, lacking          the share of weights that decays in a step; parameters not optimized
    """

    kind: str
    rows: Array
    outputs: Array
    targets: Array
    loss: float
    layers: list[_Units]
    gradients: list[float]
    ratios: list[float]
    few: list[float]
    lr: float
    decay: float
    lacking: int


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

    >>> from tinygrad_edu import MLP, SGD, xor
    >>> net = MLP(2, [3, 1], "tanh", init="zeros")
    >>> optimizer = SGD(net.parameters(), lr=0.1)
    >>> print(diagnose_training(net, *xor(), loss="squared_error", optimizer=optimizer))
    all units of layer1 give the same: begin with random weights
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
    rows, targets = _spread(training, _ROWS)
    with in_mode(modules_of(model), training=False):
        outputs = [model(x) for x in rows]
        losses = [training.loss(o, t) for o, t in zip(outputs, targets, strict=True)]
        passes = _passes(model, rows)
    known = set(optimizer.parameters)
    of_layers = [
        [p for unit in of_layer.layer.neurons for p in unit.parameters() if p in known]
        for of_layer in (passes or [[]])[0]
    ]
    groups = [group for group in of_layers if group] or [list(optimizer.parameters)]
    root = differentiable(functions.mean(losses))
    found = gradients(root)
    before = [_array(group) for group in groups]
    with _untouched(training):
        lr = optimizer.lr
        for p in optimizer.parameters:
            p.grad = float(found.get(p, 0.0))
        optimizer.step()
        after = [_array(group) for group in groups]
    record = record_of(training.loss)
    return _Look(
        kind=record.outputs if record else "",
        rows=_array(rows),
        outputs=_array(outputs),
        targets=_array(targets),
        loss=root.data,
        layers=[
            (of[0].name or "layer1", of[0].activation, _array([p.z for p in of]),
             _array([p.a for p in of]))
            for of in zip(*passes, strict=True)
        ],
        gradients=[_size([float(found.get(p, 0.0)) for p in group]) for group in groups],
        ratios=[_size(new - x) / (_size(x) or 1.0) for x, new in zip(before, after, strict=True)],
        decay=lr * vars(optimizer).get("weight_decay", 0.0),
        lacking=len(set(model.parameters() if isinstance(model, Module) else ()) - known),
        few=_few(training),
        lr=lr,
    )  # fmt: skip


def _spread(training: Training, most: int) -> tuple[list[Any], list[Any]]:
    """Rows and targets from the first to the last, as data may be sorted."""
    n = len(training.rows)
    chosen = [k * n // min(n, most) for k in range(min(n, most))]
    return [training.rows[i] for i in chosen], [training.targets[i] for i in chosen]


def _passes(model: Any, rows: Sequence[Any]) -> list[list[Pass]]:
    """Of a dense net the passes of each row, else none."""
    try:
        layers = dense_layers(model)
    except (TypeError, ValueError):
        return []
    return [forward(model, layers, x) for x in rows]


def _few(training: Training) -> list[float]:
    """The losses of a few examples in steps of training with them; at last inf if they diverge."""
    rows, targets = _spread(training, _FEW)
    losses = []
    with _untouched(training):
        try:
            for step in train(
                training.model, rows, targets, loss=training.loss, optimizer=training.optimizer,
                epochs=_STEPS,
            ):  # fmt: skip
                losses.append(step.loss)
        except DivergenceError:
            losses.append(math.inf)
    return losses


def _array(rows: Sequence[Any]) -> Array:
    """The numbers of Values, rows or targets: one row for each."""
    return np.array([_numbers(x) for x in rows])


def _numbers(x: Any) -> list[float]:
    if is_listed(x):
        return [n for item in x for n in _numbers(item)]
    return [x.data if isinstance(x, Value) else float(x)]


def _size(x: Any) -> float:
    """The root mean square."""
    return math.hypot(*np.ravel(x)) / math.sqrt(np.size(x) or 1)


def _alike(x: Array) -> bool:
    """Whether all rows are the same."""
    return bool(np.isclose(x[1:], x[:1], 1e-9, 1e-12).all())


def _is_finite(look: _Look) -> Iterator[Trouble]:
    if not math.isfinite(look.loss):
        yield "loss", "wrong value", f"the loss at the start is {look.loss!r}, before any step"


def _scales(look: _Look) -> Iterator[Trouble]:
    sizes = [_size(column) for column in look.rows.T]
    if max(sizes) > 30:
        said = f"inputs are of size {short(max(sizes))}: standardise them, so that they are about 1"
        yield f"x{sizes.index(max(sizes)) + 1}", "scale", said
    low, high = float(look.targets.min()), float(look.targets.max())
    activation = look.layers[-1][1] if look.layers else ""
    least, most = _RANGES.get(activation, (-math.inf, math.inf))
    if look.kind == "numbers" and not (least <= low and high <= most):
        said = f"targets reach from {short(low)} to {short(high)}, and {activation} gives numbers"
        yield "y", "scale", f"{said} from {short(least)} to {short(most)}"
    targets, outputs = _size(look.targets), _size(look.outputs)
    if look.kind in ("numbers", "") and targets > 30 * max(outputs, 1.0):
        said = f"targets are of size {short(targets)} and outputs of size {short(outputs)}"
        yield "y", "scale", f"{said}: standardise the targets"


def _layers(look: _Look) -> Iterator[Trouble]:
    for slip, share, says in _OF_UNITS:
        for name, activation, z, a in look.layers[:-1]:
            if (part := float(share(activation, z, a))) > 0.5:
                part_of = f"{100 * part:.0f} %"
                yield name, slip, says.format(part_of, name=name, activation=activation)


#: What units can be: the slip, the share of them that is so, and what is said.
_OF_UNITS: Final[tuple[tuple[str, Callable[[str, Array, Array], Any], str], ...]] = (
    ("dead units", lambda f, z, a: (z.max(axis=0) <= 0).mean() * (f == "relu"),
     "{} of the units of {name} give 0 for every example: smaller weights, or a bias nearer to 0"),
    ("symmetric units", lambda f, z, a: a.shape[1] > 1 and _alike(a.T),
     "all units of {name} give the same: begin with random weights"),
    ("saturated units", lambda f, z, a: (_SLOPES[f](a) < 0.02).mean() if f in _SLOPES else 0.0,
     "{} of the activations of {name} stand where {activation} is flat: smaller weights or inputs"),
)  # fmt: skip


def _constant(look: _Look) -> Iterator[Trouble]:
    if len(look.rows) > 1 and _alike(look.outputs) and (look.rows != look.rows[0]).any():
        yield "outputs", "constant output", "the outputs are the same for every example"
    if len(look.rows) > 1 and _alike(look.rows) and not _alike(look.targets):
        yield "X", "constant output", "all rows of X are the same, and the targets are not"


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
    guess = _GUESS[look.kind](look.outputs.shape[1]) if look.kind in _GUESS else math.inf
    if look.loss > 2 * guess + 0.5:
        said = f"the loss at the start is {short(look.loss)}, and that of a guess {short(guess)}"
        large = _size(look.rows) > 3
        yield "loss", "start", f"{said}: smaller {'inputs' if large else 'weights at the end'}"


def _learns(look: _Look) -> Iterator[Trouble]:
    before, after, ratio = look.few[0], look.few[-1], float(np.median(look.ratios))
    if after > 0.9 * before and before > 1e-3:
        slip = "learning rate too small" if ratio < 1e-4 else "unknown"
        slip = "learning rate too large" if max(look.few) > 2 * before or ratio > 0.1 else slip
        if look.decay > 0.01 and max(look.few) <= 2 * before:
            said = f"; weight decay takes {short(100 * look.decay)} % of each weight in a step"
            yield "weight_decay", "scale", _told(look) + said
        yield "steps" if slip == "unknown" else "lr", slip, f"{_told(look)}; lr is {short(look.lr)}"


def _ends(look: _Look) -> Iterator[Trouble]:
    before, after = look.few[0], look.few[-1]
    if after < -10 * max(1.0, abs(before)) or (before < 0 and after == math.inf):
        said = f"{_told(look)}; it has no least value: a sign in it may be the wrong way round"
        yield "loss", "sign", said


def _told(look: _Look) -> str:
    """How ten examples are learned, and how large an update is."""
    n, before, after = min(_FEW, len(look.rows)), short(look.few[0]), short(look.few[-1])
    learned = f"the loss of {n} examples went from {before} to {after} in {len(look.few)} steps"
    ratio = short(float(np.median(look.ratios)))
    told = f"{learned}, and the first update changes the weights by {ratio} of their size"
    return f"{told}; the optimizer lacks {look.lacking} parameters" if look.lacking else told


#: The checks, what explains most first.
_CHECKS: Final = (_is_finite, _scales, _layers, _constant, _flow, _start, _learns, _ends)
