"""The program as calls of NumPy into arrays that are allocated once, for one number of examples.

The equations are taken apart into single operations, equal ones computed once; each writes into
memory that is given out beforehand. Transposes, slices and reshapes are views. Running a kernel is
one call of NumPy after the other, with nothing to decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu import namespace as floats
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.calls import Cell, assembled, given, link
from tinygrad_edu.vectorize.errors import VectorizeError
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, P, consecutive, spread
from tinygrad_edu.vectorize.numpy_text import is_relu
from tinygrad_edu.vectorize.operations import COMPUTED, Operations, copy
from tinygrad_edu.vectorize.steps import Regrouped
from tinygrad_edu.vectorize.tape import Guard

#: Functions that are made of simpler ones.
_MADE_OF: Final[dict[str, Callable[..., Any]]] = {
    "sigmoid": lambda x: _sigmoid(x),
    "softplus": lambda x: expr.maximum(x, 0.0) + expr.log1p(expr.exp(expr.copysign(x, -1.0))),
    "softmax": lambda x: _over_sum(_shifted_exp(x)),
    "log_softmax": lambda x: (x - expr.rowmax(x)) - expr.log(expr.rowsum(_shifted_exp(x))),
    "logsumexp": lambda x: _finite_top(x) + expr.log(expr.rowsum(expr.exp(x - _finite_top(x)))),
}
_UFUNCS: Final[dict[str, Any]] = {
    "*": np.multiply,
    "+": np.add,
    "-": np.subtract,
    "abs": np.fabs,
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "copysign": np.copysign,
    "cos": np.cos,
    "cosh": np.cosh,
    "divide": np.divide,
    "exp": np.exp,
    "expm1": np.expm1,
    "hypot": np.hypot,
    "log": np.log,
    "log1p": np.log1p,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "negative": np.negative,
    "pow": np.float_power,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
_COMPARISONS: Final[dict[str, Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "equal": np.equal,
    "!=": np.not_equal,
}
_FOLD: Final[dict[str, Callable[..., float]]] = {
    "*": lambda a, b: a * b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "divide": floats.divide,
    "negative": lambda a: -a,
}


def _sigmoid(x: Any) -> Any:
    e = expr.exp(expr.copysign(x, -1.0))
    return expr.divide(expr.where(x < 0, e, 1.0), 1.0 + e)


def _shifted_exp(x: Any) -> Any:
    return expr.exp(x - expr.rowmax(x))


def _over_sum(e: Any) -> Any:
    return expr.divide(e, expr.rowsum(e))


def _finite_top(x: Any) -> Any:
    top = expr.rowmax(x)
    return expr.where(expr.abs(top) < float("inf"), top, 0.0)


class Kernel(NamedTuple):
    """A program for B examples: fill `inputs`, call `run()`, read the rest.

    `results` have a column per number, and one row for numbers that are the same for all examples,
    `mean()` is that of the first; `guards` are the outcomes of comparisons. The gradient is then in
    the vector that the kernel was compiled for.
    """

    run: Callable[[], None]
    inputs: dict[str, Array]
    results: list[Array]
    guards: list[Array]
    mean: Callable[[], float]


def compile_kernel(
    program: Regrouped, gradient: Gradient | None, B: int, parameters: Array, into: Array
) -> Kernel:
    """The calls for B examples, with the parameter vector and the vector its gradient goes into."""
    compiler = _Compiler(program, B, parameters, into)
    compiler.equations(program.layout.equations)
    roots = [compiler.cell(spread(result)) for result in program.results]
    roots[1:] = [compiler.own(cell) for cell in roots[1:]]
    guards = [compiler.guard(guard) for guard in program.tape.guards]
    if gradient is not None:
        compiler.direct = not gradient.pieces  # else what is added later would change it
        compiler.equations(gradient.equations)
        compiler.pieces(gradient)
    lines = link(compiler.calls, [*roots, *guards])
    results = [cell.resolved() for cell in roots]
    outcomes = [guard.resolved() for guard in guards]
    mean = _mean_of(results[0])
    return Kernel(assembled(lines), compiler.inputs, results, outcomes, mean)


class Expressions(Operations):
    """Takes expressions apart into calls; `named` are the arrays that they mention."""

    def __init__(self, B: int) -> None:
        super().__init__(B)
        self.named: dict[str, Cell] = {"B": given(float(B))}
        self.known: dict[Any, Cell] = {}
        self.keep: list[Any] = []

    def cell(self, x: Any) -> Cell:
        """The number or array of an expression; what is known already is not computed again."""
        if not isinstance(x, Expr):
            return given(float(x))
        if not x.args:
            return self.named[x.op]
        if x.op in _MADE_OF:
            operand = self.cell(x.args[0])
            name = f"#{id(operand)}"
            self.named[name] = operand
            return self.cell(_MADE_OF[x.op](expr.symbol(name)))
        if x.op == "*":
            return self._product_of(x)
        if x.op == "negative" and isinstance(x.args[0], Expr):
            if x.args[0].op == "-":
                return self.cell(Expr("-", x.args[0].args[::-1]))
            if x.args[0].op == "pick" and x.args[0].args[0].op == "log_softmax":
                (log_softmax, t) = x.args[0].args
                z = log_softmax.args[0]
                log_sum = expr.log(expr.rowsum(_shifted_exp(z)))
                return self.cell(Expr("-", (log_sum, expr.pick(z - expr.rowmax(z), t))))
        operands = [self.cell(o) if isinstance(o, Expr) else o for o in x.args]
        key = (x.op, *[id(o) if isinstance(o, Cell) else repr(o) for o in operands])
        if key not in self.known:
            self.keep.append(operands)  # ids stay theirs
            self.known[key] = self._computed(x, operands)
        return self.known[key]

    def _product_of(self, x: Expr) -> Cell:
        """A product; several numbers and one array are one multiplication.

        With more arrays the order stays, since products in another order overflow elsewhere.
        """
        number, numbers, cells, stack = 1.0, 0, [], [x]
        while stack:
            a = stack.pop()
            if isinstance(a, Expr) and a.op == "*":
                stack.extend(reversed(a.args))
                continue
            cell = self.cell(a)
            if cell.number is None:
                cells.append(cell)
            else:
                number, numbers = number * cell.number, numbers + 1
        if numbers < 2 or len(cells) > 1:
            return self._product(*[self.cell(a) for a in x.args])
        if not cells:
            return given(number)
        return cells[0] if number == 1 else self._product(cells[0], given(number))

    def _product(self, a: Cell, b: Cell) -> Cell:
        key = ("*", *[id(c) if c.number is None else c.number for c in (a, b)])
        if key not in self.known:
            self.keep.append((a, b))
            self.known[key] = self.ufunc(np.multiply, a, b)
        return self.known[key]

    def _computed(self, x: Expr, o: list[Any]) -> Cell:
        head = x.op
        if o and not isinstance(o[0], Cell) and head != "join" and head != "scatter":
            o = [given(o[0]), *o[1:]]
        if head in COMPUTED:
            return COMPUTED[head](self, *o)
        cells = [c if isinstance(c, Cell) else given(c) for c in o]
        numbers = [c.number for c in cells]
        if head in _FOLD and None not in numbers:
            return given(_FOLD[head](*numbers))
        if head == "pow" and numbers[1] == 2:
            return self.ufunc(np.multiply, cells[0], cells[0])
        if head == "where":
            relu = is_relu(x)
            return self.ufunc(np.maximum, cells[2], given(0.0)) if relu else self.where(*cells)
        if head in _COMPARISONS:
            return self.ufunc(_COMPARISONS[head], *cells, dtype=bool)
        if head not in _UFUNCS:
            raise VectorizeError(f"m.{head} is no function of a namespace")
        return self.ufunc(_UFUNCS[head], *cells)


class _Compiler(Expressions):
    """Takes equations apart into calls."""

    def __init__(self, program: Regrouped, B: int, parameters: Array, into: Array) -> None:
        super().__init__(B)
        self.program, self.into = program, into
        self.named[P] = given(parameters[None, :])
        self.inputs: dict[str, Array] = {}
        self.targets: dict[str, Array] = {}
        self.direct = True
        for v in program.layout.variables.values():
            if v.role in ("input", "sample"):
                self.inputs[v.name] = np.zeros((B, v.size))
                self.named[v.name] = Cell((B, v.size)).place(self.inputs[v.name])
            elif v.role == "parameter":
                place, shape = slice(v.start, v.start + v.size), v.matrix or (1, v.size)
                self.named[v.name] = given(parameters[place].reshape(shape))
                self.targets[f"d{v.name}"] = into[place].reshape(shape)
            elif v.role == "constant":
                self.named[v.name] = given(np.array([[program.tape.constants[c] for c in v.cells]]))
            elif v.role == "index":
                self.indexes[v.name] = np.array(v.cells, dtype=np.intp)

    def equations(self, equations: Sequence[Equation]) -> None:
        """Compute each target; gradients of blocks straight into their place."""
        for target, expression in equations:
            place = self.targets.get(target)
            before = len(self.calls)
            cell = self.cell(expression)
            if place is None:
                self.named[target] = cell
                continue
            new = len(self.calls) > before and self.calls[-1].out is cell
            if new and self.direct and not cell.fixed:
                cell.place(place)
            else:
                self.add((cell,), Cell(place.shape).place(place), copy)

    def pieces(self, gradient: Gradient) -> None:
        """The gradients that go to single parameters, added to those of their blocks."""
        for name, place in self.targets.items():
            if name[1:] not in gradient.blocks:
                place.fill(0.0)
                if gradient.pieces:
                    self.add((), Cell(place.shape).place(place), lambda out: [(out.fill, (0.0,))])
        row = Cell((1, len(self.into))).place(self.into[None, :])
        cells = [self.cell(piece) for piece, _ in gradient.pieces]
        for cell, (_, columns) in zip(cells, gradient.pieces, strict=True):
            where = columns[0] if consecutive(columns) else np.array(columns)
            self.add_at(row, cell, where, len(columns))

    def own(self, cell: Cell) -> Cell:
        """A result with a row per example, in memory that an update does not change."""
        if cell.shape[0] == self.B and not cell.owner.fixed:
            return cell
        return self.repeated(cell, (self.B, cell.shape[1]))

    def guard(self, guard: Guard) -> Cell:
        """The outcomes of a comparison."""
        left, right = (self.program.layout.read([i]).expression for i in guard[1:3])
        return self.cell(Expr(guard.sign, (left, right)))


def _mean_of(x: Array) -> Callable[[], float]:
    numbers = x.reshape(-1)
    n, ones = len(numbers), np.ones(len(numbers))
    return lambda: float(ones.dot(numbers)) / n
