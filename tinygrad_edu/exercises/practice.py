"""The exercises of lessons 12 to 15: overfitting, the spiral, digits, vowels."""

import math
from collections import Counter
from collections.abc import Callable
from statistics import fmean, pstdev, pvariance, stdev, variance
from typing import Any, Final

from tinygrad_edu.data import folds, standardising
from tinygrad_edu.exercises.kinds import Right, each, function, number, numbers, slopes, word
from tinygrad_edu.exercises.reading import asked, read_number
from tinygrad_edu.losses import cross_entropy
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.nn.norm import BatchNorm
from tinygrad_edu.train import EarlyStopping, Epoch

ANSWERS: dict[str, Right] = {}
VARIED: dict[str, Callable[..., Right]] = {}


# Lesson 12, overfitting and regularisation.

_VALIDATION_LOSSES: Final = (0.9, 0.7, 0.5, 0.6, 0.55, 0.52, 0.4, 0.3)


def _stopped_and_restored() -> list[float]:
    stopping = EarlyStopping(patience=3)
    unit = Neuron(1, init="zeros")
    for k, loss in enumerate(_VALIDATION_LOSSES):
        if stopping(Epoch(k, False, unit, 0.0, None, loss, None)):
            return [k, stopping.best_epoch]
    return []


def _normalised(column: list[float]) -> list[float]:
    return [row[0].data for row in BatchNorm(1).batch([[x] for x in column])]


def _by(divisor: Callable[[list[float]], float]) -> Callable[[list[float]], list[float]]:
    """Centred numbers over a divisor, which is wrong."""
    return lambda column: [(x - fmean(column)) / divisor(column) for x in column]


VARIED["12.1"] = lambda a, p: numbers(
    [a / (1 - p), a],
    mistakes={
        "p is the probability to be dropped, not to be kept": [a / p, a],
        "what is kept is divided by the probability to be kept": [a, (1 - p) * a],
        "it is divided, not multiplied, by the probability to be kept": [(1 - p) * a, a],
    },
)
ANSWERS |= {
    "12.2": numbers(
        _stopped_and_restored, 0.0, {"it stops before it sees the epochs 6 and 7": [7, 7]}
    ),
    "12.3": function(
        _normalised,
        ([1.0, 2.0, 3.0, 6.0],),
        ([-5.0, 5.0],),
        ([0.01, 0.02, 0.02],),
        tolerance=1e-6,
        mistakes={
            "the variance is divided by N - 1": _by(lambda xs: math.sqrt(variance(xs) + 1e-5)),
            "10^-5 is missing": _by(pstdev),
            "10^-5 stands outside the root": _by(lambda xs: pstdev(xs) + 1e-5),
            "the root is missing": _by(lambda xs: pvariance(xs) + 1e-5),
            "only the mean is taken away": _by(lambda xs: 1.0),
        },
    ),
}


# Lesson 13, the spiral.


def _is_scores(answer: Any, sizes: list[int]) -> bool:
    model = MLP(2, sizes, "relu", rng=3)
    for k, p in enumerate(model.parameters()):
        p.data += 0.1 * (-1) ** k
    matrices: list[Any] = []
    for layer in model.layers:
        matrices.append([[w.data for w in unit.w] for unit in layer.neurons])
        matrices.append([unit.b.data for unit in layer.neurons])
    points = ([0.5, -1.0], [-2.0, 0.3], [1.0, 1.0])
    return all(
        asked(answer, x, *matrices, read=numbers([z.data for z in model(x)], 1e-9)) for x in points
    )


def _softmax_slopes(y: int) -> Right:
    p = (0.2, 0.5, 0.3)
    right = [float(k == y) for k in range(3)]
    return numbers(
        slopes(lambda *z: cross_entropy(z, y), *map(math.log, p)),
        mistakes={
            "1[y = k] is missing": p,
            "the other classes have a gradient too": [-r * (1 - p[y]) for r in right],
            "that is the gradient by p, and it goes on through softmax to z": (
                [-r / p[y] for r in right]
            ),
            "softmax and cross entropy together have no factor p (1 - p)": (
                [(a - r) * a * (1 - a) for a, r in zip(p, right, strict=True)]
            ),
        },
    )


