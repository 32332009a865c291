"""Every value has a name of its own."""

from tinygrad_edu import MLP, Value, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.engine import constant, parameter
from tinygrad_edu.view.explain.naming import letters


def test_every_value_has_a_name_of_its_own():
    w, again, x = parameter(1.0, "w"), parameter(2.0, "w"), Value(3.0)
    z = f.dot([w, again], [x, constant(4.0)], Value(5.0))
    a = z.tanh()
    loss = (a - Value(-1.0)) ** 2
    assert list(letters(toposort(loss, leaves=True), {x: "a1"}).values()) == [
        *("w", "w#2", "a1", "L", "4", "x1", "z1", "a2", "a", "v1"),
    ]


def test_names_are_unique_in_a_net():
    model = MLP(30, [4, 3], "prelu", output="softmax", rng=0)
    y = f.sum(model([0.1 * i for i in range(30)]))
    order = toposort(y, leaves=True)
    called = letters(order, {})
    assert len(set(called.values())) == len(order)
    assert {"L", "z1", "z7", "a1", "a7", "x30"} <= set(called.values())


def test_the_root_is_y_without_parameters():
    y = Value(1.0) + Value(2.0)
    assert list(letters(toposort(y, leaves=True), {}).values()) == ["y", "a", "b"]
