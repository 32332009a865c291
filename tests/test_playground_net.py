"""Nets that are made in the page: what is linked there is what Python would have made."""

import random
from functools import cache
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from node import in_node, made

from tinygrad_edu import MLP, Dropout, Layer, Sequential, data, fit
from tinygrad_edu import functions as f
from tinygrad_edu.engine import Value, gradients, toposort
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import ACTIVATIONS
from tinygrad_edu.playground.parts import PENALTIES, UPDATES
from tinygrad_edu.view import deltas

EPOCHS = 5

#: Sizes, activations of the hidden layers, loss and output activation, optimizer, penalty, batch,
#: and with which probability numbers are left out.
NETS: list[tuple[list[int], list[str], str, str, str | None, int, float]] = [
    ([2, 1], [], "half_squared_error linear", "sgd", None, 60, 0),
    ([2, 1, 1], ["relu"], "hinge linear", "momentum", "l1", 7, 0.25),
    ([2, 8, 8, 1], ["tanh"] * 2, "binary_cross_entropy_with_logits linear", "adam", None, 10, 0),
    ([2, 4, 3], ["sigmoid"], "cross_entropy linear", "rmsprop", "l2", 16, 0.5),
    ([2, 6, 5, 4, 3, 2, 1, 2], ["tanh", "relu", "gelu", "linear", "elu", "silu"],
     "cross_entropy linear", "adamw", "l2", 20, 0),
    ([2, 3, 3, 1], ["softplus", "leaky_relu"], "half_squared_error tanh", "adagrad", None, 1, 0),
    ([2, 5, 4, 1], ["step", "tanh"], "squared_error sigmoid", "sgd", "l1", 60, 0),
    ([2, 5, 4, 1], ["tanh", "sign"], "mean_squared_error tanh", "adam", None, 30, 0),
    ([2, 7, 1], ["relu"], "binary_cross_entropy sigmoid", "adam", "l2", 33, 0),
    ([2, 8, 8, 8, 8, 8, 8, 1], ["relu"] * 6, "perceptron linear", "momentum", "l2", 10, 0.1),
]  # fmt: skip


def examples(end: str) -> tuple[list[list[float]], list[Any]]:
    """Points, and targets that the loss takes."""
    points = data.moons(n=60, noise=0.2, rng=1)
    signs = end.split()[0] in ("hinge", "perceptron")
    return points.X, [2 * t - 1 for t in points.y] if signs else list(points.y)


def net_of(sizes: list[int], activations: list[str], end: str, p: float, seed: int) -> Any:
    """The same net in Python."""
    rng, masks, (_, output) = random.Random(seed), random.Random(3), end.split()
    kinds = zip(pairwise(sizes), [*activations, output], strict=True)
    *hidden, last = (Layer(nin, nout, kind, rng=rng) for (nin, nout), kind in kinds)
    dropouts = [[Dropout(p, rng=masks)] if p else [] for _ in hidden]
    return Sequential(*chain(*([a, *b] for a, b in zip(hidden, dropouts, strict=True))), last)


def layers_of(net: Any) -> list[Any]:
    return [layer for layer in net.layers if isinstance(layer, Layer)]


def penalised(penalty: str | None) -> Any:
    return penalty and (lambda net: PENALTIES[penalty](net.parameters(), 0.003))


@cache
def linked() -> list[Any]:
    tasks = []
    for k, (sizes, activations, end, optimizer, penalty, batch, p) in enumerate(NETS):
        X, y = examples(end)
        net = {"sizes": sizes, "activations": activations, "end": end, "optimizer": optimizer,
               "penalty": penalty, "strength": 0.003, "dropout": p}  # fmt: skip
        flat = [x for row in X for x in row]
        options = {"seed": k, "shuffle": 7, "size": batch, "rate": 0.02, "masks": 3}
        options["test"] = {"X": flat[:26], "Y": y[:13]}
        task = {"net": net, "X": flat, "Y": y, "options": options, "epochs": EPOCHS}
        tasks.append({**task, "example": [X[5], y[5]], "points": flat[40:80]})
    return list(in_node("net", {"parts": made(), "tasks": tasks}))


@cache
def in_python(k: int) -> tuple[Any, Any, list[float]]:
    sizes, activations, end, optimizer, penalty, batch, p = NETS[k]
    X, y = examples(end)
    net = net_of(sizes, activations, end, p, k)
    first = [p.data for p in net.parameters()]
    history = fit(
        net, X, y, loss=end.split()[0], epochs=EPOCHS, batch_size=batch, rng=7, progress=False,
        optimizer=lambda p: UPDATES[optimizer](p, lr=0.02), penalty=penalised(penalty),
        validation=(X[:13], y[:13]),
    )  # fmt: skip
    return net, history, first


