"""Lesson 3: each part of a reader's engine is judged beside right ones, and its slip has a name."""

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from test_exercises import ANSWERS

from tinygrad_edu.diagnose import diagnose_engine
from tinygrad_edu.exercises import check


class Made:
    """A Value as the lesson writes it."""

    def __init__(self, data: float, parents: Any = (), local_grads: Any = (), op: str = "") -> None:
        self.data, self.grad = data, 0.0
        self.parents, self.local_grads, self.op = parents, local_grads, op


def backward(
    give: Callable[[Any, float, float], float], start: float = 1.0, turn: int = 1
) -> Callable[[Any], None]:
    """A backward pass: what a parent then has, from the parent, the slope and what comes in."""

    def passed(root: Any) -> None:
        root.grad = start
        for v in ANSWERS["3.5"](root)[::turn]:
            for p, slope in zip(v.parents, v.local_grads, strict=True):
                p.grad = give(p, slope, v.grad)

    return passed


def breadth_first(root: Any) -> None:
    root.grad, queue = 1.0, [root]
    for v in queue:
        for p, slope in zip(v.parents, v.local_grads, strict=True):
            p.grad += slope * v.grad
            queue.append(p)


def loop(
    eta: float = 1.0, reset: bool = True, walk: Callable[[Any], None] | None = None
) -> Callable[..., list[float]]:
    def train(parameters: Any, loss: Any, rate: float, steps: int) -> list[float]:
        losses = []
        for _ in range(steps):
            L = loss()
            walk(L) if walk else L.backward()
            losses.append(L.data)
            for p in parameters:
                p.data -= eta * rate * p.grad
                p.grad = 0.0 if reset else p.grad
        return losses

    return train


def unit(w: Any, b: Any, x: Any) -> Any:
    total = b
    for wi, xi in zip(w, x, strict=True):
        total = total + wi * xi
    return total


#: Parts that are wrong, and what is told of each: test_kinds_exercises asks.
WRONG = [
    ("3.1", lambda a, b: Made(a.data + b.data, (a, b), (a.data, b.data)), "and right is 1: no"),
    ("3.1", lambda a, b: Made(a.data + b.data, (a, b), (1.0,)), "a list of two numbers is"),
    ("3.1", lambda a, b: Made(a.data + b.data, (a.data, b), (1, 1)), "its parents are to be"),
    ("3.1", lambda a, b: a.data + b.data, "a Value of the lesson is asked for, made"),
    ("3.1", lambda a, b: a + b, "raised RecursionError"),
    ("3.1", lambda a, b: a, "a Value of the lesson is asked for"),
    ("3.1", lambda a, b: None, "its local gradients, and this is None"),
    ("3.2", lambda a, b: Made(a.data * b.data, (a, b), (a.data, b.data)), "self.data stands where"),
    ("3.2", lambda a, b: Made(a.data + b.data, (a, b), (b.data, a.data)), "the number itself is"),
    ("3.3", lambda a, n: Made(a.data**n, (a,), (n * a.data,)), "in **, c * self.data stands where"),
    ("3.4", lambda a: Made(math.tanh(a.data), (a,), (math.tanh(a.data),)), "in tanh, out.data"),
    ("3.5", lambda root: [root], "not yet. Hint: go as deep as you can"),
    ("3.6", backward(lambda p, slope, g: slope * g), "= stands where += belongs"),
    ("3.6", backward(lambda p, slope, g: p.grad + slope), "without the gradient of the result"),
    ("3.6", backward(lambda p, slope, g: p.grad + slope * g, start=0.0), "does not set the grad"),
    ("3.6", backward(lambda p, slope, g: p.grad + slope * g, turn=-1), "the sorted list is walked"),
    ("3.6", breadth_first, "a node passes on once for each way that leads to it"),
    ("3.6", lambda root: undefined, "raised NameError"),  # type: ignore[name-defined]  # noqa: F821
    ("3.7", lambda w, b, x: math.tanh(unit(w, b, x)), "a Value is asked for, and this is one"),
    ("3.7", unit, "that is the net input z: tanh is missing"),
    ("3.7", lambda w, b, x: unit(w, 0 * b, x).tanh(), "the bias is missing"),
    ("3.8", lambda W, b, x: [unit(w, b[0], x).tanh() for w in W], "all units have the first bias"),
    ("3.9", lambda o, y: 0.5, "a Value is asked for, and this is one"),
    ("3.9", lambda o, y: len(y) * ANSWERS["3.9"](o, y), "sum for mean: 1/n is missing"),
    ("3.10", loop(reset=False), "not reset: something of an earlier pass"),
    ("3.10", loop(-1.0), "it climbs"),
    ("3.10", loop(0.0), "the parameters do not move"),
    ("3.10", lambda *given: ANSWERS["3.10"](*given)[1:], "a list of four numbers is asked for"),
]  # fmt: skip


def test_right_parts_by_another_way_are_right() -> None:
    assert check("3.1", lambda a, b: Made(b.data + a.data, [b, a], [1, 1]))
    assert check("3.10", loop())
    assert check("3.10", loop(walk=ANSWERS["3.6"]))
    assert check("3.5", ANSWERS["2.3"])


@pytest.mark.slow
def test_the_lesson_goes_on_with_what_the_reader_has_written() -> None:
    """Each step is filled with our version under the reader's name, up to the moons."""
    path = Path(__file__).parents[1] / "notebooks" / "03_build_it.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    names: dict[str, Any] = {}
    written = []
    for source, below in pairwise(code):
        if "import moons" in source:
            break
        if ours := re.match(r'def our_(\w+)\(.*?"""\n(.*?)\n\n\nif not', below, re.DOTALL):
            head, _, tail = re.sub(r"    return \.\.\..*\n", "", source).rpartition('"""\n')
            body = tail.replace("answer = ...  # ", "answer = ")
            source = f'{head}"""\n{ours[2]}\n{body}'
            written.append(ours[1])
        exec(source, names)
    assert len(written) == 10
    assert [names[name].__name__ for name in written] == written
    assert diagnose_engine(names["Value"]).right


def test_parts_may_begin_with_a_value_of_the_reader_s_own() -> None:
    class Own:
        """Its operations are as lesson 3 has them, with plain numbers on either side."""

        def __init__(self, data: float) -> None:
            self.data = data

        def __add__(self, other: Any) -> Any:
            return Own(self.data + (other.data if isinstance(other, Own) else other))

        __radd__ = __add__

        def __mul__(self, other: Any) -> Any:
            return Own(self.data * (other.data if isinstance(other, Own) else other))

        def tanh(self) -> Any:
            return Own(math.tanh(self.data))

    def unit_of(w: Any, b: Any, x: Any) -> Any:
        return unit(w, Own(0.0) + b, x).tanh()

    def loss(outputs: Any, targets: Any) -> Any:
        errors = (a - y for a, y in zip(outputs, targets, strict=True))
        return (Own(0.0) + sum(e**2 for e in errors)) * (1 / len(targets))

    assert check("3.7", unit_of)
    assert check("3.8", lambda W, b, x: list(map(unit_of, W, b, [x] * len(b))))
    assert check("3.9", loss)
