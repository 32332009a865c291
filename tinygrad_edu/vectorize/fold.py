"""Folding: sums of products that were written in single operations become dots.

w1*x1 + w2*x2 + b, in whatever order it was added up, is one `dot` node. Products and sums that
something else uses, and products with a constant, stay as they are.
"""

from collections import Counter
from typing import Final

from tinygrad_edu.engine import primitives
from tinygrad_edu.vectorize.tape import Tape

_ADD, _MULTIPLY, _SUM, _DOT = (primitives[name] for name in ("add", "multiply", "sum", "dot"))
_SUMS: Final = (_ADD, _SUM)


def fold(tape: Tape) -> Tape:
    """The same graph with its sums of at least two products as dots.

    Nodes are numbered anew, equal constants are one node; parameters stay in their order.
    """
    uses = Counter(p for parents in tape.parents for p in parents)
    uses.update(i for nodes in tape.results for i in nodes)
    uses.update(side for guard in tape.guards for side in (guard.left, guard.right))
    sums, gone = _sums_of_products(tape, uses)
    same = {repr(tape.constants[i]): i for i in sorted(tape.constants, reverse=True)}
    if not sums and len(same) == len(tape.constants):
        return tape
    batched = tape.batched()
    new = Tape(shapes=tape.shapes)
    moved: dict[int, int] = {}
    for i, (record, parents, line) in enumerate(
        zip(tape.records, tape.parents, tape.lines, strict=True)
    ):
        if i in sums:
            products = [tape.parents[j] for j in sums[i] if j in gone]
            pairs = [(b, a) if batched[a] and not batched[b] else (a, b) for a, b in products]
            w, x = zip(*pairs, strict=True)
            others = [moved[j] for j in sums[i] if j not in gone]
            dot = tuple([moved[j] for j in (*w, *x)])
            if len(others) <= 1:
                moved[i] = new.add(_DOT, (*dot, *others), line)
            else:
                moved[i] = new.add(_SUM, (new.add(_DOT, dot, line), *others), line)
        elif i in tape.constants and (first := same[repr(tape.constants[i])]) != i:
            moved[i] = moved[first]
        elif i not in gone:
            moved[i] = new.add(record, tuple([moved[p] for p in parents]), line)
    new.inputs = [[moved[i] for i in row] for row in tape.inputs]
    new.parameters = {moved[i]: v for i, v in tape.parameters.items()}
    new.constants = {moved[i]: x for i, x in tape.constants.items()}
    new.samples = [moved.get(i, -1) for i in tape.samples]
    new.guards = [g._replace(left=moved[g.left], right=moved[g.right]) for g in tape.guards]
    new.results = [[moved[i] for i in nodes] for nodes in tape.results]
    return new


def _sums_of_products(tape: Tape, uses: Counter[int]) -> tuple[dict[int, list[int]], set[int]]:
    """The terms of each sum that becomes a dot, and the products and sums that vanish in one."""
    found: dict[int, list[int]] = {}
    gone: set[int] = set()
    for i in range(len(tape.records) - 1, -1, -1):
        if tape.records[i] not in _SUMS or i in gone:
            continue
        terms: list[int] = []
        inner: list[int] = []
        stack = list(reversed(tape.parents[i]))
        while stack:
            j = stack.pop()
            if uses[j] == 1 and tape.records[j] in _SUMS:
                inner.append(j)
                stack.extend(reversed(tape.parents[j]))
            else:
                terms.append(j)
        products = [
            j
            for j in terms
            if uses[j] == 1
            and tape.records[j] is _MULTIPLY
            and not any(p in tape.constants for p in tape.parents[j])
        ]
        if len(products) >= 2:
            found[i] = terms
            gone.update(inner, products)
    return found, gone
