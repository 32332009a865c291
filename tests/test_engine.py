"""Value: how it is made, shown, compared, calculated with and copied."""

import copy
import gc
import math
import operator
import pickle
import subprocess
import sys
import weakref
from fractions import Fraction

import numpy as np
import pytest

from tinygrad_edu import engine
from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, Value, constant, grad, parameter, toposort


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((3, 3.0), (-0.0, -0.0), (True, 1.0), (False, 0.0), (5e-324, 5e-324)),
        *((2**53 + 1, 9007199254740992.0), (Fraction(1, 3), 1 / 3)),
        *((math.inf, math.inf), (math.nan, math.nan), (np.longdouble("1e4000"), math.inf)),
        *((np.float32(0.1), 0.10000000149011612), (np.float16(0.1), 0.0999755859375)),
        *((np.float64(0.1), 0.1), (np.int64(-7), -7.0), (np.uint8(200), 200.0)),
        (np.bool_(True), 1.0),
    ],
    ids=repr,
)
def test_a_real_number_of_any_type_is_kept_as_a_float(given, kept):
    v = Value(given)
    assert type(v.data) is float
    assert repr(v.data) == repr(kept)
    v.data = given
    v.grad = given
    assert type(v.data) is type(v.grad) is float
    assert type(parameter(given).data) is float


def test_a_new_value_is_a_leaf():
    v = Value(2, name="w")
    assert (v.data, v.grad, v.name, v.op, v.parents, v.kind) == (2.0, 0.0, "w", None, (), "input")
    assert v.local_derivatives() == ()
    assert not v.reached
    assert Value(2).name is None


def test_kinds_tell_inputs_parameters_constants_and_results_apart():
    w = parameter(2.0, name="w")
    y = 3 * w
    assert (Value(1.0).kind, w.kind, y.kind) == ("input", "parameter", "result")
    assert [p.kind for p in y.parents] == ["constant", "parameter"]
    assert constant(2.0).kind == "constant"


def test_a_result_knows_its_operation_and_its_parents_in_order_with_repeats():
    a, b = Value(2.0), Value(3.0)
    assert (a - b).parents == (a, b)
    assert (b - a).parents == (b, a)
    assert (a * a).parents == (a, a)
    assert [p.data for p in (5 - a).parents] == [5.0, 2.0]
    assert f.dot([a, b], [b, a], a).parents == (a, b, b, a, a)
    assert f.exp(a).op is f.exp
    assert (a**3).op.constants == {"c": 3.0}
    assert (a**3).op == (b**3).op != (a**2).op


def test_a_value_has_no_dictionary_and_refuses_a_misspelt_attribute():
    v = Value(1.0)
    assert not hasattr(v, "__dict__")
    with pytest.raises(AttributeError, match="gradd"):
        v.gradd = 0.0


@pytest.mark.parametrize("name", ["op", "parents", "kind", "reached", "_prev", "_op"])
def test_what_describes_the_graph_cannot_be_assigned(name):
    with pytest.raises(AttributeError, match="no setter"):
        setattr(Value(1.0) * 2, name, None)


def test_repr_is_one_short_line_however_large_the_graph_or_the_name():
    assert repr(Value(1.5)) == "Value(data=1.5, grad=0.0)"
    assert repr(Value(-0.0, "b")) == "Value(data=-0.0, grad=0.0, name='b')"
    assert repr(Value(2.0) * 3) == "Value(data=6.0, grad=0.0, op=multiply)"
    v = Value(1e-300 / 3, name="two\nlines" + 1_000_000 * "x")
    for _ in range(5000):
        v = v + v
    assert len(repr(v)) < 200
    shown = repr(Value(1e-300 / 3, name="two\nlines" + 1_000_000 * "x"))
    assert len(shown) < 200
    assert "\n" not in shown


def test_format_shows_the_number():
    v = Value(1.23456)
    assert f"{v:.2f}|{v:8.3f}|{v:e}" == "1.23|   1.235|1.234560e+00"
    assert f"{v}" == str(v) == repr(v)


BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize(
    "number",
    [
        *(3, 3.0, True, Fraction(3, 2), np.float32(1.5), np.int64(3)),
        *(np.float64(2), np.longdouble(2), np.bool_(True)),
    ],
)
def test_operators_take_numbers_on_either_side(op, number):
    v = Value(2.5)
    for y, x in ((op(v, number), (2.5, float(number))), (op(number, v), (float(number), 2.5))):
        assert type(y) is Value
        assert y.data == op(*x)
        assert type(y.data) is float


def test_unary_operators():
    v = Value(-2.0)
    assert ((-v).data, (+v).data, abs(v).data, v.abs().data) == (2.0, -2.0, 2.0, 2.0)


def test_an_augmented_assignment_makes_a_new_node_and_leaves_the_alias_alone():
    a = alias = Value(1.0)
    a += 1
    assert (a.data, alias.data) == (2.0, 1.0)


# d/dx of x op x, by hand: 2, 0, 2x, 0, x^x (ln x + 1).
@pytest.mark.parametrize(
    ("y", "slope"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x - x, 0.0),
        (lambda x: x * x, 6.0),
        (lambda x: x / x, 0.0),
        (lambda x: x**x, 27 * (math.log(3) + 1)),
        (lambda x: f.maximum(x, x), 1.0),
        (lambda x: f.prod(x, x, x), 27.0),
        (lambda x: f.dot([x, x], [x, x], x), 13.0),
    ],
)
def test_the_same_parent_twice_gets_both_contributions(y, slope):
    x = Value(3.0)
    z = y(x)
    z.backward()
    assert x.grad == pytest.approx(slope, rel=1e-15)
    assert grad(z, x).data == pytest.approx(slope, rel=1e-15)


