"""Every control of the playground does what it says, by keys too, and can be seen and read."""

from typing import Any

import pytest
from screen import LINK, Screen

pytestmark = pytest.mark.slow

#: What a script can use besides `$`, the element of an id.
TOOLS = """
const first = (selector) => document.querySelector(selector);
const put = (selector, value, type = "change") => {
  const e = first(selector); e.value = value; e.dispatchEvent(new Event(type, { bubbles: true }));
};
const setting = (name) => tinygrad.settings[name];
const picture = () => first("#plane canvas").toDataURL();
"""
LENS = f"{LINK}&epoch=3&ex=17"
WEIGHT = f"{LENS}&at=weight+1+1+0"
UNIT = f"{LENS}&at=unit+1+1"
LOW = "hidden=8+8+8+8+8+8&ex=3"
DRAWN = "own=drawn,-1 0 0,1 0 1"
#: Where the values before and after are not known, but are not the same.
OTHER: Any = object()

#: What is opened; a selector of the control; what is done; what is looked at, before and after.
CONTROLS: list[tuple[str, str, str, str, Any, Any]] = [
    (LINK, "#play", "", "return tinygrad.playing", False, True),
    (LINK, "#step", "", "return tinygrad.epoch", 0, 1),
    (LENS, "#reset", "", "return tinygrad.epoch", 3, 0),
    (LINK, "#fresh", "", "return tinygrad.parameters[0]", OTHER, OTHER),
    (LINK, "#rate", "put('#rate', '10')", "return setting('rate')", 0.01, 10),
    (LINK, "#optimizer", "put('#optimizer', '\"sgd\"')", "return setting('optimizer')",
     "adam", "sgd"),
    (LINK, "#batch", "put('#batch', 'null')", "return setting('batch')", 10, None),
    (LINK, "#loss", "put('#loss', '\"hinge\"')", "return setting('loss')",
     "cross_entropy", "hinge"),
    (LINK, "#penalty", "put('#penalty', '\"l1\"')", "return $('strength').disabled", True, False),
    (f"{LINK}&penalty=l2", "#strength", "put('#strength', '0.1')", "return setting('strength')",
     0.001, 0.1),
    (LINK, "#dropout", "put('#dropout', '0.2')", "return setting('dropout')", 0, 0.2),
    (LINK, "#more", "", "return $('layers').textContent", "2", "3"),
    (LINK, "#fewer", "", "return $('layers').textContent", "2", "1"),
    (LINK, "#link", "history.replaceState(null, '', '#'); $('link').click();"
     "window.told = location.hash.slice(0, 6)", "return window.told ?? ''", "", "#n=240"),
    (LINK, "#theme", "", "return document.documentElement.dataset.theme ?? ''", "", "dark"),
    (LINK, "#learned button:nth-child(2)", "", "return setting('data')", "moons", "sine"),
    (LINK, "#learned button", "first('#learned button:last-child').click()",
     "return setting('data')", "moons", "plane"),
    (LINK, "input[name=data]", "first('[value=spiral]').click()",
     "return tinygrad.sizes", [2, 4, 2, 1], [2, 4, 2, 3]),
    (LINK, "input[value=draw]", "", "return $('nNow').textContent", "240", "2"),
    (LINK, "#n", "put('#n', 100, 'input')", "return $('nNow').textContent", "240", "100"),
    (LINK, "#noise", "put('#noise', 0.4, 'input')", "return setting('noise')", 0.15, 0.4),
    (LINK, "#share", "put('#share', 0.5, 'input')", "return setting('share')", 0.3, 0.5),
    ("data=blobs", "#classes", "put('#classes', 5, 'input')", "return tinygrad.classes", 3, 5),
    (LINK, "#seed", "", "return [setting('seed'), setting('start')]", [1, None], [2, 1]),
    (LINK, ".chip", "first('[data-name=\"x1*x2\"]').click()", "return tinygrad.sizes[0]", 2, 3),
    (LINK, ".head select", "put('.head select', 'relu')", "return setting('activations')",
     ["tanh", "tanh"], ["relu", "tanh"]),
    (LINK, ".head button[aria-label$=more]", "", "return setting('hidden')", [4, 2], [5, 2]),
    (LINK, ".head button[aria-label$=fewer]", "", "return setting('hidden')", [4, 2], [3, 2]),
    (LINK, ".unit", "first('.unit:not(.in)').click()", "return tinygrad.example === null",
     True, False),
    (LINK, "#showTest", "", "return picture()", OTHER, OTHER),
    (LINK, "#discrete", "", "return picture()", OTHER, OTHER),
    ("data=hills", "#discrete", "", "return picture()", OTHER, OTHER),
    (LINK, "[role=tab]", "first('[data-key=\"tab code\"]').click()",
     "return document.querySelectorAll('#body pre').length", 0, 2),
    (LINK, "[data-key='tab keys']", "", "return document.querySelectorAll('kbd').length", 0, 14),
    (LINK, ".hint button", "", "return tinygrad.example === null", True, False),
    (LENS, "#toFirst", "", "return $('where').textContent", "16 of 16", "1 of 16"),
    (f"{LENS}&pass=4", "#toBack", "", "return $('where').textContent", "5 of 16", "4 of 16"),
    (f"{LENS}&pass=4", "#toOn", "", "return $('where').textContent", "5 of 16", "6 of 16"),
    (f"{LENS}&pass=4", "#toLast", "", "return $('where').textContent", "5 of 16", "16 of 16"),
    (LENS, "#scrub", "put('#scrub', 7, 'input')", "return $('where').textContent",
     "16 of 16", "8 of 16"),
    (LENS, "#guess", "", "return document.querySelectorAll('#labels text').length", OTHER, 0),
    (LENS, "#close", "", "return tinygrad.example === null", False, True),
    (LENS, ".ask button", "", "return $('where').textContent", "16 of 16", "1 of 16"),
    (LENS, "#linesChoice button", "first('[data-value=gradient]').click()",
     "return first('#edges path').getAttribute('stroke-width')", OTHER, OTHER),
    (LOW, "#unitsChoice button", "first('[data-value=z]').click()",
     "return first('.unit.low b').textContent", OTHER, OTHER),
    (UNIT, ".tab button", "", "return first('.halves.weight') === null", True, False),
    (WEIGHT, "#weightNumber", "put('#weightNumber', 2, 'input')",
     "return tinygrad.parameters[3]", OTHER, 2),
    (WEIGHT, "#weightSlider", "put('#weightSlider', -1, 'input')",
     "return tinygrad.parameters[3]", OTHER, -1),
    (WEIGHT, "#weightPaths tr", "first('#weightPaths tbody tr').focus()",
     "return document.querySelectorAll('.unit.faint').length", 4, 5),
    (DRAWN, "#pen button", "first('#pen button:last-child').click()",
     "return first('#pen [aria-pressed=true]').textContent", "class 1", "class 2"),
    (f"{DRAWN},1 1 0", "#clear", "", "return $('nNow').textContent", "3", "2"),
    (LINK, "#plane", "const b = $('plane').getBoundingClientRect(); for (let k = 0; k < 40; k++)"
     "$('plane').dispatchEvent(new MouseEvent('click', {clientX: b.left + b.width * k / 40,"
     "clientY: b.top + b.height / 2}))", "return tinygrad.example === null", True, False),
]  # fmt: skip
#: What stays as it is when the page opens another link.
STAYING = ["#theme", "#link", "#showTest", "#discrete", "[role=tab]", "[data-key='tab keys']",
           "#linesChoice button", "#unitsChoice button"]  # fmt: skip
