"""Losses of one example, `loss(output, target) -> Value`, and penalties on the parameters.

`output` is what a model gives, a Value or a list of Values; `target` a number, a list of numbers
or a class number. Whether a loss is a sum or a mean, with 1/2 or without, is said at each, with its
derivative: the lectures use several conventions. Where they write delta = -dE/dz, as in
delta = o (1 - o) (t - o) and w + eta delta x, that is the gradient here with the other sign. For a
data set, training takes the mean over the examples of a batch, and adds the penalty once.
Raises ValueError where output and target do not fit.
"""

from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu.checks import number, one_of, real
from tinygrad_edu.engine import Primitive, Value

Loss = Callable[[Any, Any], Value]


def squared_error(output: Any, target: Any) -> Value:
    """E = sum_k (o_k - t_k)^2, without the factor 1/2: dE/do_k = 2 (o_k - t_k)."""
    first, *rest = [(o - t) ** 2 for o, t in _pairs(output, target)]
    total: Value = f.sum([first, *rest]) if rest else first
    return total


def half_squared_error(output: Any, target: Any) -> Value:
    """E = 1/2 sum_k (o_k - t_k)^2, so that dE/do_k = o_k - t_k."""
    return 0.5 * squared_error(output, target)


def mean_squared_error(output: Any, target: Any) -> Value:
    """E = 1/n sum_k (o_k - t_k)^2 over the n outputs: dE/do_k = 2/n (o_k - t_k)."""
    mean: Value = f.mean([(o - t) ** 2 for o, t in _pairs(output, target)])
    return mean


def binary_cross_entropy(output: Any, target: Any) -> Value:
    """E = -[t log p + (1 - t) log(1 - p)] for a probability p = output and a target 0 <= t <= 1.

    Where p is 0 or 1 and wrong, E is inf, where it is right 0: nothing is clamped. A unit that can
    saturate is better trained with `binary_cross_entropy_with_logits`, on its net input.
    dE/dp = (p - t) / (p (1 - p)), and after a sigmoid, p = s(z), dE/dz = p - t.
    """
    p, t = _single(output), _probability("target", target)
    if p < 0 or p > 1:
        raise ValueError(
            f"binary_cross_entropy takes a probability in [0, 1], got {p.data!r}: "
            "end the model in a sigmoid, or use binary_cross_entropy_with_logits"
        )
    return _bce(p, t)


def binary_cross_entropy_with_logits(output: Any, target: Any) -> Value:
    """E = -[t log s(z) + (1 - t) log(1 - s(z))] for a net input z = output and 0 <= t <= 1.

    s is the sigmoid. Exact for every z, also where s(z) rounds to 0 or 1; 0 at z = inf with t = 1
    and at z = -inf with t = 0. Its derivative is s(z) - t.
    """
    return _bce_logits(_single(output), _probability("target", target))


def cross_entropy(output: Any, target: Any) -> Value:
    """E = -sum_k t_k log p_k with p = softmax(output): the net inputs of the last layer go in.

    `target` is a class number 0..n-1, or the n probabilities t_k. Its derivative is p_k - t_k.
    A class number may be a Value; the loss is nan if it is none of 0..n-1.
    """
    outputs = [o if isinstance(o, Value) else Value(o) for o in _several(output)]
    n = len(outputs)
    if n < 2:
        raise ValueError(
            f"cross_entropy takes one output per class, got {n}: "
            "for a single output use binary_cross_entropy_with_logits"
        )
    if isinstance(target, (Real, Value, str)) or target is None:
        t = target if isinstance(target, Value) else _class_number(target, n)
        loss: Value = f._cross_entropy(t, *outputs)
        return loss
    weights = _distribution(target, n)
    logs = f.log_softmax(outputs)
    terms = [-t * log for t, log in zip(weights, logs, strict=True) if isinstance(t, Value) or t]
    total: Value = f.sum(terms)
    return total


def hinge(output: Any, target: Any) -> Value:
    """E = max(0, 1 - t s) for a score s = output and a target t of -1 or 1.

    Its derivative is -t where t s < 1, else 0.
    """
    loss: Value = f.relu(1 - _sign("hinge", target) * _single(output))
    return loss


def perceptron(output: Any, target: Any) -> Value:
    """E = max(0, -t s) for a score s = output and a target t of -1 or 1 (Rosenblatt 1958).

    Its derivative is -t where t s < 0, else 0: online descent with lr = 1 is the rule of
    `Perceptron`, save at s = 0, a mistake there. Weights that are all 0 do not move.
    """
    loss: Value = f.relu(-_sign("perceptron", target) * _single(output))
    return loss


LOSSES: Final[dict[str, Loss]] = {
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "cross_entropy": cross_entropy,
    "half_squared_error": half_squared_error,
    "hinge": hinge,
    "mean_squared_error": mean_squared_error,
    "perceptron": perceptron,
    "squared_error": squared_error,
}


def find_loss(loss: str | Loss) -> Loss:
    """The loss of that name, or the function itself. Raises ValueError for an unknown name."""
    return loss if callable(loss) else LOSSES[one_of("loss", loss, LOSSES)]


