"""Vowels told apart by their first two formants, and the decision regions of the net."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_edu import data
from tinygrad_edu.classics.classic import Classic, Row, classic
from tinygrad_edu.data import Scaling, folds, standardising
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import Adam
from tinygrad_edu.train import evaluate, fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["vowel_regions", "vowels"]


def vowels() -> Classic:
    """The share of vowels recognised, of speakers never heard, by a 2-50-10 net; in five folds.

    Source: W. Y. Huang and R. P. Lippmann, "Neural net and traditional classifiers", NIPS (1988).
    """
    sounds = data.vowels()
    shares = []
    for training, test in folds(sounds.groups, 5):
        X, y = [sounds.X[i] for i in training], [sounds.y[i] for i in training]
        model, scaling = _trained(X, y)
        X_test = scaling([sounds.X[i] for i in test])
        y_test = [sounds.y[i] for i in test]
        shares.append(evaluate(model, X_test, y_test, loss="cross_entropy")[1] or 0.0)
    named = {"mean": sum(shares) / len(shares), "least": min(shares), "largest": max(shares)}
    rows = [Row(f"accuracy of five folds, {name}", "", share) for name, share in named.items()]
    return classic("vowels", rows)


def vowel_regions() -> "Axes":
    """The decision regions of the 2-50-10 net, trained on all sounds: F2 over F1, in Hz.

    Like the figure of W. Y. Huang and R. P. Lippmann, NIPS (1988).
    """
    from tinygrad_edu.view.pictures import regions

    sounds = data.vowels()
    model, scaling = _trained(sounds.X, sounds.y)
    return regions(
        model, sounds.X, sounds.y, transform=scaling,
        class_names=sounds.class_names, feature_names=sounds.feature_names,
        hidden_lines=False, misclassified=False, margins=False,
    )  # fmt: skip


def _trained(X: list[list[float]], y: Sequence[float]) -> tuple[MLP, Scaling]:
    """The net, and the scaling its inputs need."""
    scaling = standardising(X)
    model = MLP(2, [50, 10], "tanh")
    fit(
        model, scaling(X), y, loss="cross_entropy", optimizer=Adam(model.parameters(), lr=0.03),
        epochs=200, progress=False,
    )  # fmt: skip
    return model, scaling
