"""Modes: whether nodes are recorded (`no_grad`), checked (`detect_anomaly`), traced.

Checked: for the first inf or nan in either pass, and where it came from.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

#: `tracer(event, v, *details)` is told what happens to a Value besides the graph it becomes part
#: of. The engine has none; `vectorize.trace.Recorder` is one, and says which events there are.
Tracer = Callable[..., Any]


class Mode(NamedTuple):
    """What happens to a new node."""

    recording: bool = True
    checking: bool = False
    tracer: Tracer | None = None


#: None stands for the usual mode; a ContextVar, so that threads do not disturb each other.
current: ContextVar[Mode | None] = ContextVar("tinygrad_edu mode", default=None)
_USUAL = Mode()


def mode() -> Mode:
    """The mode here."""
    return current.get() or _USUAL


@contextmanager
def _switched(**change: Any) -> Iterator[None]:
    token = current.set(mode()._replace(**change))
    try:
        yield
    finally:
        current.reset(token)


def no_grad() -> AbstractContextManager[None]:
    """Context manager or decorator: inside, results are plain leaves and nothing is recorded.

    A generator that is paused inside switches recording off for its caller, until it goes on.
    """
    return _switched(recording=False)


def detect_anomaly() -> AbstractContextManager[None]:
    """Context manager or decorator: the first inf or nan raises NonFiniteError, in either pass.

    The error names the node, its operation, its inputs and the expression around it.
    """
    return _switched(checking=True)


def tracing(tracer: Tracer) -> AbstractContextManager[None]:
    """Context manager: inside, nodes are recorded and `tracer` is told of every use of a Value."""
    return _switched(tracer=tracer, recording=True, checking=False)


def tell(event: str, v: object, *details: object) -> Any:
    """Tell the tracer, if there is one, and give its answer."""
    tracer = mode().tracer
    return None if tracer is None else tracer(event, v, *details)


class NonFiniteError(FloatingPointError):
    """Under `detect_anomaly` a number became inf or nan."""


def check_backward(v: Any) -> None:
    """Raise NonFiniteError if what `v` passed on made the grad of a parent inf or nan."""
    for p, slope in zip(v.parents, v.slopes(), strict=True):
        if p._grad - p._grad != 0:
            raise NonFiniteError(
                f"backward: {v._primitive.name} passed grad {v._grad!r} * slope {float(slope)!r} "
                f"to {expression_of(p, 1)}, whose grad became {p._grad!r}, in {expression_of(v)}"
            )


def check_forward(v: Any) -> None:
    """Raise NonFiniteError if the number of a result is inf or nan."""
    if v._float - v._float != 0:
        _, *x = v._numbers()
        inputs = ", ".join(map(repr, x[:4])) + ", ..." * (len(x) > 4)
        raise NonFiniteError(
            f"forward: {v._primitive.name} of ({inputs}) gave {v._float!r}, in {expression_of(v)}"
        )


def expression_of(v: Any, depth: int = 3) -> str:
    """The operations that made `v` as a text, `depth` levels deep; leaves show name and number."""
    if not v._birth or depth == 0:
        name = v._name or ("..." if v._birth else "")
        return f"{name}={v._float!r}" if name else repr(v._float)
    operands = [expression_of(p, depth - 1) for p in v.parents[:4]]
    more = ", ..." * (len(v.parents) > 4)
    return f"{v._primitive.name}({', '.join(operands)}{more})"
