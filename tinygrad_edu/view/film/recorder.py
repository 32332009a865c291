"""record: the forward pass, the chain rule and an update, replayed as a list of frames."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from math import ceil
from typing import Final, NamedTuple

from tinygrad_edu import namespace as floats
from tinygrad_edu.checks import number
from tinygrad_edu.engine import Value, gradients, toposort
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.view.base.naming import Names, names_of
from tinygrad_edu.view.base.numbers import Numbers
from tinygrad_edu.view.film import sentences

_SAID: Final = 5


class Change(NamedTuple):
    """A number that a frame sets: that of value `node`, in its row "data" or "grad"."""

    node: int
    row: str
    number: float


class Frame(NamedTuple):
    """One step. Values are told by their position in the order of the recording.

    phase      "start", "forward", "backward" or "update"
    sentences  what happens; of many operations the first few, and how many more
    question   the same without the new gradient, "" where there is nothing to guess
    flows      (parent, result) of each operation that takes part
    changes    the numbers that are new
    """

    phase: str
    sentences: tuple[str, ...]
    question: str
    flows: tuple[tuple[int, int], ...]
    changes: tuple[Change, ...]


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
    """The passes of one graph, computed once; then told in steps of a chosen size."""

    def __init__(self, v: Value, optimizer: Optimizer | None, names: Names | None) -> None:
        self.order = toposort(v, leaves=True)
        self.position = {x: i for i, x in enumerate(self.order)}
        self.of_value = names or names_of(self.order)
        self.names = [self.of_value[x] for x in self.order]
        self.parents = [[self.position[p] for p in x.parents] for x in self.order]
        self.inner = [i for i, x in enumerate(self.order) if x.op is not None]
        self.optimizer = optimizer
        self.numbers = Numbers(self.order)
        grads = gradients(v)
        self.grads = [grads[x] for x in self.order]
        self.slopes = {i: self.order[i].slopes() for i in self.inner}
        self.updated = self._update()

    def _update(self) -> dict[int, float]:
        """Position -> new number, of each parameter of the optimizer that is in the graph."""
        optimizer, new = self.optimizer, {}
        for k, p in enumerate(optimizer.parameters if optimizer is not None else ()):
            if p in self.position and optimizer is not None:
                g = self.grads[self.position[p]]
                state, t = optimizer.states[k], optimizer.steps + 1
                x, _ = optimizer.update(floats, g, p.data, optimizer.lr, t, state)
                new[self.position[p]] = number(x, f"the update of {self.names[self.position[p]]}")
        return new

    def recording(self, max_steps: int) -> Recording:
        single = [[i] for i in self.inner]
        operands = [[(i, k)] for i in reversed(self.inner) for k in self._told(i)]
        total = 2 + len(single) + len(operands) + len(self.updated)
        if total <= max_steps:
            frames = self._frames(single, operands, [[p] for p in self.updated])
            return self._recording(frames, [])
        for step, groups in self._groupings(max_steps):
            what, updates = step, self._updates(groups)
            if 2 + 2 * len(groups) + len(updates) <= max_steps:
                break
        backward = [[(i, k) for i in reversed(g) for k in self._told(i)] for g in reversed(groups)]
        frames = self._frames(groups, [group for group in backward if group], updates)
        caption = f"{what}, since {total:,} single steps are more than {max_steps}"
        return self._recording(frames, [caption])

    def _recording(self, frames: list[Frame], notes: list[str]) -> Recording:
        notes += self.numbers.changes(self.of_value)
        return Recording(self.order, self.of_value, self._start(), frames, "; ".join(notes))

    def _told(self, i: int) -> list[int]:
        """The operands of a result, by number, to which a gradient flows."""
        parents = self.parents[i]
        return [k for k, p in enumerate(parents) if self.order[p].kind != "constant"]

    def _groupings(self, max_steps: int) -> Iterator[tuple[str, list[list[int]]]]:
        """Results together in one step: by unit, by layer, by several layers."""
        users = Counter(p for i in self.inner for p in set(self.parents[i]))
        units: dict[int, list[int]] = {}
        for i in self.inner:
            z = self.parents[i][0]
            alone = len(self.parents[i]) == 1 and users[z] == 1 and len(self.parents[z]) > 2
            units[i] = [*units.pop(z), i] if alone else [i]
        yield "each step is a unit (an operation, with its activation)", list(units.values())
        depth = [0] * len(self.order)
        for i in self.inner:
            depth[i] = 1 + max(depth[p] for p in self.parents[i])
        ordered = groupby(sorted(self.inner, key=depth.__getitem__), key=depth.__getitem__)
        layers = [list(group) for _, group in ordered]
        yield "each step is a layer (operations equally far from the inputs)", layers
        n = ceil(len(layers) / ((max_steps - 2) // 3))
        many = [list(chain(*layers[k : k + n])) for k in range(0, len(layers), n)]
        yield f"each step is {n:,} layers (operations nearly equally far from the inputs)", many

    def _updates(self, groups: list[list[int]]) -> list[list[int]]:
        """The updated parameters together as the operations that use them first."""
        group_of = {i: k for k, group in enumerate(groups) for i in group}
        first: dict[int, int] = {}
        for i in self.inner:
            for p in self.parents[i]:
                first[p] = min(first.get(p, len(groups)), group_of[i])
        updated = sorted(self.updated, key=lambda p: first.get(p, 0))
        return [list(group) for _, group in groupby(updated, key=lambda p: first.get(p, 0))]

    def _start(self) -> tuple[Change, ...]:
        """The numbers of the leaves, as the operations found them."""
        data = self.numbers.data
        leaves = [(i, v) for i, v in enumerate(self.order) if v.op is None]
        return tuple([Change(i, "data", data[v]) for i, v in leaves])

    def _frames(
        self,
        forward: list[list[int]],
        backward: list[list[tuple[int, int]]],
        updates: list[list[int]],
    ) -> list[Frame]:
        root = self.names[-1]
        seed = f"d{root}/d{root} = 1: the derivative of {root} with respect to itself"
        return [
            Frame("start", (self._given(),), "", (), ()),
            *map(self._forward, forward),
            Frame("backward", (seed,), "", (), (Change(len(self.order) - 1, "grad", 1.0),)),
            *self._backward(backward),
            *map(self._updated, updates),
        ]

    def _given(self) -> str:
        kinds = Counter(v.kind for v in self.order if v.op is None)
        return "given: " + ", ".join(f"{n:,} {k}{'s' * (n > 1)}" for k, n in sorted(kinds.items()))

    def _forward(self, group: list[int]) -> Frame:
        said = (
            sentences.forward(
                self.order[i], self.names[i], [self.names[p] for p in self.parents[i]]
            )
            for i in group
        )
        changes = [Change(i, "data", self.numbers.data[self.order[i]]) for i in group]
        flows = dict.fromkeys((p, i) for i in group for p in self.parents[i])
        return Frame("forward", _few(said, len(group)), "", tuple(flows), tuple(changes))

    def _backward(self, groups: list[list[tuple[int, int]]]) -> Iterator[Frame]:
        """Each sum grows as in the order of the frames, and ends as the number of the engine."""
        sums: dict[int, float] = {}
        open_ = Counter(self.parents[i][k] for group in groups for i, k in group)
        for group in groups:
            said: list[str] = []
            question = ""
            for i, k in group:
                p, g, slope = self.parents[i][k], self.grads[i], self.slopes[i][k]
                before = sums.get(p)
                open_[p] -= 1
                after = float((-0.0 if before is None else before) + g * slope)
                sums[p] = after if open_[p] else self.grads[p]
                if len(said) < _SAID:
                    names = [self.names[j] for j in (i, *self.parents[i])]
                    letters = sentences.backward(self.order[i], k, names, self.names[-1])
                    question = letters + sentences.asked(before)
                    said.append(letters + sentences.product(slope, g, before, sums[p]))
            touched = dict.fromkeys(self.parents[i][k] for i, k in group)
            if len(group) > 1:
                asked = [f"d{self.names[-1]}/d{self.names[p]}" for p in touched]
                question = f"{', '.join(_few(asked, len(asked)))} = ?"
            yield Frame(
                "backward",
                _few(said, len(group)),
                question,
                tuple(dict.fromkeys((self.parents[i][k], i) for i, k in group)),
                tuple([Change(p, "grad", sums[p]) for p in touched]),
            )

    def _updated(self, group: list[int]) -> Frame:
        optimizer = self.optimizer
        said: list[str] = []
        if optimizer is not None:
            place = {p: k for k, p in enumerate(optimizer.parameters)}
            for i in group[:_SAID]:
                name, g, k = self.names[i], self.grads[i], place[self.order[i]]
                said.append(
                    sentences.update(optimizer, name, self.names[-1], k, g, self.updated[i])
                )
        changes = tuple([Change(i, "data", self.updated[i]) for i in group])
        return Frame("update", _few(said, len(group)), "", (), changes)


def _few(said: Iterable[str], total: int) -> tuple[str, ...]:
    """The first few, and how many more there are."""
    shown = [sentence for sentence, _ in zip(said, range(_SAID), strict=False)]
    return (*shown, f"and {total - len(shown):,} more") if total > len(shown) else tuple(shown)
