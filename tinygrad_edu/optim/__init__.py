"""What changes parameters: optimizers, schedules of their rate, clipping of gradients and norms."""

from tinygrad_edu.optim import optimizers
from tinygrad_edu.optim.clipping import clip_grad_norm, clip_grad_value, max_norm
from tinygrad_edu.optim.optimizers import *
from tinygrad_edu.optim.schedules import (
    Schedule,
    cosine_decay,
    exponential_decay,
    linear_decay,
    step_decay,
)
from tinygrad_edu.text import public_order

__all__ = [
    "Schedule",
    "clip_grad_norm",
    "clip_grad_value",
    "cosine_decay",
    "exponential_decay",
    "linear_decay",
    "max_norm",
    "step_decay",
]
__all__ += optimizers.__all__
__all__.sort(key=public_order)
