"""The collected slips: each runs, is wrong where it says, and nowhere before."""

import re
from collections import Counter

import numpy as np
import pytest
from slips import NAMES, SHOWS, SOURCES, agree, read
from slips.engines import BROKEN
from slips.engines import RIGHT as RIGHT_ENGINES

from tinygrad_edu import Value

SLIPS, RIGHT = read(), read(right=True)
#: Kinds of which both halves need some.
FREQUENT = 6


@pytest.fixture(autouse=True)
def silence():
    with np.errstate(all="raise"):
        yield


@pytest.mark.parametrize("kind", NAMES)
def test_a_slip_is_wrong_where_it_says_and_not_before(kind: str) -> None:
    for case in SLIPS:
        if case.slip == kind:
            truth, student = case.truth(), case.pass_of_student()
            assert list(student) == list(truth)
            wrong = [name for name in truth if not agree(truth[name], student[name], 1e-4)]
            assert wrong[:1] == [case.where], case
            assert case.where in case.lines, case
            assert case.shown(wrong), case
            assert all(np.isfinite(array).all() for array in student.values()), case


@pytest.mark.parametrize("seed", [None, 1])
def test_a_right_pass_agrees_to_rounding(seed: int | None) -> None:
    for case in RIGHT if seed is None else [case.with_seed(seed) for case in RIGHT]:
        truth, student = case.truth(), case.pass_of_student()
        rounding = 1e-9 if case.dtype == "float64" else 1e-4
        for name in truth:
            assert agree(truth[name], student[name], rounding), (name, case)
        assert case.right
        assert case.claims()


def test_every_slip_is_described() -> None:
    for case in SLIPS + RIGHT:
        assert case.half in ("build", "unseen")
        assert case.shows in SHOWS
        assert case.says.endswith(".")
        assert not re.search(r"https?:|www\.|@\w", case.says)
    for case in SLIPS:
        assert {case.slip, *case.also} <= set(NAMES)
        assert case.slip not in case.also
        assert case.source in SOURCES
    ids = [case.id for case in SLIPS + RIGHT]
    assert len(set(ids)) == len(ids)


def test_no_two_students_wrote_the_same() -> None:
    nets = [{k: v for k, v in case.net.items() if k != "seed"} for case in SLIPS]
    written = Counter(
        str((net, case.lines, case.shows)) for net, case in zip(nets, SLIPS, strict=True)
    )
    assert max(written.values()) == 1


def test_there_are_enough_of_every_kind_in_both_halves() -> None:
    assert len(SLIPS) >= 160
    assert sum(case.source != "known" for case in SLIPS) >= 150
    assert len(RIGHT) >= 40
    kinds = Counter(case.slip for case in SLIPS)
    assert set(kinds) == set(NAMES)
    for half in ("build", "unseen"):
        of_half = Counter(case.slip for case in SLIPS if case.half == half)
        assert abs(2 * sum(of_half.values()) - len(SLIPS)) <= len(NAMES)
        assert all(of_half[name] >= n // 2 - 1 for name, n in kinds.items() if n >= FREQUENT)


def twice(y):
    """A second backward pass over the same graph."""
    y.backward()
    return y


#: Small graphs of two numbers, with the operations that they need.
GRAPHS = {
    "a + b": (lambda a, b: a + b, ()),
    "a * b": (lambda a, b: a * b, ()),
    "a + a": (lambda a, b: a + a, ()),
    "a * a": (lambda a, b: a * a, ()),
    "a * b + a": (lambda a, b: a * b + a, ()),
    "3 * a + 2": (lambda a, b: 3 * a + 2, ()),
    "(a + b) * (a * b)": (lambda a, b: (a + b) * (a * b), ()),
    "shared twice": (lambda a, b: (lambda c: (c + c * b) * c)(a * b), ()),
    "doubled twice": (lambda a, b: (lambda c: c + c)(a + a), ()),
    "long and short": (lambda a, b: (lambda c: c * (c * b + a) * a)(a + b), ()),
    "a - b": (lambda a, b: a - b, ()),
    "2 - a": (lambda a, b: 2 - a, ()),
    "-a": (lambda a, b: -a * b, ()),
    "a ** 3": (lambda a, b: a**3 * b, ("**",)),
    "a / b": (lambda a, b: a / b, ("/", "**")),
    "exp": (lambda a, b: (a * b).exp() * a, ("exp",)),
    "log": (lambda a, b: (a * b).log() * a, ("log",)),
    "tanh": (lambda a, b: ((a * b).tanh() + a.tanh()).tanh(), ("tanh",)),
    "tanh and itself": (lambda a, b: a.tanh() * b + a, ("tanh",)),
    "relu": (lambda a, b: (a * b).relu() + (a * -b).relu() * a, ("relu",)),
    "twice": (lambda a, b: twice(a * b), ()),
}


def derivatives(cls, graph):
    """The value and both derivatives; an earlier graph of the same numbers has been passed."""
    a, b = cls(1.3), cls(0.7)
    (a * b + b).backward()
    a.grad = b.grad = 0.0
    y = graph(a, b)
    y.backward()
    return y.data, a.grad, b.grad


@pytest.mark.parametrize("broken", [False, True])
def test_engines_give_right_values_and_the_broken_ones_wrong_derivatives(broken: bool) -> None:
    engines = BROKEN if broken else RIGHT_ENGINES
    assert len(engines) == (30 if broken else 10)
    for engine in engines:
        wrong = []
        for name, (graph, needs) in GRAPHS.items():
            if needs and not set(needs) & set(engine.value.has):
                continue
            if name == "twice" and not broken:
                continue
            value, *slopes = derivatives(engine.value, graph)
            true, *right = derivatives(Value, graph)
            assert value == pytest.approx(true), (engine, name)
            if slopes != pytest.approx(right):
                wrong.append(name)
        assert bool(wrong) == broken, (engine, wrong)
        assert ({engine.slip, *engine.also} <= set(NAMES)) == broken
