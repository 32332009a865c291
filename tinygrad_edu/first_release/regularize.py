"""`tinygrad_edu.regularize` of the first release."""

from tinygrad_edu.nn.norm import BatchNorm, Dropout

__all__ = ["BatchNorm", "Dropout"]
