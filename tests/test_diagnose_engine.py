"""diagnose_engine: broken classes are located and named, right ones are left in peace."""

import gc
import inspect

import micrograd.engine
import pytest
from few import few
from slips.engines import BROKEN, RIGHT

from tinygrad_edu import Value
from tinygrad_edu.diagnose import SLIPS, Diagnosis, diagnose_engine
from tinygrad_edu.diagnose.engine import programs


def named(diagnosis: Diagnosis, *slips: str) -> bool:
    return not diagnosis.right and diagnosis.slip in slips


@pytest.mark.slow
def test_27_of_30_broken_classes_are_named_and_all_are_found() -> None:
    found = [diagnose_engine(engine.value) for engine in BROKEN]
    assert len(found) == 30
    assert not any(diagnosis.right for diagnosis in found)
    pairs = zip(found, BROKEN, strict=True)
    assert sum(named(found, engine.slip, *engine.also) for found, engine in pairs) >= 27


@pytest.mark.parametrize(
    "value", few([micrograd.engine.Value, *[engine.value for engine in RIGHT]], 3)
)
def test_no_right_class_is_accused(value: type) -> None:
    diagnosis = diagnose_engine(value)
    assert diagnosis.right, diagnosis
    assert (diagnosis.where, diagnosis.slip) == ("", "")
    assert str(diagnosis).startswith("no slip in ")


def test_what_the_collector_runs_is_not_taken_for_a_program_without_end() -> None:
    def busy(phase: str, info: object) -> None:
        for _ in range(60_000):
            pass

    gc.callbacks.append(busy)
    try:
        assert diagnose_engine(RIGHT[0].value).right
    finally:
        gc.callbacks.remove(busy)


def test_our_own_class_is_right_in_every_program() -> None:
    assert str(diagnose_engine(Value)) == f"no slip in {len(programs())} programs"


#: What learners change in micrograd: the slip, the operation, and the lines before and after.
CHANGES = {
    "rmul calls mul of the other": (
        "raises", "*", "return self * other\n\n    def __trued",
        "return other * self\n\n    def __trued",
    ),
    "neg leaves the graph": ("term missing", "-", "return self * -1", "return Value(-self.data)"),
    "rsub the wrong way round": (
        "wrong value", "-", "return other + (-self)", "return self + (-other)",
    ),
    "pow without the gradient of the result": (
        "factor missing", "**", "(other * self.data**(other-1)) * out.grad",
        "other * self.data**(other-1)",
    ),
    "pow without its exponent": ("factor missing", "**", "(other * self", "(self"),
    "a product of which one operand gets nothing": (
        "term missing", "*", "            other.grad += self.data * out.grad\n", "",
    ),
    "a product that gives all to one operand": (
        "wrong operand", "*", "other.grad += self.data * out.grad",
        "self.grad += self.data * out.grad",
    ),
    "a product that overwrites one operand": (
        "overwritten", "*", "other.grad += self.data * out.grad",
        "other.grad = self.data * out.grad",
    ),
    "a product that remembers one operand": (
        "term missing", "*", "(self, other), '*'", "(self,), '*'",
    ),
    "a sum that remembers nothing": ("term missing", "+", "(self, other), '+'", "(), '+'"),
    "a relu that asks the gradient": ("wrong operand", "relu", "(out.data > 0)", "(out.grad > 0)"),
    "no start": ("not started", "backward()", "        self.grad = 1\n", ""),
    "nobody is ever visited": ("order", "backward()", "                visited.add(v)\n", ""),
    "each node is a root": (
        "overwritten", "backward()", "        for v in reversed(topo):\n            v._backward()",
        "        self._backward()\n        for v in self._prev: v.backward()",
    ),
    "a queue": (
        "order", "backward()", "for v in reversed(topo):",
        "for v in topo.clear() or topo.append(self) or topo:\n            topo.extend(v._prev)",
    ),
    "== by number": (
        "term missing", "backward()", "    def __repr__",
        "    def __eq__(self, other): return self.data == other.data\n"
        "    def __hash__(self): return hash(self.data)\n    def __repr__",
    ),
    "== without hash": (
        "raises", "+", "    def __repr__",
        "    def __eq__(self, other): return False\n    def __repr__",
    ),
    "the backward function is called at once": (
        "raises", "+", "out._backward = _backward\n", "out._backward = _backward()\n",
    ),
    "a walk that goes on whatever is raised": (
        "raises", "+", "for v in reversed(topo):",
        "for k in range(10**6):\n            try: v = k\n            except Exception: pass\n"
        "        for v in topo:",
    ),
    "a walk that does not end": (
        "raises", "+", "for v in reversed(topo):", "while True: v = self\n        for v in topo:",
    ),
    "a sum that is a number": (
        "raises", "+", "return out\n\n    def __mul__", "return out.data\n\n    def __mul__",
    ),
    "a sum that changes its operand": (
        "wrong value", "+", "out = Value(self.data + other.data, (self, other), '+')",
        "self.data += other.data; out = Value(self.data, (self, other), '+')",
    ),
    "the start after the walk": (
        "not started", "backward()",
        "        self.grad = 1\n        for v in reversed(topo):\n            v._backward()\n",
        "        for v in reversed(topo):\n            v._backward()\n        self.grad = 1\n",
    ),
    "gradients start at 1": ("not reset", "__init__", "self.grad = 0", "self.grad = 1"),
}  # fmt: skip


