from collections import Counter
from importlib.resources import files

import pytest

from tinygrad_edu.data import digits, iris


def _means(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def test_iris_has_150_flowers_of_3_species():
    found = iris()
    assert [len(row) for row in found.X] == [4] * 150
    assert found.y == [0] * 50 + [1] * 50 + [2] * 50
    assert found.class_names == ("setosa", "versicolor", "virginica")
    assert found.feature_names == (
        "sepal length (cm)",
        "sepal width (cm)",
        "petal length (cm)",
        "petal width (cm)",
    )


@pytest.mark.parametrize(
    ("species", "means"),
    [
        # setosa and versicolor: Fisher 1936, table II; virginica: column means of R's iris
        (0, [5.006, 3.428, 1.462, 0.246]),
        (1, [5.936, 2.770, 4.260, 1.326]),
        (2, [6.588, 2.974, 5.552, 2.026]),
    ],
)
def test_iris_species_have_the_means_of_fishers_paper(species, means):
    X, y = iris()
    rows = [row for row, label in zip(X, y, strict=True) if label == species]
    assert _means(rows) == pytest.approx(means, abs=1e-9)


def test_iris_has_fishers_numbers_where_the_uci_file_errs():
    X, _ = iris()
    assert X[34] == [4.9, 3.1, 1.5, 0.2]
    assert X[37] == [4.9, 3.6, 1.4, 0.1]


def test_digits_has_1797_images_of_64_pixels_from_0_to_16():
    found = digits()
    assert len(found) == 1797
    assert {len(row) for row in found.X} == {64}
    assert {x for row in found.X for x in row} == {float(x) for x in range(17)}
    assert found.feature_names[0] == "pixel_0_0"
    assert found.feature_names[-1] == "pixel_7_7"
    assert found.class_names == tuple("0123456789")


def test_digits_has_the_class_counts_of_the_uci_test_set():
    # UCI, Optical Recognition of Handwritten Digits: examples per class in the testing set
    counts = Counter(digits().y)
    assert [counts[k] for k in range(10)] == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_has_the_pixels_of_scikit_learn():
    # load_digits().data: its first image (a zero) and the sum of all pixels
    X, y = digits()
    assert y[:10] == list(range(10))
    assert X[0][:16] == [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]
    assert sum(map(sum, X)) == 561718


@pytest.mark.parametrize("load", [iris, digits])
def test_two_calls_share_nothing_that_can_be_changed(load):
    first, second = load(), load()
    first.X[0][0] = -1.0
    first.y[0] = 99
    assert second.X[0][0] != -1.0
    assert second.y[0] == 0
    assert load() == second


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_the_packed_file_is_the_same_whenever_and_wherever_it_is_made(name):
    packed = files("tinygrad_edu.data").joinpath("files", f"{name}.csv.gz").read_bytes()
    assert packed[3] == 0  # flags: no file name (RFC 1952)
    assert packed[4:8] == bytes(4)  # no time stamp


def test_each_shipped_file_has_a_source_and_a_licence():
    folder = files("tinygrad_edu.data").joinpath("files")
    sources = folder.joinpath("SOURCES.md").read_text(encoding="utf-8")
    for file in folder.iterdir():
        if file.name.endswith(".gz"):
            section = sources.split(f"## {file.name}")[1].split("\n## ")[0]
            assert "CC BY 4.0" in section or "No licence is stated" in section
