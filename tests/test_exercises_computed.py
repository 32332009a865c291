"""The solutions of the exercises beside what engine, nets and training give."""

import math
import operator
from collections.abc import Callable
from inspect import signature
from itertools import product
from typing import Any

import pytest

from tinygrad_edu import MLP, SGD, Conv2d, Neuron, RNNCell, Value, deltas, gradcheck, primitive
from tinygrad_edu.calculus import GradientError
from tinygrad_edu.data import standardising, thermometer
from tinygrad_edu.engine import grad
from tinygrad_edu.exercises import EXERCISES, variant
from tinygrad_edu.functions import mean, sigmoid
from tinygrad_edu.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    squared_error,
)
from tinygrad_edu.nn import BatchNorm
from tinygrad_edu.perceptron import GATES, Perceptron, gate, truth_table
from tinygrad_edu.train import EarlyStopping, Epoch
from tinygrad_edu.vectorize import vectorize


def slopes(f: Callable[..., Value], *at: float) -> list[float]:
    xs = [Value(x) for x in at]
    return [v.data for v in grad(f(*xs), xs)]


def best_step() -> float:
    hs = (1e-1, 1e-3, 1e-5, 1e-8, 1e-12)
    return min(hs, key=lambda h: abs((math.exp(1 + h) - math.exp(1 - h)) / (2 * h) - math.e))


def breadth_first_and_right() -> list[float]:
    """Breadth first, u hands on what it has from y, v.data, before v has handed on."""
    x = Value(2.0)
    u = x**2
    v = u + 1
    return [v.data * 2 * x.data, grad(u * v, x).data]


def where_a_wrong_cube_passes() -> list[float]:
    @primitive(lambda m, y, x: (3 * x,))
    def cube(m: Any, x: Any) -> Any:
        return x * x * x

    def passes(x: float) -> bool:
        try:
            return gradcheck(cube, x)
        except GradientError:
            return False

    return [x for x in (-1.0, 0.0, 0.5, 1.0) if passes(x)]


def one_step(w0: float, eta: float) -> list[float]:
    unit = Perceptron(2, w=[w0, -1.0, 2.0])
    unit.fit([[3.0, 1.0]], [1], lr=eta, epochs=1)
    return unit.w


def functions_of_three() -> int:
    """How many functions of three bits a unit computes: small whole weights give them all."""
    rows = list(truth_table(sum, 3))
    return len({
        tuple(w0 + w1 * a + w2 * b + w3 * c > 0 for a, b, c in rows)
        for w0, w1, w2, w3 in product(range(-3, 4), repeat=4)
    })  # fmt: skip


def hidden_unit(a: float, x: float) -> list[float]:
    """A weight from x into a tanh unit that gives a; the deltas above are slopes of a sum."""

    def above(z: Value, w: Value) -> Value:
        h = (z + x * w).tanh()
        return 0.3 * (2 * h) + 0.4 * (-1 * h)

    return slopes(above, math.atanh(a), 0.0)


def mean_cross_entropy() -> float:
    costs = [cross_entropy([math.log(p), math.log(1 - p)], 0).data for p in (0.5, 0.25, 0.5)]
    return sum(costs) / len(costs)


def steepest_output() -> float:
    """The output of the sigmoid unit, target 1, where half the square has its largest slope."""

    def slope(o: float) -> float:
        z = Value(math.log(o / (1 - o)))
        return abs(grad(half_squared_error(z.sigmoid(), 1.0), z).data)

    return max((k / 1000 for k in range(1, 1000)), key=slope)


def deeper_bottom() -> float:
    def f(w: Any) -> Any:
        return w**4 - 3 * w**2 + w

    def bottom(w: float) -> float:
        for _ in range(400):
            w -= 0.02 * slopes(f, w)[0]
        return w

    return min(map(bottom, (-2.0, 2.0)), key=f)


def first_gradients() -> list[float]:
    """dL/dv of an output weight and dL/dw of a hidden one, where all weights are zero."""
    model = MLP(2, [4, 1], "sigmoid", "sigmoid", init="zeros")
    binary_cross_entropy(model([1.0, -2.0]), 1).backward()
    return [model.layers[1].neurons[0].w[0].grad, model.layers[0].neurons[0].w[0].grad]


