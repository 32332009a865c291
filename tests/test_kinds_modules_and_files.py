"""Modules and files: kinds of surprise that are none any more."""

import copy
import io
import logging
import math
import os
import pickle
import random
import re
import stat
from collections import ChainMap, OrderedDict, UserDict, UserList, deque, namedtuple
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_pdf import PdfPages

from tinygrad_edu import (
    MLP,
    SGD,
    BatchNorm,
    Dropout,
    History,
    Layer,
    ModelFileError,
    Module,
    Neuron,
    Perceptron,
    Primitive,
    Sequential,
    Value,
    draw,
    files,
    functions,
    load,
    network,
    parameter,
    steps,
    sweep,
    vectorize,
    worksheet,
)
from tinygrad_edu.data import read_table
from tinygrad_edu.engine import RandomLeaf, primitives
from tinygrad_edu.figure import Figure
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    squared_error,
)
from tinygrad_edu.nn import MAX_PARAMETERS, model_file

X = Value(2.0, "x")
NET = MLP(2, [2, 1], "tanh", rng=0)
ROWS, RAMP = [[1.0, 2.0], [-1.0, 0.5], [0.0, 3.0]], [1.0, -2.0, 0.5]

#: What writes a file: the suffix it asks for, and how it is called.
WRITERS = {
    "model": (".json", NET.save),
    "drawing": (".dot", draw(X * X).save),
    "film": (".svg", steps(X * X).save),
    "worksheet": (".dot", worksheet(X * X).save),
    "network": (".svg", network(NET).save),
    "figure": (".svg", Figure().savefig),
    "any": (".txt", lambda path: files.write(path, "text")),
}
READERS = {
    "load": load,
    "load of a class": MLP.load,
    "load_parameters": NET.load_parameters,
    "read_table": read_table,
}
BOTH = {name: write for name, (_, write) in WRITERS.items()} | READERS

# --- parameters are found or refused


def one(x=1.0):
    return parameter(x)


class Net(Module):
    """What holds `w`, in whatever it is."""

    def __init__(self, w, **others):
        self.w = w
        vars(self).update(others)


class Slots:
    """An object that is no module and has no dict."""

    __slots__ = ("w",)

    def __init__(self):
        self.w = one()


class SlotNet(Module):
    """A module with a parameter in a slot."""

    __slots__ = ("inner", "w")

    def __init__(self):
        self.v, self.w = one(), one()


@dataclass(slots=True)
class Pair:
    """Two parameters."""

    left: object
    right: object


Tuple = namedtuple("Tuple", "left right")


def itself():
    items = [one()]
    items.append(items)
    return items


def shared():
    a, b = one(), one()
    return [[a, a, b], (b, a), b]


#: What holds parameters, and the names under which they are found.
FOUND = {
    "array": (lambda: np.array([[one(), one()]]), "w[0][0] w[0][1]"),
    "array in a list": (lambda: [np.array([one()])], "w[0][0]"),
    "array without axes": (lambda: np.array(one()), "w[0]"),
    "masked array": (lambda: np.ma.array([one()], dtype=object), "w[0]"),
    "array of layers": (lambda: np.array([Neuron(1), None]), "w[0].w[0] w[0].b"),
    "deque": (lambda: deque([one()]), "w[0]"),
    "UserList": (lambda: UserList([one()]), "w[0]"),
    "dict": (lambda: {"a": Neuron(1)}, "w['a'].w[0] w['a'].b"),
    "UserDict": (lambda: UserDict(a=one()), "w['a']"),
    "ordered dict in a tuple": (lambda: (OrderedDict(a=[one()]),), "w[0]['a'][0]"),
    "chain of dicts": (lambda: ChainMap({"a": one()}), "w['a']"),
    "read-only dict": (lambda: MappingProxyType({"a": one()}), "w['a']"),
    "dataclass with slots": (lambda: Pair(one(), [one()]), "w.left w.right[0]"),
    "named tuple": (lambda: Tuple(one(), one()), "w[0] w[1]"),
    "module with slots": (SlotNet, "w.w w.v"),
    "a list that holds itself": (itself, "w[0]"),
    "rows with parameters twice": (shared, "w[0][0] w[0][2]"),
    "row with a result": (lambda: [one(), one() * 2, Value(1.0)], "w[0] w[2]"),
    "lists in lists": (lambda: [[[[one()]]]], "w[0][0][0][0]"),
    "nothing": (lambda: [1.0, "w", None, {1.0}, range(3), np.ones(3), [one() * 2, one() + 1]], ""),
}


