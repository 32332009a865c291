"""Pages in which a model trains: as `fit` does, in node and in a browser, and nothing else."""

import base64
import gzip
import random
import re
import subprocess
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import node
import numpy as np
import pytest
from browser import Page
from gpt_by_hand import Gpt

from tinygrad_edu import (
    MLP,
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    MaxPool2d,
    RMSprop,
    Sequential,
    Unflatten,
    data,
    fit,
    per_step,
)
from tinygrad_edu import functions as f
from tinygrad_edu.engine import RandomLeaf
from tinygrad_edu.export import page as pages
from tinygrad_edu.export import to_page
from tinygrad_edu.losses import l1, l2
from tinygrad_edu.optim import Optimizer, cosine_decay
from tinygrad_edu.vectorize.executors import library

FOLDER = Path(pages.__file__).parent
MAIN = "export/page/main"
HOSTILE = "</script><img src=x onerror=alert(1)> $title \u202e${title}"


def moons(n: int = 60) -> tuple[Any, Any]:
    points = data.moons(n=n, noise=0.2, rng=1)
    return points.X, points.y


def digits(n: int = 60) -> tuple[Any, Any]:
    table = data.digits()
    return [[x / 16 for x in row] for row in table.X[:n]], table.y[:n]


def convolution() -> Sequential:
    rng = random.Random(4)
    return Sequential(
        Unflatten(1, 8, 8), Conv2d(1, 2, 3, activation="relu", rng=rng), MaxPool2d(2), Flatten(),
        Layer(18, 10, "linear", rng=rng),
    )  # fmt: skip


def moment(parameters: Any) -> Optimizer:
    return SGD(parameters, lr=0.05, momentum=0.9)


#: A model, its data, and the options of a training.
TRAININGS: dict[str, Any] = {
    "tanh moons": (
        lambda: MLP(2, [8, 8, 1], "tanh", rng=3), moons,
        {"loss": "binary_cross_entropy_with_logits", "batch_size": 7, "rng": 5,
         "optimizer": lambda p: Adam(p, lr=0.02), "validation": moons(20)}),
    "digits": (
        lambda: MLP(64, [12, 10], rng=0), digits,
        {"loss": "cross_entropy", "optimizer": moment, "batch_size": 16}),
    "a convolution": (
        convolution, lambda: digits(30),
        {"loss": "cross_entropy", "optimizer": "adam", "batch_size": 10, "validation": digits(9)}),
    "whole batch, prelu": (
        lambda: MLP(2, [5, 1], "prelu", output="sigmoid", rng=1), moons,
        {"loss": "binary_cross_entropy", "optimizer": lambda p: RMSprop(p, momentum=0.5)}),
    "a penalty": (
        lambda: MLP(2, [4, 4, 1], "sigmoid", rng=1), moons,
        {"loss": "half_squared_error", "optimizer": AdamW, "batch_size": 1,
         "penalty": lambda net: l2(net.parameters(), 0.01) + l1(net.parameters(), 0.001),
         "validation": (moons(11)[0], [x + 0.5 for x in moons(11)[1]])}),
    "weights": (
        lambda: MLP(2, [4, 1], "tanh", rng=1), moons,
        {"loss": "binary_cross_entropy_with_logits", "optimizer": "adam", "batch_size": 9,
         "sample_weight": [1 + k % 3 for k in range(60)],
         "validation": (*moons(20), [k % 2 + 0.5 for k in range(20)])}),
    "an own loss": (
        lambda: Layer(2, 2, rng=3), lambda: (moons()[0], moons()[0]),
        {"loss": lambda o, t: f.hypot(o[0] - t[0], o[1] - t[1] + 1), "optimizer": "sgd",
         "batch_size": 20, "rng": random.Random(8)}),
    "a GPT": (  # by Adam the biases of keys, whose gradient is rounding alone, would wander
        lambda: Gpt(3, 4, 4, 2, 5), lambda: data.letter_windows(["abb", "ab", "bab"], 4),
        {"loss": per_step("cross_entropy", 3), "batch_size": 3, "optimizer": moment}),
    "dropout": (
        lambda: Sequential(Layer(2, 6, rng=1), Dropout(0.2, rng=3), Layer(6, 4, "tanh", rng=2),
                           Dropout(0.5, rng=4), Layer(4, 1, rng=5)), moons,
        {"loss": "half_squared_error", "batch_size": 13, "optimizer": "adam",
         "validation": moons(20)}),
    "a schedule": (
        lambda: MLP(2, [3, 1], "tanh", rng=2), moons,
        {"loss": "half_squared_error", "batch_size": 13,
         "optimizer": lambda p: Adam(p, lr=cosine_decay(0.05, 20, 0.01))}),
    "a Nesterov step": (
        lambda: MLP(2, [3, 1], "gelu", rng=2),
        lambda: (moons()[0], [2 * t - 1 for t in moons()[1]]),
        {"loss": "hinge", "batch_size": 40,
         "optimizer": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)}),
}  # fmt: skip
EPOCHS = 6


