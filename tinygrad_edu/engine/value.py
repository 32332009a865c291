"""Value: a number that remembers how it was made, its arithmetic and its gradient."""

import itertools
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any, ClassVar, Final

from tinygrad_edu.checks import is_real, number
from tinygrad_edu.engine import modes, other_names
from tinygrad_edu.engine.grouped import row
from tinygrad_edu.engine.primitive import Node, Primitive, primitives
from tinygrad_edu.engine.walk import chain_rule, toposort
from tinygrad_edu.namespace import UNREACHED, floats

_current_mode = modes.current.get
_births = itertools.count(1)

_powers: Final[dict[float, Primitive]] = {}  # x**c by c
_COMPARISONS: Final = {"<": lt, "<=": le, ">": gt, ">=": ge, "equal": eq, "!=": ne}


def constant(x: float) -> "Value":
    """A leaf for a number that a formula mentions, as the 2 in `2 * v`."""
    v: Value = next(_blank)
    v._float = x if type(x) is float else number(x)
    v._grad, v._name, v._primitive, v._birth = UNREACHED, None, "constant", 0
    return v


def parameter(x: float, name: str | None = None) -> "Value":
    """A leaf that training changes; drawings tell it apart from inputs."""
    v: Value = next(_blank)
    v._float = x if type(x) is float else number(x, "a parameter")
    v._grad, v._name, v._primitive, v._birth = UNREACHED, None, "parameter", 0
    if name is not None:
        v.name = name
    return v


def _result(
    left: "Value", primitive: Primitive, y: float, x_left: float, right: Any, x_right: Any
) -> "Value":
    """The result of an operation; its operands and numbers are given as `Node` has them."""
    v: Value = next(_blank)
    v._float = v._y = y
    v._grad, v._name, v._primitive = UNREACHED, None, primitive
    v._left, v._right = left, right
    v._x_left, v._x_right = x_left, x_right
    v._birth = next(_births)
    mode = _current_mode()
    if mode is not None:
        if mode.checking:
            modes.check_forward(v)
        if mode.tracer is not None:
            mode.tracer("made", v, mode.recording)
        if not mode.recording:
            return constant(y)
    return v


def _operators(name: str) -> tuple[Callable[[Any, Any], "Value"], ...]:
    """The methods for `self op other` and `other op self`."""
    primitive = primitives[name]
    value = primitive.value

    def forward(self: "Value", other: Any) -> Any:
        if not isinstance(other, Value):
            if type(other) is not float and not is_real(other):
                return NotImplemented
            other = constant(other)
        x, y = self._float, other._float
        return _result(self, primitive, value(floats, x, y), x, other, y)

    def reflected(self: "Value", other: Any) -> Any:
        return forward(constant(other), self) if is_real(other) else NotImplemented

    return forward, reflected


def compare(sign: str, v: "Value", other: "Value | float") -> bool:
    """Whether the numbers stand in this relation: "<", "<=", ">", ">=", "equal" or "!="."""
    number = other._float if isinstance(other, Value) else other
    outcome = bool(_COMPARISONS[sign](v._float, number))  # NumPy's numbers give a NumPy bool
    if _current_mode() is not None:
        modes.tell("compared", v, sign, other, outcome)
    return outcome


def _comparison(sign: str) -> Callable[["Value", Any], bool]:
    def method(self: "Value", other: Any) -> Any:
        known = isinstance(other, Value) or is_real(other)
        return compare(sign, self, other) if known else NotImplemented

    return method


