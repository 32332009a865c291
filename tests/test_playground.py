"""The playground as Python holds it: what it tells, what it asks of its page, what it refuses."""

import importlib
import json
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from refusals import refusals

from tinygrad_edu import playground
from tinygrad_edu.playground import Playground, Settings, play, points
from tinygrad_edu.playground.lesson import HIDEABLE

SMALL: dict[str, Any] = {"n": 30, "hidden": [3]}
OWN = [[0, 0], [1, 1], [2, 0], [0, 3], [1, 0], [3, 3]], ["a", "b", "a", "b", "a", "b"]


def small(**options: Any) -> Any:
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    return playground(**(SMALL | options))


@pytest.fixture
def without_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "find_spec", lambda name: None)


def linked(p: Playground) -> dict[str, list[str]]:
    return parse_qs(p.link)


def told(p: Any, **news: Any) -> None:
    """Tell `p` what a page has that does what was asked."""
    have = {
        "done": p.asked[-1][0] if p.asked else 0, "link": "data=moons&epoch=2", "playing": True,
        "code": "net = 1", "settings": {**vars(p.settings), "own": None}, "sizes": [2, 3, 1],
        "classes": 2, "parameters": [0.5] * 13, "losses": [2.0, 1.0], "testLosses": [3.0, None],
    }  # fmt: skip
    p.told = json.loads(json.dumps(have | news))


