"""Value: a number that remembers how it was made, and Primitive, the operation that makes one."""

import itertools
import operator
from collections.abc import Callable
from typing import Any, Final, overload

from tinygrad_edu import namespace as floats
from tinygrad_edu.checks import is_real, number
from tinygrad_edu.engine import modes
from tinygrad_edu.engine.node import UNREACHED, Node
from tinygrad_edu.engine.record import Record, functions
from tinygrad_edu.namespace import no_flow


class Primitive(Record):
    """One operation on Values; see `Record` for what its two functions are."""

    __slots__ = ()

    @overload
    def __call__(self, *x: float, **constants: float) -> float: ...
    @overload
    def __call__(self, *x: Any, **constants: float) -> "Value": ...
    def __call__(self, *x: Any, **constants: float) -> Any:
        """The node y on Values and numbers; on plain numbers alone a plain number."""
        if len(x) == 1 and not constants and isinstance(x[0], Value):
            return _unary(self, x[0])
        return (self.bind(**constants) if constants else self).of(x)

    def of(self, x: tuple[Any, ...]) -> Any:
        """The same for a tuple of operands."""
        try:
            numbers = [v._float for v in x]
        except AttributeError:
            if not any(isinstance(v, Value) for v in x):
                return number(
                    self._value(*[number(v, self.name) for v in x]), f"the value of {self.name}"
                )
            x = tuple(
                [v if isinstance(v, Value) else _leaf(number(v, self.name), "constant") for v in x]
            )
            numbers = [v._float for v in x]
        y = self._value(*numbers)
        if type(y) is not float:
            y = number(y, f"the value of {self.name}")
        return _node(self, y, x, (y, *numbers))


# The arithmetic that Value's operators, and the chain rule itself, are made of. All other operations
# are in functions.py.
# fmt: off
add      = Primitive("add",      lambda m, x, y: x + y,          lambda m, z, x, y: (1.0, 1.0))
subtract = Primitive("subtract", lambda m, x, y: x - y,          lambda m, z, x, y: (1.0, -1.0))
multiply = Primitive("multiply", lambda m, x, y: x * y,          lambda m, z, x, y: (y, x))
divide   = Primitive("divide",   lambda m, x, y: m.divide(x, y), lambda m, z, x, y: (m.divide(1.0, y), -m.divide(z, y)))
negative = Primitive("negative", lambda m, x: -x,                lambda m, y, x: (-1.0,))
absolute = Primitive("abs",      lambda m, x: m.abs(x),          lambda m, y, x: (m.where(x > 0, 1.0, m.where(x < 0, -1.0, 0.0)),))
# fmt: on


def _power_slope(m: Any, y: Any, x: Any, c: float) -> tuple[Any]:
    """d(x**c)/dx = c x**(c-1); x**0 is the constant 1 and lets nothing through."""
    if c == 0:
        return (no_flow,)
    return (c * (x if c == 2 else m.pow(x, c - 1)),)


def _pow_slopes(m: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """d(x**y)/dx = y x**(y-1), d(x**y)/dy = x**y ln x, and 0 where x = 0 and y >= 0."""
    by_exponent = z * m.log(x)
    return (
        m.where(m.equal(y, 0.0), no_flow, y * m.pow(x, y - 1)),
        m.where(m.equal(x, 0.0), m.where(y >= 0, no_flow, by_exponent), by_exponent),
    )


power = Primitive("power", lambda m, x, c: m.pow(x, c), _power_slope)
pow_ = Primitive("pow", lambda m, x, y: m.pow(x, y), _pow_slopes)


_new = object.__new__
_current_mode = modes.current.get
_next_birth = itertools.count(1).__next__


def constant(x: float) -> "Value":
    """A leaf for a number that a formula mentions, as the 2 in `2 * v`."""
    return _leaf(number(x), "constant")


def parameter(x: float, name: str | None = None) -> "Value":
    """A leaf that training changes; drawings tell it apart from inputs."""
    v = _leaf(number(x, "a parameter"), "parameter")
    v.name = name
    return v


def _leaf(x: float, kind: str) -> "Value":
    v = _new(Value)
    v._float = x
    v._grad = UNREACHED
    v._name = None
    v._primitive = kind
    v._parents = ()
    v._numbers = ()
    v._birth = 0
    return v


def _node(
    primitive: Primitive, y: float, parents: tuple["Value", ...], numbers: tuple[float, ...]
) -> "Value":
    """The result of an operation, with the numbers (y, *x) of its forward pass."""
    v = _new(Value)
    v._float = y
    v._grad = UNREACHED
    v._name = None
    v._primitive = primitive
    v._parents = parents
    v._numbers = numbers
    v._birth = _next_birth()
    mode = _current_mode()
    if mode is not None:
        if mode.checking:
            modes.check_forward(v)
        if mode.watcher is not None:
            mode.watcher.made(v, mode.recording)
        if not mode.recording:
            return constant(y)
    return v


def _unary(primitive: Primitive, v: "Value") -> "Value":
    """`primitive(v)` for the methods: one operand, known to be a Value."""
    x = v._float
    y = primitive._value(x)
    if type(y) is not float:
        y = number(y, f"the value of {primitive.name}")
    return _node(primitive, y, (v,), (y, x))


def _operators(primitive: Primitive) -> tuple[Callable[[Any, Any], "Value"], ...]:
    """The methods for `self op other` and `other op self`."""
    value = primitive.value

    def forward(self: "Value", other: Any) -> Any:
        if not isinstance(other, Value):
            if not is_real(other):
                return NotImplemented
            other = constant(other)
        x, y = self._float, other._float
        z = value(floats, x, y)
        return _node(primitive, z, (self, other), (z, x, y))

    def reflected(self: "Value", other: Any) -> Any:
        if not is_real(other):
            return NotImplemented
        return forward(constant(other), self)

    return forward, reflected


_COMPARISONS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "equal": operator.eq,
    "!=": operator.ne,
}


