"""Odd inputs: what is given by mistake ends in a sentence of the package, at every public entry.

`odd_inputs` has a right call of every public callable and the odd objects that take the places of
its arguments; by hand it tries as many as one likes.
"""

import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import micrograd.engine
import numpy as np
import odd_inputs
import pytest
from refusals import refusals

from tinygrad_edu import (
    MLP,
    SGD,
    EarlyStopping,
    Layer,
    Neuron,
    Perceptron,
    Value,
    clip_grad_value,
    draw,
    evaluate,
    explain,
    fit,
    grad,
    jacobian,
    load,
    moons,
    network,
    parameter,
    predict,
    steps,
    sweep,
    toposort,
    train_test_split,
    vectorize,
    worksheet,
)  # fmt: skip
from tinygrad_edu import functions as f
from tinygrad_edu import losses as L  # noqa: N812
from tinygrad_edu.checks import as_model, function, instance, listed
from tinygrad_edu.data import scaling
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.view import pictures

X, Y = moons(8, rng=0)


def net() -> Any:
    """A net for the points."""
    return MLP(2, [2, 1], "tanh")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Whatever a call writes goes away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


def test_every_public_callable_is_tried_with_odd_inputs() -> None:
    tried = {name.partition(" ")[0] for name in odd_inputs.EXAMPLES}
    assert set(odd_inputs.public()) - odd_inputs.LEFT_OUT - tried == set()
    assert odd_inputs.LEFT_OUT - set(odd_inputs.public()) == set()


@pytest.mark.slow
def test_every_example_of_a_public_callable_is_a_right_call(folder: Path) -> None:
    without = {"export.from_torch", "export.to_torch"}  # of another library
    without |= set() if find_spec("onnx") else {"export.to_onnx"}
    for name in odd_inputs.EXAMPLES.keys() - without:
        with odd_inputs.quiet():
            odd_inputs.example(name).run()


#: Inner errors that remain, each with its reason; the sweep finds no others.
KNOWN = (
    "no answer",  # 10**400 epochs or steps are what was asked for
)


def inner_errors(trials: list[odd_inputs.Trial]) -> list[str]:
    """Those trials that end in an error that nobody wrote for them."""
    found = [(trial, odd_inputs.tried(trial)) for trial in trials]
    return [
        f"{odd_inputs.written(trial)}: {verdict.text}"
        for trial, verdict in found
        if verdict.kind == "inner" and not verdict.text.startswith(KNOWN)
    ]


#: What takes long, even to refuse: the slow test tries it.
LONG = ("classics", "playground", "Playground", "view", "Film", "Picture", "sklearn",
        "Scalar", "export", "best_of", "sweep", "exercises", "network", "worksheet", "draw",
        "steps", "pretrain", "digits", "vowels", "iris", "fit", "train")  # fmt: skip


def test_odd_inputs_end_in_results_or_in_errors_of_the_package(folder: Path) -> None:
    names = [name for name in odd_inputs.EXAMPLES if not name.startswith(LONG)]
    assert inner_errors(odd_inputs.trials(800, names)) == []


@pytest.mark.slow
def test_thousands_of_odd_inputs_end_in_results_or_in_errors_of_the_package(folder: Path) -> None:
    names = [name for name in odd_inputs.EXAMPLES if not name.startswith("classics")]
    assert len(inner_errors(odd_inputs.trials(4000, names, seed=1))) <= 4


class Sign:
    """An optimizer of one's own, which is none of the package."""

    def step(self) -> None:
        """Nothing."""

    def zero_grad(self) -> None:
        """Nothing."""


def number(got: str, what: str = "Value", remedy: str = "write a number such as 1.0") -> str:
    """The sentence where a number is wanted."""
    return f"{what} takes one real number, got {got}: {remedy}"


