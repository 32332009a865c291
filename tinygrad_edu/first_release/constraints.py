"""`tinygrad_edu.constraints` of the first release."""

from tinygrad_edu.optim.clipping import clip_grad_norm, clip_grad_value, max_norm

__all__ = ["clip_grad_norm", "clip_grad_value", "max_norm"]
