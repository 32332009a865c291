import math

import pytest

from tinygrad_edu.text import clean, short, superscript
from tinygrad_edu.view.graph.cells import in_html
from tinygrad_edu.view.graph.dot import in_tooltip


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (2.0, "2"),
        (-1.5, "-1.5"),
        (0.7071067811865477, "0.7071"),
        (6.8813735870195432, "6.881"),
        (0.0001234567, "0.0001235"),
        (0.00001234567, "1.235e-5"),
        (9999.4, "9999"),
        (9999.6, "10000"),
        (12345.678, "12346"),
        (-999999.0, "-999999"),
        (999999.7, "1e6"),
        (1e308, "1e308"),
        (-1e308, "-1e308"),
        (5e-324, "4.941e-324"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_numbers_are_written_with_four_significant_digits(x: float, written: str) -> None:
    assert short(x) == written


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (2.0, "²"),
        (-1.0, "⁻¹"),
        (10.0, "¹⁰"),
        (0.5, "^0.5"),
        (1e6, "^1e6"),
        (math.nan, "^nan"),
        (-math.inf, "^-inf"),
    ],
)
def test_whole_exponents_are_raised(x: float, written: str) -> None:
    assert superscript(x) == written


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("w1", "w1"),
        ("Größe 重み 🙂", "Größe 重み 🙂"),
        ("a\nb\r\n\tc\u2028d", "a b c d"),
        ("a\x00b\x0bc\x1bd\x7fe\x9b", "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd"),
        ("\ufffe\uffff\U0001fffe\ufdd0", "\ufffd\ufffd\ufffd\ufffd"),
        ("\ud800", "\ufffd"),
        ("user\u202etxt\u2066x\u200f", "usertxtx"),
        ("\u0645\u200d", "\u0645\u200d"),
        ("a" * 24, "a" * 24),
        ("a" * 25, "a" * 23 + "…"),
        ("a" * 100_000, "a" * 23 + "…"),
        ("", ""),
    ],
)
def test_a_text_is_cleaned_to_one_short_harmless_line(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    assert clean("abcdef", 4) == "abc…"


def test_special_characters_of_dot_are_escaped():
    assert in_html("<b>\\N & \"'") == "&lt;b&gt;\\\\N &amp; &quot;&#x27;"
    assert in_tooltip("\\N &lt;") == "\\\\\u2060N &amp;lt;"
