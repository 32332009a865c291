"""A step of the table in JAX: loss, gradient and update of float64, compiled into one function."""

from importlib import import_module
from typing import Any

from tinygrad_edu.bench.moons import Step
from tinygrad_edu.bench.nets import RATE, Problem


def regression_step(given: Problem) -> Step:
    """Two hidden layers with ReLU, one output, squared error."""
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