@pytest.mark.parametrize("name", FOUND)
def test_parameters_are_found_in_containers_with_an_order(name):
    make, names = FOUND[name]
    model = Net(make())
    assert " ".join(model.named_parameters()) == names
    assert list(model.state_dict()) == names.split()
    assert repr(model) == f"Net() with {len(names.split())} parameters"


@pytest.mark.parametrize("make", [one, lambda: Neuron(1)], ids=["a parameter", "a layer"])
def test_a_parameter_in_the_body_of_a_class_is_refused(make):
    body = type("Body", (Module,), {"w": make(), "zero": Value(0.0), "b": 1.0})
    model = body()
    for ask in (model.parameters, model.state_dict, Net([model]).parameters):
        with pytest.raises(TypeError) as caught:
            ask()
        assert str(caught.value) == (
            "w stands in the body of class Body, where parameters are not searched: write "
            "self.w = ... in its __init__"
        )
    model.w = one()
    assert list(model.named_parameters()) == ["w"]


def closure():
    w = one()
    return lambda x: w * x


#: What holds parameters and is not searched, and the attribute that is named.
REFUSED = {
    "set": (lambda: {one()}, "w is a set"),
    "set of layers": (lambda: {Neuron(1)}, "w is a set"),
    "set of plain Values": (lambda: {Value(1.0)}, "w is a set"),
    "set in a list": (lambda: [[{one()}]], "w[0][0] is a set"),
    "set of tuples": (lambda: {(one(), 1.0)}, "w is a set"),
    "frozenset in a deque": (lambda: deque([frozenset([one()])]), "w[0] is a frozenset"),
    "keys": (lambda: {one(): 1.0}, "w.keys() is a dict_keys"),
    "values of a dict": (lambda: {"a": one()}.values(), "w is a dict_values"),
    "items of a dict": (lambda: {"a": one()}.items(), "w is a dict_items"),
    "object with slots": (Slots, "w is a Slots"),
    "objects in a dict": (lambda: {"a": Slots()}, "w['a'] is a Slots"),
    "namespace": (lambda: SimpleNamespace(a=[one()]), "w is a SimpleNamespace"),
    "iterator": (lambda: iter([one()]), "w is a list_iterator"),
    "map": (lambda: map(str, [one()]), "w is a map"),
    "partial": (lambda: partial(max, one()), "w is a partial"),
    "function": (closure, "w is a function"),
    "method of a layer": (lambda: Neuron(1).net_input, "w is a method"),
    "array of records": (lambda: np.array([(one(),)], [("a", object)]), "w is a ndarray"),
    "series": (lambda: pd.Series([one()]), "w is a Series"),
    "frame": (lambda: pd.DataFrame({"a": [one()]}), "w is a DataFrame"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_parameter_in_any_other_object_is_refused_by_the_name_of_the_attribute(name):
    make, named = REFUSED[name]
    model = Net(make(), scale=one())
    for ask in (model.parameters, model.named_buffers, model.state_dict, model.zero_grad):
        with pytest.raises(TypeError) as caught:
            ask()
        assert str(caught.value) == (
            f"Net.{named}, where parameters are not searched: keep them in a list, a dict or a "
            'Module, or let the name begin with "_" if they are not learned'
        )
    assert repr(model) == "Net() with 1 parameters"  # a repr never raises
    outer = Net([model])
    with pytest.raises(TypeError, match=re.escape(f"Net.w1.{named},")):
        outer.parameters()


def test_an_object_may_hold_what_is_found_elsewhere_or_is_no_parameter():
    model = Net([Neuron(2, rng=0)])
    model.optimizer = SGD(model.parameters(), lr=0.1)
    model.step = model.optimizer.step
    model.back = SimpleNamespace(model=model, unit=model.w[0])
    model.seen = SimpleNamespace(x=[Value(1.0)], y=model.w[0]([1.0, 2.0]))
    model.names, model.log, model.kind = {"a"}, logging.getLogger(), Neuron
    model.rng, model.f, model.op = random.Random(0), math.tanh, (one() * 2).op
    model._teacher = {one()}
    assert list(model.named_parameters()) == ["w1.w[0]", "w1.w[1]", "w1.b"]


# --- every module is saved and loaded


class Own(Module):
    """A class of one's own: a file can hold its numbers and never imports it."""

    buffers = ("seen",)

    def __init__(self, rng=0):
        self.first = Layer(2, 2, rng=rng)
        self.rest = {"out": [Neuron(2, "prelu", rng=rng)], "grid": np.array([parameter(0.1 + rng)])}
        self.seen = deque([Value(float(rng))])
        self.act = math.tanh


def with_a_layer_more(rng=0):
    model = MLP(2, [2, 1], rng=rng)
    model.layers.append(Layer(1, 2, rng=rng))
    return model


def with_a_parameter_more(rng=0):
    model = MLP(2, [2, 1], rng=rng)
    model.extra = parameter(2.0 + rng)
    return model


def with_another_layer(rng=0):
    model = MLP(2, [2, 1], rng=rng)
    model.layers[0] = Layer(2, 2, "tanh", rng=rng)
    return model


def with_a_layer_of_another_kind(rng=0):
    model = MLP(2, [2, 1], rng=rng)
    model.layers[0] = Sequential(Layer(2, 2, rng=rng), "tanh")
    return model


def with_a_weight_that_is_a_number(rng=0):
    model = MLP(2, [2, 1], rng=rng)
    model.layers[0].neurons[0].w[0] = 3.0
    return model


class Sub(Layer):
    """A layer of one's own."""


OWN = {
    "class": Own,
    "function": lambda rng=0: MLP(2, [2, 1], lambda z: z.tanh(), rng=rng),
    "function in a list": lambda rng=0: MLP(2, [2, 2, 1], ["relu", math.tanh], rng=rng),
    "function as a part": lambda rng=0: Sequential(Layer(2, 2, rng=rng), lambda z: z * 2),
    "class as a part": lambda rng=0: Sequential(BatchNorm(2), Own(rng)),
    "operation": lambda rng=0: Sequential(Layer(2, 1, Value(1.0).erf().op, rng=rng)),
    "subclass": lambda rng=0: Sub(2, 1, rng=rng),
    "layer more": with_a_layer_more,
    "parameter more": with_a_parameter_more,
    "other layer": with_another_layer,
    "a weight that is a number": with_a_weight_that_is_a_number,
    "layer of another kind": with_a_layer_of_another_kind,
}
NAMED = {
    "class": f"{__name__}.Own",
    "function": "the function <lambda>",
    "function in a list": "the function tanh",
    "class as a part": f"{__name__}.Own",
    "layer more": "MLP with parts of your own",
    "a weight that is a number": "MLP with parts of your own",
}


@pytest.mark.parametrize("name", OWN)
def test_a_model_with_parts_of_ones_own_is_saved_and_loaded_into_one_made_as_before(name, tmp_path):
    model, other, path = OWN[name](), OWN[name](rng=1), tmp_path / "m.json"
    model.save(path, metadata={"a": 1})
    for read in (load, type(model).load):
        with pytest.raises(ModelFileError) as caught:
            read(path)
        assert str(caught.value).endswith(
            "is no layer of this release: make the model and write model.load_parameters(path)"
        )
        assert NAMED.get(name, "") in str(caught.value)
    assert other.state_dict() != model.state_dict()
    other.load_parameters(path)
    assert list(other.state_dict().items()) == list(model.state_dict().items())
    assert other.metadata == {"a": 1}
    again = path.read_bytes()
    other.save(path)
    assert path.read_bytes() == again


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (with_a_layer_of_another_kind(), "MLP(...)"),
        (MLP.__new__(MLP), "MLP(...)"),
        (Sequential.__new__(Sequential), "Sequential(...)"),
        (Own.__new__(Own), "Own() with 0 parameters"),
        (Net({one()}), "Net() with 0 parameters"),
    ],
)
def test_a_repr_never_raises(model, text):
    assert repr(model) == text


