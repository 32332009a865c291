"""The playground: what it shows, its widgets, and what remains of it in a saved notebook."""

import asyncio
import base64
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from refusals import refusals

from tinygrad_edu import playground
from tinygrad_edu.playground import Playground, controls
from tinygrad_edu.playground.page import PANELS, Page
from tinygrad_edu.playground.settings import CHECKS
from tinygrad_edu.text import short

SMALL: dict[str, Any] = {"n": 30, "hidden": [3]}


@pytest.fixture
def widgets() -> Iterator[Any]:
    pytest.importorskip("anywidget")
    found = pytest.importorskip("ipywidgets")
    yield found
    found.Widget.close_all()


def small(**options: Any) -> Playground:
    return playground(**(SMALL | options))


def page_of(**options: Any) -> Page:
    page = small(**options).page
    assert page is not None
    return page


def test_without_ipywidgets_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(controls, "import_module", missing)
    with pytest.raises(ImportError) as caught:
        playground()
    assert str(caught.value) == (
        'the playground needs ipywidgets and anywidget: pip install "tinygrad-edu[notebook]"'
    )


@pytest.mark.slow
def test_a_static_display_is_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "static")
    shown = small(epochs=2)
    bundle = shown._repr_mimebundle_()
    assert sorted(bundle) == ["image/png", "text/plain"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"].startswith("<Playground: moons, epoch 2: training loss ")
    assert shown.run.epoch == 2


@pytest.mark.slow
def test_a_saved_notebook_keeps_a_picture_beside_the_widgets(widgets: Any) -> None:
    bundle = small()._repr_mimebundle_()
    assert sorted(bundle) == [
        *("application/vnd.jupyter.widget-view+json", "image/png", "text/plain"),
    ]


test_options_that_do_not_fit_say_why = refusals(
    [
        (lambda: playground(show="plane"), TypeError,
         "show must be a list of panels, got str: write show=['plane']"),
        (lambda: playground(show=["planes"]), ValueError,
         f"unknown panel 'planes': choose {', '.join(PANELS)}; did you mean 'plane'?"),
        (lambda: playground(rate=1), ValueError,
         f"unknown setting 'rate': choose {', '.join(CHECKS)}"),
        (lambda: playground(y=[0]), TypeError,
         "y and columns belong to points of your own: write playground(X, y)"),
        (lambda: playground(epochs=-1), ValueError, "epochs must be an int of at least 0, got -1"),
    ]
)  # fmt: skip


@pytest.mark.slow
def test_step_reset_and_play(widgets: Any) -> None:
    page = page_of(show=["plane", "losses", "units"])
    start = page.surface.pixels, page.numbers.value
    page.step.click()
    assert page.run.epoch == 1
    assert (page.surface.pixels, page.numbers.value) != start
    page.reset.click()
    assert (page.surface.pixels, page.numbers.value) == start

    async def play() -> None:
        page.play.value = True
        while page.run.epoch < 3:
            await asyncio.sleep(0)
        page.play.value = False
        await asyncio.sleep(0)

    asyncio.run(play())
    assert page.task is None
    assert page.play.description == "play"
    assert f"epoch {page.run.epoch}:" in page.numbers.value


def test_playing_ends_with_the_last_view(widgets: Any) -> None:
    page = page_of(show=["plane"])

    async def play() -> None:
        page.widget._view_count = 1
        page.play.value = True
        await asyncio.sleep(0)
        page.widget._view_count = 0
        await asyncio.sleep(0)

    asyncio.run(play())
    assert page.task is None
    assert page.play.value is False


@pytest.mark.slow
def test_controls_change_the_run_and_say_what_does_not_fit(widgets: Any) -> None:
    page = page_of(show=["data", "net", "training"])
    boxes = page.controls.boxes
    boxes["hidden"][1].value = 2
    boxes["features"][2].value = True
    boxes["batch_size"][0].value = None
    assert page.run.settings.hidden == (3, 2)
    assert page.run.settings.features == ("x1", "x2", "x1*x2")
    assert page.run.batch_size == 22  # of each class of 15, round(4.5) = 4 are held out
    boxes["loss"][0].value = "hinge"
    boxes["data"][0].value = "blobs"
    assert "the loss hinge is for 2 classes" in page.message.value
    assert boxes["data"][0].value == "moons"


def test_controls_show_what_is_out_of_their_range(widgets: Any) -> None:
    page = page_of(n=5, test_share=0.95, hidden=[], show=["data"])
    boxes = page.controls.boxes
    assert (boxes["n"][0].value, boxes["test_share"][0].value) == (5, 0.95)
    own = page_of(X=[[0, 0], [1, 1], [2, 0], [0, 3]], y=[0, 1, 0, 1], hidden=[], show=["data"])
    assert own.controls.boxes["n"][0].disabled
    own.controls.boxes["data"][0].value = "moons"
    assert not own.controls.boxes["n"][0].disabled


@pytest.mark.slow
def test_the_example_is_shown_while_it_plays_too(widgets: Any) -> None:
    page = page_of(show=["plane", "example"], hidden=[])

    async def play() -> None:
        page.play.value = True
        while page.run.epoch < 2:
            await asyncio.sleep(0)
        before = page.line.value, page.deltas.value
        page.slider.value = 5
        assert "after epoch 0" not in page.line.value
        assert (page.line.value, page.deltas.value) != before
        page.play.value = False
        await asyncio.sleep(0)

    asyncio.run(play())


def test_a_divergence_is_said(widgets: Any) -> None:
    page = page_of(show=["plane"], data="blobs", activation="linear", lr=1e200)
    page.step.click()
    assert "try a smaller" in page.message.value or "finite" in page.message.value


def test_a_small_net_has_a_slider_for_each_weight(widgets: Any) -> None:
    page = page_of(show=["weights", "code"], hidden=[3])
    assert len(page.sliders.numbers) == 13  # 3 * (2 + 1) + (3 + 1)
    page.sliders.moved = ["layer1.neuron1.w[0]", 1.5, 0]
    assert page.run.weights["layer1.neuron1.w[0]"].data == 1.5
    assert 'named_parameters()["layer1.neuron1.w[0]"].data = 1.5' in page.code.value
    assert page.sliders.numbers["layer1.neuron1.w[0]"] == 1.5
    page.controls.boxes["hidden"][0].value = 8  # 8 * 3 + 9 parameters
    assert page.sliders.numbers == {}


@pytest.mark.slow
def test_an_example_has_its_deltas_and_its_graph(widgets: Any) -> None:
    page = page_of(show=["example", "network"], hidden=[])
    before = page.graph.value, page.deltas.value, page.network.value
    page.slider.value = 3
    assert (page.graph.value, page.deltas.value, page.network.value) != before
    assert "largest difference" in page.deltas.value
    assert "<svg" in page.graph.value


@pytest.mark.slow
def test_a_click_chooses_the_nearest_training_point(widgets: Any) -> None:
    page = page_of(show=["plane", "example"], hidden=[])
    left, right, bottom, top = page.plane.extent
    x, y = page.run.training.X[7]
    page.surface.clicked = [(x - left) / (right - left) + 1e-3, (top - y) / (top - bottom)]
    assert page.slider.value == 7
    assert f"x1 = {short(x)}, x2 = {short(y)}" in page.line.value


def test_the_module_is_the_function_too() -> None:
    assert importlib.import_module("tinygrad_edu.playground") is playground
    assert playground.playground.__doc__
