"""Steps in PyTorch (eager, its own SGD), JAX (compiled), and micrograd (scalars)."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.bench.measure import Rows, Step
from tinygrad_edu.bench.nets import FILTER, RATE, SIDE, ConvolutionNet, Problem, arrays, by_filter

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


def torch_step(given: Problem) -> Step:
    """A step of a net of the table."""
    if isinstance(given.model, ConvolutionNet):
        return torch_convolution_step(given)
    step = torch_dense(*given.start())
    return lambda: float(step(None)[0])


def jax_step(given: Problem) -> Step:
    """A step of a dense net of the table."""
    step = jax_dense(*given.start())
    return lambda: float(step(None)[0])


def torch_convolution_step(given: Problem) -> Step:
    """Filters with ReLU, a dense layer, cross entropy of class numbers."""
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
