"""One palette: blue is positive, orange negative and white zero, wherever a number has a colour."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

import tinygrad_edu
from tinygrad_edu import MLP, Conv2d, network
from tinygrad_edu.view import pictures
from tinygrad_edu.view.base import palette
from tinygrad_edu.view.base.palette import CLASSES, NEGATIVE, POSITIVE, ZERO, styled
from tinygrad_edu.view.pictures.canvas import look_of

PACKAGE = Path(tinygrad_edu.__file__).parent


def weights_one():
    """An initialiser that gives 1, -1 and 0."""
    numbers = [1.0, -1.0, 0.0]
    return lambda rng, nin, nout: numbers.pop(0)


def drawn(ax):
    """The colours of a picture's numbers, by number."""
    (image,) = ax.images
    numbers = np.asarray(image.get_array()).ravel()
    return {float(x): to_hex(image.cmap(image.norm(x))) for x in numbers}


SIGNED = {1.0: POSITIVE.light, -1.0: NEGATIVE.light, 0.0: ZERO.light}


def in_network():
    svg = network(MLP(3, [1], init=weights_one())).svg
    found = re.findall(r'stroke="(#\w+)"[^>]*><title>w1\[1,[12]\] = (-?1)<', svg)
    return {float(w): stroke for stroke, w in found}


def in_weights():
    return drawn(pictures.weights(MLP(3, [1], init=weights_one()), height=1, width=3))


def in_kernels():
    kernel = Conv2d(1, 1, 2, init=lambda rng, nin, nout: 0.0)
    for w, x in zip(kernel.kernels[0].w, (1.0, -1.0, 0.0, 0.0), strict=True):
        w.data = x
    return drawn(pictures.weights(kernel, height=2, width=2))


def in_maps():
    unit = MLP(2, [1], init=lambda rng, nin, nout: 1.0)
    ax = pictures.neuron_maps(unit, extent=(-0.5, 0.5, -0.5, 0.5), resolution=3)
    colours = drawn(ax)
    return {x: colours[x] for x in (1.0, -1.0, 0.0)}


@pytest.mark.parametrize("colours", [in_network, in_weights, in_kernels, in_maps])
def test_one_number_has_one_colour(colours):
    found = colours()
    assert found == {x: SIGNED[x] for x in found}
    assert len(found) >= 2


def test_classes_do_not_contradict_signs():
    assert [look_of(k)[0] for k in (0, 1)] == [NEGATIVE.light, POSITIVE.light]
    assert len(set(CLASSES)) == len(CLASSES)


def test_a_style_sheet_gets_both_schemes():
    assert styled("a { fill: $POSITIVE } b { fill: $ZERO_DARK }") == (
        f"a {{ fill: {POSITIVE.light} }} b {{ fill: {ZERO.dark} }}"
    )


#: `History.plot` stands below the views: it has the two colours of curves by itself.
BELOW = {"train/history.py": set(palette.CURVES)}


def test_colours_stand_in_the_palette_only():
    files = (
        path for ending in ("py", "css", "html", "mjs") for path in PACKAGE.rglob(f"*.{ending}")
    )
    for path in files:
        place = path.relative_to(PACKAGE).as_posix()
        text = path.read_text(encoding="utf-8")
        found = set(re.findall(r"(?<![\w&])#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b", text))
        if place != "view/base/palette.py":
            assert found <= BELOW.get(place, set()), place
        assert not re.search(r'cmap"?[=:] ?"|colormaps\["|"(RdBu|coolwarm|bwr|seismic)', text), (
            place
        )
