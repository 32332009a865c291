"""Training and evaluation mode: steps are made in the one, models are measured in the other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, TypeVar

from tinygrad_edu.checks import flag, instance

#: The mode that steps and measurements give to modules for their time, by id; a ContextVar, so that
#: threads do not disturb each other.
_given: ContextVar[Mapping[int, bool]] = ContextVar("_given", default=MappingProxyType({}))


class HasMode:
    """What is used for training or for its results, and so are the parts below it."""

    @property
    def training(self) -> bool:
        """Whether the module is used for training (at first) or, after `eval()`, for its results.

        Within a step it is True and within a measurement False, for them alone: elsewhere, and in
        other threads, it stays what was set.
        """
        return _given.get().get(id(self), vars(self).get("training", True))

    @training.setter
    def training(self, training: bool) -> None:
        vars(self)["training"] = flag("training", training)

    def _below(self) -> list[Any]:
        """The modules below, each once."""
        return []


_Model = TypeVar("_Model", bound=HasMode)


def modules(model: _Model) -> list[_Model]:
    """The module and all modules below it, each once."""
    return [model, *instance("model", model, HasMode, "a module")._below()]


def modules_of(*models: Any) -> list[HasMode]:
    """The modules of models; none are known of a function."""
    return [part for model in models if isinstance(model, HasMode) for part in modules(model)]


@contextmanager
def in_mode(parts: Sequence[HasMode], *, training: bool) -> Iterator[None]:
    """These modules are in training (or evaluation) mode inside, in this context alone."""
    token = _given.set({**_given.get(), **{id(part): training for part in parts}})
    try:
        yield
    finally:
        _given.reset(token)
