"""Simpler models beside the net: by hand, and as scikit-learn has them."""

import random

import numpy as np
import pytest

from tinygrad_edu.cli.evidence import baselines, logistic_regression
from tinygrad_edu.cli.split import Split, of_dataset
from tinygrad_edu.data import DATA_SETS, TableEncoder
from tinygrad_edu.data.columns import NumericColumn


def of_numbers(X, y, X_test=(), y_test=()):
    columns = tuple(NumericColumn(f"x{j + 1}", 0.0, 1.0) for j in range(len(X[0])))
    encoder = TableEncoder(columns, "y", (), NumericColumn("y", 0.0, 1.0))
    return Split("made up", encoder, X, y, list(X_test), list(y_test))


def test_a_line_is_found_by_the_linear_model_and_the_mean_by_the_mean():
    found = baselines(of_numbers([[0.0], [1.0], [5.0]], [1.0, 3.0, 11.0], [[10.0]], [21.0]))
    assert list(found) == ["linear model", "mean"]
    assert found["linear model"] == pytest.approx([21.0])
    assert found["mean"] == pytest.approx([5.0])


def test_the_commonest_class_is_that_of_the_training_rows():
    encoder = TableEncoder((NumericColumn("x", 0.0, 1.0),), "y", ("a", "b"))
    split = Split("made up", encoder, [[0.0], [1.0], [2.0]], [1, 1, 0], [[5.0]] * 2, [0, 0])
    found = baselines(split)
    assert list(found) == ["logistic regression", "commonest class"]
    assert list(found["commonest class"]) == [1, 1]
    assert list(found["logistic regression"]) == [0, 0]


def test_very_many_rows_are_fitted_in_part_and_this_is_said(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.cli.evidence._MOST", 10)
    names = list(
        baselines(of_numbers([[float(i)] for i in range(30)], [float(i) for i in range(30)]))
    )
    assert names == ["linear model of 10 rows", "mean"]


@pytest.mark.parametrize("name", ["iris", "moons", "circles"])
def test_logistic_regression_is_that_of_scikit_learn(name):
    linear_model = pytest.importorskip("sklearn.linear_model")
    recipe = DATA_SETS[name]
    split = of_dataset(recipe.rows(random.Random(0)), 0.25, random.Random(0), recipe)
    X, y = np.array(split.X), np.array(split.y)
    k = int(y.max()) + 1
    W = logistic_regression(np.hstack([X, np.ones((len(X), 1))]), y, k)
    # of two classes it has one column of weights w, ours are w/2 and -w/2: half the penalty
    options = {"C": 1.0 if k > 2 else 2.0, "tol": 1e-10, "max_iter": 5000}
    theirs = linear_model.LogisticRegression(**options).fit(X, y)
    ours = W[:-1].T if k > 2 else [W[:-1, 1] - W[:-1, 0]]
    assert ours == pytest.approx(theirs.coef_, abs=1e-3)
