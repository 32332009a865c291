"""What a picture is saved as: one table of formats, and every file opens and shows the same."""

import re
from io import BytesIO

import pytest
from graphs import neuron, unit
from PIL import Image

from tinygrad_edu.nn import MLP
from tinygrad_edu.view import draw, network, steps, worksheet
from tinygrad_edu.view.base.pdf import PRINTED

PICTURES = {
    "drawing": lambda: draw(neuron(backward=True), edges="local"),
    "worksheet": lambda: worksheet(unit()),
    "strip": lambda: steps(unit()).strip(2),
    "network": lambda: network(MLP(2, [2, 1], rng=0), [1.0, -2.0], [0.0], "squared_error"),
}
STARTS = {
    ".svg": b"<svg ",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".pdf": b"%PDF-",
    ".eps": b"%!PS-Adobe-3.0 EPSF-3.0",
    ".gif": b"GIF8",
    ".jpg": b"\xff\xd8\xff",
    ".webp": b"RIFF",
}


def size_of(svg):
    """Width and height in points."""
    sides = re.search(r'<svg [^>]*?width="([\d.]+)(\w*)" height="([\d.]+)', svg).groups()
    scale = 72 / 96 * {"": 1, "pt": 96 / 72, "mm": 96 / 25.4}[sides[1]]
    return float(sides[0]) * scale, float(sides[2]) * scale


def test_every_format_is_tried():
    assert {".svg", *PRINTED} == {*STARTS}


@pytest.mark.parametrize("what", PICTURES)
@pytest.mark.parametrize("ending", [".svg", pytest.param(".eps", marks=pytest.mark.slow)])
def test_a_file_is_the_same_again(what, ending, tmp_path, embedded_renderer):
    first, again = (PICTURES[what]().save(tmp_path / f"{k}{ending}").read_bytes() for k in range(2))
    assert first == again
    assert first.startswith(STARTS[ending])


@pytest.mark.slow
@pytest.mark.parametrize("what", PICTURES)
@pytest.mark.parametrize("ending", PRINTED)
def test_every_picture_has_its_size_in_every_format(what, ending, tmp_path, embedded_renderer):
    picture = PICTURES[what]()
    content = picture.save(tmp_path / f"a{ending}").read_bytes()
    assert content.startswith(STARTS[ending])
    width, height = size_of(picture.svg)
    if ending == ".pdf":
        found = [
            float(x) for x in re.search(rb"MediaBox \[ 0 0 ([\d.]+) ([\d.]+)", content).groups()
        ]
        assert found == pytest.approx([width, height], abs=0.1)
    elif ending == ".eps":
        found = re.search(rb"HiResBoundingBox: ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)", content)
        left, bottom, right, top = map(float, found.groups())
        assert (right - left, top - bottom) == pytest.approx((width, height), abs=0.1)
        assert b"CreationDate" not in content
    else:
        image = Image.open(BytesIO(content))
        assert image.size == pytest.approx([150 / 72 * width, 150 / 72 * height], abs=2)
