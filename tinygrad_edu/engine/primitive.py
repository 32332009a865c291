"""Primitive: one operation, its value and its slopes, written once over a namespace `m`."""

from collections.abc import Callable
from functools import partial
from math import copysign
from types import SimpleNamespace
from typing import Any, Final, Generic, Self, TypeVar, overload

from tinygrad_edu.checks import instance, number
from tinygrad_edu.namespace import floats, no_flow

V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])


class Node(Generic[V]):
    """What operations and the walk, whose files `Value` imports, know of it: slots and makers.

    One or two operands and their numbers stand in slots of their own, not in tuples: Python's
    collector, which takes most of the time that large graphs need, counts and visits objects.
    """

    __slots__ = ("_birth", "_float", "_grad", "_left", "_name", "_primitive", "_right", "_x_left", "_x_right", "_y")  # fmt: skip

    _float: float  # `data`, which the user may change
    _grad: float  # `grad`, or walk.UNREACHED
    _name: str | None
    _primitive: "Primitive | str"  # what made it; of a leaf its kind, such as "input"
    _left: V  # the first operand
    _right: Any  # the second, None without one; of several the tuple of all, or of their groups
    _y: float  # the result as the forward pass found it
    _x_left: float  # the operands, as `_left` and `_right` have them
    _x_right: Any
    _birth: int  # 0 of a leaf, else later than those of the operands: it sorts a graph

    _result: Callable[..., V]  # makes the result of an operation on this node and `_right`
    _constant: Callable[[float], V]  # makes a leaf of a number among the operands


class Primitive:
    """One operation: its value and its slopes, written once over a namespace `m` of functions.

    `value(m, *x)` gives y and `slopes(m, y, *x)` one local derivative dy/dx per parent. Both use
    only operators and functions of `m`, so that one record serves floats, arrays, Values, symbols:

        cube = Primitive("cube", lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))

    `kink(*x)`, if given, is true where the operation has no derivative: there the slopes are a
    convention, and views say so. Constants of the operation (an exponent, a negative slope) are
    keyword arguments of these functions, bound by the call: `leaky_relu(x, alpha=0.1)`.
    """

    __slots__ = ("_arity", "_bound", "_key", "_slopes", "_value", "constants", "kink", "name", "of_one", "slopes", "value")  # fmt: skip

    def __init__(
        self,
        name: str,
        value: Callable[..., Any],
        slopes: Callable[..., Any],
        kink: Callable[..., bool] | None = None,
        *,
        constants: dict[str, float] | None = None,
    ) -> None:
        if not isinstance(name, str) or not all(map(callable, (value, slopes, kink or value))):
            raise TypeError(
                "a Primitive is made of a name and two functions: "
                "Primitive('cube', lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))"
            )
        self.name, self.value, self.slopes, self.kink = name, value, slopes, kink
        constants = {} if constants is None else constants
        self.constants = instance("constants", constants, dict, "a dict of numbers by name")
        self._key = _key(self.constants)
        self._value = partial(value, **constants) if constants else value
        self._slopes = partial(slopes, **constants) if constants else slopes
        self.of_one = _of_one(self)
        self._bound: dict[Any, Self] = {}  # what `bind` gave before
        self._arity = -1  # the number of slopes that `check` found right the last time

    @overload
    def __call__(self, *x: float, **constants: float) -> float: ...
    @overload
    def __call__(self, *x: Node[V] | float, **constants: float) -> V: ...
    def __call__(self, *x: Any, **constants: float) -> Any:
        """The node y on Values and numbers; on plain numbers alone a plain number."""
        fixed = self.bind(**constants) if constants else self
        try:
            return fixed.of_one(x[0]) if len(x) == 1 and isinstance(x[0], Node) else fixed.of(x)
        except TypeError:
            fixed._check_fits(x)
            raise

    def _check_fits(self, x: tuple[Any, ...]) -> None:
        """Raise TypeError unless so many operands, and the constants, are those of the value."""
        from inspect import signature  # late: it takes long to import

        takes = signature(self.value)
        try:
            takes.bind(floats, *x, **self.constants)
        except TypeError as error:
            _, *names = takes.parameters
            raise TypeError(f"{self.name} takes {', '.join(names)}: {error}") from None

    def of(self, x: tuple[Any, ...]) -> Any:
        """The same for a tuple of operands: quicker where there are many."""
        try:
            numbers = [v._float for v in x]
            left, y = x[0], self._value(floats, *numbers)
        except (AttributeError, IndexError, TypeError):  # are there numbers among the operands?
            plain = [number(v, self.name) for v in x if not isinstance(v, Node)]
            if len(plain) == len(x):
                return number(self._value(floats, *plain), f"the value of {self.name}")
            if not plain:
                raise
            known = next(v for v in x if isinstance(v, Node))
            return self.of(tuple([v if isinstance(v, Node) else known._constant(v) for v in x]))
        if type(y) is not float:
            y = number(y, f"the value of {self.name}")
        right, x_right = (x[1], numbers[1]) if len(x) == 2 else (x, tuple(numbers))
        return left._result(self, y, numbers[0], right, x_right)

    def bind(self, **constants: float) -> Self:
        """The same operation with its constants fixed; equal constants give the same object."""
        key = _key(constants)
        fixed = self._bound.get(key)
        if fixed is None:
            fixed = type(self)(self.name, self.value, self.slopes, self.kink, constants=constants)
            if len(self._bound) < 1024:  # x**c for ever new c must not fill the memory
                self._bound[key] = fixed
        return fixed

    def check(self, slopes: object, parents: int) -> None:
        """Raise ValueError or TypeError unless there is one float per parent.

        The backward pass asks only when the number of parents is not that of the last time: an
        operation that was right once costs nothing.
        """
        if not isinstance(slopes, (tuple, list)):
            raise TypeError(
                f"the slopes of {self.name} must be a tuple with one slope per operand, got "
                f"{type(slopes).__name__}: write (slope,) with a comma for one operand"
            )
        if len(slopes) != parents:
            raise ValueError(f"{self.name} gave {len(slopes)} slopes for {parents} parents")
        for slope in slopes:
            if not isinstance(slope, (float, int)):
                raise TypeError(
                    f"the slopes of {self.name} must be floats, got {type(slope).__name__} "
                    f"{slope!r:.40}: write them with the operators and functions of m"
                )
        self._arity = parents

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Primitive):
            return NotImplemented
        return self.value is other.value and self.slopes is other.slopes and self._key == other._key

    def __hash__(self) -> int:
        return hash((self.value, self.slopes, self._key))

    def __repr__(self) -> str:
        constants = "".join(f", {k}={v!r}" for k, v in self.constants.items())
        return f"Primitive({self.name!r}{constants})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> Any:
        ours = primitives.get(self.name)
        if ours is None or ours.value is not self.value or ours.slopes is not self.slopes:
            raise TypeError(
                f"the operation {self.name!r} holds functions and cannot be pickled: "
                "save the model's numbers with model.save(path) instead"
            )
        return _find, (self.name, self.constants)