def page_of(name: str, **others: Any) -> str:
    model, examples, options = TRAININGS[name]
    return to_page(model(), *examples(), **{**options, **others})


def packed(page: str, part: str) -> str:
    [text] = re.findall(rf'<script type="text/plain" id="{part}">(.*?)</script>', page)
    return str(text)


def in_node(*tasks: dict[str, Any]) -> list[Any]:
    return list(node.in_node("page", tasks, FOLDER, library.FOLDER / "machine.wasm"))


@cache
def trained_in_node() -> dict[str, Any]:
    tasks = [{"record": packed(page_of(name), "training"), "epochs": EPOCHS} for name in TRAININGS]
    return dict(zip(TRAININGS, in_node(*tasks), strict=True))


def by_fit(name: str, epochs: int = EPOCHS) -> tuple[Any, list[float]]:
    model, examples, options = TRAININGS[name]
    net, copied = model(), dict(options)
    if isinstance(options.get("rng"), random.Random):
        copied["rng"] = random.Random()
        copied["rng"].setstate(options["rng"].getstate())
    history = fit(net, *examples(), epochs=epochs, progress=False, **copied)
    return history, [p.data for p in net.parameters()]


@pytest.mark.parametrize("name", TRAININGS)
def test_a_page_trains_as_fit_does(name: str) -> None:
    whole, by_batches = trained_in_node()[name]
    assert whole == by_batches
    history, parameters = by_fit(name)
    for key, column in (
        ("losses", history.loss), ("accuracies", history.accuracy),
        ("testLosses", history.validation_loss), ("testAccuracies", history.validation_accuracy),
    ):  # fmt: skip
        np.testing.assert_allclose(whole[key], column, rtol=1e-12, atol=1e-15, err_msg=key)
    np.testing.assert_allclose(whole["parameters"], parameters, rtol=1e-12, atol=1e-12)
    assert len({*whole["names"]}) == len(parameters)


def test_names_are_those_of_the_views() -> None:
    names = trained_in_node()["tanh moons"][0]["names"]
    assert names[:3] == ["w1[1,1]", "w1[1,2]", "b1[1]"]
    assert names[-1] == "b3[1]"


def test_a_schedule_ends_with_a_sentence_or_with_a_rate_of_ones_own() -> None:
    net, (X, y) = MLP(2, [1], rng=0), moons(4)
    page = to_page(net, X, y, loss="squared_error", batch_size=1,
                   optimizer=lambda p: SGD(p, lr=lambda k: 1e-5))  # fmt: skip
    record = packed(page, "training")
    [ended, _], [goes_on, _] = in_node(
        {"record": record, "epochs": 2501}, {"record": record, "epochs": 2501, "rate": 0.01}
    )
    assert ended["failed"] == (
        "the schedule of the learning rate stands in this page for 10,000 updates"
    )
    assert [len(found["losses"]) for found in (ended, goes_on)] == [2500, 2501]


def test_a_page_leaves_the_generator_of_dropout_as_it_was() -> None:
    rng = random.Random(3)
    net, state = Sequential(Layer(2, 3), Dropout(0.5, rng), Layer(3, 1)), rng.getstate()
    to_page(net, *moons(4), loss="squared_error", optimizer="sgd")
    assert rng.getstate() == state


def test_a_step_that_fails_gives_back_the_parameters_of_before() -> None:
    page = to_page(MLP(2, [3, 1], "linear", rng=0), *moons(), loss="squared_error", optimizer="sgd")
    task = {"record": packed(page, "training"), "epochs": 400, "rate": 1e9}
    [[found, _]] = in_node({**task, "epochs": 400})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = MLP(2, [3, 1], "linear", rng=0)
        history = fit(
            net, *moons(), loss="squared_error", optimizer=lambda p: SGD(p, lr=1e9), epochs=400
        )
    what, says, _ = found["failed"].partition(" was no finite number")
    assert says
    assert what in history.stopped
    assert len(found["losses"]) == len(history)
    np.testing.assert_allclose(found["parameters"], [p.data for p in net.parameters()], rtol=1e-9)


