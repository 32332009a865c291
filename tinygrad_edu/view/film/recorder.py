"""record: the forward pass, the chain rule and an update, replayed as a list of frames."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from math import ceil
from typing import Any, NamedTuple, TypeVar

from tinygrad_edu.calculus import convention
from tinygrad_edu.checks import number as checked
from tinygrad_edu.engine import Value, gradients, toposort
from tinygrad_edu.namespace import UNREACHED, floats
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.base.naming import Names, names_of
from tinygrad_edu.view.base.numbers import FEW, Numbers, first_few
from tinygrad_edu.view.base.operations import placeholders, symbol
from tinygrad_edu.view.explain.notation import number, product
from tinygrad_edu.view.film.sentences import Teller, place_of

T = TypeVar("T")


class Change(NamedTuple):
    """A number that a frame sets: that of a value, in its row "data" or "grad"."""

    value: Value
    row: str
    number: float


class Frame(NamedTuple):
    """One step.

    phase      "start", "forward", "backward" or "update"
    where      what is computed, and from what, in words
    sentences  the formulas; of many operations the first few, and how many more
    question   the same without the new gradient, "" where there is nothing to guess
    flows      (parent, result) of each operation that takes part
    changes    the numbers that are new
    unit       the net input of the unit that all of them belong to, if they do
    """

    phase: str
    where: str
    sentences: tuple[str, ...]
    question: str = ""
    flows: tuple[tuple[Value, Value], ...] = ()
    changes: tuple[Change, ...] = ()
    unit: Value | None = None


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
    by_unit: bool = False,
) -> Recording:
    """What happens from the leaves to `v`, from `v` back to the leaves, and to the parameters.

    The numbers are those of the forward pass as it was run; gradients start from 0. No data, no
    gradient and no state of the optimizer is changed. A step is one operand of one operation, or a
    unit; if there were more than `max_steps` (at least 5), one unit, one layer, or several layers.
    Nothing is said of what flows to constants. Values are called as in `names`.
    """
    film = _Recorder(v, optimizer, names)
    groups, notes = [[x] for x in film.inner], film.numbers.changes(film.names)
    backward = [[operand] for operand in _operands(reversed(film.inner))]
    updates = [[p] for p in film.updated]
    total = 2 + len(groups) + len(backward) + len(updates)
    if total > max_steps or by_unit:
        for what, groups in film.groupings(max_steps):  # noqa: B007
            updates = film.updates(groups)
            if 2 + 2 * len(groups) + len(updates) <= max_steps:
                break
        back = (list(_operands(reversed(group))) for group in reversed(groups))
        backward = list(filter(None, back))
        if total > max_steps:
            notes.insert(0, f"{what}, since {total:,} single steps are more than {max_steps}")
    start = [Change(x, "data", film.numbers.data[x]) for x in film.order if x.op is None]
    frames = film.frames(groups, backward, updates)
    return Recording(film.order, film.names, tuple(start), frames, "; ".join(notes))


class _Recorder:
    """The passes of one graph, computed once; then told in steps of a chosen size.

    An operand is a result and the number of one of its parents.
    """

    def __init__(self, v: Value, optimizer: Any, names: Names | None) -> None:
        self.order = toposort(v, leaves=True)
        self.inner = [x for x in self.order if x.op is not None]
        self.names = names or names_of(self.order)
        self.numbers, self.grads = Numbers(self.order), gradients(v)
        self.tell = Teller(self.order, self.names, self.grads)
        self.slopes = {x: x.slopes() for x in self.inner}
        self.optimizer = optimizer  # without one nothing is updated
        #: The new number of each parameter of the optimizer that is in the graph.
        self.updated: dict[Value, float] = {}
        for k, p in enumerate(optimizer.parameters if optimizer else ()):
            if p in self.names:
                state, t = optimizer.states[k], optimizer.steps + 1
                x, _ = optimizer.update(floats, self.grads[p], p.data, optimizer.lr, t, state)
                self.updated[p] = checked(x, f"the update of {self.names[p]}")
        #: The unit of each net input and activation, but for activations of a whole layer.
        self.units = {
            v: u
            for u in self.names.units.units
            for v in (u.z, u.a)
            if {*u.a.parents} <= {u.z, *u.parameters} or u.a is u.z
        }

    def groupings(self, max_steps: int) -> Iterator[tuple[str, list[list[Value]]]]:
        """Results together in one step: by unit, by layer, by several layers."""
        units: dict[Value, list[Value]] = {}
        for v in self.inner:
            u = self.units.get(v)
            units[v] = [*units.pop(u.z), v] if u and u.a is v and u.z in units else [v]
        yield "each step is a unit (an operation, with its activation)", list(units.values())
        depth = dict.fromkeys(self.order, 0)
        for v in self.inner:
            depth[v] = 1 + max(depth[p] for p in v.parents)
        layers = _grouped(self.inner, depth.__getitem__)
        yield "each step is a layer (operations equally far from the inputs)", layers
        n = ceil(len(layers) / ((max_steps - 2) // 3))
        many = [list(chain(*layers[k : k + n])) for k in range(0, len(layers), n)]
        yield f"each step is {n:,} layers (operations nearly equally far from the inputs)", many

    def updates(self, groups: Sequence[Sequence[Value]]) -> list[list[Value]]:
        """The updated parameters together as the operations that use them first."""
        uses = ((p, k) for k, group in enumerate(groups) for v in group for p in v.parents)
        first = dict(reversed([*uses]))
        return _grouped(self.updated, lambda p: first.get(p, 0))

    def frames(
        self,
        forward: Iterable[Sequence[Value]],
        backward: Sequence[Sequence[tuple[Value, int]]],
        updates: Iterable[Sequence[Value]],
    ) -> list[Frame]:
        """All frames, a step for each of these groups."""
        kinds = sorted(Counter(v.kind for v in self.order if v.op is None).items())
        given = ", ".join(f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in kinds)
        root = self.order[-1]
        seed = f"{self.names[root]}: its derivative with respect to itself"
        one = (f"{self.tell.by(root)} = 1",)
        return [
            Frame("start", f"given: {given}", ()),
            *map(self._forward, forward),
            Frame("backward", seed, one, changes=(Change(root, "grad", 1.0),)),
            *self._backward(backward),
            *map(self._updated, updates),
        ]

    def _forward(self, group: Sequence[Value]) -> Frame:
        changes = [Change(v, "data", self.numbers.data[v]) for v in group]
        flows = dict.fromkeys((p, v) for v in group for p in v.parents if p not in group)
        u = self._unit(group)
        z = None if u is None else u.z
        if u:
            where = f"{place_of(u)}: the weighted sum of what comes in"
            where += f", then {u.activation}" * (u.a is not u.z)
        else:
            made = (f"{self.names[v]} by {self._sign(v)}" for v in group)
            where = ", ".join(first_few(made, len(group)))
        said = tuple(first_few(map(self.tell.forward, group), len(group)))
        return Frame("forward", where, said, "", tuple(flows), tuple(changes), z)

    def _backward(self, groups: Sequence[Sequence[tuple[Value, int]]]) -> Iterator[Frame]:
        """Each sum grows as in the order of the frames, and ends as the number of the engine."""
        sums: dict[Value, float] = {}
        open_ = Counter(v.parents[k] for group in groups for v, k in group)
        units = [self._unit([*dict.fromkeys(v for v, _ in group)]) for group in groups]
        #: The deltas of units without an activation come with their unit, not with what it feeds.
        held = {u.z for u in units if u and u.a is u.z} if len(units) < len(open_) else set()
        for group, u in zip(groups, units, strict=True):
            said: list[str] = []
            for v, k in group:
                p, g, slope = v.parents[k], self.grads[v], self.slopes[v][k]
                before = sums.get(p)
                open_[p] -= 1
                after = (UNREACHED if before is None else before) + g * slope
                sums[p] = after if open_[p] else self.grads[p]
                if len(said) < FEW:
                    letters = self.tell.backward(v, k)
                    factors = product([number(x, first=False) for x in (slope, g)]).text
                    known = "" if before is None else f"; {short(before)} before, now "
                    question = f"{letters}{known or ' = '}?"
                    result = f"{short(slope * g)}{known and known + short(sums[p])}"
                    said.append(f"{letters} = {factors} = {result}")
            made = [*dict.fromkeys(v for v, _ in group)]
            touched = dict.fromkeys(v.parents[k] for v, k in group)
            flows = dict.fromkeys((v.parents[k], v) for v, k in group)
            if len(group) > 1 and u:
                where, letters, numbers = self.tell.delta(u)
                more, question = first_few(self.tell.gradients(u), len(u.w)), f"{letters} = ?"
                said = [f"{letters} = {numbers}", *more]
                weights = [(w, d.z) for d, w in self.tell.fed[u.a]]
                flows = dict.fromkeys([*weights, *((u.a, v) for v in self.tell.users[u.a])])
            else:
                signs = ", ".join(dict.fromkeys(map(self._sign, made[:FEW])))
                where = f"back through {signs}, by the chain rule"
                said = first_few(said, len(group))
                if len(group) > 1:
                    asked = first_few(map(self.tell.by, touched), len(touched))
                    question = f"{', '.join(asked)} = ?"
                elif before is not None:
                    where += ", added"
            changes = [Change(p, "grad", sums[p]) for p in touched if p not in held]
            if u and u.z in held:
                changes.append(Change(u.z, "grad", self.grads[u.z]))
            kinks = list(filter(None, (convention(v, self.names) for v in made)))[:FEW]
            of_unit = u.z if u and len(group) > 1 else None
            yield Frame(
                "backward", where, (*said, *kinks), question, tuple(flows), tuple(changes), of_unit
            )

    def _updated(self, group: Sequence[Value]) -> Frame:
        equations = (self.tell.update(self.optimizer, p, self.updated[p]) for p in group)
        changes = tuple([Change(p, "data", self.updated[p]) for p in group])
        where = f"{clean(type(self.optimizer).__name__)}: against the gradient"
        return Frame("update", where, tuple(first_few(equations, len(group))), changes=changes)

    def _unit(self, made: Sequence[Value]) -> Unit | None:
        """The unit that these results are, if they are all of one."""
        u = self.units.get(made[0])
        return u if u is not None and {*made} == {u.z, u.a} else None

    def _sign(self, v: Value) -> str:
        op: Any = v.op
        return symbol(op, len(v.parents), placeholders(v, self.names))


def _operands(results: Iterable[Value]) -> Iterator[tuple[Value, int]]:
    """The operands of results to which a gradient flows."""
    for v in results:
        yield from ((v, k) for k, p in enumerate(v.parents) if p.kind != "constant")


def _grouped(values: Iterable[T], key: Callable[[T], int]) -> list[list[T]]:
    """The values with equal keys together, by these keys."""
    return [list(group) for _, group in groupby(sorted(values, key=key), key=key)]
