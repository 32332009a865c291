"""What a classifier gives: decision regions in the plane, and the confusion matrix."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from tinygrad_edu.checks import as_model, flag, listed, one_of
from tinygrad_edu.examples import class_numbers, inputs
from tinygrad_edu.losses import Loss
from tinygrad_edu.train.evaluation import head_of_model
from tinygrad_edu.train.heads import Head
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import PLOT_FAINT, PLOT_INK, PLOT_PALE, SHARES
from tinygrad_edu.view.pictures.canvas import (
    bare,
    canvas,
    check_classes,
    class_labels,
    key,
    keys,
    legend,
    places_of,
    plain,
    plane,
    point_size,
    scatter,
    tinted,
)
from tinygrad_edu.view.pictures.field import (
    Extent,
    Field,
    Transform,
    evaluating,
    extent_of,
    field,
    first_units,
    mapped,
    numbers_at,
)

#: More classes than this are named in the plane too.
_NAMED_BESIDE: Final = 4


def regions(
    model: Callable[[Any], Any],
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    X_test: Iterable[Any] = (),
    y_test: Iterable[Any] = (),
    ax: Axes | None = None,
    transform: Transform | None = None,
    loss: str | Loss | None = None,
    outputs: str = "auto",
    class_names: Sequence[Any] | None = None,
    feature_names: Sequence[Any] = ("x1", "x2"),
    resolution: int = 300,
    hidden_lines: bool = True,
    misclassified: bool = True,
    margins: bool = True,
) -> Axes:
    """Decision regions in the plane: each point in the colour of its class, paler where in doubt.

    `X`, `y` are n training points of 2 numbers with class numbers, 0..k-1 or for one output also -1
    and 1; `X_test`, `y_test` are drawn with a black edge. `model` is a function of one row, as
    `predict` takes it; it is asked on a grid of `resolution` squared points, 60 squared if it
    cannot be vectorised. `transform` makes the model's rows from points, such as the scaling it was
    trained with: `transform=standardising(X)`.

    `loss`, what the model was trained with, says what its outputs mean, as for `probabilities`.
    Without it one output is a probability, its classes tied at 1/2, where all outputs are in [0, 1]
    and no label is -1; else a score, tied at 0. Several outputs are probabilities where they have
    the sum 1, else net inputs of a softmax. `outputs="probabilities"` or "scores" decides
    otherwise, as for a linear unit that was trained to give 0 and 1.

    `margins` are dotted: scores of -1 and 1, or where the largest probability is 3/4.
    `misclassified` points get a ring. `hidden_lines` are the lines z = 0 of the units in the first
    layer of an MLP or a Sequential, dashed.

    Raises ValueError for points that are not in the plane, and labels that do not fit the outputs.
    """
    hidden_lines, margins = flag("hidden_lines", hidden_lines), flag("margins", margins)
    misclassified = flag("misclassified", misclassified)
    feature_names = listed("feature_names", feature_names, "names")
    if len(feature_names) < 2:
        raise ValueError(f"feature_names are those of the two axes, got {len(feature_names)}")
    across, up, *_ = feature_names
    points, labels = _points(X, y, "y")
    test, test_labels = _points(X_test, y_test, "y_test")
    if not len(points):
        raise ValueError("regions need at least one training point")
    n, both, every_label = len(points), np.vstack([points, test]), [*labels, *test_labels]
    extent = extent_of(both)
    units = first_units(model, hidden=True) if hidden_lines else []
    with evaluating(model):
        grid = field(as_model(model), extent, resolution, transform)
        rows = mapped("transform", transform, both)
        at_points = numbers_at(model, rows)
    sides = grid.numbers.shape[:2]
    everything = np.vstack([grid.numbers.reshape(-1, at_points.shape[1]), at_points])
    head = None if loss is None else head_of_model(model, rows[0].tolist(), loss)
    shares, depth, limit, margin = read(everything, every_label, outputs, head)
    k = shares.shape[1]
    names = class_labels(every_label, k, class_names)
    grid = grid._replace(numbers=shares[: -len(both)].reshape(*sides, k))
    classes = places_of(every_label)
    wrong = shares[-len(both) :].argmax(axis=1) != classes

    outside = ax is None
    height = 5.8 * _same_unit(extent) or 4.6
    shrunk = min(1.0, 4.8 / height)
    ax = canvas(ax, 5.8 * shrunk + 2.2, height * shrunk + 0.5)
    entries = keys(names)
    paint(ax, grid, extent)
    if margins and _line(ax, grid, depth[: -len(both)].reshape(sides), limit, ls=":"):
        entries.append(key(margin, ls=":", lw=1))
    if units:
        z = field(lambda x: [u.net_input(x) for u in units], extent, 40, transform)
        for j in range(len(units)):
            width = 0.7 if len(units) <= 16 else 0.4
            _line(ax, z, z.numbers[..., j], 0.0, ls="--", colour=PLOT_FAINT, width=width)
        entries.append(key("hidden unit z = 0", color=PLOT_FAINT, ls="--", lw=0.8))
    scatter(ax, points, classes[:n], k, len(both))
    if len(test):
        scatter(ax, test, classes[n:], k, len(both), edgecolors="black", linewidths=1.2)
        for edge, name in (("white", "training"), ("black", "test")):
            entries.append(key(name, color=PLOT_PALE, marker="o", ls="", ms=7, mec=edge, mew=1.2))
    if misclassified and wrong.any():
        size = point_size(len(both))
        factor, width = (4.0, 1.0) if size > 20 else (3.0, 0.6)
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": PLOT_INK, "linewidths": width}
        x1, x2 = both[wrong].T
        ax.scatter(x1, x2, s=factor * size, zorder=4, **ring)
        name = f"wrong: {wrong.sum()} of {len(both)}"
        entries.append(key(name, marker="o", ls="", ms=11, mfc="none", mew=1.0))
    if k > _NAMED_BESIDE:
        _name_beside(ax, both, classes, names)
    plane(ax, extent, plain(across), plain(up))
    bare(ax)
    legend(ax, entries, outside=outside)
    return ax


def paint(ax: Axes, shares: Field, extent: Extent) -> None:
    """The regions of k classes and the lines between them, from their shares over a grid."""
    ax.imshow(
        tinted(shares.numbers), extent=extent, origin="lower", interpolation="bilinear",
        aspect="equal" if _same_unit(extent) else "auto",
    )  # fmt: skip
    for lead in boundaries(shares.numbers):
        _line(ax, shares, lead, 0.0, width=1.1)


def _line(
    ax: Axes, grid: Field, height: Array, level: float, *,
    ls: str = "-", colour: str = PLOT_INK, width: float = 1.0,
) -> bool:  # fmt: skip
    """The line where `height` has that level; whether there is one."""
    crossed = bool(height.min() < level < height.max())
    if crossed:
        look: dict[str, Any] = {"colors": colour, "linewidths": width, "linestyles": ls}
        ax.contour(grid.xs, grid.ys, height, levels=[level], **look)
    return crossed


def _name_beside(ax: Axes, points: Array, classes: Array, names: Sequence[str]) -> None:
    """The name of each class in the middle of its points."""
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for j, name in enumerate(names):
        if (classes == j).any():
            x, y = np.median(points[classes == j], axis=0).tolist()
            ax.text(
                x, y, name.removeprefix("class "), ha="center", va="center", weight="bold",
                color=PLOT_INK, path_effects=halo, zorder=5,
            )  # fmt: skip


def _points(X: Iterable[Any], y: Iterable[Any], name: str) -> tuple[Array, list[int]]:
    """Points of the plane (n, 2), and their n labels."""
    rows, labels = inputs(X, name.replace("y", "X")), class_numbers(y, name)
    if len(rows) and len(rows[0]) != 2:  # all are as long
        raise ValueError(f"regions are drawn for points of 2 numbers, point 0 has {len(rows[0])}")
    if len(rows) != len(labels):
        raise ValueError(f"{name} has {len(labels)} labels for {len(rows)} points")
    return rows.array.reshape(-1, 2), labels


def _same_unit(extent: Extent) -> float:
    """Height by width of data whose two axes are taken to have the same unit; 0 for other data."""
    left, right, bottom, top = extent
    ratio = (top - bottom) / (right - left)
    return ratio if 0.4 < ratio < 2.5 else 0.0


class Reading(NamedTuple):
    """The shares of the classes, (..., k) in [0, 1].

    A point is beyond the margin where its `depth` (...) is above `limit`; `margin` says what this
    means.
    """

    shares: Array
    depth: Array
    limit: float
    margin: str


def read(
    outputs: Array, labels: Sequence[int], reading: str = "auto", head: Head | None = None
) -> Reading:
    """Shares from outputs (..., K), for data with these labels, by their head if it is known.

    Otherwise one output tells two classes apart, labelled 0 and 1 or -1 and 1. It is a probability
    of class 1 if every output lies in [0, 1] and no label is -1; else it is a score, above 0 for
    class 1, with the margins -1 and 1. Several outputs, one per class 0..K-1, are probabilities if
    they lie in [0, 1] and have the sum 1; else they are net inputs of a softmax. `reading`
    "probabilities" or "scores" decides otherwise. Raises ValueError for labels that do not fit.
    """
    one_of("outputs", reading, ("auto", "probabilities", "scores"))
    outputs = np.nan_to_num(outputs, nan=0.0, posinf=1e300, neginf=-1e300)
    _check_labels(labels, outputs.shape[-1])
    if head is None or reading != "auto":
        head = _likely_head(outputs, labels, reading)
    elif -1 in labels:
        head = head._replace(low=-1)
    shares = head.probabilities(outputs)
    if head.units == 1 and head.low < 0 and head.outputs != "logit":
        return Reading(shares, np.abs(outputs[..., 0]), 1.0, "score ±1")
    return Reading(shares, shares.max(axis=-1), 0.75, "probability 3/4")


def _likely_head(outputs: Array, labels: Sequence[int], reading: str) -> Head:
    n = outputs.shape[-1]
    probable = bool(((outputs >= 0) & (outputs <= 1)).all()) and -1 not in labels
    if n > 1:
        probable = probable and bool(np.allclose(outputs.sum(axis=-1), 1, atol=1e-6))
    if reading != "auto":
        probable = reading == "probabilities"
    kind = "numbers" if probable else "score" if n == 1 else "logits"
    return Head(kind, n, "softmax" if probable else "linear", -1 if kind == "score" else 0)


def _check_labels(labels: Sequence[int], outputs: int) -> None:
    allowed: Sequence[int] = range(outputs)
    expected = f"{outputs} outputs tell the classes 0..{outputs - 1} apart"
    if outputs == 1:
        allowed = (-1, 1) if -1 in labels else (0, 1)
        expected = "one output tells 2 classes apart, labelled 0 and 1 or -1 and 1"
    for label in labels:
        if label not in allowed:
            raise ValueError(f"{expected}: y has the label {label}")


def boundaries(shares: Array) -> list[Array]:
    """For each class how far it leads the others: its region is bounded by 0."""
    k = shares.shape[-1]
    leads = [shares[..., j] - np.delete(shares, j, axis=-1).max(axis=-1) for j in range(k)]
    return leads[:1] if k == 2 else leads


def confusion(
    actual: Iterable[Any],
    predicted: Iterable[Any],
    class_names: Sequence[Any] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Confusion matrix: how many rows of each class (down) were given which class (across).

    `actual` and `predicted` are n class numbers: of the k names 0..k-1, without names any, and the
    classes are those that occur. A cell is darker the larger its part of the rows of its class.
    Raises ValueError if the lengths differ, for another class number, and more than 100 classes.
    """
    true, answers = class_numbers(actual, "actual"), class_numbers(predicted, "predicted")
    if len(true) != len(answers):
        raise ValueError(f"{len(true)} actual classes but {len(answers)} predicted ones")
    occur = {*true, *answers}
    if class_names is not None:
        class_names = listed("class_names", class_names, "names")
    classes = sorted(occur or {0}) if class_names is None else list(range(len(class_names)))
    k = len(classes)
    if strange := occur.difference(classes):
        raise ValueError(f"class {min(strange)} is out of range 0..{k - 1}")
    check_classes(k)
    pairs = Counter(zip(true, answers, strict=True))
    count = np.array([[pairs[a, b] for b in classes] for a in classes])
    part = count / count.sum(axis=1, keepdims=True).clip(1)
    size = 2.4 + 0.45 * max(k, 4)
    ax = canvas(ax, size + 0.5, size)
    ax.imshow(np.sqrt(part), cmap=SHARES, vmin=0, vmax=1.15)
    for i in range(k):
        for j in range(k):
            ax.text(
                j, i, str(count[i, j]) if count[i, j] else "·", ha="center", va="center",
                color="white" if part[i, j] > 0.35 else PLOT_INK if count[i, j] else PLOT_PALE,
                weight="bold" if i == j else "normal",
            )  # fmt: skip
    names = [plain(name, 14) for name in (classes if class_names is None else class_names)]
    long = max(map(len, names)) > 4
    ax.set_xticks(range(k), names, rotation=40 if long else 0, ha="right" if long else "center")
    ax.set_yticks(range(k), names)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    bare(ax)
    return ax
