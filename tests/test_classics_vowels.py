"""The vowel net. That it is level with scikit-learn's is tested in test_classics.py."""

import numpy as np
import pytest

from tinygrad_edu.classics import vowel_regions
from tinygrad_edu.data import vowels
from tinygrad_edu.view.base.palette import CLASSES


@pytest.mark.slow
def test_the_decision_regions_of_the_vowels_are_drawn_in_ten_colours() -> None:
    axes = vowel_regions()
    sounds = vowels()
    assert (axes.get_xlabel(), axes.get_ylabel()) == sounds.feature_names
    assert [text.get_text() for text in axes.texts] == list(sounds.class_names)
    scatters = [c for c in axes.collections if not hasattr(c, "levels")]
    assert len({tuple(c.get_facecolors()[0]) for c in scatters}) == len(CLASSES) == 10
    image = np.asarray(axes.images[0].get_array())
    low, high = axes.images[0].get_extent()[2:]
    front = image[round((3200 - low) / (high - low) * 299), 33]  # a small F1, a large F2: heed
    assert front[0] > front[2] + 0.2  # orange, the first colour
