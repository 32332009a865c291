"""What `detect_anomaly` looks for in both passes: the first inf or nan, and where it came from."""

from typing import Any


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
