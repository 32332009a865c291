"""The equations of a program with numbers in them: every array by its name, one after the other."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property, partial
from operator import is_not
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr, Symbol, same
from tinygrad_edu.expr.styles import ATOM, Form
from tinygrad_edu.vectorize import Program
from tinygrad_edu.vectorize.algebra import exchanged, names, settled, times
from tinygrad_edu.vectorize.arrays import HELPERS, Array, of_arrays
from tinygrad_edu.vectorize.layout import P
from tinygrad_edu.vectorize.source import as_numpy
from tinygrad_edu.vectorize.steps import Elementwise, slopes_of


def _joined(n: int, *pieces: Any) -> Any:
    rows = max(len(np.atleast_2d(a)) for a in pieces)
    return np.hstack([np.broadcast_to(a, (rows, np.shape(a)[1])) for a in pieces])


def _scattered(n: int, *pieces: Any) -> Any:
    rows = max(len(np.atleast_2d(a)) for a in pieces[::3])
    columns = [
        place if isinstance(place, list) else range(place, place + width)
        for place, width in zip(pieces[1::3], pieces[2::3], strict=True)
    ]
    return HELPERS["scatter"](rows, n, *zip(pieces[::3], columns, strict=True))


def _of_rows(f: Any, **options: Any) -> Callable[..., Any]:
    return lambda a, *more: f(np.atleast_2d(a), *more, **options)


# fmt: off
_OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "@": np.matmul, "negative": np.negative,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "!=": np.not_equal,
    "T": np.transpose, "join": _joined, "scatter": _scattered,
    "columns": lambda a, start, stop: np.atleast_2d(a)[:, start:stop],
    "take": lambda a, index: np.atleast_2d(a)[:, index],
    "reshape": lambda a, n: np.reshape(a, (-1, n)),
    "repeat": lambda a, k: np.repeat(np.atleast_2d(a), k, axis=1),
    "wide": lambda a, n: np.broadcast_to(a, (len(np.atleast_2d(a)), n)),
    "total": _of_rows(np.sum, axis=0, keepdims=True),
    **{f"row{name}": _of_rows(f, axis=1, keepdims=True) for name, f in
       (("sum", np.sum), ("max", np.max), ("min", np.min), ("prod", np.prod))},
}
#: Operations that only slips need: what they do, and how they are written.
_OF_SLIPS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "given":   (lambda array: array, "w"),
    "flipped": (lambda a, axis: np.flip(a, axis), "np.flip({0}, {1})"),
    "rolled":  (lambda a, k, axis: np.roll(a, k, axis), "np.roll({0}, {1}, {2})"),
    "turned":  (np.transpose, "{0}.T"),
    "laid":    (lambda a: np.reshape(np.transpose(a), np.shape(a)), "{0}.T.reshape({0}.shape)"),
    "whole":   (lambda a: np.full_like(np.atleast_2d(a)[:1], np.sum(a)), "{0}.sum()"),
    "by_rows": (lambda a: np.sum(a, axis=1)[None], "{0}.sum(axis=1)"),
    "normed":  (lambda a, axis: np.exp(a) / np.sum(np.exp(a), axis=axis, keepdims=True),
                "np.exp({0}) / np.exp({0}).sum(axis={1})"),
    "rounded": (np.round, "{0}.round({1})"),
    "clipped": (lambda a, bound: np.clip(a, -bound, bound), "{0}.clip(-{1}, {1})"),
    "running": (lambda a, axis: np.cumsum(a, axis), "np.cumsum({0}, {1})"),
    "ones":    (lambda a: np.ones(np.shape(a)), "np.ones_like({0})"),
    "sign":    (np.sign, "np.sign({0})"),
}
# fmt: on
_FORMS: Final = {
    op: Form(text, ATOM, () if "(" in text[:4] else (ATOM,)) for op, (_, text) in _OF_SLIPS.items()
}
_FUNCTIONS: Final = {
    **{name: _of_rows(f) for name, f in HELPERS.items()},
    **_OPERATORS,
    **{op: f for op, (f, _) in _OF_SLIPS.items()},
}


def evaluate(x: Any, found: Mapping[str, Any], known: Mapping[int, Any] | None = None) -> Any:
    """The numbers of an expression where its symbols have these; "B" is how many examples.

    `known` are those of parts of it, by their ids.
    """
    if not isinstance(x, Expr):
        return found[x] if isinstance(x, str) else x
    if known and id(x) in known:
        return known[id(x)]
    if isinstance(x, Symbol):
        return found[x.name]
    operands = [evaluate(a, found, known) for a in x.args]
    if x.op == "full":
        return np.broadcast_to(operands[0], (int(found["B"]), operands[1]))
    numbers = (_FUNCTIONS.get(x.op) or of_arrays(x.op))(*operands)
    return numbers * 1.0 if np.asarray(numbers).dtype == bool else numbers


def number_of(x: Any, found: Mapping[str, float]) -> float:
    """The number of an expression without arrays.

    >>> x = expr.symbol("x")
    >>> number_of(1 - x * x, {"x": 3.0})
    -8.0
    """
    with np.errstate(all="ignore"):
        return float(np.squeeze(evaluate(x, found)))


class Slope(NamedTuple):
    """An adjoint dL/dz = dL/da times the slope `x` of a = g(z): dL/da, and the name of g."""

    x: Any
    name: str
    z: Symbol
    a: Symbol
    error: Any


class Equations:
    """What a program computes for these arrays: its equations in order, and their true numbers."""

    def __init__(self, program: Program, arrays: Mapping[str, Array]) -> None:
        plan = program.plan
        self.forward = {e.target: e.expression for e in plan.layout.equations}
        self.backward = {e.target: e.expression for e in plan.backward.equations}
        self.all = {**self.forward, **self.backward}
        self.variables = plan.layout.variables
        self.B = len(arrays["X"])
        self._steps = plan.steps
        self._given: dict[str, Any] = {**arrays, P: program.P[None], "B": float(self.B)}
        for v in self.variables.values():
            if v.role == "parameter":
                place = program.P[v.start : v.start + v.size]
                self._given[v.name] = place.reshape(v.matrix or (1, v.size))
            elif v.role == "constant":
                self._given[v.name] = np.array([[program.tape.constants[c] for c in v.cells]])
            elif v.role == "index":
                self._given[v.name] = list(v.cells)
        self.true = self.numbers({})

    def numbers(
        self, claims: Mapping[str, Array], shaken: Callable[[str, Any], Any] = lambda name, a: a
    ) -> dict[str, Any]:
        """Every array from those before it; where there is a claim, the claim is used.

        `shaken` gives an array somewhat off, to see what that does to the others.
        """
        found = {name: shaken(name, a) for name, a in self._given.items()}
        for name, x in self.all.items():
            found[name] = shaken(name, claims[name] if name in claims else evaluate(x, found))
        return found

    def written(self, x: Any) -> str:
        """An expression as the program has it."""
        return as_numpy(x, self.variables, _FORMS)

    def alike(self, name: str) -> dict[str, list[str]]:
        """For each array those of the same shape that are not made of the one of that name."""
        shapes = {n: np.shape(a) for n, a in self.true.items() if isinstance(a, np.ndarray)}
        free = [n for n in shapes if n not in (P, name) and name not in self.behind(n)]
        return {n: [m for m in free if shapes[m] == shapes[n] and m != n] for n in shapes}

    def behind(self, name: str, shown: Collection[str] = ()) -> list[str]:
        """The arrays that one is made of, the last first; not further than those that are shown."""
        found: list[str] = []
        stack = [name]
        while stack:
            for parent in names(self.all.get(stack.pop(), 0.0)):
                if parent in self.all and parent not in (*shown, *found):
                    found.append(parent)
                    stack.append(parent)
        return [n for n in reversed(self.all) if n in found]

    @cached_property
    def slopes(self) -> dict[str, Slope]:
        """The slopes in adjoints dL/dz, however the program writes the product."""
        found = {name: self._slope_in(name) for name in self.backward}
        return {name: slope for name, slope in found.items() if slope is not None}

    def _slope_in(self, name: str) -> Slope | None:
        z = f"Z{name[5:]}" if name.startswith("delta") else name[1:]
        for step in self._steps:
            if not isinstance(step, Elementwise) or len(step.operands) > 1:
                continue
            operand = step.operands[0].expression
            if isinstance(operand, Symbol) and operand.name == z:
                (slope,) = slopes_of(step)
                for error, _ in places(self.all[name]):
                    product = settled(times(error, slope))
                    if product is not error and same(product, self.all[name]):
                        a = expr.symbol(step.target)
                        return Slope(settled(slope), step.record.name, operand, a, error)
        return None

    def forms(self, x: Any, shown: Collection[str]) -> list[Any]:
        """An expression as it is, with values that are not shown written out, and as in books."""
        forms = [x]
        out = self.written_out(x, shown)
        for form in (out, as_in_books(x), as_in_books(out)):
            if all(form is not other for other in forms):
                forms.append(form)
        return forms

    def written_out(self, x: Any, shown: Collection[str]) -> Any:
        """An expression without names for values between those of layers, such as V1 = A2 - Y."""
        for name in dict.fromkeys(names(x)):
            if name[0] in "VR" and name in self.forward and name not in shown:
                x = exchanged(x, {name: self.written_out(self.forward[name], shown)})
        return x


def places(x: Any) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
    """Each part of an expression, and what makes the whole with something else in its place."""
    yield x, lambda new: new
    if isinstance(x, Expr):
        for k, a in enumerate(x.args):
            for part, put in places(a):
                yield part, partial(_put, x, k, put)


def _put(x: Expr, k: int, put: Callable[[Any], Any], new: Any) -> Expr:
    """`x` with another operand k, that which `put` makes of something new."""
    return Expr(x.op, (*x.args[:k], put(new), *x.args[k + 1 :]))


def as_in_books(x: Any) -> Any:
    """An expression with the shorter forms that books have for some of its parts."""
    match x:
        case Expr(op="where", args=(Expr(op="equal"), _, Expr(op="divide") as quotient)):
            return quotient  # without the case in which it would be 0 / 0
        case Expr(
            op="-", args=(Expr(op="*", args=(_, Expr(op="sigmoid") as s)), Expr(op="*") as b)
        ):
            if same(b.args[1], expr.sigmoid(-s.args[0])):  # (1 - y) s(z) - y s(-z)
                return s - b.args[0]
        case Expr(op="-", args=(_, Expr(op="*", args=(y, Expr(op="sums_of_others", args=(g,)))))):
            if isinstance(g, Expr) and g.op == "*" and any(a is y for a in g.args):
                return y * (g.args[0] - expr.rowsum(g))  # what softmax passes on
            return g - y * expr.rowsum(g)
    if not isinstance(x, Expr):
        return x
    args = tuple([as_in_books(a) for a in x.args])
    return Expr(x.op, args) if any(map(is_not, args, x.args)) else x
