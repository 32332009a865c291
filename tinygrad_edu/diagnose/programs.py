"""Programs by which engines are judged, and what our own Values give for them."""

from functools import cache
from types import CodeType
from typing import Any, Final

from tinygrad_edu.diagnose.faults import FUNCTIONS, RIGHT, Fault
from tinygrad_edu.engine import Value, toposort

#: The leaves of every program.
POINT: Final = {"a": 1.5, "b": 0.4, "c": -0.7}
#: Functions of positive numbers alone.
_POSITIVE: Final = ("log", "sqrt")
#: Where the code of a program comes from, in a traceback.
_PLACE: Final = "<program>"

#: One operation, then several, then numbers that are used twice.
_ARITHMETIC: Final = ("y = a + b", "y = a * b", "y = a ** 3", "y = b ** -1", "y = a ** 0.5")
_SEVERAL: Final = ("y = (a + b) * c", "y = a * b + c", "y = a * b * c", "y = (a + b) ** 3 * c")
_SHARED: Final = (
    "y = a + a", "y = a * a", "y = a * b + a", "y = a ** 3 + a", "y = a + a ** 3 + a ** 2",
    "d = a * b; y = d + d", "d = a * b; y = (d + d * b) * d", "d = a + a; e = d + d; y = e + e",
    "d = a + b; y = d * c * b + d", "d = a + b; y = d + d * c * b",
    "d = a + b; e = d * c; y = e * d + e", "d = a + b; e = b + a; y = d * e * c",
    "d = a * b; e = d * d; y = (e + d) * e",
)  # fmt: skip
_DEEP: Final = ("y = a\nfor k in range(30): y = y * b + a",)
#: Operations that many classes make of others.
DERIVED: Final = (
    "y = a - b", "y = -a", "y = a / b", "y = (a - b) * c", "y = -a * b", "y = a / b * c",
    "y = a - a * b", "y = a / b + a", "y = b / a - b", "d = a - b; y = d * d / a",
)  # fmt: skip
WITH_NUMBERS: Final = (
    "y = a + 2", "y = a * 3", "y = 3 * a", "y = 2 + a", "y = a - 2", "y = 2 - a", "y = a / 2",
    "y = 2 / a",
)  # fmt: skip
TWICE: Final = "y = a * b; y.backward(); a.grad = b.grad = 0.0"
AGAIN: Final = (
    TWICE,
    "y = a * b + a; y.backward(); a.grad = b.grad = 0.0; y = a * b + b",
    "y = a + b; y.backward(); a.grad = b.grad = 0.0; y = (a + b) * a * b",
)
#: What is told of a class that is right.
RECURSIVE: Final = "y = a\nfor k in range(3000): y = y + b"
INNER: Final = "d = a * b; y = d * c; y.backward(); a.grad = b.grad = c.grad = 0.0"


@cache
def programs() -> tuple[str, ...]:
    """The programs in their order, the smallest first."""
    few = [
        f"y = {x}.{f}()" for f in FUNCTIONS for x in "ac" if x == "a" or f not in _POSITIVE
    ]  # fmt: skip
    several = [
        text.format(f=f)
        for text in ("y = a.{f}() * c", "y = a.{f}() + a", "d = (a * b).{f}(); y = d * d + a.{f}()")
        for f in FUNCTIONS
    ]
    return (
        *_ARITHMETIC, *few, *_SEVERAL, *_SHARED, *several, *_DEEP, *DERIVED, *WITH_NUMBERS,
        *AGAIN,
    )  # fmt: skip


@cache
def code(program: str, passed: str = "y.backward()") -> CodeType:
    """A program with its last line, or with another text for its passes."""
    text = f"{program}\ny.backward()".replace("y.backward()", passed)
    return compile(text, _PLACE, "exec")


def run_ours(program: str, fault: Fault = RIGHT) -> dict[str, Any]:
    """The names of a program after it was run with our Values and a pass that has this slip."""
    names: dict[str, Any] = {name: Value(x) for name, x in POINT.items()}
    exec(code(program, "backward(y)"), {"backward": fault.engine()}, names)
    return names


def graph(program: str) -> list[Value]:
    """The results of a program, in their order."""
    return toposort(run_ours(program)["y"])


def shares_results(program: str) -> bool:
    """Whether a result of a program is used more than once."""
    used = [p for v in graph(program) for p in v.parents if p.op]
    return len(used) > len(set(used))
