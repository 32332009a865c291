"""The exercises of lesson 3, build it: a part of a reader's engine, tried beside right other parts.

A part stands in an engine whose other parts are right, and `diagnose_engine` judges the whole.
"""

import math
import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from tinygrad_edu.diagnose import diagnose_engine
from tinygrad_edu.engine import Value
from tinygrad_edu.exercises import engine
from tinygrad_edu.exercises.kinds import Right, diagnosed, function, numbers
from tinygrad_edu.exercises.reading import (
    AnswerError,
    asked,
    described,
    read_list,
    read_number,
    read_numbers,
)


class _Node:
    """A Value as lesson 3 builds it; an engine has its operations as methods."""

    def __init__(self, data: float, parents: Sequence[Any] = (), slopes: Any = ()) -> None:
        self.data, self.grad = data, 0.0
        self.parents, self.local_grads = parents, slopes
        self.depth: int = 1 + max((p.depth for p in parents), default=0)

    def __repr__(self) -> str:
        return f"Value({self.data})"

    def backward(self) -> None:
        """Pass on from the deepest node that is left: whatever uses it is deeper."""
        self.grad, left = 1.0, {self}
        while left:
            v = max(left, key=lambda v: v.depth)
            left = (left - {v}) | {*v.parents}
            for p, slope in zip(v.parents, v.local_grads, strict=True):
                p.grad += slope * v.grad


#: The methods of an engine, and our operation for each.
_METHODS: Final[dict[str, Callable[..., Value]]] = {
    "__add__": operator.add, "__mul__": operator.mul, "__pow__": operator.pow, "tanh": Value.tanh,
}  # fmt: skip


#: The number, the parents and the local gradients of a node.
_Made = tuple[float, list[Any], Sequence[float]]


def _ours(f: Callable[..., Value], *operands: Any) -> _Made:
    y = f(*(Value(v.data) if isinstance(v, _Node) else v for v in operands))
    return y.data, [v for v in operands if isinstance(v, _Node)], y.local_derivatives()


def _read_node(found: Any) -> _Made:
    """What the reader's function made. Raises AnswerError."""
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


def _method(make: Callable[..., _Made], lifted: bool) -> Callable[..., _Node]:
    """An operation of an engine; `lifted` operands may be plain numbers."""

    def method(self: _Node, *others: Any) -> _Node:
        engine = type(self)
        nodes = (x if isinstance(x, _Node) or not lifted else engine(x) for x in others)
        return engine(*make(self, *nodes))

    return method


def _engine(name: str = "", answer: Any = None) -> type[Any]:
    """An engine that is right; its method of this name is the reader's."""
    made = {key: partial(_ours, f) for key, f in _METHODS.items()}
    if name in made:
        made[name] = partial(asked, answer, read=_read_node)
    methods: dict[str, Any] = {key: _method(f, key != "__pow__") for key, f in made.items()}
    if name == "backward":
        methods[name] = lambda self: asked(answer, self, read=lambda found: None)
    return type("Value", (_Node,), methods)


def _is_part(name: str, answer: Any) -> bool:
    return diagnosed(diagnose_engine(_engine(name, answer)))


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


def _read_value(found: Any) -> float:
    """The number of a Value of the reader's class, or of a Number."""
    x = found if isinstance(found, Number) else getattr(found, "data", None)
    if not isinstance(x, (int, float)):
        raise AnswerError(f"a Value is asked for, and this is {described(found)}")
    return float(x)


def _read_values(found: Any) -> list[float]:
    return [_read_value(v) for v in read_list(found, None, "Values")]


def _z(w: Any, b: Any, x: Any) -> Any:
    return sum((w_k * x_k for w_k, x_k in zip(w, x, strict=True)), b)


def _layer(W: Any, b: Any, x: Any) -> list[Any]:
    return [_z(row, bias, x).tanh() for row, bias in zip(W, b, strict=True)]


def _loss(outputs: Any, targets: Any) -> Any:
    return sum((a - y) ** 2 for a, y in zip(outputs, targets, strict=True)) / len(targets)


def _as_numbers(x: Any) -> Any:
    return [_as_numbers(v) for v in x] if isinstance(x, list) else Number(x)


#: Weights, biases and inputs of a layer; the units of these layers; outputs and targets.
_LAYERS: Final = [
    (_as_numbers(W), _as_numbers(b), x)
    for W, b, x in (
        ([[0.5, -1.0], [0.3, 0.2], [-0.4, 0.1]], [0.1, 0.0, 0.2], [1.0, 0.5]),
        ([[0.5, -1.0], [0.3, 0.2]], [0.1, -0.3], [2.0, 0.5]),
        ([[0.5]], [-2.0], [-1.5]),
    )
]
_UNITS: Final = [(row, bias, x) for W, b, x in _LAYERS for row, bias in zip(W, b, strict=True)]
_OUTPUTS: Final = [
    (_as_numbers([0.5, -1.0]), [1.0, 1.0]),
    (_as_numbers([0.5]), [-1.0]),
    (_as_numbers([0.2, 0.1, -0.4]), [1.0, -1.0, 1.0]),
]


def _trained(answer: Any, eta: float = 0.1) -> list[float]:
    """The losses of four steps of a training loop on two parameters."""
    engine = _engine()
    p = [engine(2.0), engine(-1.0)]

    def loss() -> Any:
        return (p[0] * 3 + p[1] + -1) ** 2 * 0.1 + (p[0] * p[1]).tanh()

    return asked(answer, p, loss, eta, 4, read=partial(read_numbers, n=4))


def _train(p: Any, loss: Any, eta: float, steps: int, reset: bool = True) -> list[float]:
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


def _is_training(answer: Any) -> bool:
    mistakes = {
        "not reset": _trained(partial(_train, reset=False)),
        "it climbs: the step goes against the gradient": _trained(_train, -0.1),
        "eta is missing": _trained(_train, 1.0),
        "the parameters do not move: change the data of each": _trained(_train, 0.0),
    }
    return numbers(_trained(_train), 1e-9, mistakes)(_trained(answer))


ANSWERS: dict[str, Right] = {
    "3.1": partial(_is_part, "__add__"),
    "3.2": partial(_is_part, "__mul__"),
    "3.3": partial(_is_part, "__pow__"),
    "3.4": partial(_is_part, "tanh"),
    "3.5": engine.ANSWERS["2.3"],
    "3.6": partial(_is_part, "backward"),
    "3.7": function(
        lambda w, b, x: _z(w, b, x).tanh(),
        *_UNITS,
        read=_read_value,
        mistakes={
            "the bias is missing": lambda w, b, x: _z(w, Number(0), x).tanh(),
            "that is the net input z: tanh is missing": _z,
            "the bias is added after tanh": lambda w, b, x: _z(w, Number(0), x).tanh() + b,
        },
    ),
    "3.8": function(
        _layer,
        *_LAYERS,
        read=_read_values,
        mistakes={
            "all units have the first bias: there is one for each": (
                lambda W, b, x: _layer(W, [b[0]] * len(W), x)
            ),
        },
    ),
    "3.9": function(
        _loss,
        *_OUTPUTS,
        read=_read_value,
        mistakes={
            "sum for mean": lambda a, y: _loss(a, y) * len(y),
            "the square is missing": lambda a, y: (sum(a) - sum(y)) / len(y),
        },
    ),
    "3.10": _is_training,
}