def test_a_page_stops_where_python_would_take_another_branch() -> None:
    unit = Layer(1, 1, "linear", rng=0)
    [w, b] = unit.parameters()
    w.data, b.data = 0.5, 0.0

    def bent(x: Any) -> Any:
        return unit(x) if w > 0 else [0 * b]

    page = to_page(bent, [[1.0], [2.0]], [-1.0, -2.0], loss="squared_error",
                   optimizer=SGD([w, b], lr=0.1))  # fmt: skip
    [[found, _]] = in_node({"record": packed(page, "training"), "epochs": 50})
    assert "a comparison that the model makes in Python" in found["failed"]
    assert len(found["losses"]) == 1


def test_making_a_page_trains_nothing_and_draws_nothing() -> None:
    net, rng = MLP(2, [3, 1], rng=0), random.Random(1)
    before, state = [p.data for p in net.parameters()], rng.getstate()
    options: dict[str, Any] = {"loss": "squared_error", "optimizer": "adam", "rng": rng}
    first, second = (to_page(net, *moons(), batch_size=5, **options) for _ in range(2))
    assert first == second
    assert (before, state) == ([p.data for p in net.parameters()], rng.getstate())


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    page = page_of("digits", path=path, title="Digits")
    assert path.read_text(encoding="utf-8") == page
    assert len(page.encode()) < 1_000_000
    parsed = Page(page)
    assert parsed.references() == ["data:,"]
    [policy] = [text for tag, name, text in parsed.attributes if (tag, name) == ("meta", "content")
                and "default-src" in text]  # fmt: skip
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy
    assert not re.search(r"\beval\(|innerHTML|insertAdjacentHTML|new Function|import ", page)


def test_hostile_names_and_titles_stay_texts() -> None:
    net = MLP(2, [3, 1], rng=0)
    for k, p in enumerate(net.parameters()):
        p.name = f"{HOSTILE}{k}"
    net.__class__ = type(HOSTILE, (MLP,), {"__repr__": lambda self: HOSTILE})
    page = to_page(net, *moons(), loss="squared_error", optimizer="sgd", title=HOSTILE)
    assert "<img" not in page
    assert Page(page).tags.count("script") == 3
    record = gzip.decompress(base64.b64decode(packed(page, "training")))
    assert b"onerror=alert(1)" in record  # as text


GENERATOR = random.Random(1)


class Own(SGD):
    """An optimizer of the user's."""


REFUSALS: list[tuple[Any, dict[str, Any], str]] = [
    (lambda: Sequential(Layer(2, 3), Dropout(0.5, GENERATOR), Layer(3, 1)),
     {"rng": GENERATOR, "batch_size": 3}, "from another random.Random"),
    (lambda: Sequential(Layer(2, 1), lambda o: o + RandomLeaf(GENERATOR.random)), {},
     "those of Dropout"),
    (lambda: Sequential(Layer(2, 3), BatchNorm(3), Layer(3, 1)), {}, "couples the examples"),
    (lambda: MLP(2, [1]), {"optimizer": Own}, "write one of OPTIMIZERS"),
    (lambda: MLP(2, [1]), {"optimizer": lambda p: SGD(p[:1], lr=0.1)}, "must have just the"),
    (lambda: MLP(2, [1]), {"rng": random.SystemRandom(), "batch_size": 3}, "write rng=0"),
    (lambda: MLP(2, [1]), {"title": 3}, "title must be a text"),
    (lambda: MLP(2, [1]), {"path": 3}, "path must be a path"),
    (lambda: MLP(2, [1]), {"batch_size": 0}, "batch_size must be"),
    (lambda: MLP(2, [1]), {"validation": ([[1.0]],)}, "validation must be"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "options", "says"), REFUSALS)
def test_what_a_page_cannot_do_is_refused(model: Any, options: Any, says: str) -> None:
    usual = {"loss": "squared_error", "optimizer": "sgd"}
    with pytest.raises((TypeError, ValueError), match=says):
        to_page(model(), *moons(), **{**usual, **options})


def test_data_that_are_too_large_are_refused() -> None:
    X = np.random.default_rng(0).normal(size=(2000, 100))
    with pytest.raises(ValueError, match=r"may have one: give fewer than the 2,000 rows of X"):
        to_page(Layer(100, 1), X, X[:, 0], loss="squared_error", optimizer="sgd")


@pytest.mark.slow
@node.needs_node
def test_the_modules_do_what_they_say_one_by_one(tmp_path: Path) -> None:
    assert node.is_one_script(pages.script_of(MAIN), tmp_path)
    modules = sorted(map(str, Path(__file__).with_name("javascript").glob("*.mjs")))
    command = [str(node.NODE), "--test", *modules]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_modules_are_short_and_one_script_of_them_knows_no_other() -> None:
    modules = [*FOLDER.parents[1].rglob("*.mjs")]
    assert {
        path.name: n for path in modules if (n := len(path.read_text().splitlines())) > 400
    } == {}
    assert not re.search(r"^(import|export)\b", pages.script_of(MAIN), re.MULTILINE)
    here = {f"export/page/{path.relative_to(FOLDER)}" for path in FOLDER.rglob("*.mjs")}
    assert {f"{name}.mjs" for name in pages.modules_of(MAIN)} == here


