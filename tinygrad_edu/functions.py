"""The functions of Values: one record each, its value and its slopes over a namespace `m`.

This table is the only place to touch for one more: its line enters it in `primitives` and in
`__all__`, and makes it a method of Value if it takes one operand. A record is written with the
operators and functions of `m` alone (`divide`, `pow`, `where` and the names of the math module),
never with Python's `/`, `**` or `if`, so that it holds at the edges of IEEE 754 and serves floats,
arrays, Values and symbols alike.
Slopes are those of PyTorch's float64 where a derivative does not exist: relu'(0) = 0, |x|'(0) = 0,
and n operands that tie for a maximum get 1/n each. A last function of the floats says where that is.

Called with plain numbers a function returns a plain number. The n-ary functions take one iterable or
several operands.
"""

import builtins
import math
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import accumulate
from typing import Any

from tinygrad_edu.checks import is_listed, listed, number
from tinygrad_edu.engine import Primitive, Value, constant, primitives
from tinygrad_edu.engine.grouped import Grouped
from tinygrad_edu.engine.primitive import builtin, on_values, register
from tinygrad_edu.namespace import no_flow


def _method(name: str, *functions: Callable[..., Any]) -> Primitive:
    """An operation of one operand: `f.exp(v)`, and `v.exp()` too."""
    record = register(builtin(name, *functions))
    setattr(Value, name, record.of_one)
    return record


def _at_0(x: float) -> bool:
    return x == 0


def _bends(x: float, alpha: float) -> bool:
    return x == 0 and alpha != 1


def _wxb(x: tuple[Any, ...]) -> tuple[tuple[Any, ...], ...]:
    """The groups of a dot, whose operands are w1..wn, x1..xn and, if their number is odd, b."""
    n = len(x) // 2
    return x[:n], x[n : 2 * n], x[2 * n :]


# fmt: off
exp      = _method("exp",      lambda m, x: m.exp(x),     lambda m, y, x: (y,))
log      = _method("log",      lambda m, x: m.log(x),     lambda m, y, x: (m.divide(1.0, x),))
exp2     = _method("exp2",     lambda m, x: m.pow(2.0, x), lambda m, y, x: (y * math.log(2),))
log2     = _method("log2",     lambda m, x: m.log2(x),    lambda m, y, x: (m.divide(1.0, x * math.log(2)),))
log10    = _method("log10",    lambda m, x: m.log10(x),   lambda m, y, x: (m.divide(1.0, x * math.log(10)),))
log1p    = _method("log1p",    lambda m, x: m.log1p(x),   lambda m, y, x: (m.divide(1.0, 1 + x),))
expm1    = _method("expm1",    lambda m, x: m.expm1(x),   lambda m, y, x: (y + 1,))
sqrt     = _method("sqrt",     lambda m, x: m.sqrt(x),    lambda m, y, x: (m.divide(1.0, 2 * y),))
sin      = _method("sin",      lambda m, x: m.sin(x),     lambda m, y, x: (m.cos(x),))
cos      = _method("cos",      lambda m, x: m.cos(x),     lambda m, y, x: (-m.sin(x),))
tan      = _method("tan",      lambda m, x: m.tan(x),     lambda m, y, x: (1 + y * y,))
asin     = _method("asin",     lambda m, x: m.asin(x),    lambda m, y, x: (m.divide(1.0, m.sqrt(1 - x * x)),))
acos     = _method("acos",     lambda m, x: m.acos(x),    lambda m, y, x: (-m.divide(1.0, m.sqrt(1 - x * x)),))
atan     = _method("atan",     lambda m, x: m.atan(x),    lambda m, y, x: (m.divide(1.0, 1 + x * x),))
sinh     = _method("sinh",     lambda m, x: m.sinh(x),    lambda m, y, x: (m.cosh(x),))
cosh     = _method("cosh",     lambda m, x: m.cosh(x),    lambda m, y, x: (m.sinh(x),))
asinh    = _method("asinh",    lambda m, x: m.asinh(x),   lambda m, y, x: (m.divide(1.0, m.sqrt(x * x + 1)),))
acosh    = _method("acosh",    lambda m, x: m.acosh(x),   lambda m, y, x: (m.divide(1.0, m.sqrt(x * x - 1)),))
atanh    = _method("atanh",    lambda m, x: m.atanh(x),   lambda m, y, x: (m.divide(1.0, 1 - x * x),))
tanh     = _method("tanh",     lambda m, x: m.tanh(x),    lambda m, y, x: (1 - y * y,))
erf      = _method("erf",      lambda m, x: m.erf(x),     lambda m, y, x: (2 / math.sqrt(math.pi) * m.exp(-x * x),))
sigmoid  = _method("sigmoid",  lambda m, x: m.sigmoid(x), lambda m, y, x: (y * (1 - y),))
softplus = _method("softplus", lambda m, x: m.softplus(x), lambda m, y, x: (m.sigmoid(x),))
log_sigmoid = _method("log_sigmoid", lambda m, x: -m.softplus(-x), lambda m, y, x: (m.sigmoid(-x),))
relu     = _method("relu",     lambda m, x: m.where(x < 0, 0.0, x),  lambda m, y, x: (m.where(x <= 0, no_flow, 1.0),), _at_0)
silu     = _method("silu",     lambda m, x: x * m.sigmoid(x),        lambda m, y, x: (m.sigmoid(x) * (1 + x * (1 - m.sigmoid(x))),))
gelu     = _method("gelu",     lambda m, x: x * _normal_cdf(m, x),   lambda m, y, x: (_normal_cdf(m, x) + x * _normal_pdf(m, x),))
sign     = _method("sign",     lambda m, x: m.where(x > 0, 1.0, m.where(x < 0, -1.0, 0.0)), lambda m, y, x: (no_flow,), _at_0)
step     = _method("step",     lambda m, x: m.where(x > 0, 1.0, 0.0),                          lambda m, y, x: (no_flow,), _at_0)

