"""Phases: a model is in training mode while steps are made and in evaluation mode when measured."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.nn import Module, modules


def modules_of(model: Any) -> list[Module]:
    """The modules of a model; none are known of a function."""
    return modules(model) if isinstance(model, Module) else []


@contextmanager
def phase(found: Sequence[Module], *, training: bool) -> Iterator[None]:
    """These modules are in training (or evaluation) mode inside; afterwards as they were."""
    others = [module for module in found if module.training != training]
    try:
        for module in others:
            module.training = training
        yield
    finally:
        for module in others:
            module.training = not training
