"""The chain rule for arrays: from the equations forward those backward, last step first.

An array's adjoint dL/dA adds up what its readers pass on: their own adjoint times the slope that
the operation's record gives, at the columns they read; summed over the examples where the numbers
are the same for all of them. Where nothing flows an adjoint is `no_flow`, a case of a `where`, into
which products go: 0 * inf does not arise. It becomes 0 where all that lies behind is sure to pass
on a 0, and in front of a product of matrices, which multiplies everything with everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, Final

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.namespace import no_flow
from tinygrad_edu.vectorize.algebra import (
    SHARE,
    B,
    as_matrix,
    fitted,
    flags,
    in_cases,
    in_reading_order,
    is_longer,
    is_scalar,
    moved,
    settled,
    stops,
    times,
    total_of,
)
from tinygrad_edu.vectorize.layout import (
    Equation,
    Operand,
    P,
    Part,
    Variable,
    consecutive,
    spread,
)
from tinygrad_edu.vectorize.operations import Extent, extent
from tinygrad_edu.vectorize.steps import (
    Elementwise,
    Pairs,
    Product,
    Regrouped,
    Rows,
    Step,
    as_rows,
    rows_of_classes,
    slopes_of,
    steep_arrays,
)

#: An adjoint that is used once and has at most so many operands stands in the line of its reader.
_INLINE: Final = 12
#: What flows to some columns of an array, None for all of them.
Piece = tuple[tuple[int, ...] | None, Any]


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
        self.steep = steep_arrays(program, self.active)
        self.reached: dict[str, list[Piece]] = {}
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
        self.gradient.equations = in_reading_order(self.gradient.equations)
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
        total = self._total(pieces, target.size, steep=step.target in self.steep)
        if isinstance(step, Product):
            z = step.target.startswith("Z")
            name = f"delta{step.target[1:]}" if z else f"d{step.target}"
            return self.define(name, "adjoint", target, self.full(settled(total), target))
        if isinstance(step, Pairs) and target.size > 1:
            total = moved(total, lambda x: self.full(x, target))
        if is_scalar(total, self.variables) or isinstance(total, Symbol):
            return total
        if self._uses(step) == 1 and not is_longer(total, _INLINE):
            return total
        name, whole = f"d{step.target}", self.full(settled(total), target)
        d = self.define(name, "adjoint", target, whole)
        if is_longer(total, _INLINE) and stops(total):  # cases within cases would grow and grow
            whole = self.full(flags(total), target)
            flow = self.define(self.layout.fresh("flow"), "flow", target, whole)
            return expr.where(flow, d, no_flow)
        return in_cases(total, lambda _: d, no_flow)

    def _total(self, pieces: Sequence[Piece], size: int, *, steep: bool) -> Any:
        """The sum of what flows to the columns (None for all) of an array."""
        if len(pieces) == 1 and pieces[0][0] is None:
            return pieces[0][1]
        sure = {c for columns, x in pieces if not stops(x) for c in columns or range(size)}

        def total(of: Callable[[Any], Any]) -> Any:
            if all(columns is None for columns, _ in pieces):
                return total_of([of(x) for _, x in pieces])
            placed = [(of(x), *self._place(columns, size)) for columns, x in pieces]
            return expr.scatter(size, *chain(*placed))

        if not steep or len(sure) == size:
            return total(settled)
        return expr.where(total(flags), total(settled), no_flow)

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
                return 2 if step.reduction.wide else 1
        return 2

    def _is_active(self, operand: Operand) -> bool:
        return any(part.array in self.active for part in operand.parts)

    def back(self, step: Step, g: Any) -> None:
        """Pass the adjoint g of the target on to what it was made from."""
        match step:
            case Elementwise():
                for operand, slope in zip(step.operands, slopes_of(step), strict=True):
                    if self._is_active(operand):
                        self.flow(operand, times(g, slope))
            case Rows():
                self._back_rows(step, g)
            case Product():
                self._back_product(step, g)
            case Pairs():
                d = moved(g, lambda x: expr.repeat(x, step.size)) if step.x.n > step.size else g
                for one, other in ((step.x, step.w), (step.w, step.x)):
                    if self._is_active(one):
                        x = spread(other)
                        self.flow(one, times(d, x) if stops(d) else d * x)
                if step.b is not None:
                    self.flow(step.b, g)

    def _back_rows(self, step: Rows, g: Any) -> None:
        n, rows = step.size, step.operand.n // step.size
        wide, x, classes = step.reduction.wide, as_rows(step.operand, n), []

        def as_rows_of(x: Any) -> Any:
            x = self.full(x, self.variables[step.target]) if wide or rows > 1 else x
            return expr.reshape(x, n if wide else 1) if rows > 1 else x

        y, d = as_rows_of(expr.symbol(step.target)), as_rows_of(settled(g))
        if step.classes is not None:
            batched = self.per_example
            t, x = rows_of_classes(self.layout, step.operand, n, step.classes, batched=batched)
            classes = [t]
        flowing = step.reduction.vjp(y, x, d, n, *classes)
        if stops(g):
            flow = as_rows_of(flags(g))
            flowing = expr.where(expr.rowsum(flow) if wide else flow, flowing, no_flow)
        if self.steep.isdisjoint(part.array for part in step.operand.parts):
            flowing = settled(flowing)

        def in_one_row(x: Any) -> Any:
            return expr.reshape(expr.repeat(x, n) if self.extent(x)[1] == 1 else x, step.operand.n)

        self.flow(step.operand, moved(flowing, in_one_row) if rows > 1 else flowing)

    def _back_product(self, step: Product, delta: Any) -> None:
        x = spread(step.x)
        sizes = (step.rows, step.units, step.size, *([step.blocks] if step.blocks > 1 else ()))
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
        for part in operand.parts:
            if part.array not in self.active:
                continue
            flowing = x if part.array in self.steep else settled(x)
            piece = moved(flowing, partial(self._arriving, operand, part, summed))
            if part.array == P:
                assert part.columns is not None
                self._flow_to_parameters(part.columns, piece)
            else:
                self.reached.setdefault(part.array, []).append((part.columns, piece))

    def _arriving(self, operand: Operand, part: Part, summed: bool, x: Any) -> Any:
        """What arrives of `x` at the columns that a part of the operand reads."""
        if operand.repeated:
            x = expr.rowsum(x) if self.extent(x)[1] == operand.n else times(x, float(operand.n))
        if part.places is not None and self.extent(x)[1] > 1:
            x = self._picked(x, part.places)
        if part.mask is not None:
            x = expr.where(part.mask < 0, 0.0, x)
        batched = part.array != P and self.variables[part.array].batched
        if self.per_example and not batched and not summed:
            x = expr.total(x) if self.extent(x)[0] else times(x, B)
        return x

    def _flow_to_parameters(self, columns: tuple[int, ...], piece: Any) -> None:
        if block := self.layout.block_at(columns):
            if block.matrix is not None:
                piece = as_matrix(self.full(piece, block), block)
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


def _active(program: Regrouped) -> set[str]:
    """The vector of parameters and the arrays that depend on it."""
    depends = program.tape.depending(program.tape.parameters)
    variables = program.layout.variables.values()
    return {P, *(v.name for v in variables if any(depends[c] for c in v.cells if c >= 0))}
