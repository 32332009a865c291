"""The pictures of the gallery can be read, in the fonts that readers have, as a ruler says."""

import re

import pytest
from boxes import FONTS, faults, read
from gallery import GALLERY, files

PAPER = '<rect x="10" y="10" width="100" height="30" fill="#ffffff" stroke="#878f9d"/>'
LINE = '<path d="M0,24C40,24 80,24 120,24" fill="none" stroke="#878f9d" stroke-width="{}"/>'
#: What is drawn, and the one thing that is wrong with it, "" if nothing is.
DRAWN = {
    "a text in its box": (f'{PAPER}<text x="20" y="28">name</text>', ""),
    "over the edge of its box": (f'{PAPER}<text x="84" y="28">name</text>', "over the edge"),
    "under a box": (f'<text x="20" y="28">name</text>{PAPER}', "hidden by a box"),
    "beside another": ('<text x="0" y="20">left</text><text x="40" y="20">right</text>', ""),
    "over another": ('<text x="0" y="20">left</text><text x="10" y="20">right</text>', "share"),
    "below another": ('<text x="0" y="20">left</text><text x="0" y="34">right</text>', ""),
    "outside": ('<text x="110" y="20">name</text>', "cut by the edge of the picture"),
    "ends at the edge": ('<text x="119" y="20" text-anchor="end">name</text>', ""),
    "kept narrow": (f'{PAPER}<text x="20" y="28" textLength="80">{"name" * 4}</text>', ""),
    "too small": ('<text x="0" y="20" font-size="9">name</text>', "only 9.0 px high"),
    "made small": ('<g transform="scale(0.8)"><text x="0" y="20">name</text></g>', "only 9.6 px"),
    "small by a sheet": (
        '<style>.s{font-size:8px}</style><text class="s" x="0" y="20">name</text>', "only 8.0 px"
    ),
    "a small index": ('<text x="0" y="20">x<tspan font-size="8" dy="3">1</tspan></text>', ""),
    "a line through a text": (f'{LINE.format(1)}<text x="20" y="28">name</text>', "a line runs"),
    "a line under its box": (f'{LINE.format(1)}{PAPER}<text x="20" y="28">name</text>', ""),
    "on a shade": (
        f'<g opacity="0.13">{LINE.format(1)}</g><text x="20" y="28">name</text>', ""
    ),
    "a box over a box": (
        f'{PAPER}<rect x="100" y="20" width="19" height="30" fill="white"/>', "two boxes share"
    ),
    "a box in a box": (
        f'{PAPER}<rect x="38" y="13" width="24" height="24" rx="9" fill="none" stroke="red"/>', ""
    ),
    "a shape that is cut": ('<polygon points="100,1 140,1 140,40" fill="red"/>', "a shape is cut"),
    "moved into the picture": (
        '<svg x="20" y="0" width="60" height="30" viewBox="200 0 120 60">'
        '<text x="200" y="40" font-size="24">in</text></svg>', ""
    ),
}  # fmt: skip


def picture(inside: str, width: int = 120) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width // 2}" '
        f'viewBox="0 0 120 60" font-size="12">{inside}</svg>'
    )


@pytest.mark.parametrize(("inside", "said"), DRAWN.values(), ids=DRAWN)
@pytest.mark.parametrize("font", FONTS)
def test_the_ruler_finds_what_cannot_be_read(inside, said, font):
    found = faults(picture(inside), font)
    assert len(found) == bool(said), found
    assert said in "".join(found)


def test_a_picture_has_the_width_of_a_column_at_most():
    assert faults(picture("", 700)) == []
    assert faults(picture("", 720)) == ["the picture is 720 px wide, more than 700"]
    assert faults(picture("", 720), column=794) == []


def test_letters_are_as_wide_as_their_font_says():
    """Helvetica's own widths (Adobe's metrics): M 833, i 222; DejaVu's: M 863, i 278."""
    said = picture('<text x="0" y="20">M</text><text x="40" y="20" font-weight="bold">i</text>')
    for font, widths in (("Helvetica", (0.833, 0.278)), ("DejaVu", (0.863, 0.343))):
        ends = [text.box.right - text.box.left for text in read(said, font).texts]
        assert ends == pytest.approx([12 * w for w in widths], abs=0.01)


#: A worksheet is a page of a printer, which has no scheme and no scripts to strip its style.
QUICK = ("neuron", "xor-units", "network")
PICTURES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in GALLERY]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_gallery_can_be_read(name, embedded_renderer):
    record = GALLERY[name]
    svg = record.make()
    for font in FONTS:
        assert faults(svg, font, column=record.width) == [], font
    assert record.make() == svg


@pytest.mark.parametrize("name", PICTURES)
def test_without_its_style_sheet_a_picture_is_the_same(name, embedded_renderer):
    """Pages that do not trust a picture leave out its <style>: attributes say what it says."""
    svg = GALLERY[name].make()
    plain = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    first, second = read(svg), read(plain)
    assert [(t.said, t.box, t.size) for t in first.texts] == [
        (t.said, t.box, t.size) for t in second.texts
    ]
    assert [(s.hides, s.seen, s.width) for s in first.shapes] == [
        (s.hides, s.seen, s.width) for s in second.shapes
    ]
    assert "var(" not in plain


@pytest.mark.slow
def test_the_page_of_the_gallery_shows_every_picture_on_both_grounds(embedded_renderer):
    *pictures, (name, page) = files()
    assert name == "gallery.md"
    assert [file for file, _ in pictures] == re.findall(r"\]\((gallery/\S+)\)", page)
    assert len(pictures) == 2 * len(GALLERY)
    for file, svg in pictures:
        assert "prefers-color-scheme" not in svg, file
        assert read(svg).shapes[0].hides, file
