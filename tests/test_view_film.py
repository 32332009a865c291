import html
import json
import re
from xml.etree import ElementTree

import pytest
from browser import Page, visit
from graphs import SVG, square
from PIL import Image
from refusals import refusals

from tinygrad_edu import MLP, SGD, Value, toposort
from tinygrad_edu.engine import constant
from tinygrad_edu.losses import squared_error
from tinygrad_edu.view import RenderError
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.base.numbers import decimal
from tinygrad_edu.view.base.palette import NOW
from tinygrad_edu.view.film import pictures
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
    rows = re.findall(r"<tr><td>(\d+)</td><td>(.*?)</td><td><p>(.*?)</p></td></tr>", film.html)
    assert [int(row[0]) for row in rows] == list(range(1, len(film)))
    where = "backward, back through \N{MULTIPLICATION SIGN}, by the chain rule"
    assert rows[-1][1:] == (where, "∂o/∂x += w · ∂o/∂v1 = 2 · 4 = 8")
    assert "<noscript>" in film.html
    assert "<details open>" in film.html
    for hidden in ('aria-label="player" hidden', '<p class="keys" hidden'):
        assert hidden in film.html


def test_frames_are_differences_that_end_at_the_gradients_of_backward():
    root = squared_error(MLP(2, [3, 1], "tanh", rng=0)([0.5, -1.0]), 1.0)
    film = steps(root, level="value")
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


def net():
    return squared_error(MLP(2, [3, 1], "tanh", rng=0)([0.5, -1.0]), 1.0)


@pytest.mark.parametrize("level", ["value", "neuron"])
def test_every_key_of_the_film_is_a_place_of_the_picture(level):
    for film in (steps(net(), level=level), steps(net(), level=level, max_nodes=9)):
        places = {value for _, name, value in Page(film.html).attributes if name == "data-key"}
        data = script_data(film)
        used = {key for f in data["frames"] for key in (*f["set"], *f["on"], *f["by"])}
        assert used | set(data["start"]) <= places


@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_the_delta_of_the_output_itself_is_its_own_slope(output):
    film = steps(MLP(2, [3, 1], "tanh", output=output, rng=0)([0.5, -1.0]), level="neuron")
    name = "z2[1]" if output == "linear" else "a2[1]"
    assert f"the derivative of {name} by its output" in film.html


def test_a_step_of_a_net_is_a_unit_lit_with_the_lines_that_feed_it():
    root = net()
    film, values = steps(root), steps(root, level="value")
    # start, 4 units, difference and square, seed, these two and 4 units back
    assert (len(film), len(values)) == (1 + 4 + 2 + 1 + 2 + 4, 1 + 9 + 1 + 27)
    (unit,) = film._frames[1].on
    boxes = {box.id: box for box in film._diagram.boxes}
    assert [row.name for row in boxes[unit].rows] == ["b1[1]", "z1[1]", "a1[1]"]
    tails = {key.partition("-")[0] for key in film._frames[1].by if key.endswith(f"-{unit}")}
    assert {boxes[tail].name for tail in tails} == {"w1[1,1]", "w1[1,2]"}
    assert len(film._frames[1].by) == 4  # to the chips of the weights, and from them
    back = next(f for f in film._frames if f.where.startswith("unit 1 of layer 1: the deriv"))
    assert (back.on, len(back.by)) == ([unit], 2)
    root.backward()
    deltas = [z.grad for z in film_units(root)]
    asked = [f.answer for f in film._frames if f.ask and f.where.startswith("unit")]
    assert sorted(asked) == sorted(deltas)


def film_units(root):
    return names_of(toposort(root, leaves=True)).deltas


def test_the_steps_of_a_square_light_what_changes():
    data = script_data(steps(square(), optimizer=SGD(parameters_of(square()))))
    assert data["frames"][5]["on"] == ["n4"]
    assert data["frames"][5]["by"] == ["n4-n5"]


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
    step = "b = b - lr · ∂o/∂b = (-4) - 0.25 · 4 = -5".replace("-", "\N{MINUS SIGN}")
    assert step in film.html
    assert "SGD: against the gradient" in film.html


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
    tags = {e.tag for e in ElementTree.fromstring(bad.strip().svg).iter()}
    assert tags == {e.tag for e in ElementTree.fromstring(plain.strip().svg).iter()}


