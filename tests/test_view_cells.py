"""Cells of boxes: numbers as pictures write them, names, and room for them in wide fonts."""

import math
from functools import cache

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from tinygrad_edu.view.base.numbers import UNKNOWN, decimal
from tinygrad_edu.view.base.palette import NEGATIVE_TEXT, POSITIVE_TEXT, SOFT
from tinygrad_edu.view.base.svg import room, wrapped
from tinygrad_edu.view.graph.cells import rows_of, stands_beside, table_of, width_of
from tinygrad_edu.view.graph.diagram import Box, Number

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("x", "written"),
    [
        *((0.0, "0"), (-0.0, "0"), (3.0, "3"), (-12.0, "-12"), (0.5, "0.500"), (-0.7071, "-0.707")),
        *((0.0005, "0.001"), (0.00049, "5e-4"), (-0.00042, "-4e-4"), (1e-5, "1e-5")),
        *((999.9, "999.900"), (999.9996, "1000.0"), (1234.56, "1234.6"), (123456.789, "123456.8")),
        *((999_999.0, "999999"), (999_999.9, "1.0e6"), (1e6, "1.0e6"), (-1234567.8, "-1.2e6")),
        *((1e308, "1.0e308"), (5e-324, "5e-324")),
        *((math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")),
    ],
)
def test_a_picture_writes_three_decimals_or_a_power(x, written):
    assert decimal(x) == written.replace("-", MINUS)


@pytest.mark.parametrize(
    ("name", "beside"), [("w1[2,3]", True), ("loss", True), ("result", True), ("results", False)]
)
def test_a_name_stands_beside_its_numbers_if_it_is_short(name, beside):
    assert stands_beside(name) == beside


def test_what_comes_back_has_the_colour_of_its_sign_and_zero_is_soft():
    for x, colour, bold in (
        (1.0, POSITIVE_TEXT, True),
        (-1.0, NEGATIVE_TEXT, True),
        (0.0, SOFT, False),
    ):
        [[cell]] = rows_of(Box("result", numbers=[Number("grad", x, back=True)]))
        assert (colour.light in cell.content, "<B>" in cell.content) == (True, bold)
    [[cell]] = rows_of(Box("result", numbers=[Number("grad", back=True)]))
    assert UNKNOWN in cell.content


@cache
def measured(text, size, weight):
    """The width of a text in DejaVu Sans, the widest of the usual fonts."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return width


NUMBERS = [
    0.0,
    -0.123,
    999.9,
    -999.999,
    123456.789,
    -99999.94,
    -1.2e6,
    -1.2e-10,
    -1.2e300,
    math.nan,
]


@pytest.mark.parametrize("kind", ["result", "chip", "constant"])
@pytest.mark.parametrize("x", NUMBERS)
def test_a_number_fits_its_cell_in_the_widest_font(x, kind):
    for number in (Number("data", x), Number("grad", x, back=True)):
        [[*_, cell]] = rows_of(Box(kind, numbers=[number]))
        size = 11 if kind == "chip" else 12
        weight = "bold" if number.back else "normal"
        assert measured(number.text, size, weight) <= cell.width


@pytest.mark.parametrize(
    "text",
    ["binary_cross_", "softplus", "w\N{MIDDLE DOT}x + b", "layer1.ne…ncoder", "Verlust", "mean"],
)
def test_words_have_room_in_the_widest_font(text):
    assert measured(text, 11, "normal") <= room(text, 11)
    assert measured(text, 12, "bold") <= room(text, 12, bold=True)


def test_sentences_are_wrapped_to_a_width_whatever_the_font():
    text = "Boxes: value, below it its gradient dL/d(value), blue positive, orange negative."
    lines = wrapped(text, 11, 200.0)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(measured(line, 11, "normal") <= 200 for line in lines)
    assert wrapped("one_word_that_is_longer_than_the_line", 11, 50.0) == [
        "one_word_that_is_longer_than_the_line"
    ]


def test_a_long_operation_stands_on_lines_of_its_own():
    numbers = [Number("data", 0.5), Number("grad", 1.0, back=True)]
    box = Box("result", name="L", word="binary_cross_entropy_with_logits", numbers=numbers)
    rows = rows_of(box)
    texts = [cell.content.rpartition("<")[0].rpartition(">")[2] for row in rows for cell in row]
    assert texts[:4] == ["binary_", "cross_", "entropy_", "with_logits"]
    assert width_of(rows) < width_of(
        rows_of(Box("result", name="binary_cross_entropy", numbers=numbers))
    )
    assert table_of(rows).count("<TR>") == len(rows)
