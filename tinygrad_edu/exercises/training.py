"""The exercises of lessons 7 to 11 whose answers are looked at closely."""

import random
import statistics
from typing import Any, Final

from tinygrad_edu.engine import Value, grad
from tinygrad_edu.exercises.kinds import (
    MistakeError,
    Right,
    each,
    function,
    number,
)
from tinygrad_edu.exercises.reading import AnswerError, asked, read_number, read_value
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
)

ANSWERS: dict[str, Right] = {}


# Lesson 7, losses and outputs.


def _plain(found: Any) -> float:
    if isinstance(found, Value):
        raise AnswerError("a float is asked for, and this is a Value")
    return read_number(found)


ANSWERS["7.3"] = function(
    lambda z, y: binary_cross_entropy_with_logits(z, y).data,
    *((z, y) for z in (-1000.0, -2.0, 0.0, 0.5, 40.0, 1000.0) for y in (0.0, 1.0)),
    read=_plain,
)


# Lesson 10, initialisation and symmetry.

_DRAWS: Final = 4000


def _is_gaussian(answer: Any, nin: int) -> bool:
    """Mean 0, variance 1/nin, kurtosis 3 (1.8 if uniform), each to about five standard errors."""
    rng = random.Random(1)
    draws = [asked(answer, rng, nin, 7, read=read_number) for _ in range(_DRAWS)]
    if draws[0] != asked(answer, random.Random(1), nin, 7, read=read_number):
        raise AnswerError("equal seeds give other weights: draw from the rng that is given")
    mean, variance = statistics.fmean(draws), float(statistics.pvariance(draws))
    if abs(mean) > 0.1 * nin**-0.5:
        return False
    if 0.9 < variance * nin**2 < 1.1:
        raise MistakeError("1/nin is the variance, and `gauss` takes its root")
    if not 0.9 < variance * nin < 1.1:
        raise MistakeError("the mean is right, the variance is not")
    if not 2.6 < statistics.fmean([(w - mean) ** 4 for w in draws]) / variance**2 < 3.4:
        raise MistakeError("mean and variance are right, but they are not of a Gaussian")
    return True


ANSWERS["10.3"] = each(_is_gaussian, 4, 100)


# Lesson 11, saturation and dead units.

_ALPHA: Final = 0.1


def _is_generalised_relu(answer: Any, x: float) -> bool:
    z = Value(x)
    a = asked(answer, z, read=read_value)
    slope = 1.0 if x > 0 else _ALPHA
    return number(slope * x, 1e-9)(a) and number(slope, 1e-9)(grad(a, z))


ANSWERS["11.3"] = each(_is_generalised_relu, -50.0, -3.0, -0.5, 0.5, 4.0)
