"""no_grad and detect_anomaly."""

import math
import threading

import pytest

from tinygrad_edu import functions as f
from tinygrad_edu.engine import NonFiniteError, Value, detect_anomaly, grad, no_grad


def recording():
    return bool((Value(1.0) * 2).parents)


def test_inside_no_grad_results_are_leaves():
    x = Value(2.0)
    with no_grad():
        for y in (x * 3, f.dot([x], [x], x), x.exp(), x**2, -x, 1 - x, f.sum([x, x])):
            assert (y.parents, y.op) == ((), None)
        y = x * 3
    y.backward()
    assert (y.data, x.grad) == (6.0, 0.0)
    assert recording()


def test_no_grad_nests_ends_with_an_exception_and_decorates():
    with no_grad():
        with no_grad():
            assert not recording()
        assert not recording()
        with detect_anomaly():
            assert not recording()
    assert recording()
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert recording()

    @no_grad()
    def evaluate(depth):
        return [recording(), *(evaluate(depth - 1) if depth else [])]

    assert evaluate(2) + evaluate(0) == [False] * 4
    assert recording()


def test_a_graph_can_go_backward_inside_no_grad():
    x = Value(3.0)
    y = x * x
    with no_grad():
        y.backward()
        dy = grad(y, x)
    assert (x.grad, dy.data, dy.parents) == (6.0, 6.0, ())


def test_a_derivative_inside_no_grad_is_the_number_and_makes_no_graph_of_it():
    x, w, other = Value(0.7), Value(-1.3), Value(2.0)
    y = (f.dot([x, w], [w, x], x).tanh() * x.exp() + f.maximum(x, w) / (w**2 + 1)) ** 3 + x.relu()
    wanted = [g.data for g in grad(y, [x, w, other, y])]
    born = (1 * x)._birth
    with no_grad():
        found = grad(y, [x, w, other, y])
        dx = grad(y, x)
    assert (1 * x)._birth == born + 1, "operations were made on the way"
    assert [g.data for g in found] == wanted
    assert wanted[2:] == [0.0, 1.0]
    assert [(g.kind, g.parents) for g in (*found, dx)] == [("constant", ())] * 5
    assert (x.grad, w.grad, y.grad) == (0.0, 0.0, 0.0)
    zero = Value(0.0)
    root = zero.sqrt()
    with no_grad(), detect_anomaly(), pytest.raises(NonFiniteError, match="forward: divide"):
        grad(root, zero)


def test_threads_do_not_disturb_each_other():
    inside, done = threading.Event(), threading.Event()
    seen = []

    def other():
        inside.wait(10)
        seen.append(recording())
        with detect_anomaly():
            done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        inside.set()
        assert done.wait(10)
        assert not recording()
    thread.join()
    assert seen == [True]


A, B, X = Value(2.0, "a"), Value(-2.0, "b"), Value(0.0, "x")


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: X.log(), "forward: log of (0.0) gave -inf, in log(x=0.0)"),
        (lambda: (A + B).log(), "forward: log of (0.0) gave -inf, in log(add(a=2.0, b=-2.0))"),
        (lambda: 1 / X, "forward: divide of (1.0, 0.0) gave inf, in divide(1.0, x=0.0)"),
        (lambda: B**0.5, "forward: power of (-2.0) gave nan, in power(b=-2.0)"),
        (
            lambda: ((((A * B) + 1) * 1e200) * -1e200).tanh(),
            "forward: multiply of (-3e+200, -1e+200) gave inf, in multiply(multiply("
            "add(...=-4.0, 1.0), 1e+200), -1e+200)",
        ),
        (
            lambda: f.sum([A, B, X, A, math.inf, X]),
            "forward: sum of (2.0, -2.0, 0.0, 2.0, ...) gave inf, in "
            "sum(a=2.0, b=-2.0, x=0.0, a=2.0, ...)",
        ),
        (
            lambda: (3 * X.sqrt()).backward(),
            "backward: sqrt passed grad 3.0 * slope inf to x=0.0, whose grad became inf, in "
            "sqrt(x=0.0)",
        ),
        (
            lambda: ((A + B) ** 0.5).backward(),
            "backward: power passed grad 1.0 * slope inf to add(a=2.0, b=-2.0), whose grad became "
            "inf, in power(add(a=2.0, b=-2.0))",
        ),
    ],
)
def test_detect_anomaly_names_the_first_number_that_is_not_finite(compute, message):
    compute()  # outside nothing is raised
    with detect_anomaly(), pytest.raises(NonFiniteError) as error:
        compute()
    assert str(error.value) == message
    with no_grad(), detect_anomaly():
        if message.startswith("forward"):
            with pytest.raises(NonFiniteError):
                compute()
    compute()


def test_detect_anomaly_lets_finite_numbers_through():
    x = Value(3.0)
    with detect_anomaly():
        y = (x * x).exp()
        y.backward()
    assert x.grad == pytest.approx(6 * math.exp(9))
