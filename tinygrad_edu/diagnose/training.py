"""Why a net does not learn: the checks that are made by hand, in the order in which they help."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

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
from tinygrad_edu.train.held import put_back, trial
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
        where, slip, said = next(_looked_at(training))
    return Diagnosis(not slip, where, slip, said)


@contextmanager
def _untouched(training: Training) -> Iterator[None]:
    """Inside, the model may be trained; afterwards model and optimizer are as before."""
    model, optimizer = training.model, training.optimizer
    own = model.parameters() if isinstance(model, Module) else ()
    with put_back({*optimizer.parameters, *own}), trial(model, training.loss, optimizer):
        yield


def _looked_at(training: Training) -> Iterator[Trouble]:
    """What is wrong, what explains most first; at last, without a slip, that nothing is."""
    model, optimizer = training.model, training.optimizer
    some_rows, some_targets = _spread(training, _ROWS)
    with in_mode(modules_of(model), training=False):
        values = [model(x) for x in some_rows]
        losses = [training.loss(o, t) for o, t in zip(values, some_targets, strict=True)]
        passes = _passes(model, some_rows)
    rows, targets, outputs = map(_array, (some_rows, some_targets, values))
    root = differentiable(functions.mean(losses))
    if not math.isfinite(root.data):
        yield "loss", "wrong value", f"the loss at the start is {root.data!r}, before any step"
    layers = list(zip(*passes, strict=True))  # of each the passes, one for each row
    record = record_of(training.loss)
    kind = record.outputs if record else ""
    yield from _of_scales(rows, targets, outputs, kind, layers[-1][0].activation if layers else "")
    yield from _of_units(layers[:-1])
    if len(rows) > 1 and _alike(outputs) and (rows != rows[0]).any():
        yield "outputs", "constant output", "the outputs are the same for every example"
    if len(rows) > 1 and _alike(rows) and not _alike(targets):
        yield "X", "constant output", "all rows of X are the same, and the targets are not"
    found, known = gradients(root), set(optimizer.parameters)
    of_layers = [
        [p for unit in of[0].layer.neurons for p in unit.parameters() if p in known]
        for of in layers
    ]  # fmt: skip
    groups = [group for group in of_layers if group] or [list(optimizer.parameters)]
    yield from _of_flow([_size([float(found.get(p, 0.0)) for p in g]) for g in groups], root.data)
    guess = _GUESS[kind](outputs.shape[1]) if kind in _GUESS else math.inf
    if root.data > 2 * guess + 0.5:
        said = f"the loss at the start is {short(root.data)}, and that of a guess {short(guess)}"
        large = _size(rows) > 3
        yield "loss", "start", f"{said}: smaller {'inputs' if large else 'weights at the end'}"
    before = [_array(group) for group in groups]
    with _untouched(training):
        lr = optimizer.lr
        for p in optimizer.parameters:
            p.grad = float(found.get(p, 0.0))
        optimizer.step()
        moved = [_array(group) - x for group, x in zip(groups, before, strict=True)]
    ratios = [_size(step) / (_size(x) or 1.0) for x, step in zip(before, moved, strict=True)]
    few, n = _few(training), min(_FEW, len(rows))
    learned = f"the loss of {n} examples went from {short(few[0])} to {short(few[-1])}"
    ratio = float(np.median(ratios))
    said = (
        f"{learned} in {len(few)} steps, and the first update changes the weights by "
        f"{short(ratio)} of their size"
    )
    own: list[Value] = model.parameters() if isinstance(model, Module) else []
    if lacking := set(own) - known:
        said += f"; the optimizer lacks {len(lacking)} parameters"
    yield from _of_learning(few, said, ratio, lr, lr * vars(optimizer).get("weight_decay", 0.0))
    yield "", "", f"nothing is wrong: {said}"


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


def _of_scales(
    rows: Array, targets: Array, outputs: Array, kind: str, activation: str
) -> Iterator[Trouble]:
    sizes = [_size(column) for column in rows.T]
    if max(sizes) > 30:
        said = f"inputs are of size {short(max(sizes))}: standardise them, so that they are about 1"
        yield f"x{sizes.index(max(sizes)) + 1}", "scale", said
    low, high = float(targets.min()), float(targets.max())
    least, most = _RANGES.get(activation, (-math.inf, math.inf))
    if kind == "numbers" and not (least <= low and high <= most):
        said = f"targets reach from {short(low)} to {short(high)}, and {activation} gives numbers"
        yield "y", "scale", f"{said} from {short(least)} to {short(most)}"
    wanted, given = _size(targets), _size(outputs)
    if kind in ("numbers", "") and wanted > 30 * max(given, 1.0):
        said = f"targets are of size {short(wanted)} and outputs of size {short(given)}"
        yield "y", "scale", f"{said}: standardise the targets"


#: What units can be: the slip, the share of them that is so, and what is said.
_OF_UNITS: Final[tuple[tuple[str, Callable[[str, Array, Array], Any], str], ...]] = (
    ("dead units", lambda f, z, a: (z.max(axis=0) <= 0).mean() * (f == "relu"),
     "{} of the units of {name} give 0 for every example: smaller weights, or a bias nearer to 0"),
    ("symmetric units", lambda f, z, a: a.shape[1] > 1 and _alike(a.T),
     "all units of {name} give the same: begin with random weights"),
    ("saturated units", lambda f, z, a: (_SLOPES[f](a) < 0.02).mean() if f in _SLOPES else 0.0,
     "{} of the activations of {name} stand where {activation} is flat: smaller weights or inputs"),
)  # fmt: skip


def _of_units(layers: Iterable[Sequence[Pass]]) -> Iterator[Trouble]:
    for slip, share, says in _OF_UNITS:
        for of_rows in layers:
            name, activation = of_rows[0].name or "layer1", of_rows[0].activation
            z, a = _array([p.z for p in of_rows]), _array([p.a for p in of_rows])
            if (part := float(share(activation, z, a))) > 0.5:
                said = says.format(f"{100 * part:.0f} %", name=name, activation=activation)
                yield name, slip, said


def _of_flow(sizes: Sequence[float], loss: float) -> Iterator[Trouble]:
    """The sizes of the gradients of each layer."""
    first, last = sizes[0], sizes[-1]
    if not any(sizes) and loss > 1e-3:
        yield "parameters", "vanishing gradients", "the gradient of every parameter is 0"
    said = f"gradients are of size {short(first)} in the first layer and {short(last)} in the last"
    if first < 1e-4 * last:
        yield "layer1", "vanishing gradients", said
    if first > 1e4 * last:
        yield "layer1", "exploding gradients", said


def _of_learning(
    losses: Sequence[float], said: str, ratio: float, lr: float, decay: float
) -> Iterator[Trouble]:
    """The losses of ten examples from step to step, the size of an update to that of the weights.

    `decay` is the share of the weights that decays in a step.
    """
    before, after = losses[0], losses[-1]
    if after > 0.9 * before and before > 1e-3:
        slip = "learning rate too small" if ratio < 1e-4 else "unknown"
        slip = "learning rate too large" if max(losses) > 2 * before or ratio > 0.1 else slip
        if decay > 0.01 and max(losses) <= 2 * before:
            taken = f"weight decay takes {short(100 * decay)} % of each weight in a step"
            yield "weight_decay", "scale", f"{said}; {taken}"
        yield "steps" if slip == "unknown" else "lr", slip, f"{said}; lr is {short(lr)}"
    if after < -10 * max(1.0, abs(before)) or (before < 0 and after == math.inf):
        ends = "it has no least value: a sign in it may be the wrong way round"
        yield "loss", "sign", f"{said}; {ends}"