def units_that_differ() -> int:
    """How many different hidden units there are after training from two groups of equal ones."""
    model = MLP(2, [6, 1], "tanh", "sigmoid", init=lambda rng, nin, nout: 0.3)
    hidden = model.layers[0].neurons
    for unit in hidden[4:]:
        for w in unit.w:
            w.data = -0.2
    optimizer = SGD(model.parameters(), lr=0.5)
    for _ in range(5):
        for x, t in (([1.0, -2.0], 1), ([0.5, 1.0], 0)):
            optimizer.zero_grad()
            binary_cross_entropy(model(x), t).backward()
            optimizer.step()
    return len({tuple(p.data for p in unit.parameters()) for unit in hidden})


def factor_through_three_layers(w: float) -> float:
    below = z = Value(0.0)
    for _ in range(3):
        z = w * (sigmoid(z) - 0.5)
    return grad(z, below).data


def ratio_of_deltas() -> float:
    z = Value(6.0)
    costs = binary_cross_entropy_with_logits(z, 0), half_squared_error(sigmoid(z), 0)
    return operator.truediv(*(grad(cost, z).data for cost in costs))


def stopped_and_restored() -> list[int]:
    stopping, unit = EarlyStopping(patience=3), Neuron(1, init="zeros")
    for k, loss in enumerate((0.9, 0.7, 0.5, 0.6, 0.55, 0.52, 0.4, 0.3)):
        if stopping(Epoch(k, False, unit, 0.0, None, loss, None)):
            return [k, stopping.best_epoch]
    return []


def program_of(inputs: int, *sizes: int) -> str:
    """The program of a net of tanh units and its squared error, as text."""
    model = MLP(inputs, [*sizes], "tanh")
    outputs = [0.0] * sizes[-1]
    return vectorize(lambda x: squared_error(model(x), outputs), [0.1] * inputs).source


def shape_of_weights(units: int, inputs: int, n: int) -> list[int]:
    """Of the gradient of a layer on n examples, summed."""
    program = program_of(inputs, units, 2)
    line = next(line for line in program.splitlines() if "dW1 = " in line)
    return [int(size) for size in line.partition("# (")[2].strip(")").split(",")]


def height_and_parameters() -> list[int]:
    """A wide image would take its time, a narrow one of 28 rows gives maps as high."""
    conv = Conv2d(3, 16, 5, stride=2, padding=2)
    return [len(conv([[[0.0]] * 28] * 3)[0]), len(conv.parameters())]


def number_of_steps() -> int:
    cell = RNNCell(1, 1)
    (unit,) = cell.neurons
    unit.w[0].data, unit.w[1].data = 1.0, 0.8
    first = h = [Value(0.0)]
    k = 0
    while k == 0 or grad(h[0], first[0]).data >= 1e-3:
        h = cell([0.0], h)
        k += 1
    return k


def output_with_cross_entropy() -> float:
    w, b = Value(2.0), Value(2.0)
    for _ in range(300):
        by_w, by_b = grad(binary_cross_entropy((w * 1.0 + b).sigmoid(), 0.0), [w, b])
        w.data, b.data = w.data - 0.15 * by_w.data, b.data - 0.15 * by_b.data
    return (w * 1.0 + b).sigmoid().data


