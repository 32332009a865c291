"""What the boxes of units, layers and groups say, as rows of a picture and as lines of text."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tinygrad_edu.engine import Value
from tinygrad_edu.text import DASH, clean, short
from tinygrad_edu.view.base.graph_units import Unit
from tinygrad_edu.view.graph import values
from tinygrad_edu.view.graph.blocks import Block, Cut, Item

NAME: Final = 40
_INPUTS_SHOWN: Final = 4


class Contents(NamedTuple):
    """What the box of a block says: a name, a word, lines, and rows of a label and a number."""

    name: str
    word: str
    details: list[str]
    rows: list[tuple[str, str]]


def contents(block: Block, names: Mapping[Value, str], note: str = "") -> Contents:
    """What the box of a block says; `note` is a further line for the last group."""
    name = clean(block.name, NAME)
    if block.kind == "unit":
        u = block.units[0]
        z, a = (clean(values.name_of(v, names), 12) for v in (u.z, u.a))
        rows = [(z or "z", short(u.z.data))]
        rows.append((a if a and u.a is not u.z else "a", short(u.a.data)))
        return Contents(name, clean(u.activation), [], [*rows, ("delta", values.grad_of(u.z))])
    if block.kind == "layer":
        return Contents(name, "", _layer(block.units), [("mean |delta|", _mean_delta(block.units))])
    if block.kind == "inputs":
        called = [values.name_of(v, names) or f"x{k}" for k, v in enumerate(block.values, 1)]
        rows = [(label, short(v.data)) for label, v in zip(called, block.values, strict=True)]
        few = len(rows) <= _INPUTS_SHOWN
        return Contents(name, "", [] if few else [f"{len(rows):,} numbers"], rows if few else [])
    used = {p for v in block.values for p in v.parents}
    results = [v for v in block.values if v not in used]
    rows = [("data", short(results[0].data)), ("grad", values.grad_of(results[0]))]
    n = len(block.values)
    return Contents(
        (values.name_of(results[0], names) if block.last else "") or name,
        "",
        [f"{n:,} operation{'s' * (n > 1)}", *([note] if note and block.last else [])],
        rows if len(results) == 1 else [],
    )


def _layer(units: Sequence[Unit]) -> list[str]:
    each = {u.name: u for u in units}
    n, uses = len(each), len(units) // len(each)
    activations = {u.activation for u in units}
    activation = clean(activations.pop(), 16) if len(activations) == 1 else "different"
    inputs = {len(u.w) for u in units}
    of = f" of {inputs.pop():,} inputs" if len(inputs) == 1 else ""
    parameters = len({p for u in units for p in u.parameters})
    return [
        f"{n:,} {activation} unit{'s' * (n > 1)}{of}",
        *([f"each used {uses:,} times"] if uses > 1 else []),
        f"{parameters:,} parameter{'s' * (parameters > 1)}",
    ]


def _mean_delta(units: Sequence[Unit]) -> str:
    if not all(u.z.reached for u in units):
        return DASH
    return short(math.fsum(abs(u.z.grad) / len(units) for u in units))


def tooltip(says: Contents, u: Unit | None) -> str:
    """The same on one line, with the bias of a unit."""
    told = [*says.details, *(f"{label} = {number}" for label, number in says.rows)]
    if u is not None and u.b is not None:
        told.append(f"b = {short(u.b.data)}")
    return f"{says.name}{f' ({says.word})' if says.word else ''}: {', '.join(told)}"


def table(found: Cut, shown: Sequence[Item], names: Mapping[Value, str], note: str) -> str:
    """The same as lines of text: name, what it shows, what it is made from."""
    called: dict[Item, str] = {}
    rows = [("name", "shows", "made from")]
    for i, item in enumerate(shown):
        if isinstance(item, Block):
            says = contents(item, names, note)
            called[item] = says.name
            told = [says.word, *says.details, *(" ".join(row) for row in says.rows)]
        else:
            called[item] = values.name_of(item, names) or f"v{i}"
            made = item.kind if item.op is None else clean(item.op.name)
            grad = f"grad {values.grad_of(item)}" if values.has_grad(item) else ""
            told = [made, f"data {short(item.data)}", grad]
        sources = [called.get(source, "…") for source in found.sources[item]]
        more = ["…"] if len(sources) > _INPUTS_SHOWN else []
        made_of = ", ".join([*sources[:_INPUTS_SHOWN], *more])
        rows.append((called[item], ", ".join(part for part in told if part), made_of))
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(r, widths, strict=True)) for r in rows)
    return "\n".join(line.rstrip() for line in lines)
