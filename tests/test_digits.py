"""The shipped digits: a net of 64-32-10 learns them from scalar code, with the default engine."""

import pytest

from tinygrad_edu import MLP, Adam, evaluate, fit
from tinygrad_edu.data import digits, train_test_split


@pytest.mark.slow
def test_digits_are_learned_to_96_percent_of_a_test_set() -> None:
    data = digits()
    scaled = [[x / 16 for x in row] for row in data.X]
    X, y, X_test, y_test = train_test_split(scaled, data.y, rng=0)
    assert (len(X), len(X_test)) == (1347, 450)
    model = MLP(64, [32, 10], rng=0)
    history = fit(
        model, X, y, loss="cross_entropy", optimizer=lambda p: Adam(p, lr=0.01), epochs=30,
        batch_size=32,
    )  # fmt: skip
    assert len(history) == 30
    loss, accuracy = evaluate(model, X_test, y_test, loss="cross_entropy")
    assert accuracy is not None
    assert accuracy >= 0.96
    assert loss < 0.25
