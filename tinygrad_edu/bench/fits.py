"""Whole trainings beside those of others: what a user waits for from `fit(...)` to the history.

Each engine makes batches of its own, all updates (SGD with momentum), and the mean loss and the
accuracy of each epoch; ours makes the net and the optimizer inside as well, the others begin with
its weights.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module, metadata
from statistics import fmean, median, stdev
from typing import Any, Final, NamedTuple

from tinygrad_edu.bench.frameworks import torch_parameters
from tinygrad_edu.bench.measure import (
    Comparison,
    Table,
    compare,
    installed,
    labelled,
    missing,
    one_blas_thread,
    one_thread_each,
    stated,
)
from tinygrad_edu.bench.nets import arrays, pictures
from tinygrad_edu.data import digits, iris, moons, standardising
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

RATE: Final = 0.1
MOMENTUM: Final = 0.9


class Task(NamedTuple):
    """A net of ReLU units, its data as arrays, and how it is trained.

    One output is a logit, several are the net inputs of a softmax.
    """

    sizes: list[int]
    X: Any
    y: Any
    batch: int
    epochs: int

    def model(self) -> MLP:
        """The net that is trained."""
        return MLP(self.sizes[0], self.sizes[1:], rng=0)

    def batches(self) -> Iterator[Any]:
        """The numbers of the examples of each step of an epoch, shuffled by NumPy's generator."""
        import numpy as np

        n, rng = len(self.X), np.random.default_rng(0)
        for _ in range(self.epochs):
            order = np.arange(n) if self.batch >= n else rng.permutation(n)
            yield [order[k : k + self.batch] for k in range(0, n, self.batch)]


def task(sizes: list[int], data: Any, batch: int, epochs: int) -> Task:
    """A task on data (X, y)."""
    import numpy as np

    X, y = data
    return Task(sizes, np.array(X, float), np.array(y), batch, epochs)


def _scaled_digits() -> tuple[Any, Any]:
    X, y, *_ = digits()
    return [[x / 16 for x in row] for row in X], y


def _standardised_iris() -> tuple[Any, Any]:
    X, y, *_ = iris()
    return standardising(X)(X), y


#: Net and data -> the task, and the goals: how many times as fast ours is to be.
TASKS: Final[dict[str, tuple[Callable[[], Task], dict[str, float]]]] = {
    "moons, 2-16-16-1, 50 epochs": (
        lambda: task([2, 16, 16, 1], moons(100, noise=0.1, rng=1), 100, 50),
        {"NumPy": 1.0, "PyTorch": 4.0},
    ),
    "moons, 2-16-16-1, 1,500 epochs": (
        lambda: task([2, 16, 16, 1], moons(100, noise=0.1, rng=1), 100, 1500),
        {"NumPy": 1.0, "PyTorch": 1 / 0.06},
    ),
    "iris, 4-16-3, 100 epochs in batches of 32": (
        lambda: task([4, 16, 3], _standardised_iris(), 32, 100),
        {"NumPy": 1 / 0.9},
    ),
    "digits, 64-32-10, 30 epochs in batches of 32": (
        lambda: task([64, 32, 10], _scaled_digits(), 32, 30),
        {"NumPy": 1 / 0.9},
    ),
    "784-128-10, 1,000 rows, 1 epoch in batches of 64": (
        lambda: task([784, 128, 10], pictures(784, 1000), 64, 1),
        {"PyTorch": 1 / 3},
    ),
    "784-128-10, 10,000 rows, 5 epochs in batches of 64": (
        lambda: task([784, 128, 10], pictures(784, 10_000), 64, 5),
        {"PyTorch": 1 / 0.8},
    ),
}


def fits_table(rounds: int) -> Table:
    """`fit` beside NumPy by hand and, where they are installed, PyTorch and scikit-learn."""
    here = [name for name in ENGINES if installed(name)]
    with one_blas_thread() as one, one_thread_each(here):
        table = Table(
            "Whole trainings, from the call to the history; ours makes net and optimizer inside\n"
            f"({stated(one)}; ReLU, SGD with momentum, a shuffle, loss and accuracy each epoch)",
            engine="fit",
            missing=missing([*ENGINES]),
        )
        for name, (make, goals) in TASKS.items():
            given = make()
            weights = arrays(given.model())
            others = {labelled(e): partial(ENGINES[e], given, weights) for e in here}
            wanted = {labelled(e): goal for e, goal in goals.items() if e in here}
            table.add(name, compare(partial(our_fit, given), others, rounds, wanted, least=1))
    return table