_leaky_relu    = builtin("leaky_relu",       lambda m, x, alpha: m.where(x > 0, x, alpha * x),
                                             lambda m, y, x, alpha: (m.where(x > 0, 1.0, alpha),), _bends)
_elu           = builtin("elu",              lambda m, x, alpha: m.where(x < 0, alpha * m.expm1(x), x),
                                             lambda m, y, x, alpha: (m.where(x < 0, alpha * m.exp(x), 1.0 if alpha == 1 else m.where(m.equal(x, 0.0), alpha, 1.0)),), _bends)
_clip          = builtin("clip",             lambda m, x, low, high: m.minimum(m.maximum(x, low), high),
                                             lambda m, y, x, low, high: (m.where(x >= low, m.where(x <= high, 1.0, no_flow), no_flow),),
                                             lambda x, low, high: x in (low, high))
prelu          = register(builtin("prelu",   lambda m, x, alpha: m.where(x > 0, x, alpha * x),
                                             lambda m, y, x, alpha: (m.where(x > 0, 1.0, alpha), m.where(x > 0, no_flow, x)), _bends))
maximum        = register(builtin("maximum", lambda m, x, y: m.maximum(x, y),
                                             lambda m, z, x, y: (_beats(m, x, y, x < y), _beats(m, y, x, y < x)), lambda x, y: x == y))
minimum        = register(builtin("minimum", lambda m, x, y: m.minimum(x, y),
                                             lambda m, z, x, y: (_beats(m, x, y, x > y), _beats(m, y, x, y > x)), lambda x, y: x == y))
atan2          = register(builtin("atan2",   lambda m, y, x: m.atan2(y, x),
                                             lambda m, z, y, x: (_over_square(m, x, x, y), -_over_square(m, y, x, y)), lambda y, x: y == 0 and x <= 0))
hypot          = register(builtin("hypot",   lambda m, x, y: m.hypot(x, y),
                                             lambda m, z, x, y: (m.divide(x, z), m.divide(y, z)), lambda x, y: x == y == 0))
_where         = builtin("where",            lambda m, c, x, y: m.where(c, x, y),
                                             lambda m, z, c, x, y: (no_flow, m.where(c, 1.0, no_flow), m.where(c, no_flow, 1.0)))

_sum           = builtin("sum",              lambda m, *x: m.sum(x),                  lambda m, y, *x: (1.0,) * len(x))
_mean          = builtin("mean",             lambda m, *x: m.divide(m.sum(x), len(x)), lambda m, y, *x: (1.0 / len(x),) * len(x))
_prod          = builtin("prod",             lambda m, *x: reduce(lambda a, b: a * b, x), lambda m, y, *x: _products_of_others(x))
_max           = builtin("max",              lambda m, *x: reduce(m.maximum, x),      lambda m, y, *x: [_share(m, a, y, x, a < y) for a in x],
                                             lambda *x: x.count(builtins.max(x)) > 1)
_min           = builtin("min",              lambda m, *x: reduce(m.minimum, x),      lambda m, y, *x: [_share(m, a, y, x, a > y) for a in x],
                                             lambda *x: x.count(builtins.min(x)) > 1)
_norm          = builtin("norm",             lambda m, *x: m.sqrt(m.sum([a * a for a in x])), lambda m, y, *x: [m.where(m.equal(y, 0.0), 0.0, m.divide(a, y)) for a in x], lambda *x: not any(x))
_var           = builtin("var",              lambda m, *x: _variance(m, x), lambda m, y, *x: [2.0 / len(x) * a for a in _deviations(m, x)])
_std           = builtin("std",              lambda m, *x: m.sqrt(_variance(m, x)),
                                             lambda m, y, *x: [m.where(m.equal(y, 0.0), 0.0, m.divide(a, y * len(x))) for a in _deviations(m, x)],
                                             lambda *x: builtins.max(x) == builtins.min(x))