def test_comparisons_compare_the_numbers_and_give_bool():
    a, b = Value(1.0), Value(2.0)
    for other in (b, 2, 2.0, True + 1, Fraction(2), 10**400, np.float64(2), np.int64(2)):
        assert (a < other, a <= other, a > other, a >= other) == (True, True, False, False)
        assert (other > a, other >= a, other < a, other <= a) == (True, True, False, False)
        assert type(a < other) is type(a >= other) is bool
    nan = Value(math.nan)
    assert [nan < a, nan <= a, nan > a, nan >= a, nan <= nan] == [False] * 5
    assert [v.data for v in sorted([Value(3.0), Value(-1.0), Value(2.0)])] == [-1.0, 2.0, 3.0]
    assert max(a, b) is b


def test_equality_and_hash_are_identity():
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert a != 1.0
    assert len({a, b, a}) == 2
    assert b not in [a]
    assert {a: "a"}[a] == "a"


def test_truth_is_that_of_the_number():
    assert [bool(Value(x)) for x in (0.0, -0.0, 5e-324, math.nan)] == [False, False, True, True]


NO_NUMBER = (
    "turning a Value into a number would cut the graph: write v.data for the number, or stay in "
    "the graph with v.exp(), v.sqrt(), ... in place of math.exp(v), math.sqrt(v), ..."
)


@pytest.mark.parametrize(
    "convert",
    [
        *(float, int, round, complex, math.exp, math.sqrt, math.floor, math.isnan),
        *(lambda v: round(v, 2), lambda v: math.pow(2, v), lambda v: np.array([v], dtype=float)),
    ],
)
def test_turning_a_value_into_a_number_says_what_to_write(convert):
    with pytest.raises(TypeError) as error:
        convert(Value(1.0))
    assert str(error.value) == NO_NUMBER


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        *(lambda v, p=p: pickle.loads(pickle.dumps(v, p)) for p in range(6)),
    ],
)
def test_a_leaf_can_be_copied_and_pickled(copied):
    v = parameter(0.1, name="w")
    v.grad = -3.5
    w = copied(v)
    assert w is not v
    assert (w.data, w.grad, w.name, w.kind) == (0.1, -3.5, "w", "parameter")
    assert (w * 2).parents[0] is w


def test_a_deep_copy_of_a_container_keeps_shared_leaves_shared():
    a = Value(1.0)
    b, c = copy.deepcopy([a, a])
    assert b is c is not a


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_result_cannot_be_copied_and_says_what_to_do(copied):
    with pytest.raises(TypeError) as error:
        copied(Value(1.0) + 1)
    assert str(error.value) == (
        "Value(data=2.0, grad=0.0, op=add) is the result of an operation and cannot be copied or "
        "pickled without its graph: copy its number, Value(v.data), or copy the model"
    )


def test_a_result_of_one_or_two_operands_is_one_object_for_the_collector():
    a, b = Value(0.5), Value(2.0)
    operations = [lambda: a * b, lambda: a.exp(), lambda: a**2, lambda: f.maximum(a, b), lambda: -a]
    gc.disable()
    try:
        for make in operations:
            make()
            before = gc.get_count()[0]
            kept = [make() for _ in range(100)]
            assert gc.get_count()[0] - before <= len(kept) + 3  # the list, and what a call needs
    finally:
        gc.enable()


def test_the_constants_of_a_formula_are_leaves_of_the_graph():
    a = Value(3.0)
    for y, at in ((a + 1, 1), (2.5 * a, 0), (1 - a, 0), (a / 4, 1), (f.maximum(a, 1), 1)):
        constant, other = y.parents[at], y.parents[1 - at]
        assert (constant.kind, constant.op, constant.parents, other) == ("constant", None, (), a)
        assert y.parents[at] is constant
        assert y.numbers == (y.data, *(p.data for p in y.parents))


def test_weak_references_to_nodes():
    v = Value(1.0)
    reference = weakref.ref(v)
    assert reference() is v
    del v
    assert reference() is None


def test_a_subclass_works_and_its_results_are_plain_values():
    class Weight(Value):
        def __init__(self, data, layer):
            super().__init__(data, name=f"w{layer}")
            self.layer = layer

    w = Weight(2.0, layer=3)
    y = w * w + w.exp() + 2 * w
    y.backward()
    assert type(y) is Value
    assert (w.grad, w.layer, w.name) == (4 + math.exp(2) + 2, 3, "w3")


def test_the_names_that_programs_for_micrograd_read():
    a = Value(2.0)
    y = a * a + 1
    assert y._prev == set(y.parents)
    assert (y._op, a._op, a._prev) == ("add", "", set())


def test_the_engine_imports_the_standard_library_only():
    command = (
        "import sys; before = set(sys.modules); import tinygrad_edu.functions; "
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} "
        "- sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['tinygrad_edu']\n"


def test_names_of_the_first_release_are_still_there():
    assert (engine.Record, engine.Sample) == (Primitive, engine.RandomLeaf)
    assert engine.functions.tanh is f.tanh
    assert isinstance(engine.Sample(lambda: 0.5, "u"), Value)


def test_the_order_of_several_roots_has_each_node_once():
    a = Value(2.0)
    b = a * a
    c, d = b + 1, b.tanh()
    assert toposort(c, d) == [b, c, d]
    assert toposort(d, b, a) == [b, d]
    assert toposort(d, c, d, leaves=True)[:2] == [a, b]
    assert set(toposort(a, c, leaves=True)) == {a, b, c, c.parents[1]}
    assert toposort(a) == []
    assert toposort(a, leaves=True) == [a]
