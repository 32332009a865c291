"""Training: `train` is a generator of steps, `fit` drives it and gives a `History`."""

from tinygrad_edu.train.descent import Step, train
from tinygrad_edu.train.evaluation import evaluate, predict
from tinygrad_edu.train.finite import DivergenceError
from tinygrad_edu.train.fitting import EarlyStopping, Epoch, fit
from tinygrad_edu.train.history import History
from tinygrad_edu.train.pretraining import pretrain
from tinygrad_edu.train.restarts import Best, best_of
from tinygrad_edu.train.scalar import scalar_engine
from tinygrad_edu.train.sweep import Run, Sweep, sweep

__all__ = [
    "Best",
    "DivergenceError",
    "EarlyStopping",
    "Epoch",
    "History",
    "Run",
    "Step",
    "Sweep",
    "best_of",
    "evaluate",
    "fit",
    "predict",
    "pretrain",
    "scalar_engine",
    "sweep",
    "train",
]
