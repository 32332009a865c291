"""adopt: graphs of other engines are graphs of ours, and the views take them as they are."""

import math
import re

import micrograd.engine
import pytest
from slips.engines import RIGHT

from tinygrad_edu import MLP, Value, adopt, deltas, draw, explain, steps, toposort, worksheet
from tinygrad_edu.bench.microgpt import Scalar
from tinygrad_edu.engine import gradients


class Plain:
    """A node with a list of parents and words for operations; numbers are not lifted."""

    def __init__(self, data, parents=(), op=""):
        self.data, self.grad, self.parents, self.op = data, 0.0, list(parents), op

    def __add__(self, other):
        return Plain(self.data + number_of(other), nodes(self, other), "add")

    def __mul__(self, other):
        return Plain(self.data * number_of(other), nodes(self, other), "mul")

    def __sub__(self, other):
        return Plain(self.data - number_of(other), nodes(self, other), "sub")

    def __truediv__(self, other):
        return Plain(self.data / number_of(other), nodes(self, other), "div")

    def __pow__(self, c):
        return Plain(self.data**c, [self], "pow")

    def tanh(self):
        return Plain(math.tanh(self.data), [self], "tanh")

    def squash(self):
        return Plain(self.data / 2, [self], "squash")


class Sets(Plain):
    """Parents in a set, without a closure that tells more."""

    def __init__(self, data, parents=(), op=""):
        super().__init__(data, (), op)
        self.parents = set(parents)


def number_of(x):
    return getattr(x, "data", x)


def nodes(*operands):
    return [v for v in operands if isinstance(v, Plain)]


def program(value):
    """A graph with a number that is used three times, and as both factors of a product."""
    a, b = value(1.5), value(-0.4)
    c = a * b + a
    return a, b, (c * c + c * 2) ** 3 + b


def ops(v):
    return [u.op.name for u in toposort(v)]


STYLES = {
    "micrograd": micrograd.engine.Value,
    "closures": RIGHT[2].value,
    "locals": RIGHT[4].value,
    "microgpt": Scalar,
}


@pytest.mark.parametrize("style", STYLES)
def test_a_foreign_graph_has_the_numbers_operations_and_gradients_of_ours(style: str) -> None:
    theirs, ours = program(STYLES[style]), program(Value)
    theirs[2].backward()
    ours[2].backward()
    root = adopt(theirs[2])
    assert root.data == ours[2].data
    assert sorted(ops(root)) == sorted(ops(ours[2]))
    leaves = {v.data: v for v in toposort(root, leaves=True) if v.op is None}
    found = gradients(root)
    for x in ours[:2]:
        assert leaves[x.data].grad == pytest.approx(x.grad)
        assert found[leaves[x.data]] == pytest.approx(x.grad)
    assert theirs[0].data == 1.5


@pytest.mark.parametrize("value", [Plain, Sets])
def test_words_for_operations_are_understood_and_numbers_found_again(value: type) -> None:
    a, b = value(3.0), value(2.0)
    for made, name, numbers in (
        (a * a, "multiply", [3.0, 3.0]),
        (a + a, "add", [3.0, 3.0]),
        (a - b, "subtract", [3.0, 2.0]),
        (b / a, "divide", [2.0, 3.0]),
        (a * 5.0, "multiply", [3.0, 5.0]),
        (a - 1.0, "subtract", [3.0, 1.0]),
        (a.tanh(), "tanh", [3.0]),
    ):
        v = adopt(made)
        assert v.op is not None
        assert (v.op.name, [p.data for p in v.parents]) == (name, numbers)
        assert v.data == made.data
    power = adopt(a**3)
    assert power.local_derivatives() == (27.0,)


def test_of_a_set_micrograd_tells_what_was_multiplied_by_what() -> None:
    a, b = micrograd.engine.Value(3.0), micrograd.engine.Value(2.0)
    for made in (a * b, b * a, a * a, a + b):
        cells = [cell.cell_contents for cell in made._backward.__closure__]
        names = made._backward.__code__.co_freevars
        held = dict(zip(names, cells, strict=True))
        numbers = [p.data for p in adopt(made).parents]
        assert numbers == [held["self"].data, held["other"].data]


def test_every_function_of_microgpt_is_recognised_by_its_local_derivative() -> None:
    for x in (0.7, 2.5):
        for name in ("log", "exp", "relu"):
            assert ops(adopt(getattr(Scalar(x), name)())) == [name]
    assert ops(adopt(Scalar(-0.5).relu())) == ["relu"]
    v = adopt(Scalar(2.5) ** -0.5)
    assert v.op is not None
    assert v.op.constants == {"c": -0.5}


def test_an_unknown_operation_keeps_its_name_and_what_it_knows_of_its_slopes() -> None:
    v = adopt(Plain(3.0).squash())
    assert ops(v) == ["squash"]
    assert math.isnan(v.local_derivatives()[0])
    odd = adopt(Scalar(9.0, (Scalar(3.0), Scalar(2.0)), (0.25, 0.5)))
    assert (ops(odd), odd.local_derivatives()) == (["?"], (0.25, 0.5))


def test_a_wrong_number_is_shown_with_the_operation_that_it_is_said_to_be() -> None:
    v = adopt(Plain(7.0, [Plain(2.0), Plain(3.0)], "mul"))
    assert (v.data, ops(v)) == (7.0, ["multiply"])


def test_numbers_that_are_0_are_adopted() -> None:
    a = micrograd.engine.Value(-1.0)
    v = adopt(a.relu() * 3 + 0)
    assert (v.data, ops(v)) == (0.0, ["relu", "multiply", "add"])


def test_labels_become_names() -> None:
    a, b = micrograd.engine.Value(3.0), micrograd.engine.Value(2.0)
    a.label = "speed"
    assert [p.name for p in adopt(a * b).parents] == ["speed", None]


def test_a_deep_graph_is_adopted() -> None:
    v = a = micrograd.engine.Value(1.0)
    for _ in range(5000):
        v = v + a
    assert adopt(v).data == 5001.0
    while v._prev:  # freed step by step: Python's recursion ends before 5000
        v._backward, [v] = None, [u for u in v._prev if u is not a] or [a]


def test_a_value_of_ours_is_given_back() -> None:
    v = Value(2.0) * 3
    assert adopt(v) is v


def test_views_take_foreign_values_and_their_names() -> None:
    a, b, y = program(micrograd.engine.Value)
    y.backward()
    names = {"a": a, "inputs": [b], "_hidden": y}
    assert re.search(r"\ba\b.*inputs\[0\]", draw(y, names=names).dot, re.DOTALL)
    assert "inputs[0]" in str(explain(y, b, names=names))
    assert "inputs[0]" in steps(y, names=names).html
    assert worksheet(y, names=names)
    assert a.grad != 0
    assert explain(y).value == y.data


def test_deltas_take_foreign_numbers() -> None:
    model = MLP(2, [3, 1], rng=0)
    theirs = [micrograd.engine.Value(x) for x in (0.5, -1.0)]
    target = micrograd.engine.Value(0.25)
    found = deltas(model, theirs, target, "squared_error")
    assert str(found) == str(deltas(model, [0.5, -1.0], 0.25, "squared_error"))


def test_what_is_no_foreign_value_is_refused() -> None:
    for x in (3.0, "v", None, Plain, [Plain(1.0)], RIGHT[8].value(2.0)):
        with pytest.raises(TypeError, match=r"adopt takes a Value of another engine"):
            adopt(x)
    circle = Plain(1.0)
    circle.parents = [circle * 2]
    with pytest.raises(ValueError, match="the graph is a circle"):
        adopt(circle)
