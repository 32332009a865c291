r"""The textbook's delta rules, in plain floats: nothing here asks the engine.

Output unit: delta = dL/da * g'(z). Hidden unit: delta_j = g'(z_j) sum_k delta_k w_kj. The
derivatives are written out by hand (Goodfellow, Bengio and Courville 2016, chapter 6; Bishop 2006,
section 5.3), for one example. A rule is told as text and as LaTeX.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from tinygrad_edu.checks import number
from tinygrad_edu.engine import Value
from tinygrad_edu.engine.adopted import is_foreign
from tinygrad_edu.losses import LossRecord
from tinygrad_edu.namespace import floats
from tinygrad_edu.view.explain.notation import Both

#: The two conventions for delta, and the sign of dL/dz in each.
CONVENTIONS: Final = {"dL/dz": 1.0, "-dE/dnet": -1.0}


def plain(x: Any, what: str) -> float:
    """`x` as a float, also if it is a Value, of whichever engine."""
    return float(x.data) if isinstance(x, Value) or is_foreign(x) else number(x, what)


def output_deltas(
    record: LossRecord, activation: Any, a: Sequence[float], slopes: Sequence[float], target: Any
) -> list[float]:
    """dL/dz_k of the last layer; for a sigmoid with cross entropy a - y, with nothing cancelled."""
    y = [plain(t, "a target") for t in (target if isinstance(target, Iterable) else [target])]
    if record.outputs == "probability" and activation == "sigmoid":
        return [a[0] - y[0]]
    if record.outputs == "logits" and len(y) == 1:  # a class number
        y = [float(k == y[0]) for k in range(len(a))]
    return through(activation, record.slopes(a, y), a, slopes)


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


def output_formula(record: LossRecord, activation: Any, convention: str, *, one_hot: bool) -> Both:
    """delta of an output unit; `one_hot` if the target of cross_entropy is a class number y."""

    def turned(rule: str, indicator: str) -> str:
        if one_hot:
            rule = rule.replace("y_k", indicator)
        if CONVENTIONS[convention] < 0:
            rule = re.sub(r"\|(.*) - (.*)\|", r"|\2 - \1|", rule).removeprefix("-")
        if activation == "linear" and record.outputs == "logit":
            rule = rule.replace("(a)", "(z)")
        return rule.replace("|", "")

    if record.outputs == "probability" and activation == "sigmoid":
        difference = turned("|a - y|", "")
        return Both(difference, difference)
    text = turned(record.text, "1[y = k]")
    latex = turned(record.latex, r"\mathbf{1}[y = k]")
    if activation == "linear":
        return Both(text, latex)
    if activation == "softmax":
        return Both(
            f"a_k (e_k - sum_i e_i a_i), e = {text}",
            rf"a_k \left(e_k - \sum_i e_i a_i\right),\ e = {latex}",
        )
    if record.text.startswith("|"):  # a sum
        text, latex = f"({text})", rf"\left({latex}\right)"
    return Both(f"{text} g'(z)", rf"{latex}\,g'(z)")


def hidden_formula(activation: Any) -> Both:
    """delta of a hidden unit, the same in both conventions."""
    if activation == "softmax":
        return Both(
            "a_j (e_j - sum_i e_i a_i), e_j = sum_k delta_k w_kj",
            r"a_j \left(e_j - \sum_i e_i a_i\right),\ e_j = \sum_k \delta_k w_{kj}",
        )
    if activation == "linear":
        return Both("sum_k delta_k w_kj", r"\sum_k \delta_k w_{kj}")
    return Both("g'(z_j) sum_k delta_k w_kj", r"g'(z_j) \sum_k \delta_k w_{kj}")
