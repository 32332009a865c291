"""What changes parameters: optimizers, schedules of their rate, clipping of gradients and norms."""

from tinygrad_edu.optim import clipping, optimizers, schedules
from tinygrad_edu.optim.clipping import *
from tinygrad_edu.optim.optimizers import *
from tinygrad_edu.optim.schedules import *
from tinygrad_edu.text import public_order

__all__: list[str] = []
__all__ += clipping.__all__
__all__ += optimizers.__all__
__all__ += schedules.__all__
__all__.sort(key=public_order)
