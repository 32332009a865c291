"""A model as a Python file that needs only NumPy."""

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.checks import as_model
from tinygrad_edu.export.chain import chain, input_shape
from tinygrad_edu.expr.styles import NUMPY
from tinygrad_edu.nn.mode import in_mode, modules_of


def to_numpy_source(model: Any, example: Sequence[Any] | float | None = None) -> str:
    """The text of a Python file with a function `predict(X)`, which needs NumPy and nothing else.

    `predict` takes B examples and gives the (B, K) outputs of the model in evaluation mode; the
    parameters stand in the text to the last bit. With an `example`, which is numbers or rows of
    numbers, any function that `vectorize` takes can be exported, a recurrent net too, for sequences
    of that length; MLP and Sequential need none where their first part says how many numbers it
    takes. Raises VectorizeError where there is no program, ValueError where an example is needed,
    and for a model that draws random numbers or compares numbers in Python.
    """
    from tinygrad_edu.vectorize import vectorize
    from tinygrad_edu.vectorize.source import source

    if example is None:
        example = _example(model)
    with in_mode(modules_of(model), training=False):
        program = vectorize(as_model(model), example)
        outputs = len(program.columns([example])[0])
    for obstacles, what in (
        (program.samples, "draws random numbers"),
        (program.tape.guards, "compares numbers in Python"),
        (program.tape.results[1:], "gives several lists"),
    ):
        if obstacles:
            raise ValueError(
                f"{model!r:.80} {what}: a model to export gives one list of numbers, the same "
                "each time; write choices as where(step(z), a, b)"
            )
    numbers = [NUMPY.number(x) for x in program.P.tolist()]
    (shape,) = program.tape.shapes
    parts = [source(program.plan, None)]
    if program.parameters:
        lines = [f"    {', '.join(numbers[k : k + 4])}," for k in range(0, len(numbers), 4)]
        parts.append("\n".join(["P = np.array([", *lines, "], dtype=float)\n"]))
    parts.append(_predict(shape, outputs, "P, " if program.parameters else ""))
    return "\n\n".join(parts)


def _example(model: Any) -> list[float]:
    """An example of as many numbers as the model takes."""
    n, *sides = input_shape(chain(model))
    if n is None or sides:
        raise ValueError(
            f"{model!r:.80} does not say which shape its input has: write "
            "to_numpy_source(model, example) with one example, such as a row of X"
        )
    return [(k + 1) / (n + 1) for k in range(n)]


def _predict(shape: tuple[int, ...], outputs: int, parameters: str) -> str:
    sizes = f"({', '.join(['B', *map(str, shape)])}{',' * (not shape)})"
    return f'''\
def predict(X):
    """The outputs, (B, {outputs}), for X of shape {sizes}."""
    X = np.asarray(X, dtype=float)
    if X.ndim == 0 or X.shape[1:] != {shape}:
        raise ValueError(f"X must have the shape {sizes}, got {{X.shape}}")
    with np.errstate(all="ignore"):
        return outputs({parameters}X)
'''
