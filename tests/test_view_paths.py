"""Paths are counted without walking them, and every value on them has a name of its own."""

import random

import pytest

from tinygrad_edu import Value, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.engine import gradients
from tinygrad_edu.view.explain.paths import MANY, Paths, contribution


def random_graph(seed):
    rng = random.Random(seed)
    values = [Value(rng.uniform(0.5, 1.5)) for _ in range(3)]
    for _ in range(9):
        values.append(rng.choice([f.maximum, lambda x, y: x * y, lambda x, y: x + y])(
            rng.choice(values[-6:]), rng.choice(values[-6:])
        ))  # fmt: skip
    return values[-1]


def walked(v, w):
    """The number of links of every path, by walking each."""
    if v is w:
        return [0]
    return [n + 1 for p in dict.fromkeys(v.parents) for n in walked(p, w)]


@pytest.mark.parametrize("seed", range(20))
def test_paths_are_counted_as_if_each_were_walked_and_sum_to_the_gradient(seed):
    v = random_graph(seed)
    order = toposort(v, leaves=True)
    found = gradients(v)
    for w in order:
        paths = Paths(order, w)
        lengths = walked(v, w)
        assert (paths.count, paths.longest) == (len(lengths), max(lengths))
        routes = paths.all()
        assert sorted(map(len, routes)) == sorted(lengths)
        assert sum(map(contribution, routes)) == pytest.approx(found[w], rel=1e-12)


def test_the_number_of_paths_stops_growing():
    v = w = Value(1.0)
    for _ in range(2000):
        v = v.sin() + v
    paths = Paths(toposort(v, leaves=True), w)
    assert (paths.count, paths.longest) == (MANY, 4000)
