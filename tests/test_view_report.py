import base64
import re
from html.parser import HTMLParser

from tinygrad_edu import Value, draw
from tinygrad_edu.view.report import Picture, report

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
VOID = {"meta", "img"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.references, self.open = [], [], []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
                self.references.append(value)
            assert not name.startswith("on"), f"{tag} has a script in {name}"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


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


def test_a_report_refers_to_nothing_outside_and_runs_no_script():
    text = page()
    found = Page(text)
    assert found.references == ["data:image/png;base64," + base64.b64encode(PNG).decode()]
    assert not {"script", "link", "iframe", "object", "embed", "a", "base"} & set(found.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}


def test_a_report_follows_the_colour_scheme_of_the_reader():
    text = page()
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
    assert "script" not in found.tags
    assert "</title><script>alert(1)</script>\"'&amp;\ufffd" in found.text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_a_picture_that_is_a_png_is_described_by_its_heading():
    assert '<img alt="Loss" src="data:image/png;base64,' in page()
