"""record: the forward pass, the chain rule and an update, replayed as a list of frames."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from math import ceil
from typing import Any, Final, NamedTuple, TypeVar

from tinygrad_edu import expr
from tinygrad_edu.calculus import convention
from tinygrad_edu.checks import number
from tinygrad_edu.engine import Primitive, Value, gradients, toposort
from tinygrad_edu.namespace import UNREACHED, floats
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.naming import Names, names_of
from tinygrad_edu.view.base.numbers import FEW, Numbers, first_few
from tinygrad_edu.view.base.operations import placeholders, symbol
from tinygrad_edu.view.explain.chain import Writer
from tinygrad_edu.view.explain.formulas import UNWRITABLE
from tinygrad_edu.view.explain.notation import (
    Both,
    derivative,
    letter,
    name,
    with_numbers,
    written,
)
from tinygrad_edu.view.explain.notation import number as in_product

T = TypeVar("T")

#: A formula in a sentence has at most so many characters.
_LONGEST: Final = 60


class Change(NamedTuple):
    """A number that a frame sets: that of a value, in its row "data" or "grad"."""

    value: Value
    row: str
    number: float


class Frame(NamedTuple):
    """One step.

    phase      "start", "forward", "backward" or "update"
    sentences  what happens; of many operations the first few, and how many more
    question   the same without the new gradient, "" where there is nothing to guess
    flows      (parent, result) of each operation that takes part
    changes    the numbers that are new
    """

    phase: str
    sentences: tuple[str, ...]
    question: str = ""
    flows: tuple[tuple[Value, Value], ...] = ()
    changes: tuple[Change, ...] = ()


class Recording(NamedTuple):
    """A backward pass as data: the values, parents first, their names, and the frames.

    `start` has the numbers of the leaves, `caption` says what one frame is, "" for a single step.
    """

    order: list[Value]
    names: Names
    start: tuple[Change, ...]
    frames: list[Frame]
    caption: str


def record(
    v: Value,
    *,
    optimizer: Optimizer | None = None,
    names: Names | None = None,
    max_steps: int = 300,
) -> Recording:
    """What happens from the leaves to `v`, from `v` back to the leaves, and to the parameters.

    The numbers are those of the forward pass as it was run; gradients start from 0. No data, no
    gradient and no state of the optimizer is changed. A step is one operand of one operation; if
    there were more than `max_steps` (at least 5), one unit, one layer, or several layers.
    Nothing is said of what flows to constants. Values are called as in `names`.
    """
    return _Recorder(v, optimizer, names).recording(max_steps)


class _Recorder:
    """The passes of one graph, computed once; then told in steps of a chosen size.

    An operand is a result and the number of one of its parents.
    """

    def __init__(self, v: Value, optimizer: Optimizer | None, names: Names | None) -> None:
        self.order = toposort(v, leaves=True)
        self.inner = [x for x in self.order if x.op is not None]
        self.names = names or names_of(self.order)
        self.root, self.write = self.names[v], Writer(self.names)
        self.optimizer = optimizer
        self.numbers = Numbers(self.order)
        self.grads = gradients(v)
        self.slopes = {x: x.slopes() for x in self.inner}
        self.updated = self._update()

    def _update(self) -> dict[Value, float]:
        """The new number of each parameter of the optimizer that is in the graph."""
        optimizer, new = self.optimizer, {}
        for k, p in enumerate(optimizer.parameters if optimizer is not None else ()):
            if p in self.names and optimizer is not None:
                state, t = optimizer.states[k], optimizer.steps + 1
                x, _ = optimizer.update(floats, self.grads[p], p.data, optimizer.lr, t, state)
                new[p] = number(x, f"the update of {self.names[p]}")
        return new

    def recording(self, max_steps: int) -> Recording:
        single = [[v] for v in self.inner]
        operands = [[operand] for operand in _operands(reversed(self.inner))]
        total = 2 + len(single) + len(operands) + len(self.updated)
        notes = self.numbers.changes(self.names)
        if total <= max_steps:
            frames = self._frames(single, operands, [[p] for p in self.updated])
        else:
            for step, groups in self._groupings(max_steps):
                what, updates = step, self._updates(groups)
                if 2 + 2 * len(groups) + len(updates) <= max_steps:
                    break
            backward = [list(_operands(reversed(group))) for group in reversed(groups)]
            frames = self._frames(groups, list(filter(None, backward)), updates)
            notes.insert(0, f"{what}, since {total:,} single steps are more than {max_steps}")
        leaves = [v for v in self.order if v.op is None]
        start = tuple([Change(v, "data", self.numbers.data[v]) for v in leaves])
        return Recording(self.order, self.names, start, frames, "; ".join(notes))

    def _groupings(self, max_steps: int) -> Iterator[tuple[str, list[list[Value]]]]:
        """Results together in one step: by unit, by layer, by several layers."""
        users = Counter(p for v in self.inner for p in set(v.parents))
        units: dict[Value, list[Value]] = {}
        for v in self.inner:
            z = v.parents[0]
            alone = len(v.parents) == 1 and users[z] == 1 and len(z.parents) > 2
            units[v] = [*units.pop(z), v] if alone else [v]
        yield "each step is a unit (an operation, with its activation)", list(units.values())
        depth = dict.fromkeys(self.order, 0)
        for v in self.inner:
            depth[v] = 1 + max(depth[p] for p in v.parents)
        layers = _grouped(self.inner, depth.__getitem__)
        yield "each step is a layer (operations equally far from the inputs)", layers
        n = ceil(len(layers) / ((max_steps - 2) // 3))
        many = [list(chain(*layers[k : k + n])) for k in range(0, len(layers), n)]
        yield f"each step is {n:,} layers (operations nearly equally far from the inputs)", many

    def _updates(self, groups: Sequence[Sequence[Value]]) -> list[list[Value]]:
        """The updated parameters together as the operations that use them first."""
        first: dict[Value, int] = {}
        for k, group in enumerate(groups):
            for v in group:
                for p in v.parents:
                    first.setdefault(p, k)
        return _grouped(self.updated, lambda p: first.get(p, 0))

    def _frames(
        self,
        forward: Iterable[Sequence[Value]],
        backward: Sequence[Sequence[tuple[Value, int]]],
        updates: Iterable[Sequence[Value]],
    ) -> list[Frame]:
        root = self.root
        seed = f"{derivative(root, root).text} = 1: the derivative of {root} with respect to itself"
        kinds = sorted(Counter(v.kind for v in self.order if v.op is None).items())
        given = ", ".join(f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in kinds)
        return [
            Frame("start", (f"given: {given}",)),
            *map(self._forward, forward),
            Frame("backward", (seed,), changes=(Change(self.order[-1], "grad", 1.0),)),
            *self._backward(backward),
            *map(self._updated, updates),
        ]

    def _forward(self, group: Sequence[Value]) -> Frame:
        equations = (_say_forward(self.write, v) for v in group)
        changes = [Change(v, "data", self.numbers.data[v]) for v in group]
        flows = dict.fromkeys((p, v) for v in group for p in v.parents)
        return Frame(
            "forward", tuple(first_few(equations, len(group))), "", tuple(flows), tuple(changes)
        )

    def _backward(self, groups: Sequence[Sequence[tuple[Value, int]]]) -> Iterator[Frame]:
        """Each sum grows as in the order of the frames, and ends as the number of the engine."""
        sums: dict[Value, float] = {}
        open_ = Counter(v.parents[k] for group in groups for v, k in group)
        for group in groups:
            equations: list[str] = []
            for v, k in group:
                p, g, slope = v.parents[k], self.grads[v], self.slopes[v][k]
                before = sums.get(p)
                open_[p] -= 1
                after = (UNREACHED if before is None else before) + g * slope
                sums[p] = after if open_[p] else self.grads[p]
                if len(equations) < FEW:
                    letters = _say_backward(self.write, v, k, self.root)
                    factors = [in_product(x, first=False).text for x in (slope, g)]
                    product = f"{' * '.join(factors)} = {short(slope * g)}"
                    known = "" if before is None else f"; {short(before)} before, now "
                    question = f"{letters}{known or ' = '}?"
                    equations.append(f"{letters} = {product}{known and known + short(sums[p])}")
            touched = dict.fromkeys(v.parents[k] for v, k in group)
            if len(group) > 1:
                asked = [derivative(self.root, self.names[p]).text for p in touched]
                question = f"{', '.join(first_few(asked, len(asked)))} = ?"
            kinks = [convention(v, self.names) for v in dict.fromkeys(v for v, _ in group)]
            yield Frame(
                "backward",
                (*first_few(equations, len(group)), *list(filter(None, kinks))[:FEW]),
                question,
                tuple(dict.fromkeys((v.parents[k], v) for v, k in group)),
                tuple([Change(p, "grad", sums[p]) for p in touched]),
            )

    def _updated(self, group: Sequence[Value]) -> Frame:
        optimizer: Any = self.optimizer  # without one nothing is updated
        equations = (
            _say_update(optimizer, p, self.names[p], self.root, self.grads[p], self.updated[p])
            for p in group
        )
        changes = tuple([Change(p, "data", self.updated[p]) for p in group])
        return Frame("update", tuple(first_few(equations, len(group))), changes=changes)


def _operands(results: Iterable[Value]) -> Iterator[tuple[Value, int]]:
    """The operands of results to which a gradient flows."""
    for v in results:
        yield from ((v, k) for k, p in enumerate(v.parents) if p.kind != "constant")


def _grouped(values: Iterable[T], key: Callable[[T], int]) -> list[list[T]]:
    """The values with equal keys together, by these keys."""
    return [list(group) for _, group in groupby(sorted(values, key=key), key=key)]


def _say_forward(write: Writer, v: Value) -> str:
    """`c = a * b = 2 * (-3) = -6` for the operation that made `v`."""
    called, *formula, y = [side.text for side in write.value(v).sides]
    shares = [f"; {' = '.join(side.text for side in line.sides)}" for line in write.shares(v)]
    fitting = [part for part in formula if len(part) <= _LONGEST]
    return " = ".join(dict.fromkeys([called, *fitting, y])) + "".join(shares)


def _say_backward(write: Writer, v: Value, i: int, root: str) -> str:
    """`tanh: dL/dz += (1 - a**2) * dL/da` for operand i of `v`."""
    op: Primitive = v.op  # type: ignore[assignment]
    by, gradient = (derivative(root, write.labels[u]) for u in (v.parents[i], v))
    sign = symbol(op, len(v.parents), placeholders(v, write.labels))
    return f"{sign}: {by.text} += {write.handed(v, i, gradient)}"


def _say_update(optimizer: Optimizer, p: Value, label: str, root: str, g: float, new: float) -> str:
    """`SGD: w = w - lr * dL/dw = 2 - 0.1 * 3 = 1.7` for a parameter."""
    t, state = optimizer.steps + 1, optimizer.states[optimizer.parameters.index(p)]
    gradient, kind = derivative(root, label), clean(type(optimizer).__name__)
    names = [gradient, name(label), Both("lr", "")]
    numbers = [in_product(u, first=False) for u in (g, p.data, optimizer.lr)]
    slope, x, lr = list[Any](map(letter, range(3)))
    try:
        formula, _ = optimizer.update(expr, slope, x, lr, t, state)
        sides = [
            written(formula, names).text,
            *(side.text for side in with_numbers(formula, numbers)),
        ]
    except UNWRITABLE:
        sides = []
    if sides and all(s is None for s in state) and max(map(len, sides)) <= _LONGEST:
        return f"{kind}: {label} = {' = '.join(sides)} = {short(new)}"
    known = f"with {gradient.text} = {short(g)} and lr = {short(optimizer.lr)}"
    return f"{kind}: {label} from {short(p.data)} to {short(new)}, {known}"
