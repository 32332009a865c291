"""Still: a run as one picture, which stays in a saved notebook."""

from matplotlib.axes import Axes

from tinygrad_edu.figure import Figure
from tinygrad_edu.playground.features import features
from tinygrad_edu.playground.panels import numbers
from tinygrad_edu.playground.run import Run
from tinygrad_edu.view import pictures
from tinygrad_edu.view.pictures.classes import COLOURS


def still(run: Run) -> Figure:
    """Decision regions, and beside them the losses where there are several."""
    curve = len(run.losses) > 1
    figure = Figure(figsize=(10.5 if curve else 6.0, 4.4), layout="constrained")
    axes = figure.subplots(1, 1 + curve, squeeze=False)[0]
    training, test = run.training, run.test
    goal = run.task

    def shown(row: list[float]) -> object:
        return run.model(row)

    pictures.regions(
        shown, training.X.tolist(), training.y.tolist(),
        X_test=[] if test is None else test.X.tolist(),
        y_test=[] if test is None else test.y.tolist(),
        transform=lambda rows: features(rows, run.settings.features),
        outputs="probabilities" if goal.output == "sigmoid" and goal.units == 1 else "scores",
        class_names=run.data.class_names, feature_names=run.data.feature_names,
        margins=False, misclassified=False, resolution=120, ax=axes[0],
    )  # fmt: skip
    if curve:
        _losses(run, axes[1])
    figure.suptitle(numbers(run.losses[-1]), fontsize="medium")
    return figure


def _losses(run: Run, ax: Axes) -> None:
    epochs = [m.epoch for m in run.losses]
    ax.plot(epochs, [m.loss for m in run.losses], color=COLOURS[0], label="training")
    if run.test is not None:
        losses = [m.test_loss for m in run.losses if m.test_loss is not None]
        ax.plot(epochs, losses, color=COLOURS[0], ls="--", label="test")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
