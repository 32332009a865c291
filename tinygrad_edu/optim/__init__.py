"""What changes parameters: optimizers, schedules of their rate, clipping of gradients and norms."""

from tinygrad_edu.optim.clipping import clip_grad_norm, clip_grad_value, max_norm
from tinygrad_edu.optim.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    find_optimizer,
)
from tinygrad_edu.optim.schedules import (
    Schedule,
    cosine_decay,
    exponential_decay,
    linear_decay,
    step_decay,
)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "clip_grad_norm",
    "clip_grad_value",
    "cosine_decay",
    "exponential_decay",
    "find_optimizer",
    "linear_decay",
    "max_norm",
    "step_decay",
]