#: What exercises ask for, computed by the package, from the numbers that a variant draws.
COMPUTED: dict[str, Callable[..., Any]] = {
    "1.1": lambda x, y: slopes(lambda x, y: x * x * y + y, x, y),
    "1.2": best_step,
    "2.1": lambda a, b: slopes(lambda a, b: (a + b) * b, a, b),
    "2.2": breadth_first_and_right,
    "R2.1": lambda x: slopes(lambda x: (1 + x * x).log(), x)[0],
    "R2.2": where_a_wrong_cube_passes,
    "4.1": one_step,
    "4.2": functions_of_three,
    "6.1": hidden_unit,
    "6.2": lambda: slopes(lambda u, v, w: (w * v * u * 3.0 - 1.0) ** 2, 0.5, 0.0, 2.0),
    "7.1": mean_cross_entropy,
    "7.2": steepest_output,
    "8.1": lambda last, new: standardising([[2], [4], [4], [last]])([[new]])[0][0],
    "8.2": lambda size: thermometer([size.strip("'")], ["S", "M", "L", "XL"])[0],
    "9.1": lambda w, b: slopes(
        lambda w, b: mean([half_squared_error(w * x + b, y) for x, y in ((1, 2), (3, 1))]), w, b
    ),
    "9.2": deeper_bottom,
    "10.1": first_gradients,
    "10.2": units_that_differ,
    "11.1": factor_through_three_layers,
    "11.2": ratio_of_deltas,
    "12.1": lambda a, p: [a / (1 - p), (1 - p) * (a / (1 - p)) + p * 0.0],
    "12.2": stopped_and_restored,
    "13.1": lambda y: slopes(lambda *z: cross_entropy(z, y), *map(math.log, (0.2, 0.5, 0.3))),
    "14.1": lambda h: len(MLP(64, [h, 8, 10]).parameters()),
    "15.1": lambda x: standardising([[300.0], [700.0]])([[x]])[0][0],
    "16.1": shape_of_weights,
    "16.2": lambda: program_of(2, 3, 3, 2).count("@"),
    "17.1": height_and_parameters,
    "17.2": number_of_steps,
    "18.1": lambda x, y, z: slopes(lambda x, y, z: (x + y) * z, x, y, z),
    "18.2": output_with_cross_entropy,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", COMPUTED)
def test_a_solution_is_what_the_package_computes(name: str, seed: int) -> None:
    exercise = variant(name, seed)
    if seed and exercise.solution == EXERCISES[name].solution:
        return
    names: dict[str, Any] = {}
    exec(exercise.solution, names)
    compute = COMPUTED[name]
    assert exercise.right(compute(*(names[p] for p in signature(compute).parameters)))


def test_normalisation_and_scores_are_those_of_the_layers() -> None:
    names: dict[str, Any] = {}
    exec(EXERCISES["12.3"].solution, names)
    normalised = [v.data for (v,) in BatchNorm(1).batch([[1.0], [2.0], [6.0]])]
    assert names["answer"]([1.0, 2.0, 6.0]) == pytest.approx(normalised, 1e-12)
    model, arrays, x = MLP(2, [4, 3], "relu", rng=3), list[Any](), [0.5, -1.0]
    for layer in model.layers:
        arrays.append([[w.data for w in u.w] for u in layer.neurons])
        arrays.append([u.b.data for u in layer.neurons])
    exec(EXERCISES["13.3"].solution, names)
    assert names["answer"](x, *arrays) == pytest.approx([z.data for z in model(x)], 1e-12)


def walked_back_twice() -> str:
    x = Value(3.0)
    y = x * x
    y.backward()
    y.backward()
    return f"{x.grad:.0f}"


def gate_with_zeros() -> str:
    table = truth_table(Perceptron(2, w=[-20, 20, 20]))
    (name,) = (g for g in GATES if len(GATES[g]) == 3 and truth_table(gate(g)) == table)
    return name


def delta_of_a_unit_without_weights_above() -> str:
    model = MLP(2, [2, 1], "sigmoid", rng=0)
    model.layers[1].neurons[0].w[0].data = 0.0
    return f"{deltas(model, [1.0, -2.0], 1.0, 'half_squared_error').layers[0].units[0].delta:.0f}"


def letters_told_apart() -> str:
    """At most, by one threshold on the line 1 2 3 4 and either side of it."""
    kinds = [True, False, True, False]
    sides = [[x > at for x in (1, 2, 3, 4)] for at in range(5)]
    right = [sum(map(bool.__eq__, side, kinds)) for side in sides]
    return ("none", "one", "two", "three", "four")[max(right + [4 - n for n in right])]


#: With what the right choice of a prediction begins, computed.
PREDICTED: dict[str, Callable[[], str]] = {
    "1.4": lambda: f"{((3.0 + 1.0) ** 2 - (3.0 - 1.0) ** 2) / (2 * 1.0)},",
    "2.4": walked_back_twice,
    "4.4": gate_with_zeros,
    "5.4": lambda: str(len(MLP(3, [5, 2]).parameters())),
    "6.4": delta_of_a_unit_without_weights_above,
    "7.4": lambda: f"about {cross_entropy([0.0] * 10, 3).data:.2f}",
    "8.4": letters_told_apart,
}


@pytest.mark.parametrize("name", PREDICTED)
def test_a_prediction_comes_true(name: str) -> None:
    exercise = EXERCISES[name]
    letter = exercise.solution.removeprefix('answer = "')[0]
    (choice,) = (x for x in exercise.question.splitlines() if x.startswith(f"  {letter}) "))
    assert choice.removeprefix(f"  {letter}) ").startswith(PREDICTED[name]())
