"""Data sets: what everyone that is known by name must have, what is shipped, and what is drawn."""

import inspect
import itertools
import math
import random
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from refusals import refusals

import tinygrad_edu
from tinygrad_edu import Adam, data, evaluate, fit
from tinygrad_edu.checks import one_of
from tinygrad_edu.cli import main
from tinygrad_edu.data import (
    DATA_SETS,
    Dataset,
    blobs,
    circles,
    digits,
    first_names,
    houses,
    iris,
    moons,
    sine,
    spiral,
    train_test_split,
    vowels,
    xor,
)
from tinygrad_edu.nn import ACTIVATIONS, MLP
from tinygrad_edu.playground import Settings
from tinygrad_edu.playground.start import Start

PLANE = [name for name, recipe in DATA_SETS.items() if recipe.noise]
DRAWN = [*PLANE, *(name for name, recipe in DATA_SETS.items() if recipe.target != "class")]


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_is_a_public_function_of_its_name(name: str) -> None:
    make = DATA_SETS[name].make
    assert make.__name__ == name
    assert getattr(data, name) is getattr(tinygrad_edu, name) is make
    assert name in data.__all__
    assert name in dir(tinygrad_edu)
    assert inspect.getdoc(make)


@pytest.mark.parametrize("name", DATA_SETS)
def test_rows_labels_and_names_fit_together(name: str) -> None:
    rows = DATA_SETS[name].rows(random.Random(0))
    assert isinstance(rows, Dataset)
    assert all(type(x) is float and math.isfinite(x) for row in rows.X for x in row)
    assert {len(row) for row in rows.X} == {len(rows.feature_names)}
    assert len(rows.y) == len(rows.X)
    if DATA_SETS[name].target == "class":
        assert set(rows.y) == set(range(len(rows.class_names)))
    else:
        assert all(type(y) is float and math.isfinite(y) for y in rows.y)
        assert rows.class_names == ()
    height, width = DATA_SETS[name].image or (1, len(rows.X[0]))
    assert height * width == len(rows.X[0])
    assert (rows.name, bool(rows.source)) == (name, True)


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_is_a_demo_whose_net_can_be_made(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = DATA_SETS[name]
    assert one_of("activation", recipe.activation, ACTIVATIONS)
    assert MLP(2, [*recipe.hidden, 1], recipe.activation)
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    line = next(x for x in capsys.readouterr().out.splitlines() if x.split()[:1] == [name])
    assert line.split(maxsplit=1)[1] == recipe.text


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_has_a_demo_that_runs(name: str, tmp_path: Path) -> None:
    arguments = ["demo", name, "--epochs", "1", "--hidden", "2", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", PLANE)
def test_points_of_the_plane_are_reproducible_from_a_seed(name: str) -> None:
    recipe = DATA_SETS[name]
    points = recipe.points(32, 0.1, 5)
    assert points.feature_names == ("x1", "x2")
    assert len(points) == 32
    assert points.class_names == tuple(map(str, range(len(points.class_names))))
    assert points == recipe.points(32, 0.1, 5)
    assert points == recipe.make(32, **{recipe.noise: 0.1}, rng=random.Random(5))
    assert points.X != recipe.points(32, 0.1, 6).X


@pytest.mark.parametrize("name", PLANE)
def test_points_of_the_plane_are_in_the_playground(name: str) -> None:
    start = Start(Settings(data=name, n=20, noise=0.1))
    assert start.data == DATA_SETS[name].points(20, 0.1, 0)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"n": 0}, ValueError, r"n must be an int from \d to 1000000, got 0"),
        ({"n": 10**9}, ValueError, r"n must be an int from \d to 1000000, got 1000000000"),
        ({"noise": -0.1}, ValueError, "{noise} must be a finite number >= 0, got -0.1"),
        ({"noise": math.inf}, ValueError, "{noise} must be a finite number >= 0, got inf"),
        ({"rng": None}, TypeError, "rng must be an int seed or a random.Random, got NoneType; .*"),
    ],
)
def test_a_bad_size_noise_or_seed_is_refused(
    name: str, options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    recipe = DATA_SETS[name]
    noise = recipe.noise or "noise"
    named = {noise if key == "noise" else key: x for key, x in options.items()}
    with pytest.raises(error) as caught:
        recipe.make(**named)
    assert re.fullmatch(sentence.replace("{noise}", noise), str(caught.value))


# --- what is shipped


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
    images, labels = digits()
    scaled = [[x / 16 for x in row] for row in images]
    X, y, X_test, y_test = train_test_split(scaled, labels, rng=0)
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


# --- what is drawn from a seed

INT = "must be an int from"


@pytest.mark.parametrize("make", [moons, circles, blobs, spiral])
def test_rows_come_class_by_class_in_equal_shares(make):
    y = make(32).y
    sizes = Counter(y)
    assert y == sorted(y)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    assert sizes[0] == max(sizes.values())


def test_a_shared_random_is_advanced_from_one_data_set_to_the_next():
    gen = random.Random(0)
    assert moons(rng=gen).X != moons(rng=gen).X


def test_the_global_random_state_is_neither_read_nor_changed():
    state = random.getstate()
    first = spiral()
    assert random.getstate() == state
    random.seed(99)
    assert spiral() == first
    random.setstate(state)


def test_moons_without_noise_lie_on_two_half_circles():
    X, y = moons(100, noise=0.0)
    for (a, b), label in zip(X, y, strict=True):
        if label == 0:
            assert math.hypot(a, b) == pytest.approx(1)
            assert b >= 0
        else:
            assert math.hypot(a - 1, b - 0.5) == pytest.approx(1)
            assert b <= 0.5
    assert X[0] == [1.0, 0.0]
    assert X[49] == pytest.approx([-1.0, 0.0])
    assert X[50] == [0.0, 0.5]
    assert X[99] == pytest.approx([2.0, 0.5])


def test_circles_without_noise_have_their_two_radii():
    X, y = circles(100, noise=0.0, factor=0.3)
    for row, label in zip(X, y, strict=True):
        assert math.hypot(*row) == pytest.approx((1.0, 0.3)[label])
    assert [math.fsum(c) for c in zip(*X, strict=True)] == pytest.approx([0, 0], abs=1e-12)


def test_xor_is_its_truth_table():
    X, y = xor()
    assert X == [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    assert y == [0, 1, 1, 0]
    assert [*xor(10)] == [(3 * X)[:10], (3 * y)[:10]]


def test_noisy_xor_points_scatter_about_their_corners():
    X, _ = xor(4000, noise=0.1)
    errors = [
        x - corner for i, row in enumerate(X) for x, corner in zip(row, xor().X[i % 4], strict=True)
    ]
    assert math.fsum(errors) / 8000 == pytest.approx(0, abs=0.006)
    # standard error of a deviation: 0.1 / sqrt(2 * 8000) = 0.0008
    assert math.sqrt(math.fsum(e * e for e in errors) / 8000) == pytest.approx(0.1, abs=0.004)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_a_number_of_blobs_has_neighbouring_centres_6_apart(k):
    X = blobs(k, centers=k, std=0.0).X
    nearest = [min(math.dist(a, b) for b in X if b is not a) for a in X]
    assert nearest == pytest.approx([6.0] * k)
    assert blobs(2, centers=1, std=0.0).X == [[0.0, 0.0], [0.0, 0.0]]


def test_blobs_lie_about_the_given_centres_in_any_dimension():
    found = blobs(4000, centers=[[0, 0, 10], [5, 5, -5]], std=0.5)
    assert found.feature_names == ("x1", "x2", "x3")
    for label, centre in enumerate([[0, 0, 10], [5, 5, -5]]):
        rows = [row for row, y in zip(found.X, found.y, strict=True) if y == label]
        for column, middle in zip(zip(*rows, strict=True), centre, strict=True):
            # standard error of the mean: 0.5 / sqrt(2000) = 0.011
            assert math.fsum(column) / 2000 == pytest.approx(middle, abs=0.05)
            variance = math.fsum((x - middle) ** 2 for x in column) / 2000
            assert math.sqrt(variance) == pytest.approx(0.5, abs=0.04)


def test_spiral_radii_grow_evenly_from_0_to_1_whatever_the_noise():
    X, y = spiral(300)
    assert y == [0] * 100 + [1] * 100 + [2] * 100
    assert [math.hypot(*row) for row in X] == pytest.approx([i / 99 for i in range(100)] * 3)


@pytest.mark.parametrize(
    ("i", "point"),
    [
        # CS231n, minimal neural network case study, its own points with np.random.seed(0)
        (1, (0.0012135812756681982, 0.010027842517114818)),
        (50, (0.4867108724576082, -0.13486489270126648)),
        (199, (0.9157907989398819, -0.40165558950057306)),
        (299, (-0.47270638487404987, 0.8812199916588971)),
    ],
)
def test_spiral_points_are_those_of_the_case_study_but_for_the_noise_of_the_angle(i, point):
    a, b = spiral(300, noise=0.0).X[i]
    assert math.hypot(a, b) == pytest.approx(math.hypot(*point))
    angle = math.atan2(*point) - math.atan2(a, b)
    assert abs(math.remainder(angle, 2 * math.pi)) < 0.8  # 4 deviations of 0.2


def test_spiral_without_noise_turns_by_4_radians_an_arm():
    X = spiral(300, noise=0.0).X
    for j in range(3):
        assert X[100 * j] == [0.0, 0.0]
        end = 4.0 * (j + 1)
        assert X[100 * j + 99] == pytest.approx([math.sin(end), math.cos(end)])


def test_the_arms_of_a_spiral_go_round_as_often_as_one_says():
    X = spiral(402, 2, noise=0.0, turns=1.25).X
    for j in range(2):
        angles = [math.atan2(*row) for row in X[201 * j + 1 : 201 * (j + 1)]]
        steps = [math.remainder(b - a, math.tau) for a, b in itertools.pairwise(angles)]
        assert sum(steps) == pytest.approx(1.25 * math.tau * 199 / 200)
        assert angles[0] == pytest.approx(math.remainder(4.0 * j + 1.25 * math.tau / 200, math.tau))


test_an_impossible_size_or_place_is_refused = refusals([
    (lambda: circles(1), ValueError, f"n {INT} 2 to 1000000, got 1"),
    (lambda: circles(factor=0), ValueError, "factor must be a finite number > 0 and < 1, got 0.0"),
    (lambda: circles(factor=1), ValueError, "factor must be a finite number > 0 and < 1, got 1.0"),
    (lambda: spiral(turns=0), ValueError,
     "turns must be a finite number > 0 and <= 100, got 0.0"),
    (lambda: xor(3), ValueError, f"n {INT} 4 to 1000000, got 3"),
    (lambda: blobs(2), ValueError, f"n {INT} 3 to 1000000, got 2"),
    (lambda: blobs(centers=0), ValueError, f"centers {INT} 1 to 1000000, got 0"),
    (lambda: blobs(centers=[]), ValueError, "centers is empty: write [[0, 0], [3, 3]]"),
    (lambda: blobs(centers=[[]]), ValueError, "centers is empty: write [[0, 0], [3, 3]]"),
    (lambda: blobs(centers=[[0, 0], [1]]), ValueError, "centers[1] has 1 numbers, expected 2"),
    (lambda: blobs(centers=[[0, math.nan]]), ValueError,
     "centers[0][1] must be a finite number, got nan"),
    (lambda: spiral(arms=0), ValueError, f"arms {INT} 1 to 1000000, got 0"),
    (lambda: spiral(2), ValueError, f"n {INT} 3 to 1000000, got 2"),
    (lambda: blobs(centers=[0, 1]), TypeError,
     "centers[0] must be a point, got int; write [[0, 0], [3, 3]]"),
    (lambda: blobs(centers="ab"), TypeError, "centers must be a list of points, got str"),
    (lambda: blobs(centers=[[0, "1"]]), TypeError,
     "centers[0][1] takes one real number, got str '1': "
     "write float(...) around a text that is a number"),
])  # fmt: skip


def test_a_sine_without_noise_is_a_sine_over_one_period():
    X, y = sine(5, noise=0.0)
    assert [[-math.pi], [-math.pi / 2], [0.0], [math.pi / 2], [math.pi]] == X
    assert y == pytest.approx([0, -1, 0, 1, 0], abs=1e-15)


def test_the_price_of_a_house_is_that_of_its_formula():
    found = houses(200, noise=0.0)
    for (area, rooms, age, distance), price in zip(found.X, found.y, strict=True):
        near, looks = 4 * math.exp(-distance / 6), (age / 50 - 1) ** 2 / 2
        assert price == pytest.approx(area * (1 + near) * (0.8 + looks))
        assert rooms == int(rooms) >= 1
    assert found.feature_names == ("area (m2)", "rooms", "age (years)", "distance (km)")


@pytest.mark.parametrize("make", [sine, houses])
def test_numbers_to_predict_are_drawn_from_a_seed(make):
    assert make(9, rng=1) == make(9, rng=1) != make(9, rng=2)
