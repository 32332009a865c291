"""The exercises of lesson 10, initialisation and symmetry."""

import random
import statistics
from typing import Any, Final

from tinygrad_edu.exercises.exercise import Exercise, number, numbers
from tinygrad_edu.losses import binary_cross_entropy
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD

_DRAWS: Final = 4000


def _first_gradients() -> list[float]:
    """dL/dv of an output weight and dL/dw of a hidden one, where all weights are zero."""
    model = MLP(2, [4, 1], "sigmoid", "sigmoid", init="zeros")
    binary_cross_entropy(model([1.0, -2.0]), 1).backward()
    return [model.layers[1].neurons[0].w[0].grad, model.layers[0].neurons[0].w[0].grad]


def _units_that_differ() -> int:
    """How many different hidden units there are after training from two groups of equal ones."""
    model = MLP(2, [6, 1], "tanh", "sigmoid", init=lambda rng, nin, nout: 0.3)
    hidden = model.layers[0].neurons
    for unit in hidden[4:]:
        for w in unit.w:
            w.data = -0.2
    optimizer = SGD(model.parameters(), lr=0.5)
    for _ in range(5):
        for x, t in (([1.0, -2.0], 1), ([0.5, 1.0], 0)):
            optimizer.zero_grad()
            binary_cross_entropy(model(x), t).backward()
            optimizer.step()
    return len({tuple(p.data for p in unit.parameters()) for unit in hidden})


def _is_initialiser(answer: Any) -> bool:
    return callable(answer) and all(_has_variance(answer, nin) for nin in (4, 100))


def _has_variance(answer: Any, nin: int) -> bool:
    rng = random.Random(1)
    draws = [answer(rng, nin, 7) for _ in range(_DRAWS)]
    if not all(isinstance(w, (int, float)) for w in draws):
        return False
    if draws[0] != answer(random.Random(1), nin, 7):
        return False
    mean, variance = statistics.fmean(draws), float(statistics.pvariance(draws))
    return abs(mean) < 0.1 * nin**-0.5 and 0.9 < variance * nin < 1.1


EXERCISES: Final[dict[str, Exercise]] = {
    "10.1": Exercise(
        "The list [dL/dv, dL/dw] for an output weight v and a hidden weight w is asked for.",
        numbers(_first_gradients),
        "the output is a sigmoid at z = 0, and so is each hidden activation. The delta of the "
        "output is a - y; dL/dv is that times the activation below. What does delta_j = g'(z_j) "
        "v delta give with the v there is?",
    ),
    "10.2": Exercise(
        "The number of different hidden units after training is asked for.",
        number(_units_that_differ),
        "two units stay equal if everything that reaches them is equal: the inputs forward, the "
        "weight above and delta backward. Sort the six units by what they start from.",
    ),
    "10.3": Exercise(
        "A function lecun(rng, nin, nout) that draws one weight is asked for.",
        _is_initialiser,
        "rng.gauss(mean, deviation) takes the standard deviation, the root of the variance. Draw "
        "from the rng that is given, so that equal seeds give equal weights.",
    ),
}
