"""Fit time and accuracy of ScalarMLPClassifier against scikit-learn's MLPClassifier."""

import time
import warnings
from collections.abc import Callable, Sequence
from importlib import metadata
from statistics import fmean, median, stdev
from typing import Any, Final, NamedTuple

from tinygrad_edu.bench.measure import Comparison, Table

#: The data sets, by the names of their loaders in `sklearn.datasets`.
DATA: Final = {
    "iris": "load_iris",
    "wine": "load_wine",
    "breast cancer": "load_breast_cancer",
    "digits": "load_digits",
}
FOLDS: Final = 5


class Fit(NamedTuple):
    """The processor time of a fit, and the accuracy on the fold that was left out."""

    seconds: float
    accuracy: float


def sklearn_table(rounds: int) -> Table:
    """Both classifiers with their defaults on the same folds, fitted in turn; a seed each round.

    Raises ImportError, saying what to install, without scikit-learn.
    """
    from tinygrad_edu.sklearn import ScalarMLPClassifier  # isort: split

    from sklearn import datasets
    from sklearn.neural_network import MLPClassifier

    name = f"MLPClassifier {metadata.version('scikit-learn')}"
    table = Table(
        f"Processor time of a fit: defaults (100 ReLU units, adam), {FOLDS} folds, standardised;\n"
        "in brackets the accuracy on the folds left out: (ours, theirs ± standard error)",
        engine="matrix",
    )
    for data, loader in DATA.items():
        X, y = getattr(datasets, loader)(return_X_y=True)
        found = [_round(X, y, seed, [ScalarMLPClassifier, MLPClassifier]) for seed in range(rounds)]
        pairs = [pair for folds in found for pair in folds]
        ratios = [median(b.seconds / a.seconds for a, b in folds) for folds in found]
        theirs = Comparison(name, median(b.seconds for _, b in pairs), ratios, goal=1.0)
        reached, wanted = fmean(a.accuracy for a, _ in pairs), [b.accuracy for _, b in pairs]
        table.add(
            data,
            (median(a.seconds for a, _ in pairs), [theirs]),
            detail=f"({reached:.3f}, {fmean(wanted):.3f} ± {stdev(wanted) / FOLDS**0.5:.3f})",
        )
    return table


def _round(
    X: Any, y: Any, seed: int, classifiers: Sequence[Callable[..., Any]]
) -> list[tuple[Fit, ...]]:
    """Each classifier on each fold, one after the other."""
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    found = []
    for chosen, rest in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(X, y):
        scaler = StandardScaler().fit(X[chosen])
        inside, outside = scaler.transform(X[chosen]), scaler.transform(X[rest])
        fits = []
        for classifier in classifiers:
            start = time.process_time()
            with warnings.catch_warnings(action="ignore"):  # that there were epochs left
                fitted = classifier(random_state=seed).fit(inside, y[chosen])
            seconds = time.process_time() - start
            fits.append(Fit(seconds, float(fitted.score(outside, y[rest]))))
        found.append(tuple(fits))
    return found
