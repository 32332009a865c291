"""What `vectorize` refuses, in which words, and what a program leaves alone."""

import gc
import linecache
import math
import re
import weakref
from functools import partial

import numpy as np
import pytest
from refusals import refusals
from vectorized import by_scalars, check, leaves, numbers

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Primitive, RandomLeaf, Value, grad, no_grad, primitive
from tinygrad_edu.losses import cross_entropy, hinge
from tinygrad_edu.namespace import floats
from tinygrad_edu.nn import MLP
from tinygrad_edu.vectorize import VectorizeError, plan, vectorize
from tinygrad_edu.vectorize.program import MAX_KERNELS

WAY_OUT = (
    "write the choice into the graph with where(step(z), a, b), maximum or relu, or train with "
    'engine="scalar"'
)
OF_GRAD = (
    "grad() differentiates where, maximum, relu, ... as they chose; take smooth functions, or "
    'train with engine="scalar"'
)
DIFFERENT = (
    "the program and the scalar graph give different numbers: the function may treat a Value "
    "otherwise than a number, or an operation of your own compute something else for arrays than "
    "for floats; write it with the functions of m alone, or "
)
W = Value(0.7)
X = numbers(4, 2)
Y = np.sign(numbers(4, seed=1))


calls = []


@pytest.fixture(autouse=True)
def _at_the_start():
    W.data, W.grad = 0.7, 0.0
    calls.clear()


def line_of(fn, offset):
    """How a message names a line of a function, counted from its `def`."""
    number = fn.__code__.co_firstlineno + offset
    text = linecache.getline(__file__, number).strip()
    return f"line {number} of {fn.__code__.co_filename}: {text}"


def exactly(text):
    return f"^{re.escape(text)}$"


# --- choices made in Python -----------------------------------------------------------------------


def reads_the_number(x):
    z = W * x
    return z if z.data > 0 else -z


def compares(x):
    z = W * x
    if z > 0:
        return z
    return -z


def compares_the_example(x):
    if x == 1:
        return W * x
    return W + x


def asks_for_truth(x):
    z = W * x
    return z if z else W


def takes_pythons_maximum(x):
    z = W * x
    return max(z, 0 * z)


COMPARES = [
    (compares, 2, 0.5, -0.5, True),
    (compares_the_example, 1, 1.0, 2.0, True),
    (asks_for_truth, 2, 0.5, 0.0, True),
    (takes_pythons_maximum, 2, 0.5, -0.5, False),
    (lambda x: f.where(W * x < 0, W, x), 0, 0.5, -0.5, False),
]


#: Those that the derivative of a choice makes.
BY_GRAD = [
    (lambda x: grad(f.where(f.step(x), W * x, x * x), x), 0, 0.5, -0.5, False),
    (lambda x: grad(f.where(f.step(x), W * W * x, W * x), W), 0, 0.5, -0.5, False),
    (lambda x: grad(W * f.relu(x), x), 0, 0.5, -0.5, False),
    (lambda x: grad(W * f.maximum(x, x * x), x), 0, 0.5, 1.5, False),
    (lambda x: grad(f.pow(x * x, W * x), x), 0, 0.5, 0.0, False),
]


@pytest.mark.parametrize(
    ("fn", "offset", "first", "other", "outcome", "way"),
    [*((*row, WAY_OUT) for row in COMPARES), *((*row, OF_GRAD) for row in BY_GRAD)],
)
def test_a_comparison_that_comes_out_otherwise_is_refused(fn, offset, first, other, outcome, way):
    message = (
        f"{line_of(fn, offset)}\n  compares numbers of the graph: the outcome was "
        f"{outcome} when the program was made and is {not outcome} for example 1: {way}"
    )
    program = vectorize(fn, first)
    program([first, first])
    for call in (program, program.value_and_grad, program.backward):
        with pytest.raises(VectorizeError, match=exactly(message)):
            call([first, other, first])
    fresh = vectorize(fn, first)
    with pytest.raises(VectorizeError, match=exactly(message)):
        fresh([first, other])


def compares_after_noise(x):
    if x < 0.5:
        return W * x
    return W + x


def compares_a_parameter(x):
    if W > 0:
        return W * x
    return x


