"""Recurrent nets: by hand, against PyTorch, sequences of both forms, and what they learn."""

import json
import math
import random
from collections import Counter
from pathlib import Path

import pytest
from both_engines import check, rows
from refusals import refusals

from tinygrad_edu import Value, gradcheck, per_step
from tinygrad_edu import functions as f
from tinygrad_edu.data import NAMES, binary_addition, next_letter
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy, squared_error
from tinygrad_edu.nn import RNN, RNNCell, Sequential
from tinygrad_edu.optim import SGD, Adam, AdamW
from tinygrad_edu.train import evaluate, fit, predict


def wave(n, start=1):
    """sin(start), sin(start + 1), ..."""
    return [math.sin(k) for k in range(start, start + n)]


def fill(values, numbers):
    for v, x in zip([v for row in values for v in row], numbers, strict=True):
        v.data = x


def grads(values):
    return [v.grad for row in values for v in row]


def biases(layer):
    return [[unit.b] for unit in layer.neurons]


def weights(layer):
    return [unit.w for unit in layer.neurons]


def data(values):
    return [v.data for v in values]


def test_a_cell_is_tanh_of_w_x_plus_u_h_plus_b():
    cell = RNNCell(1, 2)
    fill(cell.W, [0.5, -1.0])
    fill(cell.U, [1.0, 2.0, 3.0, 4.0])
    fill(biases(cell), [0.25, 0.75])
    h = cell([2.0], [0.125, -0.5])
    # 0.5*2 + 1*0.125 - 2*0.5 + 0.25; -1*2 + 3*0.125 - 4*0.5 + 0.75
    assert data(h) == pytest.approx([math.tanh(0.375), math.tanh(-2.875)], rel=1e-15)
    (z,) = h[0].parents
    assert (h[0].op.name, z.op.name, len(z.parents)) == ("tanh", "dot", 3 + 3 + 1)


def test_the_state_is_zero_unless_given():
    cell = RNNCell(2, 3, rng=1)
    assert data(cell([0.5, -1.0])) == data(cell([0.5, -1.0], [0.0] * 3))


def test_a_net_is_its_cell_unrolled_with_an_output_layer_on_every_state():
    model = RNN(2, 3, 2, output="sigmoid", rng=1)
    first, second = [0.5, -1.0], [2.0, 0.25]
    h1 = model.cell(first)
    h2 = model.cell(second, h1)
    assert [data(h) for h in model.states([first, second])] == [data(h1), data(h2)]
    assert data(model([first, second])) == data(model.output(h1)) + data(model.output(h2))
    last = RNN(2, 3, 2, output="sigmoid", rng=1, return_sequences=False)
    assert data(last([first, second])) == data(model.output(h2))


def test_a_flat_row_is_cut_into_steps():
    model = RNN(2, 3, 1)
    assert (
        data(model([1, 2, 3, 4])) == data(model([[1, 2], [3, 4]])) == data(model(((1, 2), (3, 4))))
    )
    assert len(RNN(1, 2, 1)([1.0, 2.0, 3.0])) == 3
    assert len(RNN(3, 2, 1)([1.0, 2.0, 3.0])) == 1


def test_nets_stack_in_a_sequential():
    model = Sequential(RNN(2, 3, 4), RNN(4, 3, 1, return_sequences=False))
    assert isinstance(model(wave(6)), Value)
    names = list(model.named_parameters())
    assert names[:2] == ["layer1.cell.neuron1.w[0]", "layer1.cell.neuron1.w[1]"]
    assert names[-1] == "layer2.output.neuron1.b"


def test_the_gradient_of_a_shared_weight_is_the_sum_over_the_steps():
    cell = RNNCell(1, 1, "linear")  # h_t = w x_t + u h_(t-1) + b
    fill(cell.W, [2.0])
    fill(cell.U, [3.0])
    h = None
    for x in (1.0, 10.0, 100.0):
        h = cell([x], h)
    assert h is not None
    h[0].backward()  # h_3 = w (100 + 10 u + u^2) + b (1 + u + u^2) with b = 0
    (unit,) = cell.neurons
    assert [*(w.grad for w in unit.w), unit.b.grad] == [139.0, 2 * (10 + 6), 13.0]


