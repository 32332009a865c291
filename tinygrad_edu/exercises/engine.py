"""The exercises of lessons 1 to 3 and chapter R2 that judge more than a result.

A part of a reader's engine, which lesson 3 builds, stands in an engine whose other parts are right,
and `diagnose_engine` judges the whole.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final

from tinygrad_edu.calculus import GradientError, gradcheck
from tinygrad_edu.diagnose import SLIPS, diagnose_engine, diagnose_slopes
from tinygrad_edu.engine import Primitive, Value, grad, toposort
from tinygrad_edu.exercises.answers import (
    AnswerError,
    Right,
    asked,
    described,
    diagnosed,
    equal,
    read_list,
    read_number,
    read_numbers,
)
from tinygrad_edu.files import packaged_table


def _is_second_difference(answer: Any) -> bool:
    of_sine = _second_difference(answer, math.sin, 0.7, 1e-3)
    of_parabola = _second_difference(answer, lambda x: 3 * x * x + x, 2.0, 0.5)
    return equal(-math.sin(0.7), 1e-4)(of_sine) and equal(6.0)(of_parabola)


def _second_difference(answer: Any, f: Callable[[float], float], x: float, h: float) -> float:
    places: set[float] = set()

    def noted(at: Any) -> float:
        places.add(round((read_number(at) - x) / h, 6))
        return f(at)

    found = asked(answer, noted, x, h, read=read_number)
    if places != {-1.0, 0.0, 1.0}:
        raise AnswerError("f is to be asked at x - h, x and x + h, all three and nowhere else")
    return found


def _is_sort(answer: Any) -> bool:
    return all(_sorts(answer, root) for root in _graphs())


def _sorts(answer: Any, root: Value) -> bool:
    nodes = toposort(root, leaves=True)
    order = asked(answer, root, read=lambda found: read_list(found, None, "Values"))
    if len(order) != len(nodes) or {*order} != {*nodes}:
        return False
    place = {v: k for k, v in enumerate(order)}
    return all(place[v] < place[p] for v in nodes for p in v.parents)


def _graphs() -> list[Value]:
    """A leaf, a shared node on either side of a sum, a lattice, and 2^16 paths."""
    x = Value(3.0)
    s = x**2
    p = 5 * s
    q = p + s
    doubled = x
    for _ in range(16):
        doubled = doubled + doubled
    return [x, s + p, p + s, q + p, p * q + q * s, doubled]


def _is_record(answer: Any) -> bool:
    """Whether y = 1 / (1 + x^2) is written as a record: its value and two derivatives."""
    if not isinstance(answer, Primitive):
        raise AnswerError(
            "the answer is the function under @primitive(lambda m, y, x: (...,)), and this is "
            + described(answer)
        )
    f: Any = answer
    slope = "its slope at {:g} is wrong: d(1/v)/dx = -1/v^2 * dv/dx, and y = 1/v"
    second = "its second derivative at {:g} is wrong: write the slope with m, x and y alone"
    for x in (-2.0, -0.4, 0.0, 1.0, 3.0):
        if not asked(answer, x, read=equal(1 / (1 + x * x), 1e-9)):
            raise AnswerError(f"its value at {x:g} is not 1 / (1 + x^2)")
        derivative: Any = lambda v: grad(f(v), v)  # noqa: E731
        for g, said in ((f, slope), (derivative, second)):
            if not asked(partial(_passes, g), x, read=bool):
                slip = diagnose_slopes(answer).slip
                why = f" ({SLIPS[slip]})" if slip and slip != "unknown" else ""
                raise AnswerError(said.format(x) + why)
    return True


def _passes(f: Any, point: float) -> bool:
    try:
        return gradcheck(f, point)
    except GradientError:
        return False


class _Node:
    """A Value as lesson 3 builds it; an engine has its operations as methods."""

    def __init__(self, data: float, parents: Any = (), local_grads: Any = ()) -> None:
        self.data, self.grad = data, 0.0
        self.parents, self.local_grads = parents, local_grads

    def __repr__(self) -> str:
        return f"Value({self.data})"


#: The methods of an engine, by the exercises that ask for them.
_PARTS: Final = {
    "3.1": "__add__", "3.2": "__mul__", "3.3": "__pow__", "3.4": "tanh", "3.6": "backward",
}  # fmt: skip


@cache
def _solved() -> dict[str, Any]:
    """What the solutions give for the parts of an engine."""
    tables, names = packaged_table("exercises/build.toml"), dict[str, Any]()
    parts = {}
    for number in _PARTS:
        exec(tables[number]["solution"], names)
        parts[number] = names["answer"]
    return parts


def _engine(asked_for: str = "", answer: Any = None) -> type[Any]:
    """An engine whose part that an exercise asks for is the reader's, and all others are right."""
    parts = _solved() | {asked_for: answer}

    def method(number: str) -> Callable[..., _Node]:
        def operation(self: _Node, *others: Any) -> _Node:
            if number != "3.3":  # whose exponent is a plain number, as no other operand stays
                others = tuple([x if isinstance(x, _Node) else type(self)(x) for x in others])
            return type(self)(*asked(parts[number], self, *others, read=_read_node))

        return operation

    methods: dict[str, Any] = {name: method(number) for number, name in _PARTS.items()}
    methods["backward"] = lambda self: asked(parts["3.6"], self, read=lambda found: None)
    return type("Value", (_Node,), methods)


