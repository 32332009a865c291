"""Modes: whether nodes are recorded (`no_grad`), checked (`detect_anomaly`), watched."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from tinygrad_edu.engine.node import Node
    from tinygrad_edu.engine.sample import Sample
    from tinygrad_edu.engine.value import Value


class NonFiniteError(FloatingPointError):
    """Under `detect_anomaly` a number became inf or nan."""


class Watcher(Protocol):
    """Who wants to know what a function does with Values besides the graph it builds."""

    def made(self, v: "Value", recorded: bool) -> None:
        """An operation gave `v`."""

    def read(self, v: "Node") -> None:
        """The number of `v` was read: `v.data`."""

    def compared(self, sign: str, v: "Value", other: "Value | float", outcome: bool) -> None:
        """Two numbers were compared, as in `v < other`, or as `v != 0` in `if v`."""

    def drawn(self, v: "Sample") -> float:
        """The number of a new sample, in place of one from its generator."""


class Mode(NamedTuple):
    """What happens to a new node."""

    recording: bool = True
    checking: bool = False
    watcher: Watcher | None = None


#: None stands for the usual mode; a ContextVar, so that threads do not disturb each other.
current: ContextVar[Mode | None] = ContextVar("tinygrad_edu mode", default=None)


@contextmanager
def _switched(**change: Any) -> Iterator[None]:
    token = current.set((current.get() or Mode())._replace(**change))
    try:
        yield
    finally:
        current.reset(token)


def no_grad() -> AbstractContextManager[None]:
    """Context manager or decorator: inside, results are plain leaves and nothing is recorded."""
    return _switched(recording=False)


def detect_anomaly() -> AbstractContextManager[None]:
    """Context manager or decorator: the first inf or nan raises NonFiniteError, in either pass.

    The error names the node, its operation, its inputs and the expression around it.
    """
    return _switched(checking=True)


def recording() -> bool:
    """Whether nodes are recorded here, outside of `no_grad`."""
    mode = current.get()
    return mode is None or mode.recording


def checking() -> bool:
    """Whether every number is checked here, inside of `detect_anomaly`."""
    mode = current.get()
    return mode is not None and mode.checking


def watched(watcher: Watcher) -> AbstractContextManager[None]:
    """Context manager: inside, nodes are recorded and `watcher` is told of every use of a Value."""
    return _switched(watcher=watcher, recording=True, checking=False)


def check_forward(v: "Value") -> None:
    """Raise NonFiniteError if the number of `v` is inf or nan."""
    if v._float - v._float != 0:
        inputs = ", ".join(repr(x) for x in v._numbers[1:5]) + ", ..." * (len(v._numbers) > 5)
        raise NonFiniteError(
            f"forward: {v._op} of ({inputs}) gave {v._float!r}, in {expression(v)}"
        )


def check_backward(v: "Value") -> None:
    """Raise NonFiniteError if what `v` passed on made the grad of a parent inf or nan."""
    for p, slope in zip(v._parents, v.local_derivatives(), strict=True):
        if p._grad - p._grad != 0:
            raise NonFiniteError(
                f"backward: {v._op} passed grad {v._grad!r} * slope {slope!r} to "
                f"{expression(p, 1)}, whose grad became {p._grad!r}, in {expression(v)}"
            )


def expression(v: "Value", depth: int = 3) -> str:
    """The operations that made `v` as a text, `depth` levels deep; leaves show name and number."""
    if not v._parents or depth == 0:
        name = v.name or (v._op and "...")
        return f"{name}={v._float!r}" if name else repr(v._float)
    shown = [expression(p, depth - 1) for p in v._parents[:4]]
    return f"{v._op}({', '.join(shown)}{', ...' * (len(v._parents) > 4)})"
