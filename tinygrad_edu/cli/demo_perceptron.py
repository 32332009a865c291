"""The demo `perceptron`: the training rule on two clusters, and the line as it moves."""

import random
import sys
from typing import TYPE_CHECKING, Final

from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.cli.folder import make_folder, write_files
from tinygrad_edu.cli.options import Settings
from tinygrad_edu.data import Dataset, blobs
from tinygrad_edu.perceptron import Perceptron, PerceptronHistory
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.report import Picture, report

if TYPE_CHECKING:
    from tinygrad_edu.figure import Figure

DEFAULT: Final = Settings(
    (), "step", 1.0, 100, 1, loss="perceptron", takes=("epochs", "batch_size", "seed")
)
#: The most lines in the picture, and rows in a table.
_LINES, _ROWS = 40, 20


def run(settings: Settings, rng: random.Random) -> int:
    """Train, print the updates of each epoch and write the report; 130 after Ctrl-C, else 0."""
    if settings.batch_size not in (1, None):
        raise UsageError(
            "the perceptron takes --batch-size 1, an update after each mistake, or full, one after "
            f"each epoch, got {settings.batch_size}"
        )
    points = blobs(60, [(0, 0), (3, 2)], 0.7, rng=rng)
    make_folder(settings.out)
    print(
        "perceptron: 60 points in two clusters, labels -1 and 1\n"
        f"if y w.x <= 0 then w += y x, {_form(settings)}\n"
    )
    unit = Perceptron(2)
    history, interrupted = _trained(unit, points, settings, rng)
    rows = _table(history)
    for epoch, mistakes in rows:
        print(f"  {epoch:>5}{mistakes:>12}")
    if interrupted:
        ending = f"interrupted after {history.epochs} of {settings.epochs} epochs"
    else:
        ending = history.summary
    w0, w1, w2 = unit.w
    line = f"y = +1 where {w0:.4g} {w1:+.4g} x1 {w2:+.4g} x2 > 0"
    print(f"{ending}\n{line}\n")
    picture = Picture("The line as it moves", _CAPTION, _lines(points, history).png())
    page = report(
        "tinygrad_edu: perceptron",
        f"A threshold unit learns to tell two clusters apart; {ending}.",
        results=rows,
        settings={
            "points": "60 in two clusters",
            "rule": f"if y w·x ≤ 0 then w ← w + y x, {_form(settings)}; x0 = 1, labels y = ±1",
            "unit": line,
            "epochs": f"at most {settings.epochs}",
            "seed": str(settings.seed),
        },
        pictures=[picture],
        command=settings.typed(["demo", "perceptron"]),
    )
    written = write_files(settings.out, [("lines.png", picture)], page)
    print(f"wrote {', '.join(written)}\n   to {clean(settings.out, 1000)}")
    if interrupted:
        print("tinygrad-edu: interrupted; what was learned so far is shown", file=sys.stderr)
    return 130 if interrupted else 0


_CAPTION: Final = (
    "The boundary w0 + w1 x1 + w2 x2 = 0 after each update, the earlier the paler; the thick line "
    "is the last."
)


def _form(settings: Settings) -> str:
    return "summed over an epoch" if settings.batch_size is None else "after each example"


def _trained(
    unit: Perceptron, points: Dataset, settings: Settings, rng: random.Random
) -> tuple[PerceptronHistory, bool]:
    """What happened, and whether Ctrl-C ended it."""
    labels = [2 * c - 1 for c in points.y]
    history = PerceptronHistory([], [tuple(unit.w)])
    try:
        while history.epochs < settings.epochs:
            one = unit.fit(points.X, labels, batch=settings.batch_size is None, epochs=1, rng=rng)
            history.mistakes.extend(one.mistakes)
            history.weights.extend(one.weights[1:])
            if one.converged:
                break
    except KeyboardInterrupt:
        return history, True
    return history, False


def _table(history: PerceptronHistory) -> list[tuple[str, str]]:
    """Mistakes per epoch, of many epochs the first and the last."""
    rows = [(str(n), str(mistakes)) for n, mistakes in enumerate(history.mistakes, 1)]
    if len(rows) > _ROWS:
        rows[_ROWS - 2 : -1] = [("...", "")]
    return [("epoch", "mistakes"), *rows]


def _lines(points: Dataset, history: PerceptronHistory) -> "Figure":
    from tinygrad_edu.figure import Figure

    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for label, colour, marker in ((0, "#0072b2", "o"), (1, "#d55e00", "s")):
        chosen = [x for x, c in zip(points.X, points.y, strict=True) if c == label]
        axes.scatter(
            [x for x, _ in chosen], [y for _, y in chosen], color=colour, marker=marker,
            edgecolors="white", zorder=3, label=f"y = {2 * label - 1:+}",
        )  # fmt: skip
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim(), xlabel="x1", ylabel="x2")
    axes.set_aspect("equal")
    drawn = [w for w in history.weights if any(w[1:])][-_LINES:]
    for n, w in enumerate(drawn, 1):
        last = n == len(drawn)
        axes.axline(
            *Perceptron(2, w=w).line(), color="#222222", lw=2.5 if last else 1,
            alpha=1 if last else 0.1 + 0.5 * n / len(drawn),
        )  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
