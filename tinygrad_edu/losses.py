"""Losses of one example, `loss(output, target) -> Value`, and penalties on the parameters.

`output` is what a model gives, a Value or a list of Values; `target` a number, a list of numbers
or a class number. Whether a loss is a sum or a mean, with 1/2 or without, is said at each, with its
derivative: the lectures use several conventions. Where they write delta = -dL/dz, as in
delta = a (1 - a) (y - a) and w + eta delta x, that is the gradient here with the other sign. For a
data set, training takes the mean over the examples of a batch, and adds the penalty once.
Raises ValueError where output and target do not fit.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, Final, NamedTuple

from tinygrad_edu import functions as f
from tinygrad_edu.checks import flag, is_real, listed, number, one_of, real
from tinygrad_edu.engine import Value, primitives
from tinygrad_edu.engine.primitive import builtin
from tinygrad_edu.examples import class_number, read_target
from tinygrad_edu.namespace import floats

Loss = Callable[[Any, Any], Value]
_NUMBER: Final = (Value, Real)
#: From the outputs a_k and the targets y_k to dL/da_k.
Slopes = Callable[[Sequence[float], Sequence[float]], list[float]]


class LossRecord(NamedTuple):
    """A loss, and whatever else is known of it: others ask here.

    outputs  what it takes: "numbers", a "probability", a "logit" (net input of a sigmoid), "logits"
             (net inputs of a softmax, one per class), or a "score" (with targets -1 and 1)
    text     dL/da by the textbook; the other convention turns what is in bars, or drops the minus
    latex    the same in LaTeX
    slopes   the same as a function of all a_k and y_k (for a class number 1 at the class, else 0)
    page     whether the playground offers it
    """

    loss: Loss
    outputs: str
    text: str
    latex: str
    slopes: Slopes
    page: bool


RECORDS: Final[dict[str, LossRecord]] = {}


def register(
    outputs: str, text: str, latex: str, slopes: Slopes, *, page: bool = False
) -> Callable[[Loss], Loss]:
    """A decorator that enters a loss, under the name of its function, with what is known of it."""

    def enter(loss: Loss) -> Loss:
        RECORDS[loss.__name__] = LossRecord(loss, outputs, text, latex, slopes, page)
        return loss

    return enter


def _each(slope: Callable[[float, float], float]) -> Slopes:
    return lambda a, y: [slope(ak, yk) for ak, yk in zip(a, y, strict=True)]


def _bce_by_hand(a: float, y: float) -> float:
    """(a - y) / (a (1 - a)) = (1 - y) / (1 - a) - y / a, a term of weight 0 left out."""
    of_0 = 0.0 if y == 1 else floats.divide(1 - y, 1 - a)
    return of_0 - (0.0 if y == 0 else floats.divide(y, a))


def _softmax_by_hand(a: Sequence[float], y: Sequence[float]) -> list[float]:
    exps = [math.exp(ak - max(a)) for ak in a]
    total, weight = floats.sum(exps), floats.sum(y)
    return [weight * (e / total) - yk for e, yk in zip(exps, y, strict=True)]


def _margin_by_hand(margin: float) -> Slopes:
    return _each(lambda a, y: -y if y * a < margin else 0.0)


@register("numbers", "2 (|a - y|)", r"2\,(|a - y|)", _each(lambda a, y: 2 * (a - y)))
def squared_error(output: Any, target: Any) -> Value:
    """L = sum_k (a_k - y_k)^2, without the factor 1/2: dL/da_k = 2 (a_k - y_k)."""
    first, *rest = [(a - y) ** 2 for a, y in _pairs(output, target)]
    return _value(f.sum([first, *rest]) if rest else first)


@register("numbers", "|a - y|", "|a - y|", _each(lambda a, y: a - y), page=True)
def half_squared_error(output: Any, target: Any) -> Value:
    """L = 1/2 sum_k (a_k - y_k)^2, so that dL/da_k = a_k - y_k."""
    return 0.5 * squared_error(output, target)


@register(
    "numbers", "2/n (|a - y|)", r"\tfrac{2}{n}(|a - y|)",
    lambda a, y: [2 / len(a) * (ak - yk) for ak, yk in zip(a, y, strict=True)],
)  # fmt: skip
def mean_squared_error(output: Any, target: Any) -> Value:
    """L = 1/n sum_k (a_k - y_k)^2 over the n outputs: dL/da_k = 2/n (a_k - y_k)."""
    errors = [a - y for a, y in _pairs(output, target)]
    return _value(f.mean([e * e for e in errors]))  # the slope 2 e of e**2 may overflow before 1/n


@register(
    "probability", "(|a - y|) / (a (1 - a))", r"\frac{|a - y|}{a\,(1 - a)}", _each(_bce_by_hand)
)
def binary_cross_entropy(output: Any, target: Any) -> Value:
    """L = -[y log p + (1 - y) log(1 - p)] for a probability p = output and a target 0 <= y <= 1.

    Where p is 0 or 1 and wrong, L is inf, where it is right 0: nothing is clamped. A unit that can
    saturate is better trained with `binary_cross_entropy_with_logits`, on its net input.
    dL/dp = (p - y) / (p (1 - p)), and after a sigmoid, p = s(z), dL/dz = p - y.
    """
    p, t = _value(_only("output", output)), _probability(target)
    if p < 0 or p > 1:
        raise ValueError(
            f"binary_cross_entropy takes a probability in [0, 1], got {p.data!r}: "
            "end the model in a sigmoid, or use binary_cross_entropy_with_logits"
        )
    return _value(_bce(p, t))


@register("logit", "|s(a) - y|", r"|\sigma(a) - y|", _each(lambda a, y: floats.sigmoid(a) - y))
def binary_cross_entropy_with_logits(output: Any, target: Any) -> Value:
    """L = -[y log s(z) + (1 - y) log(1 - s(z))] for a net input z = output and 0 <= y <= 1.

    s is the sigmoid. Exact for every z, also where s(z) rounds to 0 or 1; 0 at z = inf with y = 1
    and at z = -inf with y = 0. Its derivative is s(z) - y. A sigmoid before it is refused.
    """
    z = _value(_only("output", output))
    refuse_twice(RECORDS["binary_cross_entropy_with_logits"], z)
    return _value(_bce_logits(z, _probability(target)))


@register("logits", "|p_k - y_k|", "|p_k - y_k|", _softmax_by_hand, page=True)
def cross_entropy(output: Any, target: Any) -> Value:
    """L = -sum_k y_k log p_k with p = softmax(output): the net inputs of the last layer go in.

    `target` is a class number 0..n-1, or the n probabilities y_k. Its derivative is p_k - y_k.
    A class number may be a Value; the loss is nan if it is none of 0..n-1. A softmax before it is
    refused.
    """
    outputs = [_value(o) for o in _several(output)]
    n = len(outputs)
    if n < 2:
        raise ValueError(
            f"cross_entropy takes one output per class, got {n}: "
            "for a single output use binary_cross_entropy_with_logits"
        )
    refuse_twice(RECORDS["cross_entropy"], outputs[0])
    target = target if isinstance(target, Value) else read_target(target)
    while isinstance(target, list) and len(target) == 1:
        target = target[0]
    if not isinstance(target, list):
        t = target if isinstance(target, Value) else class_number(target, n)
        return _value(primitives["cross_entropy"](t, *outputs))
    _check_distribution(target, n)
    logs = f.log_softmax(outputs)
    terms = [-t * log for t, log in zip(target, logs, strict=True) if isinstance(t, Value) or t]
    return _value(f.sum(terms))


@register("score", "-y 1[y a < 1]", r"-y\,\mathbf{1}[y\,a < 1]", _margin_by_hand(1), page=True)
def hinge(output: Any, target: Any) -> Value:
    """L = max(0, 1 - y a) for a score a = output and a target y of -1 or 1.

    Its derivative is -y where y a < 1, else 0.
    """
    return _value(f.relu(1 - _sign("hinge", target) * _value(_only("output", output))))


@register("score", "-y 1[y a < 0]", r"-y\,\mathbf{1}[y\,a < 0]", _margin_by_hand(0))
def perceptron(output: Any, target: Any) -> Value:
    """L = max(0, -y a) for a score a = output and a target y of -1 or 1 (Rosenblatt 1958).

    Its derivative is -y where y a < 0, else 0: online descent with lr = 1 is the rule of
    `Perceptron`, save at a = 0, a mistake there. Weights that are all 0 do not move.
    """
    return _value(f.relu(-_sign("perceptron", target) * _value(_only("output", output))))


LOSSES: Final[dict[str, Loss]] = {name: RECORDS[name].loss for name in sorted(RECORDS)}


def find_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the function itself. Raises ValueError for an unknown name."""
    return loss if callable(loss) else LOSSES[one_of("loss", loss, LOSSES)]


