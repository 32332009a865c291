"""`tinygrad_edu.ink` of the first release."""

from tinygrad_edu import expr
from tinygrad_edu.expr import Expr as Ink
from tinygrad_edu.expr import latex, symbol, text

__all__ = ["Ink", "latex", "symbol", "text"]
__getattr__ = expr.__getattr__
