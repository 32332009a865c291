"""The demo `perceptron`: not descent, but the training rule on two clusters; its line moves."""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from tinygrad_edu.cli.options import Settings, UsageError
from tinygrad_edu.cli.run import Demo, Named, Run
from tinygrad_edu.data import Dataset, blobs
from tinygrad_edu.figure import Figure
from tinygrad_edu.perceptron import Perceptron, PerceptronHistory
from tinygrad_edu.view.base.palette import CLASSES, PLOT_INK
from tinygrad_edu.view.base.report import Picture

#: The most lines in the picture, and rows in a table.
_LINES, _ROWS = 40, 20


def _clusters(settings: Settings, rng: random.Random) -> Dataset:
    if settings.batch_size not in (1, None):
        raise UsageError(
            "the perceptron takes --batch-size 1, an update after each mistake, or full, one after "
            f"each epoch, got {settings.batch_size}"
        )
    return blobs(60, [(0, 0), (3, 2)], 0.7, rng=rng)


class _Unit(NamedTuple):
    """A threshold unit, and what happened to it."""

    perceptron: Perceptron
    history: PerceptronHistory


def _by_the_rule(run: Run, rng: random.Random) -> None:
    unit, history = run.model
    labels = [2 * c - 1 for c in run.data.y]
    batch = run.settings.batch_size is None
    try:
        while history.epochs < run.settings.epochs:
            epoch = unit.fit(run.data.X, labels, batch=batch, epochs=1, rng=rng)
            history.mistakes.extend(epoch.mistakes)
            history.weights.extend(epoch.weights[1:])
            if epoch.converged:
                break
    except KeyboardInterrupt:
        run.history.interrupted = True
    print(f"{_ending(run)}\n{_boundary(run)}")


def _ending(run: Run) -> str:
    history: PerceptronHistory = run.model.history
    if run.history.interrupted:
        return f"interrupted after {history.epochs} of {run.settings.epochs} epochs"
    return history.summary


def _boundary(run: Run) -> str:
    w0, w1, w2 = run.model.perceptron.w
    return f"y = +1 where {w0:.4g} {w1:+.4g} x1 {w2:+.4g} x2 > 0"


def _form(run: Run) -> str:
    return "summed over an epoch" if run.settings.batch_size is None else "after each example"


def _mistakes(run: Run) -> list[tuple[str, str]]:
    """Mistakes per epoch, of many epochs the first and the last."""
    mistakes = run.model.history.mistakes
    rows = [(str(epoch), str(count)) for epoch, count in enumerate(mistakes, 1)]
    if len(rows) > _ROWS:
        rows[_ROWS - 2 : -1] = [("...", "")]
    return [("epoch", "mistakes"), *rows]


def _moving_line(run: Run) -> Iterator[Named]:
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for label, marker in enumerate("os"):
        points = [x for x, c in zip(run.data.X, run.data.y, strict=True) if c == label]
        axes.scatter(
            *zip(*points, strict=True), color=CLASSES[label], marker=marker, edgecolors="white",
            zorder=3, label=f"y = {2 * label - 1:+}",
        )  # fmt: skip
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim(), xlabel="x1", ylabel="x2")
    axes.set_aspect("equal")
    lines = [w for w in run.model.history.weights if any(w[1:])][-_LINES:]
    for n, w in enumerate(lines, 1):
        last = n == len(lines)
        axes.axline(
            *Perceptron(2, w=w).line(), color=PLOT_INK, lw=2.5 if last else 1,
            alpha=1 if last else 0.1 + 0.5 * n / len(lines),
        )  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    caption = (
        "The boundary w0 + w1 x1 + w2 x2 = 0 after each update, the earlier the paler; the thick "
        "line is the last."
    )
    yield "lines.png", Picture("The line as it moves", caption, figure.png())


PERCEPTRON: Final = Demo(
    "perceptron",
    "one threshold unit and its training rule on two clusters; its line as it moves",
    Settings((), "step", 1.0, 100, 1, loss="perceptron", takes=("epochs", "batch_size", "seed")),
    data=_clusters,
    model=lambda settings, points, rng: _Unit(
        Perceptron(2), PerceptronHistory([], [(0.0, 0.0, 0.0)])
    ),
    announcement=lambda run: [
        "perceptron: 60 points in two clusters, labels -1 and 1",
        f"if y w.x <= 0 then w += y x, {_form(run)}",
    ],
    train=_by_the_rule,
    measure=_mistakes,
    lead=lambda run: f"A threshold unit learns to tell two clusters apart; {_ending(run)}.",
    facts=lambda run: {
        "points": "60 in two clusters",
        "rule": f"if y w·x ≤ 0 then w ← w + y x, {_form(run)}; x0 = 1, labels y = ±1",
        "unit": _boundary(run),
        "epochs": f"at most {run.settings.epochs}",
        "seed": str(run.settings.seed),
    },
    pictures=_moving_line,
)
