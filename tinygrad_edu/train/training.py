"""Training: what is trained, by what, on what; and when it has diverged."""

from __future__ import annotations  # so that help() shows the names of the types

import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from numbers import Real
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import as_model, function, instance, real, row
from tinygrad_edu.checks.habits import warn
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import Rows, as_array
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.containers import parts_of
from tinygrad_edu.optim import Optimizer, find_optimizer

Model = Callable[[Any], Any]
Penalty = Callable[[Any], Value]

#: From rows and targets to the mean loss (penalty included) and the outputs as numbers; the
#: gradients are then in the parameters.
BatchGradient = Callable[[Sequence[Any], Sequence[Any]], tuple[float, list[list[float]]]]
Engine = Callable[[Model, Loss, Penalty | None], BatchGradient]
#: Makes another row of a row, such as the same with noise: (row, rng) -> row.
Augment = Callable[[list[float], random.Random], Iterable[Any]]
#: An optimizer, its name, or a function that makes one from the parameters.
AnyOptimizer = str | Optimizer | Callable[[list[Value]], Optimizer]

NOTHING: Final = (
    "there is nothing to differentiate: the loss must give a Value made from the output, "
    "outside of no_grad()"
)


def numpy_or_none() -> Any:
    """NumPy; None where it is not installed, as in a page, which is told once: lists then serve."""
    _look_for_numpy()
    return sys.modules.get("numpy")  # which a page may have loaded since


@cache
def _look_for_numpy() -> None:
    try:
        import numpy  # noqa: F401
    except ImportError:
        warn("NumPy is not installed: the scalar engine computes every number alone")


class Training(NamedTuple):
    """What is trained, by what, on what; everything is checked."""

    model: Model
    loss: Loss
    penalty: Penalty | None
    optimizer: Optimizer
    rows: Rows
    targets: Rows


class DivergenceError(ArithmeticError):
    """The loss, a gradient or a parameter became inf or nan: what, its number, the rate, the epoch.

    It is the `first` if no finite loss and gradient came before. Then the learning rate has changed
    nothing yet, and an operation is to blame.
    """

    first = False

    def __str__(self) -> str:
        if len(self.args) != 4:  # one of the user's, in a word of their own
            return super().__str__()
        what, number, lr, epoch = self.args
        advice = "try a smaller learning rate"
        name = "train inside `with detect_anomaly():`, where the scalar engine names the operation"
        if self.first and what != "a parameter":  # which a finite loss and gradient came to
            advice = f"no step came before, so that no learning rate helps: {name}"
        elif what == "a gradient":  # of a finite loss
            advice += f", or {name}"
        return f"diverged in epoch {epoch}: {what} is {number!r} at lr={lr:g}; {advice}"


def prepared(
    model: Model,
    rows: Rows,
    targets: Rows,
    loss: str | Loss,
    optimizer: AnyOptimizer,
    penalty: Penalty | None,
    weights: Any = None,
) -> Training:
    """What is trained on what: rows, targets and weights are checked before, and here the rest."""
    if penalty is not None:
        remedy = "write penalty=lambda model: l2(model.parameters(), 1e-4)"
        function("penalty", penalty, "the model", remedy)
    loss, optimizer = find_loss(loss), _find_optimizer(optimizer, as_model(model))
    loss, targets = with_weights(loss, targets, weights)
    return Training(model, loss, penalty, optimizer, rows, targets)


def weighted(rows: Rows, targets: Rows, sample_weight: Any) -> tuple[Rows, Rows, Any]:
    """The examples that weigh something, and their weights, (n,) with the mean 1, or None.

    Raises TypeError or ValueError unless there are as many numbers >= 0, not all of them 0.
    """
    if sample_weight is None:
        return rows, targets, None
    array = as_array(sample_weight)
    numbers = row("sample_weight", sample_weight if array is None else array.tolist(), len(rows))
    least, largest = min(numbers), max(numbers)
    real(f"sample_weight[{numbers.index(least)}]", least, least=0)
    if not largest:
        raise ValueError("sample_weight is 0 for every example: leave it out for equal weights")
    if not least:
        kept = [i for i, weight in enumerate(numbers) if weight]
        rows, targets = (Rows([of[i] for i in kept]) for of in (rows, targets))
        numbers = [numbers[i] for i in kept]
    mean = math.fsum(weight / largest for weight in numbers) / len(numbers)  # no overflow
    weights = [weight / largest / mean for weight in numbers]
    return rows, targets, weights if (np := numpy_or_none()) is None else np.array(weights)


class WeightedLoss:
    """The loss of an example times its weight, which stands behind the numbers of its target."""

    def __init__(self, loss: Loss, alone: bool) -> None:
        self.loss, self.alone = loss, alone

    def __call__(self, output: Any, target: Any) -> Value:
        """The weighted loss for a target [numbers..., weight]."""
        *numbers, weight = target
        loss: Any = self.loss(output, numbers[0] if self.alone else numbers)
        if isinstance(weight, Value) and not isinstance(loss, Value):
            return loss  # type: ignore[no-any-return]  # as it is no program without weights either
        product: Value = instance("the loss", loss, (Value, Real), "a Value") * weight
        return product


def with_weights(loss: Loss, targets: Rows, weights: Any) -> tuple[Loss, Rows]:
    """Loss and targets with the weights in them, so that an engine need not know of any."""
    if weights is None:
        return loss, targets
    alone = not isinstance(targets[0], list)
    pairs = zip(targets, map(float, weights), strict=True)
    return WeightedLoss(loss, alone), Rows([[t, w] if alone else [*t, w] for t, w in pairs])


def _find_optimizer(optimizer: AnyOptimizer, model: Model) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        if not isinstance(model, Module):
            raise TypeError(
                "for a model that is no nn.Module give an optimizer with its parameters"
            )
        expected = "a name, an Optimizer or a function of the parameters"
        remedy = "one of your own is a subclass of Optimizer with an update"
        instance("optimizer", optimizer, (str, Callable), expected, remedy)
        make = optimizer if callable(optimizer) else find_optimizer(optimizer)
        optimizer = make(model.parameters())
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must make an Optimizer of the parameters, got {optimizer!r:.40}: "
                "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"
            )
    held = optimizer.parameters  # mostly its first is found in the first row
    if isinstance(model, Module) and all(
        set(part.x).isdisjoint(held) for part in parts_of(model, Module) if part.ends
    ):
        raise ValueError(
            f"{optimizer!r} holds no parameter of {model!r}: make it from model.parameters()"
        )
    return optimizer


def differentiable(loss: Any) -> Value:
    """The loss, if it is a result. Raises TypeError if there is nothing to differentiate."""
    if not isinstance(loss, Value) or not loss.parents:
        raise TypeError(NOTHING)
    return loss


def check_finite(what: str, numbers: Iterable[float], optimizer: Optimizer, epoch: int) -> None:
    """Raise DivergenceError, naming `what`, for the first number that is inf or nan."""
    bad = next((x for x in numbers if not math.isfinite(x)), None)
    if bad is not None:
        raise DivergenceError(what, float(bad), optimizer.lr, epoch)
