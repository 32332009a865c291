"""Formulas as text: what they mean, and that nothing else means anything."""

import math
import random

import pytest

from tinygrad_edu import functions
from tinygrad_edu.cli.formula import (
    ALLOWED,
    MAX_DEPTH,
    MAX_LENGTH,
    FormulaError,
    evaluate,
    variables,
)
from tinygrad_edu.engine import Value


def abc() -> dict[str, Value]:
    return {"a": Value(2.0, "a"), "b": Value(-3.0, "b"), "c": Value(10.0, "c")}


def refused(text: str) -> str:
    with pytest.raises(FormulaError) as caught:
        evaluate(text, abc())
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", -1.0),
        ("a - b", 5.0),
        ("a * b", -6.0),
        ("a / b", 2.0 / -3.0),
        ("a ** 3", 8.0),
        ("2 ** a", 4.0),
        ("-a ** 2", -4.0),
        ("+a", 2.0),
        ("(a + b) * c", -10.0),
        ("a - b - c", -5.0),
        ("1.5e1 * a", 30.0),
        ("pi * a", 2 * math.pi),
        ("log(e)", 1.0),
        ("tanh(a*b + c)", math.tanh(4.0)),
        ("abs(b)", 3.0),
        ("pow(a, 2)", 4.0),
        ("maximum(a, b)", 2.0),
        ("max(a, b, c)", 10.0),
        ("sum([a, b, c])", 9.0),
        ("prod([a, b, c])", -60.0),
        ("mean([a, b])", -0.5),
        ("dot([a, b], [b, c])", -36.0),
        ("dot([a, b], [b, c], c)", -26.0),
        ("dot([a, b], [b, c], b=c)", -26.0),
        ("sum(softmax([a, b]))", 1.0),
        ("leaky_relu(b, alpha=0.5)", -1.5),
        ("leaky_relu(b, 0.5)", -1.5),
        ("elu(b, alpha=-(1 + 1))", -2 * math.expm1(-3.0)),
        ("where(a > 0, b, c)", -3.0),
        ("where(0 < a < b, b, c)", 10.0),
        ("where(a == 2, b, c)", -3.0),
        ("where(a != 2, b, c)", 10.0),
        ("where(equal(a, b), b, c)", 10.0),
        ("where(a, b, c)", -3.0),
        ("sum([])", 0.0),
        ("2 * 3", 6.0),
        (" a\n * b ", -6.0),
    ],
)
def test_a_formula_means_what_it_says(text: str, expected: float) -> None:
    assert evaluate(text, abc()).data == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/0", math.inf),
        ("a/0", math.inf),
        ("log(0)", -math.inf),
        ("b**0.5", math.nan),
        ("9**9**9**9", math.inf),
        ("0/0", math.nan),
    ],
)
def test_numbers_follow_ieee_754(text: str, expected: float) -> None:
    assert repr(evaluate(text, abc()).data) == repr(expected)


def test_the_result_has_a_graph_down_to_the_named_values() -> None:
    values = abc()
    y = evaluate("tanh(a*b + c)", values)
    assert y.op is functions.tanh
    assert y.parents[0].parents[1] is values["c"]
    y.backward()
    slope = 1 - math.tanh(4.0) ** 2
    assert [v.grad for v in values.values()] == pytest.approx([-3 * slope, 2 * slope, slope])


def test_an_exponent_that_is_a_number_is_a_constant_of_the_operation() -> None:
    y = evaluate("a**2", abc())
    assert len(y.parents) == 1
    assert y.op is not None
    assert y.op.constants == {"c": 2.0}


def test_values_may_be_numbers_and_go_before_the_constants() -> None:
    assert evaluate("a * e", {"a": 3, "e": Value(2.0)}).data == 6.0


def test_names_are_compared_as_python_compares_them() -> None:
    micro_sign, greek_mu = "\u00b5", "\u03bc"
    assert evaluate(micro_sign, {micro_sign: 3.0}).data == 3.0
    assert evaluate(greek_mu, {micro_sign: 3.0}).data == 3.0


def test_a_value_that_is_no_number_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="a takes one real number, got str '2'"):
        evaluate("a", {"a": "2"})


def test_a_formula_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="a formula is a text such as 'a\\*b \\+ c', got Value"):
        evaluate(Value(2.0), {})  # type: ignore[arg-type]


def test_variables_come_in_order_of_appearance_without_functions() -> None:
    assert variables("tanh(b*a + pi) + leaky_relu(b, alpha=c)") == ["b", "a", "pi", "c"]