def l2(parameters: Iterable[Value], strength: float, *, half: bool = False) -> Value:
    """R = strength * sum w^2, or with `half` 1/2 * strength * sum w^2, of the parameters given.

    dR/dw = 2 * strength * w, or with `half` strength * w. Under plain SGD the latter is weight
    decay: w - lr * strength * w = (1 - lr * strength) w.
    """
    w = list(parameters)
    strength = real("strength", strength, least=0)
    square: Value = f.dot(w, w)
    return (strength / 2 if half else strength) * square


def l1(parameters: Iterable[Value], strength: float) -> Value:
    """R = strength * sum |w| of the parameters given: dR/dw = strength * sign(w)."""
    strength = real("strength", strength, least=0)
    total: Value = f.sum([abs(w) for w in parameters])
    return strength * total


def _bce_value(m: Any, p: Any, t: Any) -> Any:
    yes, no = _right(m, p, t)
    return m.where(yes, 0.0, (t - 1) * m.log1p(-p)) + m.where(no, 0.0, -t * m.log(p))


def _bce_slopes(m: Any, y: Any, p: Any, t: Any) -> tuple[Any, Any]:
    yes, no = _right(m, p, t)
    # |p|, because a probability of -0.0 would turn the sign of an infinite slope
    slope = m.where(yes, 0.0, m.divide(1 - t, 1 - p)) - m.where(no, 0.0, m.divide(t, m.abs(p)))
    return slope, m.log1p(-p) - m.log(p)


def _right(m: Any, p: Any, t: Any) -> tuple[Any, Any]:
    """Whether p = t = 1 and whether p = t = 0: there one of the two logarithms must not count."""
    return m.equal(1 - p + (1 - t), 0.0), m.equal(p + t, 0.0)


def _bce_logits_value(m: Any, z: Any, t: Any) -> Any:
    yes, no = m.softplus(-z), m.softplus(z)
    return m.where(m.equal(t, 1.0), yes, m.where(m.equal(t, 0.0), no, t * yes + (1 - t) * no))


def _bce_logits_slopes(m: Any, y: Any, z: Any, t: Any) -> tuple[Any, Any]:
    return (1 - t) * m.sigmoid(z) - t * m.sigmoid(-z), -z


_bce = Primitive("binary_cross_entropy", _bce_value, _bce_slopes)
_bce_logits = Primitive("binary_cross_entropy_with_logits", _bce_logits_value, _bce_logits_slopes)

#: The records of this file, as `functions.PRIMITIVES` for those of functions.py.
PRIMITIVES: Final = (_bce, _bce_logits)


def _several(x: Any) -> list[Any]:
    """An output or a target as a list."""
    if isinstance(x, str) or x is None:
        raise TypeError(f"a loss compares numbers, got {type(x).__name__} {x!r:.40}")
    return list(x) if isinstance(x, Iterable) else [x]


def _single(output: Any) -> Value:
    """The only output."""
    outputs = _several(output)
    if len(outputs) != 1:
        raise ValueError(f"this loss takes one output, got {len(outputs)}")
    found = outputs[0]
    return found if isinstance(found, Value) else Value(found)


def _pairs(output: Any, target: Any) -> list[tuple[Any, Any]]:
    outputs, targets = _several(output), _several(target)
    if len(outputs) != len(targets) or not outputs:
        raise ValueError(f"{len(outputs)} outputs but {len(targets)} targets")
    outputs = [o if isinstance(o, Value) else Value(o) for o in outputs]
    return list(zip(outputs, targets, strict=True))


def _only_target(target: Any) -> Any:
    targets = _several(target)
    if len(targets) != 1:
        raise ValueError(f"this loss takes one target, got {len(targets)}")
    return targets[0]


def _probability(what: str, target: Any) -> Any:
    t = _only_target(target)
    if isinstance(t, Value):
        return t
    if not isinstance(t, Real) or not 0 <= number(t, what) <= 1:
        raise ValueError(f"{what} must be a probability in [0, 1], such as 0 or 1, got {t!r}")
    return float(t)


def _sign(loss: str, target: Any) -> Any:
    t = _only_target(target)
    if not isinstance(t, Value) and t not in (-1, 1):
        raise ValueError(
            f"{loss} takes targets -1 and 1, got {t!r}: write 2 * y - 1 for classes 0 and 1"
        )
    return t


def _class_number(target: Any, n: int) -> int:
    real_number = isinstance(target, Real) and not isinstance(target, bool)
    if not real_number or number(target, "a class number") % 1 != 0:
        raise ValueError(
            f"the target of cross_entropy is a class number 0..{n - 1} or a list of {n} "
            f"probabilities, got {target!r}"
        )
    k = int(target)
    if not 0 <= k < n:
        raise ValueError(f"class {k} is out of range 0..{n - 1}")
    return k


def _distribution(target: Any, n: int) -> Sequence[Any]:
    weights = _several(target)
    if len(weights) != n:
        raise ValueError(f"{n} outputs but {len(weights)} target probabilities")
    numbers = [number(t, "a target probability") for t in weights if not isinstance(t, Value)]
    if any(not 0 <= t <= 1 for t in numbers):
        raise ValueError(f"target probabilities must lie in [0, 1], got {weights!r}")
    if len(numbers) == n and abs(sum(numbers) - 1) > 1e-6:
        raise ValueError(f"target probabilities must sum to 1, got {sum(numbers)!r}")
    return weights