def our_fit(given: Task) -> list[float]:
    """The loss of each epoch."""
    model = given.model()
    history = fit(
        model, given.X, given.y,
        loss="cross_entropy" if given.sizes[-1] > 1 else "binary_cross_entropy_with_logits",
        optimizer=SGD(model.parameters(), lr=RATE, momentum=MOMENTUM),
        epochs=given.epochs, batch_size=min(given.batch, len(given.X)), progress=False,
    )  # fmt: skip
    return history.loss


def numpy_fit(given: Task, weights: list[Any]) -> list[float]:
    """The same in NumPy, as one writes it by hand."""
    import numpy as np

    parameters = [np.array(p) for p in weights]
    moved = [np.zeros_like(p) for p in parameters]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    losses, n = [], len(given.X)
    for batches in given.batches():
        total, right = 0.0, 0
        for chosen in batches:
            A, y = [given.X[chosen]], given.y[chosen]
            for W, b in layers[:-1]:
                A.append(np.maximum(A[-1] @ W.T + b, 0))
            Z = A[-1] @ layers[-1][0].T + layers[-1][1]
            if Z.shape[1] == 1:
                z = Z[:, 0]
                total += float((np.maximum(z, 0) - z * y + np.log1p(np.exp(-abs(z)))).sum())
                right += int(((z > 0) == y).sum())
                delta = (1 / (1 + np.exp(-Z)) - y[:, None]) / len(y)
            else:
                E = np.exp(Z - Z.max(axis=1, keepdims=True))
                delta = E / E.sum(axis=1, keepdims=True)
                right += int((delta.argmax(axis=1) == y).sum())
                total -= float(np.log(delta[range(len(y)), y]).sum())
                delta[range(len(y)), y] -= 1
                delta /= len(y)
            gradients: list[Any] = []
            for (W, _), a in zip(layers[::-1], A[::-1], strict=True):
                gradients = [delta.T @ a, delta.sum(axis=0), *gradients]
                delta = (delta @ W) * (a > 0)
            for p, v, g in zip(parameters, moved, gradients, strict=True):
                v *= MOMENTUM
                v += g
                p -= RATE * v
        losses.append(total / n)
    return losses


def torch_fit(given: Task, weights: list[Any]) -> list[float]:
    """The same in PyTorch: tensors of float64, eager, its own SGD."""
    torch = import_module("torch")
    f, single = torch.nn.functional, given.sizes[-1] == 1
    X = torch.tensor(given.X)
    y = torch.tensor(given.y, dtype=torch.float64 if single else torch.int64)
    parameters = torch_parameters(weights)
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM)
    losses = []
    for batches in given.batches():
        total, right = 0.0, 0
        for chosen in map(torch.from_numpy, batches):
            A, t = X[chosen], y[chosen]
            for W, b in layers[:-1]:
                A = f.relu(f.linear(A, W, b))
            Z = f.linear(A, *layers[-1])
            Z = Z[:, 0] if single else Z
            loss = (f.binary_cross_entropy_with_logits if single else f.cross_entropy)(Z, t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(chosen)
            right += int(((Z > 0) == t if single else Z.argmax(dim=1) == t).sum())
        losses.append(total / len(X))
    return losses


def sklearn_fit(given: Task, weights: list[Any]) -> list[float]:
    """The same as scikit-learn's classifier does it, from weights of its own."""
    classifier = import_module("sklearn.neural_network").MLPClassifier(
        given.sizes[1:-1], solver="sgd", learning_rate_init=RATE, momentum=MOMENTUM,
        nesterovs_momentum=False, alpha=0, batch_size=min(given.batch, len(given.X)),
        max_iter=given.epochs, tol=0, n_iter_no_change=given.epochs, random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings(action="ignore"):  # that it might go on
        losses: list[float] = classifier.fit(given.X, given.y).loss_curve_
    return losses


ENGINES: Final[dict[str, Callable[[Task, list[Any]], list[float]]]] = {
    "NumPy": numpy_fit,
    "PyTorch": torch_fit,
    "scikit-learn": sklearn_fit,
}

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
