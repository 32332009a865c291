"""What a model gives without training: its outputs, its mean loss, its accuracy."""

from __future__ import annotations  # so that help() shows the names of the types

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import one_of
from tinygrad_edu.engine import no_grad
from tinygrad_edu.examples import examples, inputs
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.train.engines import ENGINES, Engine
from tinygrad_edu.train.metrics import decision
from tinygrad_edu.train.phase import modules_of, phase
from tinygrad_edu.train.scalar import Model, numbers_of

#: Fewer rows than this are not worth tracing the model for.
_WORTH_TRACING = 8

Measured = tuple[float, float | None]


def evaluate(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    engine: str | Engine = "auto",
) -> Measured:
    """Mean loss (without penalty) and accuracy in [0, 1], or None where targets are no classes.

    The model is measured in evaluation mode, and in its mode again afterwards.
    """
    rows, targets = examples(X, y)
    return evaluation(model, rows, targets, find_loss(loss), engine)()


def predict(model: Model, X: Iterable[Any], *, engine: str | Engine = "auto") -> list[list[float]]:
    """What the model gives, in evaluation mode, for n rows of numbers: n lists of its outputs."""
    rows = inputs(X)
    with phase(modules_of(model), training=False):
        return _outputs(model, rows, engine)


def _outputs(model: Model, rows: Sequence[Any], engine: str | Engine) -> list[list[float]]:
    if rows and _by_matrix(engine, rows):
        from tinygrad_edu.vectorize.program import Program

        try:
            program = Program(model, rows[:1], rows[-1:])
            found = program.columns(rows)
        except Exception:  # as in `AutoDescent`
            if engine == "matrix":
                raise
        else:
            outputs: list[list[float]] = found.tolist()
            return outputs
    with no_grad():
        return [numbers_of(model(x)) for x in rows]


def evaluation(
    model: Model, rows: Sequence[Any], targets: Sequence[Any], loss: Loss, engine: str | Engine
) -> Callable[[], Measured]:
    """A function that measures the model as it is now: mean loss and accuracy, evaluation mode."""
    by_values = _by_values(model, rows, targets, loss)
    if not _by_matrix(engine, rows):
        return by_values
    try:
        with phase(modules_of(model), training=False):
            by_program = _by_program(model, rows, targets, loss)
    except Exception:  # as in `AutoDescent`
        if engine == "matrix":
            raise
        return by_values

    def measure() -> Measured:
        from tinygrad_edu.vectorize import VectorizeError

        try:
            return by_program()
        except VectorizeError:
            if engine == "matrix":
                raise
            return by_values()

    return measure


def _by_matrix(engine: str | Engine, rows: Sequence[Any]) -> bool:
    if callable(engine):
        return False
    one_of("engine", engine, ENGINES)
    return engine == "matrix" or (engine == "auto" and len(rows) >= _WORTH_TRACING)


def _by_program(
    model: Model, rows: Sequence[Any], targets: Sequence[Any], loss: Loss
) -> Callable[[], Measured]:
    from tinygrad_edu.train.matrix import Evaluator

    evaluator = Evaluator(model, rows, targets, loss)
    right = decision(loss, targets, evaluator.outputs)

    def measure() -> Measured:
        mean, outputs = evaluator.measure()
        return mean, None if right is None else right.share(outputs, targets)

    return measure


def _by_values(
    model: Model, rows: Sequence[Any], targets: Sequence[Any], loss: Loss
) -> Callable[[], Measured]:
    found = modules_of(model)

    def measure() -> Measured:
        with phase(found, training=False):
            outputs = [model(rows[0])]
            losses = [loss(outputs[0], targets[0])]  # recorded: it may refuse what is before it
            with no_grad():
                outputs += [model(x) for x in rows[1:]]
                losses += [loss(o, t) for o, t in zip(outputs[1:], targets[1:], strict=True)]
                mean = f.mean(losses)
        numbers = [numbers_of(o) for o in outputs]
        right = decision(loss, targets, len(numbers[0]))
        return float(mean.data), None if right is None else right.share(numbers, targets)

    return measure