def compares_a_sample(x):
    if RandomLeaf(lambda: 0.9) > 0.7:
        return W * x
    return x


@pytest.mark.parametrize(("fn", "after"), [(compares_a_parameter, -1.0), (compares_a_sample, 0.7)])
def test_a_comparison_of_parameters_and_of_samples_is_noticed(fn, after):
    program = vectorize(fn, 0.5)
    W.data = after
    with pytest.raises(VectorizeError, match=re.escape(line_of(fn, 1))):
        program([2.0])


def cuts_the_graph(x):
    with no_grad():
        z = W * x
    return z * W


def test_a_program_can_be_made_and_run_within_no_grad():
    with no_grad():
        assert vectorize(lambda x: W * x, 0.5).value_and_grad([2.0]) == (1.4, [2.0])


def counts_its_calls(x):
    calls.append(1)
    return W * x + len(calls)


def grows(x):
    calls.append(1)
    for _ in calls:
        x = x * W
    return x


# --- operations of one's own ----------------------------------------------------------------------


BY_MATH = [
    Primitive("value_by_math", lambda m, x: math.exp(x), lambda m, y, x: (m.exp(x),)),
    Primitive("slope_by_math", lambda m, x: m.exp(x), lambda m, y, x: (math.exp(x),)),
    Primitive("square_by_power", lambda m, x: x * x, lambda m, y, x: (2 * x**1,)),
    Primitive("inverse_by_sign", lambda m, x: 1.0 / x, lambda m, y, x: (-y * y,)),
]
DECIDING = [
    Primitive("relu_by_if", lambda m, x: x if x > 0 else 0.0, lambda m, y, x: (1.0 * (x > 0),)),
    Primitive("slope_by_if", lambda m, x: m.exp(x), lambda m, y, x: (1.0 if x > 0 else 0.0,)),
    Primitive("shifted_at_two", lambda m, x: x + 1 if x == 2 else x, lambda m, y, x: (1.0,)),
    Primitive("larger_by_python", lambda m, x: max(x, 0.0), lambda m, y, x: (1.0,)),
]


@pytest.mark.parametrize("operation", DECIDING, ids=lambda p: p.name)
def test_an_operation_that_decides_in_python_is_refused(operation):
    """Also where the rows that are compared with the scalar graph happen to agree."""
    with pytest.raises(VectorizeError, match=f"operation {operation.name} "):
        vectorize(lambda x: operation(W * x), 0.5).value_and_grad([0.5, -0.5, 0.5, 0.5])


def test_an_operation_that_differs_between_namespaces_is_noticed_at_first_use():
    @primitive(lambda m, y, x: (1.0,))
    def two_faced(m, x):
        return x if m is floats else 2 * x

    program = vectorize(lambda x: two_faced(W * x), 0.5)
    for call in (program, program.value_and_grad, program.backward):
        with pytest.raises(VectorizeError, match=exactly(DIFFERENT + WAY_OUT)):
            call([1.0, 2.0])
    assert W.grad == 0.0


def test_an_operation_with_a_function_that_no_namespace_has_is_refused():
    @primitive(lambda m, y, x: (m.bessel(x),))
    def odd(m, x):
        return m.exp(x)

    program = vectorize(lambda x: odd(W * x), 0.5)
    for use in (lambda: program.value_and_grad([1.0]), lambda: program.source):
        with pytest.raises(VectorizeError, match=r"m\.bessel is no function of a namespace"):
            use()


# --- functions, examples and arrays of the wrong kind ---------------------------------------------


