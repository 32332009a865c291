"""Training: `train` is a generator of steps, `fit` drives it and gives a `History`."""

from tinygrad_edu.train.descent import Step, train
from tinygrad_edu.train.evaluation import classes, evaluate, predict, probabilities
from tinygrad_edu.train.fitting import Callback, EarlyStopping, Epoch, fit, pretrain
from tinygrad_edu.train.history import History
from tinygrad_edu.train.scalar import scalar_engine
from tinygrad_edu.train.search import Best, Run, Sweep, best_of, sweep
from tinygrad_edu.train.training import DivergenceError

__all__ = [
    "Best", "Callback", "DivergenceError", "EarlyStopping", "Epoch", "History", "Run", "Step",
    "Sweep", "best_of", "classes", "evaluate", "fit", "predict", "pretrain", "probabilities",
    "scalar_engine", "sweep", "train",
]  # fmt: skip