#: What other tests try: copies and files leave the page.
ELSEWHERE = ["[data-key^=copy]", "#file", "[value=file]", ".share *", "[data-key=next]", "pre"]


def go(screen: Screen, link: str) -> None:
    """Another state in the same page, which is quicker; in a new one after what would stay."""
    if screen.changed:
        screen.open(link)
    else:
        screen.run(f"tinygrad.pause(); tinygrad.open({link!r})")
    screen.changed = False


@pytest.mark.parametrize("row", CONTROLS, ids=[f"{row[1]} {k}" for k, row in enumerate(CONTROLS)])
def test_every_control_does_what_it_says(screen: Screen, row: tuple[Any, ...]) -> None:
    link, selector, act, look, before, after = row
    go(screen, link)
    screen.changed = selector in STAYING
    was = screen.run(TOOLS + look)
    screen.run(TOOLS + (act or f"first({selector!r}).click()"))
    found = screen.run(TOOLS + look)
    assert before in (OTHER, was)
    assert after in (OTHER, found)
    assert was != found


def test_no_control_is_left_out(screen: Screen) -> None:
    known = ", ".join([*(row[1] for row in CONTROLS), *ELSEWHERE])
    for link in {row[0] for row in CONTROLS} | {f"{LENS}&guess=1"}:
        go(screen, link)
        left = screen.run(
            "return [...document.querySelectorAll('button, input, select, textarea, [tabindex]')]"
            f".filter((e) => e.tabIndex >= 0 && e.checkVisibility() && !e.matches({known!r}))"
            ".map((e) => e.outerHTML)"
        )
        assert left == []


