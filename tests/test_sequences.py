"""Recurrent nets, embeddings, attention: by hand, against PyTorch, and what they learn."""

import json
import math
import random
from collections import Counter
from pathlib import Path

import pytest
from both_engines import check, rows
from refusals import refusals

from tinygrad_edu import Value, per_step
from tinygrad_edu import functions as f
from tinygrad_edu.data import NAMES, binary_addition, next_letter
from tinygrad_edu.losses import binary_cross_entropy_with_logits, cross_entropy, squared_error
from tinygrad_edu.nn import (
    RNN,
    Attention,
    Embedding,
    Layer,
    Module,
    RMSNorm,
    RNNCell,
    Sequential,
)
from tinygrad_edu.optim import SGD, Adam, AdamW
from tinygrad_edu.train import evaluate, fit, predict

#: Numbers of PyTorch 2.13 in float64: each test says of what.
TORCH = json.loads((Path(__file__).parent / "fixtures" / "torch_layers.json").read_text())


def wave(n, start=1):
    """sin(start), sin(start + 1), ..."""
    return [math.sin(k) for k in range(start, start + n)]


def flat(x):
    return [v for item in x for v in flat(item)] if isinstance(x, (list, tuple)) else [x]


def fill(values, numbers):
    for v, x in zip(flat(values), numbers, strict=True):
        v.data = x


def data(values):
    return [v.data for v in flat(values)]


def grads(values):
    return [v.grad for v in flat(values)]


def weights(*layers):
    return [unit.w for layer in layers for unit in layer.neurons]


def biases(*layers):
    return [unit.b for layer in layers for unit in layer.neurons]


# --- recurrent nets


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


def test_a_loss_per_step_is_the_mean_over_the_steps():
    outputs = [Value(x) for x in (0.5, -1.0, 2.0, 0.0)]
    pairs = zip(outputs, [1, 0, 0, 1], strict=True)
    mean = sum(binary_cross_entropy_with_logits(o, t).data for o, t in pairs) / 4
    loss = per_step("binary_cross_entropy_with_logits")
    assert loss(outputs, [1, 0, 0, 1]).data == pytest.approx(mean, rel=1e-15)
    pair = (cross_entropy(outputs[:2], 1).data + cross_entropy(outputs[2:], 0).data) / 2
    assert per_step(cross_entropy, 2)(outputs, [1, 0]).data == pytest.approx(pair, rel=1e-15)


# Made with torch.nn.RNN(2, 3) and torch.nn.Linear(3, 2) of PyTorch 2.13 in float64, on 4 steps. The
# inputs are sin(1), sin(2), ..., W sin(100), ..., U sin(200), ..., b sin(300), ... (the second bias
# is 0), the output layer sin(400), ... and sin(500), ...; the loss is the sum of squared outputs.
def test_a_net_is_that_of_pytorch_forward_and_backward():
    model = RNN(2, 3, 2)
    fill(model.cell.W, wave(6, 100))
    fill(model.cell.U, wave(9, 200))
    fill(biases(model.cell), wave(3, 300))
    fill(weights(model.output), wave(6, 400))
    fill(biases(model.output), wave(2, 500))
    x = [Value(number) for number in wave(8)]
    output, expected = model(x), TORCH["recurrent"]
    f.sum([o**2 for o in output]).backward()
    assert data(output) == pytest.approx(expected["output"], rel=1e-12)
    for found, wanted in (
        ([v.grad for v in x], expected["dx"]),
        (grads(model.cell.W), expected["dW"]),
        (grads(model.cell.U), expected["dU"]),
        (grads(biases(model.cell)), expected["db"]),
        (grads(weights(model.output)), expected["dW of output"]),
        (grads(biases(model.output)), expected["db of output"]),
    ):
        assert found == pytest.approx(wanted, rel=1e-12)


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


# --- embeddings


def test_an_embedding_is_a_row_of_its_table_or_the_same_from_a_1_of_k_code():
    table = Embedding(3, 2, rng=1)
    assert table(2) == table.w[2]
    assert data(table([0.0, 0.0, 1.0])) == data(table.w[2])
    mixed = table([0.5, 0.0, 2.0])
    assert data(mixed) == [0.5 * a.data + 2 * b.data for a, b in zip(*table.w[::2], strict=True)]


def test_a_table_that_was_exchanged_is_the_one_that_is_read():
    table = Embedding(2, 2)
    table.w[1] = [Value(5.0), Value(6.0)]
    assert data(table([0.0, 1.0])) == data(table(1)) == [5.0, 6.0]


# --- RMS normalisation


