"""The doctor: what is wrong with a gradient, an engine, a slope, a training."""

from tinygrad_edu.diagnose.diagnosis import SLIPS, Diagnosis
from tinygrad_edu.diagnose.engine import diagnose_engine

__all__ = ["SLIPS", "Diagnosis", "diagnose_engine"]
