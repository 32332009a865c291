"""The doctor: what is wrong with a gradient, an engine, a slope, a training."""

from tinygrad_edu.diagnose.diagnosis import SLIPS, Diagnosis
from tinygrad_edu.diagnose.engine import diagnose_engine
from tinygrad_edu.diagnose.slopes import diagnose_slopes
from tinygrad_edu.diagnose.training import diagnose_training

__all__ = ["SLIPS", "Diagnosis", "diagnose_engine", "diagnose_slopes", "diagnose_training"]
