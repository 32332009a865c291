"""What is wrong, not only that something is: a slip, where it was made, and what was right."""

from tinygrad_edu.diagnose.backward import diagnose_backward
from tinygrad_edu.diagnose.diagnosis import SLIPS, Diagnosis
from tinygrad_edu.diagnose.engine import diagnose_engine
from tinygrad_edu.diagnose.slopes import diagnose_slopes
from tinygrad_edu.diagnose.training import diagnose_training

__all__ = [
    "SLIPS", "Diagnosis", "diagnose_backward", "diagnose_engine", "diagnose_slopes",
    "diagnose_training",
]  # fmt: skip