# --- attention


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
    (lambda: Attention(6, 4), ValueError, "6 numbers cannot be shared among 4 heads alike"),
    (lambda: Attention(2, causal=1), TypeError, "causal must be True or False, got int 1"),
    (lambda: Attention(2)([1.0, 2.0]), TypeError,
     "expected a list of 2 numbers or Values, got float"),
    (lambda: Attention(2)([]), ValueError, "a sequence has at least one row, got an empty list"),
    (lambda: Attention(2)([[1.0, 2.0], [3.0]]), ValueError, "expected 2 inputs, got 1"),
    (lambda: Embedding(3, 2)(3), ValueError,
     "the number of a thing must be an int from 0 to 2, got 3"),
    (lambda: Embedding(3, 2)([1.0, 0.0]), ValueError, "expected 3 inputs, got 2"),
    (lambda: Embedding(10**6, 11), ValueError,
     "embeddings of 1000000 things have 11,000,000 parameters, more than the 10,000,000 of "
     "nn.MAX_PARAMETERS"),
    (lambda: RMSNorm(2, eps=0), ValueError, "eps must be a finite number > 0, got 0.0"),
    (lambda: RMSNorm(2)([1.0]), ValueError, "expected 2 inputs, got 1"),
]  # fmt: skip


test_a_bad_sequence_or_option_is_explained = refusals(BAD)


# Made with torch.nn.MultiheadAttention(4, 2), torch.nn.functional.rms_norm(eps=0.01) and
# torch.nn.Embedding(3, 2) of PyTorch 2.13 in float64. Inputs are sin(1), sin(2), ..., on 3 places;
# the weights of q, k and v sin(100), ..., their biases sin(200), ..., those of the output sin(300),
# ... and sin(400), ...; gamma is sin(100), ...; the loss is the sum of squared outputs, for the
# embedding of things 2, 0, 2 that of their cubes.
@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_that_of_pytorch_forward_and_backward(causal):
    model = Attention(4, 2, causal=causal)
    inner = (model.query, model.key, model.value)
    fill(weights(*inner), wave(48, 100))
    fill(biases(*inner), wave(12, 200))
    fill(weights(model.output), wave(16, 300))
    fill(biases(model.output), wave(4, 400))
    x = [Value(number) for number in wave(12)]
    output, attention = model.attend([x[:4], x[4:8], x[8:]])
    f.sum([o**2 for row in output for o in row]).backward()
    shares = [data(p) + [0.0] * (3 - len(p)) for head in attention for p in head]
    expected = TORCH["causal attention" if causal else "attention"]
    for found, key in (
        (data(output), "output"),
        (flat(shares), "weights"),
        (grads(x), "dx"),
        (grads(weights(*inner)), "dW"),
        (grads(biases(*inner)), "db"),
        (grads(weights(model.output)), "dW of output"),
        (grads(biases(model.output)), "db of output"),
    ):
        assert found == pytest.approx(expected[key], rel=1e-11, abs=1e-13)


def test_a_normalised_row_is_that_of_pytorch_forward_and_backward():
    model, x = RMSNorm(5, eps=0.01), [Value(number) for number in wave(5)]
    fill(model.gamma, wave(5, 100))
    y = model(x)
    f.sum([v**2 for v in y]).backward()
    expected = TORCH["RMS normalisation"]
    assert data(y) == pytest.approx(expected["output"], rel=1e-12)
    assert grads(x) == pytest.approx(expected["dx"], rel=1e-11)
    assert grads(model.gamma) == pytest.approx(expected["dgamma"], rel=1e-12)


@pytest.mark.parametrize("code", [[2, 0, 2], [[0, 0, 1], [1, 0, 0], [0, 0, 1]]])
def test_an_embedding_is_that_of_pytorch_forward_and_backward(code):
    table = Embedding(3, 2)
    fill(table.w, wave(6))
    rows = [table(x) for x in code]
    f.sum([v**3 for v in flat(rows)]).backward()
    assert data(rows) == TORCH["embedding"]["output"]
    assert grads(table.w) == pytest.approx(TORCH["embedding"]["dw"], rel=1e-12)


class Transformer(Module):
    """One block on rows of three numbers, its scores of two classes for each row, flat."""

    def __init__(self, heads, *, causal):
        self.enter, self.norm = Embedding(3, 4, rng=1), RMSNorm(4)
        self.attention = Attention(4, heads, causal=causal, rng=2)
        self.scores = Layer(4, 2, "linear", rng=3)

    def __call__(self, x):
        rows = [self.enter(x[k : k + 3]) for k in range(0, len(x), 3)]
        mixed = self.attention([self.norm(row) for row in rows])
        pairs = zip(rows, mixed, strict=True)
        sums = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
        return [z for row in sums for z in self.scores(row)]


@pytest.mark.parametrize(("heads", "causal"), [(1, True), (2, True), (2, False)])
def test_both_engines_train_a_transformer_alike(heads, causal):
    X = [wave(12, 12 * k) for k in range(4)]
    y = [[k % 2, 1, 0, k % 2] for k in range(4)]
    options = {"loss": per_step("cross_entropy", 2), "epochs": 3, "batch_size": 2}
    make = lambda: Transformer(heads, causal=causal)  # noqa: E731
    found = check(make, lambda p: SGD(p, lr=0.1), X, y, progress=False, **options)
    assert found.history.loss[-1] < found.history.loss[0]