def compare(sign: str, v: "Value", other: "Value | float") -> bool:
    """Whether the numbers stand in this relation: "<", "<=", ">", ">=", "equal" or "!="."""
    number = other._float if isinstance(other, Value) else other
    outcome = bool(_COMPARISONS[sign](v._float, number))  # NumPy's numbers give a NumPy bool
    mode = _current_mode()
    if mode is not None and mode.watcher is not None:
        mode.watcher.compared(sign, v, other, outcome)
    return outcome


def _comparison(sign: str) -> Callable[["Value", Any], bool]:
    def method(self: "Value", other: Any) -> Any:
        if isinstance(other, Value) or is_real(other):
            return compare(sign, self, other)
        return NotImplemented

    return method


class Value(Node):
    """A real number in a graph, with the gradient that the last backward pass found for it.

    `data` is any real number (int, float, bool, Fraction, NumPy scalar) and becomes a float; `name` is
    shown in drawings. Integers beyond 2**53 are rounded. Raises TypeError for anything else.

    Operators take Values and numbers on either side and give Values. Comparisons compare `data`; `==`
    and `hash` are identity, so that nodes can be keys (compare numbers with `v.data == 1.0`). Python's
    own `max` and `min` pick one operand, which then gets the whole gradient; `maximum` splits ties.
    Subclasses are welcome; the result of an operation is a plain Value. One graph belongs to one thread.
    """

    __slots__ = ()

    def __init__(self, data: float, name: str | None = None) -> None:
        self._float = number(data)
        self._grad = UNREACHED
        self.name = name
        self._primitive = "input"
        self._parents = ()
        self._numbers = ()
        self._birth = 0

    # fmt: off
    __add__,     __radd__     = _operators(add)
    __sub__,     __rsub__     = _operators(subtract)
    __mul__,     __rmul__     = _operators(multiply)
    __truediv__, __rtruediv__ = _operators(divide)
    _pow,        __rpow__     = _operators(pow_)

    def __pow__(self, c: Any) -> "Value":
        if isinstance(c, Value):        return self._pow(c)
        if is_real(c):           return _unary(power.bind(c=number(c)), self)
        return NotImplemented

    def __neg__(self) -> "Value":       return _unary(negative, self)
    def __pos__(self) -> "Value":       return self
    def __abs__(self) -> "Value":       return _unary(absolute, self)

    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")

    def __bool__(self) -> bool:         return compare("!=", self, 0.0)

    def abs(self) -> "Value":           return _unary(absolute, self)
    def acos(self) -> "Value":          return _unary(functions.acos, self)
    def asin(self) -> "Value":          return _unary(functions.asin, self)
    def atan(self) -> "Value":          return _unary(functions.atan, self)
    def cos(self) -> "Value":           return _unary(functions.cos, self)
    def cosh(self) -> "Value":          return _unary(functions.cosh, self)
    def elu(self, alpha: float = 1.0) -> "Value":          return functions.elu(self, alpha)  # type: ignore[no-any-return]
    def exp(self) -> "Value":           return _unary(functions.exp, self)
    def expm1(self) -> "Value":         return _unary(functions.expm1, self)
    def gelu(self) -> "Value":          return _unary(functions.gelu, self)
    def leaky_relu(self, alpha: float = 0.01) -> "Value":  return functions.leaky_relu(self, alpha)  # type: ignore[no-any-return]
    def log(self) -> "Value":           return _unary(functions.log, self)
    def log1p(self) -> "Value":         return _unary(functions.log1p, self)
    def relu(self) -> "Value":          return _unary(functions.relu, self)
    def sigmoid(self) -> "Value":       return _unary(functions.sigmoid, self)
    def sign(self) -> "Value":          return _unary(functions.sign, self)
    def silu(self) -> "Value":          return _unary(functions.silu, self)
    def sin(self) -> "Value":           return _unary(functions.sin, self)
    def sinh(self) -> "Value":          return _unary(functions.sinh, self)
    def softplus(self) -> "Value":      return _unary(functions.softplus, self)
    def sqrt(self) -> "Value":          return _unary(functions.sqrt, self)
    def step(self) -> "Value":          return _unary(functions.step, self)
    def tan(self) -> "Value":           return _unary(functions.tan, self)
    def tanh(self) -> "Value":          return _unary(functions.tanh, self)
    # fmt: on

    def _no_number(self, *_: Any) -> Any:
        raise TypeError(
            "turning a Value into a number would cut the graph: write v.data for the number, or stay in "
            "the graph with v.exp(), v.sqrt(), ... in place of math.exp(v), math.sqrt(v), ..."
        )

    __float__ = __int__ = __round__ = _no_number

    def __format__(self, spec: str) -> str:
        return format(self._float, spec) if spec else repr(self)
