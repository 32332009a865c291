"""Whole trainings beside those of others: what a user waits for from `fit(...)` to the history.

Each engine makes batches of its own, all updates (SGD with momentum), mean loss and accuracy of
each epoch; ours makes net and optimizer as well, with whose weights the others begin.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module, metadata
from statistics import fmean, median, stdev
from typing import Any, Final, NamedTuple

from tinygrad_edu.bench.limit import Limit
from tinygrad_edu.bench.measure import IN_NUMPY, LIMIT, Comparison, Table, beside, compare, in_numpy
from tinygrad_edu.bench.nets import CLASSES, Update, arrays, jax_dense, torch_dense
from tinygrad_edu.data import digits, iris, moons, standardising
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit

RATE: Final = 0.1
MOMENTUM: Final = 0.9


class Task(NamedTuple):
    """A net of ReLU units that ends in a logit or in scores, its data, and how it is trained."""

    sizes: list[int]
    X: Any
    y: Any
    batch: int
    epochs: int
    momentum: float

    def model(self) -> MLP:
        """The net that is trained."""
        return MLP(self.sizes[0], self.sizes[1:], rng=0)

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return "cross_entropy" if self.sizes[-1] > 1 else "binary_cross_entropy_with_logits"

    def batches(self) -> Iterator[Any]:
        """The numbers of the examples of each step of an epoch, shuffled by NumPy's generator."""
        import numpy as np

        n, rng = len(self.X), np.random.default_rng(0)
        for _ in range(self.epochs):
            order = np.arange(n) if self.batch >= n else rng.permutation(n)
            yield [order[k : k + self.batch] for k in range(0, n, self.batch)]


def task(
    sizes: list[int], data: Any, batch: int, epochs: int, *, momentum: float = MOMENTUM
) -> Task:
    """A task on data (X, y)."""
    import numpy as np

    X, y = data
    return Task(sizes, np.array(X, float), np.array(y), batch, epochs, momentum)


def _scaled_digits() -> tuple[Any, Any]:
    X, y, *_ = digits()
    return [[x / 16 for x in row] for row in X], y


def _standardised_iris() -> tuple[Any, Any]:
    X, y, *_ = iris()
    return standardising(X)(X), y


def noise(inputs: int, rows: int) -> tuple[Any, Any]:
    """Random numbers in [0, 1), and random class numbers, as arrays."""
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.random((rows, inputs)), rng.integers(0, CLASSES, rows)


def _moons(epochs: int, momentum: float = MOMENTUM) -> Task:
    data = moons(100, noise=0.1, rng=1)
    return task([2, 16, 16, 1], data, 100, epochs, momentum=momentum)


#: The engines of a row, and with which goal: how many times as fast ours is to be.
Goals = dict[str, float | None]
ALL: Final[Goals] = dict.fromkeys(("NumPy", "PyTorch", "JAX", "scikit-learn"))
#: Net and data -> the task, and the goals.
TASKS: Final[dict[str, tuple[Callable[[], Task], Goals]]] = {
    "moons, 2-16-16-1, 50 epochs": (
        lambda: _moons(50), {**ALL, "NumPy": 1.0, "PyTorch": 4.0}
    ),
    "moons, 2-16-16-1, 1,500 epochs": (
        lambda: _moons(1500), {**ALL, "NumPy": 1.0, "PyTorch": 16.7}
    ),
    "iris, 4-16-3, 100 epochs in batches of 32": (
        lambda: task([4, 16, 3], _standardised_iris(), 32, 100), {**ALL, "NumPy": 1.11}
    ),
    "digits, 64-32-10, 30 epochs in batches of 32": (
        lambda: task([64, 32, 10], _scaled_digits(), 32, 30), {**ALL, "NumPy": 1.11}
    ),
    **{
        f"784-128-10, {n:,} rows, epochs: {epochs}, in batches of 64": (
            partial(lambda n, epochs: task([784, 128, 10], noise(784, n), 64, epochs), n, epochs),
            {**ALL, "PyTorch": goal},
        )
        for n, epochs, goal in ((1000, 1, 1 / 3), (10_000, 5, 1 / 0.8), (60_000, 1, 1.0))
    },
    "2-16-16-1, 20,000 steps on the same 100 rows": (
        lambda: _moons(20_000, momentum=0.0), {LIMIT: 1 / 2.5}
    ),
    "64-32-10, 20,000 steps on the same 32 rows": (
        lambda: task([64, 32, 10], noise(64, 32), 32, 20_000, momentum=0.0), {LIMIT: 1 / 2.5}
    ),
}  # fmt: skip
#: Data of so many numbers are measured in half of the rounds.
LARGE: Final = 10_000_000


