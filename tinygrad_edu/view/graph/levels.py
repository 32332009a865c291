"""The neuron and the layer level: blocks as cards in columns, the lines, what stands around."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, Final

from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.operations import built_in_name
from tinygrad_edu.view.graph.blocks import POOLS, Block
from tinygrad_edu.view.graph.board import cards, stages
from tinygrad_edu.view.graph.board.cards import Desk, Place, layer_of, patches_of
from tinygrad_edu.view.graph.board.columns import Board, Card, Column, row
from tinygrad_edu.view.graph.board.curves import strongest
from tinygrad_edu.view.graph.board.maps import largest_of, size, windows_of
from tinygrad_edu.view.graph.diagram import Edge, Number, title_of

#: Between two layers so many lines are full, and so many named, where there are more than `CROWD`.
_FULL, _NAMED, _CROWD = 12, 5, 30
#: What stands above each kind of block, and how its cards are made; others are operations.
_KINDS: Final = {
    "inputs": ("Inputs", cards.leaves),
    "parameters": ("Parameters", cards.leaves),
    "units": ("", cards.layer),
    "kernels": ("", stages.kernels),
    "pool": ("", stages.pool),
    "norm": ("Batch norm", stages.norm),
    "dropout": ("Dropout", stages.dropout),
    "softmax": ("Softmax", stages.softmax),
    "sum": ("Sum", stages.operations),
    "operations": ("", stages.operations),
    "loss": ("", stages.loss),
}


def board_of(desk: Desk) -> Board:
    """The board of what is on a desk."""
    column, over = _columns(desk)
    for block in desk.shown:
        n = len(block.outputs)
        desk.shapes[block] = f"{n:,}" * (n > 1)
        desk.made[block] = _KINDS[block.kind][1](desk, block)
        before = [desk.made.get(s, [Card("hidden", "…")]) for s in desk.cut.sources[block]]
        for card in desk.made[block]:
            card.sources = [source.label for several in before for source in several]
    stacked: dict[Block, int] = {}
    for k in sorted({column[block] for block in desk.shown if block not in over}):
        blocks = [block for block in desk.shown if column[block] == k and block not in over]
        blocks.sort(key=lambda b: _height(b, desk, stacked))  # so that lines cross little
        stacked |= {block: n for n, block in enumerate(blocks)}
        desk.board.layers.append(_column(desk, blocks, [b for b in over if over[b] in blocks]))
    ones = _ones(desk) if desk.named == "all" else {}
    lines = [line for b in desk.shown if b not in over for line in _lines(desk, b, over, ones)]
    plain = [line for line in lines if line.weight is None]
    is_sized = desk.edges == "gradient"
    largest = largest_of([[[line.share for line in plain]]]) * is_sized
    for line in plain:  # as wide as what flowed back on average, or all thin
        line.share = min(size(line.share) / largest, 1.0) if largest else 0.0
    desk.board.lines = lines
    desk.board.shared = [s for layer in desk.shared for s in stages.shared(desk, layer)]
    desk.board.caption = [*desk.caption, *_sentences(desk)]
    return desk.board.close()


def _column(desk: Desk, blocks: Sequence[Block], over: Sequence[Block]) -> Column:
    """Blocks one under the other, below what stands over them."""
    above = [card for block in over for card in desk.made[block]]
    if any(source not in desk.made for block in blocks for source in desk.cut.sources[block]):
        above.insert(0, desk.board.put("hidden", [row("…")], name="…"))
    heads = [_head(block, desk) for block in blocks]
    several = len(set(heads)) > 1
    for block, head in zip(blocks, heads, strict=True) if several else ():
        _title(desk, desk.made[block][0], " ".join(head).strip())
    stack = [card for block in blocks for card in desk.made[block]]
    column = Column(*(("", "") if several else heads[0]), stack, above)
    column.size = sum(len(block.outputs) for block in blocks if block.kind != "loss")
    once = [b for b in blocks if b.kind == "units" and layer_of(b) not in desk.shared]
    units = [u for block in once for u in block.units]
    column.foot = cards.count_of(units) * (desk.counted and bool(units))
    return column


def _height(block: Block, desk: Desk, stacked: Mapping[Block, int]) -> float:
    """How far down the blocks stand that a block is made from, on average."""
    places = [stacked[source] for source in desk.cut.sources[block] if source in stacked]
    return sum(places) / len(places) if places else 0.0


def _title(desk: Desk, card: Card, title: str) -> None:
    """Have a card carry the title that its column cannot carry, as others stand there too."""
    card.cells = [row(title), *card.cells]
    for v, place in desk.place.items():
        if place.card == card.id and place.row is not None:
            desk.place[v] = place._replace(row=place.row + 1)


def _columns(desk: Desk) -> tuple[dict[Block, int], dict[Block, Block]]:
    """The column of each block, and the blocks that stand over another one.

    What a later layer takes from outside stands over it; other leaves just before it.
    """
    users: defaultdict[Block, list[Block]] = defaultdict(list)
    column: dict[Block, int] = {}
    made_from, shown = desk.cut.sources, desk.shown
    for block in shown:
        sources = [s for s in made_from[block] if s in column]
        inner = [column[s] for s in sources if made_from[s]]
        column[block] = 1 + max(inner, default=0) if made_from[block] else 0
        for s in sources:
            users[s].append(block)
    over: dict[Block, Block] = {}
    for block in shown:
        if not made_from[block] and users[block]:
            first = min(users[block], key=column.__getitem__)
            column[block] = column[first] - 1
            is_later = any(column[b] == column[block] and made_from[b] for b in shown)
            if len(users[block]) == 1 and (is_later or layer_of(first) in desk.shared):
                over[block] = first
    return column, over


def _head(block: Block, desk: Desk) -> tuple[str, str]:
    """What stands above a column: a name, and what is soft beside it."""
    if block.kind == "loss":
        root = desk.numbers.root
        word = built_in_name(root.op).replace("_", " ") if root.op else ""
        soft = word if word.endswith(("entropy", "entropy with logits", "hinge")) else ""
        soft = desk.titles.get("loss", soft)
        return ("Loss" if desk.names[root] == "L" or soft else "Result"), clean(soft, 24)
    if not block.units:
        named = desk.titles.get(block.name, _KINDS[block.kind][0])
        return (POOLS[block.name].capitalize(), "") if block.kind == "pool" else (named, "")
    layer, units = layer_of(block), {u.w: u for u in block.units}
    activations = {u.activation for u in block.units}
    soft = clean(activations.pop(), 16) if len(activations) == 1 else ""
    if layer in desk.shared:
        uses = [b for b in desk.cut.items if layer_of(b) == layer]
        name = "Step" if len(desk.shared) == 1 else title_of(clean(layer, 24))
        return f"{name} {uses.index(block) + 1}", soft * (block is uses[0])
    patches = patches_of(block)
    if patches and (windows := windows_of(patches)):
        soft = f"{windows.size}×{windows.size} {soft}"  # noqa: RUF001
    elif len(units) > cards.BOXES:
        soft = f"{len(units):,} {soft}"
    last = [b for b in desk.cut.items if b.units][-1]
    title = "Output" if block is last and len(desk.cut.items) > 2 else title_of(clean(layer, 24))
    return desk.titles.get(layer, title), soft


def _lines(
    desk: Desk, block: Block, over: Collection[Block], ones: Mapping[Block, Card]
) -> Iterator[Edge]:
    """The lines to a block: of single weights, or one from each block it is made from."""
    place, at = desk.place, desk.cut.at
    single: list[Edge] = []
    drawn_: set[Block] = set()
    alone = len({u.w for u in block.units}) == len(block.units) and desk.level == "neuron"
    for u in block.units if alone else ():
        for w, x in zip(u.w, u.x, strict=True):
            if x in place and u.z in place and at[x] not in over:
                drawn_.add(at[x])
                single.append(_weight(desk, (w, u.z), place[x]))
        if u.b is not None and block in ones and u.z in place:
            single.append(_weight(desk, (u.b, u.z), Place(ones[block].id)))
    crowd = any(line.tail_row is not None or line.head_row is not None for line in single)
    crowd = len(single) > _CROWD or (crowd and desk.named != "all")
    if crowd and len(single) > _FULL:
        desk.said[f"between two layers the {_FULL} strongest of the drawn lines are full"] = None
    full, most = (_FULL, _NAMED) if crowd else (len(single), len(single))
    yield from strongest(single, full, most * (desk.named != "none"))
    is_stage = desk.level == "neuron" and not block.units and block.kind != "loss"
    for v in block.values if is_stage else ():
        for p in v.parents:
            if v in place and p in place and at[p] not in over:
                drawn_.add(at[p])
                tail, head = place[p], place[v]
                yield _edge(tail, head, tooltip=desk.names[p])
    for source in desk.cut.sources[block]:
        if source not in drawn_ and source not in over and source in desk.made:
            yield from _plain(desk, source, block)


def _ones(desk: Desk) -> dict[Block, Card]:
    """A unit +1 before each layer of boxes, whose weights are the biases."""
    ones = {}
    stacks = [column.cards for column in desk.board.layers]
    for before, stack in pairwise(stacks):
        for block in (b for b in desk.made if b.units and desk.made[b][0] in stack):
            alone = all(desk.place[u.z].row is None for u in block.units if u.z in desk.place)
            if alone and any(u.b is not None for u in block.units):
                ones[block] = desk.board.put("constant", [row("+1", look="index")], name="+1")
                before.append(ones[block])
    return ones


def _weight(desk: Desk, way: tuple[Value, Value], tail: Place) -> Edge:
    w, z = way
    number, delta = desk.numbers.data[w], desk.numbers.grad(z)
    tooltip, shown = f"{desk.names[w]} = {short(number)}", Number("w", number, back=True)
    if (gradient := desk.numbers.grad(w)) is not None:
        tooltip += f", dL/dw = {short(gradient)}"
    if desk.edges == "gradient":
        shown = shown._replace(value=None if delta is None else number * delta)
        tooltip += f", gradient flowing back = {shown.text}"
    weight = shown.value if shown.value == shown.value else 0.0
    line = _edge(tail, desk.place[z], numbers=[shown], tooltip=tooltip)
    line.weight = weight or 0.0
    return line


def _edge(tail: Place, head: Place, **more: Any) -> Edge:
    return Edge(tail.card, head.card, tail_row=tail.row, head_row=head.row, **more)


def _plain(desk: Desk, source: Block, block: Block) -> Iterator[Edge]:
    """A line from a block to another; where units stand alone, from and to each."""
    shape, n = desk.shapes[source], len(source.outputs)
    grads = [desk.numbers.grad(v) for v in source.outputs]
    known = [g for g in grads if g is not None]
    flow = sum(map(abs, known)) / len(known) if known else 0.0
    tooltip = f"{n:,} value{'s' * (n > 1)}" + f", mean |gradient| {decimal(flow)}" * bool(known)
    tails = {desk.place[v].card: None for v in source.outputs if v in desk.place}
    heads = {desk.place[u.z].card: None for u in block.units if u.z in desk.place}
    ways = [*product(tails or [desk.made[source][0].id], heads or [desk.made[block][0].id])]
    for k, (tail, head) in enumerate(ways):
        role = shape * (k == len(ways) // 2 and len(tails) < 2)
        yield Edge(tail, head, role, tooltip=tooltip, share=flow)


def _sentences(desk: Desk) -> list[str]:
    """The caption: what numbers and lines mean, which rule left something out."""
    board, texts = desk.board, []
    looks = {cell.text for card in board.cards() for row in card.cells for cell in row}
    if desk.known and any(card.kind == "unit" for card in board.boxes):
        told = any(desk.numbers.grad(u.z) is not None for b in desk.made for u in b.units)
        texts.append("z = Σ w x + b, a = g(z)" + ", δ = dL/dz" * told)
    elif "delta" in looks:
        texts.append("δ = dL/dz")
    texts += desk.said
    what = ("what flowed back, δ w", "it") if desk.edges == "gradient" else ("weights w", "|w|")
    if any(line.weight is not None for line in board.lines):
        signs = "blue positive, orange dashed negative"
        texts.append(f"lines: {what[0]}, {signs}, wide where {what[1]} is large")
    elif desk.edges == "gradient":
        texts.append("lines: wide where much flowed back, by the mean |gradient|")
    if any("×" in line.role for line in board.lines):  # noqa: RUF001
        texts.append("on the lines: shapes")
    capital = (t if t[2:3] == "=" else t[0].upper() + t[1:] for t in texts)
    return [" ".join(f"{text}." for text in capital)] * bool(texts)
