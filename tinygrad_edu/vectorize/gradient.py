"""The chain rule for arrays: from the equations forward those backward, last step first.

An array's adjoint dL/dA adds up what its readers pass on: their own adjoint times the slope that
the operation's record gives, at the columns they read; summed over the examples where the numbers
are the same for all of them. Slopes along which nothing flows stay out of products, so that inf
and nan do not leak through them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.namespace import no_flow
from tinygrad_edu.vectorize.algebra import (
    SHARE,
    B,
    fitted,
    is_longer,
    is_scalar,
    names,
    times,
    total_of,
)
from tinygrad_edu.vectorize.layout import Equation, Operand, P, Variable, consecutive, spread
from tinygrad_edu.vectorize.operations import Extent, extent
from tinygrad_edu.vectorize.steps import (
    Elementwise,
    Pairs,
    Product,
    Regrouped,
    Rows,
    Step,
    as_rows,
    chosen_vjp,
    is_wide,
    reduction_of,
    rows_of_classes,
    written,
)
from tinygrad_edu.vectorize.tape import VectorizeError

#: An adjoint that is used once and has at most so many operands stands in the line of its reader.
_INLINE: Final = 12


@dataclass
class Gradient:
    """The equations backward: adjoints, gradients of blocks, and pieces added to single parameters.

    `blocks` gives for each block of parameters the name of its gradient; `pieces` are (expression,
    columns of P).
    """

    equations: list[Equation] = field(default_factory=list)
    blocks: dict[str, str] = field(default_factory=dict)
    pieces: list[tuple[Any, tuple[int, ...]]] = field(default_factory=list)


class _Backward:
    def __init__(self, program: Regrouped) -> None:
        self.program = program
        self.layout = program.layout
        self.variables = program.layout.variables
        self.gradient = Gradient()
        self.active = _active(program)
        self.reached: dict[str, list[tuple[tuple[int, ...] | None, Any]]] = {}
        self.to_block: dict[str, list[Any]] = {}
        self.per_example = True

    def run(self) -> Gradient:
        loss = self.program.results[0]
        batched = self.extent(loss.expression)[0]
        self.flow(loss, SHARE if batched else 1.0, summed=True)
        for step in reversed(self.program.steps):
            if step.target in self.reached and step.target in self.active:
                self.per_example = self.variables[step.target].batched
                self.back(step, self.adjoint(step))
        for block in self.layout.blocks.values():
            if block.name in self.to_block:
                name = self.gradient.blocks[block.name] = f"d{block.name}"
                total = total_of(self.to_block[block.name])
                total = total if block.matrix else self.full(total, block)
                self.define(name, "gradient", block, total)
        self.gradient.equations = _in_reading_order(self.gradient.equations)
        return self.gradient

    def define(self, name: str, role: str, like: Variable, expression: Any) -> Expr:
        """An array with a name of its own, of the shape of `like`."""
        self.variables[name] = replace(like, name=name, role=role)
        self.gradient.equations.append(Equation(name, expression))
        return expr.symbol(name)

    def adjoint(self, step: Step) -> Any:
        """dL/d(target): an expression, or the name of an array where it is used more than once."""
        target = self.variables[step.target]
        pieces = self.reached.pop(step.target)
        if all(columns is None for columns, _ in pieces):
            total = total_of([piece for _, piece in pieces])
        else:
            placed = [(piece, *self._place(columns, target.size)) for columns, piece in pieces]
            total = expr.scatter(target.size, *chain(*placed))
        if isinstance(step, Product):
            z = step.target.startswith("Z")
            name = f"delta{step.target[1:]}" if z else f"d{step.target}"
            return self.define(name, "adjoint", target, self.full(total, target))
        if isinstance(step, Pairs) and target.size > 1:
            total = self.full(total, target)
        if is_scalar(total, self.variables) or isinstance(total, Symbol):
            return total
        if self._uses(step) == 1 and not is_longer(total, _INLINE):
            return total
        return self.define(f"d{step.target}", "adjoint", target, self.full(total, target))

    def _place(self, columns: tuple[int, ...] | None, size: int) -> tuple[Any, int]:
        """Where a piece is added, its first column or an index, and to how many columns."""
        if columns is None:
            return 0, size
        place = columns[0] if consecutive(columns) else self.layout.index(columns)
        return place, len(columns)

    def full(self, x: Any, target: Variable) -> Any:
        """`x`, repeated to the shape of the array if it is narrower."""
        return fitted(x, target, self.variables)

    def extent(self, x: Any) -> Extent:
        return extent(x, self.variables)

    def _uses(self, step: Step) -> int:
        """How many operands the adjoint of the target flows to."""
        match step:
            case Elementwise():
                return sum(self._is_active(o) for o in step.operands)
            case Rows():
                return 2 if is_wide(step.record) else 1
        return 2

    def _is_active(self, operand: Operand) -> bool:
        return any(part.array in self.active for part in operand.parts)

    def back(self, step: Step, g: Any) -> None:
        """Pass the adjoint g of the target on to what it was made from."""
        match step:
            case Elementwise():
                y = expr.symbol(step.target)
                operands = [o.expression for o in step.operands]
                slopes = written(step.record, "slopes", y, *operands)
                if len(slopes) != len(operands):
                    raise VectorizeError(
                        f"{step.record.name} gave {len(slopes)} slopes for {len(operands)} parents"
                    )
                for operand, slope in zip(step.operands, slopes, strict=True):
                    if self._is_active(operand):
                        self.flow(operand, times(g, slope))
            case Rows():
                self._back_rows(step, g)
            case Product():
                self._back_product(step, g)
            case Pairs():
                d = g if step.x.n == step.size else expr.repeat(g, step.size)
                for one, other in ((step.x, step.w), (step.w, step.x)):
                    if self._is_active(one):
                        self.flow(one, d * spread(other))
                if step.b is not None:
                    self.flow(step.b, g)

    def _back_rows(self, step: Rows, g: Any) -> None:
        n, rows = step.size, step.operand.n // step.size
        operation, wide = reduction_of(step.record), is_wide(step.record)
        y: Any = expr.symbol(step.target)
        if wide or rows > 1:
            g = self.full(g, self.variables[step.target])
        if rows > 1:
            width = n if wide else 1
            g, y = expr.reshape(g, width), expr.reshape(y, width)
        if operation is None:
            t, x = rows_of_classes(self.layout, step, batched=self.per_example)
            flowing = chosen_vjp(expr, t, x, g, n)
        else:
            flowing = operation.vjp(expr, y, as_rows(step.operand, n), g, n)
        if rows > 1:
            if self.extent(flowing)[1] == 1:
                flowing = expr.repeat(flowing, n)
            flowing = expr.reshape(flowing, step.operand.n)
        self.flow(step.operand, flowing)

    def _back_product(self, step: Product, delta: Any) -> None:
        x = spread(step.x)
        sizes = (step.rows, step.units, step.size)
        if step.b is not None and self._is_active(step.b):
            if step.b.n == step.units and step.rows > 1:
                self.flow(step.b, expr.total(expr.reshape(delta, step.units)), summed=True)
            else:
                self.flow(step.b, delta)
        if step.batched_w:
            self.flow(step.x, expr.batched_back_x(delta, step.w, *sizes))
            if step.w_read is not None:
                self.flow(step.w_read, expr.batched_back_w(delta, x, *sizes))
            return
        summed = not step.batched_x
        if summed and self.per_example:  # only b differs from example to example
            delta = expr.total(delta)
        d = delta
        if step.rows > 1:
            d, x = expr.reshape(delta, step.units), expr.reshape(x, step.size)
        self._back_weights(step, d, x)
        if self._is_active(step.x):
            flowing = Expr("@", (d, step.w))
            if step.rows > 1:
                flowing = expr.reshape(flowing, step.x.n)
            self.flow(step.x, flowing, summed=summed)

    def _back_weights(self, step: Product, d: Any, x: Any) -> None:
        if step.w_read is None:
            across = step.w.op == "T"
            block, a, b = (step.w.args[0], x, d) if across else (step.w, d, x)
            self.to_block.setdefault(block.name, []).append(Expr("@", (expr.T(a), b)))
        elif self._is_active(step.w_read):
            dw = Expr("@", (expr.T(d), x))
            self.flow(step.w_read, expr.reshape(dw, step.units * step.size), summed=True)

    def flow(self, operand: Operand, x: Any, *, summed: bool = False) -> None:
        """Add `x`, the gradient for an operand, to the adjoints of the arrays it was read from."""
        if x is no_flow:
            return
        if operand.repeated:
            x = expr.rowsum(x) if self.extent(x)[1] == operand.n else times(x, float(operand.n))
        for part in operand.parts:
            if part.array not in self.active:
                continue
            piece = x
            if part.places is not None and self.extent(x)[1] > 1:
                piece = self._picked(x, part.places)
            batched = part.array != P and self.variables[part.array].batched
            if self.per_example and not batched and not summed:
                piece = expr.total(piece) if self.extent(piece)[0] else times(piece, B)
            if part.array == P:
                assert part.columns is not None
                self._flow_to_parameters(part.columns, piece)
            else:
                self.reached.setdefault(part.array, []).append((part.columns, piece))

    def _flow_to_parameters(self, columns: tuple[int, ...], piece: Any) -> None:
        if block := self.layout.block_at(columns):
            if block.matrix is not None:
                piece = _as_matrix(self.full(piece, block), block)
            self.to_block.setdefault(block.name, []).append(piece)
            return
        if self.extent(piece)[1] != len(columns) or is_scalar(piece, self.variables):
            piece = expr.wide(piece, len(columns))
        self.gradient.pieces.append((piece, columns))

    def _picked(self, x: Any, places: Sequence[int]) -> Any:
        """Some columns of an expression, read where its numbers come from if that is plain."""
        if isinstance(x, Expr) and x.op == "*" and self.extent(x.args[0])[1] == 1:
            return x.args[0] * self._picked(x.args[1], places)
        if isinstance(x, Symbol) and self.variables[x.name].role == "gathered":
            cells = self.variables[x.name].cells
            return self.layout.read([cells[k] for k in places]).expression
        return self.layout.picked(x, places)


def gradient_of(program: Regrouped) -> Gradient:
    """The equations backward from the first result of a program, the mean over the examples."""
    return _Backward(program).run()


def _in_reading_order(equations: list[Equation]) -> list[Equation]:
    """The gradient of each block right after the last array it is made from."""
    place = {equation.target: float(n) for n, equation in enumerate(equations)}

    def order(equation: Equation) -> float:
        target, expression = equation
        if target[0] != "d" or target.startswith("delta"):
            return place[target]
        return max([place[name] for name in names(expression) if name in place], default=-1.0) + 0.5

    return sorted(equations, key=order)


def _as_matrix(x: Any, block: Variable) -> Any:
    """The columns of a block of parameters as its matrix."""
    assert block.matrix is not None
    if isinstance(x, Expr) and x.op == "*" and not isinstance(x.args[0], Expr):
        return x.args[0] * _as_matrix(x.args[1], block)
    if isinstance(x, Expr) and x.op == "reshape" and str(x.args[0]) == block.name:
        return x.args[0]
    return expr.reshape(x, block.matrix[1])


def _active(program: Regrouped) -> set[str]:
    """The vector of parameters and the arrays that depend on it."""
    depends = program.tape.depending(program.tape.parameters)
    variables = program.layout.variables.values()
    return {P, *(v.name for v in variables if any(depends[c] for c in v.cells if c >= 0))}