test_a_reader_of_arguments_says_what_it_takes = refusals(
    [
        (lambda: instance("v", 1, Value, "a Value"), TypeError, "v must be a Value, got int"),
        (lambda: instance("v", [], Value, "a Value", "write v[0]"), TypeError,
         "v must be a Value, got list: write v[0]"),
        (lambda: function("f", 5, "a row"), TypeError, "f is a function of a row, got int"),
        (lambda: function("f", MLP, "a row"), TypeError,
         "f is the class MLP: make one of it, MLP(...)"),
        (lambda: listed("names", ["a", 1], "texts", str), TypeError,
         "names must be a list of texts, got one with int 1"),
        (lambda: listed("names", "ab", "texts", str, 'write ["ab"]'), TypeError,
         'names must be a list of texts, got str: write ["ab"]'),
        (lambda: listed("xs", np.array(1.0)), TypeError,
         "xs must be a list of numbers, got ndarray"),
        (lambda: as_model([Layer(2, 1)]), TypeError,
         "model is a function of a row, such as MLP(2, [8, 1]), got list: "
         "write Sequential(*layers)"),
        (lambda: as_model("m.json"), TypeError,
         "model is a function of a row, such as MLP(2, [8, 1]), got str: "
         "write load(path) for a model in a file"),
    ]
)  # fmt: skip

MODEL = "model is a function of a row, such as MLP(2, [8, 1]), got"
test_what_python_said_at_an_entry_is_told_in_a_sentence = refusals(
    {
        "examples read once": (lambda: vectorize(lambda x: x[0] * 2, {1.0}), TypeError,
                               number("set", "an example",
                                      "make one Value per number, as in [Value(x) for x in xs]")),
        "a number for a model": (lambda: evaluate(5, X, Y, loss="squared_error"), TypeError,
                                 f"{MODEL} int"),
        "none for a model": (lambda: fit(None, X, Y, loss="squared_error", optimizer="sgd",
                                         epochs=1), TypeError, f"{MODEL} NoneType"),
        "a class for a model": (lambda: predict(MLP, X), TypeError,
                                "model is the class MLP: make one of it, MLP(...)"),
        "texts for Values": (lambda: clip_grad_value(["a"], 1.0), TypeError,
                             "clip_grad_value takes Values, got str"),
        "a number for rows": (lambda: train_test_split(5, Y), TypeError,
                              "X must be a list or an array, got int"),
        "a number for parameters": (lambda: L.l2(5, 0.1), TypeError,
                                    "parameters must be a list of Values, got int"),
        "texts for parameters": (lambda: L.l1(["a"], 0.1), TypeError,
                                 "parameters must be a list of Values, got one with str 'a'"),
        "a number for weights": (lambda: f.dot(5, Value(1.0)), TypeError,
                                 "w must be a list of numbers, got int"),
        "a text for a bound": (lambda: scaling(X, "a", 1.0), TypeError,
                               "low must be a finite number, got str 'a'"),
        "none for a state": (lambda: net().load_state_dict(None), TypeError,
                             "state must be a dict of numbers by name, got NoneType"),
        "a text for an extent": (lambda: pictures.neuron_maps(net(), extent="abcd"), TypeError,
                                 "extent must be a list of 4 numbers, got str"),
        "a time span for a number": (lambda: Value(np.timedelta64(1, "s")), TypeError,
                                     number("timedelta64")),
        "none for an epoch": (lambda: EarlyStopping()(None), TypeError,
                              "epoch must be an Epoch, got NoneType: "
                              "write fit(..., callbacks=[EarlyStopping()])"),
        "a list without end": (lambda: vectorize(lambda x: x, odd_inputs.self_containing()),
                               TypeError, "an example is a number, a row, or rows of rows, got "
                               "lists nested deeper"),
        "a target without end": (lambda: L.squared_error(Value(1.0), odd_inputs.self_containing()),
                                 TypeError, "a target is nested too deeply: it is a number or a "
                                 "list of numbers"),
        "a number for a file": (lambda: load(1), TypeError,
                                'path must be a path such as "folder/file", got int 1'),
        "a number for a run": (lambda: sweep(5, {"lr": [1.0]}), TypeError,
                               "run is a function of a generator and the settings, got int"),
        "a set for Values": (lambda: grad(Value(1.0), {Value(1.0)}), TypeError,
                             "grad(y, x) differentiates Values, got set"),
        "a Value for a list": (lambda: jacobian(Value(1.0), [Value(1.0)]), TypeError,
                               "ys must be a list of Values, got Value: write jacobian([y], xs)"),
        "a number for a graph": (lambda: toposort(1.0), TypeError,
                                 "a graph is that of Values, got float"),
        "a graph of another engine": (lambda: toposort(micrograd.engine.Value(1.0)), TypeError,
                                      "a graph is that of Values, got Value of micrograd.engine: "
                                      "write adopt(v)"),
        "a text for a condition": (lambda: f.where("a", 1.0, 2.0), TypeError,
                                   number("str 'a'", "the condition of where",
                                          "write float(...) around a text that is a number")),
        "a text for no": (lambda: Neuron(2, nonlin="False"), TypeError,
                          "nonlin must be True or False, got str 'False'"),
        "a penalty of nothing": (lambda: fit(net(), X, Y, loss="hinge", optimizer="sgd", epochs=1,
                                             penalty=lambda model: None, engine="scalar"),
                                 ValueError, "hinge takes targets -1 and 1, got 0: "
                                 "write 2 * y - 1 for classes 0 and 1"),
        "a step of a perceptron": (lambda: Perceptron(2).load_state_dict(None), TypeError,
                                   "state must be a dict of numbers by name, got NoneType"),
    }
)  # fmt: skip


