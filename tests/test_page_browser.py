"""The playground as a page: what its one file is, and in a real browser what every control does."""

import base64
import json
import re
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Page
from node import is_one_script, needs_node
from screen import LINK, Screen

import tinygrad_edu
from tinygrad_edu import MLP, fit, moons, train_test_split
from tinygrad_edu.export.page import modules_of, script_of
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.optim import Adam
from tinygrad_edu.playground.lesson import HIDEABLE, lesson

MAIN = "playground/screen/start"
FOLDER = Path(tinygrad_edu.__file__).parent / "playground" / "screen"
HOSTILE = "<img src=x onerror=alert(1)></script>$style"


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lesson.html"
    text = lesson(path, title=HOSTILE, questions=[HOSTILE], link=f"file:///x.html#{LINK}")
    assert path.read_text(encoding="utf-8") == text
    assert len(text.encode()) < 1_000_000
    parsed = Page(text)
    assert parsed.references() == ["data:,"]
    assert parsed.tags.count("script") == 3
    assert not [name for _, name, _ in parsed.attributes if name == "style" or name[:2] == "on"]
    assert "<img" not in text
    assert not re.search(r"\beval\(|innerHTML|insertAdjacentHTML|new Function|^import ", text, re.M)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hide": ["plane"]}, "unknown hide .plane.: choose data"),
        ({"hide": "data"}, "hide"),
        ({"lock": 1}, "lock"),
        ({"questions": [3]}, "question must be a text"),
        ({"link": 3}, "link must be a text"),
        ({"path": 3}, "path must be a path"),
        ({"title": 3}, "title must be a text"),
    ],
)
def test_what_is_no_lesson_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        lesson(**options)


def test_all_modules_are_in_the_script_which_knows_no_other() -> None:
    names = {name.rpartition("/")[2] for name in modules_of(MAIN)}
    assert {path.stem for path in FOLDER.rglob("*.mjs")} <= names
    assert not re.search(r"^(import|export)\b", script_of(MAIN), re.MULTILINE)


def test_python_and_the_page_know_the_same_parts_that_can_be_hidden() -> None:
    text = (FOLDER / "hiding.mjs").read_text(encoding="utf-8")
    lists = [re.findall(r'"(\w+)"', names) for names in re.findall(r"= \[(.*?)\];", text)]
    panels, of_nets = lists[:2]
    assert (*panels, *re.findall(r"^  (\w+): \"", text, re.M), *of_nets) == HIDEABLE


@pytest.mark.slow
@needs_node
def test_the_script_is_valid(tmp_path: Path) -> None:
    assert is_one_script(script_of(MAIN), tmp_path)


slow = pytest.mark.slow


def trained(epochs: int) -> tuple[Any, Any]:
    X, y, *_ = train_test_split(*moons(240, noise=0.15, rng=1), test_size=0.3, rng=1)
    net = MLP(2, [4, 2, 1], "tanh", rng=1)
    history = fit(net, X, y, loss="binary_cross_entropy_with_logits",
                  optimizer=lambda p: Adam(p, lr=0.01), epochs=epochs,
                  batch_size=10, rng=1, progress=False)  # fmt: skip
    return net, history


def loss_of_example_17(net: Any) -> Any:
    """The loss, its gradients being in the parameters."""
    X, y = moons(240, noise=0.15, rng=1)
    net.zero_grad()
    loss = binary_cross_entropy_with_logits(net(X[16]), y[16])
    loss.backward()
    return loss


@slow
def test_the_page_trains_as_fit_does_and_its_lens_shows_the_gradient(screen: Screen) -> None:
    screen.open(f"{LINK}&ex=17")
    screen.run("tinygrad.step(2); $('step').click()")
    net, history = trained(3)
    found = screen.run("return [tinygrad.epoch, tinygrad.losses, tinygrad.parameters]")
    assert found[0] == 3
    np.testing.assert_allclose(found[1], history.loss, rtol=1e-12)
    np.testing.assert_allclose(found[2], [p.data for p in net.parameters()], rtol=1e-11)
    loss = loss_of_example_17(net)
    lens = screen.run("return {...tinygrad.example, G: [...tinygrad.example.G]}")
    np.testing.assert_allclose(lens["loss"], loss.data, rtol=1e-11)
    by_place = np.concatenate(
        [[*(w.grad for unit in layer.neurons for w in unit.w), *(u.b.grad for u in layer.neurons)]
         for layer in net.layers]
    )  # fmt: skip
    np.testing.assert_allclose(lens["G"], by_place, rtol=1e-10, atol=1e-14)


