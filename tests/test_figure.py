"""A figure shows itself in a notebook and draws the same bytes again."""

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