def test_the_same_graph_gives_the_same_bytes_and_no_value_is_kept():
    one, other = steps(square()), steps(square())
    assert (one.html, one.strip().svg) == (other.html, other.strip().svg)
    assert "Value(" not in repr(vars(one))


def test_the_page_is_labelled_for_screen_readers_and_has_a_dark_ground():
    text = steps(square()).html
    page = Page(text)
    assert 'role="status" aria-live="polite"' in text
    assert "prefers-color-scheme: dark" in text
    labelled = re.findall(r"<(?:button|input|select)[^>]*>(?:[^<]*)", text)
    assert all("aria-label=" in tag or "id=" in tag for tag in labelled)
    assert {v for _, n, v in page.attributes if n == "aria-label"} == {
        *("picture", "player", "first step", "previous step", "play", "next step", "step")
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
    captions = ["".join(e.itertext()) for e in stills[0].findall(f"{SVG}text")]
    assert captions[:2] == ["3 of 9, forward:", "o by u²"]
    assert "".join(captions[2:]) == "o=v2² = 2² = 4"
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
    assert "img" not in page.tags
    assert ("svg", "role", "img") not in page.attributes
    assert "pictures are switched off by TINYGRAD_EDU_GRAPHVIZ=none" in page.text
    assert "iframe" in film._repr_mimebundle_()["text/html"]
    with pytest.raises(RenderError, match="switched off"):
        _ = film.strip().svg
    monkeypatch.setenv("TINYGRAD_EDU_DISPLAY", "static")
    assert set(film._repr_mimebundle_()) == {"text/plain"}
    assert "∂o/∂x += " in film._repr_mimebundle_()["text/plain"]


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


def test_a_film_is_saved_as_a_page_or_as_a_picture_that_moves(tmp_path):
    film = steps(square())
    assert film.save(tmp_path / "film.html").read_text(encoding="utf-8") == film.html
    svg = film.save(tmp_path / "film.svg").read_bytes()
    assert steps(square()).save(tmp_path / "film.svg").read_bytes() == svg


@pytest.mark.slow
def test_a_gif_has_every_frame_and_begins_again(tmp_path):
    film = steps(square())
    gif = film.save(tmp_path / "film.gif").read_bytes()
    assert steps(square()).save(tmp_path / "film.gif").read_bytes() == gif
    with Image.open(tmp_path / "film.gif") as image:
        assert (image.n_frames, image.info["duration"], image.info["loop"]) == (10, 1500, 0)
        assert len({image.seek(k) or image.convert("RGB").tobytes() for k in range(10)}) == 10
        assert image.info["duration"] == 4500


def seen_at(svg, k, frames):
    """The texts of an animated picture that are seen in frame k, of a film of so many frames."""
    root = ElementTree.fromstring(svg)
    hidden = set()
    for element in root.iter():
        change = element.find(f"{SVG}animate")
        if change is not None:
            times = [float(t) * (frames + 2) for t in change.get("keyTimes", "").split(";")]
            values = change.get("values", "").split(";")
            state = [x for t, x in zip(times, values, strict=True) if t < k + 0.5][-1]
            hidden |= {*element.iter()} if state == "hidden" else set()
    return sorted("".join(e.itertext()) for e in root.iter(f"{SVG}text") if e not in hidden)


def test_the_animation_shows_frame_by_frame_what_the_film_shows():
    film = steps(square())
    svg = pictures.animation(*film._stills(range(len(film))))
    shown = []
    for k in range(len(film)):
        still = ElementTree.fromstring(pictures.contact_sheet(*film._stills([k])))
        shown.append(sorted("".join(e.itertext()) for e in still.iter(f"{SVG}text")))
        assert seen_at(svg, k, len(film)) == shown[-1]
    assert len({*map(str, shown)}) == len(film)
    root = ElementTree.fromstring(svg)
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags.isdisjoint({"script", "foreignObject", "image", "a"})
    # a reader that plays nothing shows the last frame
    gone = {e for x in root.iter() if x.get("visibility") == "hidden" for e in x.iter()}
    last = ["".join(e.itertext()) for e in root.iter(f"{SVG}text") if e not in gone]
    assert sorted(last) == shown[-1]


def test_what_is_computed_has_a_ring_and_the_lines_that_feed_it_a_halo():
    film = steps(square())
    (still,) = ElementTree.fromstring(film.strip(1).svg).findall(f"{SVG}svg")
    lit = [e for e in still.iter() if e.get("stroke") == NOW.light]
    assert sorted((e.get("stroke-opacity", "1"), e.get("stroke-width", "")) for e in lit) == [
        ("0.28", "8"),
        ("1", "2.5"),
    ]


test_wrong_arguments_are_named = refusals(
    [
        (lambda: steps(3.0), TypeError, "steps(v) shows the backward pass of one Value, got float"),
        (lambda: steps(square(), level="neuron"), ValueError,
         'level="neuron" has a step for each unit, and this graph has none: write level="value"'),
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
    monkeypatch.setattr(picture, "render", lambda dot: svg.encode())
    with pytest.raises(RenderError, match=f"^{re.escape(message)}"):
        _ = steps(Value(1.0)).strip().svg


SCRIPT = """
const press = (key) => document.body.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const show = (what) => look(what + ": " + document.getElementById("where-in").textContent + ", " +
  document.getElementById("phase").textContent + "; " +
  document.getElementById("where").textContent + "; " +
  [...document.querySelectorAll("#sentence p")].map((e) => e.textContent).join(" | ") + "; " +
  [...document.querySelectorAll("[data-key$='.grad']")].sort((a, b) =>
    a.dataset.key < b.dataset.key ? -1 : 1).map((e) => e.textContent).join(" ") + "; " +
  document.querySelectorAll(".ring").length + " " + document.querySelectorAll(".halo").length);
show("open");
"""


def browse(page, keys, folder, fragment="", more=""):
    """What the page shows after each key, in a real browser, without any request or complaint."""
    calls = "".join(f"press({key!r}); show({key!r});\n" for key in keys)
    seen, console, requests = visit(page, folder, SCRIPT + calls + more, fragment)
    assert console == requests == []
    return seen


DOT = "·"
NONE = " ".join([DOT] * 6)
BACK = "backward; back through \N{MULTIPLICATION SIGN}, by the chain rule"
# what stands in the last frame but one and the last; grads in the order of the picture
TO_W = f"8 of 9, {BACK}; ∂o/∂w += x · ∂o/∂v1"
TO_X = f"9 of 9, {BACK}; ∂o/∂x += w · ∂o/∂v1"


@pytest.mark.slow
def test_in_a_browser_the_keys_step_to_the_gradients_of_the_engine(tmp_path):
    film = steps(square())
    given, by = "start; given: 1 input, 2 parameters; ", "forward; v1 by \N{MULTIPLICATION SIGN}"
    assert browse(film.html, ["ArrowRight", "End", "ArrowLeft", "Home"], tmp_path) == [
        f"open: 0 of 9, {given}; {NONE}; 0 0",
        f"ArrowRight: 1 of 9, {by}; v1 = w · x = 2 · 3 = 6; {NONE}; 1 2",
        f"End: {TO_X} = 2 · 4 = 8; 12 8 4 4 4 1; 1 1",
        f"ArrowLeft: {TO_W} = 3 · 4 = 12; 12 {DOT} 4 4 4 1; 1 1",
        f"Home: 0 of 9, {given}; {NONE}; 0 0",
    ]


@pytest.mark.slow
def test_in_a_browser_a_gradient_is_hidden_until_it_is_asked_for_or_guessed(tmp_path):
    page = steps(square(), guess=True).html
    assert browse(page, ["ArrowRight", "ArrowRight"], tmp_path, "#step=8") == [
        f"open: {TO_W} = ?; ? {DOT} 4 4 4 1; 1 1",
        f"ArrowRight: {TO_W} = 3 · 4 = 12; 12 {DOT} 4 4 4 1; 1 1",
        f"ArrowRight: {TO_X} = ?; 12 ? 4 4 4 1; 1 1",
    ]
    by_id = "document.getElementById"
    typed = f"{by_id}('answer').value = 'GUESS'; {by_id}('check').click();"
    probe = typed.replace("GUESS", "-12") + " show('wrong'); " + typed.replace("GUESS", "11,9")
    seen = browse(page, [], tmp_path, "#step=8", probe + " show('right');")
    _, where, equation = TO_W.split("; ")
    assert [line.split("; ")[1:3] for line in seen] == [
        *([where, f"{equation} = ?"], [where, f"{equation} = ?"]),
        [f"right: {where}", f"{equation} = 3 · 4 = 12"],
    ]
