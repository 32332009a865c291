"""Layout: in which array, and in which of its columns, each node of a graph stands.

Every array has two axes: an example per row (one row where the numbers are the same for all
examples) and a node per column. Parameters stand in blocks of one vector P, in the order in which
the program first needs them, so that a matrix is a view of it. An expression is `Expr` over these
arrays; besides the functions of a namespace it uses

    a @ b, T(a)           matrix product, transpose
    columns(a, s, e)      the columns s to e - 1           take(a, "I1")    columns by an index
    join(n, a, b, ...)    n columns, side by side          reshape(a, n)    n columns, more rows
    wide(a, n)            repeated to n columns            full(a, n)       and to a row per example
    repeat(a, k)          each column k times              total(a)         sum over the examples
    scatter(n, a, s, k, ...)  n columns of zeros; a is added to k of them, from s on or at index s
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize.tape import Row, Tape, all_flagged, has_flag

#: The vector of all parameters.
P: Final = "P"


@dataclass(frozen=True, slots=True)
class Variable:
    """An array of a program: (B, size) if batched, else (1, size); a matrix parameter has `matrix`.

    `cells` are the nodes of the graph that its columns stand for.
    """

    name: str
    role: str
    batched: bool
    size: int
    cells: tuple[int, ...] = ()
    matrix: tuple[int, int] | None = None
    start: int = 0


class Part(NamedTuple):
    """Some columns of an array (None for all), and at which places of an operand they stand."""

    array: str
    columns: tuple[int, ...] | None
    places: tuple[int, ...] | None
    mask: Any = None  # an array of constants: no column is read where one is below 0


class Operand(NamedTuple):
    """How an operation reads nodes: an expression, and the parts it is put together from.

    `repeated` if one node is read for each of `n` results.
    """

    expression: Any
    parts: tuple[Part, ...]
    n: int
    repeated: bool = False


class Equation(NamedTuple):
    """target = expression."""

    target: str
    expression: Any


@dataclass
class Layout:
    """The arrays of a program, and where each node stands in them; `blocks` of P by their start.

    Node i stands in `column[i]` of the array `array[i]`, which is None as long as it has no place.
    """

    tape: Tape
    variables: dict[str, Variable] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    blocks: dict[int, Variable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batched = self.tape.batched()
        self.given = {i for cells in self.tape.inputs for i in cells}
        self.parameters: list[int] = []
        self._new = self.tape.parameters[:]  # 1 for parameters that have no place yet
        self.array: list[str | None] = [None] * len(self.tape.names)
        self.column = [0] * len(self.tape.names)
        self._next: dict[str, int] = {}
        self._matrices: dict[tuple[Row, ...], Variable] = {}
        self._read: dict[tuple[int, ...], Operand] = {}
        self._index_names: dict[tuple[int, ...], str] = {}
        names = argument_names(len(self.tape.inputs))
        for name, cells in zip(names, self.tape.inputs, strict=True):
            self.place(Variable(name, "input", True, len(cells), tuple(cells)))
        if self.tape.samples:
            drawn = tuple(self.tape.samples)
            self.place(Variable("S", "sample", True, len(drawn), drawn))

    def place(self, variable: Variable) -> Expr:
        """Enter an array whose columns stand for its cells."""
        self.variables[variable.name] = variable
        for column, cell in enumerate(variable.cells):
            if cell >= 0:
                self.batched[cell] |= variable.batched
                if self.array[cell] is None:
                    self.array[cell], self.column[cell] = variable.name, column
        return expr.symbol(variable.name)

    def settle(self, cells: Sequence[int]) -> None:
        """Nodes made from batched arrays are batched, also from columns that are all the same."""
        for i in cells:
            self.batched[i] = self.tape.has_any(self.batched, i)

    def any_batched(self, *rows: Sequence[int]) -> bool:
        """Whether a node of these rows has a number per example."""
        return any(has_flag(self.batched, row) for row in rows)

    def fresh(self, letter: str, k: int = 1) -> str:
        """A name that no array has: the letter with the next number, from k on."""
        k = max(k, self._next.get(letter, 1))  # no name below is free
        while f"{letter}{k}" in self.variables:
            k += 1
        self._next[letter] = k
        return f"{letter}{k}"

    def block(self, rows: Sequence[Row], name: str, *, matrix: bool = False) -> Expr:
        """A block of the parameter vector for parameters that have no place yet, row by row."""
        start = len(self.parameters)
        for row in rows:
            columns = range(len(self.parameters), len(self.parameters) + len(row))
            if isinstance(row, range):
                place = slice(row.start, row.stop)
                self._new[place], self.array[place] = bytes(len(row)), [P] * len(row)
                self.column[place] = columns
            else:
                for cell, column in zip(row, columns, strict=True):
                    self._new[cell], self.array[cell], self.column[cell] = 0, P, column
            self.parameters += row
        cells, shape = tuple(self.parameters[start:]), (len(rows), len(rows[0]))
        variable = Variable(
            name, "parameter", False, len(cells), cells, shape if matrix else None, start
        )
        self.variables[name] = self.blocks[start] = variable
        if matrix:
            self._matrices[tuple(rows)] = variable
        return expr.symbol(name)

    def block_at(self, columns: Sequence[int]) -> Variable | None:
        """The block of parameters that these columns of P are."""
        block = self.blocks.get(columns[0])
        whole = block is not None and block.size == len(columns) and consecutive(columns)
        return block if whole else None

    def index(self, columns: Sequence[int]) -> str:
        """The name of an array of column numbers."""
        key = tuple(columns)
        name = self._index_names.setdefault(key, f"I{len(self._index_names) + 1}")
        self.variables.setdefault(name, Variable(name, "index", False, len(key), key))
        return name

    def read(self, cells: Sequence[int]) -> Operand:
        """The nodes as columns of one array; put together where they stand in several."""
        key = tuple(cells)
        if key not in self._read:
            self._read[key] = self._reading(key)
        return self._read[key]

    def _reading(self, cells: tuple[int, ...]) -> Operand:
        n, constants = len(cells), self.tape.constants
        if n > 1 and len(set(cells)) == 1:
            return self.read(cells[:1])._replace(n=n, repeated=True)
        if all(cell in constants for cell in cells):
            numbers = [constants[cell] for cell in cells]
            if all(repr(x) == repr(numbers[0]) for x in numbers):
                return Operand(numbers[0], (), n)
            name = self.fresh("C")
            return Operand(self.place(Variable(name, "constant", False, n, cells)), (), n)
        new = [c for c in dict.fromkeys(cells) if self._new[c]]
        if new:
            self.block([tuple(new)], self.fresh(self._letter(new)))
        places: dict[str, list[int]] = {}
        for place, cell in enumerate(cells):
            array = repr(constants[cell]) if cell in constants else self.array[cell] or ""
            places.setdefault(array, []).append(place)
        parts: list[Part] = []
        pieces: list[Any] = []
        for name, where in places.items():
            if cells[where[0]] in constants:
                pieces.append(expr.wide(constants[cells[where[0]]], len(where)))
                continue
            columns = [self.column[cells[place]] for place in where]
            whole = name != P and columns == list(range(self.variables[name].size))
            pieces.append(self.columns(name, columns))
            for start, stop in self._blocks(columns) if name == P else [(0, len(where))]:
                alone = stop - start == n
                part = None if whole else tuple(columns[start:stop])
                parts.append(Part(name, part, None if alone else tuple(where[start:stop])))
        if len(pieces) == 1:
            return Operand(self.named(pieces[0], cells), tuple(parts), n)
        joined = expr.join(n, *pieces)
        order = [place for where in places.values() for place in where]
        if order != list(range(n)):
            back = sorted(range(n), key=order.__getitem__)
            joined = expr.take(joined, self.index(back))
        return Operand(self.named(joined, cells), tuple(parts), n)

    def _blocks(self, columns: Sequence[int]) -> list[tuple[int, int]]:
        """Where columns of P are whole blocks, one after the other, their bounds; else of all."""
        bounds, start = [], 0
        while start < len(columns):
            block = self.blocks.get(columns[start])
            if block is None or not self.block_at(columns[start : start + block.size]):
                return [(0, len(columns))]
            bounds.append((start, start + block.size))
            start += block.size
        return bounds

    def columns(self, name: str, columns: Sequence[int]) -> Any:
        """Some columns of an array as an expression."""
        array, n = expr.symbol(name), len(columns)
        if name != P:
            whole = n == self.variables[name].size and columns[0] == 0 and consecutive(columns)
            return array if whole else self.picked(array, columns)
        if block := self.block_at(columns):
            named = expr.symbol(block.name)
            return expr.reshape(named, n) if block.matrix else named
        if not consecutive(columns) and len(bounds := self._blocks(columns)) > 1:
            return expr.join(n, *[self.columns(P, columns[a:b]) for a, b in bounds])
        return self.picked(array, columns)

    def picked(self, x: Any, columns: Sequence[int]) -> Any:
        """Some columns of an expression."""
        if consecutive(columns):
            return expr.columns(x, columns[0], columns[-1] + 1)
        return expr.take(x, self.index(columns))

    def are_new_parameters(self, *rows: Row) -> bool:
        """Whether the nodes are parameters without a place, each named once."""
        if not all(all_flagged(self._new, row) for row in rows):
            return False
        runs = sorted([(row.start, row.stop) for row in rows if isinstance(row, range)])
        if len(runs) == len(rows):
            return all(stop <= start for (_, stop), (start, _) in pairwise(runs))
        return len(set(chain(*rows))) == sum(map(len, rows))

    def in_place(self, cells: Sequence[int]) -> list[int]:
        """The order in which the nodes stand in their arrays; those without a place come last."""
        return sorted(
            range(len(cells)), key=lambda k: (self.array[cells[k]] or "~", self.column[cells[k]])
        )

    def sorted(self, cells: Sequence[int]) -> list[int]:
        """Results of one operation in the order in which its first operand stands in its array."""
        parents = [self.tape.parents[i] for i in cells]
        for operand in zip(*parents, strict=True):
            if len(set(operand)) > 1 and any(self.array[c] for c in operand):
                return [cells[k] for k in self.in_place(operand)]
        return list(cells)

    def matrix(self, rows: Sequence[Row]) -> tuple[Any, Operand | None]:
        """The nodes as a matrix, row by row, and how it was read where it is no block."""
        n, k = len(rows), len(rows[0])
        if block := self._matrices.get(tuple(rows)):
            return expr.symbol(block.name), None
        if self.are_new_parameters(*rows):
            return self.block(rows, self.fresh("W"), matrix=True), None
        cells = tuple(chain(*rows))
        for block in self.blocks.values():
            if block.matrix == (k, n):
                across = tuple([block.cells[j * n + i] for i in range(n) for j in range(k)])
                if across == cells:
                    return expr.T(expr.symbol(block.name)), None
        operand = self.read(cells)
        return expr.reshape(spread(operand), k), operand

    def named(self, expression: Any, cells: tuple[int, ...]) -> Any:
        """A gathered operand as an array with a name of its own."""
        if not isinstance(expression, Expr) or expression.op not in ("take", "join", "where"):
            return expression
        name = self.fresh("R")
        batched = self.any_batched(cells)
        self.variables[name] = Variable(name, "gathered", batched, len(cells), cells)
        self.equations.append(Equation(name, expression))
        return expr.symbol(name)

    def _letter(self, cells: Sequence[int]) -> str:
        """What parameters are called by their user, if all the same: `alpha` of `neuron1.alpha`."""
        full = [self.tape.names[c] or "" for c in cells]
        names = {name.rpartition(".")[2].partition("[")[0] for name in full}
        name = names.pop()
        taken = name.lower() in ("b", "i", "l", "g", "w") or name in ("np", "n", P, "P", "delta")
        return name if not names and name.isidentifier() and not taken else "p"


def consecutive(columns: Sequence[int]) -> bool:
    """Whether columns follow each other: 3, 4, 5."""
    return list(columns) == list(range(columns[0], columns[0] + len(columns)))


def spread(operand: Operand) -> Any:
    """The expression of an operand, repeated to `n` columns where it is one number for all."""
    narrow = operand.repeated or not isinstance(operand.expression, Expr)
    return expr.wide(operand.expression, operand.n) if narrow else operand.expression


def argument_names(n: int) -> list[str]:
    """X, Y, X3, X4, ...: what the arrays of the examples are called."""
    return ["X", "Y", *(f"X{k}" for k in range(3, n + 1))][:n]
