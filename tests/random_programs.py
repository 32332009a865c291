"""Random programs with shared nodes, run on Values and on dual numbers.

A program is a list of steps (operation, where its operands stand) and its inputs; each step applies
an operation to results of earlier ones. `Dual` numbers carry their derivatives forward by rules of
their own, which know nothing of the package's.
"""

import math
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from itertools import pairwise
from math import atan2, cos, exp, inf, log, sin, tanh
from statistics import fmean, pvariance
from typing import Any, NamedTuple

from tinygrad_edu import functions as f


class Operation(NamedTuple):
    """An operation twice: on Values, and as the numbers `value(*x)` and `slopes(*x)`.

    Used where `domain(x)` holds for every operand; `kink(*x)` is the distance to the nearest point
    without a derivative.
    """

    operands: int
    on_values: Callable[..., Any]
    value: Callable[..., float]
    slopes: Callable[..., Sequence[float]]
    domain: Callable[[float], bool]
    kink: Callable[..., float]


def smooth(on_values, value, *slopes, domain=lambda x: True, kink=lambda *x: inf):
    every = lambda *x: [slope(*x) for slope in slopes]  # noqa: E731
    return Operation(len(slopes), on_values, value, every, domain, kink)


def bent(*functions):
    """With a kink where the first operand is 0."""
    return smooth(*functions, kink=lambda x, *_: abs(x))


def extreme(on_values, pick, operands):
    """A maximum or minimum, of which n that tie have 1/n of the derivative each."""

    def slopes(*x):
        ties = x.count(pick(x))
        return [(a == pick(x)) / ties for a in x]

    def gap(*x):
        return min((b - a for a, b in pairwise(sorted(x))), default=inf)

    return Operation(operands, on_values, lambda *x: pick(x), slopes, lambda x: True, gap)


def of_3(on_values, value, slopes):
    return Operation(3, on_values, value, slopes, small, lambda *x: inf)


def logistic(x):
    return 0.5 + 0.5 * tanh(x / 2)


def bump(x):
    """The derivative of the logistic function."""
    return 1 / (2 + 2 * math.cosh(x))


