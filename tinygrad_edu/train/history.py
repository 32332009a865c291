"""History: what training recorded, per epoch."""

import math
from collections.abc import Iterable
from typing import Any, Final

from tinygrad_edu.checks import flag, listed, number, whole
from tinygrad_edu.engine.other_names import OF_HISTORIES, add_names
from tinygrad_edu.text import table

#: What is measured in every epoch, as far as there is something to measure.
_COLUMNS: Final = ("loss", "accuracy", "validation_loss", "validation_accuracy")


def _numbers(what: str, x: Iterable[float]) -> list[float]:
    return [number(item, f"{what}[{k}]") for k, item in enumerate(listed(what, x))]


def measured(name: str, x: float, digits: int) -> str:
    """A number of the column of that name, as a table shows it."""
    return f"{x:.1%}" if "accuracy" in name else f"{x:.{digits}g}"


class History:
    """Per epoch: mean loss (penalty included) and accuracy, in [0, 1], before each update.

    `accuracy` is empty where targets are no classes, `validation_*` without validation data.
    `stopped` says why training ended before its last epoch, else it is None; `interrupted` and
    `diverged` whether it was Ctrl-C, or a number that was no longer finite.
    """

    def __init__(
        self,
        loss: Iterable[float] = (),
        accuracy: Iterable[float] = (),
        validation_loss: Iterable[float] = (),
        validation_accuracy: Iterable[float] = (),
        stopped: str | None = None,
        interrupted: bool = False,
        diverged: bool = False,
    ) -> None:
        self.loss, self.accuracy = _numbers("loss", loss), _numbers("accuracy", accuracy)
        self.validation_loss = _numbers("validation_loss", validation_loss)
        self.validation_accuracy = _numbers("validation_accuracy", validation_accuracy)
        self.stopped, self.interrupted = stopped, flag("interrupted", interrupted)
        self.diverged = flag("diverged", diverged)

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, History) else NotImplemented

    def __len__(self) -> int:
        return len(self.loss)

    def _extend(self, *measured: Iterable[float] | None) -> None:
        """More epochs: numbers for each list, in their order; None is what was not measured."""
        for name, numbers in zip(_COLUMNS, measured, strict=True):
            vars(self)[name].extend(numbers or ())

    @property
    def rank(self) -> tuple[bool, float]:
        """What runs are compared by, the best has the smallest: those that diverged come last.

        Then the last validation loss counts, without validation data the last loss; inf if none.
        """
        last = (self.validation_loss or self.loss or [math.inf])[-1]
        return self.diverged, math.inf if math.isnan(last) else last

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists."""
        return {name: list(x) if isinstance(x, list) else x for name, x in vars(self).items()}

    def columns(self) -> dict[str, list[float]]:
        """What was measured, by name ("validation loss"), as `pandas.DataFrame` takes it."""
        return {name.replace("_", " "): x for name in _COLUMNS if (x := vars(self)[name])}

    def table(self, rows: int = 20) -> str:
        """A text table of at most `rows` epochs, evenly spread, first and last included."""
        columns, n = self.columns(), len(self)
        rows = min(whole("rows", rows), n)
        epochs = sorted({round(k * (n - 1) / max(rows - 1, 1)) for k in range(rows)}) if n else []
        cells = [["epoch", *(f"{name:>12}" for name in columns)]]
        for k in epochs:
            cells.append([str(k), *(measured(name, x[k], 6) for name, x in columns.items())])
        return table(cells, left=0) + (f"\n{self.stopped}" if self.diverged else "")

    def plot(self) -> Any:
        """Loss, and accuracy where there is one, over the epochs, as a matplotlib Figure."""
        from matplotlib.ticker import PercentFormatter

        from tinygrad_edu.figure import Figure, draw_epochs

        columns = self.columns()
        parts = ["loss"] + ["accuracy"] * ("accuracy" in columns)
        figure = Figure(figsize=(6.0, 2.6 * len(parts)), layout="constrained")
        for axes, part in zip(figure.subplots(len(parts), squeeze=False)[:, 0], parts, strict=True):
            training = columns.get(part, []), {"color": "#0072b2", "label": "training"}
            validation = columns.get(f"validation {part}", [])
            look = {"color": "#d55e00", "ls": "--", "label": "validation"}
            draw_epochs(axes, [training, (validation, look)][: 1 + bool(validation)])
            axes.set_title(part, loc="left", weight="bold")
            if validation:
                axes.legend(frameon=False)
            if part == "accuracy":
                axes.yaxis.set_major_formatter(PercentFormatter(1.0))
                axes.set_ylim(top=1.02)
        return figure

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={numbers[-1]:.4g}" for name, numbers in self.columns().items())
        ended = ", diverged" if self.diverged else ""
        return f"History({len(self)} epochs{', last ' if last else ''}{last}{ended})"


add_names(History, OF_HISTORIES)
