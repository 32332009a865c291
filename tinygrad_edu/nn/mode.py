"""Training and evaluation mode: steps are made in the one, models are measured in the other.

And how modules are made: as a user makes them, as parts of another, for the numbers of a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from tinygrad_edu.checks import flag, instance
from tinygrad_edu.nn.model_file import MAX_PARAMETERS

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


class Making(NamedTuple):
    """How modules are made just now."""

    most: int = MAX_PARAMETERS  # how many parameters one may have
    whose: str = "nn.MAX_PARAMETERS"  # and who says so
    named: bool = True  # whether it names them itself, not the one that it is made for
    drawn: bool = True  # whether weights are drawn, not left at 0 since a file has them


current: ContextVar[Making] = ContextVar("current", default=Making())  # noqa: B039


@contextmanager
def making(**changes: Any) -> Iterator[None]:
    """Modules are made in this way inside, in this context alone."""
    token = current.set(current.get()._replace(**changes))
    try:
        yield
    finally:
        current.reset(token)


def check_count(what: str, n: int) -> None:
    """Raise ValueError if `what`, in the plural, would have too many parameters."""
    most, whose, *_ = current.get()
    if n > most:
        raise ValueError(f"{what} have {n:,} parameters, more than the {most:,} of {whose}")


def check_size(sizes: Sequence[int]) -> None:
    """Raise ValueError if layers of these sizes would have too many parameters."""
    count = sum((nin + 1) * nout for nin, nout in pairwise(sizes))
    check_count(f"layers of {', '.join(map(str, sizes))}", count)