# --- a module that keeps what it computed


class Keeps(Module):
    """Keeps its activations, to be looked at."""

    def __init__(self):
        self.layer = Layer(2, 2, rng=0)

    def __call__(self, x):
        self.h = self.layer(x)
        return self.h[0]


def kept(place):
    net = Keeps()
    h = net([1.0, 2.0])
    del net.h
    place(net, h)
    return net


#: Where results are kept, and the place that is named.
PLACES = {
    "net.h": lambda net, h: setattr(net, "h", h),
    "net.hs[1]": lambda net, h: setattr(net, "hs", [1.0, h]),
    "net._cache['z']": lambda net, h: setattr(net, "_cache", {"z": h}),
    "net.layer.neuron2.z": lambda net, h: setattr(net.layer.neurons[1], "z", h),
    "net.pair.left": lambda net, h: setattr(net, "pair", Pair(h, 1.0)),
    "net.grid[0]": lambda net, h: setattr(net, "grid", np.array([h, None])),
    "net.queue[0][0]": lambda net, h: setattr(net, "queue", deque([[h]])),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_module_that_keeps_a_result_is_not_copied_and_says_where_it_is(place):
    net = kept(PLACES[place])
    for copied in (copy.deepcopy, pickle.dumps, lambda net: copy.deepcopy([net])):
        with pytest.raises(TypeError, match=re.escape(f"{place} is Value(data=")) as caught:
            copied(net)
        assert str(caught.value).endswith(
            "the result of an operation, which cannot be copied or pickled without its graph: "
            "delete it before, or keep its number .data in its place"
        )
    assert copy.copy(net).layer is net.layer  # which copies no Value


def test_a_sweep_with_processes_says_where_a_result_is_kept():
    pytest.importorskip("joblib")
    pytest.importorskip("cloudpickle")
    net = kept(PLACES["net.h"])
    with pytest.raises(
        TypeError, match=r"cannot be sent to another process, write n_jobs=1: net\.h is Value"
    ):
        sweep(lambda rng, lr: (net, None), {"lr": [0.1, 0.2]}, n_jobs=2)


class Forgets(Keeps):
    """Says itself what is copied."""

    def __getstate__(self):
        return {"layer": self.layer}


def test_a_module_that_keeps_no_result_is_copied():
    for net in (Keeps(), Forgets(), SlotNet(), Sequential(Forgets(), "tanh"), Own()):
        if isinstance(net, Forgets):
            net([1.0, 2.0])
        for other in (copy.deepcopy(net), copy.copy(net)):
            assert other.state_dict() == net.state_dict()
    assert "h" not in vars(copy.deepcopy(net))


# --- programs for micrograd and its lecture


@pytest.mark.parametrize(
    ("unit", "activation"),
    [
        (lambda: Neuron(2, False), "linear"),
        (lambda: Neuron(2, True), "relu"),
        (lambda: Neuron(2, nonlin=False), "linear"),
        (lambda: Neuron(2, nonlin=True), "relu"),
        (lambda: Neuron(2), "relu"),
        (lambda: Layer(2, 1, nonlin=False).neurons[0], "linear"),
    ],
)
def test_the_second_argument_of_a_neuron_may_be_nonlin_as_in_micrograd(unit, activation):
    assert unit().activation == activation


OTHER_NAMES = {
    (lambda: X.label): "Value has no label here: write v.name",
    (lambda: setattr(Value(1.0), "label", "a")): "Value has no label here: write v.name",
    (lambda: Value(1.0, label="a")): "Value takes no label: write Value(data, name='a')",
    (lambda: Value(1.0, (X, X))): "name is a text for drawings, got tuple: a new operation is made "
    "with @primitive, not with parents given to Value",
    (lambda: X.pow(2)): "Value has no pow here: write v ** 2",
    (lambda: X._backward): "Value has no _backward here: write v.backward() for the whole graph, "
    "v.local_derivatives() for one node",
    (lambda: setattr(X, "_backward", None)): "Value has no _backward here: write v.backward() for "
    "the whole graph, v.local_derivatives() for one node",
    (lambda: X.item()): "Value has no item here: write v.data",
    (lambda: X.detach()): "Value has no detach here: write Value(v.data)",
    (lambda: X.requires_grad): "Value has no requires_grad here: write parameter(x), a Value that "
    "is learned",
    (lambda: NET.forward([1.0, 2.0])): "MLP has no forward here: write model(x)",
    (lambda: Neuron(1).nonlin): "Neuron has no nonlin here: write neuron.activation",
    (lambda: Layer(1, 1).weight): "Layer has no weight here: write unit.w",
    (lambda: NET.fit([], [])): "MLP has no fit here: write fit(model, X, y, ...)",
    (lambda: History([0.5]).history): "History has no history here: write history.loss, "
    "history.accuracy, ...",
    (lambda: History([0.5]).val_loss): "History has no val_loss here: write "
    "history.validation_loss",
    (lambda: Perceptron(1).predict([[0]])): "Perceptron has no predict here: write "
    "[unit(x) for x in X]",
    (lambda: Perceptron(1).parameters()): "Perceptron has no parameters here: write unit.w",
    (lambda: X.value): "Value has no value here: write v.data",
    (lambda: X.gradient): "Value has no gradient here: write v.grad",
    (lambda: NET.compile()): "MLP has no compile here: write fit(model, X, y, loss=..., "
    "optimizer=..., epochs=...)",
    (lambda: NET.predict_proba([])): "MLP has no predict_proba here: write probabilities(model, X, "
    "loss=...)",
}


@pytest.mark.parametrize(("use", "told"), OTHER_NAMES.items(), ids=OTHER_NAMES.values())
def test_a_name_that_is_another_here_is_told_by_the_error(use, told):
    with pytest.raises((AttributeError, TypeError)) as caught:
        use()
    assert str(caught.value) == told


class Labelled(Value):
    """A subclass may have an attribute of such a name."""

    def __init__(self, data, label):
        super().__init__(data)
        self.label = label


@dataclass
class Typed(Module):
    """A module too, also as a field."""

    weight: Value
    forward: str = "on"


def test_an_object_with_a_dict_may_have_an_attribute_of_another_name():
    v, net = Labelled(1.0, "a"), Typed(one())
    assert (v.label, net.forward, list(net.named_parameters())) == ("a", "on", ["weight"])
    del v.label
    assert not hasattr(v, "label")
    own = Own()
    own.bias = one()
    assert "bias" in own.named_parameters()
    assert [hasattr(NET, name) for name in ("fit", "predict", "nonlin")] == [False] * 3
    names = [(x, name) for x in (NET, X, v) for name in dir(x) if name[0] != "_"]
    assert all(hasattr(x, name) for x, name in names)
    assert {"forward", "weight"} < {*dir(net)}
    assert copy.deepcopy(net).forward == "on"


# --- operations and programs travel


def pickled(x):
    return pickle.loads(pickle.dumps(x))


#: The constants of those operations that are called with some.
CONSTANTS = {
    "power": [{"c": 3.0}, {"c": -0.0}, {"c": math.inf}],
    "leaky_relu": [{"alpha": 0.1}],
    "elu": [{"alpha": 2.0}],
    "softmax": [{"k": 1}],
    "log_softmax": [{"k": 0}],
}


@pytest.mark.parametrize("name", primitives)
def test_every_operation_of_the_package_is_pickled_as_its_name_and_constants(name, monkeypatch):
    record = primitives[name]
    monkeypatch.setattr(record, "_bound", {})  # which another test may have filled
    assert pickled(record) is record
    for constants in CONSTANTS.get(name, []):
        bound = record.bind(**constants)
        for again in (pickled(bound), copy.deepcopy(bound)):
            assert again is bound
        assert b"lambda" not in pickle.dumps(bound)


@pytest.mark.parametrize("name", ["cube", "tanh"])
def test_an_operation_of_ones_own_is_refused_also_under_a_name_of_the_package(name):
    own = Primitive(name, lambda m, x: x * x * x, lambda m, y, x: (3 * x * x,))
    for record in (own, own.bind(), own(X).op):
        with pytest.raises(TypeError, match=f"the operation '{name}' holds functions and cannot"):
            pickle.dumps(record)


DROPPING = Sequential(Layer(2, 3, rng=0), Dropout(0.5, rng=0), Layer(3, 1, rng=0))
PROGRAMS = {
    "of a number": (lambda x: x * x, (1.0,), (RAMP,)),
    "constants": (lambda x: functions.leaky_relu(x, 0.2) ** 3 + functions.softmax(x, x * x)[0],
                  (1.5,), (RAMP,)),
    "net": (NET, ([1.0, 2.0],), (ROWS,)),
    "loss": (lambda x, y: cross_entropy(MLP(2, [3, 2], rng=0)(x), y),
             ([1.0, 2.0], 1), (ROWS, [0, 1, 1])),
    "loss with weights": (lambda x, y: squared_error(NET(x), y), ([1.0, 2.0], 1.0), (ROWS, RAMP)),
    "loss of a logit": (lambda x, y: binary_cross_entropy_with_logits(NET(x), y),
                        ([1.0, 2.0], 1), (ROWS, [0, 1, 1])),
    "random numbers": (lambda x: DROPPING(x), ([1.0, 2.0],), (ROWS,)),
    "branch": (lambda x: x if x > 0 else -x, (1.0,), ([1.0, 2.0],)),
}  # fmt: skip


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_pickled_without_its_function_and_gives_the_same(name, used, monkeypatch):
    fn, example, arrays = PROGRAMS[name]
    program = vectorize(fn, *example)
    if used:
        program(*arrays)
    state = DROPPING.layers[1].rng.getstate()
    again = pickled(program)
    assert DROPPING.layers[1].rng.getstate() == state
    DROPPING.layers[1].rng.setstate(state)
    assert again(*arrays).tolist() == program(*arrays).tolist()
    assert (again.source, again.latex) == (program.source, program.latex)
    assert repr(again) == repr(program)
    assert again.explain("X") == program.explain("X")
    if program.has_loss:
        loss, gradient = program.value_and_grad(*arrays)
        assert (loss, gradient.tolist()) == (loss, again.value_and_grad(*arrays)[1].tolist())


def test_a_program_keeps_its_model_when_both_are_pickled_together():
    model, program = pickled((NET, vectorize(lambda x: NET(x), [1.0, 2.0])))
    model.parameters()[-1].data += 1.0
    assert program([[1.0, 2.0]])[0] == pytest.approx(model([1.0, 2.0]).data)
    assert vectorize(NET, [1.0, 2.0])([[1.0, 2.0]])[0] == pytest.approx(NET([1.0, 2.0]).data)


def test_a_random_leaf_is_copied_with_what_it_draws():
    leaf = RandomLeaf(random.Random(0).random, "mask")
    for again in (copy.copy(leaf), copy.deepcopy(leaf), pickled(leaf)):
        assert (again.data, again.name, again.kind) == (leaf.data, "mask", "input")
    assert pickled(leaf).draw() == leaf.draw()


# --- paths


@pytest.mark.parametrize("name", BOTH)
def test_what_is_no_path_is_a_type_error_and_no_descriptor(name):
    for path in (True, False, 0, 1, 2, 987, 1.5, None, [], ["m.json"], object(), bytearray(b"m")):
        with pytest.raises(TypeError, match=r'must be a path such as "folder/file", got '):
            BOTH[name](path)
    os.fstat(1)  # standard output is still open
    with pytest.raises(ValueError, match="has no NUL character"):
        BOTH[name]("a\0b.svg")


@pytest.mark.parametrize("name", WRITERS)
def test_a_path_is_text_bytes_or_an_object_that_stands_for_one(name, tmp_path):
    suffix, write = WRITERS[name]
    for k, form in enumerate((str, Path, os.fsencode)):
        write(form(tmp_path / f"ü{k}{suffix}"))
    contents = [(tmp_path / f"ü{k}{suffix}").read_bytes() for k in range(3)]
    assert contents[0] != b""
    assert len(os.listdir(tmp_path)) == 3
    if name != "figure":  # which writes the time
        assert contents[0] == contents[1] == contents[2]


def test_tables_and_models_are_read_by_any_form_of_path(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    NET.save(tmp_path / "m.json")
    for form in (str, Path, os.fsencode):
        assert read_table(form(tmp_path / "t.csv")).header == ("a", "b")
        assert load(form(tmp_path / "m.json")).sizes == [2, 2, 1]


# --- what is no regular file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and modes of POSIX")


def odd_files(folder, suffix):
    """A pipe, a folder, a device, links to them, and whatever they hold."""
    os.mkfifo(folder / f"pipe{suffix}")
    (folder / f"folder{suffix}").mkdir()
    (folder / f"null{suffix}").symlink_to("/dev/null")
    (folder / f"link{suffix}").symlink_to(folder / f"pipe{suffix}")
    (folder / f"links{suffix}").symlink_to(folder / f"folder{suffix}")
    (folder / f"loop{suffix}").symlink_to(folder / f"loop{suffix}")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("name", WRITERS)
def test_a_save_replaces_no_pipe_folder_or_device(name, tmp_path):
    suffix, write = WRITERS[name]
    before = odd_files(tmp_path, suffix)
    kinds = [path.lstat().st_mode for path in before]
    for path in before:
        with pytest.raises(OSError) as caught:  # noqa: PT011 (which one is compared below)
            write(path)
        assert str(path) in str(caught.value)
        assert caught.value.filename2 is None
    assert sorted(tmp_path.iterdir()) == before
    assert [path.lstat().st_mode for path in before] == kinds


@pytest.mark.parametrize("name", READERS)
def test_nothing_waits_for_a_pipe_or_reads_a_device(name, tmp_path):
    for path in [*odd_files(tmp_path, ""), Path("/dev/null"), Path("/dev/zero"), tmp_path]:
        with pytest.raises(OSError) as caught:  # noqa: PT011 (which one is compared below)
            READERS[name](path)
        assert caught.value.filename == str(path)


# --- one way to write


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_keeps_its_mode_when_it_is_written_again(name, mode, tmp_path):
    suffix, write = WRITERS[name]
    path = tmp_path / f"file{suffix}"
    path.write_text("old")
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_text() != "old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_new_file_has_the_mode_of_any_new_file(name, tmp_path):
    suffix, write = WRITERS[name]
    before = os.umask(0o027)
    try:
        write(tmp_path / f"file{suffix}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / f"file{suffix}").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("step", ["write", "fsync", "replace", "chmod"])
def test_whatever_ends_a_save_the_old_file_stays_whole_and_alone(name, step, tmp_path, monkeypatch):
    suffix, write = WRITERS[name]
    path = tmp_path / f"file{suffix}"
    path.write_text("old")
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def crash(*_, error=error):
            raise error

        class FullDisk(io.FileIO):
            def write(self, content, crash=crash):
                super().write(content[:50])
                crash()

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace" if step == "write" else step, crash)
            if step == "write":
                patch.setattr(files, "open", FullDisk, raising=False)
            with pytest.raises(type(error)) as caught:
                write(path)
        assert caught.value is error
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == [path.name]
        if isinstance(error, OSError):
            assert str(error) == f"[Errno 28] No space left on device: {str(path)!r}"


def test_a_file_stands_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    order = []
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda _: order.append("fsync"))
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("replace"), replace(*names)))
    files.write(tmp_path / "file", b"new")
    assert order == ["fsync", "replace"]


