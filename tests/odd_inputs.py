"""Odd inputs: every public callable is called with odd objects among its arguments.

    python -m tests.odd_inputs --n 50000

A call must end in a result, or in an error that the package itself raises: a TypeError, a
ValueError or one of its classes, raised by a `raise` of its own. An error of the odd object itself
is passed on. Everything else is an inner error: what Python, NumPy or matplotlib say somewhere
inside, or an answer that takes longer than LIMIT seconds. `EXAMPLES` has a right call of every
callable; a trial replaces one of its arguments, or two, by objects of `ODD`.
"""

import argparse
import contextlib
import inspect
import io
import itertools
import multiprocessing
import opcode
import operator
import os
import random
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter, deque  # noqa: F401
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal  # noqa: F401
from fractions import Fraction  # noqa: F401
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock, Mock  # noqa: F401

import numpy as np  # noqa: F401
import pandas as pd  # noqa: F401

import tinygrad_edu
from tinygrad_edu import (
    MLP,
    RNN,
    SGD,
    Attention,
    BatchNorm,
    Conv2d,
    Dropout,
    EarlyStopping,
    Embedding,
    Flatten,
    History,
    Layer,
    MaxPool2d,
    Neuron,
    Perceptron,
    Primitive,
    RMSNorm,
    RNNCell,
    Sequential,
    Unflatten,
    Value,
    classics,
    data,
    draw,
    engine,
    explain,
    fit,
    losses,
    moons,  # noqa: F401
    network,
    optim,
    parameter,
    per_step,
    perceptron,
    primitive,
    steps,
    vectorize,
    worksheet,
)  # fmt: skip
from tinygrad_edu import functions as f
from tinygrad_edu import nn as nets
from tinygrad_edu import playground as played
from tinygrad_edu.checks import declared
from tinygrad_edu.data.columns import NumericColumn
from tinygrad_edu.diagnose import diagnose_backward
from tinygrad_edu.engine import other_names
from tinygrad_edu.exercises import EXERCISES, check

train = import_module("tinygrad_edu.train")  # where the package shows the function
HOME = str(Path(tinygrad_edu.__file__).parent)
#: Seconds that a call may take.
LIMIT = 15.0
#: Bytes that a process may take.
MEMORY = 6 << 30

ROOMS = (
    "", "functions", "losses", "engine", "nn", "optim", "data", "perceptron", "train", "vectorize",
    "view", "view.pictures", "export", "classics", "diagnose", "exercises", "playground",
    "sklearn",
)  # fmt: skip

#: What is public and has no example: nobody calls it, or there is nothing to give it.
LEFT_OUT = {
    # records that functions give
    "Graph", "Program", "diagnose.Diagnosis", "exercises.Verdict", "perceptron.PerceptronHistory",
    "losses.LossRecord", "playground.Playground", "train.Best", "train.Callback",
    "train.Epoch", "train.Run", "train.Step", "view.Deltas", "view.Explanation", "view.Film",
    "view.Network", "Picture.forms", "Picture.save", "view.Renderer", "view.Worksheet",
    # what is called inside the package
    "Callback.__call__", "Callback.over", "Callback.start", "Adagrad.update", "Adam.update",
    "AdamW.update", "RMSprop.update", "Primitive.check", "Primitive.of",
    "Program.compare", "Program.stands", "Program.check_graphs", "Program.draw",
    "Program.filled", "Program.kernel", "Program.read_parameters", "Program.results",
    "Program.run", "Program.write_parameters", "losses.register", "losses.refuse_twice",
    "SGD.update", "Optimizer.update",
    # what NumPy looks for, and is refused
    *(f"Value.{name}" for name in other_names.LOOKED_FOR if name not in other_names.NUMPY),
    # seconds, and nothing to give them
    "classics.elman_xor", "classics.lecun_tanh", "classics.vowel_regions", "classics.vowels",
    "classics.widrow_hoff_lms",
}  # fmt: skip


class Odd:
    """A class with nothing in it."""


class Text(str):
    """A text by another name."""

    __slots__ = ()


class Number(float):
    """A float by another name."""


def nothing(*_: Any, **__: Any) -> None:
    """A function of anything that gives nothing."""


def odd_error(*_: Any, **__: Any) -> None:
    """A function that raises an error of its own."""
    raise KeyError("odd")


def self_containing() -> list[Any]:
    odd: list[Any] = [1.0]
    odd.append(odd)
    return odd


#: What is given in place of an argument, by its text, which needs the imports
#: that nothing else names: a function makes it anew each time.
ODD: dict[str, Callable[[], Any]] = {
    text: eval(f"lambda: {text}")
    for text in """\
None; True; "a"; ""; "1"; b"x"; bytearray(b"12"); 1j; Decimal("0.5"); Decimal("sNaN");
Fraction(1, 2); float("nan"); float("inf"); -float("inf"); -0.0; -1; 0; 10**400; -(10**400); 2.5;
1e308; 5e-324; ...; []; (); [[]]; [[1.0, 2.0], [1.0]]; [1, [2]]; ["a"]; [None]; [float("nan"), 1.0];
[10**400, 1]; [1, 2, 3]; (1, 2); [[1, 2]]; {}; {1: 2.0}; {"a": None}; set(); {1.0, 2.0};
frozenset([1.0, 2.0]); {1.0: 1, 2.0: 2}.keys(); (x for x in (1.0, 2.0)); (x for x in ());
iter([1.0, 2.0]); map(float, "12"); zip([1.0], [2.0], strict=True); iter(range(3)); range(2);
deque([1.0, 2.0]); memoryview(b"12"); slice(2); object(); Odd; Odd(); type; float; lambda: 0;
lambda x: x; lambda a, b, c, d: a; nothing; odd_error; partial(nothing, 1); sys; property();
ValueError("odd"); SimpleNamespace(data=1.0, grad=0.0); Mock(); MagicMock(); Text("a"); Number(0.5);
Path("odd"); Path(); Path("no", "folder"); io.StringIO(); self_containing(); random.Random(1);
np.float32(0.5); np.float16(0.5); np.int64(2); np.uint8(1); np.bool_(True); np.complex64(1);
np.str_("a"); np.datetime64("2020"); np.timedelta64(1, "s"); np.datetime64("NaT", "s");
np.void(b"x"); np.dtype("f8"); np.random.default_rng(0); np.array(1.0); np.array(None); np.zeros(0);
np.zeros((0, 2)); np.ones(1); np.ones(2); np.eye(2); np.ones((1, 2, 2)); np.array([0, 1]);
np.array([1.0, np.nan]); np.ones(2, complex); np.array([1.0, None]);
np.array([[1], [1, 2]], object); np.zeros(2, [("a", float)]);
np.ma.masked_array([1.0, 2.0], [False, True]); np.ma.masked;
np.array(["a", "b"]); np.array(["2020", "2021"], "M8[D]"); np.array([b"a"]); pd.Series([1.0, 2.0]);
pd.Series(["a", None]); pd.Series([], dtype=float); pd.Series([1, None], dtype="Int64");
pd.DataFrame({"x": [1.0, 2.0]}); pd.Categorical(["a", "b"]); pd.NA; pd.NaT; pd.Timestamp("2020");
pd.Index([1, 2]); Value(0.5); parameter(0.5) * 2; [Value(0.5), Value(1.5)]; [[Value(0.5)]];
np.array([Value(0.5)]); Value(float("nan")); MLP(2, [1]); Layer(1, 1); SGD([Value(0.5)]); SGD;
moons(4); History([1.0])""".replace("\n", " ").split("; ")
}


