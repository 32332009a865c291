"""`tinygrad_edu.schedules` of the first release."""

from tinygrad_edu.optim.schedules import (
    Schedule,
    cosine_decay,
    exponential_decay,
    linear_decay,
    step_decay,
)

__all__ = ["Schedule", "cosine_decay", "exponential_decay", "linear_decay", "step_decay"]
