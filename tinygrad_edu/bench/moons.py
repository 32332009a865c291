"""One full-batch step of the moons demo: forward, backward, update, against other engines.

They start from the same weights and compute the same loss as `our_step`: micrograd with scalars,
PyTorch, JAX and autograd with whole arrays of float64.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.bench.measure import Table, compare
from tinygrad_edu.bench.peers import installed, labelled, missing, one_thread_each
from tinygrad_edu.data import moons
from tinygrad_edu.losses import l2
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import train

GOAL: Final = 30.0
RATE: Final = 0.1
STRENGTH: Final = 1e-4

#: A step gives the loss before its update.
Step = Callable[[], float]
Rows = list[list[float]]


def moons_table(rounds: int) -> Table:
    """Our scalar engine, through `train`, against micrograd."""
    table = Table(
        "One full-batch step of the moons demo: forward, backward, SGD update\n"
        "(100 points, MLP 2-16-16-1, 337 parameters, mean hinge + 1e-4 sum p^2)",
        missing=missing(["micrograd"]),
    )
    X, y = problem()
    others = {}
    if installed("micrograd"):
        others[labelled("micrograd")] = micrograd_step(X, y)
    table.add("", compare(our_step(X, y), others, rounds, dict.fromkeys(others, GOAL)))
    return table


def problem() -> tuple[Rows, list[int]]:
    """The points and their targets -1 and 1."""
    X, y = moons(100, noise=0.1, rng=1337)
    return X, [2 * label - 1 for label in y]


def start() -> MLP:
    """The net with the weights that all engines start from."""
    return MLP(2, [16, 16, 1], init="uniform", rng=1337)


def our_step(X: Rows, y: list[int]) -> Step:
    """Our scalar engine."""
    model = start()
    steps = train(
        model,
        X,
        y,
        loss="hinge",
        optimizer=SGD(model.parameters(), lr=RATE),
        epochs=10**9,
        penalty=lambda model: l2(model.parameters(), STRENGTH),
        engine="scalar",
    )
    return lambda: next(steps).loss


def micrograd_step(X: Rows, y: list[int]) -> Step:
    """The program of micrograd's demo notebook: one Value for each product and each sum."""
    value = import_module("micrograd.engine").Value
    model = import_module("micrograd.nn").MLP(2, [16, 16, 1])
    for theirs, ours in zip(model.parameters(), start().parameters(), strict=True):
        theirs.data = ours.data

    def step() -> float:
        scores = [model([value(x) for x in row]) for row in X]
        losses = [(1 + -t * score).relu() for t, score in zip(y, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses))
        loss = loss + STRENGTH * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= RATE * p.grad
        return float(loss.data)

    return step


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
