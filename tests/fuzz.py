"""Random programs, graphs and models: floats, Values, arrays, printed source and PyTorch agree.

    python -m tests.fuzz --n 100000 [--seed 0] [--kind edges]

runs so many by hand and counts them; `test_fuzz.py` runs a few thousand, drawn by hypothesis, which
shrinks what fails. A kind makes a case from `draw`, which chooses one of several things, and checks
it: False if it cannot be compared, because a kink is near or nothing but rounding is left.
"""

import argparse
import math
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))  # where pytest looks, too

import numpy as np
import pytest
from random_programs import OPERATIONS, make_program, make_steps, run, run_on_duals
from vectorized import by_numpy, by_scalars, by_source

from tinygrad_edu import functions as f
from tinygrad_edu import gradcheck, primitive
from tinygrad_edu.engine import Value, grad, primitives, toposort
from tinygrad_edu.namespace import FUNCTIONS, no_flow
from tinygrad_edu.vectorize import vectorize

Draw = Callable[[Any], Any]


class Kind(NamedTuple):
    """How a case is made and checked."""

    make: Callable[[Draw], Any]
    check: Callable[[Any], bool]


# --- the ways to differentiate --------------------------------------------------------------------


def close(found, expected, scale=1.0, tolerance=1e-9):
    assert found == pytest.approx(expected, rel=0, abs=tolerance * (1 + scale), nan_ok=True)


def gradients(function, numbers, passes=1):
    """Result and gradient by backward, and by grad, which leaves nothing behind."""
    x = [Value(number) for number in numbers]
    y = function(x)
    by_grad = [v.data for v in grad(y, x)]
    assert [v.grad for v in x] == [0.0] * len(x), "grad() left something in .grad"
    for _ in range(passes):
        y.backward()
    return y, [v.grad / passes for v in x], by_grad


def check_second(function, numbers):
    """grad of grad is symmetric, what backward of grad gives, and the difference of grad."""
    x = [Value(number) for number in numbers]
    first = grad(function(x), x)
    second = [[v.data for v in grad(dy, x)] for dy in first]
    scale = max(abs(ddy) for row in second for ddy in row)
    if not scale < 1e6:
        return
    for i, dy in enumerate(first):
        for v in x:
            v.grad = 0.0
        dy.backward()
        close([v.grad for v in x], second[i], scale)
        close([row[i] for row in second], second[i], scale)
    i = len(numbers) // 2
    gradcheck(lambda *v: grad(function(v), v[i]), numbers, tolerance=1e-5)


def on_torch(y, leaves):
    """The derivatives of a graph in PyTorch, which differentiates the values of the records."""
    import torch

    def on_tensors(function):
        return lambda *x: function(*map(_tensor, x))

    other = {"equal": torch.eq, "softplus": torch.nn.functional.softplus}
    made_of = {name: getattr(torch, name, None) for name in FUNCTIONS} | other
    m: Any = SimpleNamespace(**{name: on_tensors(g) for name, g in made_of.items()})
    m.sum, m.dot = sum, lambda w, x, b=0.0: sum((a * c for a, c in zip(w, x, strict=True)), b)
    m.no_flow = no_flow
    m.where = lambda c, a, b: torch.where(torch.as_tensor(c).bool(), _tensor(a), _tensor(b))
    made = {}
    for v in toposort(y, leaves=True):
        made[v] = _tensor(v.data).requires_grad_(v.op is None)
        if v.op is not None:
            made[v] = _tensor(v.op.value(m, *[made[p] for p in v.parents], **v.op.constants))
    made[y].backward()
    return [float(made[v].grad if v in made and made[v].grad is not None else 0.0) for v in leaves]


def _tensor(x):
    import torch

    return x if isinstance(x, torch.Tensor) else torch.tensor(float(x), dtype=torch.float64)


def check_torch(function, numbers, expected, scale):
    if find_spec("torch"):
        x = [Value(number) for number in numbers]
        close(on_torch(function(x), x), expected, scale, 1e-8)