def test_folders_of_modules_can_be_taken_in_at_a_glance() -> None:
    folders = {path.parent for path in FOLDER.parents[1].rglob("*.mjs")}
    counts = {folder.name: len([p for p in folder.iterdir() if p.name[:2] != "__"])
              for folder in folders}  # fmt: skip
    assert {name: n for name, n in counts.items() if n > 14} == {}


@pytest.fixture
def window() -> Iterator[Any]:
    from browser import window

    with window() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tanh moons", "digits", "a convolution"])
def test_the_page_trains_in_a_browser(name: str, window: Any, tmp_path: Path) -> None:
    page_of(name, path=tmp_path / "net.html", title=HOSTILE)
    window.open(tmp_path / "net.html")
    history, parameters = by_fit(name)
    window.run("tinygrad.step(2); document.getElementById('step').click()")
    window.run(f"tinygrad.step({EPOCHS - 3})")
    assert window.run("return tinygrad.epoch") == EPOCHS
    found = window.run("return [tinygrad.losses, tinygrad.testLosses, tinygrad.parameters]")
    for numbers, column in zip(
        found, (history.loss, history.validation_loss, parameters), strict=True
    ):
        np.testing.assert_allclose(numbers, column, rtol=1e-12, atol=1e-12)
    window.run("tinygrad.reset(); tinygrad.play()")
    window.until("return tinygrad.epoch > 3")
    window.run("tinygrad.pause()")
    np.testing.assert_allclose(window.run("return tinygrad.losses[2]"), history.loss[2], rtol=1e-12)
    assert window.run("return document.title").startswith("</script><img")
    assert window.console() == []
    assert window.requests() == []


@pytest.mark.slow
def test_a_browser_that_lacks_what_the_page_needs_is_told(window: Any, tmp_path: Path) -> None:
    page = page_of("tanh moons").replace("new DecompressionStream", "new Decompression")
    script = pages.script_of(MAIN)
    hashed = pages._hash(script)
    changed = script.replace("new DecompressionStream", "new Decompression")
    (tmp_path / "net.html").write_text(page.replace(hashed, pages._hash(changed)), "utf-8")
    window.driver.get((tmp_path / "net.html").as_uri())
    window.until("return document.getElementById('failed').textContent")
    assert window.text("failed").startswith("This browser does not run the page; try one of 2024")


@pytest.mark.slow
def test_every_control_does_what_it_says(window: Any, tmp_path: Path) -> None:
    page_of("tanh moons", path=tmp_path / "net.html")
    window.open(tmp_path / "net.html")
    press = "document.getElementById('{}').click()"
    first = window.run("return tinygrad.parameters")
    window.run(press.format("batch"))
    assert window.run("return tinygrad.epoch") == 0
    assert window.text("batchNumber") == "+ 1 of 9 batches"
    assert window.run("return tinygrad.parameters") != first
    window.run(press.format("step"))
    assert (window.text("epoch"), window.text("batchNumber")) == ("1", "")
    window.run(press.format("reset"))
    assert window.run("return [tinygrad.parameters, tinygrad.epoch]") == [first, 0]
    window.run("tinygrad.set('w1[2,1]', 1.5); tinygrad.set('lr', 0.5)")
    assert window.run("return tinygrad.parameters[3]") == 1.5
    window.run(press.format("play"))
    window.until("return tinygrad.epoch > 2")
    assert window.text("play") == "Pause"
    window.run(press.format("play"))
    assert window.text("play") == "Play"
    window.run("document.querySelector('#weights canvas').dispatchEvent("
               "new KeyboardEvent('keydown', {key: 'Enter'}))")  # fmt: skip
    assert window.text("chosenName").startswith("w1[1,1] = ")
    window.run("const v = document.getElementById('value'); v.value = '0.25';"
               "v.dispatchEvent(new Event('change'))")  # fmt: skip
    assert window.run("return tinygrad.parameters[0]") == 0.25
    for wrong in ("tinygrad.set('w9', 1)", "tinygrad.set('b1[1]', NaN)", "tinygrad.set('lr', -1)"):
        assert window.run(f"try {{ {wrong} }} catch (error) {{ return error.message }}")
    assert window.console() == []
