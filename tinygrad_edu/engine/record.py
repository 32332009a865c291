"""Record: one operation, its value and its slopes, written over a namespace of functions."""

from collections.abc import Callable
from functools import partial
from math import copysign
from types import SimpleNamespace
from typing import Any, Final, Self

from tinygrad_edu import namespace as floats

#: The namespace `m` whose numbers are Values. `functions.py` fills it: an operation is defined on
#: Values there, and Value's methods and `grad` find it here.
functions: Final[Any] = SimpleNamespace()


class Record:
    """One operation: its value and its slopes, written once over a namespace `m` of functions.

    `value(m, *x)` gives y and `slopes(m, y, *x)` one local derivative dy/dx per parent. Both use
    only operators and functions of `m`, so that one record serves floats, arrays, Values, symbols:

        cube = Primitive("cube", lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))

    Constants of the operation (an exponent, a negative slope) are keyword arguments of both
    functions, bound by the call: `leaky_relu(x, alpha=0.1)`.
    """

    __slots__ = (
        "_arity",
        "_bound",
        "_key",
        "_slopes",
        "_value",
        "constants",
        "name",
        "slopes",
        "value",
    )

    def __init__(
        self,
        name: str,
        value: Callable[..., Any],
        slopes: Callable[..., Any],
        *,
        constants: dict[str, float] | None = None,
    ) -> None:
        if not isinstance(name, str) or not callable(value) or not callable(slopes):
            raise TypeError(
                "a Primitive is made of a name and two functions: "
                "Primitive('cube', lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))"
            )
        self.name, self.value, self.slopes = name, value, slopes
        self.constants = constants or {}
        self._key = _key(self.constants)
        self._value = partial(value, floats, **self.constants)
        self._slopes = partial(slopes, floats, **self.constants)
        self._bound: dict[Any, Self] = {}
        self._arity = -1

    def bind(self, **constants: float) -> Self:
        """The same operation with its constants fixed; equal constants give the same object."""
        key = _key(constants)
        bound = self._bound.get(key)
        if bound is None:
            bound = type(self)(self.name, self.value, self.slopes, constants=constants)
            if len(self._bound) < 1024:
                self._bound[key] = bound
        return bound

    def check(self, slopes: object, parents: int) -> None:
        """Raise ValueError or TypeError unless there is one float per parent.

        Asked when the number of parents differs from the last time, so that it costs nothing.
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
        if not isinstance(other, Record):
            return NotImplemented
        return self.value is other.value and self.slopes is other.slopes and self._key == other._key

    def __hash__(self) -> int:
        return hash((self.value, self.slopes, self._key))

    def __repr__(self) -> str:
        constants = "".join(f", {k}={v!r}" for k, v in self.constants.items())
        return f"{type(self).__name__}({self.name!r}{constants})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> Any:
        if vars(functions).get(self.name) != self:
            raise TypeError(
                f"the operation {self.name!r} holds functions and cannot be pickled: "
                "save the model's numbers with model.save(path) instead"
            )
        return _find, (self.name,)


def _key(constants: dict[str, float]) -> tuple[tuple[str, float, float], ...]:
    """The constants by name, 0.0 and -0.0 kept apart."""
    return tuple([(name, x, copysign(1.0, x)) for name, x in sorted(constants.items())])


def _find(name: str) -> Record:
    found: Record = getattr(functions, name)
    return found