def normal(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def bell(x):
    """The derivative of the normal distribution's function."""
    return math.sqrt(exp(-x * x) / math.tau)


def softmax(*x):
    return [1 / math.fsum(exp(b - a) for b in x) for a in x]


def others(*x):
    return [x[1] * x[2], x[0] * x[2], x[0] * x[1]]


def small(x):
    return abs(x) < 5


def positive(x):
    return x > 0.1


def nonzero(x):
    return abs(x) > 0.1


def inside_1(x):
    return abs(x) < 0.95


OPERATIONS = {
    "x + y": smooth(lambda x, y: x + y, lambda x, y: x + y, lambda x, y: 1, lambda x, y: 1),
    "2 + x": smooth(lambda x: 2 + x, lambda x: 2 + x, lambda x: 1),
    "x - y": smooth(lambda x, y: x - y, lambda x, y: x - y, lambda x, y: 1, lambda x, y: -1),
    "1 - x": smooth(lambda x: 1 - x, lambda x: 1 - x, lambda x: -1),
    "x * y": smooth(lambda x, y: x * y, lambda x, y: x * y, lambda x, y: y, lambda x, y: x),
    "x * x": smooth(lambda x: x * x, lambda x: x * x, lambda x: 2 * x),
    "x / y": smooth(
        *(lambda x, y: x / y, lambda x, y: x / y, lambda x, y: 1 / y, lambda x, y: -x * y**-2),
        domain=nonzero,
    ),
    "3 / x": smooth(lambda x: 3 / x, lambda x: 3 / x, lambda x: -3 * x**-2, domain=nonzero),
    "-x": smooth(lambda x: -x, lambda x: -x, lambda x: -1),
    "x**0": smooth(lambda x: x**0, lambda x: 1, lambda x: 0),
    "x**2": smooth(lambda x: x**2, lambda x: x * x, lambda x: x + x),
    "x**3": smooth(lambda x: x**3, lambda x: x * x * x, lambda x: 3 * x * x),
    "x**-1.5": smooth(
        lambda x: x**-1.5, lambda x: x**-1.5, lambda x: -1.5 * x**-2.5, domain=positive
    ),
    "2**x": smooth(lambda x: 2**x, lambda x: 2**x, lambda x: log(2) * 2**x, domain=small),
    "x**y": smooth(
        *(lambda x, y: x**y, lambda x, y: exp(y * log(x))),
        *(lambda x, y: y / x * exp(y * log(x)), lambda x, y: log(x) * exp(y * log(x))),
        domain=lambda x: 0.1 < x < 5,
    ),
    "exp": smooth(f.exp, exp, exp, domain=small),
    "log": smooth(f.log, log, lambda x: 1 / x, domain=positive),
    "log1p": smooth(f.log1p, lambda x: log(1 + x), lambda x: 1 / (1 + x), domain=positive),
    "expm1": smooth(f.expm1, lambda x: exp(x) - 1, exp, domain=small),
    "sqrt": smooth(f.sqrt, math.sqrt, lambda x: 0.5 * x**-0.5, domain=positive),
    "sin": smooth(f.sin, sin, cos),
    "cos": smooth(f.cos, cos, lambda x: -sin(x)),
    "tan": smooth(f.tan, math.tan, lambda x: cos(x) ** -2, domain=inside_1),
    "asin": smooth(f.asin, math.asin, lambda x: 1 / cos(math.asin(x)), domain=inside_1),
    "acos": smooth(f.acos, math.acos, lambda x: -1 / sin(math.acos(x)), domain=inside_1),
    "atan": smooth(f.atan, math.atan, lambda x: cos(math.atan(x)) ** 2),
    "sinh": smooth(f.sinh, lambda x: (exp(x) - exp(-x)) / 2, math.cosh, domain=small),
    "cosh": smooth(f.cosh, lambda x: (exp(x) + exp(-x)) / 2, math.sinh, domain=small),
    "tanh": smooth(f.tanh, tanh, lambda x: math.cosh(x) ** -2, domain=small),
    "erf": smooth(f.erf, lambda x: 1 - math.erfc(x), lambda x: 2 * exp(-x * x) / math.pi**0.5),
    "sigmoid": smooth(f.sigmoid, logistic, bump, domain=small),
    "softplus": smooth(f.softplus, lambda x: log(1 + exp(x)), logistic, domain=small),
    "gelu": smooth(f.gelu, lambda x: x * normal(x), lambda x: normal(x) + x * bell(x)),
    "silu": smooth(
        f.silu, lambda x: x * logistic(x), lambda x: logistic(x) + x * bump(x), domain=small
    ),
    "abs": bent(abs, abs, lambda x: (x > 0) - (x < 0)),
    "relu": bent(f.relu, lambda x: (x + abs(x)) / 2, lambda x: x > 0),
    "leaky": bent(f.leaky_relu, lambda x: max(x, x / 100), lambda x: 1 if x > 0 else 0.01),
    "elu": bent(f.elu, lambda x: max(x, 0) + exp(min(x, 0)) - 1, lambda x: exp(min(x, 0))),
    "sign": bent(f.sign, lambda x: (x > 0) - (x < 0), lambda x: 0),
    "step": bent(f.step, lambda x: x > 0, lambda x: 0),
    "prelu": bent(
        *(f.prelu, lambda x, a: max(x, 0) + a * min(x, 0)),
        *(lambda x, a: 1 if x > 0 else a, lambda x, a: min(x, 0)),
    ),
    "where": bent(
        *(f.where, lambda c, x, y: x if c else y),
        *(lambda c, x, y: 0, lambda c, x, y: c != 0, lambda c, x, y: c == 0),
    ),
    "maximum": extreme(f.maximum, max, 2),
    "minimum": extreme(f.minimum, min, 2),
    "max": extreme(f.max, max, 3),
    "min": extreme(f.min, min, 3),
    "atan2": smooth(
        *(f.atan2, lambda y, x: atan2(y, x)),
        *(lambda y, x: x / (x * x + y * y), lambda y, x: -y / (x * x + y * y)),
        domain=nonzero,
    ),
    "hypot": smooth(
        *(f.hypot, lambda x, y: math.sqrt(x * x + y * y)),
        *(lambda x, y: cos(atan2(y, x)), lambda x, y: sin(atan2(y, x))),
        domain=nonzero,
    ),
    "exp2": smooth(f.exp2, lambda x: 2**x, lambda x: log(2) * 2**x, domain=small),
    "log2": smooth(f.log2, lambda x: log(x) / log(2), lambda x: 1 / x / log(2), domain=positive),
    "log10": smooth(
        f.log10, lambda x: log(x) / log(10), lambda x: 1 / x / log(10), domain=positive
    ),
    "asinh": smooth(f.asinh, math.asinh, lambda x: 1 / math.cosh(math.asinh(x))),
    "acosh": smooth(
        *(f.acosh, math.acosh, lambda x: 1 / math.sinh(math.acosh(x))), domain=lambda x: x > 1.1
    ),
    "atanh": smooth(
        *(f.atanh, math.atanh, lambda x: math.cosh(math.atanh(x)) ** 2), domain=inside_1
    ),
    "log_sigmoid": smooth(
        *(f.log_sigmoid, lambda x: -log(1 + exp(-x)), lambda x: logistic(-x)), domain=small
    ),
    "clip": smooth(
        *(lambda x: f.clip(x, -1, 2), lambda x: sorted([-1, x, 2])[1], lambda x: -1 <= x <= 2),
        kink=lambda x: min(abs(x + 1), abs(x - 2)),
    ),
    "x % y": smooth(
        *(lambda x, y: x % y, lambda x, y: x - y * math.floor(x / y)),
        *(lambda x, y: 1, lambda x, y: -math.floor(x / y)),
        domain=nonzero,
        kink=lambda x, y=None: inf if y is None else abs(x / y - round(x / y)),
    ),
    "norm": of_3(
        f.norm, lambda *x: math.hypot(*x), lambda *x: [a / math.hypot(*x) for a in x]
    )._replace(domain=nonzero),
    "var": of_3(f.var, lambda *x: pvariance(x), lambda *x: [2 / 3 * (a - fmean(x)) for a in x]),
    "sum": of_3(f.sum, lambda *x: math.fsum(x), lambda *x: [1, 1, 1]),
    "mean": of_3(f.mean, lambda *x: math.fsum(x) / 3, lambda *x: [1 / 3, 1 / 3, 1 / 3]),
    "prod": of_3(f.prod, lambda *x: math.prod(x), others),
    "logsumexp": of_3(f.logsumexp, lambda *x: log(math.fsum(map(exp, x))), softmax),
    "softmax": of_3(
        lambda *x: f.softmax(x)[1],
        lambda *x: softmax(*x)[1],
        lambda *x: [softmax(*x)[1] * ((j == 1) - p) for j, p in enumerate(softmax(*x))],
    ),
    "log_softmax": of_3(
        lambda *x: f.log_softmax(x)[2],
        lambda *x: log(softmax(*x)[2]),
        lambda *x: [(j == 2) - p for j, p in enumerate(softmax(*x))],
    ),
    "dot": smooth(
        *(lambda v, w, x, y: f.dot([v, w], [x, y]), lambda v, w, x, y: v * x + w * y),
        *(lambda v, w, x, y: x, lambda v, w, x, y: y),
        *(lambda v, w, x, y: v, lambda v, w, x, y: w),
    ),
    "dot + b": smooth(
        *(lambda w, x, b: f.dot([w], [x], b), lambda w, x, b: w * x + b),
        *(lambda w, x, b: x, lambda w, x, b: w, lambda w, x, b: 1),
    ),
}


class Dual(NamedTuple):
    """A number, its derivatives `d` by the inputs, and how far a comparison with it can be trusted.

    `size` is `d` with every term taken positive: rounding errors are a small multiple of it.
    """

    x: float
    d: list[float]
    size: list[float]


def run_on_duals(program):
    """The last result, and the distance to the nearest kink on the way to it."""
    steps, inputs = program
    units = [[float(i == j) for j in range(len(inputs))] for i in range(len(inputs))]
    results = [Dual(x, unit, unit) for x, unit in zip(inputs, units, strict=True)]
    kink = inf
    for name, where in steps:
        operation, v = OPERATIONS[name], [results[i] for i in where]
        x = [a.x for a in v]
        slopes = operation.slopes(*x)
        terms = list(zip(v, slopes, strict=True))
        results.append(
            Dual(
                float(operation.value(*x)),
                [math.fsum(s * a.d[i] for a, s in terms) for i in range(len(inputs))],
                [math.fsum(abs(s) * a.size[i] for a, s in terms) for i in range(len(inputs))],
            )
        )
        # max(x, x) is no kink: the same node wins with both halves of its derivative.
        kink = min(kink, operation.kink(*[results[i].x for i in dict.fromkeys(where)]))
    return results[-1], kink


def run(program, inputs):
    """The last result on `inputs`."""
    results = list(inputs)
    for name, where in program[0]:
        results.append(OPERATIONS[name].on_values(*[results[i] for i in where]))
    return results[-1]


def operands_of(record):
    """How many operands a record is tried with: 3 where it takes any number."""
    kinds = [p.kind for p in signature(record.value).parameters.values()]
    if Parameter.VAR_POSITIONAL in kinds:
        return 3
    return len(kinds) - 1 - len(record.constants)  # the first is the namespace


def make_steps(draw, names, inputs, most, *, twice=True):
    """Up to `most` steps, wherever they lead; `twice` if an operand may be taken so."""
    steps = []
    for size in range(inputs, inputs + draw(range(1, most + 1))):
        name, recent, where = draw(names), list(range(max(0, size - 4), size)), []
        for _ in range(OPERATIONS[name].operands):
            where.append(draw(recent))
            if not twice:  # the last takes its place
                recent[recent.index(where[-1])] = recent[-1]
                recent.pop()
        steps.append((name, tuple(where)))
    return steps


def make_program(draw, inputs, steps):
    """A program whose numbers stay moderate: a step outside an operation's domain is left out."""
    made = []
    numbers = list(inputs)
    for _ in range(steps):
        name = draw(list(OPERATIONS))
        operation = OPERATIONS[name]
        # Mostly recent results, so that the graph is deep; any may be taken twice.
        recent = range(max(0, len(numbers) - 4), len(numbers))
        where = tuple(draw(recent) for _ in range(operation.operands))
        x = [numbers[i] for i in where]
        if all(map(operation.domain, x)) and abs(y := float(operation.value(*x))) < 1e3:
            made.append((name, where))
            numbers.append(y)
    return made, inputs