def test_what_can_be_read_once_is_read_once() -> None:
    program = vectorize(lambda x: x[0] * 2, iter([1.0, 2.0]))
    assert program([[3.0, 0.0]]).tolist() == [6.0]


def test_time_spans_are_compared_with_no_value() -> None:
    with pytest.raises(TypeError, match="not supported between"):
        _ = Value(1.0) < np.timedelta64(1, "s")


SHOWN = "or network(model)"
test_a_reader_knows_what_is_mistaken_for_its_own = refusals(
    {
        "rows for a row": (lambda: net()(np.array(X)), TypeError,
                           "expected a list of 2 numbers or Values, got several rows: "
                           "write predict(model, rows)"),
        "a model to draw": (lambda: draw(net()), TypeError,
                            f"draw(v) draws the graph of one Value, got MLP: "
                            f"write draw(model(x)), {SHOWN}"),
        "a model to explain": (lambda: explain(net()), TypeError,
                               f"explain(v) explains one Value, got MLP: "
                               f"write explain(model(x)), {SHOWN}"),
        "a model to film": (lambda: steps(net()), TypeError,
                            "steps(v) shows the backward pass of one Value, got MLP: "
                            f"write steps(model(x)), {SHOWN}"),
        "outputs for a sheet": (lambda: worksheet([Value(1.0)]), TypeError,
                                "worksheet(v) shows the graph of one Value, got list: "
                                "write worksheet(v[0]), or the loss that is made of them"),
        "an optimizer of one's own": (lambda: fit(net(), X, Y, loss="squared_error",
                                                  optimizer=Sign(), epochs=1), TypeError,
                                      "optimizer must be a name, an Optimizer or a function of the "
                                      "parameters, got Sign: one of your own is a subclass "
                                      "of Optimizer with an update"),
        "a Value for a net": (lambda: network(Value(1.0)), TypeError,
                              "network(model) draws a module or a list of modules, got Value"),
    }
)  # fmt: skip


def test_an_optimizer_of_ones_own_needs_no_constructor() -> None:
    class Plain(Optimizer):
        def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: Any) -> Any:
            return x - lr * g, state

    p = parameter(1.0)
    p.grad = 2.0
    Plain([p]).step()
    assert p.data == 1.0 - 0.01 * 2.0
    assert SGD([p]).lr == 0.1


def test_an_iterator_is_no_set_and_keeps_its_order() -> None:
    rng = random.Random(0)
    numbers = [rng.random() for _ in range(5)]
    assert f.sum(iter(numbers)) == f.sum(numbers)
    assert f.dot(iter(numbers), iter(numbers)) == f.dot(numbers, numbers)