READS = (
    "reads the number of a Value (v.data or v.grad), which a program for all examples does not "
    f"have: {WAY_OUT}"
)
WITH_M = "write it with +, -, * and functions of m alone, as in m.divide(x, y), m.pow(x, 2) "
WITH_M += "and m.where(x > 0, x, 0.0)"
SYMBOL = "must be real number, not Symbol"
POWER = "unsupported operand type(s) for ** or pow(): 'Symbol' and 'int'"
OVER = "unsupported operand type(s) for /: 'float' and 'Symbol'"
NUMBER = "an example takes one real number, got "
#: What is traced, the example, and the message; the line of a function by its offset.
REFUSED = [
    (reads_the_number, 2, READS),
    (lambda x: W * x * W.data, 0, READS),
    (lambda x: W * x * (1 + W.grad), 0, READS),
    (
        compares_after_noise,
        1,
        "compares numbers of the graph: the outcome is True for one and False for another, so that "
        f"no single program is right for both: {WAY_OUT}",
    ),
    (
        cuts_the_graph,
        2,
        "runs inside no_grad(), which cuts the graph that a program is made of: take no_grad() out "
        "of the function",
    ),
    (
        counts_its_calls,
        2,
        "uses the number 1.0 for one example and 2.0 for another, and neither is part of the "
        "graph: make it an argument of the function, or a RandomLeaf if it is random, or train "
        'with engine="scalar"',
    ),
    (grows, 3, f"makes another graph for another example: {WAY_OUT}"),
]
test_a_function_that_no_program_holds_is_refused = refusals(
    [
        (partial(vectorize, fn, 0.49), VectorizeError, f"{line_of(fn, offset)}\n  {message}")
        for fn, offset, message in REFUSED
    ]
)
test_an_operation_that_leaves_its_namespace_is_refused = refusals(
    [
        (
            lambda operation=operation: vectorize(lambda x: operation(W * x), 0.5).plan.backward,
            VectorizeError,
            f"the {what} of the operation {operation.name} cannot be written for arrays ({why}): "
            + WITH_M,
        )
        for operation, (what, why) in zip(
            BY_MATH,
            [("value", SYMBOL), ("slopes", SYMBOL), ("slopes", POWER), ("value", OVER)],
            strict=True,
        )
    ]
)
EXAMPLE = "vectorize needs an example: vectorize(fn, [0.1, 0.2], 1.0)"
RESULT = "the function must give a Value or a list of Values, got "
RAGGED = "the rows of an example differ in length, or it has none"
#: What comes out of a function, and what it is called; rows that are none; and what is no number.
RESULTS = [(3.0, "float"), (None, "NoneType"), ("abc", "str"), ([], "list"), ((), "tuple")]
RESULTS += [({}, "dict"), ([3.0], "float"), ([[]], "list")]
ROWS = [[], [[]], [[1.0, 2.0], [3.0]], [1.0, [2.0]], np.zeros((2, 0))]
NO_NUMBER = [
    (None, "NoneType: write a number such as 1.0"),
    ("a", "str 'a': write float(...) around a text that is a number"),
    ([None], "NoneType: write a number such as 1.0"),
    (Value(1.0), "Value: use the Value as it is, or its number v.data"),
]
test_what_is_no_function_or_no_example_is_refused = refusals(
    [
        (partial(vectorize, 3), TypeError, "vectorize takes a function of an example, got int"),
        (partial(vectorize, abs), TypeError, EXAMPLE),
        *[
            (
                partial(vectorize, lambda x, result=result: result, 0.5),
                VectorizeError,
                RESULT + kind,
            )
            for result, kind in RESULTS
        ],
        *[(partial(vectorize, f.sum, x), VectorizeError, RAGGED) for x in ROWS],
        *[(partial(vectorize, f.sum, x), TypeError, NUMBER + kind) for x, kind in NO_NUMBER],
    ]
)


def test_a_function_that_leaves_the_graph_is_refused_by_the_engine():
    with pytest.raises(VectorizeError, match="would cut the graph"):
        vectorize(lambda x: W * math.exp(x), 0.5)


@pytest.mark.parametrize(
    "x", [True, np.float32(1.0), 1, np.int64(3), math.inf, -math.inf, math.nan]
)
def test_an_example_may_be_any_real_number_inf_and_nan_too(x):
    assert vectorize(lambda x: W * x, x)([2.0]) == [1.4]


MODEL = MLP(2, [3, 1], "tanh")
LOSS = vectorize(lambda x, y: hinge(MODEL(x), y), X[0], 1)


