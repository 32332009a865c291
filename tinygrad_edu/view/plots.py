"""Plots of a classifier: its decision regions in the plane, and its confusion matrix."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from tinygrad_edu.view.text import clean

if TYPE_CHECKING:
    from tinygrad_edu.figure import Figure

Points = Sequence[Sequence[float]]

#: Okabe and Ito's colours, told apart with any colour vision; classes also differ in their marker.
COLOURS: Final = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#666666"),
)
_MARKERS: Final = "os^DvPX*"
_INK: Final = "#222222"


def regions(
    shares: Callable[[list[list[float]]], Points],
    X: Points,
    y: Sequence[int],
    X_test: Points = (),
    y_test: Sequence[int] = (),
    *,
    class_names: Sequence[str],
    feature_names: Sequence[str] = ("x1", "x2"),
    resolution: int = 90,
) -> "Figure":
    """Decision regions in the plane: each point in the colour of its class, paler where in doubt.

    `shares` takes n points and gives n rows of k numbers in [0, 1], such as probabilities; the
    largest names the class. `X`, `y` are n training points with class numbers 0..k-1, drawn filled;
    `X_test`, `y_test` are drawn with a ring. `shares` is asked on a grid of `resolution` squared
    points. Raises ValueError for points that are not in the plane.
    """
    import numpy as np
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D

    from tinygrad_edu.figure import Figure

    for i, point in enumerate(chain(X, X_test)):
        if len(point) != 2:
            raise ValueError(
                f"regions are drawn for points of 2 numbers, point {i} has {len(point)}"
            )
    if not len(X):
        raise ValueError("regions need at least one training point")
    k = len(class_names)
    (left, right), (bottom, top) = (
        _extent([point[axis] for point in chain(X, X_test)]) for axis in (0, 1)
    )
    xs, ys = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    share = np.array(shares([[float(a), float(b)] for b in ys for a in xs]), dtype=float)
    share = np.nan_to_num(share.reshape(resolution, resolution, k))
    winner = share.argmax(axis=2)
    certainty = (share.max(axis=2) - 1 / k) / (1 - 1 / k)
    tint = np.array([to_rgb(colour_of(j)[0]) for j in range(k)])[winner]
    image = 1 - (1 - tint) * (0.05 + 0.4 * certainty.clip(0, 1))[..., None]

    ratio = (top - bottom) / (right - left)
    same_unit = 1 / 3 < ratio < 3
    width, height = (5.8, 5.8 * ratio) if same_unit else (5.8, 4.6)
    shrunk = min(1.0, 4.8 / height)
    figure = Figure(figsize=(width * shrunk + 0.6, height * shrunk + 0.9), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(
        image, extent=(left, right, bottom, top), origin="lower", interpolation="bilinear",
        aspect="equal" if same_unit else "auto",
    )  # fmt: skip
    for j in range(k):
        others = np.delete(share, j, axis=2).max(axis=2)
        lead = share[..., j] - others
        if lead.min() < 0 < lead.max():
            axes.contour(xs, ys, lead, levels=[0.0], colors=_INK, linewidths=1.1)
    keys, size = [], 34 if len(X) > 20 else 90
    for j in range(k):
        colour, marker = colour_of(j)
        look: dict[str, Any] = {"marker": marker, "s": size, "color": colour}
        _scatter(axes, X, y, j, edgecolors="white", linewidths=0.7, **look)
        _scatter(axes, X_test, y_test, j, edgecolors="black", linewidths=1.5, **look)
        name = f"class {_plain(class_names[j])}"
        keys.append(Line2D([], [], color=colour, marker=marker, ls="", ms=7, label=name))
    if len(X_test):
        for ring, name in (("white", "training"), ("black", "test (ringed)")):
            keys.append(
                Line2D([], [], color="#999999", marker="o", ls="", ms=7, mec=ring, label=name)
            )
    axes.set_xlabel(_plain(feature_names[0]))
    axes.set_ylabel(_plain(feature_names[1]))
    _bare(axes)
    figure.legend(handles=keys, loc="outside lower center", ncols=min(4, len(keys)), frameon=False)
    return figure


def confusion(
    actual: Sequence[int], predicted: Sequence[int], *, class_names: Sequence[str]
) -> "Figure":
    """Confusion matrix: how many rows of each class (down) were given which class (across).

    `actual` and `predicted` are n class numbers 0..k-1. A cell is darker the larger its part of the
    rows of its class. Raises ValueError if the lengths differ.
    """
    import numpy as np

    from tinygrad_edu.figure import Figure

    k = len(class_names)
    count = np.zeros((k, k), dtype=int)
    for a, p in zip(actual, predicted, strict=True):
        count[a, p] += 1
    part = count / count.sum(axis=1, keepdims=True).clip(1)
    size = 2.4 + 0.45 * max(k, 4)
    figure = Figure(figsize=(size + 0.5, size), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.sqrt(part), cmap="Blues", vmin=0, vmax=1.15)
    for i in range(k):
        for j in range(k):
            axes.text(
                j, i, str(count[i, j]) if count[i, j] else "·", ha="center", va="center",
                color="white" if part[i, j] > 0.35 else _INK if count[i, j] else "#999999",
                weight="bold" if i == j else "normal",
            )  # fmt: skip
    names = [_plain(name, 14) for name in class_names]
    long = max(map(len, names)) > 4
    axes.set_xticks(range(k), names, rotation=40 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(k), names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    _bare(axes)
    return figure


def colour_of(j: int) -> tuple[str, str]:
    """Colour and marker of class j; the pair repeats after 64 classes."""
    return COLOURS[j % 8], _MARKERS[(j + j // 8) % 8]


def _scatter(axes: Any, X: Points, y: Sequence[int], j: int, **look: Any) -> None:
    chosen = [point for point, label in zip(X, y, strict=True) if label == j]
    if chosen:
        axes.scatter([p[0] for p in chosen], [p[1] for p in chosen], zorder=3, **look)


def _extent(numbers: list[float]) -> tuple[float, float]:
    low, high = min(numbers), max(numbers)
    margin = 0.12 * (high - low) or 1.0
    return low - margin, high + margin


def _bare(axes: Any) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, colors=_INK)


def _plain(text: str, width: int = 24) -> str:
    """A user's text as a label: on one line, and dollars are no formula."""
    return clean(text, width).replace("$", r"\$")