@pytest.mark.parametrize(
    "path", ["", "no folder/m.json", "file/m.json", "folder/", "n" * 300, "no\nfolder/m.json"]
)
def test_an_error_of_a_save_names_the_path_as_it_was_given_and_nothing_else(
    path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"^\[Errno \d+\] [\w ]+: ") as caught:
        NET.save(path)
    assert str(caught.value).endswith(f": {path!r}")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert os.listdir("folder") == []


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        files.write(path, "new")
    assert path.read_text() == "old"


def test_a_figure_without_a_suffix_becomes_a_png_and_a_format_wins(tmp_path):
    for name, options, found, start in (
        ("a", {}, "a.png", b"\x89PNG"),
        ("b.", {}, "b.png", b"\x89PNG"),
        ("c.x", {"format": "pdf"}, "c.x", b"%PDF"),
        ("d", {"format": "svg"}, "d", b"<?xml"),
    ):
        Figure().savefig(tmp_path / name, **options)
        assert (tmp_path / found).read_bytes().startswith(start)
    assert len(os.listdir(tmp_path)) == 4
    buffer = io.BytesIO()
    Figure().savefig(buffer, format="pdf")
    assert buffer.getvalue().startswith(b"%PDF")
    with PdfPages(tmp_path / "pages.pdf") as pages:
        pages.savefig(Figure())
    assert (tmp_path / "pages.pdf").stat().st_size > 100


