"""The scalar engine: one graph of Values per batch, built example by example."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss
from tinygrad_edu.options import choose

Model = Callable[[Any], Any]
Penalty = Callable[[Any], Value]

#: From rows and targets to the mean loss (penalty included) and the outputs as numbers; the
#: gradients are then in the parameters.
BatchGradient = Callable[[Sequence[Any], Sequence[Any]], tuple[float, list[list[float]]]]
Engine = Callable[[Model, Loss, Penalty | None], BatchGradient]


def scalar_engine(model: Model, loss: Loss, penalty: Penalty | None) -> BatchGradient:
    """One graph of Values per batch, built example by example."""

    @_collector_paused()  # around it all: the graph is dropped before the collector is back
    def gradient(X: Sequence[Any], y: Sequence[Any]) -> tuple[float, list[list[float]]]:
        outputs = [model(x) for x in X]
        total = f.mean([loss(o, t) for o, t in zip(outputs, y, strict=True)])
        if penalty is not None:
            total = total + penalty(model)
        if not isinstance(total, Value) or not total.parents:
            raise TypeError(
                "there is nothing to differentiate: the loss must give a Value made from the "
                "output, outside of no_grad()"
            )
        total.backward()
        return total.data, [numbers_of(o) for o in outputs]

    return gradient


ENGINES: Final[dict[str, Engine]] = {"auto": scalar_engine, "scalar": scalar_engine}


def find_engine(engine: str | Engine) -> Engine:
    """The engine of that name, or the function itself. Raises ValueError for an unknown name."""
    return engine if callable(engine) else ENGINES[choose("engine", engine, ENGINES)]


def numbers_of(output: Any) -> list[float]:
    """The outputs of a model as plain numbers. Raises TypeError for anything but Values."""
    outputs = output if isinstance(output, (list, tuple)) else [output]
    for o in outputs:
        if not isinstance(o, Value):
            raise TypeError(f"a model gives a Value or a list of Values, got {type(o).__name__}")
    return [o.data for o in outputs]


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without cycles there is nothing for the collector to find, only much to look at."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