@pytest.mark.parametrize("name", functions.__all__)
def test_every_function_can_be_called(name: str) -> None:
    pairs = {"dot": "[a, b], [b, c]", "where": "a > 0, b, c", "equal": ""}
    lists = ("logsumexp", "max", "mean", "min", "prod", "sum", "softmax", "log_softmax")
    binary = ("atan2", "divide", "hypot", "maximum", "minimum", "pow", "prelu", "remainder")
    operands = pairs.get(name, "[a, b]" if name in lists else "a, b" if name in binary else "a")
    call = f"{name}({operands})"
    if name == "equal":
        call = "where(equal(a, b), a, b)"
    elif "softmax" in name:
        call = f"sum({call})"
    assert isinstance(evaluate(call, abc()), Value)


NO_PART = "this is not part of a formula"
NO_ATTRIBUTES = "there are no attributes; functions are called by their name, as in tanh(a)"
IN_WHERE = "a comparison chooses inside where, as in where(a > 0, a, b)"


def with_place(text: str, column: int, sentence: str) -> str:
    return f"{sentence}\n  {' '.join(text.split())}\n  {' ' * column}^"


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        ("a^2", 1, "^ is no power; write a**2"),
        ("(a+b) ^ 2", 6, "^ is no power; write a**2"),
        ("a // b", 2, "// is not defined here; write a / b"),
        ("1 + a @ b", 6, NO_PART),
        ("2*a.real", 2, NO_ATTRIBUTES),
        ("a.tanh()", 0, NO_ATTRIBUTES),
        ("1 + a[0]", 4, "there is no indexing; a formula is one number"),
        ("lambda: a", 0, NO_PART),
        ("1 + 'b'", 4, NO_PART),
        ("1 + 1j", 4, NO_PART),
        ("1 + True", 4, NO_PART),
        ("(d := 2)", 1, "names are given their numbers outside the formula, as in a=2"),
        ("sum([x for x in c])", 4, NO_PART),
        ("sum(x for x in c)", 3, NO_PART),
        ("sum([*a])", 5, "a list is written out, as in sum([a, b])"),
        ("sum((a, b))", 4, "a list has square brackets, as in sum([a, b])"),
        ("a if b else c", 0, "there is no if; write where(a > 0, a, b)"),
        ("a and b", 0, NO_PART),
        ("not a", 0, NO_PART),
        ("where(a in b, a, b)", 6, NO_PART),
        ("f'{a}'", 0, NO_PART),
        ("{a}", 0, NO_PART),
        ("abs(lambda: a)(b)", 0, NO_PART),
        ("(a", 0, "'(' was never closed"),
        ("a + ", 3, "invalid syntax"),
        ("a b", 2, "invalid syntax"),
        ("2a", 0, "invalid decimal literal; a product is written 2*a"),
        ("é + $", 4, "invalid syntax"),
        ("__import__('os').system('x')", 0, NO_ATTRIBUTES),
    ],
)
def test_other_syntax_is_refused_with_its_place_and_what_is_allowed(
    text: str, column: int, sentence: str
) -> None:
    assert refused(text) == f"{with_place(text, column, sentence)}\n{ALLOWED}"


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        ("a + d", 4, "d needs a number, as in d=1"),
        ("é*a", 0, "é needs a number, as in é=1"),
        ("a*é + d", 2, "é needs a number, as in é=1"),
        ("tahn(a)", 0, "there is no function tahn: did you mean tan?"),
        ("a * sigmod(b)", 4, "there is no function sigmod: did you mean sigmoid?"),
        ("ln(a)", 0, "there is no function ln: did you mean log?"),
        ("lg(a)", 0, "there is no function lg: did you mean log10?"),
        ("square(a)", 0, "there is no function square: did you mean pow?"),
        ("arctan(a)", 0, "there is no function arctan: did you mean atan?"),
        ("a(b)", 0, "a is no function: a product is written a*(...)"),
        ("1 + tanh", 4, "tanh is a function: write tanh(x)"),
        ("dot", 0, "dot is a function: write dot([w1, w2], [x1, x2], b)"),
        ("tanh()", 0, "wrong arguments: write tanh(x)"),
        ("tanh(a, b)", 0, "wrong arguments: write tanh(x)"),
        ("tanh([a])", 0, "wrong arguments: write tanh(x)"),
        ("tanh(x=a)", 0, "wrong arguments: write tanh(x)"),
        ("leaky_relu(a, beta=1)", 0, "wrong arguments: write leaky_relu(x, alpha=0.01)"),
        ("leaky_relu(a, alpha=b)", 0, "alpha is a constant of leaky_relu: write a number"),
        ("leaky_relu(a, b)", 0, "alpha is a constant of leaky_relu: write a number"),
        ("sum(**a)", 0, "wrong arguments: write sum([x1, x2])"),
        ("sum([a, [b]])", 0, "wrong arguments: write sum([x1, x2])"),
        ("dot(a, b)", 0, "wrong arguments: write dot([w1, w2], [x1, x2], b)"),
        ("dot([a], [b, c])", 0, "dot needs as many weights as inputs, got 1 weights and 2 inputs"),
        ("mean([])", 0, "mean of no numbers is not defined: give at least 1"),
        ("a > b", 0, IN_WHERE),
        ("1 + equal(a, b)", 4, IN_WHERE),
        ("where(a, b > c, c)", 9, IN_WHERE),
        ("1 + [a]", 4, "a list is the argument of a function such as sum([a, b])"),
        (
            "softmax([a, b])",
            0,
            "this gives a list of 2, a formula gives one number: combine them, as in sum([a, b])",
        ),
        ("1 + 1e999", 4, "this number is larger than a float holds, 1.797e308"),
    ],
)
def test_a_wrong_name_or_argument_is_refused_with_its_place(
    text: str, column: int, sentence: str
) -> None:
    assert refused(text) == with_place(text, column, sentence)


