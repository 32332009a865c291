"""The nets of the table of steps, and a step of them: ours, in PyTorch, in JAX, in micrograd.

All begin with the same weights. PyTorch is eager and has its own SGD, JAX is compiled.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
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


#: One update on chosen examples, None for all: the mean loss before it, and the outputs.
Update = Callable[[Any], tuple[Any, Any]]

#: Our losses -> PyTorch's.
TORCH_LOSSES: Final = {
    "squared_error": "mse_loss",
    "binary_cross_entropy_with_logits": "binary_cross_entropy_with_logits",
    "cross_entropy": "cross_entropy",
}


def torch_dense(
    weights: list[Any], X: Any, y: Any, loss: str, rate: float, momentum: float = 0.0
) -> Update:
    """Hidden layers with ReLU, and a loss of ours by its name."""
    torch = import_module("torch")
    f = torch.nn.functional
    loss_of = getattr(f, TORCH_LOSSES[loss])
    X = torch.tensor(X, dtype=torch.float64)
    y = torch.tensor(y) if loss == "cross_entropy" else torch.tensor(y, dtype=X.dtype)[:, None]
    parameters = torch_parameters(weights)
    *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
    optimizer = torch.optim.SGD(parameters, lr=rate, momentum=momentum)

    def step(chosen: Any) -> tuple[float, Any]:
        A, t = X, y
        if chosen is not None:
            chosen = torch.from_numpy(chosen)
            A, t = X[chosen], y[chosen]
        for W, b in hidden:
            A = f.relu(f.linear(A, W, b))
        Z = f.linear(A, *last)
        value = loss_of(Z, t)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return float(value.detach()), Z.detach()

    return step


@cache
def _jax_update(loss: str, rate: float, momentum: float) -> Any:
    """A step on chosen rows as one compiled function, of which JAX keeps one for each shape."""
    jax, np = import_module("jax"), import_module("jax.numpy")

    def mean_loss(parameters: list[Any], X: Any, y: Any) -> Any:
        *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
        A = X
        for W, b in hidden:
            A = jax.nn.relu(A @ W.T + b)
        Z = A @ last[0].T + last[1]
        if loss == "cross_entropy":
            return -np.mean(jax.nn.log_softmax(Z)[np.arange(len(y)), y]), Z
        z = Z[:, 0]
        if loss == "squared_error":
            return np.mean((z - y) ** 2), Z
        return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-abs(z)))), Z

    def update(parameters: list[Any], moved: list[Any], X: Any, y: Any, chosen: Any) -> Any:
        X, y = (X, y) if chosen is None else (X[chosen], y[chosen])
        given, moves = jax.value_and_grad(mean_loss, has_aux=True)(parameters, X, y)
        if momentum:
            moves = moved = [momentum * v + g for v, g in zip(moved, moves, strict=True)]
        return given, [p - rate * v for p, v in zip(parameters, moves, strict=True)], moved

    return jax.jit(update)


def jax_dense(
    weights: list[Any], X: Any, y: Any, loss: str, rate: float, momentum: float = 0.0
) -> Update:
    """The same; one compiled function chooses rows, goes forward and back, and updates."""
    np, update = import_module("jax.numpy"), _jax_update(loss, rate, momentum)
    X, y = np.array(X, float), np.array(y, int if loss == "cross_entropy" else float)
    parameters = [np.array(p) for p in weights]
    moved = [np.zeros_like(p) for p in parameters]

    def step(chosen: Any) -> Any:
        nonlocal parameters, moved
        given, parameters, moved = update(parameters, moved, X, y, chosen)
        return given

    return step


def dense_step(dense: Callable[..., Update], given: Problem) -> Step:
    """A step of a dense net of the table, in PyTorch or JAX."""
    step = dense(*given.start())
    return lambda: float(step(None)[0])


def torch_step(given: Problem) -> Step:
    """A step of a net of the table in PyTorch."""
    if not isinstance(given.model, ConvolutionNet):
        return dense_step(torch_dense, given)
    torch = import_module("torch")
    f = torch.nn.functional
    X = torch.tensor(given.X, dtype=torch.float64).reshape(-1, 1, SIDE, SIDE)
    y = torch.tensor(given.y)
    filters, b1, dense, b2 = torch_parameters(arrays(given.model))
    W1 = filters.detach().reshape(-1, 1, FILTER, FILTER).requires_grad_()
    W2 = torch.tensor(by_filter(dense.tolist()), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([W1, b1, W2, b2], lr=RATE)

    def step() -> float:
        hidden = f.relu(f.conv2d(X, W1, b1)).flatten(1)
        value = f.cross_entropy(f.linear(hidden, W2, b2), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return float(value.detach())

    return step


def torch_parameters(lists: list[Any]) -> list[Any]:
    """Tensors of float64 to be trained."""
    torch = import_module("torch")
    return [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in lists]


def micrograd_descent(
    start: Any,
    X: Rows,
    y: list[int],
    loss_of: Callable[[Any, int], Any],
    *,
    rate: float = RATE,
    strength: float = 0.0,
) -> Step:
    """The program of micrograd's demo notebook: one Value for each product and each sum."""
    value = import_module("micrograd.engine").Value
    model = import_module("micrograd.nn").MLP(2, [16, 16, 1])
    for theirs, ours in zip(model.parameters(), start.parameters(), strict=True):
        theirs.data = ours.data

    def step() -> float:
        scores = [model([value(x) for x in row]) for row in X]
        losses = [loss_of(score, t) for score, t in zip(scores, y, strict=True)]
        loss = sum(losses) * (1.0 / len(losses))
        if strength:
            loss = loss + strength * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        return float(loss.data)

    return step
