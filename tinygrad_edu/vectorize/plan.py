"""Plan: from a graph to its arrays, found once: sums are folded into dots, nodes regrouped."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from math import inf
from typing import Any, Final

import numpy as np

from tinygrad_edu.engine import primitives
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.gradient import Gradient, gradient_of
from tinygrad_edu.vectorize.layout import Layout
from tinygrad_edu.vectorize.regroup import regroup
from tinygrad_edu.vectorize.steps import Regrouped, Rows, reduction_of
from tinygrad_edu.vectorize.tape import DOT, Tape, as_row

#: How many plans are kept, the least recently used goes first.
MAX_PLANS: Final = 16

_ADD, _MULTIPLY, _SUM = (primitives[name] for name in ("add", "multiply", "sum"))
_SUMS: Final = (_ADD, _SUM)
#: So many terms that are added up one after the other are one `sum`.
_LONG: Final = 8

#: What fills up the rows of an operation, whose result stays the same.
_FILL: Final = {"sum": 0.0, **dict.fromkeys(("logsumexp", "log_softmax", "softmax"), -inf)}

_PLANS: OrderedDict[Any, "Plan"] = OrderedDict()


@dataclass
class Plan(Regrouped):
    """The arrays and equations of a graph, forward and `backward`.

    `tables` is where the machine keeps what it made of them, with and without the gradient.
    """

    tables: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def backward(self) -> Gradient:
        """The equations backward."""
        return gradient_of(self)

    @cached_property
    def rows(self) -> int:
        """So many rows at a time that their arrays fit the cache."""
        variables = self.layout.variables.values()
        widest = max(v.size for v in variables if v.role != "parameter")
        return max(128, min(2**18 // widest, 2048))

    @cached_property
    def classes(self) -> list[tuple[str, tuple[int, ...] | None, int]]:
        """Which numbers are class numbers: argument, columns (None for all), number of classes."""
        return [
            (part.array, part.columns, step.size)
            for step in self.steps
            if isinstance(step, Rows) and step.classes is not None
            for part in step.classes.parts
            if part.array in self.layout.variables
            and self.layout.variables[part.array].role == "input"
        ]

    def check_classes(self, arrays: dict[str, Array]) -> None:
        """Raise ValueError unless class numbers are whole numbers from 0 to n - 1."""
        for name, columns, n in self.classes:
            if name in arrays:
                t = arrays[name] if columns is None else arrays[name][:, list(columns)]
                wrong = t[(t != np.floor(t)) | (t < 0) | (t >= n)]
                if wrong.size:
                    raise ValueError(f"class {wrong[0]:g} is out of range 0..{n - 1}")


def plan_for(tape: Tape) -> Plan:
    """The plan of a graph, found again for a graph of the same structure."""
    key = tape.structure() if tape.is_of_package else None
    plan = _PLANS.pop(key, None)
    if plan is None:
        plan = Plan(tape, Layout(tape))
        regroup(plan)
    if key is not None:
        _PLANS[key] = plan
    while len(_PLANS) > MAX_PLANS:
        _PLANS.popitem(last=False)
    return plan


def fuse_dots(tape: Tape) -> Tape:
    """The same graph with its sums of at least two products as dots.

    w1*x1 + w2*x2 + b, in whatever order it was added up, is one `dot` node. Products and sums that
    something else uses, and products with a constant, stay as they are. Other long sums are one
    `sum` node; those of Python's `sum`, which starts from 0, are one or the other whatever their
    length. Equal constants are one node. What is not used any more is left as a leaf; nodes keep
    their numbers.
    """
    first = {repr(tape.constants[i]): i for i in sorted(tape.constants, reverse=True)}
    others = {i: first[repr(x)] for i, x in tape.constants.items() if first[repr(x)] != i}
    sums, gone = _sums_of_products(tape)
    if not sums and not others:
        return tape
    new = replace(tape, records={**tape.records}, parents={**tape.parents}, lines={**tape.lines})
    batched = tape.batched() if sums else bytearray()
    for i, terms in sums.items():
        products = [j for j in terms if j in gone]
        rest = tuple([j for j in terms if j not in gone and tape.constants.get(j) != 0])
        if products:
            pairs = [tape.parents[j] for j in products]
            turned = [(b, a) if batched[a] and not batched[b] else (a, b) for a, b in pairs]
            w, x = map(as_row, zip(*turned, strict=True))
            k = i if len(rest) <= 1 else max(products)  # after all their operands
            new.records[k], new.parents[k] = DOT, (w, x, as_row(rest) if k == i else ())
            new.lines[k] = tape.lines[i]
            gone.discard(k)
            rest = (k, *rest)
        if not products or k != i:
            new.records[i], new.parents[i] = _SUM, rest
    for j in gone:
        del new.records[j], new.parents[j], new.lines[j]
    if others:
        _exchange(new, others)
    return new


def _exchange(tape: Tape, others: dict[int, int]) -> None:
    """Put other nodes in the place of some leaves, wherever these are used."""

    def moved(row: Sequence[int]) -> tuple[int, ...]:
        return tuple([others.get(p, p) for p in row])

    flags = bytearray(len(tape.names))
    for i in others:
        flags[i] = True
    for i in tape.records:
        if tape.has_any(flags, i):
            rows = tape.parents[i]
            dot = tape.records[i] is DOT
            tape.parents[i] = tuple([as_row(moved(r)) for r in rows]) if dot else moved(rows)
    tape.results = [list(moved(row)) for row in tape.results]
    tape.guards = [
        g._replace(left=others.get(g.left, g.left), right=others.get(g.right, g.right))
        for g in tape.guards
    ]
    tape.constants = {i: x for i, x in tape.constants.items() if i not in others}


def _sums_of_products(tape: Tape) -> tuple[dict[int, list[int]], set[int]]:
    """The terms of each sum that becomes a dot or one sum, and the nodes that vanish in one."""
    sums: dict[int, list[int]] = {}
    gone: set[int] = set()
    tops = [i for i in reversed(tape.records) if tape.records[i] in _SUMS]
    uses = _uses(tape) if tops else Counter[int]()
    for i in tops:
        if i in gone:
            continue
        terms: list[int] = []
        inner: list[int] = []
        stack = list(reversed(tape.parents[i]))
        while stack:
            j = stack.pop()
            if uses[j] == 1 and tape.records.get(j) in _SUMS:
                inner.append(j)
                stack.extend(reversed(tape.parents[j]))
            else:
                terms.append(j)
        products = [
            j
            for j in terms
            if uses[j] == 1
            and tape.records.get(j) is _MULTIPLY
            and not any(p in tape.constants for p in tape.parents[j])
        ]
        zeros = [j for j in terms if tape.constants.get(j) == 0]  # where Python's `sum` starts
        of_sum = 0 < len(zeros) < len(terms)
        as_dot = len(products) >= (1 if of_sum else 2)
        if as_dot or of_sum or (inner and len(terms) >= _LONG):
            sums[i] = terms
            gone.update(inner, products if as_dot else ())
    return sums, gone


def _uses(tape: Tape) -> Counter[int]:
    """How often nodes are used, by units that share a row once."""
    uses = Counter(chain(*tape.results))
    uses.update(side for guard in tape.guards for side in (guard.left, guard.right))
    rows = {}
    for i in tape.records:
        if tape.records[i] is DOT:
            rows.update({id(row): row for row in tape.parents[i]})
        else:
            uses.update(tape.parents[i])
    uses.update(chain(*rows.values()))
    return uses


def even_rows(tape: Tape) -> Tape:
    """The same graph with short rows filled up, as those that read the places before theirs have.

    Where this less than doubles them, the rows of a depth get the length of the longest: those of
    softmaxes and sums get constants that add nothing. A dot with the beginning of a longer row gets
    the rest of it, times 0.
    """
    names = {i: r.name for i, r in tape.records.items() if r.name in _FILL and reduction_of(r)}
    if len({(name, len(tape.parents[i])) for i, name in names.items()}) == len({*names.values()}):
        return tape
    batched = tape.batched()
    new = replace(
        tape, records={}, parents={**tape.parents}, lines={**tape.lines}, names=[*tape.names],
        parameters=tape.parameters[:], constants={**tape.constants},
    )  # fmt: skip
    filling = {x: new.add_leaves(1)[0] for x in (0.0, -inf)}
    new.constants |= {i: x for x, i in filling.items()}
    for level in tape.levels():
        new.records.update({i: tape.records[i] for i in level})
        groups: dict[str, list[int]] = {}
        for i in level:
            if batched[i] and (i in names or (tape.records[i] is DOT and not tape.parents[i][2])):
                groups.setdefault(tape.records[i].name, []).append(i)
        for name, cells in groups.items():
            rows = {i: tape.parents[i][0] if name == "dot" else tape.parents[i] for i in cells}
            n, total = max(map(len, rows.values())), sum(map(len, rows.values()))
            if not total < n * len(rows) <= 2 * total:
                continue
            if name == "dot":
                _fill_dots(new, cells, n, filling[0.0])
                continue
            for i, row in rows.items():
                new.parents[i] = (*row, *[filling[_FILL[name]]] * (n - len(row)))
    return new


def _fill_dots(tape: Tape, cells: list[int], n: int, zero: int) -> None:
    """Give short dots the length n where one of their rows is the beginning of a longer one."""
    rows = {row for i in cells for row in tape.parents[i][:2]}
    lengths = {len(row) for row in rows}
    longer = {tuple(row[:t]): row for row in rows if len(row) == n for t in lengths if t < n}
    for i in cells:
        w, x, b = tape.parents[i]
        for one, other in ((w, x), (x, w)):
            whole = longer.get(tuple(one))
            if whole is not None:
                full = as_row((*other, *[zero] * (n - len(w))))
                tape.parents[i] = (whole, full, b) if one is w else (full, whole, b)
                break
