"""The program as calls of NumPy into arrays that are allocated once, for one number of examples.

The equations are taken apart into single operations, equal ones computed once; each writes into an
array of its own or into one that is no longer needed. Transposes, slices and reshapes are views.
Running a kernel is one call of NumPy after the other, with nothing to decide.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from tinygrad_edu import floats, ink
from tinygrad_edu.ink import Ink
from tinygrad_edu.vectorize.arrays import Array, erf
from tinygrad_edu.vectorize.errors import VectorizeError
from tinygrad_edu.vectorize.gradient import Gradient
from tinygrad_edu.vectorize.layout import Equation, P, spread
from tinygrad_edu.vectorize.regroup import Regrouped
from tinygrad_edu.vectorize.source import is_relu
from tinygrad_edu.vectorize.tape import Guard

#: Functions that are made of simpler ones.
_MADE_OF: Final[dict[str, Callable[..., Any]]] = {
    "sigmoid": lambda x: _sigmoid(x),
    "softplus": lambda x: ink.maximum(x, 0.0) + ink.log1p(ink.exp(ink.copysign(x, -1.0))),
    "softmax": lambda x: _over_sum(_shifted_exp(x)),
    "log_softmax": lambda x: (x - ink.rowmax(x)) - ink.log(ink.rowsum(_shifted_exp(x))),
    "logsumexp": lambda x: _finite_top(x) + ink.log(ink.rowsum(ink.exp(x - _finite_top(x)))),
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
    e = ink.exp(ink.copysign(x, -1.0))
    return ink.divide(ink.where(x < 0, e, 1.0), 1.0 + e)


def _shifted_exp(x: Any) -> Any:
    return ink.exp(x - ink.rowmax(x))


def _over_sum(e: Any) -> Any:
    return ink.divide(e, ink.rowsum(e))


def _finite_top(x: Any) -> Any:
    top = ink.rowmax(x)
    return ink.where(ink.abs(top) < float("inf"), top, 0.0)


class Cell:
    """A number or an array: given, the result of a call, or a view (`look`) of another cell.

    `array` is known at once where it is given, else when memory is given out; `fixed` memory is
    never used for anything else.
    """

    __slots__ = ("array", "base", "contiguous", "dtype", "fixed", "look", "shape")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any = float,
        *,
        base: "Cell | None" = None,
        look: Callable[[Any], Any] | None = None,
        contiguous: bool = True,
    ) -> None:
        self.shape, self.dtype, self.base, self.look = shape, dtype, base, look
        self.contiguous = contiguous
        self.array: Any = None
        self.fixed = False

    @property
    def owner(self) -> "Cell":
        """The cell whose memory this one looks into."""
        return self if self.base is None else self.base.owner

    def place(self, array: Any) -> "Cell":
        """The cell, with memory of its own that stays."""
        self.array, self.fixed = array, True
        return self

    def resolved(self) -> Any:
        """The array itself, once memory is given out."""
        if self.array is None and self.base is not None and self.look is not None:
            self.array = self.look(self.base.resolved())
        return self.array


def _given(array: Any) -> Cell:
    """A cell for a number or an array that exists."""
    array = np.asarray(array, dtype=float)
    return Cell(array.shape, contiguous=array.flags.c_contiguous).place(array)


class Call(NamedTuple):
    """A cell computed from others; `write(out, *arrays)` gives the calls of NumPy that do it.

    Each is (function, arguments) or (function, arguments, keywords). `out` may take over the memory
    of the first `reusable` arguments where these are not needed any more.
    """

    arguments: tuple[Cell, ...]
    out: Cell
    write: Callable[..., list[tuple[Any, ...]]]
    reusable: int = 0


class Kernel(NamedTuple):
    """A program for B examples: fill `inputs`, call `run()`, read the rest.

    `results` have a column per number, and one row for numbers that are the same for all examples;
    `guards` are the outcomes of comparisons. The gradient is then in the vector it was compiled for.
    """

    run: Callable[[], None]
    inputs: dict[str, Array]
    results: list[Array]
    guards: list[Array]
    mean: Callable[[], float]
    calls: int


def compile_kernel(
    program: Regrouped, gradient: Gradient | None, B: int, parameters: Array, into: Array
) -> Kernel:
    """The calls for B examples, with the parameter vector and the vector its gradient goes into."""
    compiler = _Compiler(program, B, parameters, into)
    compiler.equations(program.layout.equations)
    roots = [compiler.cell(spread(result)) for result in program.results]
    guards = [compiler.guard(guard) for guard in program.tape.guards]
    if gradient is not None:
        compiler.equations(gradient.equations)
        compiler.pieces(gradient)
    lines = compiler.link([*roots, *guards])
    results = [cell.resolved() for cell in roots]
    outcomes = [guard.resolved() for guard in guards]
    mean = _mean_of(results[0])
    return Kernel(_assembled(lines), compiler.inputs, results, outcomes, mean, len(lines))


class _Compiler:
    """Takes equations apart into calls."""

    def __init__(self, program: Regrouped, B: int, parameters: Array, into: Array) -> None:
        self.program, self.B, self.into = program, B, into
        self.calls: list[Call] = []
        self.known: dict[Any, Cell] = {}
        self.keep: list[Any] = []
        self.named = {"B": _given(float(B)), P: _given(parameters[None, :])}
        self.inputs: dict[str, Array] = {}
        self.indexes: dict[str, Any] = {}
        self.targets: dict[str, Array] = {}
        for v in program.layout.variables.values():
            if v.role in ("input", "sample"):
                self.inputs[v.name] = np.zeros((B, v.size))
                self.named[v.name] = Cell((B, v.size)).place(self.inputs[v.name])
            elif v.role == "parameter":
                place, shape = slice(v.start, v.start + v.size), v.matrix or (1, v.size)
                self.named[v.name] = _given(parameters[place].reshape(shape))
                self.targets[f"d{v.name}"] = into[place].reshape(shape)
            elif v.role == "constant":
                self.named[v.name] = _given(np.array([[program.tape.constants[c] for c in v.cells]]))
            elif v.role == "index":
                self.indexes[v.name] = np.array(v.cells, dtype=np.intp)

    def equations(self, equations: Sequence[Equation]) -> None:
        """Compute each target; gradients of blocks straight into their place."""
        for target, expression in equations:
            place = self.targets.get(target)
            cell = self.cell(expression)
            if place is None:
                self.named[target] = cell
                continue
            if self.calls and self.calls[-1].out is cell and cell.base is None and not cell.fixed:
                cell.place(place)
            else:
                self.add((cell,), Cell(place.shape).place(place), _copy)

    def pieces(self, gradient: Gradient) -> None:
        """The gradients that go to single parameters, added to those of their blocks."""
        for name, place in self.targets.items():
            if name[1:] not in gradient.blocks:
                place.fill(0.0)
                if gradient.pieces:
                    self.add((), Cell(place.shape).place(place), lambda out: [(out.fill, (0.0,))])
        row = Cell((1, len(self.into))).place(self.into[None, :])
        for piece, columns in gradient.pieces:
            first, n = columns[0], len(columns)
            place = first if columns == tuple(range(first, first + n)) else np.array(columns)
            self._added(row, self.cell(piece), place, n)

    def guard(self, guard: Guard) -> Cell:
        """The outcomes of a comparison."""
        left, right = (self.program.layout.read([i]).expression for i in guard[1:3])
        return self.cell(Ink(guard.sign, (left, right)))

    def cell(self, x: Any) -> Cell:
        """The number or array of an expression; what is known already is not computed again."""
        if not isinstance(x, Ink):
            return _given(float(x))
        if not x.operands:
            return self.named[x.head]
        if x.head in _MADE_OF:
            operand = self.cell(x.operands[0])
            name = f"#{id(operand)}"
            self.named[name] = operand
            return self.cell(_MADE_OF[x.head](ink.symbol(name)))
        operands = [self.cell(o) if isinstance(o, Ink) else o for o in x.operands]
        key = (x.head, *[id(o) if isinstance(o, Cell) else repr(o) for o in operands])
        if key not in self.known:
            self.keep.append(operands)  # ids stay theirs
            self.known[key] = self._computed(x, operands)
        return self.known[key]

    def _computed(self, x: Ink, o: list[Any]) -> Cell:
        head = x.head
        if o and not isinstance(o[0], Cell) and head != "join" and head != "scatter":
            o = [_given(o[0]), *o[1:]]
        if head in _COMPUTED:
            return _COMPUTED[head](self, *o)
        cells = [c if isinstance(c, Cell) else _given(c) for c in o]
        if head in _FOLD and all(c.fixed and c.shape == () for c in cells):
            return _given(_FOLD[head](*[float(c.array) for c in cells]))
        if head == "pow" and cells[1].fixed and cells[1].shape == () and cells[1].array == 2:
            return self.ufunc(np.multiply, cells[0], cells[0])
        if head == "where":
            relu = is_relu(x)
            return self.ufunc(np.maximum, cells[2], _given(0.0)) if relu else self._where(*cells)
        if head in _COMPARISONS:
            return self.ufunc(_COMPARISONS[head], *cells, dtype=bool)
        if head not in _UFUNCS:
            raise VectorizeError(f"m.{head} is no function of a namespace")
        return self.ufunc(_UFUNCS[head], *cells)

    def add(self, arguments: tuple[Cell, ...], out: Cell, write: Any, reusable: int = 0) -> Cell:
        """A further call, and its cell."""
        self.calls.append(Call(arguments, out, write, reusable))
        return out

    def ufunc(self, f: Any, *cells: Cell, dtype: Any = float) -> Cell:
        """f of each number."""
        shape = np.broadcast_shapes(*[c.shape for c in cells])
        keyword = f in (np.maximum, np.minimum)  # they take no third argument by position

        def write(out: Any, *arrays: Any) -> list[tuple[Any, ...]]:
            return [(f, arrays, {"out": out})] if keyword else [(f, (*arrays, out))]

        return self.add(cells, Cell(shape, dtype), write, len(cells))

    def view(
        self, a: Cell, shape: tuple[int, ...], look: Callable[[Any], Any], contiguous: bool = False
    ) -> Cell:
        """A cell that looks into another."""
        return Cell(shape, a.dtype, base=a, look=look, contiguous=contiguous or 1 in shape)

    def _where(self, condition: Cell, a: Cell, b: Cell) -> Cell:
        if condition.dtype is not bool:
            condition = self.ufunc(np.not_equal, condition, _given(0.0), dtype=bool)
        shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
        if b.shape != shape and a.shape == shape:
            condition, a, b = self.ufunc(np.logical_not, condition, dtype=bool), b, a
        single = a.shape == ()

        def write(out: Any, b: Any, condition: Any, a: Any) -> list[tuple[Any, ...]]:
            copied = [] if out is b else [(np.copyto, (out, b))]
            if single and condition.shape == out.shape:
                return [*copied, (np.putmask, (out, condition, a))]
            return [*copied, (np.copyto, (out, a), {"where": condition})]

        return self.add((b, condition, a), Cell(shape), write, 1)

    def product(self, a: Cell, b: Cell) -> Cell:
        """The matrix product."""
        shape = (a.shape[0], b.shape[1])
        return self.add((a, b), Cell(shape), lambda out, a, b: [(np.dot, (a, b, out))])

    def transpose(self, a: Cell) -> Cell:
        """Rows for columns."""
        return self.view(a, (a.shape[1], a.shape[0]), lambda x: x.T)

    def columns(self, a: Cell, start: int, stop: int) -> Cell:
        """The columns from start to stop - 1."""
        return self.view(a, (a.shape[0], stop - start), lambda x: x[:, start:stop])

    def take(self, a: Cell, index: str) -> Cell:
        """Columns by an index."""
        i = self.indexes[index]
        out = Cell((a.shape[0], len(i)))
        return self.add((a,), out, lambda out, a: [(np.take, (a, i, 1, out, "clip"))])

    def reshape(self, a: Cell, n: int) -> Cell:
        """The same numbers in rows of n."""
        size = int(np.prod(a.shape))
        if not a.contiguous:
            a = self.repeated(a, a.shape)
        return self.view(a, (size // n, n), lambda x: x.reshape(-1, n), contiguous=True)

    def wide(self, a: Cell, n: int) -> Cell:
        """Repeated to n columns."""
        rows = a.shape[0] if a.shape else 1
        return self.repeated(a, (rows, n))

    def full(self, a: Cell, n: int) -> Cell:
        """Repeated to a row per example and n columns."""
        return self.repeated(a, (self.B, n))

    def repeated(self, a: Cell, shape: tuple[int, ...]) -> Cell:
        """Repeated to a shape."""
        return self.add((a,), Cell(shape), _copy)

    def repeat(self, a: Cell, k: int) -> Cell:
        """Each column k times."""
        rows, n = a.shape
        out = Cell((rows, n * k))
        return self.add(
            (a,), out, lambda out, a: [(np.copyto, (out.reshape(rows, n, k), a[:, :, None]))]
        )

    def total(self, a: Cell) -> Cell:
        """The sum over the rows, as a product with ones."""
        if a.shape[0] == 1:
            return a
        ones = np.ones(a.shape[0])
        out = Cell((1, a.shape[1]))
        return self.add((a,), out, lambda out, a: [(np.dot, (ones, a, out.reshape(-1)))])

    def rowsum(self, a: Cell) -> Cell:
        """The sum of each row."""
        if a.shape[1] == 1:
            return a
        ones = np.ones(a.shape[1])
        out = Cell((a.shape[0], 1))
        if a.dtype is bool:
            a = self.repeated(a, a.shape)
        return self.add((a,), out, lambda out, a: [(np.dot, (a, ones, out.reshape(-1)))])

    def extreme(self, f: Any, a: Cell) -> Cell:
        """The largest, the smallest or the product of each row."""
        out = Cell((a.shape[0], 1))
        return self.add((a,), out, lambda out, a: [(f.reduce, (a, 1, None, out, True))])

    def join(self, n: int, *parts: Cell) -> Cell:
        """Columns side by side."""
        out = Cell((max(p.shape[0] for p in parts), n))

        def write(out: Any, *arrays: Any) -> list[tuple[Any, ...]]:
            calls, start = [], 0
            for array in arrays:
                stop = start + array.shape[1]
                calls.append((np.copyto, (out[:, start:stop], array)))
                start = stop
            return calls

        return self.add(parts, out, write)

    def scatter(self, n: int, *pieces: Any) -> Cell:
        """Pieces, added up at their columns."""
        cells = [p if isinstance(p, Cell) else _given(p) for p in pieces[::3]]
        rows = max([c.shape[0] if c.shape else 1 for c in cells])
        rows = self.B if rows != 1 else 1
        out = self.add((), Cell((rows, n)), lambda out: [(out.fill, (0.0,))])
        for cell, place, k in zip(cells, pieces[1::3], pieces[2::3], strict=True):
            columns = self.indexes[place] if isinstance(place, str) else place
            self._added(out, cell, columns, k)
        return out

    def _added(self, out: Cell, piece: Cell, place: Any, n: int) -> None:
        """out[:, place] += piece, where a column may be named several times."""
        if isinstance(place, int):
            to = self.view(out, (out.shape[0], n), lambda x: x[:, place : place + n])
            self.add((to, piece), to, lambda out, to, piece: [(np.add, (out, piece, out))])
            return
        order = np.argsort(place, kind="stable")
        columns, starts = np.unique(place[order], return_index=True)
        if piece.shape != (out.shape[0], n):
            piece = self.repeated(piece, (out.shape[0], n))
        sorted_piece = np.empty((out.shape[0], n))
        sums = np.empty((out.shape[0], len(columns)))

        def write(out: Any, _: Any, piece: Any) -> list[tuple[Any, ...]]:
            calls: list[tuple[Any, ...]] = [(np.take, (piece, order, 1, sorted_piece, "clip"))]
            calls.append((np.add.reduceat, (sorted_piece, starts, 1, None, sums)))
            return [*calls, (_add_columns, (out, columns, sums))]

        self.add((out, piece), out, write)

    def pick(self, a: Cell, t: Cell) -> Cell:
        """a_t of each row."""
        rows, n = a.shape
        starts, index = np.arange(rows) * float(n), np.empty((rows, 1), dtype=np.intp)

        def write(out: Any, a: Any, t: Any) -> list[tuple[Any, ...]]:
            to_index = (np.add, (t, starts[:, None], index), {"casting": "unsafe"})
            return [to_index, (np.take, (a, index, None, out, "clip"))]

        return self.add((a, t), Cell((rows, 1)), write)

    def onehot(self, t: Cell, n: int) -> Cell:
        """1 in column t of each row."""
        return self.ufunc(np.equal, t, _given(np.arange(float(n))[None, :]), dtype=bool)

    def by_function(self, f: Any, shape: tuple[int, ...], *cells: Cell) -> Cell:
        """A function of arrays that gives a new one."""
        return self.add(cells, Cell(shape), lambda out, *a: [(_store, (out, f, a))])

    def batched_product(self, x: Cell, w: Cell, rows: int, units: int, size: int) -> Cell:
        """x w^T for each example, side by side."""

        def product(x: Array, w: Array) -> Array:
            return x.reshape(-1, rows, size) @ w.reshape(-1, units, size).transpose(0, 2, 1)

        return self.by_function(product, (self.B, rows * units), x, w)

    def batched_back_x(self, d: Cell, w: Cell, rows: int, units: int, size: int) -> Cell:
        """d w for each example."""

        def product(d: Array, w: Array) -> Array:
            return d.reshape(-1, rows, units) @ w.reshape(-1, units, size)

        return self.by_function(product, (self.B, rows * size), d, w)

    def batched_back_w(self, d: Cell, x: Cell, rows: int, units: int, size: int) -> Cell:
        """d^T x for each example."""

        def product(d: Array, x: Array) -> Array:
            return d.reshape(-1, rows, units).transpose(0, 2, 1) @ x.reshape(-1, rows, size)

        return self.by_function(product, (self.B, units * size), d, x)

    def products_of_others(self, x: Cell) -> Cell:
        """For each column the product of the others, without dividing."""

        def products(x: Array) -> Array:
            ones = np.ones((len(x), 1))
            before = np.cumprod(np.hstack([ones, x[:, :-1]]), axis=1)
            after = np.cumprod(np.hstack([ones, x[:, :0:-1]]), axis=1)[:, ::-1]
            return before * after

        return self.by_function(products, x.shape, x)

    def link(self, results: Sequence[Cell]) -> list[tuple[Any, ...]]:
        """The calls of NumPy, with memory given out: an array is used again after its last reader."""
        last = {
            id(cell.owner): i
            for i, call in enumerate(self.calls)
            for cell in (*call.arguments, call.out)
        }
        last.update(dict.fromkeys([id(cell.owner) for cell in results], len(self.calls)))
        free: dict[tuple[Any, ...], list[Any]] = {}
        lines: list[tuple[Any, ...]] = []
        for i, call in enumerate(self.calls):
            owners = {id(c.owner): c.owner for c in (*call.arguments, call.out)}
            dying = {k: c for k, c in owners.items() if last[k] == i and not c.fixed}
            target = call.out.owner
            if target.array is None:
                kind = (target.shape, target.dtype)
                for c in call.arguments[: call.reusable]:
                    if id(c) in dying and (c.shape, c.dtype) == kind:
                        target.array = dying.pop(id(c)).array
                        break
                else:
                    target.array = free[kind].pop() if free.get(kind) else np.empty(*kind)
            lines += call.write(call.out.resolved(), *[c.resolved() for c in call.arguments])
            for c in dying.values():
                free.setdefault((c.shape, c.dtype), []).append(c.array)
        for cell in results:
            cell.resolved()
        return lines


#: Expressions that are not computed number by number.
_COMPUTED: Final[dict[str, Callable[..., Cell]]] = {
    "@": _Compiler.product,
    "T": _Compiler.transpose,
    "batched_back_w": _Compiler.batched_back_w,
    "batched_back_x": _Compiler.batched_back_x,
    "batched_product": _Compiler.batched_product,
    "columns": _Compiler.columns,
    "erf": lambda self, x: self.by_function(erf, x.shape, x),
    "full": _Compiler.full,
    "join": _Compiler.join,
    "onehot": _Compiler.onehot,
    "pick": _Compiler.pick,
    "products_of_others": _Compiler.products_of_others,
    "repeat": _Compiler.repeat,
    "reshape": _Compiler.reshape,
    "rowmax": lambda self, x: self.extreme(np.maximum, x),
    "rowmin": lambda self, x: self.extreme(np.minimum, x),
    "rowprod": lambda self, x: self.extreme(np.multiply, x),
    "rowsum": _Compiler.rowsum,
    "scatter": _Compiler.scatter,
    "take": _Compiler.take,
    "total": _Compiler.total,
    "wide": _Compiler.wide,
}


def _mean_of(x: Array) -> Callable[[], float]:
    numbers = x.reshape(-1)
    share = np.full(len(numbers), 1 / len(numbers))
    return lambda: float(share.dot(numbers))


def _copy(out: Any, a: Any) -> list[tuple[Any, ...]]:
    return [(np.copyto, (out, a))]


def _store(out: Array, f: Callable[..., Array], arrays: tuple[Array, ...]) -> None:
    out[...] = f(*arrays).reshape(out.shape)


def _add_columns(out: Array, columns: Any, sums: Array) -> None:
    out[:, columns] += sums


def _assembled(lines: Sequence[tuple[Any, ...]]) -> Callable[[], None]:
    """One function that makes all the calls."""
    names: dict[str, Any] = {}

    def named(x: Any) -> str:
        name = f"x{len(names)}"
        names[name] = x
        return name

    known: dict[int, str] = {}
    text = ["def run():"]
    for f, arguments, *keywords in lines:
        written = [
            known.setdefault(id(x), named(x)) if id(x) not in known else known[id(x)]
            for x in (f, *arguments)
        ]
        options = [f"{key}={named(x)}" for key, x in (keywords[0] if keywords else {}).items()]
        text.append(f"    {written[0]}({', '.join([*written[1:], *options])})")
    if not lines:
        text.append("    pass")
    exec(compile("\n".join(text), "<kernel>", "exec"), names)  # noqa: S102
    run: Callable[[], None] = names["run"]
    return run
