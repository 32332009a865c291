r"""The textbook's delta rules, in plain floats: nothing here asks the engine.

Output unit: delta = dL/da * g'(z). Hidden unit: delta_j = g'(z_j) sum_k delta_k w_kj. The
derivatives are written out by hand (Goodfellow, Bengio and Courville 2016, chapter 6; Bishop 2006,
section 5.3), for one example. A rule is told as text and as LaTeX.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu import namespace as floats
from tinygrad_edu.losses import LOSSES, Loss
from tinygrad_edu.namespace import divide, sigmoid
from tinygrad_edu.view.network.model_units import plain

#: The two conventions for delta, and the sign of dL/dz in each.
CONVENTIONS: Final = {"dL/dz": 1.0, "-dE/dnet": -1.0}


class Formula(NamedTuple):
    """A formula as text and as LaTeX."""

    text: str
    latex: str


def loss_name(loss: Loss) -> str:
    """The name in LOSSES of this very function, "" for one of the user's."""
    return next((name for name, known in LOSSES.items() if known is loss), "")


def output_slopes(name: str, a: Sequence[float], target: Any) -> list[float]:
    """dL/da_k for the outputs a_k and the loss of this name."""
    y = [plain(t, "a target") for t in target] if isinstance(target, Iterable) else None
    if name == "cross_entropy":
        exps = [math.exp(v - max(a)) for v in a]
        p = [e / floats.sum(exps) for e in exps]
        if y is None:
            y = [float(plain(target, "a target") == k) for k in range(len(a))]
        total = floats.sum(y)
        return [total * pk - yk for pk, yk in zip(p, y, strict=True)]
    y = [plain(target, "a target")] if y is None else y
    rule = _OUTPUT_SLOPES[name]
    return [rule(ak, yk, len(a)) for ak, yk in zip(a, y, strict=True)]


_OUTPUT_SLOPES: Final[dict[str, Callable[[float, float, int], float]]] = {
    "binary_cross_entropy": lambda a, y, n: _bce_slope(a, y),
    "binary_cross_entropy_with_logits": lambda a, y, n: sigmoid(a) - y,
    "half_squared_error": lambda a, y, n: a - y,
    "hinge": lambda a, y, n: -y if y * a < 1 else 0.0,
    "mean_squared_error": lambda a, y, n: 2 / n * (a - y),
    "perceptron": lambda a, y, n: -y if y * a < 0 else 0.0,
    "squared_error": lambda a, y, n: 2 * (a - y),
}


def _bce_slope(a: float, y: float) -> float:
    """(a - y) / (a (1 - a)) = (1 - y) / (1 - a) - y / a, a term of weight 0 left out."""
    no = 0.0 if y == 1 else divide(1 - y, 1 - a)
    yes = 0.0 if y == 0 else divide(y, a)
    return no - yes


def output_deltas(
    name: str,
    activation: Any,
    a: Sequence[float],
    slopes: Sequence[float],
    target: Any,
) -> list[float]:
    """dL/dz_k of the last layer; for a sigmoid with cross entropy a - y, with nothing cancelled."""
    if name == "binary_cross_entropy" and activation == "sigmoid":
        y = list(target) if isinstance(target, Iterable) else [target]
        return [a[0] - plain(y[0], "a target")]
    return through(activation, output_slopes(name, a, target), a, slopes)


def through(
    activation: Any, e: Sequence[float], a: Sequence[float], slopes: Sequence[float]
) -> list[float]:
    """dL/dz_j from e_j = dL/da_j: e_j g'(z_j), for softmax a_j (e_j - sum_i e_i a_i).

    A slope of 0 lets nothing through, not even an infinite e_j.
    """
    if activation == "softmax":
        mean = floats.sum(ei * ai for ei, ai in zip(e, a, strict=True))
        return [aj * (ej - mean) for aj, ej in zip(a, e, strict=True)]
    return [slope * ej if slope else 0.0 for slope, ej in zip(slopes, e, strict=True)]


def backpropagated(deltas: Sequence[float], weights: Sequence[Sequence[float]]) -> list[float]:
    """e_j = sum_k delta_k w_kj, `weights[k][j]` leading from unit j to unit k of the next layer."""
    return [
        floats.sum(d * w for d, w in zip(deltas, column, strict=True))
        for column in zip(*weights, strict=True)
    ]


def output_formula(name: str, activation: Any, convention: str, *, one_hot: bool) -> Formula:
    """delta of an output unit; `one_hot` if the target of cross_entropy is a class number y."""
    flipped = CONVENTIONS[convention] < 0

    def difference(p: str, y: str) -> str:
        return f"{y} - {p}" if flipped else f"{p} - {y}"

    d, sign = difference("a", "y"), "" if flipped else "-"
    linear = activation == "linear"
    if name == "binary_cross_entropy" and activation == "sigmoid":
        return Formula(d, d)
    z = "z" if linear else "a"
    y, y_latex = ("1[y = k]", r"\mathbf{1}[y = k]") if one_hot else ("y_k", "y_k")
    text, latex, is_sum = {
        "binary_cross_entropy": (f"({d}) / (a (1 - a))", rf"\frac{{{d}}}{{a\,(1 - a)}}", False),
        "binary_cross_entropy_with_logits": (
            difference(f"s({z})", "y"),
            difference(rf"\sigma({z})", "y"),
            True,
        ),
        "cross_entropy": (difference("p_k", y), difference("p_k", y_latex), True),
        "half_squared_error": (d, d, True),
        "hinge": (f"{sign}y 1[y a < 1]", rf"{sign}y\,\mathbf{{1}}[y\,a < 1]", False),
        "mean_squared_error": (f"2/n ({d})", rf"\tfrac{{2}}{{n}}({d})", False),
        "perceptron": (f"{sign}y 1[y a < 0]", rf"{sign}y\,\mathbf{{1}}[y\,a < 0]", False),
        "squared_error": (f"2 ({d})", f"2\\,({d})", False),
    }[name]
    if linear:
        return Formula(text, latex)
    if activation == "softmax":
        return Formula(
            f"a_k (e_k - sum_i e_i a_i), e = {text}",
            rf"a_k \left(e_k - \sum_i e_i a_i\right),\ e = {latex}",
        )
    if is_sum:
        text, latex = f"({text})", rf"\left({latex}\right)"
    return Formula(f"{text} g'(z)", rf"{latex}\,g'(z)")


def hidden_formula(activation: Any) -> Formula:
    """delta of a hidden unit, the same in both conventions."""
    if activation == "softmax":
        return Formula(
            "a_j (e_j - sum_i e_i a_i), e_j = sum_k delta_k w_kj",
            r"a_j \left(e_j - \sum_i e_i a_i\right),\ e_j = \sum_k \delta_k w_{kj}",
        )
    if activation == "linear":
        return Formula("sum_k delta_k w_kj", r"\sum_k \delta_k w_{kj}")
    return Formula("g'(z_j) sum_k delta_k w_kj", r"g'(z_j) \sum_k \delta_k w_{kj}")
