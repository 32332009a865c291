"""What stands in a box and on a line, in the HTML of DOT, with the width that it needs.

Texts have room in any of the usual fonts. A cell filled with END or MIDDLE tells `picture` where
its text is to stand.
"""

import html
from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

from tinygrad_edu.text import name_parts
from tinygrad_edu.view.base.palette import END, INK, MIDDLE, SOFT, Colour, number_colour
from tinygrad_edu.view.base.svg import room
from tinygrad_edu.view.graph.diagram import Box, Edge, Number

#: Characters of a name beside its numbers, of one above them, of a line of a long operation.
_BESIDE, _ABOVE, _WORD = 6, 16, 13
#: The sizes of numbers and labels.
_NUMBER, LABEL = 12, 11
#: The least width of a number and of one that comes back, of a name, of a name in rows.
_CELL: Final = {False: 46.0, True: 54.0}
_LEAST, _ROW = 18.0, 23.0
#: Of a frame to write in, in points.
_WIDTH, _HEIGHT = 62, 26
BLANK: Final = "blank"
_FRAME: Final = (
    f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="0" COLOR="{INK.light}"><TR>'
    f'<TD FIXEDSIZE="TRUE" WIDTH="{_WIDTH}" HEIGHT="{_HEIGHT}">{{}}</TD></TR></TABLE>'
)
_SERIF: Final = 'FACE="Times-Italic" '
#: Of a letter of a name as DOT has it, in sizes.
_LETTER: Final = 0.44
_TABLE: Final = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'


class Cell(NamedTuple):
    """A cell of a table.

    `place` is END, MIDDLE, BLANK for a frame to write in, "" for a line over the whole box.
    """

    content: str
    width: float
    height: int = 15
    place: str = ""
    more: str = ""

    def html(self, columns: int) -> str:
        """The cell in a table of so many columns."""
        look = f'BGCOLOR="{self.place}"' if self.place else f'COLSPAN="{columns}" ALIGN="LEFT"'
        look = 'ALIGN="RIGHT"' if self.place == BLANK else look
        size = f'WIDTH="{self.width:.0f}" HEIGHT="{self.height}"'
        return f"<TD {look} {size}{self.more}>{self.content}</TD>"


def table_of(rows: list[list[Cell]]) -> str:
    """Rows of cells as the label of a node."""
    columns = max(map(len, rows), default=1)
    cells = ("".join(cell.html(columns) for cell in row) or "<TD></TD>" for row in rows)
    return f"<{_TABLE}{''.join(f'<TR>{row}</TR>' for row in cells)}</TABLE>>"


def width_of(rows: list[list[Cell]]) -> float:
    """About the width that these rows need."""
    named, whole, beside = [0.0], [0.0], [0.0]
    for row in rows:
        named += [cell.width for cell in row if cell.place == MIDDLE]
        whole += [cell.width for cell in row if not cell.place]
        beside += [sum(cell.width for cell in row if cell.place in (END, BLANK))]
    return max(max(named) + max(beside), *whole)


def rows_of(box: Box) -> list[list[Cell]]:
    """The cells of a box: titles, names with their numbers, details."""
    return [*([cell] for cell in _head(box)), *_lines(box), *([_soft(x)] for x in box.details)]


def on_line(edge: Edge, *, paper: bool = False) -> list[Cell]:
    """The role of an operand and numbers; a weight has the colour of its sign, others are soft."""
    colour = SOFT if edge.weight is None or paper else number_colour(edge.weight)
    role = [Cell(_named(edge.role, 12, SOFT), room(edge.role, LABEL), 14, MIDDLE)]
    numbers = (
        _number(x, LABEL, 14, MIDDLE, least=_wide(x, LABEL) + 5, colour=colour)
        for x in edge.numbers
    )
    return [*(role if edge.role else []), *numbers]


def stands_beside(name: str) -> bool:
    """Whether a name stands left of its numbers: it is short, or a letter with indices."""
    return len(name) <= _BESIDE or name_parts(name) is not None


def _head(box: Box) -> Iterator[Cell]:
    """What stands above the numbers: titles, long names, long words."""
    if box.rows or not box.numbers:
        if box.name or box.word:
            yield title(box.name, box.word)
        return
    if not stands_beside(box.name):
        yield _soft(_middle_cut(box.name), INK)
    if not _is_sign(box.word):
        words = box.word.replace(" ", "\0").replace("_", "_ ")
        for line in wrap(words, _WORD, break_long_words=False, break_on_hyphens=False):
            yield _soft(_middle_cut(line.replace(" ", "").replace("\0", " ")))