SHAPE_OF_X = "X must have the shape (B, 2), got {}: the example was of shape (2,)"
SHAPE_OF_Y = "Y must have the shape (B,), got (1, 4): the example was a number"
NO_NUMBERS = "{} must be an array of numbers, got {}"


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ((), TypeError, "the program takes 2 arrays, got 0"),
        ((X,), TypeError, "the program takes 2 arrays, got 1"),
        ((X, Y, Y), TypeError, "the program takes 2 arrays, got 3"),
        ((X.T, Y), ValueError, SHAPE_OF_X.format("(2, 4)")),
        ((X[:, :1], Y), ValueError, SHAPE_OF_X.format("(4, 1)")),
        ((X[None], Y), ValueError, SHAPE_OF_X.format("(1, 4, 2)")),
        ((None, Y), TypeError, NO_NUMBERS.format("X", "NoneType")),
        ((X, Y[None]), ValueError, SHAPE_OF_Y),
        ((X, Y[:2]), ValueError, "Y has 2 examples, X has 4"),
        ((X[0], Y), ValueError, "Y has 4 examples, X has 1"),
        ((X[:0], Y[:0]), ValueError, "the arrays hold no examples"),
        ((X, "abc"), TypeError, NO_NUMBERS.format("Y", "str")),
        (([[1, 2], [3]], Y), TypeError, NO_NUMBERS.format("X", "list")),
        ((np.full((4, 2), W), Y), TypeError, NO_NUMBERS.format("X", "ndarray")),
        ((X, Y.astype(complex)), TypeError, NO_NUMBERS.format("Y", "ndarray")),
        ((X, [None] * 4), TypeError, NO_NUMBERS.format("Y", "list")),
        ((X, list("1234")), TypeError, NO_NUMBERS.format("Y", "list")),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, error, message):
    for call in (LOSS, LOSS.value_and_grad, LOSS.backward):
        with pytest.raises(error, match=exactly(message)):
            call(*arrays)


@pytest.mark.parametrize("wrong", [3, -1, 0.5, math.nan, math.inf])
def test_class_numbers_out_of_range_are_refused(wrong):
    model = MLP(2, [3])
    program = vectorize(lambda x, y: cross_entropy(model(x), y), X[0], 1)
    for _ in range(2):
        for call in (program, program.value_and_grad):
            with pytest.raises(ValueError, match=rf"^class {wrong:g} is out of range 0\.\.2$"):
                call(X, [0, 1, wrong, 2])
        program(X, [0, 1, 2, 2])


def test_several_outputs_have_no_gradient():
    model = MLP(2, [3, 3])
    program = vectorize(model, X[0])
    message = (
        "a gradient is that of one number by parameters, such as loss(model(x), y): the results of "
        f"the function are 3, its parameters {len(model.parameters())}"
    )
    for call in (program.value_and_grad, program.backward):
        with pytest.raises(TypeError, match=exactly(message)):
            call(X)


# --- what a program leaves alone ------------------------------------------------------------------


def fresh_loss():
    model = MLP(2, [3, 1], "tanh")
    return model, vectorize(lambda x, y: hinge(model(x), y), X[0], 1)


def test_gradients_of_parameters_are_left_alone():
    model, program = fresh_loss()
    before = [float(k) for k, _ in enumerate(model.parameters())]
    for p, slope in zip(model.parameters(), before, strict=True):
        p.grad = slope
    for call in (program, program.value_and_grad):
        call(X, Y)
        assert [p.grad for p in model.parameters()] == before


def test_gradients_are_left_alone_where_the_first_use_fails():
    W.grad = 5.0
    factor = [2.0]
    program = vectorize(lambda x: W * x * factor[0], 0.5)
    factor[0] = 3.0
    with pytest.raises(VectorizeError, match=r"uses the number 2.0 for one example and 3.0"):
        program.backward([1.0])
    assert W.grad == 5.0


def test_backward_accumulates():
    model, program = fresh_loss()
    loss, gradient = program.value_and_grad(X, Y)
    for times in (1, 2):
        assert program.backward(X, Y) == loss
        assert [p.grad for p in program.parameters] == (times * gradient).tolist()
    model.zero_grad()
    program.backward(X, Y)
    assert [p.grad for p in program.parameters] == gradient.tolist()


def test_numbers_of_parameters_are_read_at_each_call():
    program = vectorize(lambda x: W * x * x, 0.5)
    assert program([2.0]) == [2.8]
    W.data = 10.0
    assert program([2.0]) == [40.0]
    assert program.value_and_grad([2.0]) == (40.0, [4.0])


