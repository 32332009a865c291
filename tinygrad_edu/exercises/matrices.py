"""The exercises of lesson 16, from scalars to matrices."""

from typing import Any, Final

from tinygrad_edu.exercises.exercise import Exercise, number, numbers


def _products() -> float:
    from tinygrad_edu import MLP, vectorize

    model = MLP(2, [3, 3, 1], "tanh")
    program = vectorize(lambda x, y: (model(x) - y) ** 2, [0.1, 0.2], 1.0)
    return float(program.source.count("@"))


def _is_leaky(answer: Any) -> bool:
    """Whether a function of one Value is z for z > 0, else z / 10, and can be vectorised."""
    from tinygrad_edu import VectorizeError, vectorize

    if not callable(answer):
        return False
    points = [[-2.0], [-0.5], [0.25], [3.0]]
    try:
        found = vectorize(lambda x: answer(x[0]), [0.5])(points)
    except (TypeError, VectorizeError):
        return False
    return numbers([-0.2, -0.05, 0.25, 3.0], 1e-9)(found.ravel().tolist())


EXERCISES: Final[dict[str, Exercise]] = {
    "16.1": Exercise(
        "The list [rows, columns] of the sizes of dW is asked for: 5 examples, 4 inputs, 3 units.",
        numbers([3, 4]),
        "dW = delta.T @ X has a row for each row of delta.T: is that an example or a unit?",
    ),
    "16.2": Exercise(
        "The number of matrix products in one step of a 2-3-3-1 net is asked for.",
        number(_products),
        "a layer needs one product forward, and one each for dW and for the delta below it; "
        "below the first layer there is nothing that wants a delta.",
    ),
    "16.3": Exercise(
        "A function of one Value is asked for: z for z > 0, else z / 10, without an if.",
        _is_leaky,
        "an if cannot be traced: `functions.where`, `functions.maximum` or a relu make the choice "
        "a part of the graph; compare your numbers at z = -2 and z = 3.",
    ),
}