def changed(before: str, after: str) -> type:
    """The class of micrograd with this change."""
    source = inspect.getsource(micrograd.engine)
    assert before in source
    names: dict[str, type] = {}
    exec(source.replace(before, after), names)
    return names["Value"]


@pytest.mark.parametrize("change", few(CHANGES, 6))
def test_a_change_of_micrograd_is_located_and_named(change: str) -> None:
    slip, where, before, after = CHANGES[change]
    diagnosis = diagnose_engine(changed(before, after))
    assert (diagnosis.slip, diagnosis.where) == (slip, where), diagnosis
    assert diagnosis.slip in SLIPS


def test_the_sentence_is_a_program_with_both_gradients_and_the_slip() -> None:
    assert str(diagnose_engine(BROKEN[1].value)) == (
        "after a = Value(1.5); y = a * a; y.backward(), a.grad is 1.5, and right is 3: "
        "in *, = stands where += belongs"
    )


def test_of_a_class_that_has_sums_alone_the_commonest_slip_is_told() -> None:
    lines = "            self.grad {0} out.grad\n            other.grad {0} out.grad\n"
    value = changed(lines.format("+="), lines.format("="))
    del value.__mul__, value.__pow__, value.relu
    assert str(diagnose_engine(value)) == (
        "after a = Value(1.5); y = a + a; y.backward(), a.grad is 1, and right is 2: = stands "
        "where += belongs; it may also be that of two equal operands one is remembered: a set has "
        "it once"
    )


def test_operands_of_a_difference_that_are_exchanged_are_told() -> None:
    exchanged = changed("return other + (-self)", "return self + (-other)")
    assert str(diagnose_engine(exchanged)) == (
        "after a = Value(1.5); y = 2 - a; y.backward(), y.data is -0.5, and right is 0.5: "
        "the number itself is wrong, its operands are exchanged"
    )


def test_what_a_right_class_may_do_is_told() -> None:
    text = str(diagnose_engine(micrograd.engine.Value))
    assert "a second pass over one graph adds to the gradients inside it" in text
    assert "too deep" in text


def test_a_graph_that_is_freed_after_its_pass_is_right() -> None:
    before = "            v._backward()\n"
    freed = changed(before, f"{before}            v._backward = lambda: None\n")
    assert diagnose_engine(freed).right


class Leaf:
    """A number without operators."""

    grad = 0.0

    def __init__(self, data: float) -> None:
        self.data = data

    def backward(self) -> None:
        self.grad = 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "takes the class itself, got float"),
        (Value(2.0), "takes the class itself, got Value"),
        (int, r"int\(2.0\) must have .data, .grad and .backward\(\): no data"),
        (Leaf, r"Leaf has neither \+ nor \*"),
        (lambda: 3, r"<lambda>\(2.0\) must make a leaf, and raises TypeError"),
    ],
)
def test_what_makes_no_values_is_refused(value: object, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        diagnose_engine(value)


def test_the_smallest_graph_is_drawn_with_both_gradients() -> None:
    found = diagnose_engine(BROKEN[1].value)
    assert found.numbers == ("a.grad", 1.5, 3.0)
    assert "a, yours 1.5" in found.picture.svg
    assert found.program == ("y = a * a", "y.backward()")
