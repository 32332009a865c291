"""The edges of every operation: values and gradients of PyTorch float64 (edge_table/torch.json).

Where this package answers otherwise, on purpose, its answer stands in DEVIATIONS, with the reason.
"""

import json
import math
from collections import defaultdict
from math import exp, inf
from pathlib import Path
from typing import NamedTuple

import pytest

from tinygrad_edu import functions
from tinygrad_edu.engine import Value


class Row(NamedTuple):
    operation: str
    inputs: tuple[float, ...]
    value: float
    gradients: tuple[float, ...]

    @property
    def point(self):  # a text, because as tuples (0.0,) and (-0.0,) are equal
        return f"{self.operation}{self.inputs}"


def rows_by_operation():
    table = json.loads((Path(__file__).parent / "edge_table" / "torch.json").read_text("utf-8"))
    rows = defaultdict(list)
    for operation, inputs, value, gradients in table["rows"]:
        if not operation.startswith(("bce", "hinge", "cross_entropy")):  # these are losses
            # Where nothing flows (step, the condition of where) PyTorch has no gradient: null.
            flows = tuple(float(g or 0.0) for g in gradients)
            rows[operation].append(Row(operation, tuple(map(float, inputs)), float(value), flows))
    return rows


ROWS = rows_by_operation()

#: Operations of the table that are called by another name here.
CALLS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "pow_c": lambda x, c: x**c.data,
    "dot": lambda w1, w2, x1, x2: functions.dot([w1, w2], [x1, x2]),
    "softmax_first": lambda *x: functions.softmax(x)[0],
    "log_softmax_first": lambda *x: functions.log_softmax(x)[0],
    "clip": lambda x: functions.clip(x, -1.0, 2.0),
    "where": lambda c, x, y: functions.where(Value(c > 0), x, y),
}

DEVIATIONS = {
    "x**c is the C library's pow for every c; PyTorch takes a square root where c is 0.5": [
        Row("pow_c", (-0.0, 0.5), 0.0, (inf,)),
        Row("pow_c", (-inf, 0.5), inf, (0.0,)),
        Row("pow_c", (-inf, 1.5), inf, (inf,)),
        Row("pow_c", (-0.0, -0.5), inf, (-inf,)),
        Row("pow_c", (-inf, -0.5), 0.0, (0.0,)),
    ],
    "sigmoid(x) = exp(x) where 1 + exp(x) = 1, denormals too; PyTorch makes these 0": [
        Row("sigmoid", (-710.0,), exp(-710), (exp(-710),)),
        Row("sigmoid", (-745.0,), exp(-745), (exp(-745),)),
        Row("log_sigmoid", (745.0,), -exp(-745), (exp(-745),)),
        Row("silu", (-710.0,), -710 * exp(-710), (-709 * exp(-710),)),
        Row("silu", (-745.0,), -745 * exp(-745), (-744 * exp(-745),)),
    ],
    "softplus is exact, x + exp(-x) for large x; PyTorch's is x itself above 20": [
        Row("softplus", (20.1,), 20.1 + exp(-20.1), (1 - exp(-20.1),))
    ],
    "the nearest float to x - x**2 / 2, and to exp(-37) - 1; PyTorch's kernels are off here": [
        Row("log1p", (1e-310,), 1e-310, (1.0,)),
        Row("log1p", (-1e-310,), -1e-310, (1.0,)),
        Row("log1p", (5e-324,), 5e-324, (1.0,)),
        Row("log1p", (-5e-324,), -5e-324, (1.0,)),
        Row("expm1", (-37.0,), -1 + 2**-53, (2**-53,)),
    ],
}
ANSWERS = {row.point: row for rows in DEVIATIONS.values() for row in rows}


def expected(row):
    """PyTorch's row, or the deviation from it."""
    x = row.inputs
    if row.operation == "prod":
        # The slope is the product of the others. PyTorch divides the result by the operand: nan
        # where that is inf or nan, inf where the result overflowed.
        return row._replace(gradients=tuple(math.prod(x[:i] + x[i + 1 :]) for i in range(len(x))))
    if row.operation in ("max*inf", "min*inf") and not math.isnan(row.value):
        # A loser gets nothing, as from PyTorch's maximum; its amax gives 0 * inf = nan.
        kept = [g if a == row.value else 0.0 for a, g in zip(x, row.gradients, strict=True)]
        return row._replace(gradients=tuple(kept))
    if row.operation == "log_sigmoid" and row.value == 0:
        return ANSWERS.get(row.point, row._replace(value=-0.0))  # it comes from below
    if row.operation == "remainder":
        # A 0 has the sign of the divisor, as in Python and NumPy; of x % 0, which is nan, PyTorch
        # says that the slope is inf.
        zero = row.value == 0
        row = row._replace(value=math.copysign(0.0, x[1]) if zero else row.value)
        return row._replace(gradients=(1.0, math.nan)) if x[1] == 0 else row
    return ANSWERS.get(row.point, row)


def answer(row):
    name = row.operation.removesuffix("*inf")
    x = [Value(number) for number in row.inputs]
    y = (CALLS.get(name) or getattr(functions, name))(*x)
    y.backward(inf if row.operation.endswith("*inf") else 1.0)
    return row._replace(value=y.data, gradients=tuple(v.grad for v in x[: len(row.gradients)]))


def close(ours, theirs, relative):
    if math.isnan(theirs):
        return math.isnan(ours)
    return ours == theirs or (
        math.isfinite(theirs) and abs(ours - theirs) <= relative * abs(theirs)
    )


def agree(ours, theirs):
    # C libraries and PyTorch's vectorised kernels differ in the last two bits: 1e-15 is 4.5 times
    # the last. In tanh's slope 1 - y*y that of y weighs 2 y^2 / (1 - y^2) times as much.
    relative = 1e-13 if theirs.operation == "tanh" else 1e-15
    signs = theirs.value != 0 or math.copysign(1, ours.value) == math.copysign(1, theirs.value)
    slopes = zip(ours.gradients, theirs.gradients, strict=True)
    return (
        signs
        and close(ours.value, theirs.value, 1e-15)
        and all(close(a, b, relative) for a, b in slopes)
    )


@pytest.mark.parametrize("operation", ROWS)
def test_the_edges_of_an_operation_are_those_of_pytorch(operation):
    pairs = [(answer(row), expected(row)) for row in ROWS[operation]]
    wrong = [f"ours {ours}, expected {theirs}" for ours, theirs in pairs if not agree(ours, theirs)]
    assert not wrong, f"{len(wrong)} of {len(pairs)} rows:\n" + "\n".join(wrong)


def test_every_deviation_is_from_a_row_of_pytorch():
    torch = {row.point: row for rows in ROWS.values() for row in rows}
    for point, ours in ANSWERS.items():
        assert not agree(ours, torch[point]), f"{point} is no deviation: PyTorch says the same"


def test_the_table_has_all_operations_at_enough_points():
    assert len(ROWS) == 67
    assert min(map(len, ROWS.values())) >= 8
    assert sum(map(len, ROWS.values())) > 7000
