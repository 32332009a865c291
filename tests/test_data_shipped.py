from collections import Counter
from importlib.resources import files

import pytest
from refusals import refusals

from tinygrad_edu import MLP, Adam, evaluate, fit
from tinygrad_edu.data import digits, first_names, iris, train_test_split, vowels


def _means(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def test_iris_has_150_flowers_of_3_species():
    found = iris()
    assert [len(row) for row in found.X] == [4] * 150
    assert found.y == [0] * 50 + [1] * 50 + [2] * 50
    assert found.X[34] == [4.9, 3.1, 1.5, 0.2]  # the UCI file errs here
    assert found.X[37] == [4.9, 3.6, 1.4, 0.1]  # and here
    assert found.class_names == ("setosa", "versicolor", "virginica")
    assert found.feature_names == (
        "sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"
    )  # fmt: skip


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


def test_digits_has_1797_images_of_64_pixels_from_0_to_16():
    found = digits()
    assert len(found) == 1797
    assert {len(row) for row in found.X} == {64}
    assert {x for row in found.X for x in row} == {float(x) for x in range(17)}
    assert found.feature_names[0] == "pixel_0_0"
    assert found.feature_names[-1] == "pixel_7_7"
    assert found.class_names == tuple("0123456789")


def test_digits_has_the_class_counts_of_the_uci_test_set_and_the_pixels_of_scikit_learn():
    # UCI, Optical Recognition of Handwritten Digits: examples per class in the testing set
    X, y = digits()
    counts = Counter(y)
    assert [counts[k] for k in range(10)] == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # load_digits().data: its first image (a zero) and the sum of all pixels
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


@pytest.mark.parametrize("name", ["iris", "digits", "names"])
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
            licences = ("CC BY 4.0", "No licence is stated", "Under the licence of this package")
            assert any(licence in section for licence in licences)


def test_first_names_are_different_words_in_order_and_in_small_letters():
    found = first_names()
    assert len(found) == 1050
    assert found == sorted(set(found))
    assert set("".join(found)) == set("abcdefghijklmnopqrstuvwxyz")
    found.clear()
    assert len(first_names()) == 1050


#: Peterson and Barney 1952, table II: mean F1 and F2 in Hz, in the order of the class names.
TABLE_II = {
    "men": (range(1, 34), [270, 390, 530, 660, 730, 570, 440, 300, 640, 490],
            [2290, 1990, 1840, 1720, 1090, 840, 1020, 870, 1190, 1350]),
    "women": (range(34, 62), [310, 430, 610, 860, 850, 590, 470, 370, 760, 500],
              [2790, 2480, 2330, 2050, 1220, 920, 1160, 950, 1400, 1640]),
    "children": (range(62, 77), [370, 530, 690, 1010, 1030, 680, 560, 430, 850, 560],
                 [3200, 2730, 2610, 2320, 1370, 1060, 1410, 1170, 1590, 1820]),
}  # fmt: skip


def test_vowels_are_ten_words_said_twice_by_76_speakers():
    found = vowels()
    assert len(found) == 1520
    assert found.class_names == (
        "heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard",
    )  # fmt: skip
    assert found.feature_names == ("F1 (Hz)", "F2 (Hz)")
    said = Counter(zip(found.groups, found.y, strict=True))
    assert said == {(speaker, word): 2 for speaker in range(1, 77) for word in range(10)}


@pytest.mark.parametrize("who", TABLE_II)
def test_vowels_have_the_mean_formants_of_the_paper(who):
    # to 3 %: the table was printed in 1952, the recordings in circulation were written down later
    speakers, *published = TABLE_II[who]
    found = vowels()
    for word in range(10):
        said = zip(found.X, found.y, found.groups, strict=True)
        means = _means([x for x, label, who in said if label == word and who in speakers])
        assert means == pytest.approx([formant[word] for formant in published], rel=0.03)


def test_vowels_give_the_features_that_are_asked_for():
    found = vowels(["F3", "F0", "F1"])
    assert found.feature_names == ("F3 (Hz)", "F0 (Hz)", "F1 (Hz)")
    assert found.X[0] == [2850, 160, 240]  # the first row of the table in Praat
    assert found.X[-1] == [2200, 328, 660]  # the last one


test_vowels_refuse_other_features = refusals([
    (lambda: vowels("F1"), TypeError, "features must be a list of names, got str"),
    (lambda: vowels([]), ValueError, 'features is empty: write features=["F1", "F2"]'),
    (lambda: vowels(["f2"]), ValueError, "unknown feature 'f2': choose F0, F1, F2, F3"),
])  # fmt: skip


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