@slow
@pytest.mark.parametrize("link", ["data=spiral&hidden=8+8", "data=sine&hidden=4", "data=xor"])
def test_play_lowers_the_loss(screen: Screen, link: str) -> None:
    screen.open(link)
    screen.run("tinygrad.play()")
    screen.window.until("return tinygrad.epoch > 8")
    screen.run("tinygrad.pause()")
    losses = screen.run("return tinygrad.losses")
    assert losses[-1] < losses[0]
    assert screen.run("return tinygrad.testLosses.length") == len(losses)
    screen.press("#reset")
    assert screen.run("return tinygrad.epoch") == 0


@slow
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("rate", 0.1, "lr=0.1"), ("optimizer", "sgd", "SGD(p, lr=0.01)"),
        ("batch", 30, "batch_size=30"),
        ("loss", "hinge", 'loss="hinge"'), ("penalty", "l2", "l2(net.parameters()"),
        ("dropout", 0.2, "Dropout(0.2"), ("batch", None, "Adam(p"),
    ],
)  # fmt: skip
def test_settings_stand_in_the_code(screen: Screen, name: str, value: Any, code: str) -> None:
    screen.open()
    screen.put(name, json.dumps(value), "change")
    screen.run("tinygrad.step(1)")
    screen.key("c")
    [python, numpy] = screen.texts("#body pre")
    assert code in python
    assert "def loss_and_gradients(X, Y, W1, b1" in numpy
    assert screen.run(f"return JSON.parse($({name!r}).value)") == value


@slow
def test_a_weight_that_is_edited_changes_net_and_plane(screen: Screen) -> None:
    screen.open(f"{LINK}&epoch=5&ex=17&at=weight+1+1+0")
    before, old = screen.plane(), screen.run("return tinygrad.parameters")
    screen.put("weightNumber", "2.5", "input")
    new = screen.run("return tinygrad.parameters")
    assert [k for k, (a, b) in enumerate(zip(old, new, strict=True)) if a != b] == [3]  # w1[2,1]
    assert new[3] == 2.5
    assert screen.plane() != before
    screen.run(  # the line is dragged up by 50 pixels
        "const path = document.querySelectorAll('#edges path')[2], stage = $('stage');"
        "const p = path.getPointAtLength(path.getTotalLength() * 0.8);"
        "const box = stage.getBoundingClientRect();"
        "const at = (type, up) => path.dispatchEvent(new PointerEvent(type, {bubbles: true,"
        "  pointerType: 'touch', clientX: box.left + p.x, clientY: box.top + p.y - up}));"
        "at('pointerdown', 0); at('pointermove', 50); at('pointerup', 50);"
    )
    assert screen.run("return tinygrad.parameters[3]") == pytest.approx(3.5)
    screen.key("c")
    assert "net.parameters()[3].data = 3.5" in screen.texts("#code-python")[0]
    screen.run(
        "try { tinygrad.set('w9[1,1]', 1) } catch (error) { window.refused = error.message }"
    )
    assert "no parameter is called" in screen.run("return refused")


@slow
def test_a_unit_shows_its_rule_with_the_numbers(screen: Screen) -> None:
    screen.open(f"{LINK}&epoch=30&ex=17&at=unit+1+1")
    net, _ = trained(30)
    loss_of_example_17(net)
    delta = net.layers[0].neurons[1].b.grad
    shown = f"{delta:.3f}".replace("-", "\u2212")
    assert screen.texts("#body .eq")[2].endswith(f"= {shown}")
    [label] = screen.run("return [document.querySelector('[data-key=\"unit 1 1\"]').ariaLabel]")
    assert label.startswith("unit 2 of layer 1, z1[2] ")
    assert label.endswith(f"delta1[2] {shown}")
    screen.press('[data-key="w 1 1 0"]')
    paths = screen.texts("#weightPaths tbody tr")
    assert len(paths) == 2
    assert screen.run("return document.querySelectorAll('.unit.faint').length") == 4