def test_results_of_a_call_outlive_the_next():
    _, program = fresh_loss()
    outputs, (_, gradient) = program(X, Y), program.value_and_grad(X, Y)
    kept = outputs.copy(), gradient.copy()
    program(-X, Y), program.value_and_grad(-X, Y)
    assert (outputs == kept[0]).all()
    assert (gradient == kept[1]).all()
    outputs[:] = gradient[:] = 7.0
    assert (program(X, Y) == kept[0]).all()


def test_an_input_that_is_the_result_is_copied():
    x = np.array([1.0, 2.0])
    found = vectorize(lambda x: x, 0.5)(x)
    found[:] = 0.0
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(lambda a: a.tolist(), id="lists"),
        pytest.param(np.asfortranarray, id="Fortran order"),
        pytest.param(lambda a: np.repeat(a, 2, axis=0)[::2], id="every second row"),
        pytest.param(lambda a: a.astype(object), id="objects"),
        pytest.param(lambda a: [list(map(np.float64, r)) for r in a.reshape(4, -1)], id="columns"),
    ],
)
def test_arrays_may_be_of_any_kind(convert):
    before = X.copy(), Y.copy()
    assert (LOSS(convert(X), convert(Y)) == LOSS(X, Y)).all()
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])


def test_a_single_example_gives_a_single_number():
    assert LOSS(X[1], Y[1]).shape == ()
    assert LOSS(X[1], Y[1]) == LOSS(X, Y)[1]


def test_a_first_use_that_agrees_up_to_rounding_is_no_error():
    """Everything that is compared may cancel, as at the end of a training."""
    w = leaves(3)
    check(lambda x: W * (x * W) ** -1, np.array([0.273, -0.46, -0.918]))
    x = numbers(4, 3)
    y = x @ [v.data for v in w]
    program = vectorize(lambda x, y: (f.dot(w, x) - y) ** 2, x[0], y[0])
    losses, _ = by_scalars(lambda x, y: (f.dot(w, x) - y) ** 2, program.parameters, x, y)
    assert program(x, y) == pytest.approx(losses, abs=1e-28)


# --- caches ---------------------------------------------------------------------------------------


def chain(n):
    def fn(x):
        for _ in range(n):
            x = f.tanh(W * x)
        return x

    return vectorize(fn, 0.5)


def test_graphs_of_equal_structure_share_a_plan():
    first, second = fresh_loss()[1], fresh_loss()[1]
    assert first.plan is second.plan
    assert chain(2).plan is not chain(3).plan


def test_programs_that_share_a_plan_keep_their_own_parameters():
    leaves = Value(0.5), Value(-2.0)
    first, second = (vectorize(lambda x, w=w: f.tanh(w * x), 0.5) for w in leaves)
    for program, w in ((first, 0.5), (second, -2.0), (first, 0.5)):
        assert program([1.0]) == pytest.approx(math.tanh(w))
    first.backward([1.0])
    assert leaves[1].grad == 0.0


def test_graphs_that_differ_in_a_constant_have_their_own_plans():
    programs = {c: vectorize(lambda x, c=c: W * x + c, 0.5) for c in (0.0, 1.0, -1.0)}
    assert [program([0.0])[0] for program in programs.values()] == [*programs]


def test_plans_that_are_kept_are_bounded():
    for n in range(1, plan.MAX_PLANS + 4):
        chain(n)
    assert len(plan._PLANS) == plan.MAX_PLANS


def test_kernels_that_are_kept_are_bounded():
    program = chain(1)
    for n in range(1, MAX_KERNELS + 5):
        program(np.zeros(n))
    assert len(program._kernels) == MAX_KERNELS
    assert program([0.0, 1.0]) == pytest.approx([0.0, math.tanh(0.7)])


def test_a_model_that_is_deleted_is_freed_although_its_plan_is_kept():
    model, program = fresh_loss()
    program.value_and_grad(X, Y)
    kept, freed = program.plan, weakref.ref(model)
    del model, program
    gc.collect()
    assert freed() is None
    assert kept in plan._PLANS.values()