def _is_sign(word: str) -> bool:
    """Whether the word of a box stands left of its numbers, as the sign of an operation does."""
    return len(word) <= _BESIDE + 2


def _middle_cut(name: str) -> str:
    """A long name by its first 9 and its last 6 characters."""
    return name if len(name) <= _ABOVE else f"{name[:9]}…{name[-6:]}"


def _lines(box: Box) -> list[list[Cell]]:
    """The numbers of a box, their names left of them: one below the other, or row by row."""
    if box.rows:
        return [
            [_name(row.name, 12, _ROW, 17), *(_of_box(x, row, 17, _NUMBER) for x in row.numbers)]
            for row in box.rows
        ]
    height, size = (13, LABEL) if box.kind == "chip" else (15, _NUMBER)
    is_beside = bool(box.name) and stands_beside(box.name)
    left = [_name(box.name, size + 1, _LEAST, height)] * is_beside
    if box.word and _is_sign(box.word):
        large = 14 if len(box.word) == 1 else LABEL
        width = max(_LEAST, room(box.word, large))
        left.append(Cell(_font(box.word, SOFT, large), width, height, MIDDLE))
    count = max(len(box.numbers), len(left)) if box.numbers else 0
    if len(left) == 1:
        left = [left[0]._replace(more=f' ROWSPAN="{count}"')]
    numbers = [_of_box(x, box, height, size) for x in box.numbers]
    return [left[k : k + 1] + numbers[k : k + 1] for k in range(count)]


def _name(name: str, size: int, least: float, height: int) -> Cell:
    typeset = name_parts(name) is not None
    width = _LETTER * size * len(name) if typeset else room(name, size - 1)
    return Cell(_named(name, size), max(least, width), height, MIDDLE)


def _wide(number: Number, size: int) -> float:
    return room(number.text, size, bold=number.back)


def _of_box(number: Number, box: Box, height: int, size: int) -> Cell:
    """A number at the right edge of its cell."""
    # what can be found later changes its text, and a renderer has no cell for none
    key = f' HREF="#{box.id}.{number.label}"' if number.keyed else ""
    is_short = box.kind == "constant" and not number.keyed
    least = _LEAST if is_short else _CELL[number.back and size == _NUMBER]
    return _number(number, size, height, END, least=least, more=key)


def _number(
    x: Number,
    size: int,
    height: int,
    place: str,
    *,
    least: float,
    more: str = "",
    colour: Colour = INK,
) -> Cell:
    """A number, what comes back bold in the colour of its sign; or a frame to write it in."""
    if x.blank:
        return Cell(_FRAME.format(in_html(x.text)), _WIDTH, _HEIGHT, BLANK)
    colour, is_bold = (number_colour(x.value), bool(x.value)) if x.back else (colour, False)
    content = _font(x.text, colour, size, bold=is_bold)
    return Cell(content, max(least, _wide(x, size)), height, place, more)


def _font(text: str, colour: Colour, size: int, *, bold: bool = False, face: str = "") -> str:
    said = f"<B>{in_html(text)}</B>" if bold else in_html(text)
    return f'<FONT {face}COLOR="{colour.light}" POINT-SIZE="{size}">{said}</FONT>'


def title(name: str, words: str) -> Cell:
    """A title in bold, soft words after it."""
    width = room(name, _NUMBER, bold=True) + room(words, _NUMBER) + 6
    bold = _font(name, INK, _NUMBER, bold=True) if name else ""
    return Cell(bold + (_font(f"  {words}", SOFT, _NUMBER) if words else ""), width)


def soft(text: str) -> str:
    """Words of a label."""
    return _font(text, SOFT, LABEL)


def _soft(text: str, colour: Colour = SOFT) -> Cell:
    return Cell(_font(text, colour, LABEL), room(text, LABEL))


def _named(name: str, size: int, colour: Colour = INK) -> str:
    """A name: in the font of names where it is a letter with indices, else upright."""
    is_letter = name_parts(name) is not None
    return _font(name, colour, size - (not is_letter), face=_SERIF * is_letter)


def in_html(text: str) -> str:
    r"""A cleaned text for Graphviz's HTML-like labels, where backslashes are special too: \N."""
    return html.escape(text).replace("\\", "\\\\")