def test_an_unknown_name_suggests_one_that_is_known() -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate("2*apha", {"alpha": 1.0})
    assert str(caught.value) == (
        "apha needs a number, as in apha=1; or did you mean alpha?\n  2*apha\n    ^"
    )


def test_a_function_without_a_near_name_lists_them_all() -> None:
    assert refused("qqq(a)").startswith("there is no function qqq: choose abs, acos, acosh, ")


@pytest.mark.parametrize("text", ["", "  \n\t ", "\u00a0"])
def test_an_empty_formula_is_refused(text: str) -> None:
    assert refused(text) == f"the formula is empty: {ALLOWED}"


def test_a_long_formula_is_refused_before_it_is_read() -> None:
    assert refused("a" * 1_000_000) == (
        "the formula has 1,000,000 characters, more than the 10,000 of MAX_LENGTH"
    )


@pytest.mark.parametrize("digits", [310, 5000])
def test_an_integer_beyond_a_float_is_refused(digits: int) -> None:
    assert refused("1" * digits).startswith("this number is larger than a float holds, 1.797e308\n")


@pytest.mark.parametrize("text", ["a\0", "\ud800"])
def test_characters_that_are_no_text_are_refused(text: str) -> None:
    assert refused(text).endswith(ALLOWED)


@pytest.mark.parametrize(
    ("before", "after"), [("tanh(", ")"), ("-", ""), ("a+(", ")"), ("[", "]"), ("(", ")")]
)
@pytest.mark.parametrize("times", [MAX_DEPTH, 1_000, 3_000])
def test_deep_nesting_is_refused_and_never_crashes(before: str, after: str, times: int) -> None:
    text = (before * times + "a" + after * times)[:MAX_LENGTH]
    if before == "(" and times == MAX_DEPTH:
        assert evaluate(text, abc()).data == 2.0  # parentheses alone make no operation
    else:
        assert refused(text).startswith("the formula is nested deeper than 100 levels: write it ")


@pytest.mark.parametrize("times", [MAX_DEPTH + 1, MAX_LENGTH // 2])
def test_a_long_chain_of_sums_is_refused_with_the_way_to_write_it(times: int) -> None:
    assert "long sums and products as sum([a, b, c])" in refused("+".join("a" * times))


def test_nesting_up_to_the_limit_works() -> None:
    text = "a"
    for _ in range(MAX_DEPTH - 1):
        text = f"sum([{text}])" if len(text) % 2 else f"(1*{text})"
    with pytest.raises(FormulaError):
        evaluate(f"-(-(-{text}))", abc())
    assert evaluate("+".join("a" * MAX_DEPTH), abc()).data == 2.0 * MAX_DEPTH
    assert evaluate("abs(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1), abc()).data == 2.0


def test_a_long_line_is_shown_around_the_place() -> None:
    shown = refused("+".join("a" * 60) + " + d + " + "+".join("a" * 30)).splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[1].startswith("  ...")
    assert shown[1].endswith("...")
    assert shown[1][shown[2].index("^")] == "d"


def test_control_characters_are_not_shown() -> None:
    assert "\x1b" not in refused("a + \x1b[31m")


def test_nothing_but_the_listed_functions_can_be_reached() -> None:
    for name in ("eval", "exec", "open", "print", "__import__", "getattr", "Value", "PRIMITIVES"):
        assert refused(f"{name}(a)").startswith(f"there is no function {name}: ")


def test_random_texts_give_a_value_or_a_formula_error() -> None:
    tokens = ["a", "b", "pi", "1", "2.5", "+", "-", "*", "/", "**", "(", ")", "[", "]", ",", "<"]
    tokens += ["tanh(", "sum(", "dot(", "where(", "leaky_relu(", "alpha=", ".", "not", "=", " "]
    rng = random.Random(0)
    made = 0
    for _ in range(5_000):
        text = "".join(rng.choices(tokens, k=rng.randint(1, 9)))
        try:
            made += isinstance(evaluate(text, abc()), Value)
        except FormulaError:
            continue
    assert made > 100


@pytest.mark.parametrize("text", ["'\\d'", "1if a else b"])
def test_python_s_own_warnings_stay_inside(text: str, recwarn: pytest.WarningsRecorder) -> None:
    refused(text)
    assert not recwarn.list