def check_arrays(fn, arrays, example):
    """Losses and mean gradient by program, source and scalar engine."""
    program = vectorize(fn, *example)
    losses, gradient = by_scalars(fn, program.parameters, *arrays)
    scale = max([abs(g) for g in gradient], default=0.0)
    assert program(*arrays) == pytest.approx(np.array(losses), rel=1e-9, abs=1e-12)
    if program.parameters:
        for by in (type(program).value_and_grad, by_numpy, by_source):
            loss, found = by(program, *arrays)
            assert loss == pytest.approx(np.mean(losses), rel=1e-9, abs=1e-12)
            assert found == pytest.approx(np.array(gradient), rel=0, abs=1e-10 * scale + 1e-13)


# --- programs: single operations, at ordinary numbers ---------------------------------------------


def make_ordinary(draw):
    """A program, and how many of its operands are parameters of the array program."""
    inputs = [draw(NUMBERS) + draw(NUMBERS) / 7 for _ in range(draw(range(2, 5)))]
    return make_program(draw, inputs, draw(range(1, 14))), draw(range(1, len(inputs)))


NUMBERS = [k / 8 for k in range(-14, 15)]


def sound(program):
    """The last result as a dual number, unless a kink is near or it is mostly rounding."""
    try:
        result, kink = run_on_duals(program)
    except (TypeError, ValueError, ArithmeticError):  # TypeError: complex powers
        return None
    large = max(map(abs, result.d))
    fine = kink > 1e-6 and abs(result.x) < 1e3 and max(result.size) < 1e3 * large < 1e6
    return result if fine else None


def check_duals(program):
    """Values against dual numbers, whose rules know nothing of the package's, and plain floats."""
    expected, kink = run_on_duals(program)
    if kink < 1e-9:  # rounding can put the two on different sides
        return False
    y, by_backward, by_grad = gradients(lambda x: run(program, x), program[1], passes=2)
    assert float(run(program, program[1])) == y.data
    assert y.data == pytest.approx(expected.x, rel=1e-9, abs=1e-9)
    for i, size in enumerate(expected.size):
        close([by_backward[i], by_grad[i]], [expected.d[i]] * 2, size)
        close(by_grad[i], by_backward[i], size, 1e-13)
    return True


def check_ordinary(case):
    program, parameters = case
    steps, start = program
    if not steps or not check_duals(program):
        return False
    rng = random.Random(0)
    rows = [[x + rng.uniform(-0.05, 0.05) for x in start[parameters:]] for _ in range(12)]
    rows = [row for row in rows if sound((steps, start[:parameters] + row))]
    result = sound(program)
    if len(rows) < 2 or result is None:
        return False
    p = [Value(x) for x in start[:parameters]]
    check_arrays(lambda x: run(program, [*p, *x]), [np.array(rows)], [rows[0]])
    check_second(lambda x: run(program, x), start)
    check_torch(lambda x: run(program, x), start, result.d, max(result.size))
    return True


# --- edges: the same at 0, -0, inf, nan and far out -----------------------------------------------

EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, 1e-200, 5e-324, 1e200, -1e200]
EDGES += [math.inf, -math.inf, math.nan]


def make_edges(draw):
    """A program of any operations, and three rows of inputs."""
    n = draw(range(1, 4))
    steps = make_steps(draw, list(OPERATIONS), n, 6)
    return steps, [[draw(EDGES) for _ in range(n)] for _ in range(3)]