def test_new_points_keep_the_weights_and_new_weights_the_points(screen: Screen) -> None:
    screen.open()
    state = "return [tinygrad.parameters, first('.map canvas').toDataURL(), picture()]"
    weights, *_ = screen.run(TOOLS + state)
    screen.press("#seed")
    assert screen.run(TOOLS + state)[0] == weights
    points = screen.run("return $('seedNow').textContent")
    screen.key("w")
    assert screen.run(TOOLS + state)[0] != weights
    assert screen.run("return $('seedNow').textContent") == points == "2"


def test_a_link_for_a_class_hides_locks_and_asks(screen: Screen) -> None:
    screen.open()
    screen.press('[data-key="tab share"]')
    for name in ("rate", "sets", "units", "dock"):
        screen.press(f'[data-key="hide {name}"]')
    screen.press(".share .seg button:last-child")
    screen.run(f"{TOOLS} put('#asked', 'Why?\\n\\nHow <b>?', 'input');"
               "window.open = (address) => { window.opened = address; };")  # fmt: skip
    screen.press(".share .ask .b:last-child")
    screen.open(screen.run("return window.opened.split('#')[1]"))
    hidden = screen.run(f"{TOOLS} return ['#rate', '#tiles', '.head .count', '#dock', '#n']"
                        ".map((s) => first(s).checkVisibility())")  # fmt: skip
    assert hidden == [False, False, False, False, True]
    assert screen.run("return $('optimizer').disabled")
    assert screen.texts(".questions li") == ["Why?", "How <b>?"]


def test_the_address_has_the_settings(screen: Screen) -> None:
    screen.open()
    screen.run(TOOLS + "put('#rate', '0.3'); put('#n', 60, 'input')")
    screen.window.until("return location.hash.includes('rate=0.3&')")
    screen.window.driver.refresh()
    screen.window.until("return 'ready' in document.documentElement.dataset")
    assert screen.run("return [tinygrad.settings.rate, tinygrad.settings.n]") == [0.3, 60]


#: Roles of what a reader of screens stops at.
ROLES = {"button", "checkbox", "combobox", "group", "image", "radio", "radiogroup", "region",
         "slider", "spinbutton", "switch", "tab", "tablist", "tabpanel", "textbox"}  # fmt: skip
STATES = [UNIT, WEIGHT, f"{LENS}&guess=1", "data=blobs"]


def test_everything_that_can_be_used_has_a_name(screen: Screen) -> None:
    driver = screen.window.driver
    for link in STATES:
        screen.open(link)
        screen.press('[data-key="tab share"]' if link == "data=blobs" else "#view")
        nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        seen = [(node["role"]["value"], node.get("name", {}).get("value", ""))
                for node in nodes if not node["ignored"]]  # fmt: skip
        assert [role for role, name in seen if role in ROLES and not name] == []
        assert len([role for role, _ in seen if role == "slider"]) >= 3


def tab(screen: Screen, key: str = "Tab", text: str = "") -> None:
    """A key as the user presses it, and not only its event."""
    codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, " ": 32, "]": 221}
    event = {"key": key, "windowsVirtualKeyCode": codes[key], "text": text}
    for kind in ("keyDown", "keyUp"):
        driver = screen.window.driver
        driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": kind, **event})


FOCUS = """
const e = document.activeElement;
const shown = e.closest(".tile")?.querySelector("canvas, .face") ?? e;
const { outlineStyle, outlineWidth } = getComputedStyle(shown);
const host = e.closest(".top, .data, .net, .dock, .view");
const seen = outlineStyle !== "none" && outlineWidth !== "0px";
return [host?.className.split(" ")[0] ?? null, e.id || e.textContent, seen];
"""


