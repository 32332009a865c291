"""Embeddings, attention and RMS normalisation: by hand, against PyTorch, against differences."""

import json
import math
from pathlib import Path

import pytest
from both_engines import check
from refusals import refusals

from tinygrad_edu import Value, gradcheck, per_step
from tinygrad_edu import functions as f
from tinygrad_edu.losses import squared_error
from tinygrad_edu.nn import Attention, Embedding, Layer, Module, RMSNorm
from tinygrad_edu.optim import SGD


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


# --- embeddings


def test_an_embedding_is_a_row_of_its_table_or_the_same_from_a_1_of_k_code():
    table = Embedding(3, 2, rng=1)
    assert table(2) == table.w[2]
    assert data(table([0.0, 0.0, 1.0])) == data(table.w[2])
    mixed = table([0.5, 0.0, 2.0])
    assert data(mixed) == [0.5 * a.data + 2 * b.data for a, b in zip(*table.w[::2], strict=True)]


def test_only_the_rows_that_were_read_have_a_gradient():
    table = Embedding(4, 2, rng=1)
    f.sum([v**2 for k in (3, 1, 3) for v in table(k)]).backward()
    w = [data(row) for row in table.w]
    assert [grads(row) for row in table.w] == [
        [0.0, 0.0], [2 * x for x in w[1]], [0.0, 0.0], [4 * x for x in w[3]]
    ]  # fmt: skip


def test_a_table_that_was_exchanged_is_the_one_that_is_read():
    table = Embedding(2, 2)
    table.w[1] = [Value(5.0), Value(6.0)]
    assert data(table([0.0, 1.0])) == data(table(1)) == [5.0, 6.0]


# --- RMS normalisation


def test_the_mean_square_of_a_normalised_row_is_1():
    y = data(RMSNorm(3, eps=1e-12)([3.0, -4.0, 12.0]))  # 9 + 16 + 144 = 169
    assert y == pytest.approx([math.sqrt(3) * x / 13 for x in (3, -4, 12)], rel=1e-12)
    assert sum(x * x for x in y) / 3 == pytest.approx(1.0, rel=1e-12)


# --- attention


def test_attention_is_the_softmax_of_scaled_products_by_hand():
    head = Attention(2, causal=False)
    for layer in (head.query, head.key, head.value, head.output):
        fill(weights(layer), [1.0, 0.0, 0.0, 1.0])
    (first, second), ((p, q),) = head.attend([[1.0, 0.0], [0.0, 2.0]])
    e, g = math.exp(1 / math.sqrt(2)), math.exp(4 / math.sqrt(2))
    assert data(p) == pytest.approx([e / (e + 1), 1 / (e + 1)], rel=1e-15)
    assert data(q) == pytest.approx([1 / (1 + g), g / (1 + g)], rel=1e-15)
    assert data(first) == pytest.approx([p[0].data, 2 * p[1].data], rel=1e-15)
    assert data(second) == pytest.approx([q[0].data, 2 * q[1].data], rel=1e-15)


def test_a_causal_place_reads_no_later_one():
    model = Attention(4, 2, rng=1)
    rows = [wave(4, 5 * k) for k in range(3)]
    outputs, attention = model.attend(rows)
    assert [[len(p) for p in head] for head in attention] == [[1, 2, 3], [1, 2, 3]]
    rows[2] = [9.0, 9.0, 9.0, 9.0]
    assert data(model(rows)[:2]) == data(outputs[:2])
    assert data(model(rows)[2]) != data(outputs[2])


def test_without_places_the_order_of_the_rows_is_no_matter():
    model = Attention(4, 2, causal=False, rng=1)
    rows = [wave(4, 5 * k) for k in range(3)]
    turned = model(rows[::-1])[::-1]
    assert data(turned) == pytest.approx(data(model(rows)), rel=1e-12)


def test_the_attention_of_a_place_adds_up_to_1_whatever_the_scores_are():
    attention = Attention(2, rng=1).attend([[1e4, -1e4], [1e4, 1e4]])[1]
    assert [sum(data(p)) for p in attention[0]] == [1.0, 1.0]


def test_the_gradient_for_the_biases_of_the_keys_is_0():
    model = Attention(4, 2, rng=1)  # q . b is the same for every key of a place
    f.sum([v**2 for row in model([wave(4, 5 * k) for k in range(3)]) for v in row]).backward()
    assert grads(biases(model.key)) == pytest.approx([0.0] * 4, abs=1e-15)
    assert min(map(abs, grads(biases(model.query)))) > 1e-6


BAD = [
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
FIXTURES = Path(__file__).parent / "fixtures"
TORCH = json.loads((FIXTURES / "torch_layers.json").read_text())


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


def test_the_gradient_of_attention_is_that_of_differences():
    model, norm = Attention(2, 2, rng=1), RMSNorm(2)

    def loss(*x):
        rows = [norm(x[k : k + 2]) for k in (0, 2, 4)]
        return squared_error([v for row in model(rows) for v in row], wave(6, 50))

    assert gradcheck(loss, wave(6))


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
