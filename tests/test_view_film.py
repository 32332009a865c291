import html
import json
import re
from xml.etree import ElementTree

import pytest
from browser import Page, visit
from graphs import SVG, square
from refusals import refusals

from tinygrad_edu import MLP, SGD, Value, toposort
from tinygrad_edu.engine import constant
from tinygrad_edu.losses import squared_error
from tinygrad_edu.view import RenderError
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.palette import NOW
from tinygrad_edu.view.film.film import Film, steps
from tinygrad_edu.view.film.recorder import record
from tinygrad_edu.view.graph import picture

BAD = "</script><img src=x onerror=alert(1)>]]>\"'&{}\\N\u202e\x00"


@pytest.fixture(autouse=True)
def _players(embedded_renderer, monkeypatch):
    monkeypatch.delenv("TINYGRAD_EDU_DISPLAY", raising=False)


def parameters_of(v):
    return [p for p in toposort(v, leaves=True) if p.kind == "parameter"]


def script_data(film):
    return json.loads(Page(film.html).data)


def test_the_page_shows_the_last_frame_and_a_table_of_all_without_any_script():
    film = steps(square())
    page = Page(film.html)
    assert page.open == []
    # w, x, their product, b, the sum, the square; numbers by hand
    numbers = dict(sorted(page.numbers.items()))
    assert [x.replace("\N{MINUS SIGN}", "-") for x in numbers.values()] == [
        *("2", "12", "3", "8", "6", "4", "-4", "4", "2", "4", "4", "1")
    ]
    rows = re.findall(r"<tr><td>(\d+)</td><td>(\w+)</td><td>(.*?)</td></tr>", film.html)
    assert [int(row[0]) for row in rows] == list(range(len(film)))
    assert rows[-1][1:] == ("backward", "×: do/dx += w * do/dv1 = 2 * 4 = 8")  # noqa: RUF001
    assert "<noscript>" in film.html
    assert "<details open>" in film.html
    for hidden in ('aria-label="player" hidden', '<p class="keys" hidden'):
        assert hidden in film.html


def test_frames_are_differences_that_end_at_the_gradients_of_backward():
    root = squared_error(MLP(2, [3, 1], "tanh", rng=0)([0.5, -1.0]), 1.0)
    film = steps(root)
    data = script_data(film)
    shown = dict(data["start"])
    for frame in data["frames"]:
        shown |= frame["set"]
    assert shown == Page(film.html).numbers
    assert all(len(frame["set"]) <= 1 for frame in data["frames"])
    root.backward()
    numbers = [text for key, text in shown.items() if key.endswith(".grad")]
    order = toposort(root, leaves=True)
    expected = [decimal(v.grad) for v in order if v.kind != "constant"]
    by_id = sorted(shown, key=lambda key: int(re.findall(r"\d+", key)[0]))
    assert len(numbers) == len(expected) < len(order)
    assert [shown[key] for key in by_id if key.endswith(".grad")] == expected


def test_every_key_of_the_film_is_a_place_of_the_picture():
    film = steps(square(), optimizer=SGD(parameters_of(square())))
    places = {value for _, name, value in Page(film.html).attributes if name == "data-key"}
    data = script_data(film)
    used = {key for f in data["frames"] for key in (*f["set"], *f["on"], *f["by"])}
    assert used | set(data["start"]) <= places
    assert data["frames"][5]["on"] == ["n4"]
    assert data["frames"][5]["by"] == ["n5", "n4-n5"]


def test_a_constant_has_a_place_for_its_number_alone(monkeypatch):
    v = Value(3.0, "x") * 2.0
    v.parents[1].name = "data"
    places = ["n0.data", "n0.grad", "n1.data", "n2.data", "n2.grad"]
    assert sorted(Page(steps(v).html).numbers) == places
    assert list(Page(steps(constant(1.0)).html).numbers) == ["n0.data", "n0.grad"]
    assert Page(Film(record(Value(2.5, "x"))).html).numbers == {"n0.data": "2.500", "n0.grad": "1"}
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    assert list(Page(steps(v).html).numbers) == places


def test_the_update_is_shown_and_the_parameters_stay():
    o = square()
    film = steps(o, optimizer=SGD(parameters_of(o), lr=0.25))
    # w = 2 - 0.25 * 12 = -1 and b = -4 - 0.25 * 4 = -5
    numbers = Page(film.html).numbers
    assert (numbers["n0.data"], numbers["n3.data"]) == ("\N{MINUS SIGN}1", "\N{MINUS SIGN}5")
    assert [(p.data, p.reached) for p in parameters_of(o)] == [(2.0, False), (-4.0, False)]
    assert "SGD: b = b - lr * do/db = (-4) - 0.25 * 4 = -5" in film.html


