"""The exercises of lesson 13, the spiral."""

from typing import Any, Final

from tinygrad_edu.checks import is_real
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.exercise import Exercise, numbers
from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import MLP


def _slopes_of_scores() -> list[float]:
    z = [Value(p).log() for p in (0.2, 0.5, 0.3)]
    return [v.data for v in grad(cross_entropy(z, 2), z)]


def _is_linear_accuracy(answer: Any) -> bool:
    """About 49 %: linear layers are one linear layer."""
    return is_real(answer) and not isinstance(answer, bool) and 0.45 <= float(answer) <= 0.56


def _is_scores(answer: Any) -> bool:
    return callable(answer) and all(_agrees(answer, sizes) for sizes in ([4, 3], [1, 2]))


def _agrees(answer: Any, sizes: list[int]) -> bool:
    model = MLP(2, sizes, "relu", rng=3)
    for k, p in enumerate(model.parameters()):
        p.data += 0.1 * (-1) ** k
    matrices = []
    for layer in model.layers:
        columns = [[w.data for w in unit.w] for unit in layer.neurons]
        matrices += [
            [list(row) for row in zip(*columns, strict=True)],
            [unit.b.data for unit in layer.neurons],
        ]
    points = ([0.5, -1.0], [-2.0, 0.3], [1.0, 1.0])
    return all(numbers([z.data for z in model(x)], 1e-9)(answer(x, *matrices)) for x in points)


EXERCISES: Final[dict[str, Exercise]] = {
    "13.1": Exercise(
        "The list [dL/dz0, dL/dz1, dL/dz2] for p = (0.2, 0.5, 0.3) and class 2 is asked for.",
        numbers(_slopes_of_scores),
        "softmax and cross entropy together have the delta p_k - 1[y = k]; the three add up to 0.",
    ),
    "13.2": Exercise(
        "The accuracy of a net with linear hidden units is asked for, between 0 and 1.",
        _is_linear_accuracy,
        "without a bend two layers are one: W2 (W x + b) + b2 is a matrix times x plus a vector. "
        "Look at what the linear classifier got, and print history.accuracy[-1].",
    ),
    "13.3": Exercise(
        "A function scores(x, W, b, W2, b2) that gives a list of numbers is asked for.",
        _is_scores,
        "the hidden unit j has the net input b[j] + sum of x[i] * W[i][j], and its activation is "
        "the larger of that and 0; then the same once more, without the maximum.",
    ),
}
