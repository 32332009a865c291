"""The colours of every view: blue is positive, orange negative, and zero is the ground.

The two hues are those of Okabe and Ito, told apart with any colour vision; they are nearly as light
as each other, so that a sign never stands by its colour alone: lines of negative numbers are
dashed, numbers carry their minus. Classes do not contradict the signs: of two, class 0 is orange
and class 1, which a positive output means, is blue.
"""

from string import Template
from typing import Any, Final, NamedTuple


class Colour(NamedTuple):
    """A colour on a light ground and on a dark one."""

    light: str
    dark: str


POSITIVE: Final = Colour("#0072b2", "#4aa9e6")
NEGATIVE: Final = Colour("#d55e00", "#f28a3c")
#: The ground, and zero in every map.
ZERO: Final = Colour("#ffffff", "#14171d")
#: Coloured numbers, which need more contrast than areas and lines.
POSITIVE_TEXT: Final = Colour("#00639c", "#6cbcf0")
NEGATIVE_TEXT: Final = Colour("#b04c00", "#f79a55")
INK: Final = Colour("#15181e", "#e9ecf1")
SOFT: Final = Colour("#565e6c", "#a5aebc")
EDGE: Final = Colour("#878f9d", "#6f7a8b")
WASH: Final = Colour("#f5f6f8", "#1b2028")
#: Parameters, and a control under the pointer.
PRESS: Final = Colour("#e8ebef", "#2a313c")
HAIRLINE: Final = Colour("#d9dde5", "#343b48")
#: Messages about what went wrong.
ERROR: Final = Colour("#b3261e", "#f2b8b5")
#: What is chosen or computed now.
NOW: Final = Colour("#8f2bb3", "#d79af0")

#: What stands in the SVG of a renderer for a cell whose text ends at its right edge, and for one
#: whose text stands in its middle.
END: Final = "#fffffe"
MIDDLE: Final = "#fffffd"

# Plots have a white ground.
PLOT_INK: Final = "#222222"
PLOT_FAINT: Final = "#555555"
PLOT_PALE: Final = "#999999"
PLOT_SHADE: Final = "#ececec"
#: Contours of a surface: from the lowest area to the highest, their lines, and numbers on them.
HEIGHTS: Final = ("#ffffff", "#b9bdd0", "#7b809c", "#4a4e66")
#: Maps of matplotlib, for what has no sign: shares, the ink of images, a relief, what has an order.
SHARES, IMAGES, RELIEF, IN_ORDER = "Blues", "Greys", "Blues_r", "viridis"

#: The colours of classes 0, 1, 2, ...: those of Okabe and Ito, and two more.
CLASSES: Final = (
    *(NEGATIVE.light, POSITIVE.light, "#009e73", "#cc79a7", "#e69f00"),
    *("#56b4e9", "#7a5195", "#666666", "#8a5a2b", "#c8b900"),
)
#: The colours of several curves, the first one alone.
CURVES: Final = (POSITIVE.light, NEGATIVE.light, *CLASSES[2:])


def signed_map() -> Any:
    """A matplotlib colour map from negative over zero to positive, for a light ground."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = [NEGATIVE.light, ZERO.light, POSITIVE.light]
    return LinearSegmentedColormap.from_list("signed", colours, N=257)  # 0 is ZERO


#: The colours by name: POSITIVE, on a dark ground POSITIVE_DARK, ....
BY_NAME: Final = {
    **{name: c.light for name, c in globals().items() if isinstance(c, Colour)},
    **{f"{name}_DARK": c.dark for name, c in globals().items() if isinstance(c, Colour)},
    **{f"CLASS{k}": colour for k, colour in enumerate(CLASSES)},
}

#: The names of colours as classes of a picture have them, by colour: positive, s-positive, ....
NAMES: Final = {
    c.light: name.lower() for name, c in globals().items() if isinstance(c, Colour) and c != ERROR
}


def number_colour(x: float | None) -> Colour:
    """The colour of a number that has that of its sign; 0, and one that is not known, are soft."""
    return POSITIVE_TEXT if x and x > 0 else NEGATIVE_TEXT if x and x < 0 else SOFT


def styled(sheet: str) -> str:
    """A style sheet with colours for `$POSITIVE`, on a dark ground `$POSITIVE_DARK`, ...."""
    return Template(sheet).substitute(BY_NAME)
