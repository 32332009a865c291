"""A scalar in the style of microgpt (Karpathy 2026), and a step of a GPT of one block in scalars.

Each result holds its children and the local gradients, which are made at once, in two tuples.
"""

import math
import random
from collections.abc import Callable, Iterable
from typing import Any, Final


class Scalar:
    """A number with the operations that microgpt has, and tanh."""

    __slots__ = ("_children", "_local_grads", "data", "grad")

    # fmt: off
    def __init__(self, data: float, children: Any = (), local_grads: Any = ()) -> None:
        self.data, self.grad = data, 0.0
        self._children, self._local_grads = children, local_grads

    def __add__(self, other: Any) -> Any:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> Any:
        other = other if isinstance(other, Scalar) else Scalar(other)
        return Scalar(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, c: float) -> Any: return Scalar(self.data**c, (self,), (c * self.data ** (c - 1),))
    def log(self) -> Any: return Scalar(math.log(self.data), (self,), (1 / self.data,))
    def exp(self) -> Any: return Scalar(math.exp(self.data), (self,), (math.exp(self.data),))
    def relu(self) -> Any: return Scalar(max(0, self.data), (self,), (float(self.data > 0),))
    def __neg__(self) -> Any: return self * -1
    def __radd__(self, other: Any) -> Any: return self + other
    def __sub__(self, other: Any) -> Any: return self + (-other)
    def __rmul__(self, other: Any) -> Any: return self * other
    def __truediv__(self, other: Any) -> Any: return self * other**-1

    def tanh(self) -> Any:
        y = math.tanh(self.data)
        return Scalar(y, (self,), (1 - y * y,))
    # fmt: on

    def backward(self) -> None:
        """Add the derivative by each number that this one was made of to its `grad`."""
        order: list[Scalar] = []
        visited = set()

        def visit(v: Scalar) -> None:
            if v not in visited:
                visited.add(v)
                for child in v._children:
                    visit(child)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for child, local_grad in zip(v._children, v._local_grads):  # noqa: B905 (its speed)
                child.grad += local_grad * v.grad


VOCABULARY: Final = 27
WIDTH: Final = 16
HEADS: Final = 2
#: The tokens that are read; each is to foretell the next one.
LENGTH: Final = 8
RATE: Final = 0.01


class GptStep:
    """Forward, backward and SGD over one text, the same in all steps; gives its mean loss.

    Embeddings of tokens and places, attention of two heads, a layer of ReLU units and one back,
    norms before both, cross entropy; `value` is the class of all numbers.
    """

    def __init__(self, value: Callable[[float], Any], rng: random.Random) -> None:
        def matrix(rows: int, columns: int) -> list[list[Any]]:
            return [[value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.tokens, self.places = matrix(VOCABULARY, WIDTH), matrix(2 * LENGTH, WIDTH)
        self.q, self.k, self.v, self.mixed = (matrix(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = matrix(4 * WIDTH, WIDTH), matrix(WIDTH, 4 * WIDTH)
        self.scores = matrix(VOCABULARY, WIDTH)
        self.parameters = [p for rows in vars(self).values() for row in rows for p in row]
        self.text = [rng.randrange(VOCABULARY) for _ in range(LENGTH + 1)]

    def __call__(self) -> float:
        """One update."""
        keys: list[Any] = []
        values: list[Any] = []
        losses = []
        for place, (token, following) in enumerate(zip(self.text, self.text[1:], strict=False)):
            x = [t + p for t, p in zip(self.tokens[token], self.places[place], strict=True)]
            losses.append(-_softmax(self.block(_norm(x), keys, values))[following].log())
        loss = sum(losses) * (1 / len(losses))
        loss.backward()
        for p in self.parameters:
            p.data -= RATE * p.grad
            p.grad = 0.0
        return float(loss.data)

    def block(self, x: list[Any], keys: list[Any], values: list[Any]) -> list[Any]:
        """The scores of the next token; keys and values grow by those of this one."""
        before, x = x, _norm(x)
        q = _linear(x, self.q)
        keys.append(_linear(x, self.k))
        values.append(_linear(x, self.v))
        size, heads = WIDTH // HEADS, []
        for h in range(0, WIDTH, size):
            part = range(h, h + size)
            shares = _softmax([sum(q[j] * k[j] for j in part) / size**0.5 for k in keys])
            heads += [sum(s * v[j] for s, v in zip(shares, values, strict=True)) for j in part]
        before = x = [a + b for a, b in zip(_linear(heads, self.mixed), before, strict=True)]
        hidden = [a.relu() for a in _linear(_norm(x), self.up)]
        x = [a + b for a, b in zip(_linear(hidden, self.down), before, strict=True)]
        return _linear(x, self.scores)


def _linear(x: list[Any], W: list[list[Any]]) -> list[Any]:
    return [sum(w * a for w, a in zip(row, x, strict=True)) for row in W]


def _softmax(z: list[Any]) -> list[Any]:
    top = max(a.data for a in z)
    powers = [(a - top).exp() for a in z]
    total: Any = sum(powers)
    return [a / total for a in powers]


def _norm(x: Iterable[Any]) -> list[Any]:
    x = list(x)
    scale = (sum(a * a for a in x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]
