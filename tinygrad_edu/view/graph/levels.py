"""The neuron and the layer level: blocks as cards in columns, the lines, what stands around."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, Final

from tinygrad_edu.engine import Value
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.maps import largest_of, size, windows_of
from tinygrad_edu.view.base.naming import Names
from tinygrad_edu.view.base.numbers import Numbers, decimal
from tinygrad_edu.view.base.operations import built_in_name
from tinygrad_edu.view.graph.blocks import POOLS, Block, Cut
from tinygrad_edu.view.graph.board import cards, stages
from tinygrad_edu.view.graph.board.cards import Desk, Place, layer_of, patches_of
from tinygrad_edu.view.graph.board.columns import Board, Card, Column, row
from tinygrad_edu.view.graph.board.curves import strongest
from tinygrad_edu.view.graph.diagram import Edge, Number, title_of

#: Between two layers so many lines are full, and so many named, where there are more than `CROWD`.
_FULL, _NAMED, _CROWD = 12, 5, 30
#: How the cards of each kind of block are made; others are operations.
_MAKERS: Final = {
    "inputs": cards.leaves,
    "parameters": cards.leaves,
    "units": cards.layer,
    "kernels": stages.kernels,
    "loss": cards.loss,
    "pool": stages.pool,
    "norm": stages.norm,
    "dropout": stages.dropout,
    "softmax": stages.softmax,
}
_TITLES: Final = {
    "inputs": "Inputs",
    "parameters": "Parameters",
    "norm": "Batch norm",
    "dropout": "Dropout",
    "softmax": "Softmax",
    "sum": "Sum",
}


def board_of(
    cut: Cut,
    names: Names,
    numbers: Numbers,
    *,
    level: str,
    edges: str = "none",
    opened: Collection[str] = (),
    shown: Sequence[Block] | None = None,
    caption: Sequence[str] = (),
    titles: Mapping[str, str] | None = None,
    known: bool = True,
    most: int = 8,
    named: str = "strongest",
    counted: bool = False,
    is_net: bool = False,
    examples: int = 0,
    sign: float = 1.0,
    shade: Callable[[Value], float] = lambda v: 0.0,
) -> Board:
    """A board of the blocks `shown`, sources first.

    titles    of layers, in place of their names
    known     whether the numbers are those of an example
    most      how many units of a layer are shown at least
    named     whose weight stands on its line: "strongest" of many, "none", "all", with the biases
    counted   whether the parameters of a layer are counted below it
    is_net    whether the last result is no more than others
    examples  over how many examples the loss is, 0 for one alone
    sign      of a delta against dL/dz
    shade     how strong the colour of a sign is that the ground of a value has, from -1 to 1
    """
    shown = cut.items if shown is None else shown
    layers = Counter(map(layer_of, cut.items))
    shared = [layer for layer, n in layers.items() if n > 1 and layer]
    root = None if is_net else numbers.root
    look = level, opened, shared, known, most, examples, sign, shade
    desk = Desk(cut, names, numbers, *look, root)
    column, over = _columns(cut, shown, shared)
    made: dict[Block, list[Card]] = {}
    for block in shown:
        n = len(block.outputs)
        desk.shapes[block] = f"{n:,}" * (n > 1)
        made[block] = _MAKERS.get(block.kind, stages.operations)(desk, block)
        for card in made[block]:
            before = (made.get(s, [Card("hidden", "…")]) for s in cut.sources[block])
            card.sources = [source.label for several in before for source in several]
        desk.card[block] = made[block][0]
    stacked: dict[Block, int] = {}
    for k in sorted({column[block] for block in shown if block not in over}):
        blocks = [block for block in shown if column[block] == k and block not in over]
        blocks.sort(key=lambda block: _height(block, cut, stacked))  # so that lines cross little
        stacked |= {block: n for n, block in enumerate(blocks)}
        above = [card for b, user in over.items() if user in blocks for card in made[b]]
        if any(source not in made for block in blocks for source in cut.sources[block]):
            above.insert(0, desk.board.put("hidden", [row("…")], name="…"))
        heads = [_head(block, desk, titles or {}) for block in blocks]
        several = len(set(heads)) > 1
        for block, head in zip(blocks, heads, strict=True) if several else ():
            _title(desk, made[block][0], " ".join(head).strip())
        stack = [card for block in blocks for card in made[block]]
        column_ = Column(*(("", "") if several else heads[0]), stack, above)
        column_.size = sum(len(b.outputs) for b in blocks if b.kind != "loss")
        once = [b for b in blocks if b.kind == "units" and layer_of(b) not in shared]
        units = [u for block in once for u in block.units]
        column_.foot = cards.count_of(units) * (counted and bool(units))
        desk.board.layers.append(column_)
    ones = _ones(desk, made) if named == "all" else {}
    lines = [
        line for b in shown if b not in over for line in _lines(desk, b, edges, named, over, ones)
    ]
    plain = [line for line in lines if line.weight is None]
    largest = largest_of([[[line.share for line in plain]]]) if edges == "gradient" else 0.0
    for line in plain:  # as wide as what flowed back on average, or all thin
        line.share = min(size(line.share) / largest, 1.0) if largest else 0.0
    desk.board.lines = lines
    desk.board.shared = [s for layer in shared for s in stages.shared(desk, layer, made)]
    desk.board.caption = [*caption, *_sentences(desk, edges)]
    return desk.board.close()


def _height(block: Block, cut: Cut, stacked: Mapping[Block, int]) -> float:
    """How far down the blocks stand that a block is made from, on average."""
    places = [stacked[source] for source in cut.sources[block] if source in stacked]
    return sum(places) / len(places) if places else 0.0


def _title(desk: Desk, card: Card, title: str) -> None:
    """Have a card carry the title that its column cannot carry, as others stand there too."""
    card.cells = [row(title), *card.cells]
    for v, place in desk.place.items():
        if place.card == card.id and place.row is not None:
            desk.place[v] = place._replace(row=place.row + 1)


def _columns(
    cut: Cut, shown: Sequence[Block], shared: Collection[str]
) -> tuple[dict[Block, int], dict[Block, Block]]:
    """The column of each block, and the blocks that stand over another one.

    What a later layer takes from outside stands over it; other leaves just before it.
    """
    users: defaultdict[Block, list[Block]] = defaultdict(list)
    column: dict[Block, int] = {}
    for block in shown:
        sources = [s for s in cut.sources[block] if s in column]
        inner = [column[s] for s in sources if cut.sources[s]]
        column[block] = 1 + max(inner, default=0) if cut.sources[block] else 0
        for s in sources:
            users[s].append(block)
    over: dict[Block, Block] = {}
    for block in shown:
        if not cut.sources[block] and users[block]:
            first = min(users[block], key=column.__getitem__)
            column[block] = column[first] - 1
            is_later = any(column[b] == column[block] and cut.sources[b] for b in shown)
            if len(users[block]) == 1 and (is_later or layer_of(first) in shared):
                over[block] = first
    return column, over


def _head(block: Block, desk: Desk, titles: Mapping[str, str]) -> tuple[str, str]:
    """What stands above a column: a name, and what is soft beside it."""
    if block.kind == "loss":
        root = desk.numbers.root
        word = built_in_name(root.op).replace("_", " ") if root.op else ""
        soft = word if word.endswith(("entropy", "entropy with logits", "hinge")) else ""
        soft = titles.get("loss", soft)
        return ("Loss" if desk.names[root] == "L" or soft else "Result"), clean(soft, 24)
    if not block.units:
        named = titles.get(block.name, _TITLES.get(block.kind, ""))
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
    return titles.get(layer, title), soft


def _lines(
    desk: Desk,
    block: Block,
    edges: str,
    named: str,
    over: Collection[Block],
    ones: Mapping[Block, Card],
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
                single.append(_weight(desk, (w, u.z), place[x], edges))
        if u.b is not None and block in ones and u.z in place:
            single.append(_weight(desk, (u.b, u.z), Place(ones[block].id), edges))
    crowd = any(line.tail_row is not None or line.head_row is not None for line in single)
    crowd = len(single) > _CROWD or (crowd and named != "all")
    if crowd and len(single) > _FULL:
        desk.said[f"between two layers the {_FULL} strongest of the drawn lines are full"] = None
    full, most = (_FULL, _NAMED) if crowd else (len(single), len(single))
    yield from strongest(single, full, most * (named != "none"))
    is_stage = desk.level == "neuron" and not block.units and block.kind != "loss"
    for v in block.values if is_stage else ():
        for p in v.parents:
            if v in place and p in place and at[p] not in over:
                drawn_.add(at[p])
                tail, head = place[p], place[v]
                yield _edge(tail, head, tooltip=desk.names[p])
    for source in desk.cut.sources[block]:
        if source not in drawn_ and source not in over and source in desk.card:
            yield from _plain(desk, source, block)


def _ones(desk: Desk, made: Mapping[Block, Sequence[Card]]) -> dict[Block, Card]:
    """A unit +1 before each layer of boxes, whose weights are the biases."""
    ones = {}
    stacks = [column.cards for column in desk.board.layers]
    for before, stack in pairwise(stacks):
        for block in (b for b in made if b.units and made[b][0] in stack):
            alone = all(desk.place[u.z].row is None for u in block.units if u.z in desk.place)
            if alone and any(u.b is not None for u in block.units):
                ones[block] = desk.board.put("constant", [row("+1", look="index")], name="+1")
                before.append(ones[block])
    return ones


def _weight(desk: Desk, way: tuple[Value, Value], tail: Place, edges: str) -> Edge:
    w, z = way
    number, delta = desk.numbers.data[w], desk.numbers.grad(z)
    tooltip, shown = f"{desk.names[w]} = {short(number)}", Number("w", number, back=True)
    if (gradient := desk.numbers.grad(w)) is not None:
        tooltip += f", dL/dw = {short(gradient)}"
    if edges == "gradient":
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
    ways = [*product(tails or [desk.card[source].id], heads or [desk.card[block].id])]
    for k, (tail, head) in enumerate(ways):
        role = shape * (k == len(ways) // 2 and len(tails) < 2)
        yield Edge(tail, head, role, tooltip=tooltip, share=flow)


def _sentences(desk: Desk, edges: str) -> list[str]:
    """The caption: what numbers and lines mean, which rule left something out."""
    board, texts = desk.board, []
    looks = {cell.text for card in board.cards() for row in card.cells for cell in row}
    if desk.known and any(card.kind == "unit" for card in board.boxes):
        told = any(desk.numbers.grad(u.z) is not None for b in desk.card for u in b.units)
        texts.append("z = Σ w x + b, a = g(z)" + ", δ = dL/dz" * told)
    elif "delta" in looks:
        texts.append("δ = dL/dz")
    texts += desk.said
    what = ("what flowed back, δ w", "it") if edges == "gradient" else ("weights w", "|w|")
    if any(line.weight is not None for line in board.lines):
        signs = "blue positive, orange dashed negative"
        texts.append(f"lines: {what[0]}, {signs}, wide where {what[1]} is large")
    elif edges == "gradient":
        texts.append("lines: wide where much flowed back, by the mean |gradient|")
    if any("×" in line.role for line in board.lines):  # noqa: RUF001
        texts.append("on the lines: shapes")
    capital = (t if t[2:3] == "=" else t[0].upper() + t[1:] for t in texts)
    return [" ".join(f"{text}." for text in capital)] * bool(texts)
