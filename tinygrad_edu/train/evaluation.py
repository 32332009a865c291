"""What a model gives without training: its outputs, its mean loss, its accuracy."""

from __future__ import annotations  # so that help() shows the names of the types

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_model
from tinygrad_edu.checks.habits import answered
from tinygrad_edu.engine import Value, modes
from tinygrad_edu.engine.leaves import data_of
from tinygrad_edu.examples import Rows, examples, inputs
from tinygrad_edu.losses import Loss, find_loss, record_of, refuse_twice
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.train.blocks import Descent
from tinygrad_edu.train.engines import vectorized_or_scalar
from tinygrad_edu.train.heads import Head, Right
from tinygrad_edu.train.held import asks_types, trial
from tinygrad_edu.train.scalar import numbers_of
from tinygrad_edu.train.training import Engine, Model, weighted, with_weights

#: Fewer rows than this are not worth tracing the model for.
_WORTH_TRACING = 8

#: Mean loss, and accuracy in [0, 1] or None where targets are no classes.
Measured = tuple[float, float | None]


@answered
def evaluate(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    engine: str | Engine = "auto",
    sample_weight: Iterable[float] | None = None,
) -> Measured:
    """Mean loss (without penalty) and accuracy in [0, 1], or None where targets are no classes.

    The model is measured in evaluation mode, and in its mode again afterwards. With `sample_weight`
    w >= 0 of each example the loss is sum w L / sum w, the accuracy the share of sum w.
    """
    given = weighted(*examples(X, y, own=False), sample_weight)
    return evaluation(as_model(model), given, find_loss(loss), engine)()


@answered
def predict(model: Model, X: Iterable[Any], *, engine: str | Engine = "auto") -> list[list[float]]:
    """What the model gives, in evaluation mode, for n rows of numbers: n lists of its outputs."""
    outputs = outputs_of(as_model(model), inputs(X, own=False), engine)
    lists: list[list[float]] = outputs if isinstance(outputs, list) else outputs.tolist()
    return lists


def outputs_of(model: Model, rows: Rows, engine: str | Engine = "auto") -> Any:
    """The outputs of the model in evaluation mode, (n, units), as an array or as lists."""

    def by_program() -> Any:
        if not rows:
            return []
        import numpy as np

        from tinygrad_edu.vectorize.program import Program
        from tinygrad_edu.vectorize.trace import lenient

        array, n = rows.array, len(rows)
        program = Program(model, rows[:1], rows[-1:], trial=partial(trial, model))
        program.asks |= asks_types(model)
        chosen = range(n) if program.asks else sorted({0, n // 2, n - 1})

        def scalars() -> tuple[Any, None]:
            with modes.tracing(lenient):
                return np.array([numbers_of(model(rows[i])) for i in chosen]), None

        if program.is_sure:
            program.check_graphs(gradient=False)
        else:
            program.compare({"X": array[chosen]}, scalars, gradient=False)
        return program.columns(array)

    def by_scalars() -> list[list[float]]:
        return [numbers_of(model(x)) for x in rows]  # recorded, as it may differentiate

    with in_mode(modules_of(model), training=False):
        worth = len(rows) >= _WORTH_TRACING
        return vectorized_or_scalar(by_program, by_scalars, engine, worth=worth)


@answered
def probabilities(model: Any, X: Iterable[Any], *, loss: str | Loss) -> list[list[float]]:
    """For each of n rows the probability of each of k classes, n lists of k numbers.

    `loss` is what the model was trained with, a name or a function of LOSSES: it says what the
    outputs mean. For a score s, which is no probability, they are (1 - s)/2 and (1 + s)/2, held
    within [0, 1], and likewise for a tanh unit. Raises ValueError for a loss of your own, and for
    one that applies the activation in which the model ends itself.
    """
    if (read := _read(model, X, loss)) is None:
        return []
    import numpy as np

    head, outputs = read
    shares: list[list[float]] = head.probabilities(np.array(outputs)).tolist()
    return shares


@answered
def classes(model: Any, X: Iterable[Any], *, loss: str | Loss) -> list[int]:
    """The class number of each of n rows, 0..k-1, options as for `probabilities`."""
    if (read := _read(model, X, loss)) is None:
        return []
    head, outputs = read
    return [int(k) for k in head.classes(outputs)]


def _read(model: Callable[[Any], Any], X: Any, loss: str | Loss) -> tuple[Head, Any] | None:
    """What outputs mean, and those of the rows; None where there are none."""
    rows, loss = inputs(X, own=False), find_loss(loss)
    return (head_of_model(model, rows[0], loss), outputs_of(model, rows)) if rows else None


def head_of_model(model: Callable[[Any], Any], row: Any, loss: str | Loss) -> Head:
    """What the outputs of a model mean that is trained with this loss; `row` is one of its inputs.

    Raises ValueError as `probabilities` does.
    """
    record = record_of(find_loss(loss))
    if record is None:
        raise ValueError(
            "what the outputs mean is known for a loss of LOSSES alone: write its name, such as "
            'loss="cross_entropy"'
        )
    with in_mode(modules_of(model), training=False):
        output = as_model(model)(row)
    numbers_of(output)  # to raise unless they are Values
    several = [output] if isinstance(output, Value) else output
    refuse_twice(record, several[0])
    activation = several[0].op.name if several[0].op is not None else "linear"
    low = -1 if record.outputs == "score" or activation == "tanh" else 0
    return Head(record.outputs, len(several), activation, low)


def evaluation(
    model: Model, given: tuple[Rows, Rows, Any], loss: Loss, engine: str | Engine
) -> Callable[..., Measured]:
    """A function that measures the model as it is now: mean loss and accuracy, evaluation mode.

    Given are rows, targets, and weights or None. It takes `shared`: whether code of the user's ran
    since, which may have changed more than parameters; and a `descent` ahead of the Values.
    """
    rows, targets, weights = given
    right = Right(loss, targets, weights)
    loss, targets = with_weights(loss, targets, weights)

    def by_values(descent: Descent | None) -> tuple[float, Any]:
        if descent is not None:
            descent.write()
        losses, outputs = [], []
        with in_mode(modules_of(model), training=False):
            for x, t in zip(rows, targets, strict=True):  # recorded, as they may differentiate
                output = model(x)
                losses.append(Value(f.mean([loss(output, t)]).data))
                outputs.append(numbers_of(output))
        return f.mean(losses).data, outputs

    def compiled() -> Any:
        from tinygrad_edu.train.matrix import checked_program

        with in_mode(modules_of(model), training=False):
            return checked_program(model, loss, None, rows, targets, gradient=False)

    def by_program(descent: Descent | None) -> tuple[float, Any]:
        import numpy as np

        program, X, y = made
        numbers = data_of if descent is None else descent.numbers
        program.P[...] = numbers(program.parameters)
        losses, outputs = program.results({"X": X, "Y": y})
        with np.errstate(all="ignore"):
            return float(losses.mean()), outputs

    worth = len(rows) >= _WORTH_TRACING
    made = vectorized_or_scalar(compiled, lambda: None, engine, worth=worth)

    def measured(descent: Descent | None = None, *, shared: bool = False) -> Measured:
        nonlocal made
        if shared and made is not None:
            with in_mode(modules_of(model), training=False):
                stands = made[0].stands()
            if not stands:
                made = vectorized_or_scalar(compiled, lambda: None, engine)
        ways = partial(by_program, descent), partial(by_values, descent)
        mean, outputs = ways[1]() if made is None else vectorized_or_scalar(*ways, engine)
        share = right.share(outputs)
        return mean, None if share is None else float(share)

    return measured