VARIED["13.1"] = _softmax_slopes
VARIED["13.4"] = lambda k: number(
    math.log(k), mistakes={"that is a logarithm to the base 10": math.log10(k)}
)
ANSWERS |= {
    # About 49 %: linear layers are one linear layer.
    "13.2": lambda answer: 0.45 <= read_number(answer) <= 0.56,
    "13.3": each(_is_scores, [4, 3], [1, 2]),
}


# Lesson 14, digits.


def _most_confused(actual: list[int], predicted: list[int]) -> list[int]:
    pairs = zip(actual, predicted, strict=True)
    return list(Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(1)[0][0])


def _commonest(actual: list[int], predicted: list[int]) -> list[int]:
    return list(Counter(zip(actual, predicted, strict=True)).most_common(1)[0][0])


VARIED["14.1"] = lambda h: number(
    lambda: len(MLP(64, [h, 8, 10]).parameters()),
    0.0,
    {
        "those are the weights: each unit has a bias too": 64 * h + h * 8 + 80,
        "those are the units": h + 18,
        "the inputs have no bias": 65 * h + (h + 1) * 8 + 90 + 64,
    },
)
VARIED["14.4"] = lambda ten: number(
    ten * math.log(10), mistakes={"it is multiplied by ln 10, not divided": ten / math.log(10)}
)
ANSWERS |= {
    "14.2": word("same"),
    "14.3": function(
        _most_confused,
        ([0, 1, 2, 2, 2, 1], [0, 1, 1, 1, 2, 2]),
        ([8, 8, 8, 8, 3, 3, 9], [8, 8, 8, 1, 8, 8, 9]),
        ([5], [6]),
        tolerance=0.0,
        mistakes={
            "the true class comes first": lambda actual, predicted: _most_confused(
                actual, predicted
            )[::-1],
            "pairs that are right are no mistakes": _commonest,
        },
    ),
}


# Lesson 15, vowels.

#: Who spoke each of eight rows, and row numbers that are no fair split.
_GROUPS: Final = [1, 1, 2, 2, 3, 3, 4, 4]
_UNFAIR: Final = (
    ([0, 2, 4, 6], [1, 3, 5, 7]),
    ([0, 1, 2, 3, 4, 5, 6], [7]),
    ([0, 1, 2, 3], [4, 5]),
    ([0, 1, 2, 3, 4, 5, 6, 7], [0, 1]),
)


def _apart(training: list[int], test: list[int], groups: list[int]) -> bool:
    return {groups[k] for k in training}.isdisjoint(groups[k] for k in test)


def _complete(training: list[int], test: list[int], groups: list[int]) -> bool:
    return {*training, *test} == {*range(len(groups))}


VARIED["15.1"] = lambda x: number(
    lambda: standardising([[300.0], [700.0]])([[x]])[0][0],
    mistakes={
        "the deviation has the divisor n, not n - 1": (x - 500) / stdev([300, 700]),
        "only the mean is taken away": x - 500,
        "that is divided by the variance: take its root": (x - 500) / 200**2,
        "the mean is of the two training sounds alone": (x - fmean([300, 700, x])) / 200,
    },
)
ANSWERS |= {
    "15.2": word("hawed"),
    "15.3": function(
        lambda *split: _apart(*split) and _complete(*split),
        *((*split, _GROUPS) for split in (*folds(_GROUPS, 4), *_UNFAIR)),
        mistakes={
            "rows may be missing": _apart,
            "a speaker may be on both sides": _complete,
            "compare the speakers of the rows, not the rows": (
                lambda training, test, groups: not {*training} & {*test}
            ),
        },
    ),
}