@slow
def test_guess_first_hides_what_is_to_be_guessed(screen: Screen) -> None:
    screen.open(f"{LINK}&epoch=30&ex=17&guess=1")
    deltas = [text for text in screen.texts(".unit:not(.in) .d") if text not in "·?"]
    assert deltas == []
    assert "?" in screen.texts(".unit .d")
    assert screen.run("return document.querySelectorAll('#labels text').length") == 0
    delta = screen.run("return tinygrad.example.delta[3][0]")
    screen.key("+" if delta < 0 else "-")
    assert "Not so" in screen.texts(".verdict")[0]
    screen.press('[data-key="next"]')
    assert screen.texts(".ask")[0].startswith("Its sign?")
    assert len([text for text in screen.texts(".unit:not(.in) .d") if text not in "·?"]) == 1
    screen.key("Escape")
    assert "?" not in screen.texts(".unit .d")


@slow
def test_the_pass_goes_forward_and_backward_by_keys(screen: Screen) -> None:
    screen.open(f"{LINK}&epoch=3")
    screen.key("]")
    screen.key("Home")
    assert screen.texts("#where") == ["1 of 16"]
    assert screen.texts(".half.hot h3") == ["The example enters"]
    screen.key(".")
    assert screen.texts(".half.hot h3") == ["Forward: unit 1 of layer 1, tanh"]
    assert screen.run("return document.querySelectorAll('.flow').length") == 2
    screen.key("End")
    assert screen.texts(".half.hot h3") == ["Backward: the delta rule"]
    screen.key(",")
    assert screen.texts("#where") == ["15 of 16"]
    for _ in range(3):  # the pass, the choice, the example
        screen.key("Escape")
    assert screen.run("return tinygrad.example") is None


@slow
def test_the_link_holds_the_state(screen: Screen) -> None:
    screen.open(
        "data=circles&hidden=3+2&activations=relu+tanh&epoch=4&ex=5&at=weight+2+1+0&rate=0.03"
    )
    screen.run("tinygrad.set('w1[1,1]', 0.25); tinygrad.step(2)")
    state = "return [tinygrad.parameters, tinygrad.epoch, tinygrad.losses.length]"
    before, panel = screen.run(state), screen.texts("#body h3")
    screen.press("#link")
    link = screen.run("return location.hash.slice(1)")
    screen.open(link)
    after = screen.run(state)
    np.testing.assert_allclose(after[0], before[0], rtol=1e-14)
    assert after[1:] == before[1:] == [6, 6]
    assert screen.texts("#body h3")[0] == panel[0]
    assert screen.run("return $('rate').value") == "0.03"


@slow
@pytest.mark.parametrize("link", [
    "hidden=99&rate=-1&data=nothing&epoch=1e9&ex=0&at=unit+9+9",
    "epoch=-1&at=weight+1+0+7&ex=3&w=1+2",
    "own=file,1+2&guess=1&pass=99&hide=top+x",
    "own=file,1 2 0,3 4 1,[&activations=a+b&ask=", "%E0%A4%A",
])  # fmt: skip
def test_a_link_that_is_wrong_does_no_harm(screen: Screen, link: str) -> None:
    screen.open(link)
    assert screen.run("tinygrad.step(1); return tinygrad.epoch") >= 1


@slow
def test_points_are_drawn_and_chosen(screen: Screen) -> None:
    screen.open(f"{LINK}&share=0")
    screen.press("input[value=draw]")
    click = (
        "const b = $('plane').getBoundingClientRect(); $('plane').dispatchEvent(new MouseEvent("
        "'click', {clientX: b.left + b.width * %s, clientY: b.top + b.height * %s, bubbles: true}))"
    )
    screen.run(click % (0.25, 0.25))
    screen.press('[data-key="pen 0"]')
    screen.run(click % (0.75, 0.25))
    assert screen.run("return $('nNow').textContent") == "4"
    screen.run(click % (0.75, 0.25))
    assert screen.texts("#who")[0].startswith("Example 4 of class 0")
    screen.press("#link")
    screen.open(screen.run("return location.hash.slice(1)"))
    assert screen.run("return [$('nNow').textContent, $('pens').hidden]") == ["4", False]


