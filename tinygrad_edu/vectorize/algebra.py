"""Algebra of array expressions: products with slopes, sums of pieces, what fits where."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain, islice
from operator import mul
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol, show
from tinygrad_edu.namespace import no_flow
from tinygrad_edu.vectorize.layout import Equation, Variable
from tinygrad_edu.vectorize.operations import Variables, extent

#: How many examples there are.
B: Final = expr.symbol("B")
#: A program with more equations forward is long; so many operands a line may have there.
_LONG: Final = 24
_SHORT: Final = 16
#: 1/B, the cotangent of each of B losses in their mean.
SHARE: Final = expr.divide(1.0, B)


def names(x: Any) -> list[str]:
    """The arrays that an expression mentions."""
    return [a.name for a in _parts(x) if isinstance(a, Symbol)]


def is_longer(x: Any, limit: int) -> bool:
    """Whether an expression has more operands than that, all in all."""
    return any(True for _ in islice(_parts(x), limit, None))


def _parts(x: Any) -> Iterator[Any]:
    """The expression, its operands, their operands, ..."""
    stack = [x]
    while stack:
        a = stack.pop()
        yield a
        if isinstance(a, Expr):
            stack.extend(a.args)


def times(g: Any, slope: Any) -> Any:
    """g * slope, in each case of a `where` in which nothing flows along one of them.

    The numbers of g and slope become one where g is nothing else: 1/B * 0.5 * (2 * V1) = V1 / B.
    Elsewhere factors stay as the records have them, since products in another order overflow
    elsewhere.
    """
    if slope is no_flow or g is no_flow:
        return no_flow
    for x in (slope, g):
        if stops(x):
            condition, *cases = x.args
            products = [times(g, a) if x is slope else times(a, slope) for a in cases]
            return expr.where(condition, *products)
    if isinstance(g, Expr) and any(_is_array(factor) for factor in _factors(g)):
        if isinstance(slope, Expr) or slope != -1:
            return g * slope
        return Expr("-", g.args[::-1]) if g.op == "-" else -g
    number, shares, arrays = 1.0, 0, []
    for factor in (*_factors(g), *_factors(slope)):
        if not isinstance(factor, Expr):
            number *= factor
        elif factor is SHARE:
            shares += 1
        elif factor is B:
            shares -= 1
        else:
            arrays.append(factor)
    product: Any = number
    if arrays:
        product = reduce(mul, arrays)
        product = -product if number == -1 else number * product
    for _ in range(abs(shares)):
        product = product * (SHARE if shares > 0 else B)
    return product


def opened(slope: Any) -> Any:
    """A slope with the factors of a `where` in its cases, where nothing flows in one of them."""
    if isinstance(slope, Expr) and slope.op in ("*", "negative"):
        first, *rest = (opened(a) for a in slope.args)
        if stops(first) or any(map(stops, rest)):
            return times(first, *rest or (-1.0,))
    return slope


def stops(x: Any) -> bool:
    """Whether nothing flows along a slope or a gradient, at least in one of its cases."""
    if isinstance(x, Expr):
        return x.op == "where" and any(stops(a) for a in x.args[1:])
    return x is no_flow


def in_cases(x: Any, flowing: Callable[[Any], Any], stopped: Any) -> Any:
    """`x` with `flowing(a)` for the cases in which something flows, `stopped` for the others."""
    if not stops(x):
        return flowing(x)
    if x is no_flow:
        return stopped
    condition, a, b = x.args
    return expr.where(condition, in_cases(a, flowing, stopped), in_cases(b, flowing, stopped))


def settled(x: Any) -> Any:
    """`x` with 0 where nothing flows."""
    return in_cases(x, lambda a: a, 0.0)


def flags(x: Any) -> Any:
    """1 where something flows, 0 where nothing does."""
    return in_cases(x, lambda a: 1.0, 0.0)


def moved(x: Any, move: Callable[[Any], Any]) -> Any:
    """`move(x)` for a gradient that may stop: where it flows is moved in the same way."""
    plain = settled(x)
    whole = move(plain)
    if whole is plain:
        return x
    return expr.where(move(flags(x)), whole, no_flow) if stops(x) else whole


def _is_array(x: Any) -> bool:
    return isinstance(x, Expr) and x is not SHARE and x is not B


def _factors(x: Any) -> Iterator[Any]:
    """The factors of a product, of a quotient by a number, of a negative."""
    stack = [x]
    while stack:
        a = stack.pop()
        if isinstance(a, Expr) and a.op == "*":
            stack.extend(reversed(a.args))
        elif isinstance(a, Expr) and a.op == "negative":
            stack.extend((a.args[0], -1.0))
        elif isinstance(a, Expr) and a.op == "divide" and not isinstance(a.args[1], Expr):
            stack.extend((1.0 / a.args[1], a.args[0]))
        else:
            yield a


def total_of(pieces: Sequence[Any]) -> Any:
    """The sum of expressions, nested no deeper than the logarithm of their number."""
    texts = [show(piece) for piece in pieces]
    different = dict(zip(texts, pieces, strict=True))
    if len(different) < len(pieces):
        counts = Counter(texts)
        pieces = [times(float(counts[text]), piece) for text, piece in different.items()]
    if len(pieces) <= 2:
        return pieces[0] if len(pieces) == 1 else pieces[0] + pieces[1]
    half = (len(pieces) + 1) // 2
    return total_of(pieces[:half]) + total_of(pieces[half:])


def is_scalar(x: Any, variables: Variables) -> bool:
    """Whether no array is in an expression: it is a number, or made of numbers and B."""
    if not isinstance(x, Expr):
        return True
    if isinstance(x, Symbol):
        return x.name not in variables
    if x.op in ("wide", "full", "columns", "take"):
        return False
    return all(is_scalar(a, variables) for a in x.args if not isinstance(a, str))


def fitted(x: Any, array: Variable, variables: Variables) -> Any:
    """`x`, repeated to the rows and columns of the array where it is a number or narrower."""
    fits = extent(x, variables) == (array.batched, array.size)
    if fits and not is_scalar(x, variables):
        return x
    return (expr.full if array.batched else expr.wide)(x, array.size)


def is_relu(x: Expr) -> bool:
    """Whether an expression is where(x < 0, 0, x), for which arrays have a faster maximum."""
    if x.op != "where":
        return False
    condition, a, b = x.args
    if not isinstance(condition, Expr) or condition.op != "<" or isinstance(a, Expr):
        return False
    left, right = condition.args
    return left is b and not isinstance(right, Expr) and right == 0 and repr(float(a)) == "0.0"


def in_reading_order(equations: list[Equation]) -> list[Equation]:
    """The gradient of each block right after the last array it is made from."""
    place = {equation.target: float(n) for n, equation in enumerate(equations)}

    def order(equation: Equation) -> float:
        target, expression = equation
        if target[0] != "d" or target.startswith("delta"):
            return place[target]
        return max([place[name] for name in names(expression) if name in place], default=-1.0) + 0.5

    return sorted(equations, key=order)


def in_short(equations: list[Equation], others: Sequence[Any]) -> list[Equation]:
    """The equations of a long program, a value that is read just once in the line of its reader.

    `others` are the expressions that read such values too, in lines of their own.
    """
    if len(equations) <= _LONG:
        return equations
    elsewhere = {*chain(*map(names, others))}
    uses = Counter(chain(*[names(x) for _, x in equations]))
    once: dict[str, Any] = {}
    lines = []
    for target, x in equations:
        x = exchanged(x, once)
        alone = target[0] in "VR" and uses[target] == 1 and target not in elsewhere
        if alone and not is_longer(x, _SHORT):
            once[target] = x
        else:
            lines.append(Equation(target, x))
    return lines


def exchanged(x: Any, arrays: Mapping[str, Any]) -> Any:
    """An expression with others in the place of some arrays."""
    if isinstance(x, Symbol):
        return arrays.get(x.name, x)
    if not isinstance(x, Expr) or not any(
        a.name in arrays for a in _parts(x) if isinstance(a, Symbol)
    ):
        return x
    return Expr(x.op, tuple([exchanged(a, arrays) for a in x.args]))


def as_matrix(x: Any, block: Variable) -> Any:
    """The columns of a block of parameters as its matrix."""
    assert block.matrix is not None
    if isinstance(x, Expr) and x.op == "*" and not isinstance(x.args[0], Expr):
        return x.args[0] * as_matrix(x.args[1], block)
    if isinstance(x, Expr) and x.op == "reshape" and str(x.args[0]) == block.name:
        return x.args[0]
    return expr.reshape(x, block.matrix[1])
