"""What a report shows of the data: by hand, on nets whose numbers are known."""

import re

import pytest
from graphs import layer

from tinygrad_edu import MLP, Sequential
from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.evidence import of_classes, of_numbers, worst
from tinygrad_edu.cli.split import Split
from tinygrad_edu.data import TableEncoder
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
