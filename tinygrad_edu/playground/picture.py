"""The picture of a playground that a saved notebook keeps: its net, and what the net gives."""

from typing import Any
from xml.etree import ElementTree

from tinygrad_edu.figure import beside
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.playground.start import Module, Start, features_of
from tinygrad_edu.view import network, pictures
from tinygrad_edu.view.base.pdf import figure_of


def picture(net: Module, start: Start) -> bytes:
    """Net and plane as one PNG: regions with the points, or how a function is met."""
    X, y = start.train
    if start.classes:
        X_test, y_test = start.test or ([], [])
        axes = pictures.regions(
            net, X, y, X_test=X_test, y_test=y_test, transform=start.rows, loss=start.net.loss,
            class_names=start.data.class_names, feature_names=start.data.feature_names,
            hidden_lines=False, margins=False, misclassified=False, resolution=120,
        )  # fmt: skip
    elif len(X[0]) > 1:
        with in_mode(modules_of(net), training=False):
            axes = pictures.predictions(y, [net(row).data for row in start.rows(X)])
    else:
        axes = pictures.curve(net, X, y, transform=start.rows, units=0)
    drawn = network(net, input_names=features_of(start.settings, start.classes))
    figures: list[Any] = [figure_of(ElementTree.fromstring(drawn.svg)), axes.figure]
    return beside([figure.png(96) for figure in figures])