def test_a_gradient_vanishes_over_the_steps():
    cell = RNNCell(1, 1)
    fill(cell.W, [1.0])
    fill(cell.U, [0.5])
    states = [cell([0.0])]
    for _ in range(20):
        states.append(cell([0.0], states[-1]))
    states[-1][0].backward()  # each step multiplies by u (1 - h^2) = 1/2
    assert [h.grad for (h,) in states] == [0.5**k for k in range(20, -1, -1)]


def test_a_loss_per_step_is_the_mean_over_the_steps():
    outputs = [Value(x) for x in (0.5, -1.0, 2.0, 0.0)]
    pairs = zip(outputs, [1, 0, 0, 1], strict=True)
    mean = sum(binary_cross_entropy_with_logits(o, t).data for o, t in pairs) / 4
    loss = per_step("binary_cross_entropy_with_logits")
    assert loss(outputs, [1, 0, 0, 1]).data == pytest.approx(mean, rel=1e-15)
    pair = (cross_entropy(outputs[:2], 1).data + cross_entropy(outputs[2:], 0).data) / 2
    assert per_step(cross_entropy, 2)(outputs, [1, 0]).data == pytest.approx(pair, rel=1e-15)


BAD = [
    (lambda: RNN(2, 3, 1, return_sequences=0), TypeError,
     "return_sequences must be True or False, got int 0"),
    (lambda: RNN(2, 3, 1)([1.0, 2.0, 3.0]), ValueError,
     "a flat sequence with steps of 2 numbers cannot have 3 numbers"),
    (lambda: RNN(2, 3, 1)([]), ValueError, "a sequence has at least one step, got an empty list"),
    (lambda: RNN(2, 3, 1)(3.0), TypeError,
     "a sequence must be a list of numbers or of steps, got float"),
    (lambda: RNN(2, 3, 1)([[1, 2], [3]]), ValueError, "expected 2 inputs, got 1"),
    (lambda: RNN(2, 3, 1)([[1, 2], 3]), TypeError, "x must be a list of 2 inputs, got int"),
    (lambda: RNNCell(2, 3)([1, 2], [0, 0]), ValueError, "expected 3 hidden units, got 2"),
    (lambda: RNNCell(2, 0), ValueError, "nhidden must be an int of at least 1, got 0"),
    (lambda: per_step(squared_error)([Value(1), Value(2), Value(3)], [1, 2]), ValueError,
     "2 targets need 1 outputs each, got 3 outputs"),
    (lambda: per_step(squared_error)([Value(1)], 1), TypeError,
     "the target for per_step must be a list of targets, one per step, got int"),
]  # fmt: skip


test_a_bad_sequence_or_option_is_explained = refusals(BAD)


# Made with torch.nn.RNN(2, 3) and torch.nn.Linear(3, 2) of PyTorch 2.13 in float64, on 4 steps. The
# inputs are sin(1), sin(2), ..., W sin(100), ..., U sin(200), ..., b sin(300), ... (the second bias
# is 0), the output layer sin(400), ... and sin(500), ...; the loss is the sum of squared outputs.
FIXTURES = Path(__file__).parent / "fixtures"
TORCH = json.loads((FIXTURES / "torch_layers.json").read_text())["recurrent"]


def test_a_net_is_that_of_pytorch_forward_and_backward():
    model = RNN(2, 3, 2)
    fill(model.cell.W, wave(6, 100))
    fill(model.cell.U, wave(9, 200))
    fill(biases(model.cell), wave(3, 300))
    fill(weights(model.output), wave(6, 400))
    fill(biases(model.output), wave(2, 500))
    x = [Value(number) for number in wave(8)]
    output = model(x)
    f.sum([o**2 for o in output]).backward()
    assert data(output) == pytest.approx(TORCH["output"], rel=1e-12)
    for found, expected in (
        ([v.grad for v in x], TORCH["dx"]),
        (grads(model.cell.W), TORCH["dW"]),
        (grads(model.cell.U), TORCH["dU"]),
        (grads(biases(model.cell)), TORCH["db"]),
        (grads(weights(model.output)), TORCH["dW of output"]),
        (grads(biases(model.output)), TORCH["db of output"]),
    ):
        assert found == pytest.approx(expected, rel=1e-12)


