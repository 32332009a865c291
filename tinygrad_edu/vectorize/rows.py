"""The n-ary operations on rows: their values, and how a gradient flows back through them.

A record lists its operands one by one; here they are the columns of an array x (m, n), and the
result is one column, or n where it is one number per operand (softmax). `pull(m, y, x, g, n)` is
the gradient for x, sum_k g_k dy_k/dx_j, from the gradient g of the result: what the slopes of the
record add up to. Both are written over a namespace m with sums, products and extremes of rows
(`rowsum`, ...).
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tinygrad_edu import functions as f
from tinygrad_edu.engine.record import Record


class Row(NamedTuple):
    """An n-ary operation on rows of n numbers; `wide` if its result has n columns."""

    value: Callable[..., Any]
    pull: Callable[..., Any]
    wide: bool = False


def _extreme_pull(m: Any, loses: Any, y: Any, x: Any, g: Any) -> Any:
    """n operands that tie get 1/n each, the others nothing."""
    best = m.equal(x, y)
    return m.where(loses, 0.0, m.divide(best, m.rowsum(best)) * g)


ROWS: Final[dict[Record, Row]] = {
    f._sum: Row(lambda m, x, n: m.rowsum(x), lambda m, y, x, g, n: g),
    f._mean: Row(lambda m, x, n: m.divide(m.rowsum(x), n), lambda m, y, x, g, n: m.divide(g, n)),
    f._prod: Row(lambda m, x, n: m.rowprod(x), lambda m, y, x, g, n: m.products_of_others(x) * g),
    f._max: Row(
        lambda m, x, n: m.rowmax(x), lambda m, y, x, g, n: _extreme_pull(m, x < y, y, x, g)
    ),
    f._min: Row(
        lambda m, x, n: m.rowmin(x), lambda m, y, x, g, n: _extreme_pull(m, x > y, y, x, g)
    ),
    f._logsumexp: Row(lambda m, x, n: m.logsumexp(x), lambda m, y, x, g, n: m.exp(x - y) * g),
    f._softmax: Row(
        lambda m, x, n: m.softmax(x),
        lambda m, y, x, g, n: g * y * (1 - y) - y * m.sums_of_others(g * y),
        wide=True,
    ),
    f._log_softmax: Row(
        lambda m, x, n: m.log_softmax(x),
        lambda m, y, x, g, n: g * (1 - m.softmax(x)) - m.softmax(x) * m.sums_of_others(g),
        wide=True,
    ),
}

#: By the functions of a record, which it shares with itself under other constants.
_BY_VALUE: Final = {record.value: (record, row) for record, row in ROWS.items()}


def row_operation(record: Record) -> Row | None:
    """The operation on rows of a record, whatever its constants; None if there is none."""
    found = _BY_VALUE.get(record.value)
    return found[1] if found is not None else None


def is_choice(record: Record) -> bool:
    """Whether an operand of the record chooses among the others: a class number."""
    return record.value is f._cross_entropy.value


def choice_value(m: Any, t: Any, x: Any, *, known: bool) -> Any:
    """-log softmax(x)_t for a column t of class numbers, `known` to be some or to be looked at."""
    return -(m.pick if known else m.pick_if_any)(m.log_softmax(x), t)


def choice_pull(m: Any, t: Any, x: Any, g: Any, n: int) -> Any:
    """(p - 1[t]) g."""
    return (m.softmax(x) - m.onehot(t, n)) * g
