"""Three styles of a class `Value`, each in parts that a learner may write otherwise.

closures  as in micrograd: `_prev`, and `_backward`, which each operation makes
locals    as in microgpt: `_children` and `_local_grads`, one walk multiplies
tape      a list of all operations, walked from its end
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

#: Of each operation the value, from numbers.
VALUES: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "-": lambda a, b: a - b,
    "/": lambda a, b: a / b,
    "**": lambda a, c: a**c,
    "neg": lambda a: -a,
    "exp": math.exp,
    "log": math.log,
    "tanh": math.tanh,
    "relu": lambda a: max(a, 0.0),
}
#: Of each operation the slopes, from the result and the operands, all of them Values.
SLOPES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "+": lambda y, a, b: (1.0, 1.0),
    "*": lambda y, a, b: (b.data, a.data),
    "-": lambda y, a, b: (1.0, -1.0),
    "/": lambda y, a, b: (1 / b.data, -a.data / b.data**2),
    "**": lambda y, a, c: (c * a.data ** (c - 1),),
    "neg": lambda y, a: (-1.0,),
    "exp": lambda y, a: (y.data,),
    "log": lambda y, a: (1 / a.data,),
    "tanh": lambda y, a: (1 - y.data**2,),
    "relu": lambda y, a: (float(y.data > 0),),
}
LECTURE = ("+", "*", "**", "exp", "tanh")
MICROGRAD = ("+", "*", "**", "relu")
MICROGPT = ("+", "*", "**", "log", "exp", "relu")
ALL = tuple(VALUES)


class Base:
    """A number with the operators that its class has; the others are made of them."""

    has: tuple[str, ...] = ALL
    slopes = SLOPES

    def __init__(self, data: Any) -> None:
        self.data, self.grad = data, 0.0

    def __add__(self, other: Any) -> Any:
        return self._make("+", self, self._lift(other))

    def __mul__(self, other: Any) -> Any:
        return self._make("*", self, self._lift(other))

    def __pow__(self, c: float) -> Any:
        return self._make("**", self, c)

    def __neg__(self) -> Any:
        return self._make("neg", self) if "neg" in self.has else self * -1

    def __sub__(self, other: Any) -> Any:
        if "-" in self.has:
            return self._make("-", self, self._lift(other))
        return self + (-other)

    def __truediv__(self, other: Any) -> Any:
        if "/" in self.has:
            return self._make("/", self, self._lift(other))
        return self * other**-1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __rsub__(self, other: Any) -> Any:
        return self._lift(other) + (-self)

    def __rtruediv__(self, other: Any) -> Any:
        return self._lift(other) / self

    def _lift(self, other: Any) -> Any:
        return other if isinstance(other, Base) else type(self)(other)

    def _make(self, op: str, *operands: Any) -> Any:
        numbers = [v.data if isinstance(v, Base) else v for v in operands]
        out = type(self)(VALUES[op](*numbers))
        self._record(out, op, operands)
        return out

    def _record(self, out: Any, op: str, operands: tuple[Any, ...]) -> None:
        raise NotImplementedError

    # The chain rule, and how it reaches an operand.
    def _chain(self, op: str, slope: Any, out: Any) -> Any:
        return slope * out.grad

    def _give(self, op: str, operand: Any, amount: Any) -> None:
        operand.grad += amount


def operands_of(operands: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(v for v in operands if isinstance(v, Base))


def sorted_from(root: Any, inputs: str) -> list[Any]:
    """Every node once, after what it is made of."""
    order, visited = [], set()

    def visit(v: Any) -> None:
        if v not in visited:
            visited.add(v)
            for child in getattr(v, inputs):
                visit(child)
            order.append(v)

    visit(root)
    return order


class Closures(Base):
    """micrograd's way."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self._prev: tuple[Any, ...] = ()
        self._op = ""
        self._backward: Callable[[], None] = lambda: None

    def _record(self, out: Any, op: str, operands: tuple[Any, ...]) -> None:
        def back() -> None:
            for v, slope in zip(
                operands_of(operands), self.slopes[op](out, *operands), strict=True
            ):
                self._give(op, v, self._chain(op, slope, out))

        out._prev, out._op = operands_of(operands), op
        self._holder(out)._backward = back

    def _holder(self, out: Any) -> Any:
        return out

    def backward(self) -> None:
        self.grad = 1.0
        for v in reversed(sorted_from(self, "_prev")):
            v._backward()


class Locals(Base):
    """microgpt's way."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self._children: tuple[Any, ...] = ()
        self._local_grads: tuple[Any, ...] = ()

    def _record(self, out: Any, op: str, operands: tuple[Any, ...]) -> None:
        out._children = operands_of(operands)
        out._local_grads = self.slopes[op](out, *operands)

    def _pass_on(self) -> None:
        for child, slope in zip(self._children, self._local_grads, strict=False):
            self._give("", child, self._chain("", slope, self))

    def backward(self) -> None:
        self.grad = 1.0
        for v in reversed(sorted_from(self, "_children")):
            v._pass_on()


class Tape(Base):
    """A list of operations; the gradients of results are set to 0 before a pass."""

    tape: list[tuple[Any, str, tuple[Any, ...]]]

    def _record(self, out: Any, op: str, operands: tuple[Any, ...]) -> None:
        self.tape.append((out, op, operands))

    def _start(self) -> None:
        for out, _, _ in self.tape:
            out.grad = 0.0
        self.grad = 1.0

    def backward(self) -> None:
        self._start()
        for out, op, operands in reversed(self.tape):
            for v, slope in zip(
                operands_of(operands), self.slopes[op](out, *operands), strict=True
            ):
                self._give(op, v, self._chain(op, slope, out))
