"""Takes expressions of arrays apart into single operations, equal ones computed once.

What an executor makes of an operation, a call of NumPy or an instruction of the machine, it says by
itself; an array is an X to it.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.namespace import floats
from tinygrad_edu.vectorize.algebra import MADE_OF, shifted_exp, top
from tinygrad_edu.vectorize.layout import Equation
from tinygrad_edu.vectorize.operations import OPERATIONS
from tinygrad_edu.vectorize.steps import Pairs, Product, Regrouped, operands_of

#: What is computed at once where all operands are numbers.
_FOLD: Final[dict[str, Callable[..., float]]] = {
    "*": lambda a, b: a * b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "divide": floats.divide,
    "negative": lambda a: -a,
}


class _Array(Protocol):
    """An array; `number` is the number of one that never changes."""

    number: float | None


X = TypeVar("X", bound=_Array)


class Expressions(Generic[X]):
    """Takes expressions apart; `named` are the arrays they mention, `targets` those to fill."""

    #: What the executor has a function of its own for.
    functions: ClassVar[Container[str]] = ()

    def __init__(self) -> None:
        self.named: dict[str, X] = {}
        self.targets: dict[str, X] = {}
        self.known: dict[Any, X] = {}
        self.keep: list[Any] = []
        #: Whether all that reads the result adds it up with others, from 0 on.
        self.sign_of_zero_is_free = False

    def given(self, x: float) -> X:
        """A number."""
        raise NotImplementedError

    def operation(self, op: str, operands: list[Any]) -> X:
        """The result of one of OPERATIONS; all but its first operand may be no array."""
        raise NotImplementedError

    def function(self, op: str, arrays: list[X]) -> X:
        """A function of a namespace, number by number."""
        raise NotImplementedError

    def simpler(self, x: Expr) -> Expr:
        """The same in the operations of the executor."""
        return x

    def is_scalar(self, buffer: X) -> bool:
        """Whether it is one number for all examples."""
        return buffer.number is not None

    def move(self, buffer: X, place: X, *, new: bool) -> None:
        """Let the numbers stand in `place`; `new` if nothing else was computed since they were."""
        raise NotImplementedError

    def equations(self, equations: Sequence[Equation], free: Container[str] = ()) -> None:
        """Compute each target; gradients of blocks go into their place.

        The sign of a zero in the targets `free` does not matter.
        """
        for target, expression in equations:
            self.sign_of_zero_is_free = target in free
            before = len(self.known)
            buffer = self.buffer(expression)
            if target in self.targets:
                self.move(buffer, self.targets[target], new=len(self.known) > before)
            else:
                self.named[target] = buffer

    def outcomes(self, program: Regrouped) -> list[X]:
        """The outcomes of the comparisons that Python made while tracing."""
        read, guards = program.layout.read, program.tape.guards
        sides = [(g.sign, read([g.left]).expression, read([g.right]).expression) for g in guards]
        return [self.buffer(Expr(sign, (left, right))) for sign, left, right in sides]

    def buffer(self, x: Any) -> X:
        """The number or array of an expression; what is known already is not computed again."""
        if not isinstance(x, Expr):
            return self.given(float(x))
        if isinstance(x, Symbol):
            return self.named[x.name]
        x = self.simpler(x)
        if x.op in MADE_OF and x.op not in self.functions:
            return self.buffer(MADE_OF[x.op](self._symbol(self.buffer(x.args[0]))))
        if x.op == "*" and (single := self._with_one_number(x)) is not x:
            return self.buffer(single)
        a = x.args[0]
        if x.op == "negative" and isinstance(a, Expr) and a.op == "pick":
            log_softmax, t = a.args
            if log_softmax.op == "log_softmax":
                z = log_softmax.args[0]
                log_sum = expr.log(expr.rowsum(shifted_exp(z)))
                return self.buffer(Expr("-", (log_sum, expr.pick(z - top(z), t))))
        return self.once(x.op, [self.buffer(o) if isinstance(o, Expr) else o for o in x.args])

    def computed(self, op: str, operands: list[Any]) -> X:
        """The result of one operation; operands that are no expressions come as they are."""
        if op in OPERATIONS:
            if isinstance(operands[0], float | int) and op not in ("join", "scatter"):
                operands[0] = self.given(float(operands[0]))
            return self.operation(op, operands)
        arrays = [self.given(float(a)) if isinstance(a, float | int) else a for a in operands]
        numbers = [a.number for a in arrays]
        if op in _FOLD and None not in numbers:
            return self.given(_FOLD[op](*numbers))
        if op == "pow" and numbers[1] == 2:
            return self.function("*", [arrays[0], arrays[0]])
        return self.function(op, arrays)

    def once(self, op: str, operands: list[Any]) -> X:
        """The result of an operation, computed unless it is known."""
        key = (op, *[repr(o) if isinstance(o, float | int | str) else id(o) for o in operands])
        if key not in self.known:
            self.keep.append(operands)  # ids stay theirs
            self.known[key] = self.computed(op, operands)
        return self.known[key]

    def _symbol(self, buffer: X) -> Symbol:
        name = f"#{id(buffer)}"
        self.named[name] = buffer
        return expr.symbol(name)

    def _with_one_number(self, x: Expr) -> Any:
        """A product of several numbers and at most one array with one number.

        With more arrays the order stays, since products in another order overflow elsewhere.
        """
        scalars, arrays, stack = [], [], [x]
        while stack:
            a = stack.pop()
            if isinstance(a, Expr) and a.op == "*":
                stack.extend(reversed(a.args))
            elif self.is_scalar(buffer := self.buffer(a)):
                scalars.append(buffer)
            else:
                arrays.append(a)
        if len(scalars) < 2 or len(arrays) > 1 or (len(scalars) == 2 and not arrays):
            return x
        product = scalars[0]
        for factor in scalars[1:]:
            product = self.once("*", [product, factor])
        if not arrays:
            return self._symbol(product)
        return arrays[0] if product.number == 1 else Expr("*", (arrays[0], self._symbol(product)))


def only_multiplied(program: Regrouped) -> set[str]:
    """The arrays that are read by products and sums of products alone: these start from 0."""
    readers = [*program.results]
    for step in program.steps:
        readers += () if isinstance(step, Product | Pairs) else operands_of(step)
    return program.layout.variables.keys() - {p.array for o in readers for p in o.parts}