def _read_node(found: Any) -> tuple[float, list[Any], list[float]]:
    """The number, the parents and the local gradients of what a part has made."""
    data, parents, slopes = (getattr(found, k, None) for k in ("data", "parents", "local_grads"))
    if isinstance(found, _Node) or parents is None or slopes is None:
        raise AnswerError(
            "a Value of the lesson is asked for, made with its number, its parents and its local "
            f"gradients, and this is {described(found)}"
        )
    parents = read_list(parents, None, "parents")
    if not all(isinstance(p, _Node) for p in parents):
        raise AnswerError("its parents are to be the Values that were given")
    return read_number(data), parents, read_numbers(slopes, len(parents))


def _is_part(number: str, answer: Any) -> bool:
    return diagnosed(diagnose_engine, _engine(number, answer))


def _kept(name: str) -> Callable[..., Any]:
    plain = getattr(float, name)

    def operation(self: float, *others: Any) -> Any:
        found = plain(self, *others)
        return found if found is NotImplemented else Number(found)

    return operation


#: A number with the operations of an engine, whose results are such numbers: it can stand in for a
#: Value of the reader's class, which nobody here knows, and meet one in a sum or product.
Number: Final[Any] = type(
    "Number",
    (float,),
    {f"__{sign}{name}__": _kept(f"__{sign}{name}__") for sign in ("", "r")
     for name in ("add", "sub", "mul", "truediv", "pow")}
    | {"__neg__": _kept("__neg__"), "tanh": lambda self: Number(math.tanh(self))},
)  # fmt: skip


def _read_result(found: Any) -> float:
    """The number of a Value of the reader's class, or of a Number."""
    x = found if isinstance(found, Number) else getattr(found, "data", None)
    if not isinstance(x, (int, float)):
        raise AnswerError(f"a Value is asked for, and this is {described(found)}")
    return float(x)


#: What reads the answers of functions that are given such numbers.
READ: Final[dict[str, Callable[[Any], Any]]] = {
    "value": _read_result,
    "values": lambda found: [_read_result(v) for v in read_list(found, None, "Values")],
}


def as_numbers(x: Any) -> Any:
    """`x` with Numbers for the numbers in it."""
    return type(x)(map(as_numbers, x)) if isinstance(x, (list, tuple)) else Number(x)


def _is_training(answer: Any) -> bool:
    def train(p: Any, loss: Any, eta: float, steps: int, reset: bool = True) -> list[float]:
        losses = []
        for _ in range(steps):
            L = loss()
            for v in p:
                v.grad = 0.0 if reset else v.grad
            L.backward()
            for v in p:
                v.data -= eta * v.grad
            losses.append(L.data)
        return losses

    mistakes = {
        "not reset": _trained(partial(train, reset=False)),
        "it climbs: the step goes against the gradient": _trained(train, -0.1),
        "eta is missing": _trained(train, 1.0),
        "the parameters do not move: change the data of each": _trained(train, 0.0),
    }
    return equal(_trained(train), 1e-9, mistakes)(_trained(answer))


def _trained(answer: Any, eta: float = 0.1) -> list[float]:
    """The losses of four steps of a training loop on two parameters."""
    engine = _engine()
    p = [engine(2.0), engine(-1.0)]

    def loss() -> Any:
        return (p[0] * 3 + p[1] + -1) ** 2 * 0.1 + (p[0] * p[1]).tanh()

    return asked(answer, p, loss, eta, 4, read=partial(read_numbers, n=4))


ANSWERS: Final[dict[str, Right]] = {
    "1.3": _is_second_difference,
    "2.3": _is_sort,
    "R2.3": _is_record,
    "3.5": _is_sort,
    "3.10": _is_training,
    **{number: partial(_is_part, number) for number in _PARTS},
}