def test_the_page_has_no_address_and_allows_none():
    page = Page(steps(square(), guess=True).html)
    assert page.references() == ["data:,"]
    text = steps(square()).html
    assert set(re.findall(r"\w+://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    for word in ("url(", "@import", "fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML"):
        assert word not in text


def test_names_are_texts_in_page_data_and_pictures():
    plain, bad = (steps(square((n, n + "2", n + "3", n + "4"))) for n in ("a long name " * 4, BAD))
    one, other = Page(plain.html), Page(bad.html)
    assert other.tags == one.tags
    assert [(t, n) for t, n, _ in other.attributes] == [(t, n) for t, n, _ in one.attributes]
    assert other.script == one.script
    assert "</script><img src=x" in other.text
    assert "\x00" not in bad.html
    assert "\u202e" not in bad.html
    frames = script_data(bad)["frames"]
    assert any("</script><img src=x" in said for frame in frames for said in frame["said"])
    tags = [e.tag for e in ElementTree.fromstring(bad.strip().svg).iter()]
    assert tags == [e.tag for e in ElementTree.fromstring(plain.strip().svg).iter()]


def test_the_same_graph_gives_the_same_bytes_and_no_value_is_kept():
    one, other = steps(square()), steps(square())
    assert (one.html, one.strip().svg) == (other.html, other.strip().svg)
    assert "Value(" not in repr(vars(one))


def test_the_page_is_labelled_for_screen_readers_and_calm_for_who_asks():
    text = steps(square()).html
    page = Page(text)
    assert 'role="status" aria-live="polite"' in text
    assert "prefers-reduced-motion: reduce" in text
    assert "prefers-color-scheme: dark" in text
    labelled = re.findall(r"<(?:button|input|select)[^>]*>(?:[^<]*)", text)
    assert all("aria-label=" in tag or "id=" in tag for tag in labelled)
    assert {v for _, n, v in page.attributes if n == "aria-label"} == {
        *("picture", "player", "previous step", "next step", "step")
    }
    assert ("svg", "role", "img") in page.attributes


def test_in_a_notebook_the_page_is_in_a_frame_of_its_own():
    film = steps(square())
    bundle = film._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == repr(film) == "<Film: Backward pass of o, 10 steps>"
    assert film._repr_html_() == bundle["text/html"]
    frame = Page(bundle["text/html"])
    assert frame.tags == ["iframe"]
    attributes = {name: value for _, name, value in frame.attributes}
    assert attributes["srcdoc"] == film.html
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["title"] == "Backward pass of o"


@pytest.mark.slow
def test_a_static_display_is_a_strip_of_pictures(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "static")
    film = steps(square())
    bundle = film._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "image/png", "text/plain"}
    assert film._repr_html_() is None
    assert bundle["image/svg+xml"] == film.strip().svg
    assert bundle["text/plain"].splitlines()[0] == "Backward pass of o"
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "still")
    message = "^TINYGRAD_EDU_DISPLAY='still' is unknown: write static or interactive, or unset it$"
    with pytest.raises(ValueError, match=message):
        film._repr_mimebundle_()


def test_a_strip_shows_the_end_of_the_forward_pass_and_frames_after_it():
    film = steps(square())
    strip = film.strip(3)
    root = ElementTree.fromstring(strip.svg)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Backward pass of o"
    stills = root.findall(f"{SVG}svg")
    assert len(stills) == 3
    captions = [e.text for e in root.findall(f"{SVG}text")]
    assert captions[:2] == ["3 of 9, forward", "o = v2**2 = 2**2 = 4"]
    assert all(NOW.light in ElementTree.tostring(still, "unicode") for still in stills)
    dashes = [[e.text for e in s.iter(f"{SVG}text")].count("·") for s in stills]
    assert dashes == [6, 3, 0]
    assert "data-key" not in strip.svg
    assert repr(strip) == strip.text
    assert len(film.strip(100).text.splitlines()) == 1 + len(film)
    assert len(film.strip(1).text.splitlines()) == 2


def test_without_a_renderer_the_film_is_a_table(monkeypatch):
    expected = Page(steps(square((BAD, "x", "b", "o"))).html).numbers
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")
    film = steps(square((BAD, "x", "b", "o")))
    page = Page(film.html)
    assert page.numbers == expected
    assert {"svg", "img"}.isdisjoint(page.tags)
    assert "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none" in page.text
    assert "iframe" in film._repr_mimebundle_()["text/html"]
    with pytest.raises(RenderError, match="switched off"):
        _ = film.strip().svg
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "static")
    assert set(film._repr_mimebundle_()) == {"text/plain"}
    assert "do/dx += " in film._repr_mimebundle_()["text/plain"]


def test_of_a_large_graph_the_main_strands_are_drawn_and_it_is_said():
    root = squared_error(MLP(2, [8, 8, 1], "relu", rng=0)([0.5, -1.0]), 1.0)
    film = steps(root, max_steps=200)
    values = len(toposort(root, leaves=True))
    drawn, fewest = (
        sum(key.endswith(".data") for key in Page(f.html).numbers)
        for f in (film, steps(root, max_nodes=5))
    )
    assert drawn < 60 < values
    assert film.caption.startswith(f"{drawn} of {values} values shown; each step is a unit")
    assert html.escape(film.caption) in film.html
    assert fewest == 5


