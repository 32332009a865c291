"""What a report shows of the data, by hand; simpler models as scikit-learn has them."""

import random
import re

import numpy as np
import pytest
from graphs import layer

from tinygrad_edu import MLP, Sequential
from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.evidence import baselines, logistic_regression, of_classes, of_numbers, worst
from tinygrad_edu.cli.split import Split, of_dataset
from tinygrad_edu.data import DATA_SETS, TableEncoder
from tinygrad_edu.data.columns import CategoryColumn, NumericColumn
from tinygrad_edu.view.base.report import Picture


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.cli.evidence.png_of", lambda ax: b"")


def shown(named) -> dict[str, Picture]:
    return {picture.heading: picture for _, picture in named}


def cells(picture):
    rows = re.findall("<tr>(.*?)</tr>", str(picture.content))
    return [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def of_three(y, image=None):
    """Nets inputs x are logits: the class is the place of the largest."""
    names = ("a", "b", "c")
    encoder = TableEncoder(tuple(NumericColumn(f"x{j}", 0.0, 1.0) for j in range(3)), "y", names)
    model = Sequential(layer([(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)]))
    X = [[9.0 * (k == c) for k in range(3)] for c in (0, 0, 1, 1)]
    split = Split("made up", encoder, X, y, [], [], image=image)
    return Classifier(model, encoder, "cross_entropy"), split


def test_the_table_of_classes_has_recall_precision_and_what_each_is_taken_for():
    picture = shown(of_classes(*of_three([0, 1, 1, 1])))["Class by class"]
    assert cells(picture) == [
        ["class", "rows", "recall", "precision", "most taken for"],
        ["a", "1", "100.0%", "50.0%", ""],
        ["b", "3", "66.7%", "100.0%", "a (1)"],
        ["c", "0", "", "", ""],
    ]


def test_the_worst_classes_stand_first_where_there_are_many(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.cli.evidence._CLASSES", 2)
    picture = shown(of_classes(*of_three([0, 1, 1, 1])))["Class by class"]
    assert [row[0] for row in cells(picture)] == ["class", "c", "b"]


def test_wrong_rows_that_are_pictures_are_shown_with_their_classes(monkeypatch):
    seen = {}
    monkeypatch.setattr(
        "tinygrad_edu.view.pictures.images", lambda X, **options: seen.update(options, X=X)
    )
    found = shown(of_classes(*of_three([0, 2, 1, 1], image=(1, 3))))
    assert list(found) == ["Confusion matrix", "Class by class", "The wrong ones", "The weights"]
    assert seen == {"X": [[9.0, 0, 0]], "height": 1, "width": 3, "titles": ["c as a, 100%"]}
    assert found["The wrong ones"].caption.startswith("1 of the 4 training rows are wrong")
    assert "The wrong ones" not in shown(of_classes(*of_three([0, 0, 1, 1], image=(1, 3))))


def of_a_number():
    """The net gives 2 size + 1 where the colour is red; y is in tens above 100."""
    columns = (NumericColumn("size", 50.0, 5.0), CategoryColumn("colour", ("blue", "red")))
    encoder = TableEncoder(columns, "price", (), NumericColumn("price", 100.0, 10.0))
    model = Sequential(layer([(2, 0, 1, 0)]))
    X = [[1.0, 0.0, 1.0], [-1.0, 1.0, 0.0], [0.5, 1.0, 0.0]]
    split = Split("made up", encoder, X, [3.0, 0.0, 1.5], [], [], lines=[2, 3, 5])
    return Classifier(model, encoder, "squared_error"), split


def test_the_worst_rows_say_which_column_the_loss_comes_from():
    found = shown(worst(*of_a_number()))
    # x dL/dx = 2 e 2 x: of row 3 e = -2 and x = -1, of row 5 e = -1/2 and x = 1/2
    assert cells(found["The worst rows"]) == [
        ["row", "size", "colour", "true", "predicted", "loss", "largest x dL/dx"],
        ["3", "45", "blue", "100", "80", "4", "size +8"],
        ["5", "52.5", "blue", "115", "110", "0.25", "size -1"],
        ["2", "55", "red", "130", "130", "0", "size +0"],
    ]
    assert "-8" in str(found["Why the worst row"].content)  # dL/dx of row 3


def test_numbers_are_shown_in_their_unit(monkeypatch):
    seen = {}
    for name in ("predictions", "residuals"):
        monkeypatch.setattr(
            f"tinygrad_edu.view.pictures.{name}",
            lambda *given, _name=name, **options: seen.update({_name: (*given, options)}),
        )
    assert list(shown(of_numbers(*of_a_number()))) == ["Predicted against true", "Residuals"]
    true, found, options = seen["predictions"]
    assert (true, found) == ([130, 100, 115], [130, 80, 110])
    assert options == {"name": "price"}
    assert seen["residuals"] == seen["predictions"]


def test_one_feature_gets_a_curve():
    encoder = TableEncoder((NumericColumn("x", 5.0, 2.0),), "y", (), NumericColumn("y", 1.0, 3.0))
    classifier = Classifier(MLP(1, [2, 1], rng=0), encoder, "squared_error")
    split = Split("made up", encoder, [[-1.0], [1.0]], [0.0, 1.0], [], [])
    headings = ["The curve", "Predicted against true", "Residuals"]
    assert list(shown(of_numbers(classifier, split))) == headings


def of_points(X, y, X_test=(), y_test=()):
    columns = tuple(NumericColumn(f"x{j + 1}", 0.0, 1.0) for j in range(len(X[0])))
    encoder = TableEncoder(columns, "y", (), NumericColumn("y", 0.0, 1.0))
    return Split("made up", encoder, X, y, list(X_test), list(y_test))


def test_a_line_is_found_by_the_linear_model_and_the_mean_by_the_mean():
    found = baselines(of_points([[0.0], [1.0], [5.0]], [1.0, 3.0, 11.0], [[10.0]], [21.0]))
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
        baselines(of_points([[float(i)] for i in range(30)], [float(i) for i in range(30)]))
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