def check_edges(case, signs=True):
    """Value and gradient are the same by backward, grad, arrays and source, signs of 0 included.

    Without `signs` arrays and source may have another zero, and 1 over it.
    """
    steps, rows = case
    for row in rows:
        p = [Value(x) for x in row]
        y, by_backward, by_grad = gradients(partial(run, (steps, row)), row)
        if cancels(y):
            continue
        same(by_grad, by_backward, "grad and backward")
        program = vectorize(partial(_ignoring, partial(run, (steps, row)), p), 1.0)
        known = {v: g for v, g in zip(p, by_backward, strict=True) if v in program.parameters}
        if not known:
            continue
        expected = [y.data + 0.0, *[known[v] for v in program.parameters]]
        same(program([1.0]), [y.data], "a result of arrays and of Values", signs)
        for engine, (mean, gradient) in {
            "arrays": program.value_and_grad([1.0]),
            "NumPy": by_numpy(program, [1.0]),
            "source": by_source(program, [1.0]),
        }.items():  # a mean of -0 may be 0: a sum starts from 0
            same([mean + 0.0, *gradient], expected, f"{engine} and Values", signs)
    return True


def cancels(y):
    """Whether large terms of a derivative cancel, so that it depends on the order of the sum."""
    sizes = {y: 1.0}
    for v in reversed(toposort(y)):
        for p, slope in zip(v.parents, v.local_derivatives(), strict=True):
            sizes[p] = sizes.get(p, 0.0) + sizes[v] * abs(slope) if slope else sizes.get(p, 0.0)
    return any(1e6 < size < math.inf and abs(v.grad) < 1e-9 * size for v, size in sizes.items())


def _ignoring(function, p, x):
    """A function of parameters as one of an example."""
    return function(p)


def same(found, expected, what, signs=True):
    """The same number, zero with its sign; but for rounding."""
    size = max([1.0, *[abs(b) for b in expected if math.isfinite(b)]])
    for a, b in zip(map(float, found), map(float, expected), strict=True):
        equal = a == b and math.copysign(1, a) == math.copysign(1, b)
        near = abs(a - b) <= 1e-9 * abs(b) + 1e-15 * size < math.inf and a != b
        other = not signs and abs(a) == abs(b) and abs(a) in (0.0, math.inf)
        assert equal or near or other or (a != a and b != b), f"{what}: {found} and {expected}"


# --- graphs: dots, layers, rows -------------------------------------------------------------------

UNARY = {"tanh": f.tanh, "sin": f.sin, "sigmoid": f.sigmoid, "softplus": f.softplus}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "hypot": lambda x, y: f.hypot(x + 0.1, y),
    "tie": lambda x, y: f.maximum(x, y),
}
ROWS = {"sum": f.sum, "mean": f.mean, "prod": f.prod, "max": f.max, "logsumexp": f.logsumexp}


def apply(step, pool):
    """The results of a step: its kind, and where its rows of operands stand."""
    kind, rows = step
    v = [[pool[i] for i in row] for row in rows]
    if kind in UNARY:
        return [UNARY[kind](*row) for row in v]
    if kind in BINARY:
        return [BINARY[kind](*row) for row in v]
    if kind in ROWS:
        return [ROWS[kind](row) for row in v]
    if kind == "softmax":
        return [p for row in v for p in f.softmax(row)]
    if kind == "choice":
        return [primitives["cross_entropy"](pool[0], *row) for row in v]
    half = len(v) // 2
    if kind == "product":  # every row of w with every row of x
        return [f.dot(w, x) for x in v[:half] for w in v[half:]]
    if kind == "biased":
        return [f.dot(w, x, w[0]) for w in v[half:] for x in v[:half]]
    if kind == "pairs":
        return [f.dot(w, x) for w, x in zip(v[:half], v[half:], strict=True)]
    return [sum(a * b for a, b in zip(w, x, strict=True)) for w, x in zip(v, v[::-1], strict=True)]


STEPS = [*UNARY, *BINARY, *ROWS, "softmax", "choice", "product", "biased", "pairs", "by hand"]
N_INPUTS, N_PARAMETERS = 3, 6


