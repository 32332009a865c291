"""A figure shows itself in a notebook and draws the same bytes again."""

import logging
from io import BytesIO

import numpy as np
import pytest

from tinygrad_edu.figure import Figure


def test_a_figure_is_a_png_in_a_notebook_and_always_the_same():
    def drawn():
        figure = Figure(figsize=(2, 1))
        figure.add_subplot().plot([1, 2, 3])
        return figure._repr_png_()

    png, metadata = drawn()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert metadata == {"width": 144}
    assert drawn() == drawn()


def test_a_missing_character_is_a_box_and_no_warning():
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().set_title("\U0001f40d")
    assert figure.png().startswith(b"\x89PNG")


#: What is drawn, half transparent, and the colour that it has on white.
HALF = {
    "a line": (lambda ax: ax.plot([0, 1], color="red", alpha=0.5), "1 0.5 0.5"),
    "marks": (lambda ax: ax.plot([0], "o", color="blue", alpha=0.5), "0.5 0.5 1"),
    "dots": (lambda ax: ax.scatter([0], [0], color="lime", alpha=0.5), "0.5 1 0.5"),
    "dots by number": (
        lambda ax: ax.scatter([0, 1], [0, 1], c=[0, 1], cmap="bwr", alpha=0.5), "0.5 0.5 1"),
    "a bar": (lambda ax: ax.bar([0], [1], color="red", alpha=0.5), "1 0.5 0.5"),
    "lines of a grid": (lambda ax: ax.grid(color="lime", alpha=0.5), "0.5 1 0.5"),
    "a frame": (
        lambda ax: ax.legend(handles=ax.plot([0], label="a"), facecolor="lime", framealpha=0.5),
        "0.5 1 0.5"),
    "an opaque line": (lambda ax: ax.plot([0, 1], color="red"), "1 0 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", HALF)
def test_eps_has_the_colours_that_transparent_ones_have_on_white(name, caplog, tmp_path):
    draw, colour = HALF[name]
    figure = Figure(figsize=(2, 1))
    draw(figure.add_subplot())
    figure.png()
    before = figure.png()
    figure.savefig(tmp_path / "a.eps")
    text = (tmp_path / "a.eps").read_text()
    used = {" ".join(line.split()[:-1]) for line in text.splitlines() if "setrgbcolor" in line}
    found = np.array([row.split() for row in used if len(row.split()) == 3], dtype=float)
    assert np.isclose(found, np.array(colour.split(), dtype=float), atol=0.01).all(axis=1).any()
    with caplog.at_level(logging.WARNING):
        buffer = BytesIO()
        figure.savefig(buffer, format="eps")
    assert not caplog.records
    assert figure.png() == before
