"""The extent of an expression: whether it has a row per example, and its number of columns."""

from collections.abc import Mapping
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.layout import Variable

#: (batched, columns).
Extent = tuple[bool, int]

_ONE_COLUMN: Final = ("rowsum", "rowmax", "rowmin", "rowprod", "logsumexp", "pick", "pick_if_any")


def extent(x: Any, variables: Mapping[str, Variable]) -> Extent:
    """The extent of `x`; a number, and B, are one column for all examples."""
    if not isinstance(x, Expr):
        return (False, 1)
    if not x.args:
        variable = variables.get(x.op)
        if variable is None:
            return (False, 1)
        return (variable.batched, variable.matrix[1] if variable.matrix else variable.size)
    a, *others = x.args
    match x.op:
        case "@":
            left, right = extent(a, variables), extent(others[0], variables)
            batched = left[0] and not (isinstance(a, Expr) and a.op == "T")
            return (batched, right[1])
        case "T":
            return (extent(a, variables)[0], _rows(a, variables))
        case "columns":
            return (extent(a, variables)[0], others[1] - others[0])
        case "take":
            return (extent(a, variables)[0], variables[others[0]].size)
        case "join":
            return (any(extent(b, variables)[0] for b in others), a)
        case "reshape" | "wide":
            return (extent(a, variables)[0], others[0])
        case "full":
            return (True, others[0])
        case "scatter":
            return (any(extent(b, variables)[0] for b in others[::3]), a)
        case "repeat":
            batched, n = extent(a, variables)
            return (batched, n * others[0])
        case "total":
            return (False, extent(a, variables)[1])
        case "batched_product" | "batched_back_x" | "batched_back_w":
            rows, units, size = others[1:]
            sizes = {"batched_product": rows * units, "batched_back_x": rows * size}
            return (True, sizes.get(x.op, units * size))
        case "onehot":
            return (extent(a, variables)[0], others[0])
        case name if name in _ONE_COLUMN:
            return (any(extent(b, variables)[0] for b in x.args), 1)
    extents = [extent(b, variables) for b in x.args]
    return (any(batched for batched, _ in extents), max(n for _, n in extents))


def is_scalar(x: Any, variables: Mapping[str, Variable]) -> bool:
    """Whether no array is in an expression: it is a number, or made of numbers and B."""
    if not isinstance(x, Expr):
        return True
    if not x.args:
        return x.op not in variables
    if x.op in ("wide", "full", "columns", "take"):
        return False
    return all(is_scalar(a, variables) for a in x.args if not isinstance(a, str))


def fitted(x: Any, array: Variable, variables: Mapping[str, Variable]) -> Any:
    """`x`, repeated to the rows and columns of the array where it is a number or narrower."""
    fits = extent(x, variables) == (array.batched, array.size)
    if fits and not is_scalar(x, variables):
        return x
    return (expr.full if array.batched else expr.wide)(x, array.size)


def _rows(x: Any, variables: Mapping[str, Variable]) -> int:
    """The number of rows of a matrix of parameters."""
    if isinstance(x, Expr) and not x.args:
        variable = variables.get(x.op)
        if variable is not None and variable.matrix:
            return variable.matrix[0]
    if isinstance(x, Expr) and x.op == "reshape":
        return extent(x.args[0], variables)[1] // int(x.args[1])
    return extent(x, variables)[1]
