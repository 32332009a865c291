"""Derivations: every step has the value of the one before it, and the last is the slope."""

import itertools
import math
import random
import re

import pytest
from refusals import refusals

from tinygrad_edu import Value, explain, toposort
from tinygrad_edu import functions as f
from tinygrad_edu.engine import gradients
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
)
from tinygrad_edu.namespace import floats
from tinygrad_edu.nn import BatchNorm
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.explain.chain import Writer
from tinygrad_edu.view.explain.derivations import _table, derivation, normalisation

_OPS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "negative": lambda a: -a, "equal": lambda a, b: float(a == b),
}  # fmt: skip


class Page:
    """A derivation with numbers for its letters; those of x_i and x_k are x1, x2, ... in turn."""

    def __init__(self, found, given):
        self.found, self.given = found, given

    def name(self, letter, i=0, k=0):
        text = self.found.names[int(letter.name[1:])].text
        return re.sub(r"_([ik\d])$", lambda m: str({"i": i, "k": k}.get(m[1], m[1])), text)

    def number(self, x, known, i=0, k=0):
        if isinstance(x, Symbol):
            return (known | {"i": i, "k": k})[self.name(x, i, k)]
        if not isinstance(x, Expr):
            return x
        apply = _OPS.get(x.op) or getattr(floats, x.op)
        return apply(*[self.number(a, known, i, k) for a in x.args])

    def all(self, **changed):
        """Every letter; those that are changed are so before others are defined by them."""
        known = self.given | changed
        z = [known[name] for name in known if re.fullmatch(r"[xz]\d", name)]
        shares = {f"p{k}": share for k, share in enumerate(f.softmax(z) if z else [], 1)}
        known = shares | known
        for left, steps in self.found.equations:
            if isinstance(left, Symbol):
                for i in range(1, len(z) + 1) if z else [0]:
                    if (name := self.name(left, i)) not in changed:
                        known[name] = self.number(steps[0][0], known, i)
        if "g1" in known:  # any L of the results, to first order
            known["L"] = sum(known[f"g{i}"] * known[f"y{i}"] for i in (1, 2, 3))
        return known

    def derivative(self, of, by):
        """d(of)/d(by) by differences: `by` is changed, and what is defined from it."""
        x, h = self.all()[by], 1e-3
        ends = [self.all(**{by: x + step * h})[of] for step in (-2, -1, 1, 2)]
        return (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)

    def faults(self, equations=None):
        """Those of these equations, or of all, whose sides are not the same number."""
        known, wrong = self.all(), []
        places = range(1, self.found.n + 1) if self.found.n else [0]
        for (left, steps), i, k in itertools.product(
            equations or self.found.equations, places, places
        ):
            sides = [self.number(x, known, i, k) for x, _ in steps]
            if isinstance(left, tuple):
                sides.append(self.derivative(*[self.name(a, i, k) for a in left]))
            else:
                sides.append(self.number(left, known, i, k))
            if not all(math.isclose(x, sides[0], rel_tol=1e-7, abs_tol=1e-9) for x in sides):
                wrong.append((steps[-1][1], sides))
        return wrong


def normalised(x):
    """(x1 - mean) / sqrt(var + eps), of the first example of a batch."""
    [y], *_ = BatchNorm(1).batch([[a] for a in x])
    return y.parents[0].parents[1]


#: An operation, the numbers of its operands, and those that have a slope of their own.
CASES = {
    **{op: (getattr(f, op), 1) for op in ("sigmoid", "tanh", "softplus", "log_sigmoid", "silu",
                                          "gelu", "tan")},
    "divide": (f.divide, 2),
    "softmax": (lambda *z: f.softmax(z)[1], 3),
    "softmax, first of five": (lambda *z: f.softmax(z)[0], 5),
    "log_softmax": (lambda *z: f.log_softmax(z)[2], 3),
    "logsumexp": (f.logsumexp, 3),
    "norm": (f.norm, 4),
    "var": (f.var, 3),
    "std": (f.std, 4),
    "cross_entropy": (lambda *z: cross_entropy(z, 2), 3),
    "cross_entropy, first of two": (lambda *z: cross_entropy(z, 0), 2),
    "binary_cross_entropy": (binary_cross_entropy, 2),
    "binary_cross_entropy_with_logits": (binary_cross_entropy_with_logits, 2),
    "normalisation": (lambda *x: normalised(x), 3),
}  # fmt: skip


def page_of(case, seed):
    operation, n = CASES[case]
    rng = random.Random(seed)
    x = [Value(rng.uniform(0.1, 0.9), f"z{k}") for k in range(1, n + 1)]
    y = operation(*x)
    names = names_of(toposort(y, leaves=True))
    given = {names[v]: v.data for v in x} | {"pi": math.pi, "eps": 1e-5, "gamma": 1.5, "beta": -0.5}
    given |= {f"g{k}": rng.uniform(-1, 1) for k in (1, 2, 3)} if case == "normalisation" else {}
    given |= {"t": y.numbers[1] + 1} if case.startswith("cross") else {}
    found = normalisation(y, names) or derivation(y, Writer(names)._letters_of(y)[0])
    return Page(found, given), y, x, names


def test_every_derivation_of_the_table_has_a_case():
    assert {case.partition(",")[0] for case in CASES} == set(_table())


@pytest.mark.parametrize(("case", "seed"), [*itertools.product(CASES, range(2))])
def test_all_sides_of_a_derivation_are_the_same_number(case, seed):
    assert page_of(case, seed)[0].faults() == []