def record_of(loss: Loss) -> LossRecord | None:
    """What is known of this very function, None for one of the user's."""
    return next((record for record in RECORDS.values() if record.loss is loss), None)


def refuse_twice(record: LossRecord, output: Value) -> None:
    """Raise ValueError where the activation that the loss applies itself made the output."""
    activation = {"logit": "sigmoid", "logits": "softmax"}.get(record.outputs)
    if output.op is not None and output.op.name == activation:
        taken = f"{record.loss.__name__} takes the net inputs and applies {activation} itself"
        raise ValueError(f"{taken}: make the model with output='linear'")


def l2(parameters: Iterable[Value], strength: float, *, half: bool = False) -> Value:
    """R = strength * sum w^2, or with `half` 1/2 * strength * sum w^2, of the parameters given.

    dR/dw = 2 * strength * w, or with `half` strength * w. Under plain SGD the latter is weight
    decay: w - lr * strength * w = (1 - lr * strength) w.
    """
    w = listed("parameters", parameters, "Values", _NUMBER)
    strength = real("strength", strength, least=0)
    return (strength / 2 if flag("half", half) else strength) * _value(f.dot(w, w))


def l1(parameters: Iterable[Value], strength: float) -> Value:
    """R = strength * sum |w| of the parameters given: dR/dw = strength * sign(w)."""
    sizes = [abs(w) for w in listed("parameters", parameters, "Values", _NUMBER)]
    return real("strength", strength, least=0) * _value(f.sum(sizes))


