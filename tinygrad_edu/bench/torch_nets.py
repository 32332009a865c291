"""The steps of the table in PyTorch: eager tensors of float64 and its own SGD."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tinygrad_edu.bench.moons import Step
from tinygrad_edu.bench.nets import FILTER, RATE, SIDE, Problem, by_filter


def regression_step(given: Problem) -> Step:
    """Two hidden layers with ReLU, one output, squared error."""
    torch = import_module("torch")
    f = torch.nn.functional
    X, parameters = torch.tensor(given.X, dtype=torch.float64), _parameters(given)
    y = torch.tensor(given.y, dtype=torch.float64)[:, None]
    W1, b1, W2, b2, W3, b3 = parameters

    def loss() -> Any:
        A1 = f.relu(f.linear(X, W1, b1))
        A2 = f.relu(f.linear(A1, W2, b2))
        return f.mse_loss(f.linear(A2, W3, b3), y)

    return _step(parameters, loss)


def classifier_step(given: Problem) -> Step:
    """One hidden layer with ReLU, cross entropy of class numbers."""
    torch = import_module("torch")
    f = torch.nn.functional
    X, y = torch.tensor(given.X, dtype=torch.float64), torch.tensor(given.y)
    parameters = _parameters(given)
    W1, b1, W2, b2 = parameters

    def loss() -> Any:
        return f.cross_entropy(f.linear(f.relu(f.linear(X, W1, b1)), W2, b2), y)

    return _step(parameters, loss)


def convolution_step(given: Problem) -> Step:
    """Filters with ReLU, a dense layer, cross entropy of class numbers."""
    torch = import_module("torch")
    f = torch.nn.functional
    X = torch.tensor(given.X, dtype=torch.float64).reshape(-1, 1, SIDE, SIDE)
    y = torch.tensor(given.y)
    filters, b1, dense, b2 = _parameters(given)
    W1 = filters.detach().reshape(-1, 1, FILTER, FILTER).requires_grad_()
    W2 = torch.tensor(by_filter(dense.tolist()), dtype=torch.float64, requires_grad=True)

    def loss() -> Any:
        return f.cross_entropy(f.linear(f.relu(f.conv2d(X, W1, b1)).flatten(1), W2, b2), y)

    return _step([W1, b1, W2, b2], loss)


def _parameters(given: Problem) -> list[Any]:
    """W and b of each layer in turn."""
    torch = import_module("torch")
    return [
        torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
        for block in given.weights()
        for numbers in block
    ]


def _step(parameters: list[Any], loss: Callable[[], Any]) -> Step:
    optimizer = import_module("torch").optim.SGD(parameters, lr=RATE)

    def step() -> float:
        found = loss()
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        return float(found.detach())

    return step
