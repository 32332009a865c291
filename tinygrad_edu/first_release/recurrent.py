"""`tinygrad_edu.recurrent` of the first release."""

from tinygrad_edu.nn.recurrent import RNN, RNNCell, per_step

__all__ = ["RNN", "RNNCell", "per_step"]
