"""The exercises of lesson 3, the backward pass step by step."""

from typing import Any, Final

from tinygrad_edu.engine import Value, grad, toposort
from tinygrad_edu.exercises.exercise import Exercise, numbers


def _used_twice() -> list[float]:
    a, b = Value(2.0), Value(3.0)
    return [v.data for v in grad((a + b) * b, [a, b])]


def _breadth_first_and_right() -> list[float]:
    """Breadth first, u hands on what it has from y, v.data, before v has handed on."""
    x = Value(2.0)
    u = x**2
    v = u + 1
    return [v.data * 2 * x.data, grad(u * v, x).data]


def _is_sort(answer: Any) -> bool:
    return callable(answer) and all(_sorts(answer, root) for root in _graphs())


def _sorts(answer: Any, root: Value) -> bool:
    nodes = toposort(root, leaves=True)
    order = answer(root)
    if not isinstance(order, (list, tuple)) or not all(isinstance(v, Value) for v in order):
        return False
    if len(order) != len(nodes) or {*order} != {*nodes}:
        return False
    place = {v: k for k, v in enumerate(order)}
    return all(place[v] < place[p] for v in nodes for p in v.parents)


def _graphs() -> list[Value]:
    """A leaf, a shared node on either side of a sum, a lattice, and 2^16 paths."""
    x = Value(3.0)
    s = x**2
    p = 5 * s
    q = p + s
    doubled = x
    for _ in range(16):
        doubled = doubled + doubled
    return [x, s + p, p + s, q + p, p * q + q * s, doubled]


EXERCISES: Final[dict[str, Exercise]] = {
    "3.1": Exercise(
        "The list [dy/da, dy/db] of y = (a + b) b at a = 2, b = 3 is asked for.",
        numbers(_used_twice),
        "give the sum a name, s = a + b, so that y = s b. b has two paths to y: directly, with the "
        "slope s, and through s.",
    ),
    "3.2": Exercise(
        "The list [what breadth first gives, what is right] is asked for.",
        numbers(_breadth_first_and_right),
        "breadth first visits y, u, v, x: write down what u has when its turn comes, which is only "
        "what y gave it. For the right number write y as a polynomial in x.",
    ),
    "3.3": Exercise(
        "A function order(root) that gives a list of nodes is asked for.",
        _is_sort,
        "go as deep as you can first and append a node only after all of its parents: that is a "
        "postorder, and it is the order you want, the wrong way round. Visit each node once.",
    ),
}