def make_graph(draw):
    """Steps over a pool of a class number, inputs, parameters and two constants; and a seed."""
    size = 1 + N_INPUTS + N_PARAMETERS + 2
    steps = []
    for _ in range(draw(range(1, 7))):
        kind = draw(STEPS)
        wide = 1 if kind in UNARY else 2 if kind in BINARY else draw([1, 2, 3])
        wide = max(wide, 2) if kind == "choice" else wide
        count = draw([1, 2, 3])
        if kind in ("product", "biased", "pairs", "by hand"):
            count *= 2
        pools = [range(1, 4), range(4, 10), range(1, size), range(max(1, size - 6), size)]
        rows = []
        for _ in range(count):
            among = draw(pools)
            rows.append(tuple([draw(among) for _ in range(wide)]))
        step = (kind, tuple(rows))
        steps.append(step)
        size += len(apply(step, [0.5] * size)) if kind != "choice" else count
    return steps, draw(range(4))


def run_graph(steps, t, x, p):
    """The sum of the last results, and the rows of which an extreme is taken on the way."""
    pool = [t, *x, *p, Value(0.5), Value(-1.5)]
    results, extremes = [], []
    for step in steps:
        results = apply(step, pool)
        if step[0] in ("max", "tie"):
            extremes += [[pool[i] for i in row] for row in step[1]]
        pool += results
    loss = f.sum([f.tanh(0.1 * v) for v in results]) if len(results) > 1 else results[0]
    return loss, extremes


def gap_of(rows):
    """The distance to the nearest tie of two nodes of a row."""
    gap = math.inf
    for row in rows:
        data = sorted({v.data for v in row})
        ties = len({id(v) for v in row}) - len(data)
        gap = min(gap, 0.0 if ties else gap, *[b - a for a, b in pairwise(data)], math.inf)
    return gap


def check_graph(case):
    steps, seed = case
    rng = np.random.default_rng(seed)
    p = [Value(x) for x in rng.uniform(-1, 1, N_PARAMETERS)]
    x, t = rng.uniform(-1, 1, (4, N_INPUTS)), np.array([0.0, 1.0, 1.0, 0.0])
    for row, k in zip(x, t, strict=True):
        loss, extremes = run_graph(steps, Value(k), [Value(a) for a in row], p)
        if gap_of(extremes) < 1e-6 or not abs(loss.data) < 1e3:
            return False
    check_arrays(lambda x, t: run_graph(steps, t, x, p)[0], [x, t], [x[0].tolist(), 1.0])
    return True


# --- models: skips, shared weights, recurrences, convolutions, own operations, grad inside --------


@primitive(lambda m, y, x: (-2 * x * y,))
def bump(m, x):
    return m.exp(-x * x)


@primitive(lambda m, y, a, b: (b * m.cos(a * b) + 1, a * m.cos(a * b)))
def ripple(m, a, b):
    return m.sin(a * b) + a


class Weights:
    """Parameters one after the other, from the first again when they are used up: shared."""

    def __init__(self, p):
        self.p, self.used = p, 0

    def row(self, n):
        self.used += n
        return [self.p[k % len(self.p)] for k in range(self.used - n, self.used)]


def recurrent(h, w, wide):
    state, cell = f.mean(h), w.row(3)
    states = []
    for a in h:
        state = f.tanh(f.dot(cell[:2], [a, state], cell[2]))
        states.append(state)
    return states


def convolved(h, w, wide):
    kernel = w.row(min(2 + wide % 2, len(h)))
    n = len(kernel)
    return [f.dot(kernel, h[k : k + n]) for k in range(len(h) - n + 1)]


def attended(h, w, wide):
    q = w.row(1)[0]
    shares = f.softmax([a * q for a in h])
    return [f.dot(shares, h), *h[1:]]


def normed(h, w, wide):
    mean = f.mean(h)
    deviation = (f.mean([(a - mean) ** 2 for a in h]) + 0.1).sqrt()
    return [(a - mean) / deviation for a in h]


def slopes_of(h, w, wide):
    """grad inside: the derivatives of a function of what there is, as numbers to go on with."""
    energy = f.sum([f.sin(a) * w.row(1)[0] + a * a for a in h])
    return grad(energy, h)