class Call(NamedTuple):
    """A function with its arguments, by place and by name."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    names: dict[str, Any]

    def arguments(self) -> list[int | str]:
        return [*range(len(self.args)), *self.names]

    def replaced(self, new: dict[int | str, Any]) -> "Call":
        args = tuple(new.get(k, x) for k, x in enumerate(self.args))
        return Call(self.function, args, {k: new.get(k, x) for k, x in self.names.items()})

    def run(self) -> Any:
        """What the function gives; an iterator is run to its end."""
        found = self.function(*self.args, **self.names)
        return list(itertools.islice(found, 20)) if isinstance(found, Iterator) else found


def call(function: Callable[..., Any], *args: Any, **names: Any) -> Call:
    return Call(function, args, names)


def given(*args: Any, **names: Any) -> Call:
    """The arguments for the function or class that the name of the example says."""
    return Call(given, args, names)


def example(name: str) -> Call:
    made = EXAMPLES[name]()
    if made.function is given:
        return made._replace(function=public()[name.partition(" ")[0]])
    return made


def net() -> Any:
    return MLP(2, [2, 1], "tanh")


def moon() -> tuple[list[list[float]], list[int]]:
    return [[0.5, 1.0], [-0.5, 0.25], [1.5, -1.0], [0.0, 0.5]], [1, -1, 1, -1]


def node() -> Any:
    x = Value(0.5, "x")
    return (x * x + 1).tanh()


def foreign(data: float, parents: Sequence[Any] = (), op: str = "") -> Any:
    return SimpleNamespace(data=data, grad=0.5, _prev=parents, _op=op)


def program() -> Any:
    unit = Neuron(1, "tanh", rng=0)
    return vectorize(lambda x, y: (unit(x) - y) ** 2, [0.5], 1.0)


def table() -> Any:
    return data.Table("t.csv", {"a": ["1", "2", "3"], "c": ["u", "v", "u"]}, [2, 3, 4])


def weights() -> list[Value]:
    w = [parameter(0.5), parameter(1.5)]
    for p in w:
        p.grad = 1.0
    return w


def epoch(last: bool = False) -> Any:
    return train.Epoch(0, last, net(), 0.5, None, None, None)


def run_of(_: random.Random) -> Any:
    return net(), History([0.5])


def image() -> list[list[list[float]]]:
    return [[[0.5, 1.0], [1.5, 2.0]]]


def saved(name: str = "model.json") -> str:
    net().save(name)
    return name


def csv() -> str:
    Path("t.csv").write_text("a,b,c\n1,2,u\n2,3,v\n3,1,u\n4,5,v\n")
    return "t.csv"


def live() -> Any:
    return played.playground(n=8, hidden=[2])


def setting(x: Any, name: str) -> Call:
    return call(partial(setattr, x, name), 0.5)


def training(run: Callable[..., Any], **names: Any) -> Call:
    return call(
        run, net(), *moon(), loss="hinge", optimizer="sgd", epochs=1, batch_size=2,
        penalty=lambda m: losses.l2(m.parameters(), 0.1), engine="auto", rng=0,
        augment=lambda row, rng: row, **names,
    )  # fmt: skip


def square() -> Primitive:
    return Primitive("square", lambda m, x: x * x, lambda m, y, x: (2 * x,))


def examples_of_functions() -> dict[str, Callable[[], Call]]:
    """A call of each function of Values, loss, activation and exercise."""
    two = ("atan2", "divide", "equal", "hypot", "maximum", "minimum", "pow", "prelu", "remainder")
    calls: dict[str, Callable[[], Call]] = {}
    for name in f.__all__:
        function, key = getattr(f, name), f"functions.{name}"
        if name == "where":
            calls[key] = partial(call, function, True, Value(0.5), 2.0)
        elif name == "dot":
            calls[key] = partial(call, function, [Value(0.5)], [2.0], 1.0)
        elif name in two:
            calls[key] = partial(call, function, Value(0.5), 2.0)
        elif name in ("elu", "leaky_relu"):
            calls[name] = partial(call, function, Value(0.5), alpha=0.1)
            calls[f"{name} method"] = partial(call, getattr(Value(0.5), name), alpha=0.1)
        elif hasattr(Value, name) and name not in other_names.LOOKED_FOR:
            calls[key] = partial(call, function, Value(0.5))
            calls[f"Value.{name}"] = partial(call, getattr(Value(0.5), name))
        else:
            calls[key] = partial(call, function, [Value(0.5), 2.0])
            calls[f"{key} several"] = partial(call, function, Value(0.5), 2.0)
    for name, loss in losses.LOSSES.items():
        output = [Value(0.5), Value(1.0)] if name == "cross_entropy" else Value(0.5)
        calls[f"losses.{name}"] = partial(call, loss, output, 1)
    for number in EXERCISES:
        calls[f"exercises.check {number}"] = partial(call, check, number, ...)
    for optimizer in optim.OPTIMIZERS.values():
        calls[optimizer.__name__] = partial(_optimizer, optimizer)
    for name in other_names.LOOKED_FOR:
        if name in other_names.NUMPY:
            second = [2.0] if name in ("arctan2", "hypot") else []
            calls[f"Value.{name}"] = partial(call, getattr(Value(0.5), name), *second)
    for sign in ("add", "sub", "mul", "mod", "truediv", "pow", "lt", "le", "gt", "ge", "eq", "ne"):
        calls[f"Value {sign}"] = partial(call, partial(getattr(operator, sign), Value(0.5)), 2.0)
        calls[f"Value r{sign}"] = partial(_reflected, getattr(operator, sign))
    return calls


def _optimizer(kind: Any) -> Call:
    values = {name: option.default for name, option in declared(kind).items()}
    return call(kind, weights(), 0.1, **values)


def _reflected(sign: Callable[[Any, Any], Any]) -> Call:
    return call(lambda x: sign(x, Value(0.5)), 2.0)


def estimators() -> dict[str, Callable[[], Call]]:
    from tinygrad_edu.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

    def made(kind: Any, **options: Any) -> Any:
        return kind((2,), max_iter=2, random_state=0, **options)

    def fitted(kind: Any, method: str, *args: Any) -> Call:
        with quiet():
            return call(getattr(made(kind).fit(moon()[0], [0, 1, 0, 1]), method), *args)

    def fit_with(kind: Any, **options: Any) -> Any:
        return made(kind).set_params(**options).fit(moon()[0], [0, 1, 0, 1])

    calls: dict[str, Callable[[], Call]] = {}
    for kind in (ScalarMLPClassifier, ScalarMLPRegressor):
        name, defaults = f"sklearn.{kind.__name__}", made(kind).get_params()
        calls[name] = partial(call, partial(fit_with, kind), **defaults)
        for method in ("fit", "partial_fit"):
            calls[f"ScalarMLP.{method} of {name}"] = partial(
                fitted, kind, method, moon()[0], [0, 1, 0, 1]
            )
        for method in ("predict", "predict_proba", "predict_log_proba"):
            if hasattr(kind, method):
                calls[f"{kind.__name__}.{method}"] = partial(fitted, kind, method, moon()[0])
        for method in ("graph", "deltas", "explain"):
            calls[f"ScalarMLP.{method} of {name}"] = partial(fitted, kind, method, [0.5, 1.0], 1)
    return calls


EXAMPLES: dict[str, Callable[[], Call]] = {
    # the engine
    "Value": lambda: given(0.5, "x"),
    "Value.backward": lambda: call(node().backward, 1.0),
    "Value data": lambda: setting(Value(0.5), "data"),
    "Value grad": lambda: setting(Value(0.5), "grad"),
    "Value name": lambda: call(partial(setattr, Value(0.5), "name"), "x"),
    "parameter": lambda: given(0.5, "w"),
    "engine.constant": lambda: given(0.5),
    "engine.gradients": lambda: given(node(), 1.0),
    "engine.RandomLeaf": lambda: given(lambda: 0.5, "x"),
    "grad": lambda: given((x := Value(0.5)) * x, x),
    "grad of several": lambda: given((x := Value(0.5)) * x, [x]),
    "toposort": lambda: given(node(), node(), leaves=True),
    "Primitive": lambda: given("double", lambda m, x: 2 * x, lambda m, y, x: (2.0,), constants={}),
    "Primitive.__call__": lambda: call(square(), Value(0.5)),
    "Primitive.__call__ with constants": lambda: call(f.elu, Value(0.5), alpha=0.5),
    "Primitive.bind": lambda: call(engine.primitives["elu"].bind, alpha=0.5),
    "primitive": lambda: given(lambda m, y, x: (2.0,)),
    "primitive function": lambda: call(primitive(lambda m, y, x: (2.0,)), lambda m, x: 2 * x),
    "jacobian": lambda: given([(x := Value(0.5)) * x], [x]),
    "hessian": lambda: given((x := Value(0.5)) * x, [x]),
    "gradcheck": lambda: given(lambda x: x * x, 0.5, tolerance=1e-6),
    "gradcheck of two": lambda: given(lambda x, y: x * y, [0.5, 1.0]),
    # losses
    "losses.l1": lambda: given(weights(), 0.1),
    "losses.l2": lambda: given(weights(), 0.1, half=True),
    "losses.find_loss": lambda: given("hinge"),
    "losses.record_of": lambda: given(losses.hinge),
    "losses several": lambda: call(losses.squared_error, [Value(0.5), 1.0], [0.0, 1.0]),
    "losses.cross_entropy shares": lambda: given([Value(0.5), 1.0], [0.5, 0.5]),
    # nn
    "MLP": lambda: given(2, [3, 1], "tanh", "linear", init="he", rng=0),
    "MLP.__call__": lambda: call(net(), [0.5, 1.0]),
    "Neuron": lambda: given(2, "tanh", init="he", rng=0, nonlin=None, nout=1),
    "Neuron.__call__": lambda: call(Neuron(2, rng=0), [0.5, 1.0]),
    "Neuron.activate": lambda: call(Neuron(2, rng=0).activate, Value(0.5)),
    "Neuron.net_input": lambda: call(Neuron(2, rng=0).net_input, [0.5, 1.0]),
    "Layer": lambda: given(2, 2, "softmax", init="he", rng=0, nonlin=None),
    "Layer.__call__": lambda: call(Layer(2, 2), [0.5, 1.0]),
    "RNN": lambda: given(1, 2, 1, "tanh", "linear", return_sequences=False, init="he", rng=0),
    "RNN.__call__": lambda: call(RNN(1, 2, 1), [[0.5], [1.0]]),
    "RNN.states": lambda: call(RNN(1, 2, 1).states, [[0.5], [1.0]]),
    "Attention": lambda: given(2, 1, causal=True, init="he", rng=0),
    "Attention.__call__": lambda: call(Attention(2), [[0.5, 1.0], [1.0, 2.0]]),
    "Attention.attend": lambda: call(Attention(2, 2).attend, [[0.5, 1.0], [1.0, 2.0]]),
    "Embedding": lambda: given(3, 2, init="he", rng=0),
    "Embedding.__call__": lambda: call(Embedding(3, 2), 1),
    "RMSNorm": lambda: given(2, 1e-5),
    "RMSNorm.__call__": lambda: call(RMSNorm(2), [0.5, 1.0]),
    "RNNCell": lambda: given(1, 2, "tanh", init="he", rng=0),
    "RNNCell.__call__": lambda: call(RNNCell(1, 2), [0.5], [0.0, 0.0]),
    "per_step": lambda: given("squared_error", 1),
    "per_step loss": lambda: call(per_step("squared_error"), [Value(0.5), Value(1.0)], [0.0, 1.0]),
    "AvgPool2d": lambda: given(2, 1),
    "MaxPool2d": lambda: given(2, 1),
    "_Pool2d.__call__": lambda: call(MaxPool2d(2), image()),
    "Conv2d": lambda: given(1, 1, 2, 1, 0, activation="relu", init="he", rng=0),
    "Conv2d.__call__": lambda: call(Conv2d(1, 1, 2), image()),
    "Flatten.__call__": lambda: call(Flatten(), image()),
    "Unflatten": lambda: given(1, 2, 2),
    "Unflatten.__call__": lambda: call(Unflatten(1, 2, 2), [1.0, 2.0, 3.0, 4.0]),
    "BatchNorm": lambda: given(2, 0.1, 1e-5),
    "BatchNorm.__call__": lambda: call(BatchNorm(2).eval(), [0.5, 1.0]),
    "BatchNorm.batch": lambda: call(BatchNorm(2).batch, [[0.5, 1.0], [1.0, 2.0]]),
    "Dropout": lambda: given(0.5, 0),
    "Dropout.__call__": lambda: call(Dropout(0.5), [0.5, 1.0]),
    "Sequential": lambda: given(Layer(2, 1), "tanh"),
    "Sequential.batch": lambda: call(Sequential(Layer(2, 1), BatchNorm(1)).batch, moon()[0]),
    "Sequential.__call__": lambda: call(Sequential(Layer(2, 1), "tanh"), [0.5, 1.0]),
    "nn.Activate": lambda: given("tanh"),
    "Activate.__call__": lambda: call(nets.Activate("tanh"), [0.5, 1.0]),
    "Module.batch": lambda: call(net().batch, [[0.5, 1.0]]),
    "Savable.load": lambda: call(MLP.load, saved(), max_bytes=10**6),
    "Savable.load_parameters": lambda: call(net().load_parameters, saved(), max_bytes=10**6),
    "Savable.load_state_dict": lambda: call(net().load_state_dict, net().state_dict()),
    "Savable.load_state_dict of a number": lambda: call(
        lambda x: net().load_state_dict(net().state_dict() | {"layer1.neuron1.b": x}), 0.5),
    "Savable.save": lambda: call(net().save, "model.json", metadata={"a": 1}),
    "Module.train": lambda: call(net().train, True),
    "load": lambda: given(saved(), max_bytes=10**6),
    "nn.modules": lambda: given(net()),
    "nn.register": lambda: given("nin"),
    # optim
    "optim.Optimizer": lambda: given(weights(), 0.1, weight_decay=0.0),
    "Optimizer lr": lambda: setting(SGD(weights()), "lr"),
    "optim.find_optimizer": lambda: given("sgd"),
    "optim.cosine_decay": lambda: given(0.1, 10, 0.0),
    "optim.exponential_decay": lambda: given(0.1, 0.5),
    "optim.linear_decay": lambda: given(0.1, 0.01, 10),
    "optim.step_decay": lambda: given(0.1, 10, 0.1),
    "optim schedule": lambda: call(optim.step_decay(0.1, 10), 1),
    "clip_grad_norm": lambda: given(weights(), 1.0),
    "clip_grad_value": lambda: given(weights(), 1.0),
    "max_norm": lambda: given(weights(), 1.0),
    # data
    "data.Dataset": lambda: given([[0.5]], [0], ("x1",), ("0",), "own", "nowhere", groups=[0]),
    "data.as_random": lambda: given(0),
    "data.binary_addition": lambda: given(2, 3, rng=0),
    "data.fit_centring": lambda: given([[0.5, 1.0], [1.0, 2.0]]),
    "data.fit_min_max_scaler": lambda: given([[0.5, 1.0], [1.0, 2.0]], -1.0, 1.0),
    "data.fit_standard_scaler": lambda: given([[0.5, 1.0], [1.0, 2.0]]),
    "data.Scaling": lambda: given((0.5, 1.0), (2.0, 1.0)),
    "Scaling.__call__": lambda: call(data.Scaling((0.5,), (2.0,)), [[0.5]]),
    "Scaling.inverse": lambda: call(data.Scaling((0.5,), (2.0,)).inverse, [[0.5]]),
    "data.folds": lambda: given([1, 1, 2, 2], 2, rng=0),
    "data.jitter": lambda: given(0.1),
    "data.rotation": lambda: given(10.0, (0.0, 0.0)),
    "data.shift": lambda: given(1, 2, 2),
    "Augmentation.__call__": lambda: call(data.jitter(0.1), [0.5], 0),
    "data.letter_windows": lambda: given(["anna"], 2, letters="an"),
    "data.first_names": lambda: given(),
    "data.next_letter": lambda: given(["anna"], 2, letters="an"),
    "data.one_hot": lambda: given("GA", "ACGT"),
    "data.thermometer": lambda: given("ab", "abc"),
    "data.kind_of": lambda: call(data.kind_of, table(), "a"),
    "data.read_table": lambda: given(csv(), encoding="utf-8", delimiter=","),
    "data.Table": lambda: given("t.csv", {"a": ["1"]}, [2]),
    "Table.error": lambda: call(table().error, 0, "a", "no"),
    "Table.floats": lambda: call(table().floats, "a", missing=True),
    "Table.missing": lambda: call(table().missing, "a", numeric=True),
    "Table.notation": lambda: call(table().notation, "a"),
    "Table.read": lambda: call(table().read, "a"),
    "Table.take": lambda: call(table().take, [0, 2]),
    "Table.is_numeric": lambda: call(table().is_numeric, "a"),
    "Table.numbers": lambda: call(table().numbers, "a"),
    "Table.text": lambda: call(table().text, "c"),
    "data.TableEncoder": lambda: given((NumericColumn("a", 0.0, 1.0),), "c", ("u", "v")),
    "TableEncoder.features": lambda: call(data.TableEncoder.fit(table(), "c").features, table()),
    "TableEncoder.fit": lambda: call(data.TableEncoder.fit, table(), "c", [0, 1]),
    "TableEncoder.from_dict": lambda: call(
        data.TableEncoder.from_dict, data.TableEncoder.fit(table(), "c").to_dict()),
    "TableEncoder.labels": lambda: call(data.TableEncoder.fit(table(), "c").labels, table()),
    "TableEncoder.to_dict": lambda: call(data.TableEncoder.fit(table(), "c").to_dict),
    "blobs": lambda: given(6, [[0.0, 1.0], [2.0, 3.0]], 1.0, 0),
    "circles": lambda: given(4, 0.1, 0.5, 0),
    "moons": lambda: given(4, 0.1, 0),
    "spiral": lambda: given(6, 3, 0.1, 0, turns=1.0),
    "data.sine": lambda: given(4, 0.1, 0),
    "data.houses": lambda: given(4, 20.0, 0),
    "xor": lambda: given(4, 0.1, 0),
    "vowels": lambda: given(["F1", "F2"]),
    "train_test_split": lambda: given(*moon(), test_size=0.5, stratify=True, rng=0),
    "train_test_split by its old name": lambda: given(*moon(), test_ratio=0.5),
    # the perceptron
    "Perceptron": lambda: given(2, w=[0.0, 1.0, 1.0]),
    "Perceptron.__call__": lambda: call(Perceptron(2), [0.5, 1.0]),
    "Perceptron.distance": lambda: call(Perceptron(2, w=[0.0, 1.0, 1.0]).distance, [0.5, 1.0]),
    "Perceptron.fit": lambda: call(
        Perceptron(2).fit, *moon(), lr=1.0, batch=False, epochs=2, rng=0),
    "Perceptron.line": lambda: call(Perceptron(2, w=[0.0, 1.0, 1.0]).line),
    "Perceptron.load_state_dict": lambda: call(
        Perceptron(2).load_state_dict, Perceptron(2).state_dict()),
    "Perceptron.net_input": lambda: call(Perceptron(2).net_input, [0.5, 1.0]),
    "perceptron.gate": lambda: given("AND"),
    "perceptron.truth_table": lambda: given(perceptron.xor, 2),
    "perceptron.xnor": lambda: given((0, 1)),
    "perceptron.xor": lambda: given((0, 1)),
    # training
    "fit": lambda: training(fit, validation=moon(), callbacks=[nothing], progress=False),
    "train": lambda: training(tinygrad_edu.train),
    "pretrain": lambda: given(
        net(), moon()[0], optimizer="sgd", epochs=1, decoder="linear", batch_size=2, engine="auto",
        rng=0, augment=lambda row, rng: row, progress=False),
    "predict": lambda: given(net(), moon()[0], engine="auto"),
    "evaluate": lambda: given(net(), *moon(), loss="hinge", engine="auto"),
    "classes": lambda: given(net(), moon()[0], loss="hinge"),
    "probabilities": lambda: given(net(), moon()[0], loss="hinge"),
    "best_of": lambda: given(run_of, 2, rng=0, n_jobs=1),
    "sweep": lambda: given(lambda rng, lr: run_of(rng), {"lr": [0.1, 1.0]}, rng=0, n_jobs=1),
    "train.Sweep": lambda: given([train.Run({"lr": 0.1}, net(), History([0.5]))]),
    "Sweep.table": lambda: call(
        train.Sweep([train.Run({"lr": 0.1}, net(), History([0.5]))]).table, 2),
    "train.scalar_engine": lambda: given(net(), losses.hinge, None),
    "train.scalar_engine gradient": lambda: call(
        train.scalar_engine(net(), losses.hinge, None), *moon()),
    "EarlyStopping": lambda: given(2, min_delta=0.1),
    "EarlyStopping.start": lambda: call(EarlyStopping().start, net()),
    "EarlyStopping.__call__": lambda: call(EarlyStopping(), epoch()),
    "History": lambda: given([0.5], [0.5], [0.5], [0.5], None, False),
    "History.table": lambda: call(History([0.5]).table, 2),
    # programs
    "diagnose.diagnose_backward": lambda: call(
        diagnose_backward, program(), {"dW1": [[0.5]]}, [[0.5], [1.0]], [1.0, 2.0]),
    "vectorize.vectorize": lambda: call(vectorize, lambda x, y: x[0] * y, [0.5, 1.0], 1.0),
    "Program.__call__": lambda: call(program(), [[0.5], [1.0]], [1.0, 2.0]),
    "Program.backward": lambda: call(program().backward, [[0.5], [1.0]], [1.0, 2.0]),
    "Program.columns": lambda: call(program().columns, [[0.5], [1.0]], [1.0, 2.0]),
    "Program.explain": lambda: call(program().explain, "A1"),
    "Program.value_and_grad": lambda: call(program().value_and_grad, [[0.5]], [1.0]),
    # views
    "draw": lambda: given(
        node(), level="auto", names={"y": Value(0.5)}, edges="none", max_nodes=150, rankdir="LR",
        unfold=False, expand=None, example=None, notation="lecture", color=None),
    "draw a net": lambda: given(net()([0.5, 1.0]), level="layer", expand="layer1"),
    "Picture.save": lambda: call(draw(node()).save, "graph.dot"),
    "explain": lambda: given((x := Value(0.5)).tanh(), x, names={"y": x}, derive=True),
    "deltas": lambda: given(net(), [0.5, 1.0], 1.0, "squared_error", "dL/dz", notation="lecture"),
    "network": lambda: given(
        net(), [0.5, 1.0], 1.0, "squared_error", input_names=["a", "b"], convention="dL/dz",
        max_units=16, notation="lecture"),
    "steps": lambda: given(
        node(), level="value", optimizer=None, guess=False, names={"y": Value(0.5)}, max_steps=300,
        max_nodes=60, notation="lecture"),
    "worksheet": lambda: given(
        node(), level="value", blanks="gradients", names={"y": Value(0.5)}, title="a",
        formulas=True, notation="lecture", rng=0),
    "Film.save": lambda: call(steps(node()).save, "film.html"),
    "Equations.save": lambda: call(explain(node()).save, "chain.txt"),
    "Film.strip": lambda: call(steps(node()).strip, 2),
    "Picture.save of a net": lambda: call(network(net()).save, "net.svg"),
    "Picture.save of a sheet": lambda: call(worksheet(node()).save, "sheet.svg"),
    # pictures
    "view.pictures.activations": lambda: given(["tanh"], span=5.0, saturation=0.05, ax=None),
    "view.pictures.beside": lambda: given(lambda ax: ax, width=2.0, height=1.0),
    "view.pictures.confusion": lambda: given([0, 1], [0, 1], ["a", "b"], ax=None),
    "view.pictures.curve": lambda: given(
        MLP(1, [2, 1], "tanh"), [[0.5], [1.0]], [1.0, 2.0],
        transform=lambda rows: rows, inverse=lambda rows: rows, units=1, feature_name="x", name="y",
        ax=None),
    "view.pictures.descent_path": lambda: given(
        lambda: (w[0] - w[1]) ** 2, *(w := weights()), SGD(w), steps=2),
    "view.pictures.gradients": lambda: given(
        Layer(2, 1), *moon(), loss="hinge", optimizer="sgd", epochs=1, ax=None),
    "view.pictures.hidden_space": lambda: given(
        net(), *moon(), layer=1, outputs="auto", class_names=["a", "b"], ax=None),
    "view.pictures.histograms": lambda: given({"a": [0.5, 1.0]}, span=(0.0, 1.0), ax=None),
    "view.pictures.images": lambda: given(
        [[0.5, 1.0], [1.5, 2.0]], height=1, width=2, titles=["a", "b"], ax=None),
    "view.pictures.loss_curve": lambda: given([0.5, 0.25], log=False, ax=None),
    "view.pictures.neuron_maps": lambda: given(
        net(), moon()[0], layer=1, extent=(-1, 1, -1, 1), transform=None, class_names=["a"],
        resolution=4, ax=None),
    "view.pictures.heat_map": lambda: given([[1.0], [0.5, 0.5]], "ab", title="head 1", ax=None),
    "view.pictures.plot": lambda: given(
        [1.0, 2.0], {"a": [0.5, 0.25]}, dots=["a"], log="y", names=("x", "y"), ax=None),
    "view.pictures.predictions": lambda: given([0.5, 1.5], [0.25, 2.0], name="y", ax=None),
    "view.pictures.regions": lambda: given(
        net(), *moon(), X_test=[[0.5, 1.0]], y_test=[1], ax=None, transform=None, class_names=["a",
        "b"], resolution=4),
    "view.pictures.residuals": lambda: given([0.5, 1.5], [0.25, 2.0], name="y", ax=None),
    "view.pictures.surface": lambda: given(
        lambda: (w[0] - w[1]) ** 2, *(w := weights()), span=2.0, extent=(-1, 1, -1, 1), paths={"a":
        [(0.0, 1.0), (0.5, 1.0)]}, resolution=4, ax=None),
    "view.pictures.surface of data": lambda: given(
        ((unit := Neuron(2, "tanh", rng=0)), *moon(), "squared_error"), *unit.w, resolution=4),
    "view.pictures.tangent": lambda: given(
        lambda x: x * x, 0.5, span=3.0, name="f", variable="x", ax=None),
    "view.pictures.weights": lambda: given(
        Layer(4, 2), height=2, width=2, class_names=["a", "b"], ax=None),
    # exports
    "export.to_numpy_source": lambda: given(net(), [0.5, 1.0]),
    "export.from_torch": lambda: given(Odd()),
    "export.to_torch": lambda: given(net()),
    "export.to_page": lambda: given(
        net(), *moon(), loss="squared_error", optimizer="sgd", path="net.html", title="a",
        batch_size=1, penalty=None, validation=moon(), sample_weight=[1, 2, 0, 1], rng=0),
    "export.to_onnx": lambda: given(net(), "net.onnx"),
    # classics
    "classics.Classic": lambda: given("a", "b", (classics.Row("x", "0.5", 0.5),), "c"),
    "classics.Row": lambda: given("x", "0.5", 0.5, 0.1),
    "classics.family_trees": lambda: given(1),
    "classics.linear_claims": lambda: given((0.5, -1.5, 2.0), x=3.0, y=1.0),
    "classics.mazur": lambda: given(long=False),
    "classics.micrograd_moons": lambda: given(steps=1),
    "classics.rumelhart_encoder": lambda: given(0),
    "classics.rumelhart_parity": lambda: given(1),
    "classics.rumelhart_symmetry": lambda: given(1),
    "classics.rumelhart_xor": lambda: given(1),
    "classics.spiral_net": lambda: given(1),
    # other engines
    "adopt": lambda: given(foreign(-2.0, [foreign(2.0)], "neg")),
    "diagnose.diagnose_engine": lambda: given(Value),
    "diagnose.diagnose_training": lambda: given(
        (model := net()), *moon(), loss="hinge", optimizer=SGD(model.parameters(), lr=0.1)),
    "diagnose.diagnose_slopes": lambda: given(f.tanh, [[0.5], [1.5]]),
    # exercises and playground
    "exercises.Exercise": lambda: given("a", bool, ("b",)),
    "exercises.variant": lambda: given("2.1"),
    "exercises.check": lambda: given("2.1", 1.0),
    "playground.Settings": lambda: given(
        data="moons", n=8, noise=0.2, share=0.3, seed=0, features=["x1"], hidden=[2],
        activations="tanh", loss="cross_entropy", optimizer="sgd", rate=0.1, batch=2,
        penalty="none", strength=0.1, dropout=0.5),
    "playground.playground": lambda: given(
        [[0.5, 1.0], [1.0, 0.0], [2.0, 1.0], [0.0, 0.5]], [0, 1, 0, 1], columns=None,
        show=["plane"], hide=["data"], lock=True, questions=["a"], title="a", epochs=0, hidden=[2]),
    "playground.playground of a file": lambda: given(csv(), columns=["a", "b", "c"], hidden=[2]),
    "Playground.save": lambda: call(live().save, "lesson.html"),
    "playground.features": lambda: given([[2.0, 3.0]], ["x1", "x1*x2"]),
    "playground.lesson": lambda: given(
        "lesson.html", link="data=xor", hide=["data"], lock=True, questions=["a"], title="a"),
    "playground.points": lambda: given([[0.5, 1.0], [1.0, 2.0]], [0, 1], None),
    "playground.points of a file": lambda: given(csv(), None, ["a", "b", "c"]),
}  # fmt: skip
EXAMPLES |= examples_of_functions()
#: What takes no argument: functions, and methods with what has them.
EXAMPLES |= dict.fromkeys(
    ["detect_anomaly", "no_grad", "Flatten", "Module", "digits", "iris", "view.renderer",
     "classics.circuits", "classics.exercises", "classics.goodfellow_xor", "classics.han_kamber",
     "classics.micrograd_readme", "classics.minsky_papert_parity", "classics.saturation",
     "classics.spiral_linear"], given,
)  # fmt: skip
EXAMPLES |= {
    f"{kind}.{name}": lambda make=make, name=name: call(getattr(make(), name))
    for kind, make, names in [
        ("Value", node, "local_derivatives slopes"),
        ("RandomLeaf", lambda: engine.RandomLeaf(lambda: 0.5), "draw"),
        ("Module", net, "eval named_buffers named_parameters parameters summary zero_grad"),
        ("Savable", net, "state_dict"),
        ("Optimizer", lambda: SGD(weights()), "step zero_grad"),
        ("Perceptron", lambda: Perceptron(2), "hyperplane state_dict"),
        ("EarlyStopping", EarlyStopping, "over"),
        ("History", lambda: History([0.5]), "columns plot to_dict"),
        ("Explanation", lambda: explain(node()), "table"),
        ("Film", lambda: steps(node()), "inline"),
        ("Playground", live, "model"),
    ]
    for name in names.split()
}
if find_spec("sklearn"):
    EXAMPLES |= estimators()
_LIVE: dict[str, Callable[[], Call]] = {
    "Playground.change": lambda: call(live().change, rate=0.1, hidden=[2]),
    "Playground.set": lambda: call(live().set, "b1[1]", 0.5),
    "Playground.step": lambda: call(live().step, 1),
    **{
        f"Playground.{name}": lambda name=name: call(getattr(live(), name))
        for name in ("pause", "play", "reset")
    },
}
if find_spec("anywidget"):
    EXAMPLES |= _LIVE
else:
    LEFT_OUT |= set(_LIVE)


@cache
def public() -> dict[str, Any]:
    """Every public callable by its name: functions, classes, and the methods of these."""
    found: dict[str, Any] = {}
    for room in ROOMS:
        if room == "sklearn" and not find_spec("sklearn"):
            continue
        module = import_module(f"tinygrad_edu.{room}".rstrip("."))
        names = getattr(module, "__all__", None) or [
            name
            for name, x in vars(module).items()
            if not name.startswith("_") and getattr(x, "__module__", "") == module.__name__
        ]
        for name in names:
            x = getattr(module, name)
            if callable(x) and not inspect.ismodule(x) and not is_error(x) and not is_type(x):
                if not any(x is known for known in found.values()):
                    found[f"{room}.{getattr(x, '__name__', name)}".lstrip(".")] = x
                if isinstance(x, type):
                    found |= methods(x)
    return found


def is_error(x: Any) -> bool:
    return isinstance(x, type) and issubclass(x, BaseException)


def is_type(x: Any) -> bool:
    """Whether it is the name of a type, such as `Callable[[int], float]`."""
    return not isinstance(x, type) and type(x).__module__ in ("typing", "types", "collections.abc")


def methods(kind: type) -> dict[str, Any]:
    """The public methods of a class that the package defines, by the class that has them."""
    bases = [base for base in kind.__mro__ if base.__module__.startswith("tinygrad_edu")]
    members = [
        (name, getattr(x, "__func__", x)) for base in bases for name, x in vars(base).items()
    ]
    return {
        member.__qualname__: member
        for name, member in members
        if inspect.isfunction(member)
        and name == member.__name__
        and (not name.startswith("_") or name == "__call__")
    }


class TimeIsUp(BaseException):
    """A call has taken too long."""


class Verdict(NamedTuple):
    """How a call ended: "result", "own" error, "passed" on, or "inner" error, and which."""

    kind: str
    text: str = ""


Trial = tuple[str, tuple[tuple[int | str, str], ...]]


@cache
def codes_of_odd_functions() -> frozenset[Any]:
    """The code of all odd objects that are functions."""
    return frozenset(getattr(make(), "__code__", None) for make in ODD.values()) - {None}


def tried(trial: Trial) -> Verdict:
    """How an example ends with odd arguments."""
    name, odd = trial
    mistaken = example(name).replaced({k: ODD[what]() for k, what in odd})
    try:
        with quiet(), time_limit(LIMIT):
            mistaken.run()
    except TimeIsUp:
        return Verdict("inner", "no answer")
    except Exception as error:
        return judged(error, name)
    return Verdict("result")


def judged(error: Exception, name: str = "") -> Verdict:
    """Whose error it is: who raised it."""
    text = f"{type(error).__name__}: {' '.join(str(error).split()):.150}"
    frames = list(traceback.walk_tb(error.__traceback__))
    last, line = frames[-1]
    place = f"{text} @ {Path(last.f_code.co_filename).name}:{line}"
    files = [(f.f_code.co_filename, n) for f, n in frames]
    inside = [(Path(file).name, n) for file, n in files if HOME in file]
    if last.f_code in codes_of_odd_functions() or "unittest/mock" in last.f_code.co_filename:
        return Verdict("passed", place)
    if str(error).startswith(OF_ODD_FUNCTIONS) and isinstance(error, TypeError):
        return Verdict("passed", place)
    if isinstance(error, OSError) and error.filename is not None:
        return Verdict("own", place)  # what the system says of a path
    if name.startswith("Value ") and {"value.py", "other_names.py"} >= {file for file, _ in inside}:
        return Verdict("passed", place)  # what Python, or the other operand, says of both
    if name.startswith("vectorize") and last.f_code.co_filename == __file__:
        return Verdict("passed", place)  # what the function says of another example
    home = last.f_code.co_filename.startswith(HOME)
    own = isinstance(error, OWN) or type(error).__module__.startswith("tinygrad_edu.")
    if is_raise(error.__traceback__) and home and str(error) and own:
        return Verdict("own", place)
    if "Scalar" in name and any("/site-packages/sklearn/" in file for file, _ in files):
        return Verdict("own", place)  # what scikit-learn says of parameters and data
    return Verdict("inner", f"{place} ({' '.join(f'{file}:{n}' for file, n in inside[-3:])})")


#: How errors begin that Python raises where an odd function is called with what it cannot take.
OF_ODD_FUNCTIONS = (
    "<lambda>.<locals>.<lambda>()", "Odd()", "type()", "type.__new__()", "float()",
    "float expected", "MLP.__call__()", "Layer.__call__()",
)  # fmt: skip
#: What the package may raise besides its own classes; numbers beyond 1.8e308 are OverflowErrors.
OWN = TypeError | ValueError | OverflowError | ImportError


def is_raise(trace: Any) -> bool:
    """Whether the innermost frame ended in a `raise`."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return code.co_code[trace.tb_lasti] == opcode.opmap["RAISE_VARARGS"]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing is printed or warned of, and figures are closed."""
    out, err = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with warnings.catch_warnings(), out, err:
        warnings.simplefilter("ignore")
        yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp after so many seconds."""

    def ring(*_: Any) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def trials(n: int, names: Sequence[str] = (), seed: int = 0) -> list[Trial]:
    """n trials, in an order drawn from the seed: first of one argument each, then of two."""
    rng = random.Random(seed)
    places = [(name, EXAMPLES[name]().arguments()) for name in sorted(names or EXAMPLES)]
    one: list[Trial] = [
        (name, ((k, odd),)) for name, arguments in places for k in arguments for odd in ODD
    ]
    rng.shuffle(one)
    several = [(name, arguments) for name, arguments in places if len(arguments) > 1]
    while len(one) < n and several:
        name, arguments = rng.choice(several)
        a, b = rng.sample(arguments, 2)
        one.append((name, ((a, rng.choice(list(ODD))), (b, rng.choice(list(ODD))))))
    return one[:n]


def written(trial: Trial) -> str:
    name, odd = trial
    return f"{name}({', '.join(f'{k}: {what}' for k, what in odd)})"


def worker(tasks: list[Trial], answers: Any) -> None:
    """Try all in a folder that goes away, and tell the verdicts one by one."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with open(os.devnull) as null:
        os.dup2(null.fileno(), 0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for trial in tasks:
            answers.send(tried(trial))
        os.chdir("/")


def swept(tasks: list[Trial], processes: int) -> list[Verdict]:
    """The verdicts on all trials, of which each process has 500 at a time."""
    shares = [tasks[k : k + 500] for k in range(0, len(tasks), 500)]
    with ThreadPool(processes) as pool:
        return [verdict for share in pool.imap(judgement, shares) for verdict in share]


def judgement(tasks: list[Trial]) -> list[Verdict]:
    """The verdicts of a process; where it does not answer it is ended, and another goes on."""
    verdicts: list[Verdict] = []
    while len(verdicts) < len(tasks):
        answers, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=worker, args=(tasks[len(verdicts) :], theirs))
        process.start()
        theirs.close()
        try:
            while len(verdicts) < len(tasks):
                if not answers.poll(4 * LIMIT):
                    raise EOFError
                verdicts.append(answers.recv())
        except EOFError:  # it has died, or does not answer
            verdicts.append(Verdict("inner", "the process died or hung"))
            process.kill()
        process.join()
        answers.close()
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=50_000, help="number of calls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="names that begin so, as a regular expression")
    parser.add_argument("--show", default="inner", help="which verdicts are listed")
    options = parser.parse_args()
    os.environ["MPLBACKEND"] = "Agg"
    os.environ.pop("DISPLAY", None)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        names = [name for name in EXAMPLES if re.match(options.only, name)]
        tasks = trials(options.n, names, options.seed)
    verdicts = swept(tasks, options.processes)
    for trial, verdict in zip(tasks, verdicts, strict=True):
        if verdict.kind in options.show.split(","):
            print(f"{verdict.kind}: {written(trial)}: {verdict.text}")
    counts = Counter(verdict.kind for verdict in verdicts)
    print(f"{len(tasks)} calls of {len(names)} examples: {dict(counts)}")


if __name__ == "__main__":
    main()
