"""Deep, wide and large graphs: built, walked and freed, without recursion and without collector."""

import contextlib
import gc
import math
import os
import subprocess
import sys
import tracemalloc
import weakref

import pytest

from tinygrad_edu import functions
from tinygrad_edu.engine import Primitive, Value, grad, toposort


@pytest.fixture
def _no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(x, length):
    y = x
    for _ in range(length):
        y = y + x
    return y


@pytest.mark.parametrize("length", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_long_chain_is_built_walked_and_freed(length):
    x = Value(1.0)
    y = chain(x, length)
    assert y.data == length + 1
    y.backward()
    assert x.grad == length + 1
    last, first = weakref.ref(y.parents[0]), weakref.ref(toposort(y)[0])
    del y
    assert last() is None
    assert first() is None


#: The C stack in which a graph of any depth is freed, measured on x86-64: 128 KiB on CPython 3.11
#: and 3.12; 3.13 nests up to 10,000 deallocations, for which it takes between 640 and 768.
STACK_KIB = 1024 if sys.version_info[:2] == (3, 13) else 256
DEEP_CHAIN_UNDER_A_SMALL_RECURSION_LIMIT = """
import sys, threading
from tinygrad_edu.engine import Value, grad, toposort
def work():
    sys.setrecursionlimit(60)
    x = Value(1.0)
    y = x
    for _ in range(20_000):
        y = (y * 1.0).relu()
    y.backward()
    print(x.grad, grad(y, x).data, len(toposort(y)), len(repr(y)) < 200)
    del y
    print("freed")
threading.stack_size(STACK_KIB * 1024)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_depth_needs_neither_recursion_nor_a_large_stack():
    program = DEEP_CHAIN_UNDER_A_SMALL_RECURSION_LIMIT.replace("STACK_KIB", str(STACK_KIB))
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "1.0 1.0 40000 True\nfreed\n"


@pytest.mark.slow
def test_grad_of_a_deep_chain_gives_a_deep_graph_that_can_be_differentiated():
    x = Value(0.5)
    y = x
    for _ in range(30_000):
        y = y.sin()
    dy = grad(y, x)
    dy.backward()
    assert len(toposort(dy)) >= 30_000
    assert math.isfinite(x.grad)


@pytest.mark.parametrize("total", [functions.sum, sum], ids=["one node", "Python's chain"])
@pytest.mark.slow
def test_a_sum_of_a_hundred_thousand_losses(total):
    w = Value(2.0)
    y = total([w * (w - k) for k in range(100_000)])
    y.backward()
    # d/dw of w (w - k) is 2w - k: 400,000 - 99,999 * 100,000 / 2
    assert w.grad == 400_000 - 99_999 * 50_000


def doublings(n):
    x = Value(1.0)
    y = x
    for _ in range(n):
        y = y + y
    return x, y


def test_64_doublings_count_2_to_the_64_paths_in_64_steps():
    x, y = doublings(64)
    y.backward()
    assert (y.data, x.grad, grad(y, x).data) == (2.0**64, 2.0**64, 2.0**64)


@pytest.mark.parametrize(
    "gradient_of", [lambda y, x: (y.backward(), x.grad)[1], lambda y, x: grad(y, x).data]
)
def test_one_node_may_be_a_parent_a_hundred_thousand_times(gradient_of):
    x = Value(3.0)
    inner = x * 1.0
    assert gradient_of(functions.sum([inner] * 100_000), x) == 100_000.0


@pytest.mark.usefixtures("_no_collector")
def test_dropping_the_root_frees_every_node_without_the_collector():
    x = Value(0.5)
    y = x
    nodes = []
    for _ in range(1000):
        y = functions.dot([y, x], [x, y], functions.tanh(y))
        nodes.append(weakref.ref(y))
    y.backward()
    y.local_derivatives()
    dy = grad(y, x)
    dy.backward()
    toposort(y)
    assert all(node() for node in nodes)
    del y, dy
    assert not any(node() for node in nodes)


@pytest.mark.usefixtures("_no_collector")
def test_an_inner_node_keeps_its_ancestors_alive_and_nothing_else():
    x = Value(2.0)
    below = x * x
    inner = below.exp()
    above = weakref.ref(root := inner + 1)
    root.backward()
    kept = weakref.ref(below)
    del root, below
    assert above() is None
    assert kept() is inner.parents[0]
    inner.backward()
    assert x.grad == pytest.approx(4 * math.exp(4) * 2)  # by the root, then by the inner node


@pytest.mark.slow
@pytest.mark.usefixtures("_no_collector")
def test_training_steps_leave_no_memory_behind_without_the_collector():
    w = [Value(0.1 * k, name=f"w{k}") for k in range(50)]

    def step():
        for v in w:
            v.grad = 0.0
        loss = functions.sum([(functions.dot(w, w, v).tanh() - 1) ** 2 for v in w])
        loss.backward()
        grad(loss, w[0])

    for _ in range(200):  # fills caches, and the interpreter's lists of free tuples
        step()
    tracemalloc.start()
    try:
        step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            step()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before > 100_000, "the graph is too small to measure"
    assert after - before < 2_000


@pytest.mark.usefixtures("_no_collector")
def test_an_error_in_a_backward_pass_leaves_no_memory_behind_once_it_is_handled():
    bad = Primitive("bad", lambda m, x: x, lambda m, y, x: 1 / 0)
    y = bad(chain(Value(1.0), 10)) * 2
    node = weakref.ref(y)
    with contextlib.suppress(ZeroDivisionError):
        y.backward()
    del y
    assert node() is None
