"""Programs of attention: rows that grow from place to place, heads side by side, sums of `sum`."""

import math

import numpy as np
import pytest
from gpt_by_hand import ByHand, Gpt, batch, program_of
from test_vectorize_source import check_sizes, parts
from vectorized import check, function_of, numbers, numbers_of

from tinygrad_edu import functions as f
from tinygrad_edu import parameter, vectorize
from tinygrad_edu.vectorize.source import _runs

THINGS, WIDTH, HEADS = 5, 4, 2


def gpt(places):
    return program_of(Gpt(THINGS, places, WIDTH, HEADS, 8), places)


def test_the_program_of_a_gpt_has_150_lines_however_many_places_it_reads():
    counts = [len(gpt(places).source.splitlines()) for places in (3, 8)]
    assert counts == [150, 150]


def test_the_heads_are_one_product_of_queries_and_keys_and_one_of_shares_and_values():
    forward, backward = parts(gpt(8))
    products = [line for line in forward if "batched_product" in line]
    assert [line.split(" = ")[1][: len("softmax(np.where(C1 < 0")] for line in products] == [
        "softmax(np.where(C1 < 0", "batched_product(R5, R6."
    ]  # fmt: skip
    assert "\n".join(backward).count("batched_back") == 4


def test_the_source_of_a_gpt_gives_what_the_program_gives():
    program = gpt(4)
    _, X, Y = batch(THINGS, 4, 6)
    loss, gradient = function_of(program, program.source)(numbers_of(program), X, Y)
    expected_loss, expected = program.value_and_grad(X, Y)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-15)
    check_sizes(program, X, Y)


def test_a_step_of_a_gpt_gives_what_numpy_by_hand_gives():
    model = Gpt(THINGS, 4, WIDTH, HEADS, 8)
    program, by_hand = program_of(model, 4), ByHand(model)
    things, X, Y = batch(THINGS, 4, 6)
    assert by_hand(things, Y) == pytest.approx(program.backward(X, Y), rel=1e-12)
    a = model.attention
    units = [unit for layer in (a.query, a.key, a.value) for unit in layer.neurons]
    for name, values in {
        "things": model.things.w, "places": model.places.w, "before": model.before.gamma,
        "between": model.between.gamma, "qkv.w": [unit.w for unit in units],
        "qkv.b": [unit.b for unit in units], "output.w": [unit.w for unit in a.output.neurons],
        "up.b": [unit.b for unit in model.up.neurons],
        "down.w": [unit.w for unit in model.down.neurons],
        "scores.w": [unit.w for unit in model.scores.neurons],
    }.items():  # fmt: skip
        found = [v.grad for row in values for v in (row if isinstance(row, list) else [row])]
        np.testing.assert_allclose(found, by_hand.grads[name].ravel(), rtol=1e-9, atol=1e-14)


def linear(x, w):
    return [sum(a * b for a, b in zip(row, x, strict=True)) for row in w]


def by_sums(places, width=4):
    """Attention of one head as one writes it without a library: sums by `sum`, exp over its sum."""
    q, k, v = ([[parameter(0.3 * math.sin(17 * h + 5 * i + j)) for j in range(width)]
                for i in range(width)] for h in range(3))  # fmt: skip

    def fn(*rows):
        keys, values, total = [], [], 0.0
        for x in rows:
            query = linear(x, q)
            keys.append(linear(x, k))
            values.append(linear(x, v))
            e = [(sum(a * b for a, b in zip(query, key, strict=True)) / 2).exp() for key in keys]
            shares = [a / sum(e) for a in e]
            for j in range(width):
                total += sum(s * row[j] for s, row in zip(shares, values, strict=True)) ** 2
        return total

    return fn


def test_attention_by_python_sums_is_products_of_matrices_too():
    program = check(by_sums(8), *[numbers(5, 4, seed=seed) for seed in range(8)])
    forward, _ = parts(program)
    assert "\n".join(forward).count("batched_product") == 2
    assert len(forward) < 25


RAGGED = {
    "softmax": lambda x: f.softmax(x)[0],
    "log_softmax": lambda x: f.log_softmax(x)[-1],
    "logsumexp": f.logsumexp,
    "sum": f.sum,
    "mean": f.mean,
    "max": f.max,
}


@pytest.mark.parametrize("name", RAGGED)
def test_rows_of_unequal_length_give_what_the_scalars_give(name):
    w = [parameter(0.5 + 0.1 * k) for k in range(4)]

    def fn(x):
        z = [a * b for a, b in zip(w, x, strict=True)]
        return f.sum([RAGGED[name](z[:k]) ** 2 for k in (2, 3, 4)])

    check(fn, numbers(6, 4))


def test_a_pair_that_nobody_asked_for_does_no_harm_however_large_it_is():
    w = [parameter(1.0) for _ in range(2)]

    def fn(a, b, c, d):
        a = [p * q for p, q in zip(w, a, strict=True)]
        b = [p * q for p, q in zip(w, b, strict=True)]
        return f.sum([f.exp(f.dot(*pair)) for pair in ((a, c), (b, c), (b, d))])

    rows = [[1.0, 0.5], [1e-3, 2e-3], [0.25, 0.5], [600.0, 900.0]]  # a . d is 1050, e^1050 is inf
    loss, gradient = vectorize(fn, *rows).value_and_grad(*[[row] for row in rows])
    assert math.isfinite(loss)
    assert np.isfinite(gradient).all()


#: An index as it is written, and what it is.
INDEXES = {
    "range(0, 7, 2)": range(0, 7, 2),
    "[5, 1, 2]": [5, 1, 2],
    "[48*i + j for i in range(8) for j in range(3)]": [
        48 * i + j for i in range(8) for j in range(3)
    ],
    "[7 + i for i in range(6) for j in range(9)]": [7 + i for i in range(6) for _ in range(9)],
    "[0 for i in range(40)]": [0] * 40,
    "[9, 9, 9]": [9, 9, 9],
    "[i + 100*j + 8*k for i in range(2) for j in range(3) for k in range(4)]": [
        i + 100 * j + 8 * k for i in range(2) for j in range(3) for k in range(4)
    ],
    str([*range(20), 3, *range(20)]): [*range(20), 3, *range(20)],
}


@pytest.mark.parametrize("text", INDEXES)
def test_an_index_is_written_in_short(text):
    assert _runs(tuple(INDEXES[text])) == text
    assert list(eval(text)) == list(INDEXES[text])