PARTS = {
    "layer": lambda h, w, wide: [f.tanh(f.dot(w.row(len(h)), h, w.row(1)[0])) for _ in range(wide)],
    "linear": lambda h, w, wide: [f.dot(w.row(len(h)), h) for _ in range(wide)],
    "skip": lambda h, w, wide: [a + f.sigmoid(a * w.row(1)[0]) for a in h],
    "join": lambda h, w, wide: [*h, *h[:1]],
    "gate": lambda h, w, wide: [a * f.sigmoid(b) for a, b in zip(h, h[::-1], strict=True)],
    "own": lambda h, w, wide: [bump(a) for a in h],
    "ripple": lambda h, w, wide: [ripple(a, w.row(1)[0]) for a in h],
    "softmax": lambda h, w, wide: f.softmax(h),
    "soft": lambda h, w, wide: [f.softplus(a) - f.log_softmax(h)[0] for a in h],
    "recurrent": recurrent,
    "convolution": convolved,
    "attention": attended,
    "norm": normed,
    "grad": slopes_of,
}


def make_model(draw):
    """Parts and their widths, and a seed of the numbers; short lists of weights are shared."""
    parts = [(draw(list(PARTS)), draw(range(1, 5))) for _ in range(draw(range(1, 6)))]
    return parts, draw([3, 5, 8, 60]), draw(range(1000))


def run_model(parts, x, p):
    w, h = Weights(p), list(x)
    for name, wide in parts:
        h = PARTS[name](h, w, wide)
    return f.mean([a * a for a in [*h, 0.1 * p[0]]])


def check_model(case):
    parts, size, seed = case
    rng = np.random.default_rng(seed)
    numbers = rng.uniform(-1, 1, size).tolist()
    x = rng.uniform(-1, 1, (3, 4))
    of_row = lambda v: run_model(parts, [Value(a) for a in x[0]], v)  # noqa: E731
    _, by_backward, by_grad = gradients(of_row, numbers, passes=2)
    scale = max(map(abs, by_backward))
    if not scale < 1e4:
        return False
    close(by_grad, by_backward, scale, 1e-11)
    check_torch(of_row, numbers, by_backward, scale)
    one = seed % size
    moved = lambda v: of_row([v if k == one else a for k, a in enumerate(numbers)])  # noqa: E731
    gradcheck(moved, numbers[one])
    gradcheck(lambda v: grad(moved(v), v), numbers[one], tolerance=1e-5)
    p = [Value(a) for a in numbers]
    check_arrays(lambda x: run_model(parts, x, p), [x], [x[0].tolist()])
    return True


# --- all of them ----------------------------------------------------------------------------------

KINDS = {
    "programs": Kind(make_ordinary, check_ordinary),
    "edges": Kind(make_edges, check_edges),
    "graphs": Kind(make_graph, check_graph),
    "models": Kind(make_model, check_model),
}


def main():
    """Check n random cases by turns of their kinds, print what disagrees, count."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("--n", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--kind", choices=KINDS, action="append")
    chosen = options.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    names = chosen.kind or list(KINDS)
    for k in range(chosen.n):
        name = names[k % len(names)]
        kind, rng = KINDS[name], random.Random(f"{chosen.seed} {name} {k}")
        case = kind.make(rng.choice)
        try:
            outcome = "agreed" if kind.check(case) else "left out"
        except Exception as error:  # whatever it is, it is what we look for
            outcome = "DISAGREED"
            line = traceback.extract_tb(error.__traceback__)[-1]
            print(f"{name} {k}: {type(error).__name__}: {str(error)[:300]}\n  {case}\n  {line}")
        counts[name, outcome] += 1
    for name, outcome in sorted(counts):
        print(f"{name:10}{outcome:10}{counts[name, outcome]:10,}")
    return sum(n for (_, outcome), n in counts.items() if outcome == "DISAGREED")


if __name__ == "__main__":
    sys.exit(main() > 0)
