"""Diagnosis: what was found, the names of the slips, and how it shows itself in a notebook."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.text import clean, short
from tinygrad_edu.view.base.display import Picture, displays_still
from tinygrad_edu.view.base.render import RenderError
from tinygrad_edu.view.base.report import html_table

#: Each slip by its name, and what it means.
SLIPS: Final[dict[str, str]] = {
    "factor missing": "a factor of the chain rule was left out",
    "factor doubled": "a factor stands there twice",
    "sign": "plus for minus, or the operands of a difference swapped",
    "transposed": "a matrix lies on its side",
    "sum for mean": "1/n is missing",
    "mean for sum": "1/n is too much",
    "wrong slope": "the slope of another function",
    "value for slope": "the function stands where its derivative belongs",
    "slope at the wrong place": "the right derivative, taken at another number",
    "stale weights": "the weights were already updated",
    "wrong operand": "another number stands where an operand belongs",
    "constant factor": "a number is multiplied that does not belong there, or is missing",
    "term missing": "a sum lacks one of its terms",
    "overwritten": "= where += belongs: an earlier contribution is lost",
    "order": "a gradient is passed on before all of it has arrived, or again afterwards",
    "not reset": "something of an earlier pass is still there",
    "bias": "the bias, or its gradient, is wrong",
    "not started": "the pass does not begin with dy/dy = 1",
    "wrong value": "the number of the forward pass is wrong already",
    "raises": "an exception ends the pass",
    "scale": "inputs, targets and outputs are of different sizes",
    "start": "the loss at the start is far above that of a net that knows nothing",
    "constant output": "the outputs are the same whatever the inputs are",
    "symmetric units": "units of a layer began alike, and stay alike",
    "dead units": "units give 0 for every example, and pass nothing back",
    "saturated units": "units stand where their slope is almost 0",
    "vanishing gradients": "the first layers get far smaller gradients than the last",
    "exploding gradients": "the first layers get far larger gradients than the last",
    "learning rate too large": "steps lead away from where the gradient points",
    "learning rate too small": "steps change next to nothing",
    "other": "clipped, rounded, normalised along another axis: what no other name says",
    "unknown": "it is wrong there, and no slip that is known gives these numbers",
}


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
    picture     the net with the place marked, or the smallest graph that shows it; None without one
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
        file = resources.files("tinygrad_edu.diagnose").joinpath("diagnosis.html")
        return file.read_text("utf-8").format(
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
