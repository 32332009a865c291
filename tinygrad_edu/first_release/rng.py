"""`tinygrad_edu.rng` of the first release."""

from tinygrad_edu.checks import as_random

__all__ = ["as_random"]
