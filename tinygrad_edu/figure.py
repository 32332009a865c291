"""Figure: a matplotlib figure that shows itself in a notebook, without pyplot's global state."""

import warnings
from io import BytesIO

from matplotlib.figure import Figure as _Figure


class Figure(_Figure):
    """As `matplotlib.figure.Figure`; `figure.savefig("loss.png")` writes it to a file."""

    def png(self) -> bytes:
        """The picture, 150 dots per inch; a character that the font lacks becomes a box."""
        buffer = BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self.savefig(buffer, format="png", dpi=150)
        return buffer.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return self.png(), {"width": round(72 * self.get_figwidth())}
