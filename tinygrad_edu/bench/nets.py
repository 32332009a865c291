"""The nets of the table of steps: data, loss, and the weights that all engines start from."""

import random
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.bench.measure import Rows, Step
from tinygrad_edu.data import moons
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import examples
from tinygrad_edu.losses import find_loss
from tinygrad_edu.nn import MLP, Layer, Module
from tinygrad_edu.optim import SGD

RATE: Final = 0.01
CLASSES: Final = 10
#: The side of a picture, of a filter, and of what a filter gives.
SIDE: Final = 8
FILTER: Final = 3
PLACES: Final = SIDE - FILTER + 1
FILTERS: Final = 8


class ConvolutionNet(Module):
    """8 filters of 3x3 pass over an 8x8 picture, ReLU, and a dense layer gives 10 scores."""

    def __init__(self, rng: random.Random) -> None:
        self.layers = [
            Layer(FILTER * FILTER, FILTERS, "relu", rng=rng),
            Layer(PLACES * PLACES * FILTERS, CLASSES, "linear", rng=rng),
        ]

    def __call__(self, x: list[Value]) -> list[Value]:
        """The scores for the 64 pixels."""
        filters, dense = self.layers
        return dense([a for patch in patches() for a in filters([x[i] for i in patch])])


@dataclass(frozen=True)
class Problem:
    """A net with the name of its loss and one batch, which stays the same in all steps."""

    model: MLP | ConvolutionNet
    loss: str
    X: Rows
    y: list[int]

    def start(self) -> tuple[list[Any], Rows, list[int], str, float]:
        """What another engine begins with: weights, data, loss, learning rate."""
        return arrays(self.model), self.X, self.y, self.loss, RATE

    def weights(self) -> list[tuple[Rows, list[float]]]:
        """W (units x inputs) and b of each layer."""
        parameters = arrays(self.model)
        return list(zip(parameters[::2], parameters[1::2], strict=True))


def arrays(model: MLP | ConvolutionNet) -> list[Any]:
    """The weights as nested lists: W (units x inputs) and b of each layer in turn."""
    lists: list[Any] = []
    for layer in model.layers:
        lists.append([[w.data for w in unit.w] for unit in layer.neurons])
        lists.append([unit.b.data for unit in layer.neurons])
    return lists


def problem() -> tuple[Rows, list[int]]:
    """The 100 points of the two moons, and their targets -1 and 1."""
    X, y = moons(100, noise=0.1, rng=1337)
    return X, [2 * label - 1 for label in y]


def regression() -> Problem:
    """2-16-16-1 on the 100 points of the moons, with squared error of the targets -1 and 1."""
    return Problem(MLP(2, [16, 16, 1], rng=1337), "squared_error", *problem())


def classifier(inputs: int, hidden: int, examples: int) -> Problem:
    """One hidden layer, 10 scores, softmax and cross entropy of a class number."""
    return Problem(
        MLP(inputs, [hidden, CLASSES], rng=1337), "cross_entropy", *pictures(inputs, examples)
    )


def convolution() -> Problem:
    """8x8 pictures, 8 filters of 3x3, 10 scores, 32 examples."""
    return Problem(ConvolutionNet(random.Random(1337)), "cross_entropy", *pictures(SIDE * SIDE, 32))


def pictures(inputs: int, examples: int) -> tuple[Rows, list[int]]:
    """Random numbers, mean 0 and variance 1, and random class numbers."""
    rng = random.Random(1337)
    X = [[rng.gauss(0, 1) for _ in range(inputs)] for _ in range(examples)]
    return X, [rng.randrange(CLASSES) for _ in range(examples)]


def patches() -> list[list[int]]:
    """The pixels under the filter, place by place and row by row."""
    return [
        [SIDE * (i + k) + j + h for k in range(FILTER) for h in range(FILTER)]
        for i in range(PLACES)
        for j in range(PLACES)
    ]


def by_filter(dense: Rows) -> Rows:
    """Weights of the dense layer with its inputs in the order of filters; ours is by places."""
    return [[w for k in range(FILTERS) for w in row[k::FILTERS]] for row in dense]


def matrix_step(given: Problem) -> Step:
    """Our matrix engine: an update as `fit` makes it, with its checks for inf and nan."""
    from tinygrad_edu.train.engines import matrix_descent
    from tinygrad_edu.train.training import Training

    optimizer = SGD(given.model.parameters(), lr=RATE)
    loss = find_loss(given.loss)
    X, y = examples(given.X, given.y)
    descent = matrix_descent(Training(given.model, loss, None, optimizer, X, y))
    batch = range(len(given.X))
    return lambda: descent.step(batch, 0)[0]
