"""Lines: equations of several sides and sentences, as text and as LaTeX; long lists cut short."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from tinygrad_edu.view.explain.notation import Both

T = TypeVar("T")

_WIDTH: Final = 100


class Line(NamedTuple):
    """An equation of several sides, or a sentence in words, which LaTeX leaves out.

    After a first side that ends in a colon stands no sign.
    """

    sides: Sequence[Both]
    indent: int = 0


def sentence(words: str, indent: int = 0) -> Line:
    """A line of words."""
    return Line([Both(words, "")], indent)


def in_text(line: Line) -> list[str]:
    """The line, side under side if it were wider than 100 columns."""
    left, *sides = _unlike([side.text for side in line.sides])
    start = " " * line.indent
    if not sides:
        return textwrap.wrap(left, _WIDTH, initial_indent=start, subsequent_indent=start)
    head = f"{start}{left} " + "= " * (not left.endswith(":"))
    whole = head + " = ".join(sides)
    if len(whole) <= _WIDTH:
        return [whole]
    margin = " " * min(len(head) - 2, line.indent + 20)
    rows = [head + sides[0], *(f"{margin}= {side}" for side in sides[1:])]
    return [
        part
        for row in rows
        for part in textwrap.wrap(
            row, _WIDTH, subsequent_indent=margin + "    ", break_on_hyphens=False
        )
    ]


def in_latex(line: Line) -> str:
    """The line for an `aligned` environment, side under side if its text is; "" for a sentence."""
    left, *sides = _unlike([side.latex for side in line.sides])
    if not sides:
        return left
    sign = "&" if line.sides[0].text.endswith(":") else "&="
    glue = " = " if len(in_text(line)) == 1 else " \\\\\n&= "
    return f"{left} {sign} {glue.join(sides)}"


def _unlike(sides: Sequence[str]) -> list[str]:
    """Without repetitions, such as that of a formula which is a number."""
    return [side for i, side in enumerate(sides) if i == 0 or side != sides[i - 1]]


def ends(items: Sequence[T], most: int) -> list[T | int]:
    """The items, or the first and last of them, and between these the number of those left out.

    `most` are kept, or one more rather than leaving out a single one.
    """
    if len(items) <= most + 1:
        return list(items)
    half = most // 2
    return [*items[: most - half], len(items) - most, *items[-half:]]


def lines_of(write: Callable[[T], Line], items: Sequence[T | int]) -> list[Line]:
    """A line for each of what `ends` gives."""
    return [more(item) if isinstance(item, int) else write(item) for item in items]


def more(n: int) -> Line:
    """The line for what was left out."""
    return Line([Both(f"… {n:,} more …", r"\vdots")], 2)