@pytest.mark.parametrize("k", range(len(NETS)))
def test_a_linked_net_starts_and_trains_as_the_one_in_python(k: int) -> None:
    found = linked()[k]
    net, history, first = in_python(k)
    np.testing.assert_allclose(found["first"], first, rtol=1e-13, atol=1e-15)
    for name, column in (("losses", history.loss), ("testLosses", history.validation_loss)):
        np.testing.assert_allclose(found[name], column, rtol=1e-12, atol=1e-14, err_msg=name)
    learned = [p.data for p in net.parameters()]
    np.testing.assert_allclose(found["parameters"], learned, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", range(len(NETS)))
def test_the_lens_sees_all_numbers_of_an_example(k: int) -> None:
    found = linked()[k]["lens"]
    net, _, _ = in_python(k)
    sizes, _, end, *_ = NETS[k]
    X, y = examples(end)
    a: Any = X[5]
    zs, activations = [], []
    for layer in layers_of(net):
        zs.append([unit.net_input(a) for unit in layer.neurons])
        a = [unit.activate(z) for unit, z in zip(layer.neurons, zs[-1], strict=True)]
        activations.append(a)
    loss = LOSSES[end.split()[0]](a, y[5])
    by = gradients(loss)
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(found["loss"], loss.data, **close)
    for k, layer in enumerate(found["layers"]):
        for name, values in (("z", zs[k]), ("a", activations[k])):
            np.testing.assert_allclose(layer[name], [v.data for v in values], **close)
        np.testing.assert_allclose(layer["delta"], [by.get(z, 0.0) for z in zs[k]], **close)
        g = [ACTIVATIONS[layers_of(net)[k].activation](Value(z.data)) for z in zs[k]]
        slopes = [gradients(a).get(toposort(a, leaves=True)[0], 0.0) for a in g]
        np.testing.assert_allclose(layer["slope"], slopes, **close)
    slopes = [by.get(p, 0.0) for p in net.parameters()]
    np.testing.assert_allclose(found["G"], slopes, **close)
    assert [len(layer["z"]) for layer in found["layers"]] == sizes[1:]


@pytest.mark.parametrize("k", range(len(NETS)))
def test_maps_are_the_activations_of_all_units_at_all_points(k: int) -> None:
    found = linked()[k]["maps"]
    net, _, _ = in_python(k)
    X, _ = examples(NETS[k][2])
    rows: Any = X[20:40]
    for of_layer, layer in zip(found, layers_of(net), strict=True):
        rows = [[v.data for v in layer(row)] for row in rows]
        np.testing.assert_allclose(np.transpose(of_layer), rows, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("k", range(len(NETS)))
def test_the_numpy_of_the_net_has_its_loss_and_gradient(k: int) -> None:
    found, (sizes, _, end, *_) = linked()[k], NETS[k]
    net, _, _ = in_python(k)
    X, y = examples(end)
    names: dict[str, Any] = {}
    exec(found["numpy"], names)
    arrays = []
    for layer in layers_of(net):
        arrays.append(np.array([[w.data for w in unit.w] for unit in layer.neurons]))
        arrays.append(np.array([[unit.b.data for unit in layer.neurons]]))
    mean, *slopes = names["loss_and_gradients"](np.array(X), np.array(y, float)[:, None], *arrays)
    training = net.training
    net.eval()
    loss = f.mean([LOSSES[end.split()[0]](net(x), t) for x, t in zip(X, y, strict=True)])
    by = gradients(loss)
    net.train(training)
    np.testing.assert_allclose(mean, loss.data, rtol=1e-12)
    for layer, dW, db in zip(layers_of(net), slopes[::2], slopes[1::2], strict=True):
        expected = [[by.get(w, 0.0) for w in unit.w] for unit in layer.neurons]
        np.testing.assert_allclose(dW, expected, rtol=1e-11, atol=1e-13)
        biases = [by.get(unit.b, 0.0) for unit in layer.neurons]
        np.testing.assert_allclose(db[0], biases, rtol=1e-11, atol=1e-13)
    assert ("without" in found["numpy"]) == bool(NETS[k][4] or NETS[k][6])
    assert len(slopes) == 2 * len(sizes[1:])


def test_names_are_those_of_the_views() -> None:
    found = linked()[2]["names"]
    net = MLP(2, [8, 8, 1], "tanh", rng=0)
    table = deltas(net, [0.5, 1.0], 1.0, "half_squared_error")
    assert found[:3] == ["w1[1,1]", "w1[1,2]", "b1[1]"]
    assert found[-1] == "b3[1]"
    assert len({*found}) == len(net.parameters())
    assert made()["names"]["lecture"]["delta"] == "delta{layer}[{unit}]"
    assert "delta2[3]" in str(table)


def test_every_part_reads_only_what_it_or_the_net_has_made() -> None:
    for kind in ("hidden", "dropout", "ends", "penalties"):
        for name, part in made()[kind].items():
            written: set[str] = set()
            for row in [*part["forward"], *part["backward"]]:
                out, *operands = [operand[0] for operand in row[5:]]
                unknown = {x for x in operands if x in part["own"]} - written
                assert unknown == set(), (kind, name, row)
                written.add(out)