class Value(Node["Value"]):
    """A real number in a graph, with the gradient that the last backward pass found for it.

    `data` is any real number (int, float, bool, Fraction, NumPy scalar) and becomes a float; `name` is
    shown in drawings. Integers beyond 2**53 are rounded. Raises TypeError for anything else.

    Operators take Values and numbers on either side and give Values. Comparisons compare `data`; `==`
    and `hash` are identity, so that nodes can be keys (compare numbers with `v.data == 1.0`). Python's
    own `max` and `min` pick one operand, which then gets the whole gradient; `maximum` splits ties.
    Subclasses are welcome; the result of an operation is a plain Value. One graph belongs to one thread.
    A graph of any depth is freed with its root; on CPython 3.13 in a thread with a stack of 1 MiB or more.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, data: float, name: str | None = None, label: None = None) -> None:
        self._float, self._grad, self._name = number(data), UNREACHED, None
        self._primitive, self._birth = "input", 0
        if name is not None or label is not None:
            self.name = other_names.name_of(name, label)

    @property
    def name(self) -> str | None:
        """What drawings and errors call this node."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"name is a text for drawings, got {type(name).__name__}: "
                "a new operation is made with @primitive, not with parents given to Value"
            )
        self._name = name

    @property
    def data(self) -> float:
        """The number. Assigning changes it for later operations; a recorded graph keeps its own."""
        if _current_mode() is not None:
            modes.tell("read", self)
        return self._float

    @data.setter
    def data(self, x: float) -> None:
        self._float = x if type(x) is float else number(x, f"the data of {self.name or 'a Value'}")

    @property
    def grad(self) -> float:
        """d(root)/d(self): leaves add up over backward passes, inner nodes show the last one."""
        if _current_mode() is not None:
            modes.tell("read", self)
        return 0.0 if self._grad is UNREACHED else float(self._grad)

    @grad.setter
    def grad(self, x: float) -> None:
        if type(x) is not float:
            x = number(x, f"the grad of {self.name or 'a Value'}")
        self._grad = x or UNREACHED

    @property
    def flow(self) -> float:
        """`grad` as the chain rule multiplies it: `no_flow` where the pass found that nothing flows."""
        return self._grad

    @property
    def reached(self) -> bool:
        """Whether a backward pass has reached this node since its gradient was last set to 0."""
        return self._grad is not UNREACHED

    @property
    def op(self) -> Primitive | None:
        """The operation that made this node; None for a leaf."""
        return None if isinstance(self._primitive, str) else self._primitive

    @property
    def kind(self) -> str:
        """How a leaf came about: "input", "parameter" or "constant"; else "result"."""
        return self._primitive if isinstance(self._primitive, str) else "result"

    @property
    def parents(self) -> tuple["Value", ...]:
        """What this node was made from, in order, repeats kept: `a * a` has two parents."""
        return row(self._left, self._right) if self._birth else ()

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of the forward pass: (y, *x), that of the result, then of each parent."""
        if _current_mode() is not None:
            modes.tell("read", self)
        return self._numbers()

    def _numbers(self) -> tuple[float, ...]:
        """The same, and no tracer is told that somebody looked."""
        if not self._birth:
            return (self._float,)
        return (self._y, *row(self._x_left, self._x_right))

    def slopes(self) -> tuple[float, ...]:
        """dy/dx for each parent x as the operation gives it, `no_flow` where nothing flows back.

        From the numbers of the forward pass. Raises TypeError or ValueError unless the operation
        gives one number per parent.
        """
        if isinstance(self._primitive, str):
            return ()
        slopes = self._primitive.slopes(floats, *self._numbers(), **self._primitive.constants)
        self._primitive.check(slopes, len(self.parents))
        return tuple(slopes)

    def local_derivatives(self) -> tuple[float, ...]:
        """The slopes as plain floats, 0.0 for `no_flow`."""
        return tuple([float(slope) for slope in self.slopes()])

    def backward(self, gradient: float = 1.0) -> None:
        """The chain rule, from this node back to the leaves: `parent.grad += grad * slope`.

        Leaves accumulate into `.grad` (zero it between steps); inner nodes are overwritten, so a
        second pass over the same graph is right. The order is fixed and any depth is fine. After
        an interruption gradients are undefined until they are zeroed.
        """
        gradient = number(gradient, "gradient")
        order = toposort(self)
        for inner in order:
            inner._grad = UNREACHED
        self._grad += gradient
        chain_rule(order, checking=modes.mode().checking)

    # fmt: off
    __add__,     __radd__     = _operators("add")
    __sub__,     __rsub__     = _operators("subtract")
    __mul__,     __rmul__     = _operators("multiply")
    __truediv__, __rtruediv__ = _operators("divide")
    __mod__,     __rmod__     = _operators("remainder")
    _pow,        __rpow__     = _operators("pow")

    def __pow__(self, c: Any) -> "Value":
        power = _powers.get(c) if type(c) is float or type(c) is int else None
        if power is None:
            if isinstance(c, Value):    return self._pow(c)
            if not is_real(c):          return NotImplemented
            power = primitives["power"].bind(c=number(c))
            if c and len(_powers) < 1024:  # 0.0 and -0.0 are one key
                _powers[c] = power
        return _result(self, power, power.value(floats, x := self._float, c), x, None, None)

    def __pos__(self) -> "Value":       return self

    __neg__       = primitives["negative"].of_one
    __abs__ = abs = primitives["abs"].of_one

    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")

    def __bool__(self) -> bool:         return compare("!=", self, 0.0)

    def _attached(self) -> "Value":
        """A function of one operand: functions.py attaches each of them where it defines it."""
        raise NotImplementedError("import tinygrad_edu.functions")

    acos = acosh = asin = asinh = atan = atanh = cos = cosh = erf = exp = exp2 = expm1 = gelu = _attached
    log = log10 = log1p = log2 = log_sigmoid = relu = sigmoid = sign = silu = sin = sinh = _attached
    softplus = sqrt = step = tan = tanh = _attached
    # fmt: on
    elu: ClassVar[Callable[..., "Value"]]
    leaky_relu: ClassVar[Callable[..., "Value"]]

    __array_ufunc__ = other_names.of_numpy
    _result, _constant = _result, staticmethod(constant)

    __float__ = __int__ = __round__ = other_names.no_number

    def __format__(self, spec: str) -> str:
        return format(self._float, spec) if spec else repr(self)

    def __repr__(self) -> str:
        name = f", name={self.name!r:.40}" if self.name else ""
        op = f", op={self.op.name}" if self.op else ""
        return f"Value(data={self._float!r}, grad={self.grad!r}{name}{op})"

    def __reduce__(self) -> Any:
        if self._birth:
            raise TypeError(
                f"{self!r} is the result of an operation and cannot be copied or pickled without "
                "its graph: copy its number, Value(v.data), or copy the model"
            )
        return _restore, (type(self), self._float, self._grad or None, self._primitive, self.name)


other_names.add_to(Value)
#: Values whose slots are empty: a call of object.__new__ in Python takes a quarter longer.
_blank: Final = itertools.starmap(object.__new__, itertools.repeat((Value,)))


def _restore(cls: type[Value], x: float, g: float | None, kind: str, name: str | None) -> Value:
    v = cls(x, name)
    v._grad, v._primitive = UNREACHED if g is None else g, kind
    return v
