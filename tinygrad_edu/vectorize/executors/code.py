"""Takes programs apart into instructions, equal ones computed once."""

from collections.abc import Callable, Container, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.namespace import floats
from tinygrad_edu.vectorize.algebra import MADE_OF, shifted_exp, top
from tinygrad_edu.vectorize.executors.columns import OPERATIONS, add_at
from tinygrad_edu.vectorize.executors.instructions import Array, Instructions
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, consecutive, spread
from tinygrad_edu.vectorize.steps import Pairs, Product, Regrouped, operands_of

#: What is computed at once where all operands are numbers.
_FOLD: Final[dict[str, Callable[..., float]]] = {
    "*": lambda a, b: a * b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "divide": floats.divide,
    "negative": lambda a: -a,
}


#: The equation of an optimizer: (m, g, x, lr, t, state) -> new x and state, as `Optimizer.update`.
UpdateEquation = Callable[..., tuple[Any, tuple[Any, ...]]]


class Code(Instructions):
    """Takes expressions apart; `named` are the arrays they mention, `targets` those to fill.

    The names of `inputs` are those of arguments; `P` and `G` are the parameters and their gradient.
    """

    #: What the executor has a function of its own for.
    functions: ClassVar[Container[str]] = ()
    #: The same expression in its operations.
    simpler: Callable[[Expr], Expr]
    #: A function of a namespace, number by number.
    function: Callable[[str, list[Array]], Array]
    P: Array
    G: Array

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.named: dict[str, Array] = {}
        self.targets: dict[str, Array] = {}
        self.inputs: dict[str, Array] = {}
        self.known: dict[Any, Array] = {}
        self.keep: list[Any] = []
        #: Whether a target may be computed where it is to stand.
        self.direct = True
        #: Whether all that reads the result adds it up with others, from 0 on.
        self.sign_of_zero_is_free = False

    def put(self, array: Array, place: Array) -> None:
        """Let numbers stand in a place: made there at once if nothing reads what was there."""
        memory = array.memory
        size = array.m * array.n * (self.cap if array.batched else 1)
        writers = [k for k, i in enumerate(self.instructions) if i.out.memory is memory]
        if self.direct and writers and self.is_plain(array) and size == memory.size:
            later = [a for i in self.instructions[writers[0] + 1 :] for a in i.operands]
            if not memory.stays and all(a.memory is not place.memory for a in later):
                memory.inside, memory.stays = (place.memory, place.start), True
                return
        self.each("copy", array, out=place)

    # --- Programs

    def forward(self, program: Regrouped) -> tuple[list[Array], list[Array]]:
        """The results of a program, and the outcomes of comparisons made while tracing."""
        for v in program.layout.variables.values():
            if v.role in ("input", "sample"):
                self.named[v.name] = self.inputs[v.name] = self.fixed(1, v.size, batched=True)
            elif v.role == "parameter":
                m, n = v.matrix or (1, v.size)
                block = {"start": v.start, "m": m, "n": n, "place": n if m > 1 else 0}
                self.named[v.name] = self.P.view(**block)
                self.targets[f"d{v.name}"] = self.G.view(**block)
            elif v.role == "constant":
                numbers = np.array([program.tape.constants[c] for c in v.cells], dtype=float)
                self.named[v.name] = self.fixed(1, v.size, content=numbers)
            elif v.role == "index":
                self.indexes[v.name] = np.array(v.cells, dtype=np.intp)
        self.equations(program.layout.equations, free=_only_multiplied(program))
        results = [self.buffer(spread(result)) for result in program.results]
        results[1:] = map(self._own, results[1:])
        read, guards = program.layout.read, program.tape.guards
        sides = [(g.sign, read([g.left]).expression, read([g.right]).expression) for g in guards]
        return results, [self.buffer(Expr(sign, (left, right))) for sign, left, right in sides]

    def backward(self, gradient: Gradient) -> None:
        """The gradient, those of single parameters added to those of their blocks."""
        self.direct = not gradient.pieces  # else what is added later would change it
        self.equations(gradient.equations)
        for name, place in self.targets.items():
            if gradient.pieces and name[1:] not in gradient.blocks:
                self.each("copy", self.given(0.0), out=place)
        for piece, columns in gradient.pieces:
            where = columns[0] if consecutive(columns) else np.array(columns)
            add_at(self, self.G, self.buffer(piece), where, len(columns))

    def _own(self, a: Array) -> Array:
        """A result with a row per example, in memory that an update does not change."""
        return self.copied(a, 1, a.n, batched=True) if a.memory.stays or not a.batched else a

    def equations(self, equations: Sequence[Equation], free: Container[str] = ()) -> None:
        """Compute each target; the sign of a zero in the targets `free` does not matter."""
        for target, expression in equations:
            self.sign_of_zero_is_free = target in free
            array = self.buffer(expression)
            if target in self.targets:
                self.put(array, self.targets[target])
            else:
                self.named[target] = array

    def update(
        self, equation: UpdateEquation, states: Sequence[Array | None], make: Callable[[], Array]
    ) -> list[Array | None]:
        """Let x and its states be those after an update from g, lr and t, which are `named`.

        Gives the states, with those made anew that there are only afterwards.
        """
        self.named |= {f"s{k}": a for k, a in enumerate(states) if a is not None}
        symbols = [None if a is None else expr.symbol(f"s{k}") for k, a in enumerate(states)]
        new_x, new = equation(expr, *map(expr.symbol, ("g", "x", "lr", "t")), tuple(symbols))
        pairs = zip(states, new, strict=True)
        held = [make() if a is None and b is not None else a for a, b in pairs]
        places = [*zip(new, held, strict=True), (new_x, self.named["x"])]
        results = [(self.buffer(x), place) for x, place in places if place is not None]
        for array, place in results:
            self.put(array, place)
        return held

    # --- Expressions

    def buffer(self, x: Any) -> Array:
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

    def computed(self, op: str, operands: list[Any]) -> Array:
        """The result of one operation; operands that are no expressions come as they are."""
        if op in OPERATIONS:
            if isinstance(operands[0], float | int) and op not in ("join", "scatter"):
                operands[0] = self.given(float(operands[0]))
            return OPERATIONS[op](self, *operands)
        arrays = [self.given(float(a)) if isinstance(a, float | int) else a for a in operands]
        numbers = [a.number for a in arrays]
        if op in _FOLD and None not in numbers:
            return self.given(_FOLD[op](*numbers))
        if op == "pow" and numbers[1] == 2:
            return self.function("*", [arrays[0], arrays[0]])
        return self.function(op, arrays)

    def once(self, op: str, operands: list[Any]) -> Array:
        """The result of an operation, computed unless it is known."""
        key = (op, *[repr(o) if isinstance(o, float | int | str) else id(o) for o in operands])
        if key not in self.known:
            self.keep.append(operands)  # ids stay theirs
            self.known[key] = self.computed(op, operands)
        return self.known[key]

    def _symbol(self, array: Array) -> Symbol:
        name = f"#{id(array)}"
        self.named[name] = array
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
            elif (buffer := self.buffer(a)).scalar:
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


def _only_multiplied(program: Regrouped) -> set[str]:
    """The arrays that are read by products and sums of products alone: these start from 0."""
    readers = [*program.results]
    for step in program.steps:
        readers += () if isinstance(step, Product | Pairs) else operands_of(step)
    return program.layout.variables.keys() - {p.array for o in readers for p in o.parts}
