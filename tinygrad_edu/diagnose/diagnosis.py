"""Diagnosis: what was found, the names of the slips, and how it shows itself in a notebook."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.files import packaged, packaged_table
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.display import Picture, displays_still
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.report import html_table

#: Each slip by its name, and what it means.
SLIPS: Final[dict[str, str]] = packaged_table("diagnose/slips.toml")


@dataclass(frozen=True)
class Diagnosis:
    """What was found: `str(diagnosis)` is a sentence or two; a notebook shows where it is as well.

    right       whether nothing is wrong
    where       the first place that is wrong by itself, such as "delta2"; "" if right
    slip        its name in `SLIPS`, "unknown" if none of these explains it; "" if right
    sentence    what is wrong
    also        other names that say the same numbers as simply
    correction  what it should be; it is the answer, where the sentence is a hint
    numbers     a number that is wrong: its name, what it is, what it should be
    program     the lines of the program, that of `where` among them
    drawn       draws the net with the place marked, or the smallest graph; None if there is none
    """

    right: bool
    where: str
    slip: str
    sentence: str
    also: tuple[str, ...] = ()
    correction: str = ""
    numbers: tuple[str, float, float] | None = None
    program: tuple[str, ...] = field(default=(), repr=False)
    drawn: Callable[[], Picture | None] = field(default=lambda: None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.right:
            one_of("slip", self.slip, SLIPS)

    def __str__(self) -> str:
        return f"{self.sentence} {self.correction}".rstrip()

    @property
    def picture(self) -> Picture | None:
        """The picture, drawn anew; a cell of a notebook shows it where the page shows no script."""
        return self.drawn()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        """The sentence, the two numbers, the program with its line marked, and the picture."""
        name, *pair = self.numbers or ("", 0.0, 0.0)
        rows = [["", "yours", "right"], [name, *map(short, pair)]]
        return packaged("diagnose/diagnosis.html").format(
            sentence=escape(clean(str(self), 4000)),
            numbers=html_table(rows) if self.numbers else "",
            program="\n".join(map(self._marked, self.program)),
            picture="" if displays_still() else self._svg(),
        )

    def _marked(self, line: str) -> str:
        text = escape(clean(line, 1000))
        return f"<b>{text}</b>  &lt;--" if line.startswith(f"{self.where} = ") else text

    def _svg(self) -> str:
        try:
            return self.picture.svg if self.picture else ""
        except RenderError:
            return ""
