"""A montage: small pictures side by side in one axes, each in its cell with a title."""

from typing import Final

from matplotlib.axes import Axes

from tinygrad_edu.view.pictures.canvas import INK, canvas
from tinygrad_edu.view.pictures.field import Extent

#: A cell is a square of side 1; so much is left between cells, and above them for a title.
GAP: Final = 0.12
TITLE: Final = 0.26


def cell(row: int, column: int) -> Extent:
    """The square of a cell; rows go downwards."""
    left, top = column * (1 + GAP), -row * (1 + GAP + TITLE)
    return left, left + 1, top - 1, top


def sheet(ax: Axes | None, rows: int, columns: int, inches: float, beside: float = 0.0) -> Axes:
    """Axes for that many cells.

    A figure of our own has them in that size, and so many inches `beside` them for a legend.
    """
    height = 1 + GAP + TITLE
    width = max(columns * (1 + GAP) * inches, 3.0)
    ax = canvas(ax, width + 0.6 + beside, rows * height * inches + 0.5)
    ax.set_xlim(-GAP, columns * (1 + GAP))
    ax.set_ylim(-rows * height, TITLE)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def title(ax: Axes, extent: Extent, text: str, *, size: float = 8) -> None:
    """The title of a cell."""
    left, right, _, top = extent
    ax.text(
        (left + right) / 2, top + 0.03, text, ha="center", va="bottom", fontsize=size, color=INK
    )