@pytest.mark.parametrize("case", [case for case in CASES if case != "normalisation"])
def test_the_last_step_of_a_derivation_is_the_slope_of_the_record(case):
    page, y, x, names = page_of(case, 7)
    known, slopes, own = page.all(), gradients(y), {names[v]: v for v in x}
    last = {}
    for left, steps in page.found.equations:
        pair = [page.name(a) for a in left] if isinstance(left, tuple) else ["", ""]
        if pair[0] == names[y] and pair[1] in own:
            last[pair[1]] = page.number(steps[-1][0], known)
    assert last
    for by, number in last.items():
        assert number == pytest.approx(slopes[own[by]], rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_step_of_a_derivation_is_found(case):
    page, *_ = page_of(case, 1)
    for left, steps in page.found.equations:
        wrong = left, [*steps, (1.001 * steps[-1][0], "")]
        assert page.faults([wrong]) != []


def rows_of(explanation):
    return [line.strip() for line in str(explanation).splitlines()]


def test_softmax_with_cross_entropy_goes_through_the_jacobian_to_p_minus_1():
    z = [Value(x, f"z{k}") for k, x in enumerate((1.2, -0.3, 0.4), 1)]
    loss = cross_entropy(z, 2)
    loss.name = "L"
    found = explain(loss, derive=True)
    lines = rows_of(found)
    for line in (
        "dp_i/dz_k = p_i * (1[i = k] - p_k)   (both in one; 1[i = k] is 1 or 0)",
        "dL/dz3 = -1 / p3 * (p3 * (1 - p3))   (chain rule, the right class)",
        "= p3 - 1",
        "dL/dz_k = p_k - 1[y = k]   (both in one, for the class of the target)",
    ):
        assert line in lines
    assert r"\frac{\partial L}{\partial z_{k}} &= p_{k} - \mathbf{1}[y = k]" in found.latex
    assert len(rows_of(explain(loss))) < len(lines) / 2  # on demand


def test_a_batch_normalisation_is_explained_with_its_mean_and_variance():
    lines = rows_of(explain(BatchNorm))
    assert lines[0] == "3 paths lead from z1 to y1:"
    for line in (
        "mean[1] = (z1 + z2 + z3) / 3 = (0.5 + (-1) + 2.5) / 3 = 0.6667",
        "xhat_i = (z_i - mean[1]) / v2   (normalised)",
        "dL/dz_k = gamma / v2 * (g_k - G / 3 - xhat_k * H / 3)   "
        "(chain rule, through all the results)",
    ):
        assert line in lines


def test_a_function_with_a_kink_is_explained_there_with_what_is_taken():
    found = explain(f.relu)
    kink = "relu has no derivative at z = 0, a kink: 0 below, 1 above, by convention 0 there."
    assert rows_of(found)[-1] == kink
    assert r"&\text{relu has no derivative at z = 0" in found.latex


@pytest.mark.parametrize("case", CASES)
def test_reasons_are_words_for_latex(case):
    for line in page_of(case, 1)[0].found.lines():
        for side in line.sides:
            said = side.latex.partition(r"\text{")[2]
            assert not re.search(r"(?<!\\)[_&%#$^]", said)


def test_an_operation_is_derived_once_and_with_letters_that_are_free():
    x, s = Value(0.5, "S"), Value(0.2, "s")
    lines = rows_of(explain(f.logsumexp(x, s).sigmoid().sigmoid(), wrt=x, derive=True))
    assert sum(line == "The slope of sigmoid, derived:" for line in lines) == 1
    assert sum("exp(S) + exp(s)" in line and not line.startswith("S") for line in lines) >= 1


@pytest.mark.parametrize("names", [("p1#2", "$a_b^"), ("3", "é"), ("z1[2]", "z1[3]")])
def test_letters_for_any_operand_are_letters_whatever_the_operands_are_called(names):
    found = explain(f.softmax([Value(0.5, name) for name in names])[0], derive=True)
    drawn = found.latex
    assert drawn.count("{") - drawn.count(r"\{") == drawn.count("}") - drawn.count(r"\}")
    assert not re.search(r"_\{[^{}]*\}_", drawn)
    assert re.search(r"d\w+_i/d\w+_k = \w+_i \* \(1\[i = k\] - \w+_k\)", str(found))


def test_a_slope_of_many_operands_is_derived_with_a_short_sum():
    z = [Value(0.1 * k, f"z{k}") for k in range(1, 31)]
    text = str(explain(f.logsumexp(z), derive=True))
    assert "S = exp(z1) + exp(z2) + … + exp(z30)" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    "function", [f.tanh, f.softmax, f.var, binary_cross_entropy, f.abs, f.divide]
)
def test_functions_are_explained_by_a_derivation_at_a_few_numbers(function):
    assert "derived:" in str(explain(function)) or "no derivative" in str(explain(function))


test_what_has_no_derivation_is_refused = refusals([
    (lambda: explain(f.exp), TypeError,
     "explain takes a Value, such as explain(f(x)) of Value x, or a function whose slope it "
     "derives: BatchNorm, abs, binary_cross_entropy, binary_cross_entropy_with_logits, "
     "cross_entropy, divide, gelu, log_sigmoid, log_softmax, logsumexp, norm, relu, sigmoid, sign, "
     "silu, softmax, softplus, std, step, tan, tanh, var"),
    (lambda: explain(Value(0.5).tanh(), derive=1), TypeError,
     "derive must be True or False, got int 1"),
    (lambda: explain(3.0), TypeError, "explain(v) explains one Value, got float"),
])  # fmt: skip
