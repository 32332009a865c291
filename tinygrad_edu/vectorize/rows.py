"""The n-ary operations on rows: their values, and how a gradient flows back through them.

A record lists its operands one by one; here they are the columns of an array x (m, n), and the
result is one column, or n where it is one number per operand (softmax). `pull(m, y, x, g, n)` is
the gradient for x, sum_k g_k dy_k/dx_j, from the gradient g of the result: what the slopes of the
record add up to. Both are written over a namespace m with sums, products and extremes of rows
(`rowsum`, ...).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tinygrad_edu.engine import Primitive, primitives


class Row(NamedTuple):
    """An n-ary operation on rows of n numbers; `wide` if its result has n columns."""

    value: Callable[..., Any]
    pull: Callable[..., Any]
    wide: bool = False


def _extreme_pull(m: Any, loses: Any, y: Any, x: Any, g: Any) -> Any:
    """n operands that tie get 1/n each, the others nothing."""
    best = m.equal(x, y)
    return m.where(loses, 0.0, m.divide(best, m.rowsum(best)) * g)


ROWS: Final[dict[str, Row]] = {
    "sum": Row(lambda m, x, n: m.rowsum(x), lambda m, y, x, g, n: g),
    "mean": Row(lambda m, x, n: m.divide(m.rowsum(x), n), lambda m, y, x, g, n: m.divide(g, n)),
    "prod": Row(lambda m, x, n: m.rowprod(x), lambda m, y, x, g, n: m.products_of_others(x) * g),
    "max": Row(lambda m, x, n: m.rowmax(x), lambda m, y, x, g, n: _extreme_pull(m, x < y, y, x, g)),
    "min": Row(lambda m, x, n: m.rowmin(x), lambda m, y, x, g, n: _extreme_pull(m, x > y, y, x, g)),
    "logsumexp": Row(lambda m, x, n: m.logsumexp(x), lambda m, y, x, g, n: m.exp(x - y) * g),
    "softmax": Row(
        lambda m, x, n: m.softmax(x),
        lambda m, y, x, g, n: g * y * (1 - y) - y * m.sums_of_others(g * y),
        wide=True,
    ),
    "log_softmax": Row(
        lambda m, x, n: m.log_softmax(x),
        lambda m, y, x, g, n: g * (1 - m.softmax(x)) - m.softmax(x) * m.sums_of_others(g),
        wide=True,
    ),
}


def row_operation(record: Primitive) -> Row | None:
    """The operation on rows of a record, whatever its constants; None if there is none."""
    known = primitives.get(record.name)
    return ROWS.get(record.name) if known and known.value is record.value else None


def is_choice(record: Primitive) -> bool:
    """Whether an operand of the record chooses among the others: a class number."""
    return record.value is primitives["cross_entropy"].value


def choice_value(m: Any, t: Any, x: Any, *, known: bool) -> Any:
    """-log softmax(x)_t for a column t of class numbers, `known` to be some or to be looked at."""
    return -(m.pick if known else m.pick_if_any)(m.log_softmax(x), t)


def choice_pull(m: Any, t: Any, x: Any, g: Any, n: int) -> Any:
    """(p - 1[t]) g."""
    return (m.softmax(x) - m.onehot(t, n)) * g
