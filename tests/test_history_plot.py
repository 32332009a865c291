"""The plot of a History, drawn by `History.plot`."""

import sys

from tinygrad_edu import History


def test_history_plots_loss_and_accuracy_of_training_and_validation():
    figure = History([2.0, 1.0], [0.5, 1.0], [2.5, 1.5], [0.4, 0.8]).plot()
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.5, 1.0], [0.4, 0.8]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert loss.get_ylim()[0] == 0
    figure.draw_without_rendering()
    assert "matplotlib.pyplot" not in sys.modules


def test_history_of_one_epoch_is_a_point_and_of_none_says_so():
    assert History([2.0]).plot().axes[0].lines[0].get_marker() == "o"
    figure = History().plot()
    assert [text.get_text() for text in figure.axes[0].texts] == ["no epoch was completed"]
