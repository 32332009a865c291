"""Bad input to the engine and its functions: each is refused, with this text."""

import operator
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, parameter

TEXT = "write float(...) around a text that is a number"
SEVERAL = "make one Value per number, as in [Value(x) for x in xs]"
COMPLEX = "complex numbers have no place in a real gradient; write z.real or z.imag"
ARRAY = "write x.item() for an array of one number, or make one Value per element"
DECIMAL = "write float(d), which rounds it to 53 bits"
OTHER = "write a number such as 1.0"

# What is given, how the error calls it, and the remedy.
NOT_A_NUMBER = [
    ("3", "str '3'", TEXT),
    ("٣", "str '٣'", TEXT),
    ("", "str ''", TEXT),
    ("a\nb", r"str 'a\nb'", TEXT),
    (b"3", "bytes b'3'", TEXT),
    (np.str_("3"), "str_ np.str_('3')", TEXT),
    (bytearray(b"3"), "bytearray", TEXT),
    (None, "NoneType", OTHER),
    ([1, 2], "list", SEVERAL),
    ({}, "dict", SEVERAL),
    ({1}, "set", SEVERAL),
    (object(), "object", OTHER),
    (1j, "complex", COMPLEX),
    (np.complex128(1 + 2j), "complex128", COMPLEX),
    (Decimal("0.1"), "Decimal", DECIMAL),
    (Decimal("sNaN"), "Decimal", DECIMAL),
    (np.array(1.0), "ndarray", ARRAY),
    (np.array([1.0, 2.0]), "ndarray", ARRAY),
    (np.array([1.0]), "ndarray", ARRAY),
    (np.datetime64("2020"), "datetime64", OTHER),
    (np.timedelta64(5, "s"), "timedelta64", OTHER),
]


class Weight(Value):
    """A subclass, to see that it is taken for a Value."""


VALUES = [
    (Value(1.0), "Value", "use the Value as it is, or its number v.data"),
    (Weight(1.0), "Weight", "use the Value as it is, or its number v.data"),
]


def refuses(call: Callable[[], Any], what: str, kind: str, remedy: str) -> None:
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value) == f"{what} takes one real number, got {kind}: {remedy}"


@pytest.mark.parametrize(("given", "kind", "remedy"), [*NOT_A_NUMBER, *VALUES])
def test_a_value_of_something_else_says_what_to_write(given: Any, kind: str, remedy: str) -> None:
    refuses(lambda: Value(given), "Value", kind, remedy)
    refuses(lambda: parameter(given), "a parameter", kind, remedy)


@pytest.mark.parametrize(("given", "kind", "remedy"), NOT_A_NUMBER)
def test_assigning_something_else_names_the_value(given: Any, kind: str, remedy: str) -> None:
    v, named = Value(1.0), Value(1.0, "w1")
    for attribute in ("data", "grad"):
        for node, name in ((v, "a Value"), (named, "w1")):
            before = getattr(node, attribute)
            assign = partial(setattr, node, attribute, given)
            refuses(assign, f"the {attribute} of {name}", kind, remedy)
            assert getattr(node, attribute) == before
    refuses(lambda: (v * 2).backward(given), "gradient", kind, remedy)


def test_a_long_text_is_shortened() -> None:
    with pytest.raises(TypeError) as error:
        Value("x" * 10**6)  # type: ignore[arg-type]
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("given", "kind"),
    [(10**400, "int"), (-(10**400), "int"), (Fraction(10**400, 3), "Fraction")],
    ids=["int", "negative", "Fraction"],
)
def test_a_number_too_large_for_a_float_is_refused(given: Any, kind: str) -> None:
    v = Value(1.0)
    for compute, what in (
        (lambda: Value(given), "Value"),
        (lambda: v + given, "Value"),
        (lambda: given * v, "Value"),
        (lambda: v**given, "Value"),
        (lambda: setattr(v, "data", given), "the data of a Value"),
        (lambda: f.maximum(v, given), "maximum"),
    ):
        with pytest.raises(OverflowError) as error:
            compute()
        assert str(error.value) == (
            f"{what} takes a float, at most 1.8e308, and this {kind} is larger"
        )


@pytest.mark.parametrize("name", [123, b"w", ["w"], (Value(1.0),), 1.5], ids=repr)
@pytest.mark.parametrize("make", [Value, parameter])
def test_a_name_that_is_no_text_is_refused(make: Callable[..., Value], name: Any) -> None:
    with pytest.raises(TypeError) as error:
        make(1.0, name)
    assert str(error.value) == (
        f"name is a text for drawings, got {type(name).__name__}: "
        "a new operation is made with @primitive, not with parents given to Value"
    )


@pytest.mark.parametrize("name", ["", "two\nlines", "\0", "w" * 10**6, "<b>", "\ud800", "%s {}"])
def test_any_text_is_a_name(name: str) -> None:
    v = Value(1.0, name)
    assert v.name == name
    assert len(repr(v)) < 200


OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "** or pow()": operator.pow,
}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(
    "other", [None, {}, 1j, Decimal(1), object()], ids=lambda x: type(x).__name__
)
def test_operators_with_something_else_are_unsupported(sign: str, other: Any) -> None:
    v = Value(1.0)
    kind = "decimal.Decimal" if isinstance(other, Decimal) else type(other).__name__
    for x, y, order in ((v, other, f"'Value' and '{kind}'"), (other, v, f"'{kind}' and 'Value'")):
        with pytest.raises(TypeError) as error:
            OPERATORS[sign](x, y)
        assert str(error.value) == f"unsupported operand type(s) for {sign}: {order}"


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda v: "a" * v, "can't multiply sequence by non-int of type 'Value'"),
        (lambda v: v + "a", "unsupported operand type(s) for +: 'Value' and 'str'"),
        (lambda v: v < None, "'<' not supported between instances of 'Value' and 'NoneType'"),
        (lambda v: v // 2, "unsupported operand type(s) for //: 'Value' and 'int'"),
        (lambda v: v @ v, "unsupported operand type(s) for @: 'Value' and 'Value'"),
        (lambda v: divmod(v, 2), "unsupported operand type(s) for divmod(): 'Value' and 'int'"),
        (lambda v: v[0], "'Value' object is not subscriptable"),
        (lambda v: len(v), "object of type 'Value' has no len()"),
        (lambda v: v(), "'Value' object is not callable"),
        (lambda v: 1 in v, "argument of type 'Value' is not"),
        (lambda v: pow(v, 2, 5), "Value.__pow__() takes 2 positional arguments but 3 were given"),
        (lambda v: Value(), "Value.__init__() missing 1 required positional argument: 'data'"),
        (lambda v: Value(1, (v, v), "+"), "name is a text for drawings, got tuple: a new"),
    ],
)  # fmt: skip
def test_what_a_value_does_not_do(compute: Callable[[Value], Any], message: str) -> None:
    with pytest.raises(TypeError) as error:
        compute(Value(1.0))
    assert str(error.value).startswith(message)  # the texts are Python's own


@pytest.mark.parametrize(
    ("function", "operands", "what", "kind", "remedy"),
    [
        ("exp", ("1",), "exp", "str '1'", TEXT),
        ("exp", ([1, 2],), "exp", "list", SEVERAL),
        ("exp", (np.array([1.0]),), "exp", "ndarray", ARRAY),
        ("maximum", (Value(1.0), None), "maximum", "NoneType", OTHER),
        ("atan2", ("a", Value(1.0)), "atan2", "str 'a'", TEXT),
        ("pow", (Value(1.0), "2"), "pow", "str '2'", TEXT),
        ("pow", (2, 1j), "pow", "complex", COMPLEX),
        ("sum", ("12",), "sum", "str '12'", TEXT),
        ("sum", (None,), "sum", "NoneType", OTHER),
        ("sum", ([[1, 2], [3]],), "sum", "list", SEVERAL),
        ("softmax", ([Value(1.0), "a"],), "softmax", "str 'a'", TEXT),
        ("dot", ([Value(1.0)], [None]), "dot", "NoneType", OTHER),
        ("leaky_relu", (1.0, "a"), "alpha", "str 'a'", TEXT),
        ("elu", (1.0, None), "alpha", "NoneType", OTHER),
        ("where", (Value(1.0), "a", 1), "where", "str 'a'", TEXT),
    ],
)
def test_operands_of_functions_that_are_no_numbers(
    function: str, operands: tuple[Any, ...], what: str, kind: str, remedy: str
) -> None:
    refuses(lambda: getattr(f, function)(*operands), what, kind, remedy)


@pytest.mark.parametrize("name", ["mean", "max", "min", "logsumexp", "softmax", "log_softmax"])
def test_functions_of_no_numbers(name: str) -> None:
    for operands in ([[]], [()], []):
        with pytest.raises(ValueError, match="no numbers") as error:
            getattr(f, name)(*operands)
        assert str(error.value) == f"{name} of no numbers is not defined: give at least 1"


@pytest.mark.parametrize(("w", "x"), [([1, 2], [3]), ([], [Value(1.0)]), ((1, 2, 3), (1, 2))])
def test_dot_of_different_lengths(w: Any, x: Any) -> None:
    with pytest.raises(ValueError, match="dot") as error:
        f.dot(w, x)
    assert str(error.value) == (
        f"dot needs as many weights as inputs, got {len(w)} weights and {len(x)} inputs"
    )


def test_validation_does_not_vanish_under_optimisation() -> None:
    program = """
from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, grad
v = Value(1.0)
for wrong in (
    lambda: Value("3"), lambda: f.mean([]), lambda: f.dot([v], []), lambda: float(v),
    lambda: (v + 1).__reduce__(), lambda: setattr(v, "data", None), lambda: grad(1, v),
):
    try:
        wrong()
    except (TypeError, ValueError):
        print("refused")
y = (v * 3).exp()
y.backward()
print(v.grad == 3 * y.data)
"""
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == 7 * "refused\n" + "True\n"
