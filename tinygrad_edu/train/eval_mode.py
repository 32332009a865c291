"""Training and evaluation mode: steps are made in the one, models are measured in the other."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tinygrad_edu.nn import Module, modules


def modules_of(*models: Any) -> list[Module]:
    """The modules of models; none are known of a function."""
    return [part for model in models if isinstance(model, Module) for part in modules(model)]


@contextmanager
def in_mode(parts: Sequence[Module], *, training: bool) -> Iterator[None]:
    """These modules are in training (or evaluation) mode inside; afterwards as they were."""
    others = [module for module in parts if module.training != training]
    try:
        for module in others:
            module.training = training
        yield
    finally:
        for module in others:
            module.training = not training


def training_mode(*models: Any) -> AbstractContextManager[None]:
    """The models are in training mode inside; afterwards as they were."""
    return in_mode(modules_of(*models), training=True)


def eval_mode(*models: Any) -> AbstractContextManager[None]:
    """The models are in evaluation mode inside; afterwards as they were."""
    return in_mode(modules_of(*models), training=False)
