"""Training and evaluation mode: steps are made in the one, models are measured in the other.

And how modules are made: as a user makes them, as parts of another, for the numbers of a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from itertools import count, pairwise, repeat
from typing import Any, Final, NamedTuple, TypeVar

from tinygrad_edu.checks import flag, instance
from tinygrad_edu.nn.model_file import MAX_PARAMETERS


class Mode(NamedTuple):
    """How modules are made and used here."""

    given: Mapping[int, bool] = {}  # by id, the mode for a step or a measurement
    most: int = MAX_PARAMETERS  # how many parameters one may have
    whose: str = "nn.MAX_PARAMETERS"  # and who says so
    places: Iterator[str] = repeat("")  # with which the names in the next one begin: "layer1."
    drawn: bool = True  # whether weights are drawn, not left at 0 since a file has them


_USUAL: Final = Mode()
#: A ContextVar, so that threads do not disturb each other.
current: Final = ContextVar("tinygrad_edu nn mode", default=_USUAL)


@contextmanager
def switched(**changes: Any) -> Iterator[None]:
    """Modules are made and used in this way inside, in this context alone."""
    token = current.set(current.get()._replace(**changes))
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def parts(name: str) -> Iterator[None]:
    """The modules made inside are name1, name2, ... of the one that they are made for."""
    place = next(current.get().places)
    with switched(places=(f"{place}{name}{k}." for k in count(1))):
        yield


class HasMode:
    """What is used for training or for its results, and so are the parts below it."""

    @property
    def training(self) -> bool:
        """Whether the module is used for training (at first) or, after `eval()`, for its results.

        Within a step it is True and within a measurement False, for them alone: elsewhere, and in
        other threads, it stays what was set.
        """
        return current.get().given.get(id(self), vars(self).get("training", True))

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


def in_mode(parts: Sequence[HasMode], *, training: bool) -> AbstractContextManager[None]:
    """These modules are in training (or evaluation) mode inside, in this context alone."""
    return switched(given={**current.get().given, **{id(part): training for part in parts}})


def check_count(what: str, n: int) -> None:
    """Raise ValueError if `what`, in the plural, would have too many parameters."""
    _, most, whose, *_ = current.get()
    if n > most:
        raise ValueError(f"{what} have {n:,} parameters, more than the {most:,} of {whose}")


def check_size(sizes: Sequence[int]) -> None:
    """Raise ValueError if layers of these sizes would have too many parameters."""
    n = sum((nin + 1) * nout for nin, nout in pairwise(sizes))
    check_count(f"layers of {', '.join(map(str, sizes))}", n)
