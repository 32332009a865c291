"""History: what training recorded, per epoch."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class History:
    """Per epoch: mean loss (penalty included) and accuracy, in [0, 1], before each update.

    `accuracy` is empty where targets are no classes, `validation_*` without validation data.
    `stopped` says why training ended before its last epoch, else it is None.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    stopped: str | None = None
    interrupted: bool = False

    def __len__(self) -> int:
        return len(self.loss)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists."""
        return asdict(self)

    def _columns(self) -> dict[str, list[float]]:
        columns = {
            "loss": self.loss,
            "accuracy": self.accuracy,
            "validation loss": self.validation_loss,
            "validation accuracy": self.validation_accuracy,
        }
        return {name: numbers for name, numbers in columns.items() if numbers}

    def table(self, rows: int = 20) -> str:
        """A text table of at most `rows` epochs, evenly spread, first and last included."""
        columns, n = self._columns(), len(self)
        shown = sorted({round(k * (n - 1) / max(rows - 1, 1)) for k in range(rows)}) if n else []
        lines = ["epoch" + "".join(f"  {name:>12}" for name in columns)]
        for k in shown:
            cells = [
                f"{numbers[k]:.1%}" if "accuracy" in name else f"{numbers[k]:.6g}"
                for name, numbers in columns.items()
            ]
            widths = [max(12, len(name)) for name in columns]
            line = "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
            lines.append(f"{k:>5}{line}")
        return "\n".join(lines)

    def plot(self) -> "Figure":
        """Loss, and accuracy where there is one, over the epochs, as a matplotlib Figure."""
        from matplotlib.figure import Figure

        columns = self._columns()
        parts = [part for part in ("loss", "accuracy") if part in columns]
        figure = Figure(figsize=(4.5 * max(len(parts), 1), 3.2), layout="constrained")
        for k, part in enumerate(parts):
            axes = figure.add_subplot(1, len(parts), k + 1)
            for name, style in ((part, "-"), (f"validation {part}", "--")):
                if name in columns:
                    axes.plot(
                        columns[name], style, label=name.replace(part, "").strip() or "training"
                    )
            axes.set_xlabel("epoch")
            axes.set_title(part)
            axes.grid(alpha=0.3)
            if f"validation {part}" in columns:
                axes.legend(frameon=False)
        return figure

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={numbers[-1]:.4g}" for name, numbers in self._columns().items())
        return f"History({len(self)} epochs{', last ' if last else ''}{last})"
