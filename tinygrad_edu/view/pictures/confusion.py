"""The confusion matrix of a classifier."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.examples import class_numbers
from tinygrad_edu.view.pictures.canvas import INK, PALE, bare, canvas, plain


def confusion(
    actual: Iterable[Any],
    predicted: Iterable[Any],
    class_names: Sequence[Any] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Confusion matrix: how many rows of each class (down) were given which class (across).

    `actual` and `predicted` are n class numbers 0..k-1. A cell is darker the larger its part of the
    rows of its class. Raises ValueError if the lengths differ, or for another class number.
    """
    true, answers = class_numbers(actual, "actual"), class_numbers(predicted, "predicted")
    if len(true) != len(answers):
        raise ValueError(f"{len(true)} actual classes but {len(answers)} predicted ones")
    k = max([*true, *answers], default=0) + 1 if class_names is None else len(class_names)
    for label in (*true, *answers):
        if not 0 <= label < k:
            raise ValueError(f"class {label} is out of range 0..{k - 1}")
    count = np.zeros((k, k), dtype=int)
    np.add.at(count, (true, answers), 1)
    part = count / count.sum(axis=1, keepdims=True).clip(1)
    size = 2.4 + 0.45 * max(k, 4)
    ax = canvas(ax, size + 0.5, size)
    ax.imshow(np.sqrt(part), cmap="Blues", vmin=0, vmax=1.15)
    for i in range(k):
        for j in range(k):
            ax.text(
                j, i, str(count[i, j]) if count[i, j] else "·", ha="center", va="center",
                color="white" if part[i, j] > 0.35 else INK if count[i, j] else PALE,
                weight="bold" if i == j else "normal",
            )  # fmt: skip
    names = [plain(name, 14) for name in (range(k) if class_names is None else class_names)]
    long = max(map(len, names)) > 4
    ax.set_xticks(range(k), names, rotation=40 if long else 0, ha="right" if long else "center")
    ax.set_yticks(range(k), names)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    bare(ax)
    return ax