@pytest.mark.usefixtures("without_widgets")
def test_without_anywidget_it_is_saved_and_says_what_to_install(tmp_path: Path) -> None:
    p = playground(**SMALL, epochs=2)
    assert type(p) is Playground
    assert p.epoch == len(p.losses) == 2
    assert p.save(tmp_path / "lesson.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(ImportError) as caught:
        p.set("b1[1]", 1)
    assert str(caught.value) == play.MISSING
    assert 'pip install "tinygrad-edu[notebook]"' in play.MISSING
    assert p.parameters["b1[1]"] == p.model().layers[0].neurons[0].b.data


@pytest.mark.slow
@pytest.mark.usefixtures("without_widgets")
def test_without_anywidget_a_notebook_shows_the_picture_and_the_sentence() -> None:
    with pytest.warns(UserWarning, match="anywidget"):
        bundle, _ = playground(**SMALL)._repr_mimebundle_()
    assert sorted(bundle) == ["image/png", "text/plain"]


@pytest.mark.slow
def test_a_static_display_is_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "static")
    for data in ("moons", "sine", "hills"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            bundle, _ = playground(**SMALL, data=data, epochs=2)._repr_mimebundle_()
        assert sorted(bundle) == ["image/png", "text/plain"]
        assert bundle["text/plain"].startswith(f"<Playground: {data}, epoch 2, training loss ")


@pytest.mark.slow
def test_a_saved_notebook_keeps_a_picture_beside_the_page() -> None:
    bundle, _ = small()._repr_mimebundle_()
    assert sorted(bundle) == [
        *("application/vnd.jupyter.widget-view+json", "image/png", "text/plain"),
    ]


def test_what_is_asked_waits_for_the_page_and_is_there_at_once() -> None:
    p = small()
    p.set("w1[2,1]", 0.5)
    p.parameters = {"b1[1]": 1, "b1[2]": 2}
    p.change(rate=0.3)
    p.step(5)
    p.play()
    assert p.asked == [
        [1, "set", {"w1[2,1]": 0.5}], [2, "set", {"b1[1]": 1, "b1[2]": 2}],
        [3, "change", {"rate": 0.3}], [4, "step", 5], [5, "play", None],
    ]  # fmt: skip
    assert (p.parameters["w1[2,1]"], p.parameters["b1[2]"], p.settings.rate) == (0.5, 2, 0.3)
    assert p.model().layers[0].neurons[1].b.data == 2
    told(p)
    p.pause()
    assert p.asked == [[6, "pause", None]]


def test_what_the_page_tells_is_heard_when_it_has_done_what_was_asked() -> None:
    p, seen = small(), []
    p.observe(lambda change: seen.append(change["new"]), "epoch")
    p.set("b1[1]", 1)
    told(p, done=0)
    assert (p.epoch, p.parameters["b1[1]"]) == (0, 1)
    told(p)
    assert (p.epoch, p.playing, p.code, p.link) == (2, True, "net = 1", "data=moons&epoch=2")
    assert (p.losses, p.test_losses[0]) == ([2, 1], 3)
    assert p.test_losses[1] != p.test_losses[1]  # not a number
    assert p.parameters["b1[1]"] == 0.5
    assert seen == [2]
    assert len(p.asked) == 1  # what is told is not asked
    p.step()
    assert "w" not in linked(p)
    told(p, link="data=moons&epoch=2&w=1+2")
    p.step()
    assert list(map(float, linked(p)["w"][0].split())) == list(p.parameters.values())
    p.reset()
    assert (p.epoch, p.losses, p.parameters) == (0, [], small().parameters)


def test_points_that_were_drawn_in_the_page_are_those_of_its_net() -> None:
    p = small()
    drawn = {"points": [[0, 0], [1, 2], [2, 1]], "classes": [0, 2, 1], "names": []}
    settings = {**vars(p.settings), "data": "own", "own": drawn}
    told(p, settings=settings, classes=3, sizes=[2, 3, 3], parameters=[1.0] * 21)
    assert p.model().sizes == [2, 3, 3]
    p.set("b1[1]", 2)  # the link of the page is not that of now
    assert linked(p)["own"] == ['file,0 0 0,1 2 2,2 1 1,["0", "1", "2"]']
    curve = {"points": [[0, 0], [1, 2]], "classes": None, "names": []}
    settings |= {"own": curve, "features": ["x1"]}
    told(p, settings=settings, classes=0, sizes=[1, 3, 1], parameters=[1.0] * 10)
    assert p.model().sizes == [1, 3, 1]
    p.set("b1[1]", 2)
    assert linked(p)["own"] == ["file,0 0,1 2,[]"]


def test_settings_are_set_whole_or_one_by_one() -> None:
    p = small()
    p.settings = Settings(n=30, hidden=[2, 2], rate=0.1)
    p.change(hidden=[4], activations=["relu"])
    assert [how for _, _, how in p.asked] == [
        {"hidden": (2, 2), "activations": ("tanh", "tanh"), "rate": 0.1},
        {"hidden": (4,), "activations": ("relu",)},
    ]
    assert len(p.parameters) == 4 * 3 + 5
    with pytest.raises(Exception, match="read-only"):
        p.epoch = 3


def test_own_points_are_in_the_page_to_the_last_digit() -> None:
    p = playground(*OWN, **SMALL, share=0)
    data = points(*OWN)
    rows = [f"{x1!r} {x2!r} {label}" for (x1, x2), label in zip(data.X, data.y, strict=True)]
    assert linked(p)["own"] == [",".join(["file", *rows, '["a", "b"]'])]
    assert p.settings.data == "own"
    assert "data" not in linked(p)


def test_the_link_has_what_was_done() -> None:
    p = small(epochs=3, lock=True, questions=["Why?"], show=["plane", "net"])
    found = linked(p)
    assert (found["epoch"], found["lock"], found["ask"]) == (["3"], ["1"], ["Why?"])
    assert found["hide"] == ["data dock"]
    assert "w" not in found
    p.set("b1[1]", 0.25)
    assert list(map(float, linked(p)["w"][0].split())) == list(p.parameters.values())


def test_a_start_that_diverges_has_its_last_weights_in_the_link() -> None:
    wild = {"activations": "linear", "lr": 1000, "penalty": "l2", "strength": 100}
    with pytest.warns(RuntimeWarning, match="diverged"):
        p = playground(n=240, data="blobs", hidden=[3, 3], epochs=50, **wild)
    assert p.epoch < 50
    assert list(map(float, linked(p)["w"][0].split())) == list(p.parameters.values())


def test_names_of_the_first_release_are_taken() -> None:
    p = playground(**SMALL, lr=0.3, batch_size=None, test_share=0, activation="relu")
    got = p.settings
    assert (got.rate, got.optimizer, got.batch, got.share) == (0.3, "sgd", None, 0)
    assert got.activations == ("relu",)
    with pytest.raises(ImportError, match=r"playground\(\)\.model\(\)"):
        from tinygrad_edu.playground import Run  # noqa: F401


test_options_that_do_not_fit_say_why = refusals(
    [
        (lambda: playground(show="plane"), TypeError,
         "show must be a list of panels, got str: write show=['plane']"),
        (lambda: playground(show=["planes"]), ValueError,
         "unknown panel 'planes': choose data, net, training, plane, losses, example, code, "
         "network, units, weights; did you mean 'plane'?"),
        (lambda: playground(hide=["net"]), ValueError,
         f"unknown hide 'net': choose {', '.join(HIDEABLE)}"),
        (lambda: playground(rat=1), ValueError,
         f"unknown setting 'rat': choose {', '.join(vars(Settings()))}; did you mean 'rate'?"),
        (lambda: playground(y=[0]), TypeError,
         "y and columns belong to points of your own: write playground(X, y)"),
        (lambda: playground(epochs=-1), ValueError, "epochs must be an int from 0 to 5000, got -1"),
        (lambda: playground(data="own"), ValueError,
         'data="own" needs points: write playground(X, y)'),
        (lambda: playground(data="spiral", loss="hinge"), ValueError,
         "the loss hinge is not for 3 classes: choose cross_entropy"),
        (lambda: playground(data="sine", loss="hinge"), ValueError,
         "the loss hinge is not for numbers: choose half_squared_error"),
        (lambda: playground(hidden=[2], activations=["tanh", "relu"]), ValueError,
         "1 hidden layers need as many activations, got ['tanh', 'relu']"),
        (lambda: playground([[k, -k] for k in range(2000)], [0, 1] * 1000), ValueError,
         "the playground shows at most 1,000 points, got 2,000: choose some, such as X[::10] and "
         "y[::10]"),
        (lambda: playground([[0, 0], [1, 1], [2, 0]], [0, 0, 1]), ValueError,
         "class '1' has 1 row, so it cannot be on both sides; add points or choose share=0"),
        (lambda: small().set("w9", 1), ValueError, "unknown parameter 'w9': choose w1[1,1], "
         "w1[1,2], b1[1], w1[2,1], w1[2,2], b1[2], w1[3,1], w1[3,2], b1[3], w2[1,1], w2[1,2], "
         "w2[1,3], b2[1]"),
        (lambda: small().set("b1[1]", float("nan")), ValueError,
         "b1[1] must be a finite number, got nan"),
        (lambda: small().set(1, 2), TypeError, "name must be a text, got int"),
        (lambda: small().step(0), ValueError, "epochs must be an int of at least 1, got 0"),
    ]
)  # fmt: skip


def test_a_change_that_does_not_fit_leaves_everything_as_it_was() -> None:
    p = small()
    for bad in ({"data": "own"}, {"rate": 0}, {"data": "spiral", "loss": "hinge"}):
        with pytest.raises(ValueError, match=r"own|rate|hinge"):
            p.change(**bad)
    assert (p.asked, p.settings) == ([], small().settings)


def test_the_module_is_the_function_too() -> None:
    assert importlib.import_module("tinygrad_edu.playground") is playground
    assert playground.playground.__doc__
