"""The path of an optimizer over two parameters."""

from collections.abc import Callable

from tinygrad_edu.checks import whole
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.optim import Optimizer


def descent_path(
    loss: Callable[[], Value], w1: Value, w2: Value, optimizer: Optimizer, *, steps: int = 50
) -> list[tuple[float, float]]:
    """Where (w1, w2) are before and after each of `steps` updates: steps + 1 points.

    `loss` is called before each update; a loss of another example each time gives the path of
    online descent. The numbers and gradients of the parameters are put back, the optimizer keeps
    its state: take a new one for another path.
    """
    held = [(p, p.data, p.grad) for p in optimizer.parameters]
    path = [(w1.data, w2.data)]
    try:
        for _ in range(whole("steps", steps)):
            found = gradients(loss())
            for p in optimizer.parameters:
                p.grad = found.get(p, 0.0)
            optimizer.step()
            path.append((w1.data, w2.data))
    finally:
        for p, x, g in held:
            p.data, p.grad = x, g
    return path