_logsumexp     = builtin("logsumexp",        lambda m, *x: _log_sum_exp(m, x),        lambda m, y, *x: [m.exp(a - y) for a in x])
_softmax       = builtin("softmax",          lambda m, *x, k: _softmax_of(m, x)[k],
                                             lambda m, y, *x, k: [y * ((j == k) - p) for j, p in enumerate(_softmax_of(m, x))])
_log_softmax   = builtin("log_softmax",      lambda m, *x, k: _log_softmax_of(m, x, k),
                                             lambda m, y, *x, k: [(j == k) - p for j, p in enumerate(_softmax_of(m, x))])
_cross_entropy = builtin("cross_entropy",    lambda m, target, *z: _minus_log_softmax_of(m, z, target),
                                             lambda m, y, target, *z: (no_flow, *[p - m.equal(target, j) for j, p in enumerate(_softmax_of(m, z))]))
_dot           = Grouped("dot",              lambda m, w, x, b: m.dot(w, x, *b), lambda m, y, w, x, b: (x, w, (1.0,) * len(b)), _wxb)
# fmt: on


def _normal_cdf(m: Any, x: Any) -> Any:
    return 0.5 * (1 + m.erf(x * math.sqrt(0.5)))


def _normal_pdf(m: Any, x: Any) -> Any:
    return m.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


def _beats(m: Any, x: Any, y: Any, loses: Any) -> Any:
    """Slope of a maximum or minimum to `x`: 1 where it wins, 1/2 in a tie, none where it loses."""
    return m.where(loses, no_flow, m.where(m.equal(x, y), 0.5, 1.0))


def _share(m: Any, a: Any, y: Any, x: tuple[Any, ...], loses: Any) -> Any:
    """The same among n operands: 1/n where n tie."""
    ties = m.sum([m.equal(b, y) for b in x])
    return m.where(loses, no_flow, m.divide(m.equal(a, y), ties))


def _over_square(m: Any, a: Any, x: Any, y: Any) -> Any:
    """a / (x^2 + y^2), and 0 at the origin, where the angle has no derivative."""
    square = x * x + y * y
    return m.where(m.equal(square, 0.0), 0.0, m.divide(a, square))


def _products_of_others(x: tuple[Any, ...]) -> list[Any]:
    """For each operand the product of the others, without dividing, so that zeros are right."""
    before = list(accumulate(x[:-1], lambda a, b: a * b, initial=1.0))
    after = list(accumulate(x[:0:-1], lambda a, b: a * b, initial=1.0))
    return [a * b for a, b in zip(before, reversed(after), strict=True)]


def _deviations(m: Any, x: tuple[Any, ...]) -> list[Any]:
    """What each operand is above the mean."""
    mean = m.divide(m.sum(x), len(x))
    return [a - mean for a in x]


def _variance(m: Any, x: tuple[Any, ...]) -> Any:
    return m.divide(m.sum([a * a for a in _deviations(m, x)]), len(x))


def _log_sum_exp(m: Any, x: tuple[Any, ...]) -> Any:
    """Shifted by the largest finite operand, so that no exponential overflows."""
    top = reduce(m.maximum, x)
    top = m.where(m.abs(top) < math.inf, top, 0.0)
    return top + m.log(m.sum([m.exp(a - top) for a in x]))


def _softmax_of(m: Any, x: tuple[Any, ...]) -> list[Any]:
    top = reduce(m.maximum, x)
    exps = [m.exp(a - top) for a in x]
    total = m.sum(exps)
    return [m.divide(e, total) for e in exps]


def _log_softmax_of(m: Any, x: tuple[Any, ...], k: int) -> Any:
    top = reduce(m.maximum, x)
    return (x[k] - top) - m.log(m.sum([m.exp(a - top) for a in x]))


def _minus_log_softmax_of(m: Any, x: tuple[Any, ...], t: Any) -> Any:
    """-log softmax(x)_t for a class number t that is an operand, nan if it is none of 0..n-1."""
    top = reduce(m.maximum, x)
    chosen = math.nan
    for k, a in enumerate(x):
        chosen = m.where(m.equal(t, k), a, chosen)
    return m.log(m.sum([m.exp(a - top) for a in x])) - (chosen - top)


def _operands(name: str, x: tuple[Any, ...], at_least: int = 0) -> tuple[Any, ...]:
    """The operands of an n-ary function: f(a, b, c) or f([a, b, c])."""
    if len(x) == 1 and is_listed(x[0]):
        x = tuple(x[0])
    if len(x) < at_least:
        raise ValueError(f"{name} of no numbers is not defined: give at least {at_least}")
    return x


