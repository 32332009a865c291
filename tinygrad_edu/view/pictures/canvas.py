"""Where a picture is drawn: the axes given, or axes of a figure of its own; and its labels."""

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.projections import get_projection_class

from tinygrad_edu.figure import Figure
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.palette import PLOT_INK, PLOT_PALE

INK: Final = PLOT_INK
PALE: Final = PLOT_PALE


class _Shown:
    """Axes that show their figure in a notebook."""

    def _repr_png_(self: Any) -> tuple[bytes, dict[str, int]]:
        shown: tuple[bytes, dict[str, int]] = self.figure._repr_png_()
        return shown


class PictureAxes(_Shown, Axes):
    """As `matplotlib.axes.Axes`; `ax.figure.savefig("regions.png")` writes the picture."""


def canvas(
    ax: Axes | None, width: float, height: float, *, projection: str = "rectilinear"
) -> Axes:
    """`ax`, or the axes of a new figure of that size in inches.

    Raises TypeError for what is no axes, ValueError for axes of another projection.
    """
    if ax is None:
        kind: type[Axes] = PictureAxes
        if projection != "rectilinear":
            kind = type("PictureAxes", (_Shown, get_projection_class(projection)), {})
        # compress: else what is beside axes of a fixed aspect, such as a legend, is cut off
        layout = ConstrainedLayoutEngine(compress=True, w_pad=0.08, h_pad=0.08)
        figure = Figure(figsize=(width, height), layout=layout)
        return figure.add_subplot(axes_class=kind)
    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be the axes of a matplotlib figure, got {type(ax).__name__}: "
            "write ax=figure.add_subplot()"
        )
    if ax.name != projection:
        raise ValueError(
            f"this picture needs axes with the projection {projection!r}, got {ax.name!r}: "
            f"write ax=figure.add_subplot(projection={projection!r})"
        )
    return ax


def legend(ax: Axes, handles: Sequence[Any], *, outside: bool) -> None:
    """The key of a picture: right of axes of our own, inside those of others."""
    if not handles:
        return
    if ax.name == "3d":
        ax.legend(handles=handles, loc="upper left", frameon=False)
    elif outside:
        ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    else:
        ax.legend(handles=handles, loc="best", framealpha=0.85, fontsize="small")


def bare(ax: Axes) -> None:
    """No frame and no tick marks; the numbers stay."""
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0, colors=INK)


def plain(text: object, width: int = 24) -> str:
    """A user's text as a label: on one line, and dollars are no formula."""
    return clean(str(text), width).replace("$", r"\$")
