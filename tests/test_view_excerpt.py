import pytest

from tinygrad_edu import MLP, Value, draw, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy
from tinygrad_edu.view.graph.drawing import excerpt
from tinygrad_edu.view.graph.select import LARGEST


def boxes(graph):
    """The names of the values in the drawing."""
    return {line.split()[0] for line in graph.table.splitlines()[1:]}


def test_a_small_graph_is_drawn_whole():
    a = Value(2.0, "a")
    y = (a * a).tanh()
    y.backward()
    assert excerpt(y).dot == draw(y).dot


def test_of_a_unit_the_two_largest_products_and_the_bias_are_followed():
    w = [Value(x, f"w{i}") for i, x in enumerate([1.0, -5.0, 0.1, 3.0])]
    x = [Value(1.0, f"x{i}") for i in range(4)]
    z = f.dot(w, x, Value(0.0, "b"))
    graph = excerpt(z, names={"z": z}, max_nodes=9)
    assert boxes(graph) == {"w1", "x1", "w3", "x3", "b", "z"}
    assert "… 4 more" in graph.dot
    assert graph.description.startswith("6 of 10 values shown; z: data -0.9")


def test_of_another_operation_the_operands_with_the_largest_slopes_are_followed():
    z = [Value(x, f"z{i}") for i, x in enumerate([0.0, 5.0, 1.0, 4.0, 0.0, -9.0])]
    y = f.logsumexp(z)  # its slopes are the softmax: largest for z1 and z3
    assert boxes(excerpt(y, names={"y": y}, max_nodes=4)) == {"z1", "z3", "y"}


@pytest.mark.parametrize(("sizes", "nout"), [([16, 16], 1), ([16, 16], 3), ([16] * 20, 1)])
def test_an_excerpt_of_a_net_reaches_the_inputs_and_stays_small(sizes, nout):
    model = MLP(2, [*sizes, nout], "tanh", rng=0)
    x = [Value(0.5, "x1"), Value(-0.3, "x2")]
    loss = (binary_cross_entropy_with_logits if nout == 1 else cross_entropy)(model(x), 1)
    loss.backward()
    assert len(toposort(loss, leaves=True)) > LARGEST
    shown = boxes(excerpt(loss))
    assert len(shown) <= LARGEST
    assert {"x1", "x2"} <= shown or len(sizes) > 2


@pytest.mark.slow
def test_an_excerpt_of_a_chain_of_100_000_values_is_made_without_recursion():
    v = Value(0.0)
    for _ in range(50_000):
        v = v + 1
    assert excerpt(v).description.startswith("60 of 100,001 values shown; y: data 50000")
