import base64
import re

import pytest
from browser import Page, visit

from tinygrad_edu import Value, draw, steps
from tinygrad_edu.cli import main
from tinygrad_edu.view.base.report import Picture, report, verbatim

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def page(**changes):
    a = Value(2.0, "a")
    content = {
        "results": [("", "rows"), ("training", "75"), ("test", "25")],
        "settings": {"loss": "hinge"},
        "pictures": [
            Picture("Loss", "over the epochs", PNG),
            Picture("Graph", "of a product", draw(a * a).svg),
        ],
        "command": "python -m tinygrad_edu demo moons",
    }
    return report("A title", "A lead", **{**content, **changes})


def test_a_report_shows_everything_and_closes_its_tags():
    text = page()
    found = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert found.open == []
    for part in ("A title", "A lead", "training", "75", "hinge", "over the epochs", "of a product"):
        assert part in found.text
    assert "python -m tinygrad_edu demo moons" in found.text
    assert found.tags.count("svg") == found.tags.count("img") == 1
    assert '<img alt="Loss" src="data:image/png;base64,' in text


def test_a_report_refers_to_nothing_outside_runs_no_script_and_follows_the_colour_scheme():
    text = page()
    found = Page(text)
    assert found.references() == ["data:image/png;base64," + base64.b64encode(PNG).decode()]
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert not {"script", "link", "iframe", "object", "embed", "a", "base"} & set(found.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "color-scheme: light dark" in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_texts_are_shown_literally():
    bad = "</title><script>alert(1)</script>\"'&amp;\x00\u202e"
    text = page(
        results=[(bad, bad), (bad, bad)],
        settings={bad: bad},
        pictures=[Picture(bad, bad, PNG)],
        command=bad,
    )
    found = Page(text)
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert "script" not in found.tags
    assert "</title><script>alert(1)</script>\"'&amp;\ufffd" in found.text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_verbatim_text_keeps_its_lines_and_is_no_markup():
    text = page(pictures=[Picture("Why", "", verbatim("a < b\n  = <i>c</i>"), "text")])
    assert "<pre>a &lt; b\n  = &lt;i&gt;c&lt;/i&gt;</pre>" in text
    assert Page(text).open == []


def test_a_film_plays_in_a_frame_that_is_kept_from_the_page():
    film = steps(Value(2.0, "a") * Value(3.0, "b"))
    found = Page(page(pictures=[Picture("Film", "", film.inline(), "film")]))
    assert found.tags.count("iframe") == 1
    assert "script" not in found.tags


@pytest.mark.slow
def test_the_report_of_a_demo_asks_for_nothing_in_a_browser(tmp_path):
    assert main(["demo", "xor", "--epochs", "5", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "report.html").read_text()
    headings = "look([...document.querySelectorAll('h2')].map((e) => e.textContent).join(', '));"
    seen, console, requests = visit(text, tmp_path, headings)
    assert seen == [
        "Results, Settings, Decision regions, Course of training, The worst rows, "
        "Why the worst row, The network, The delta rules, Where a gradient comes from, "
        "The backward pass of one unit, Computation graph of one example, Do it again"
    ]
    assert console == requests == []


@pytest.mark.slow
def test_the_browser_tells_of_requests_and_errors_in_frames_too(tmp_path):
    frame = "<iframe sandbox='allow-scripts' srcdoc='<script>no_such_name()</script>'></iframe>"
    text = f"<html><body><img src='http://nowhere.invalid/x.png'>{frame}</body></html>"
    seen, console, requests = visit(text, tmp_path, "look('here');")
    assert seen == ["here"]
    assert "no_such_name is not defined" in console[-1]
    assert requests == ["http://nowhere.invalid/x.png"]