def _of_one(primitive: Primitive) -> Callable[[Any], Any]:
    """The operation on one Value as a function, which can be a method of Value."""
    name, value = primitive.name, primitive._value

    def method(self: Any) -> Any:
        x = self._float
        y = value(floats, x)
        if type(y) is not float:
            y = number(y, f"the value of {name}")
        return self._result(primitive, y, x, None, None)

    method.__name__, method.__qualname__ = name, f"Value.{name}"
    method.__doc__ = f"`functions.{name}` of this Value."
    return method


def _key(constants: dict[str, float]) -> tuple[tuple[str, float, float], ...]:
    """The constants by name, 0.0 and -0.0 kept apart."""
    try:
        hash(key := tuple([(k, x, copysign(1.0, x)) for k, x in sorted(constants.items())]))
        return key  # an array of one number has a sign, but no hash
    except (TypeError, ValueError, OverflowError):
        for name, x in constants.items():
            number(x, name)
        raise


def _find(name: str, constants: dict[str, float]) -> Primitive:
    return primitives[name].bind(**constants) if constants else primitives[name]


def primitive(
    slopes: Callable[..., Any], kink: Callable[..., bool] | None = None
) -> Callable[[Callable[..., Any]], Primitive]:
    """Make an operation of a function, its value; the decorator takes the slopes, and its `kink`.

    @primitive(lambda m, y, x: (3 * x * x,))
    def cube(m, x):
        return x * x * x
    """
    code = getattr(slopes, "__code__", None)
    if code is not None and code.co_argcount < 3 and not code.co_flags & 0x04:  # nor *args
        raise TypeError(
            "@primitive needs the slopes: write @primitive(lambda m, y, x: (...,)) above "
            f"def {slopes.__name__}(m, x)"
        )
    return lambda value: Primitive(getattr(value, "__name__", ""), value, slopes, kink)


#: The package's own operations by name, such as "dot".
primitives: Final[dict[str, Primitive]] = {}

#: The namespace `m` whose numbers are Values: the functions of functions.py, by which `grad` makes
#: a graph of the slopes.
on_values: Final[Any] = SimpleNamespace()


def builtin(name: str, *functions: Callable[..., Any]) -> Primitive:
    """An operation of the package itself: it stands in `primitives`, and can be pickled by name."""
    primitives[name] = Primitive(name, *functions)
    return primitives[name]


def register(function: F) -> F:
    """Enter a function of Values in `on_values`, under its name; also as a decorator."""
    name = function.name if isinstance(function, Primitive) else function.__name__
    setattr(on_values, name, function)
    return function


def _pow_slopes(m: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """d(x**y)/dx = y x**(y-1), d(x**y)/dy = x**y ln x, and 0 where x = 0 and y >= 0."""
    by_exponent = z * m.log(x)
    return (
        m.where(m.equal(y, 0.0), no_flow, y * m.pow(x, y - 1)),
        m.where(m.equal(x, 0.0), m.where(y >= 0, no_flow, by_exponent), by_exponent),
    )


# The arithmetic that Value's operators are made of. All other operations are in functions.py.
# fmt: off
add      = builtin("add",      lambda m, x, y: x + y,          lambda m, z, x, y: (1.0, 1.0))
subtract = builtin("subtract", lambda m, x, y: x - y,          lambda m, z, x, y: (1.0, -1.0))
multiply = builtin("multiply", lambda m, x, y: x * y,          lambda m, z, x, y: (y, x))
divide   = builtin("divide",   lambda m, x, y: m.divide(x, y), lambda m, z, x, y: (m.divide(1.0, y), -m.divide(z, y)))
negative = builtin("negative", lambda m, x: -x,                lambda m, y, x: (-1.0,))
absolute = builtin("abs",      lambda m, x: m.abs(x),          lambda m, y, x: (m.where(x > 0, 1.0, m.where(x < 0, -1.0, 0.0)),), lambda x: x == 0)
remainder = builtin("remainder", lambda m, x, y: m.remainder(x, y), lambda m, z, x, y: (1.0, m.where(m.equal(z, y), 1.0, m.divide(z - x, y))), lambda x, y: y != 0 and x % y == 0)
power    = builtin("power",    lambda m, x, c: m.pow(x, c),    lambda m, y, x, c: (no_flow if c == 0 else c * (x if c == 2 else m.pow(x, c - 1)),))
pow_     = builtin("pow",      lambda m, x, y: m.pow(x, y),    _pow_slopes)
# fmt: on
