"""The steps of the table in PyTorch (eager, its own SGD), JAX (compiled), micrograd (scalars)."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tinygrad_edu.bench.moons import Step
from tinygrad_edu.bench.nets import FILTER, RATE, SIDE, Problem, by_filter


def torch_regression_step(given: Problem) -> Step:
    """Two hidden layers with ReLU, one output, squared error."""
    torch = import_module("torch")
    f = torch.nn.functional
    X, parameters = torch.tensor(given.X, dtype=torch.float64), _torch_parameters(given)
    y = torch.tensor(given.y, dtype=torch.float64)[:, None]
    W1, b1, W2, b2, W3, b3 = parameters

    def loss() -> Any:
        A1 = f.relu(f.linear(X, W1, b1))
        A2 = f.relu(f.linear(A1, W2, b2))
        return f.mse_loss(f.linear(A2, W3, b3), y)

    return _torch_step(parameters, loss)


def torch_classifier_step(given: Problem) -> Step:
    """One hidden layer with ReLU, cross entropy of class numbers."""
    torch = import_module("torch")
    f = torch.nn.functional
    X, y = torch.tensor(given.X, dtype=torch.float64), torch.tensor(given.y)
    parameters = _torch_parameters(given)
    W1, b1, W2, b2 = parameters

    def loss() -> Any:
        return f.cross_entropy(f.linear(f.relu(f.linear(X, W1, b1)), W2, b2), y)

    return _torch_step(parameters, loss)


def torch_convolution_step(given: Problem) -> Step:
    """Filters with ReLU, a dense layer, cross entropy of class numbers."""
    torch = import_module("torch")
    f = torch.nn.functional
    X = torch.tensor(given.X, dtype=torch.float64).reshape(-1, 1, SIDE, SIDE)
    y = torch.tensor(given.y)
    filters, b1, dense, b2 = _torch_parameters(given)
    W1 = filters.detach().reshape(-1, 1, FILTER, FILTER).requires_grad_()
    W2 = torch.tensor(by_filter(dense.tolist()), dtype=torch.float64, requires_grad=True)

    def loss() -> Any:
        return f.cross_entropy(f.linear(f.relu(f.conv2d(X, W1, b1)).flatten(1), W2, b2), y)

    return _torch_step([W1, b1, W2, b2], loss)


def _torch_parameters(given: Problem) -> list[Any]:
    """W and b of each layer in turn."""
    torch = import_module("torch")
    return [
        torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
        for block in given.weights()
        for numbers in block
    ]


def _torch_step(parameters: list[Any], loss: Callable[[], Any]) -> Step:
    optimizer = import_module("torch").optim.SGD(parameters, lr=RATE)

    def step() -> float:
        found = loss()
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        return float(found.detach())

    return step


def jax_regression_step(given: Problem) -> Step:
    """The same; loss, gradient and update are compiled into one function."""
    jax, np = import_module("jax"), import_module("jax.numpy")
    X, y = np.array(given.X), np.array(given.y, float)[:, None]
    parameters = [np.array(numbers) for block in given.weights() for numbers in block]

    def loss(parameters: list[Any]) -> Any:
        W1, b1, W2, b2, W3, b3 = parameters
        A1 = jax.nn.relu(X @ W1.T + b1)
        A2 = jax.nn.relu(A1 @ W2.T + b2)
        return np.mean((A2 @ W3.T + b3 - y) ** 2)

    @jax.jit  # type: ignore[untyped-decorator]
    def update(parameters: list[Any]) -> Any:
        found, slopes = jax.value_and_grad(loss)(parameters)
        return found, [p - RATE * g for p, g in zip(parameters, slopes, strict=True)]

    def step() -> float:
        nonlocal parameters
        found, parameters = jax.block_until_ready(update(parameters))
        return float(found)

    return step


def micrograd_regression_step(given: Problem) -> Step:
    """The same, one Value for each product and each sum."""
    value = import_module("micrograd.engine").Value
    model = import_module("micrograd.nn").MLP(2, [16, 16, 1])
    for theirs, ours in zip(model.parameters(), given.model.parameters(), strict=True):
        theirs.data = ours.data

    def step() -> float:
        scores = [model([value(x) for x in row]) for row in given.X]
        losses = [(score - t) ** 2 for t, score in zip(given.y, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses))
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= RATE * p.grad
        return float(loss.data)

    return step
