"""Lines of equations as they are broken and cut short."""

from tinygrad_edu.view.explain.equations import Line, ends, in_text
from tinygrad_edu.view.explain.notation import Both


def test_a_long_equation_is_broken_before_its_signs():
    sides = [Both(x, "") for x in ("left", "a " * 40 + "a", "b " * 30 + "b", "1")]
    rows = in_text(Line(sides, 2))
    assert rows == ["  left = " + "a " * 40 + "a", "       = " + "b " * 30 + "b", "       = 1"]


def test_the_middle_of_a_long_list_is_counted():
    assert ends("abcdefg", 4) == ["a", "b", 3, "f", "g"]
    assert ends("abcdefg", 3) == ["a", "b", 4, "g"]
    assert ends("abcde", 4) == ["a", "b", "c", "d", "e"]
