"""Agreement: whether a program and the scalar graph give the same numbers."""

from typing import Final

import numpy as np

from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.kernel import Kernel

#: Relative to the largest of the numbers compared.
TOLERANCE: Final = 1e-8
#: Relative to the numbers that a result is computed from.
ROUNDING: Final = 1e-12


def agree(kernel: Kernel, parameters: Array, *pairs: tuple[Array, Array]) -> bool:
    """Whether what a kernel found is what was expected; inf and nan at the same places.

    To TOLERANCE relative to the largest of the numbers, or to ROUNDING relative to the largest that
    the kernel reads or gives, which remains where these cancel.
    """
    magnitude = max(_largest(a) for a in (parameters, *kernel.inputs.values(), *kernel.results))
    return all(_close(found, expected, magnitude) for found, expected in pairs)


def _close(found: Array, expected: Array, magnitude: float) -> bool:
    limit = TOLERANCE * _largest(expected) + ROUNDING * magnitude
    return bool(np.isclose(found, expected, rtol=TOLERANCE, atol=limit, equal_nan=True).all())


def _largest(x: Array) -> float:
    return float(np.abs(x[np.isfinite(x)]).max(initial=0.0))