def _of_many(record: Primitive, doc: str, of_none: float | None = None) -> Callable[..., Any]:
    """The function of n operands with this record, and what it is of none if it is anything."""

    def function(*x: Any) -> Any:
        x = _operands(record.name, x, int(of_none is None))
        return record(*x) if x else of_none

    function.__name__ = function.__qualname__ = record.name
    function.__doc__ = doc
    return register(function)


_TIES = "n operands that tie get 1/n of the gradient each; nan if one of them is."
sum = _of_many(_sum, "y = x1 + ... + xn, one node; sum([]) is 0.", 0.0)
mean = _of_many(_mean, "y = (x1 + ... + xn) / n, one node. Raises ValueError for no numbers.")
prod = _of_many(_prod, "y = x1 * ... * xn, slopes right where some are 0; prod([]) is 1.", 1.0)
max = _of_many(_max, f"The largest; {_TIES}")
min = _of_many(_min, f"The smallest; {_TIES}")
norm = _of_many(_norm, "y = sqrt(x1^2 + ... + xn^2); slopes 0 where it is 0.", 0.0)
var = _of_many(_var, "y = mean of (x_k - mean)^2, as in NumPy. Raises ValueError for no numbers.")
std = _of_many(_std, "y = sqrt(var(x1, ..., xn)); slopes 0 where it is 0.")
logsumexp = _of_many(_logsumexp, "y = log(exp(x1) + ... + exp(xn)), without overflow.")


@register
def softmax(*x: Any) -> list[Any]:
    """[exp(x_k) / sum_j exp(x_j) for each k], without overflow. Raises ValueError for no numbers."""
    x = _operands("softmax", x, 1)
    return [_softmax(*x, k=k) for k in range(len(x))]


@register
def log_softmax(*x: Any) -> list[Any]:
    """[x_k - logsumexp(x) for each k], exact also where softmax rounds to 0 or 1."""
    x = _operands("log_softmax", x, 1)
    return [_log_softmax(*x, k=k) for k in range(len(x))]


@register
def dot(w: Iterable[Any], x: Iterable[Any], b: Any = None) -> Any:
    """y = w1 x1 + ... + wn xn (+ b): the net input of a unit, one node with 2n (+ 1) parents.

    Raises ValueError if `w` and `x` differ in length.
    """
    w = w if type(w) is tuple else tuple(listed("w", w))
    x = x if type(x) is tuple else tuple(listed("x", x))
    if len(w) != len(x):
        raise ValueError(
            f"dot needs as many weights as inputs, got {len(w)} weights and {len(x)} inputs"
        )
    if not w:
        return 0.0 if b is None else b
    return _dot.of_groups((w, x, () if b is None else (b,)))


@register
def pow(x: Any, y: Any) -> Any:
    """x ** y. A number as exponent is a constant of the operation, a Value gets a gradient."""
    if isinstance(x, Value) and not isinstance(y, Value):
        return x ** number(y, "pow")
    return primitives["pow"](x, y)


@register
def leaky_relu(x: Any, alpha: float = 0.01) -> Any:
    """y = x where x > 0, else alpha x; slope alpha at 0."""
    return _leaky_relu(x, alpha=number(alpha, "alpha"))


@register
def elu(x: Any, alpha: float = 1.0) -> Any:
    """y = x where x > 0, else alpha (exp(x) - 1) (Clevert, Unterthiner and Hochreiter 2015)."""
    return _elu(x, alpha=number(alpha, "alpha"))


@register
def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition is true (not 0), else `y`; only the chosen one gets the gradient.

    With a Value as condition the choice is part of the graph. With True or False it is made now; a
    number that wins against a Value is a constant leaf.
    """
    if isinstance(condition, Value):
        return _where(condition, x, y)
    chosen, other = (x, y) if number(condition, "the condition of where") else (y, x)
    return (
        constant(chosen) if isinstance(other, Value) and not isinstance(chosen, Value) else chosen
    )


@register
def equal(x: Any, y: Any) -> bool:
    """Equality of the numbers, where `==` on Values is identity."""
    x, y = (v if isinstance(v, Value) else number(v, "equal") for v in (x, y))
    return bool(x <= y and x >= y)


@register
def clip(x: Any, low: float = -math.inf, high: float = math.inf) -> Any:
    """y = x between the bounds, else the nearer one, and nothing flows."""
    return _clip(x, low=number(low, "low"), high=number(high, "high"))


abs, divide, remainder = (register(primitives[name]) for name in ("abs", "divide", "remainder"))
Value.elu, Value.leaky_relu = elu, leaky_relu

# Computed, and therefore hidden from type checkers, which then take every public name.
globals()["__all__"] = sorted(vars(on_values))