def _bce_value(m: Any, p: Any, t: Any) -> Any:
    surely_1, surely_0 = _certain_and_right(m, p, t)
    of_0 = m.where(surely_1, 0.0, (t - 1) * m.log1p(-p))
    return of_0 + m.where(surely_0, 0.0, -t * m.log(p))


def _bce_slopes(m: Any, y: Any, p: Any, t: Any) -> tuple[Any, Any]:
    surely_1, surely_0 = _certain_and_right(m, p, t)
    of_0 = m.where(surely_1, 0.0, m.divide(1 - t, 1 - p))
    # |p|, because a probability of -0.0 would turn the sign of an infinite slope
    slope = of_0 - m.where(surely_0, 0.0, m.divide(t, m.abs(p)))
    return slope, m.log1p(-p) - m.log(p)


def _certain_and_right(m: Any, p: Any, t: Any) -> tuple[Any, Any]:
    """Whether p = t = 1 and whether p = t = 0: there one of the two logarithms must not count."""
    return m.equal(1 - p + (1 - t), 0.0), m.equal(p + t, 0.0)


def _bce_logits_value(m: Any, z: Any, t: Any) -> Any:
    of_1, of_0 = m.softplus(-z), m.softplus(z)
    between = t * of_1 + (1 - t) * of_0
    return m.where(m.equal(t, 1.0), of_1, m.where(m.equal(t, 0.0), of_0, between))


def _bce_logits_slopes(m: Any, y: Any, z: Any, t: Any) -> tuple[Any, Any]:
    return (1 - t) * m.sigmoid(z) - t * m.sigmoid(-z), -z


_bce = builtin("binary_cross_entropy", _bce_value, _bce_slopes)
_bce_logits = builtin("binary_cross_entropy_with_logits", _bce_logits_value, _bce_logits_slopes)


def _several(x: Any) -> list[Any]:
    """An output or a target as a list of Values and of Python's own numbers."""
    if isinstance(x, Value):
        return [x]
    x = x if isinstance(x, (list, tuple)) else read_target(x)
    return [_entry(v) for v in (x if isinstance(x, (list, tuple)) else [x])]


def _entry(x: Any) -> Any:
    t = x if isinstance(x, Value) else read_target(x)
    if not isinstance(t, Value) and not is_real(t):
        raise TypeError(f"a loss compares numbers, got {type(x).__name__} {x!r:.40}")
    return t


def _pairs(output: Any, target: Any) -> list[tuple[Any, Any]]:
    outputs, targets = _several(output), _several(target)
    if len(outputs) != len(targets) or not outputs:
        raise ValueError(f"{len(outputs)} outputs but {len(targets)} targets")
    return list(zip(map(_value, outputs), targets, strict=True))


def _value(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(x)


def _only(what: str, x: Any) -> Any:
    entries = _several(x)
    if len(entries) != 1:
        raise ValueError(f"this loss takes one {what}, got {len(entries)}")
    return entries[0]


def _probability(target: Any) -> Any:
    t = _only("target", target)
    if isinstance(t, Value):
        return t
    if not 0 <= number(t, "target") <= 1:
        raise ValueError(f"target must be a probability in [0, 1], such as 0 or 1, got {t!r}")
    return float(t)


def _sign(loss: str, target: Any) -> Any:
    t = _only("target", target)
    if not isinstance(t, Value) and number(t, "target") not in (-1, 1):
        raise ValueError(
            f"{loss} takes targets -1 and 1, got {t!r}: write 2 * y - 1 for classes 0 and 1"
        )
    return t


def _check_distribution(weights: list[Any], n: int) -> None:
    if len(weights) != n:
        raise ValueError(f"{n} outputs but {len(weights)} target probabilities")
    numbers = [number(t, "a target probability") for t in weights if not isinstance(t, Value)]
    if any(not 0 <= t <= 1 for t in numbers):
        raise ValueError(f"target probabilities must lie in [0, 1], got {weights!r}")
    if len(numbers) == n and abs(sum(numbers) - 1) > 1e-6:
        raise ValueError(f"target probabilities must sum to 1, got {sum(numbers)!r}")
