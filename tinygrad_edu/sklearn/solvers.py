"""How the program of a net is minimised: epochs of batches, or L-BFGS on its flat gradient."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.optimize import _check_optimize_result

from tinygrad_edu.optim import SGD, Adam, Optimizer
from tinygrad_edu.train import DivergenceError
from tinygrad_edu.train.blocks import Block
from tinygrad_edu.train.fitting import progress_bar
from tinygrad_edu.train.machine import MachineDescent
from tinygrad_edu.vectorize.arrays import Array

NON_FINITE: Final = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


class Stochastic:
    """The optimizer of an estimator, under the names that scikit-learn gives it."""

    def __init__(self, net: Any) -> None:
        self.made_for = (net.solver, net.model_)
        parameters, rate = net.model_.parameters(), net.learning_rate_init
        self.optimizer: Optimizer
        if net.solver == "sgd":
            nesterov = bool(net.nesterovs_momentum and net.momentum > 0)
            self.optimizer = SGD(parameters, rate, momentum=net.momentum, nesterov=nesterov)
        else:
            betas = (net.beta_1, net.beta_2)
            self.optimizer = Adam(parameters, rate, betas=betas, eps=net.epsilon)

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return self.optimizer.lr

    def falls(self, rate: float, descent: MachineDescent) -> None:
        """Go on with another rate, which scikit-learn has in the velocity, v = mu v - lr g."""
        for velocity in descent.states:
            if velocity is not None:
                velocity *= self.optimizer.lr / rate
        self.optimizer.lr = rate


def fit_by_descent(
    net: Any, X: Array, targets: Array, weights: Array | None, *, incremental: bool
) -> None:
    """Descend with the optimizer of the estimator `net`, whose attributes tell what happened.

    Raises ValueError where the weights do not stay finite.
    """
    held_out: list[Any] | None = None
    scores, best_score = list[float](), -np.inf
    if net.early_stopping:
        X, targets, weights, *held_out = _split(net, X, targets, weights)
        net.validation_scores_, net.best_validation_score_ = scores, best_score
    n, max_iter = len(X), 1 if incremental else net.max_iter
    if net.batch_size != "auto" and net.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=4,
        )
    size = min(n, 200 if net.batch_size == "auto" else int(net.batch_size))
    Y, mean = _weighted(targets, weights)
    given = net.alpha / (size * mean), X, Y, weights is not None
    program = net._compiled(*given, dropout=net.dropout)
    scoring = net._compiled(*given) if net.dropout else program
    descent = MachineDescent(program, net._optimizer.optimizer, X, Y)
    best, net.n_iter_ = program.P.copy(), 0
    try:
        with progress(max_iter, bool(net.verbose)) as tell:
            for loss in _epochs(net, descent, size, max_iter):
                net.n_iter_ += 1
                net.t_ += n
                net.loss_ = loss
                net.loss_curve_.append(loss)
                wrong, score = loss, None
                if held_out is not None:
                    np.copyto(scoring.P, program.P)
                    outputs = scoring.results({"X": held_out[0]})[1]
                    score = net._validation_score(outputs, *held_out[1:])
                    scores.append(score)
                    if score > best_score:
                        net.best_validation_score_ = best_score = score
                        np.copyto(best, program.P)
                    wrong = -score
                tell(loss, score)
                if _stops(net, wrong, descent):
                    break
            else:
                if not incremental:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and "
                        "the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    except DivergenceError as error:
        if held_out is None:
            raise ValueError(NON_FINITE) from None
        scores.append(float("nan"))
        warnings.warn(f"the best weights are kept: {error}", ConvergenceWarning, stacklevel=4)
    finally:
        if held_out is not None:
            np.copyto(program.P, best)
        descent.write()


def _epochs(net: Any, descent: MachineDescent, size: int, max_iter: int) -> Iterator[float]:
    """Descend in batches of `size` rows: the mean loss of each epoch.

    Epochs are made ahead where none of them can be the last or the last of a rate, and no score is
    taken between.
    """
    n = len(descent.X)
    block = Block(np.arange(n), size, net._random_state if net.shuffle and size < n else None)
    one_by_one = net.early_stopping or net.learning_rate == "invscaling"
    while net.n_iter_ < max_iter:
        sure = 1 if one_by_one else net.n_iter_no_change - net._no_improvement_count + 1
        block.most, block.steps = max(1, min(sure, max_iter - net.n_iter_)), 0
        try:
            descent.run(block, net.n_iter_)
        finally:  # epochs that were complete before it was broken off count too
            yield from block.mean_losses() if block.epochs else ()


def _stops(net: Any, loss: float, descent: MachineDescent) -> bool:
    """Whether this is one epoch too many without a fall of at least `tol`, at any rate."""
    worse = loss > net._best - net.tol
    net._no_improvement_count = net._no_improvement_count + 1 if worse else 0
    net._best = min(net._best, loss)
    stops = bool(net._no_improvement_count > net.n_iter_no_change)
    falling, rate = net.learning_rate if net.solver == "sgd" else "", net._optimizer.learning_rate
    if falling == "invscaling":
        rate = net.learning_rate_init / (net.t_ + 1) ** net.power_t
    elif falling == "adaptive" and stops and rate > 1e-6:
        rate, stops, net._no_improvement_count = rate / 5, False, 0
    if rate != net._optimizer.learning_rate:
        net._optimizer.falls(rate, descent)
    return stops


def _weighted(targets: Array, weights: Array | None) -> tuple[Array, float]:
    """Targets with the weights behind them, scaled to the mean 1; and the mean they had."""
    if weights is None:
        return targets, 1.0
    mean = float(weights.mean())
    return np.column_stack([targets, weights / mean]), mean


def _split(net: Any, *arrays: Array | None) -> list[Any]:
    """Rows, targets and weights to learn from, then those to score."""
    given = [array for array in arrays if array is not None]
    parts: list[Any] = train_test_split(
        *given,
        random_state=net._random_state,
        test_size=net.validation_fraction,
        stratify=given[1].astype(bool) if is_classifier(net) and net.n_outputs_ == 1 else None,
    )
    if len(parts[1]) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            "your dataset."
        )
    none = [None] * (3 - len(given))
    return [*parts[::2], *none, *parts[1::2], *none]


def fit_by_lbfgs(net: Any, X: Array, targets: Array, weights: Array | None) -> None:
    """Minimise the mean loss on all rows (Liu and Nocedal 1989), and give `net` the weights.

    Raises ValueError where they do not stay finite.
    """
    Y, mean = _weighted(targets, weights)
    strength = net.alpha / (len(X) * mean)
    program = net._compiled(strength, X, Y, weights is not None)
    kernel = program.kernel(len(X), gradient=True)
    np.copyto(kernel.inputs["X"], X)
    np.copyto(kernel.inputs["Y"], Y)

    def loss_and_gradient(P: Array) -> tuple[float, Array]:
        np.copyto(program.P, P)
        program.run(kernel)
        return kernel.mean(), program.G.copy()

    with progress(net.max_iter, bool(net.verbose)) as tell, np.errstate(all="ignore"):

        def record(intermediate_result: Any) -> None:
            net.loss_curve_.append(float(intermediate_result.fun))
            tell(net.loss_curve_[-1])

        result = minimize(
            loss_and_gradient,
            program.P.copy(),
            jac=True,
            method="L-BFGS-B",
            callback=record,
            options={"maxiter": net.max_iter, "maxfun": net.max_fun, "gtol": net.tol},
        )
    if not (np.isfinite(result.x).all() and np.isfinite(result.fun)):
        raise ValueError(NON_FINITE)
    np.copyto(program.P, result.x)
    program.write_parameters()
    net.loss_ = net._best = float(result.fun)
    net.n_iter_ = _check_optimize_result("lbfgs", result, net.max_iter)


@contextmanager
def progress(max_iter: int, verbose: bool) -> Iterator[Callable[..., None]]:
    """A function that takes the loss after each iteration, and the validation score if any.

    It shows them as a bar, or where nobody can see one as scikit-learn's lines.
    """
    with progress_bar(max_iter, verbose) as bar:
        lines, iterations = verbose and bar.disable, count(1)

        def tell(loss: float, score: float | None = None) -> None:
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            bar.update()
            if lines:
                scored = "" if score is None else f"\nValidation score: {score:f}"
                print(f"Iteration {next(iterations)}, loss = {loss:.8f}{scored}")

        yield tell
