"""What stands in a box and on a line, in the HTML of DOT, with the width that it needs.

Texts have room in any of the usual fonts. A cell filled with END or MIDDLE tells `picture` where
its text is to stand.
"""

import html
from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

from tinygrad_edu.text import name_parts
from tinygrad_edu.view.base.palette import END, INK, MIDDLE, SOFT, number_colour
from tinygrad_edu.view.base.svg import room
from tinygrad_edu.view.graph.diagram import Box, Edge, Number

#: Characters of a name beside its numbers, of one above them, of a line of a long operation.
_BESIDE, _ABOVE, _WORD = 6, 16, 13
#: The sizes of names, numbers and labels.
_NAME, _NUMBER, LABEL = 13, 12, 11
#: The least width of a number and of one that comes back, of a name, of a name in rows.
_CELL: Final = {False: 46.0, True: 54.0}
_LEAST, _ROW = 18.0, 23.0
#: Of a frame to write in, in points.
_WIDTH, _HEIGHT = 62, 26
BLANK: Final = "blank"
_SERIF: Final = "Times-Italic"
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
    role = [Cell(in_names(edge.role, 12, SOFT.light), room(edge.role, LABEL), 14, MIDDLE)]
    return (role if edge.role else []) + [
        Cell(blank(number), _WIDTH, _HEIGHT, BLANK)
        if number.blank
        else Cell(in_number(number, LABEL, colour.light), _wide(number, LABEL) + 5, 14, MIDDLE)
        for number in edge.numbers
    ]


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
        yield _soft(_middle_cut(box.name), INK.light)
    if not _is_sign(box.word):
        yield from map(_soft, _lines_of(box.word))


def _is_sign(word: str) -> bool:
    """Whether the word of a box stands left of its numbers, as the sign of an operation does."""
    return len(word) <= _BESIDE + 2


def _lines_of(word: str) -> list[str]:
    """The lines of a long operation above its numbers."""
    words = word.replace(" ", "\0").replace("_", "_ ")
    parts = wrap(words, _WORD, break_long_words=False, break_on_hyphens=False)
    return [_middle_cut(part.replace(" ", "").replace("\0", " ")) for part in parts]


def _middle_cut(name: str) -> str:
    """A long name by its first 9 and its last 6 characters."""
    return name if len(name) <= _ABOVE else f"{name[:9]}…{name[-6:]}"


def _lines(box: Box) -> list[list[Cell]]:
    """The numbers of a box, their names left of them: one below the other, or row by row."""
    if box.rows:
        return [
            [_name(row.name, 12, _ROW, 17), *(_number(x, row, 17, _NUMBER) for x in row.numbers)]
            for row in box.rows
        ]
    height, size = (13, LABEL) if box.kind == "chip" else (15, _NUMBER)
    left = [_name(box.name, size + 1, _LEAST, height)] * stands_beside(box.name)
    left = [cell for cell in left if box.name]
    if box.word and _is_sign(box.word):
        large = 14 if len(box.word) == 1 else LABEL
        width = max(_LEAST, room(box.word, large))
        left.append(Cell(_font(in_html(box.word), SOFT.light, large), width, height, MIDDLE))
    count = max(len(box.numbers), len(left)) if box.numbers else 0
    if len(left) == 1:
        left = [left[0]._replace(more=f' ROWSPAN="{count}"')]
    numbers = [_number(x, box, height, size) for x in box.numbers]
    return [left[k : k + 1] + numbers[k : k + 1] for k in range(count)]


def _name(name: str, size: int, least: float, height: int) -> Cell:
    typeset = name_parts(name) is not None
    width = _LETTER * size * len(name) if typeset else room(name, size - 1)
    return Cell(in_names(name, size), max(least, width), height, MIDDLE)


def _wide(number: Number, size: int) -> float:
    return room(number.text, size, bold=number.back)


def _number(number: Number, box: Box, height: int, size: int) -> Cell:
    """A number at the right edge of its cell."""
    if number.blank:
        return Cell(blank(number), _WIDTH, _HEIGHT, BLANK)
    # what can be found later changes its text, and a renderer has no cell for none
    place = f' HREF="#{box.id}.{number.label}"' if number.keyed else ""
    least = (
        _LEAST
        if box.kind == "constant" and not number.keyed
        else _CELL[number.back and size == _NUMBER]
    )
    return Cell(in_number(number, size), max(least, _wide(number, size)), height, END, place)


def _font(content: str, colour: str, size: int) -> str:
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{content}</FONT>'


def title(name: str, words: str) -> Cell:
    """A title in bold, soft words after it."""
    width = room(name, _NUMBER, bold=True) + room(words, _NUMBER) + 6
    bold = _font(f"<B>{in_html(name)}</B>", INK.light, _NUMBER) if name else ""
    return Cell(bold + (_font(in_html(f"  {words}"), SOFT.light, _NUMBER) if words else ""), width)


def soft(text: str) -> str:
    """Words of a label."""
    return _font(in_html(text), SOFT.light, LABEL)


def _soft(text: str, colour: str = SOFT.light) -> Cell:
    """A line of words."""
    return Cell(_font(in_html(text), colour, LABEL), room(text, LABEL))


def in_names(name: str, size: int, colour: str = INK.light) -> str:
    """A name: in the font of names where it is a letter with indices, else upright."""
    if name_parts(name) is None:
        return _font(in_html(name), colour, size - 1)
    return f'<FONT FACE="{_SERIF}" COLOR="{colour}" POINT-SIZE="{size}">{in_html(name)}</FONT>'


def in_number(number: Number, size: int, colour: str = INK.light) -> str:
    """The text of a number: ink or the colour given, what comes back bold in that of its sign."""
    if not number.back:
        return _font(in_html(number.text), colour, size)
    content = f"<B>{in_html(number.text)}</B>" if number.value else in_html(number.text)
    return _font(content, number_colour(number.value).light, size)


def blank(number: Number) -> str:
    """A frame to write in, or with its number."""
    return (
        f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="2" CELLPADDING="0" COLOR="{INK.light}"><TR>'
        f'<TD FIXEDSIZE="TRUE" WIDTH="{_WIDTH}" HEIGHT="{_HEIGHT}">{in_html(number.text)}</TD>'
        "</TR></TABLE>"
    )


def in_html(text: str) -> str:
    r"""A cleaned text for Graphviz's HTML-like labels, where backslashes are special too: \N."""
    return html.escape(text).replace("\\", "\\\\")
