"""The step of the moons demo against engines that work on whole arrays of float64.

They start from the same weights and compute the same loss as `moons.our_step`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.bench.measure import Table, compare
from tinygrad_edu.bench.moons import RATE, STRENGTH, Rows, Step, our_step, problem, start
from tinygrad_edu.bench.peers import installed, labelled, missing, one_thread_each


def arrays_table(rounds: int) -> Table:
    """Our scalar engine against PyTorch, JAX and autograd."""
    table = Table(
        "The same step against engines that work on arrays of float64\n"
        "(PyTorch eager on one thread, JAX compiled by jit, autograd on NumPy)",
        missing=missing(list(STEPS)),
    )
    X, y = problem()
    here = {name: step for name, step in STEPS.items() if installed(name)}
    with one_thread_each(here):
        others = {labelled(name): step(X, y) for name, step in here.items()}
        table.add("", compare(our_step(X, y), others, rounds))
    return table


def torch_step(X: Rows, y: list[int]) -> Step:
    """The whole batch as tensors of float64, eager."""
    torch = import_module("torch")
    double = {"dtype": torch.float64}
    inputs, targets = torch.tensor(X, **double), torch.tensor(y, **double)
    parameters = [torch.tensor(p, requires_grad=True, **double) for p in arrays()]
    optimizer = torch.optim.SGD(parameters, lr=RATE)

    def step() -> float:
        margins = targets * network(inputs, parameters, torch.relu)
        loss = torch.relu(1 - margins).mean()
        loss = loss + STRENGTH * sum((p * p).sum() for p in parameters)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def jax_step(X: Rows, y: list[int]) -> Step:
    """The whole batch as arrays of float64; gradient and update compiled into one function."""
    jax, np = import_module("jax"), import_module("jax.numpy")

    inputs, targets = np.array(X), np.array(y, float)
    parameters = [np.array(p) for p in arrays()]
    value_and_grad = jax.value_and_grad(lambda p: batch_loss(np, inputs, targets, p))

    def update(parameters: Any) -> Any:
        loss, slopes = value_and_grad(parameters)
        return loss, [p - RATE * g for p, g in zip(parameters, slopes, strict=True)]

    compiled = jax.jit(update)

    def step() -> float:
        nonlocal parameters
        loss, parameters = jax.block_until_ready(compiled(parameters))
        return float(loss)

    return step


def autograd_step(X: Rows, y: list[int]) -> Step:
    """The whole batch as arrays of NumPy."""
    autograd, np = import_module("autograd"), import_module("autograd.numpy")
    inputs, targets = np.array(X), np.array(y, float)
    parameters = [np.array(p) for p in arrays()]
    value_and_grad = autograd.value_and_grad(lambda p: batch_loss(np, inputs, targets, p))

    def step() -> float:
        loss, slopes = value_and_grad(parameters)
        for i, slope in enumerate(slopes):
            parameters[i] = parameters[i] - RATE * slope
        return float(loss)

    return step


STEPS: Final[dict[str, Callable[[Rows, list[int]], Step]]] = {
    "PyTorch": torch_step,
    "JAX": jax_step,
    "autograd": autograd_step,
}


def arrays() -> list[Any]:
    """The weights to start from as nested lists: W (units x inputs) and b of each layer in turn."""
    found: list[Any] = []
    for layer in start().layers:
        found.append([[w.data for w in neuron.w] for neuron in layer.neurons])
        found.append([neuron.b.data for neuron in layer.neurons])
    return found


def network(inputs: Any, parameters: Any, relu: Callable[[Any], Any]) -> Any:
    """The scores of all rows, n numbers, in array operations."""
    W1, b1, W2, b2, W3, b3 = parameters
    hidden = relu(inputs @ W1.T + b1)
    return (relu(hidden @ W2.T + b2) @ W3.T + b3)[:, 0]


def batch_loss(np: Any, inputs: Any, targets: Any, parameters: Any) -> Any:
    """The loss of the whole batch in the functions of NumPy."""

    def relu(x: Any) -> Any:
        return np.maximum(x, 0.0)

    margins = targets * network(inputs, parameters, relu)
    return np.mean(relu(1 - margins)) + STRENGTH * sum(np.sum(p * p) for p in parameters)