# --- one limit


def test_what_may_be_saved_may_be_loaded(tmp_path):
    deep = MLP(1200, [1], rng=0)
    deep.save(tmp_path / "m.json")
    per_parameter = (tmp_path / "m.json").stat().st_size / len(deep.parameters())
    assert per_parameter * MAX_PARAMETERS < model_file.MAX_BYTES


@pytest.mark.parametrize("most", [300, 999])
def test_a_model_that_is_too_large_to_be_read_is_not_written(most, tmp_path, monkeypatch):
    monkeypatch.setattr(model_file, "MAX_BYTES", most)
    with pytest.raises(ModelFileError, match=f"a model file has at most {most} bytes, not 1,"):
        MLP(2, [10, 1]).save(tmp_path / "m.json")
    assert os.listdir(tmp_path) == []


def test_the_limit_of_a_file_is_no_size_of_a_buffer(tmp_path):
    NET.save(tmp_path / "m.json")
    for most in (10**12, 2**63, 10**30):
        assert load(tmp_path / "m.json", max_bytes=most).sizes == [2, 2, 1]
    for most in (0, -1):
        with pytest.raises(ValueError, match="max_bytes must be an int of at least 1"):
            load(tmp_path / "m.json", max_bytes=most)
    for most in (None, True, 1e9, "1"):
        with pytest.raises(TypeError, match="max_bytes must be an int of at least 1"):
            load(tmp_path / "m.json", max_bytes=most)
