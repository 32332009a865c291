"""A graph cut into blocks: layers of units, and stages of other operations, by what they do."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.engine.leaves import RandomLeaf
from tinygrad_edu.view.base.graph_units import Unit, Units, numbered
from tinygrad_edu.view.base.operations import built_in_name

#: The operations that pool windows of a map, and what such a stage is called.
POOLS: Final = {"max": "max pooling", "mean": "average pooling"}
#: Stages that are drawn though nothing but the loss is made from them.
_STAGES: Final = ("norm", "dropout", "softmax")
#: Blocks whose leaves stand in them.
_OWN_LEAVES: Final = ("loss", "norm", "dropout")


@dataclass(eq=False)
class Block:
    """Several values drawn as one box, or as one column of boxes.

    kind    "inputs", "parameters" (leaves), "units" (a layer), "kernels" (one whose units are used
            at several places), or a stage of operations: "pool",
            "norm", "dropout", "softmax", "sum" (of two blocks), "operations"; "loss" is the last
    values  its leaves, or the results in it, without the parameters of its units
    """

    kind: str
    name: str
    values: tuple[Value, ...]
    units: tuple[Unit, ...] = ()

    @property
    def outputs(self) -> tuple[Value, ...]:
        """What other blocks are made from: the activations of units, the results of a stage."""
        if self.units:
            return tuple(dict.fromkeys(u.a for u in self.units))
        inner = {p for v in self.values for p in v.parents}
        return tuple(v for v in self.values if v not in inner) or self.values


class Cut(NamedTuple):
    """What to draw.

    items    blocks, sources before what is made from them
    sources  the blocks that each is made from
    at       the block of each value
    """

    items: list[Block]
    sources: dict[Block, list[Block]]
    at: dict[Value, Block]


class Norm(NamedTuple):
    """The parts of y = gamma (x - mean) / sqrt(variance + eps) + beta, and what is between them."""

    mean: Value
    variance: Value
    gamma: Value
    beta: Value
    y: Value
    inner: tuple[Value, ...]


def cut(
    order: Sequence[Value],
    all_units: Units,
    example: AbstractSet[Value] | None,
    *,
    ends_in_loss: bool = True,
) -> Cut:
    """The blocks of a graph.

    Of a batch the values of one `example` are given; the rest of the order is summed up at its end.
    What no unit is made from is the loss, unless the graph `ends_in_loss` is False.
    """
    units = [u for u in all_units.units if example is None or u.z in example]
    blocks = []
    for name, members in layers_of(units).items():
        kind = "units" if len({u.w for u in members}) == len(members) else "kernels"
        values = dict.fromkeys(v for u in members for v in (u.z, u.a))
        blocks.append(Block(kind, name, tuple(values), (*members,)))
    blocks += _stages(order, all_units, units, example, ends_in_loss)
    if not blocks:  # nothing is computed
        blocks = [Block("inputs", "inputs", tuple(order))]
    at = {v: block for block in blocks for v in block.values}
    for block in _leaves(blocks, at):
        blocks.append(block)
        at.update(dict.fromkeys(block.values, block))
    sources = {}
    for block in blocks:
        before = dict.fromkeys(at[v] for v in made_from(block) if v in at)
        sources[block] = [source for source in before if source is not block]
    return Cut(list(TopologicalSorter(sources).static_order()), sources, at)


def stands_for(shown: Iterable[Block]) -> set[Value]:
    """All values that are in a drawing of these blocks."""
    values: set[Value] = set()
    for block in shown:
        values.update(block.values, *(u.parameters for u in block.units))
        values.update(p for v in block.values for p in v.parents if p.op is None)
    return values


def made_from(block: Block) -> list[Value]:
    """What the lines to a block come from: for units their inputs, not their parameters."""
    if block.units:
        return [x for u in block.units for x in u.x]
    return [p for v in block.values for p in v.parents]


def layers_of(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    """The units of each layer by its name, with "use 2 of 3" where it is used at several depths."""
    layers: dict[tuple[str, int], list[Unit]] = {}
    for u in units:
        layers.setdefault((u.layer, u.depth), []).append(u)
    return dict(zip(numbered([layer for layer, _ in layers]), layers.values(), strict=True))


def norm_of(y: Value) -> Norm | None:
    """The parts of a batch normalisation with this result, if it is one."""
    chain = [y]  # each the first operand of the one before, and of the quotient both
    for name in ("add", "multiply", "divide", "subtract"):
        if _name(chain[-1]) != name:
            return None
        chain.append(chain[-1].parents[name == "multiply"])
    _, scaled, quotient, centred, _ = chain
    (gamma, _), beta, deviation = scaled.parents, y.parents[1], quotient.parents[1]
    if {gamma.kind, beta.kind} != {"parameter"} or _name(deviation) != "sqrt":
        return None
    mean, shifted = centred.parents[1], deviation.parents[0]
    variance = shifted.parents[0]
    inner = [y, scaled, quotient, centred, deviation, shifted]
    if _name(mean) == _name(variance) == "mean":  # those of a batch
        squares = variance.parents
        inner += [mean, variance, *squares, *(p for v in squares for p in v.parents if p.op)]
    return Norm(mean, variance, gamma, beta, y, tuple(inner))


def _name(v: Value) -> str:
    return "" if v.op is None else built_in_name(v.op)


def _stages(
    order: Sequence[Value],
    all_units: Units,
    units: Sequence[Unit],
    example: AbstractSet[Value] | None,
    ends_in_loss: bool,
) -> Iterator[Block]:
    """The operations that are no part of a unit: those of one kind at one depth together."""
    inner = {v for u in units for v in (u.z, u.a)}
    rest = [v for v in order if v.op is not None and v not in inner]
    outside = [] if example is None else [v for v in rest if v not in example]
    rest = [v for v in rest if example is None or v in example]
    kinds = _kinds(rest)
    feeding = {x for u in units for x in u.x} | {v for v in rest if kinds[v][0] in _STAGES}
    for v in reversed(rest):
        if v in feeding:
            feeding.update(v.parents)
    stages: defaultdict[tuple[int, int, tuple[str, str]], list[Value]] = defaultdict(list)
    end: list[Value] = []
    step: dict[Value, int] = {}
    for v in rest:
        *kind, result = kinds[v]
        before = [p for p in v.parents if p in step]
        step[v] = max((step[p] + (kinds[p][:2] != (*kind,)) for p in before), default=0)
        if v not in feeding and ends_in_loss:
            end.append(v)
        else:  # what is of another kind than its operand comes after it
            at = 0 if kind[0] == "norm" else step[v]
            stages[all_units.depth[result], at, kinds[v][:2]].append(v)
    for (_, _, (kind_, name)), values in stages.items():
        yield Block(kind_, name, tuple(values))
    if outside or end:
        gathered = {*end, *outside}
        yield Block("loss", "loss", tuple(v for v in order if v in gathered))


def _kinds(values: Iterable[Value]) -> dict[Value, tuple[str, str, Value]]:
    """The kind of stage that each value belongs to, what it is called, and its result there."""
    kinds: dict[Value, tuple[str, str, Value]] = {}
    for v in values:
        name = _name(v)
        if name == "multiply" and any(type(p) is RandomLeaf for p in v.parents):
            kinds[v] = "dropout", name, v
        elif name in POOLS and len(v.parents) > 1:
            kinds[v] = "pool", name, v
        elif name in ("softmax", "log_softmax"):
            kinds[v] = "softmax", name, v
        elif name == "add" and {p.kind for p in v.parents} <= {"result", "input"}:
            kinds[v] = "sum", name, v
        else:
            kinds[v] = "operations", "operations", v
        if norm := norm_of(v):
            layer = (norm.gamma.name or "").rpartition(".")[0]
            kinds.update(dict.fromkeys(norm.inner, ("norm", layer, v)))
    return kinds


def _leaves(blocks: Sequence[Block], at: Mapping[Value, Block]) -> Iterator[Block]:
    """The leaves that blocks are made from, those of one block together."""
    together: defaultdict[tuple[str, Block], list[Value]] = defaultdict(list)
    seen = set(at)
    for block in blocks:
        for v in made_from(block) if block.kind not in _OWN_LEAVES else ():
            if v.op is None and v not in seen and v.kind != "constant":
                seen.add(v)
                kind = "parameters" if v.kind == "parameter" else "inputs"
                together[kind, block].append(v)
    for (kind, _), values in together.items():
        yield Block(kind, kind, tuple(values))