def test_the_focus_goes_through_the_regions_in_their_order_and_is_seen(screen: Screen) -> None:
    screen.open(UNIT)
    stops: list[list[Any]] = []
    while True:
        tab(screen)
        where, name, seen = screen.run(FOCUS)
        if where is None or len(stops) > 99:
            break
        stops.append([where, name, seen])
    assert [name for _, name, seen in stops if not seen] == []
    assert list(dict.fromkeys(where for where, *_ in stops)) == [
        "top", "data", "net", "dock", "view",
    ]  # fmt: skip
    assert 40 < len(stops) < 60


def test_a_weight_is_reached_and_changed_by_keys_alone(screen: Screen) -> None:
    screen.open(LINK)
    heading = "return document.querySelector('.half h3')?.textContent.startsWith(%r)"
    tab(screen, "]", "]")
    screen.window.until("return tinygrad.example !== null")
    while screen.run("return document.activeElement.classList.contains('unit')") is False:
        tab(screen)
    tab(screen, "ArrowRight")
    tab(screen, "Enter", "\r")
    screen.window.until(heading % "Forward: unit 1 of layer 2, tanh")
    while screen.run("return document.activeElement.closest('.tab') === null"):
        tab(screen)
    tab(screen, "Enter", "\r")
    screen.window.until(heading % "Weight from")
    assert screen.run("return document.activeElement.id") == "body"
    before = screen.run("return tinygrad.parameters")
    while screen.run("return document.activeElement.id") != "weightSlider":
        tab(screen)
    tab(screen, "ArrowRight")
    screen.window.until(f"return String(tinygrad.parameters) !== String({before})")
    for _ in range(2):
        tab(screen, "Escape")
    screen.window.until("return tinygrad.example === null")


#: Contrast of texts with their ground, but for what is disabled or faint on purpose.
CONTRAST = """
const parts = (colour) => {
  const numbers = colour.match(/[\\d.]+/g).map(Number);
  const scale = colour.startsWith("color(") ? 1 : 255;
  return [numbers.slice(0, 3).map((x) => x / scale), numbers[3] ?? 1];
};
const light = (c) => c.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
  .reduce((sum, x, k) => sum + x * [0.2126, 0.7152, 0.0722][k], 0);
const ground = (e) => {
  for (let at = e; at; at = at.parentElement) {
    const [c, alpha] = parts(getComputedStyle(at).backgroundColor);
    if (alpha === 1) return c;
  }
  return parts(getComputedStyle(document.documentElement).backgroundColor)[0];
};
const poor = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  const left = ":disabled, .faint, .off, option, .sr, script";
  if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest(left)) continue;
  const [a, b] = [light(parts(getComputedStyle(e).color)[0]), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push(`${walker.currentNode.data.trim()}: ${ratio.toFixed(2)}`);
}
return poor;
"""
#: How many colours there are in each picture.
COLOURS = """
return [...document.querySelectorAll(".map canvas, #plane canvas")].map((canvas) => {
  const { width, height } = canvas;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return new Set(new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer)).size;
});
"""
SCHEMES = [
    {}, {"prefers-color-scheme": "dark"}, {"prefers-contrast": "more"},
    {"forced-colors": "active"}, {"forced-colors": "active", "prefers-color-scheme": "dark"},
]  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_texts_and_pictures_can_be_seen_in_every_scheme(
    screen: Screen, scheme: dict[str, str]
) -> None:
    emulate(screen, scheme)
    screen.changed = True
    for link in (UNIT, WEIGHT, "data=blobs&classes=6&epoch=1", "data=hills&epoch=1"):
        go(screen, link)
        assert screen.run(CONTRAST) == []
        assert min(screen.run(COLOURS)) > 20
    emulate(screen, {})


def emulate(screen: Screen, scheme: dict[str, str]) -> None:
    names = ["prefers-color-scheme", "prefers-contrast", "forced-colors", "prefers-reduced-motion"]
    features = [{"name": name, "value": scheme.get(name, "")} for name in names]
    screen.window.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_nothing_moves_where_motion_is_to_be_reduced(screen: Screen) -> None:
    look = ("return [...document.querySelectorAll('*')].filter((e) =>"
            "e.getAnimations().length).length")  # fmt: skip
    screen.open(f"{LENS}&pass=4")
    assert screen.run(look) > 0
    emulate(screen, {"prefers-reduced-motion": "reduce"})
    assert screen.run(look) == 0
    emulate(screen, {})
