"""The circuits of the cs231n notes: value and gradient at every wire."""

from tinygrad_edu.classics.record import Classic, Row
from tinygrad_edu.engine import Value
from tinygrad_edu.functions import exp, maximum, sigmoid

__all__ = ["circuits"]


def circuits() -> Classic:
    """(x + y) z, the sigmoid neuron gate by gate and as one gate, and 2 (xy + max(z, w)).

    Source: A. Karpathy, notes of Stanford's cs231n, "Backpropagation, Intuitions".
    """
    return Classic(
        "Circuits: (x + y) z, the sigmoid neuron, and 2 (xy + max(z, w))",
        "A. Karpathy, Backpropagation, Intuitions: cs231n.github.io/optimization-2",
        (*product_of_sum(), *neuron(), *patterns()),
        "The page writes (1 - 0.73) 0.73 = 0.1971 for the slope of the sigmoid, from the rounded "
        "output, where it is 0.1966: both are its printed 0.2.",
    )


def product_of_sum() -> list[Row]:
    """f = (x + y) z at (-2, 5, -4)."""
    x, y, z = Value(-2.0), Value(5.0), Value(-4.0)
    q = x + y
    f = q * z
    f.backward()
    return [
        Row("q = x + y", "3", q.data),
        Row("f = q z", "-12", f.data),
        Row("df/dx", "-4", x.grad),
        Row("df/dy", "-4", y.grad),
        Row("df/dz", "3", z.grad),
        Row("df/dq", "-4", q.grad),
    ]


def neuron() -> list[Row]:
    """f = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))), with a gate for each operation and as sigmoid."""
    w0, x0, w1, x1, w2 = (Value(number) for number in (2.0, -1.0, -3.0, -2.0, -3.0))
    a, b = w0 * x0, w1 * x1
    c = a + b
    z = c + w2
    n = -1 * z
    e = exp(n)
    d = e + 1
    f = 1 / d
    f.backward()
    whole = sigmoid(z)
    wires = [
        ("w0 x0", a, "-2.00", "0.20"),
        ("w1 x1", b, "6.00", "0.20"),
        ("w0 x0 + w1 x1", c, "4.00", "0.20"),
        ("z = w0 x0 + w1 x1 + w2", z, "1.00", "0.20"),
        ("-z", n, "-1.00", "-0.20"),
        ("exp(-z)", e, "0.37", "-0.53"),
        ("1 + exp(-z)", d, "1.37", "-0.53"),
        ("f = 1 / (1 + exp(-z))", f, "0.73", "1.00"),
    ]
    return [
        *at(wires),
        Row("df/dw0", "-0.20", w0.grad),
        Row("df/dx0", "0.39", x0.grad),
        Row("df/dw1", "-0.39", w1.grad),
        Row("df/dx1", "-0.59", x1.grad),
        Row("df/dw2", "0.20", w2.grad),
        Row("f = sigmoid(z), as one gate", "0.73", whole.data),
        Row("  its slope (1 - f) f", "0.2", whole.local_derivatives()[0]),
    ]


def patterns() -> list[Row]:
    """f = 2 (x y + max(z, w)): add distributes, max routes, multiply switches."""
    x, y, z, w = Value(3.0), Value(-4.0), Value(2.0), Value(-1.0)
    p, m = x * y, maximum(z, w)
    s = p + m
    f = s * 2
    f.backward()
    wires = [
        ("x y", p, "-12.00", "2.00"),
        ("max(z, w)", m, "2.00", "2.00"),
        ("x y + max(z, w)", s, "-10.00", "2.00"),
        ("f = 2 (x y + max(z, w))", f, "-20.00", "1.00"),
    ]
    return [
        *at(wires),
        Row("df/dx", "-8.00", x.grad),
        Row("df/dy", "6.00", y.grad),
        Row("df/dz", "2.00", z.grad),
        Row("df/dw", "0.00", w.grad),
    ]


def at(wires: list[tuple[str, Value, str, str]]) -> list[Row]:
    """Two rows for each wire: its value and its gradient."""
    return [
        row
        for name, v, value, gradient in wires
        for row in (Row(name, value, v.data), Row("  its gradient", gradient, v.grad))
    ]