@slow
def test_a_file_with_hostile_names_stays_inert(screen: Screen) -> None:
    screen.open()
    rows = "\n".join(f"{k % 7},{k % 5},{HOSTILE[: 20 + k % 2]}" for k in range(40))
    drop = (
        "const transfer = new DataTransfer();"
        f"transfer.items.add(new File([{json.dumps(rows)}], {json.dumps(HOSTILE)}));"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true}))"
    )
    screen.run(drop)
    screen.window.until("return document.getElementById('nNow').textContent === '40'")
    screen.key("]")
    assert "<img src=x onerror=a" in screen.texts("#who")[0]
    screen.key("c")
    assert json.dumps(HOSTILE) in screen.texts("#code-python")[0]
    assert screen.run("return document.images.length") == 0
    screen.run(drop.replace(json.dumps(rows), '"1,2,a"'))
    screen.window.until("return document.getElementById('dataNote').textContent !== ''")
    assert "three columns" in screen.texts("#dataNote")[0]


@slow
@pytest.mark.parametrize(
    "rows",
    [
        ["a,b,c", *(f"{500 + 40 * (k % 7)},{k % 5},{'no' if k % 3 else 'yes'}" for k in range(30))],
        ["x1,x2,y", *(f"{k % 7},{k % 5},{k % 7 - k % 5 + 0.5}" for k in range(30))],
        ["x,y", *(f"{k / 20},{(k - 10) ** 2 / 100}" for k in range(30))],
        None,
    ],
    ids=["classes", "surface", "curve", "drawn"],
)
def test_the_program_has_ones_own_points(
    screen: Screen, rows: list[str] | None, tmp_path: Path
) -> None:
    screen.open("hidden=3" if rows else "hidden=3&own=drawn,-1 0.25 0,1 0 1,0.5 0.5 1,-0.7 0.2 0")
    if rows:
        text = "\n".join(rows)
        (tmp_path / "own.csv").write_text(text)
        screen.run(
            "const transfer = new DataTransfer();"
            f"transfer.items.add(new File([{json.dumps(text)}], 'own.csv'));"
            "document.dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true}))"
        )
        screen.window.until("return tinygrad.settings.data === 'own'")
    screen.run("tinygrad.step(2)")
    code, parameters = screen.run("return [tinygrad.code, tinygrad.parameters]")
    names: dict[str, Any] = {}
    with chdir(tmp_path):
        exec(code, names)
    np.testing.assert_allclose([p.data for p in names["net"].parameters()], parameters, rtol=1e-11)


@slow
def test_a_lesson_hides_locks_and_asks(screen: Screen) -> None:
    screen.open("", link=LINK, hide=["data"], lock=True, questions=["Why two?", HOSTILE])
    assert screen.texts(".questions li") == ["Why two?", HOSTILE]
    assert screen.run("return [$('data').hidden, $('view').hidden]") == [True, False]
    assert screen.run("return $('rate').disabled && $('more').disabled && !$('play').disabled")
    assert screen.run("return document.images.length") == 0
    screen.run("tinygrad.step(1)")
    assert screen.run(
        "return $('rate').disabled && document.querySelector('.head select').disabled"
    )


#: Sizes of the window, and links whose screens must fit.
SIZES = [(1280, 800), (900, 1000), (390, 844)]
LINKS = [LINK, f"{LINK}&epoch=3&ex=17&at=unit+1+1", "data=spiral&hidden=8+8&epoch=2&ex=3",
         "hidden=8+8+8+8+8+8&ex=3&"
         "features=x1+x2+x1*x2+x1**2+x2**2+sin(pi*x1)+sin(pi*x2)"]  # fmt: skip


@slow
@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]} wide")
@pytest.mark.parametrize("link", LINKS, ids=["start", "unit", "classes", "six layers"])
def test_the_page_fits_its_window(screen: Screen, size: tuple[int, int], link: str) -> None:
    screen.open(link, size)
    width, height = screen.run(
        "const r = document.documentElement; return [r.scrollWidth, r.scrollHeight]"
    )
    assert width <= size[0]
    assert height <= size[1] or size[0] < 1180
    overlapping = screen.run(
        "const boxes = [...document.querySelectorAll('.unit')]"
        "  .map((e) => e.getBoundingClientRect());"
        "return boxes.filter((a, k) => boxes.slice(k + 1).some((b) => a.left < b.right - 1 &&"
        "  b.left < a.right - 1 && a.top < b.bottom - 6 && b.top < a.bottom - 6)).length"
    )
    assert overlapping == 0


@slow
def test_a_picture_of_the_page_is_no_empty_one(screen: Screen) -> None:
    screen.open(f"{LINK}&epoch=20")
    data = screen.window.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    assert len(base64.b64decode(data)) > 40_000