def test_the_gradient_through_time_is_that_of_differences():
    cell = RNNCell(1, 2)

    def loss(*numbers):
        for unit, w in zip(cell.neurons, (numbers[:4], numbers[4:8]), strict=True):
            unit.w, unit.b = list(w[:3]), w[3]
        h = None
        for x in numbers[8:]:
            h = cell([x], h)
        return squared_error(h, [0.5, -0.25])

    assert gradcheck(loss, wave(13))


NETS = [
    (RNN(2, 3, 1, rng=1), per_step("binary_cross_entropy_with_logits"), [0, 1, 1, 0]),
    (RNN(2, 3, 3, "relu", rng=1), per_step("cross_entropy", 3), [0, 2, 1, 0]),
    (RNN(2, 3, 1, output="tanh", rng=1), "squared_error", [0.5, -1.0, 0.25, 0.0]),
    (RNN(2, 3, 3, rng=1, return_sequences=False), "cross_entropy", 2),
    (RNN(4, 2, 1, rng=1, return_sequences=False), "squared_error", 0.5),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "loss", "target"), NETS, ids=[repr(net[0]) for net in NETS])
def test_both_engines_train_a_recurrent_net_alike(model, loss, target):
    start = model.state_dict()

    def make():
        model.load_state_dict(start)
        return model

    targets = [target if k % 2 else rotated(target) for k in range(6)]
    found = check(make, lambda p: SGD(p, lr=0.1), rows(6, 8), targets, loss=loss, epochs=5,
                  batch_size=3, progress=False)  # fmt: skip
    assert found.history.loss[-1] < found.history.loss[0]


def rotated(target):
    return [*target[1:], target[0]] if isinstance(target, list) else 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_addition_learned_on_7_bits_holds_for_30(seed):
    X, y = binary_addition(200, 7, rng=0)
    model = RNN(2, 4, 1, rng=seed)
    history = fit(
        model, X, y, loss=per_step("binary_cross_entropy_with_logits"),
        optimizer=lambda p: Adam(p, lr=0.02), epochs=100, batch_size=20, engine="matrix",
        progress=False,
    )  # fmt: skip
    assert history.loss[0] == pytest.approx(math.log(2), rel=0.05)
    longer, sums = binary_addition(500, 30, rng=1)
    found = [[float(z > 0) for z in logits] for logits in predict(model, longer)]
    assert found == sums


@pytest.mark.slow
def test_the_next_letter_of_new_names_is_foretold_better_than_by_its_frequency():
    names = list(NAMES)
    random.Random(0).shuffle(names)
    letters = sorted(set("".join(names)))
    seen, new = (next_letter(part, letters=letters) for part in (names[:64], names[64:]))
    k = len(seen.class_names)
    model = RNN(k, 24, k, return_sequences=False)
    fit(model, seen.X, seen.y, loss="cross_entropy", epochs=40, batch_size=16, engine="matrix",
        optimizer=lambda p: AdamW(p, lr=0.01, weight_decay=0.1), progress=False)  # fmt: skip
    count, n = Counter(seen.y), len(seen.y)
    entropy = -sum(c / n * math.log(c / n) for c in count.values())
    unigram = -sum(math.log((count[t] + 1) / (n + k)) for t in new.y) / len(new.y)
    assert (entropy, unigram) == pytest.approx((2.57, 2.63), abs=0.005)
    assert evaluate(model, seen.X, seen.y, loss="cross_entropy")[0] < 1.3
    loss, accuracy = evaluate(model, new.X, new.y, loss="cross_entropy")
    assert accuracy is not None
    assert loss < 2.0  # 1.81, of the 2.63 of their frequencies
    assert accuracy > 0.4  # "a", the most frequent class, is 0.21 of them