def fits_table(rounds: int) -> Table:
    """`fit` beside other engines, each with batches and updates of its own."""
    with beside(*ENGINES) as side:
        table = Table(
            "Whole trainings, from the call to the history; ours makes net and optimizer, too\n"
            f"({side.threads}; ReLU, SGD with momentum, shuffles, loss and accuracy of\n"
            f"each epoch; JAX has compiled before; {LIMIT}: steps alone, plain SGD)",
            engine="fit",
            missing=side.missing,
        )
        for name, (make, goals) in TASKS.items():
            given = make()
            weights = arrays(given.model())
            ours, turns = partial(our_fit, given), rounds
            others = {e: partial(ENGINES[e], given, weights) for e in goals if e in side.here}
            others[IN_NUMPY] = partial(in_numpy, ours)
            if given.X.size >= LARGE:
                turns = max(1, rounds // 2)
            table.add(name, compare(ours, others, turns, goals, least=1))
    return table


#: The mean loss of each epoch, and what share of the examples was right.
Past = list[tuple[float, float]]


def our_fit(given: Task) -> Past:
    """What we give."""
    model = given.model()
    history = fit(
        model, given.X, given.y, loss=given.loss,
        optimizer=SGD(model.parameters(), lr=RATE, momentum=given.momentum),
        epochs=given.epochs, batch_size=min(given.batch, len(given.X)), progress=False,
    )  # fmt: skip
    return list(zip(history.loss, history.accuracy, strict=True))


def trained(dense: Callable[..., Update], given: Task, weights: list[Any]) -> Past:
    """The same with the steps of another engine."""
    import numpy as np

    step = dense(weights, given.X, given.y, given.loss, RATE, given.momentum)
    past, n = [], len(given.X)
    for batches in given.batches():
        steps = [step(chosen) for chosen in batches]
        total = sum(float(loss) * len(b) for (loss, _), b in zip(steps, batches, strict=True))
        Z = np.concatenate([np.asarray(outputs) for _, outputs in steps])
        found = Z.argmax(axis=1) if Z.shape[1] > 1 else Z[:, 0] > 0
        past.append((total / n, float((found == given.y[np.concatenate(batches)]).mean())))
    return past


def numpy_dense(
    weights: list[Any], X: Any, y: Any, loss: str, rate: float, momentum: float
) -> Update:
    """A step in NumPy, as one writes it by hand."""
    import numpy as np

    parameters = [np.array(p) for p in weights]
    moved = [np.zeros_like(p) for p in parameters]
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))

    def step(chosen: Any) -> tuple[float, Any]:
        A, t = [X[chosen]], y[chosen]
        for W, b in layers[:-1]:
            A.append(np.maximum(A[-1] @ W.T + b, 0))
        Z = A[-1] @ layers[-1][0].T + layers[-1][1]
        if loss == "cross_entropy":
            E = np.exp(Z - Z.max(axis=1, keepdims=True))
            delta = E / E.sum(axis=1, keepdims=True)
            mean = -np.log(delta[range(len(t)), t]).mean()
            delta[range(len(t)), t] -= 1
        else:
            z = Z[:, 0]
            mean = (np.maximum(z, 0) - z * t + np.log1p(np.exp(-abs(z)))).mean()
            delta = 1 / (1 + np.exp(-Z)) - t[:, None]
        delta /= len(t)
        gradients: list[Any] = []
        for (W, _), a in zip(layers[::-1], A[::-1], strict=True):
            gradients = [delta.T @ a, delta.sum(axis=0), *gradients]
            delta = (delta @ W) * (a > 0)
        for p, v, g in zip(parameters, moved, gradients, strict=True):
            v *= momentum
            v += g
            p -= rate * v
        return mean, Z

    return step


def sklearn_fit(given: Task, weights: list[Any]) -> list[float]:
    """The same as scikit-learn's classifier does it, from weights of its own; the losses alone."""
    classifier = import_module("sklearn.neural_network").MLPClassifier(
        given.sizes[1:-1], solver="sgd", learning_rate_init=RATE, momentum=given.momentum,
        nesterovs_momentum=False, alpha=0, batch_size=min(given.batch, len(given.X)),
        max_iter=given.epochs, tol=0, n_iter_no_change=given.epochs, random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings(action="ignore"):  # that it might go on
        losses: list[float] = classifier.fit(given.X, given.y).loss_curve_
    return losses


#: Engine -> a whole training from given weights, where it can.
ENGINES: Final[dict[str, Callable[[Task, list[Any]], Any]]] = {
    "NumPy": partial(trained, numpy_dense),
    "PyTorch": partial(trained, torch_dense),
    "JAX": partial(trained, jax_dense),
    "scikit-learn": sklearn_fit,
    LIMIT: lambda given, weights: Limit(
        weights, given.X, given.y, given.loss, RATE, given.momentum
    ).steps(given.epochs),
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
        theirs = Comparison(name, median(b.seconds for _, b in pairs), ratios, goal=4.0)
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