def test_a_film_is_saved_as_a_page_or_as_a_strip(tmp_path):
    film = steps(square())
    assert film.save(tmp_path / "film.html").read_text(encoding="utf-8") == film.html
    assert film.save(tmp_path / "film.svg").read_text(encoding="utf-8") == film.strip().svg


test_wrong_arguments_are_named = refusals(
    [
        (lambda: steps(3.0), TypeError, "steps(v) shows the backward pass of one Value, got float"),
        (lambda: steps(square(), optimizer="sgd"), TypeError,
         "optimizer must be an Optimizer such as SGD(parameters), got str"),
        (lambda: steps(square(), max_steps=4), ValueError,
         "max_steps must be an int of at least 5, got 4"),
        (lambda: steps(square(), max_nodes=0), ValueError,
         "max_nodes must be an int of at least 1, got 0"),
        (lambda: steps(square(), names=[1]), TypeError,
         "names must be a mapping of texts to Values, as locals() is, got list: "
          'write names={"x": x}'),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("svg", "message"),
    [
        ("<svg>", "the renderer's SVG is not well-formed: no element"),
        (
            f'<svg xmlns="{SVG[1:-1]}"><g class="node"><title>n0</title></g></svg>',
            "the renderer's SVG has no place for the number n0.data",
        ),
    ],
)
def test_an_odd_picture_is_an_error_that_says_so(svg, message, monkeypatch):
    monkeypatch.setattr(picture, "render", lambda dot, suffix: svg.encode())
    with pytest.raises(RenderError, match=f"^{re.escape(message)}"):
        _ = steps(Value(1.0)).strip().svg


SCRIPT = """
const press = (key) => document.body.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const show = (what) => look(what + ": " + document.getElementById("where").textContent + "; " +
  document.getElementById("sentence").textContent + "; " +
  [...document.querySelectorAll("[data-key$='.grad']")].map((e) => e.textContent).join(" "));
show("open");
"""


def browse(page, keys, folder, fragment="", more=""):
    """What the page shows after each key, in a real browser, without any request or complaint."""
    calls = "".join(f"press({key!r}); show({key!r});\n" for key in keys)
    seen, console, requests = visit(page, folder, SCRIPT + calls + more, fragment)
    assert console == requests == []
    return seen


DASH = "–"  # noqa: RUF001
NONE = " ".join([DASH] * 6)
# what stands in the last frame but one and the last; grads in the order w, x, w x, b, the sum, o
TO_W = "step 8 of 9, backward; ×: do/dw += x * do/dv1"  # noqa: RUF001
TO_X = "step 9 of 9, backward; ×: do/dx += w * do/dv1"  # noqa: RUF001


@pytest.mark.slow
def test_in_a_browser_the_keys_step_to_the_gradients_of_the_engine(tmp_path):
    film = steps(square())
    assert browse(film.html, ["ArrowRight", "End", "ArrowLeft", "Home"], tmp_path) == [
        f"open: step 0 of 9, start; given: 1 input, 2 parameters; {NONE}",
        f"ArrowRight: step 1 of 9, forward; v1 = w * x = 2 * 3 = 6; {NONE}",
        f"End: {TO_X} = 2 * 4 = 8; 12 8 4 4 4 1",
        f"ArrowLeft: {TO_W} = 3 * 4 = 12; 12 {DASH} 4 4 4 1",
        f"Home: step 0 of 9, start; given: 1 input, 2 parameters; {NONE}",
    ]


@pytest.mark.slow
def test_in_a_browser_a_gradient_is_hidden_until_it_is_asked_for_or_guessed(tmp_path):
    page = steps(square(), guess=True).html
    assert browse(page, ["ArrowRight", "ArrowRight"], tmp_path, "#step=8") == [
        f"open: {TO_W} = ?; ? {DASH} 4 4 4 1",
        f"ArrowRight: {TO_W} = 3 * 4 = 12; 12 {DASH} 4 4 4 1",
        f"ArrowRight: {TO_X} = ?; 12 ? 4 4 4 1",
    ]
    by_id = "document.getElementById"
    typed = f"{by_id}('answer').value = 'GUESS'; {by_id}('check').click();"
    probe = typed.replace("GUESS", "-12") + " show('wrong'); " + typed.replace("GUESS", "11,9")
    seen = browse(page, [], tmp_path, "#step=8", probe + " show('right');")
    equation = TO_W.partition("; ")[2]
    assert [line.split("; ")[1] for line in seen] == [
        *(f"{equation} = ?", f"{equation} = ?", f"Right. {equation} = 3 * 4 = 12")
    ]
