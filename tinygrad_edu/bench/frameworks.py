"""Steps in PyTorch (eager, its own SGD), JAX (compiled), and micrograd (scalars)."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tinygrad_edu.bench.measure import Rows, Step
from tinygrad_edu.bench.nets import FILTER, RATE, SIDE, Problem, arrays, by_filter


def torch_regression_step(given: Problem) -> Step:
    """Hidden layers with ReLU, one output, squared error."""
    torch = import_module("torch")
    y = torch.tensor(given.y, dtype=torch.float64)[:, None]
    return _torch_dense_step(given, lambda o: torch.nn.functional.mse_loss(o, y))


def torch_classifier_step(given: Problem) -> Step:
    """Hidden layers with ReLU, cross entropy of class numbers."""
    torch = import_module("torch")
    y = torch.tensor(given.y)
    return _torch_dense_step(given, lambda o: torch.nn.functional.cross_entropy(o, y))


def _torch_dense_step(given: Problem, loss_of: Callable[[Any], Any]) -> Step:
    torch = import_module("torch")
    f = torch.nn.functional
    X = torch.tensor(given.X, dtype=torch.float64)
    parameters = torch_parameters(arrays(given.model))
    *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)

    def loss() -> Any:
        A = X
        for W, b in hidden:
            A = f.relu(f.linear(A, W, b))
        return loss_of(f.linear(A, *last))

    return torch_descent(parameters, loss)


def torch_convolution_step(given: Problem) -> Step:
    """Filters with ReLU, a dense layer, cross entropy of class numbers."""
    torch = import_module("torch")
    f = torch.nn.functional
    X = torch.tensor(given.X, dtype=torch.float64).reshape(-1, 1, SIDE, SIDE)
    y = torch.tensor(given.y)
    filters, b1, dense, b2 = torch_parameters(arrays(given.model))
    W1 = filters.detach().reshape(-1, 1, FILTER, FILTER).requires_grad_()
    W2 = torch.tensor(by_filter(dense.tolist()), dtype=torch.float64, requires_grad=True)

    def loss() -> Any:
        return f.cross_entropy(f.linear(f.relu(f.conv2d(X, W1, b1)).flatten(1), W2, b2), y)

    return torch_descent([W1, b1, W2, b2], loss)


def torch_parameters(lists: list[Any]) -> list[Any]:
    """Tensors of float64 to be trained."""
    torch = import_module("torch")
    return [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in lists]


def torch_descent(parameters: list[Any], loss: Callable[[], Any]) -> Step:
    """A function that makes an update with PyTorch's own SGD."""
    optimizer = import_module("torch").optim.SGD(parameters, lr=RATE)

    def step() -> float:
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return float(value.detach())

    return step


def jax_regression_step(given: Problem) -> Step:
    """The same; loss, gradient and update are compiled into one function."""
    jax, np = import_module("jax"), import_module("jax.numpy")
    X, y = np.array(given.X), np.array(given.y, float)[:, None]

    def loss(parameters: list[Any]) -> Any:
        W1, b1, W2, b2, W3, b3 = parameters
        A1 = jax.nn.relu(X @ W1.T + b1)
        A2 = jax.nn.relu(A1 @ W2.T + b2)
        return np.mean((A2 @ W3.T + b3 - y) ** 2)

    def update(parameters: list[Any]) -> Any:
        value, slopes = jax.value_and_grad(loss)(parameters)
        return value, [p - RATE * g for p, g in zip(parameters, slopes, strict=True)]

    compiled, parameters = jax.jit(update), list(map(np.array, arrays(given.model)))

    def step() -> float:
        nonlocal parameters
        value, parameters = jax.block_until_ready(compiled(parameters))
        return float(value)

    return step


def micrograd_regression_step(given: Problem) -> Step:
    """The same, one Value for each product and each sum."""
    return micrograd_descent(given.model, given.X, given.y, lambda score, t: (score - t) ** 2)


def micrograd_descent(
    start: Any,
    X: Rows,
    y: list[int],
    loss_of: Callable[[Any, int], Any],
    *,
    rate: float = RATE,
    strength: float = 0.0,
) -> Step:
    """As in the demo notebook of micrograd: mean loss and penalty, backward pass, update."""
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
