"""How the program of a net is minimised: epochs of batches, or L-BFGS on its flat gradient."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from itertools import count
from typing import Any, Final, TypeVar

import numpy as np
from scipy.optimize import minimize
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from tinygrad_edu.checks import whole
from tinygrad_edu.train import DivergenceError
from tinygrad_edu.train.blocks import Block
from tinygrad_edu.train.fitting import progress_bar
from tinygrad_edu.train.machine import MachineDescent
from tinygrad_edu.vectorize.arrays import Array

_Method = TypeVar("_Method", bound=Callable[..., Any])
#: Names of scikit-learn for activations that have another name here.
ALIASES: Final = {"identity": "linear", "logistic": "sigmoid"}
#: What scikit-learn's `MLPClassifier` and `MLPRegressor` take and these estimators do not.
MISSING: Final = {
    "learning_rate": "the rate is constant: write learning_rate_init alone",
    "power_t": "it belongs to learning_rate='invscaling', and the rate is constant: leave it out",
    "loss": "half the squared error for a regressor, cross entropy for a classifier: leave it out",
    "sample_weight": "all rows weigh the same: repeat those that should weigh more",
}

NON_FINITE: Final = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


def refusing(method: _Method) -> _Method:
    """The method, with a TypeError that says what to write instead of an argument it has not."""
    taken = signature(method).parameters

    @wraps(method)
    def checked(net: Any, *arguments: Any, **named: Any) -> Any:
        if named.get("sample_weight", 0) is None:
            del named["sample_weight"]
        for name in named:
            if name not in taken:
                known = net._get_param_names()
                near = get_close_matches(name, known, n=1) or [", ".join(known)]
                how = MISSING.get(name) or f"the constructor takes {near[0]}"
                raise TypeError(f"{type(net).__name__} takes no {name}: {how}")
        return method(net, *arguments, **named)

    return checked  # type: ignore[return-value]


def units_of(hidden: Any) -> list[int]:
    """The sizes of the hidden layers."""
    several = hidden if isinstance(hidden, Iterable) else [hidden]
    return [whole("a size in hidden_layer_sizes", n) for n in several]


def in_steps(estimator: Any) -> bool:
    """Whether `partial_fit` is there: L-BFGS takes all rows at once."""
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


def fit_by_descent(
    net: Any, X: Array, targets: Array, max_iter: int, *, incremental: bool = False
) -> None:
    """Descend with the optimizer of the estimator `net`, whose attributes tell what happened.

    Raises ValueError where the weights do not stay finite.
    """
    held_out, scores, best_score = None, list[float](), -np.inf
    if net.early_stopping:
        X, held_out, targets, held_out_targets = _split(net, X, targets)
        net.validation_scores_, net.best_validation_score_ = scores, best_score
    n = len(X)
    if net.batch_size != "auto" and net.batch_size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=4,
        )
    size = min(n, 200 if net.batch_size == "auto" else int(net.batch_size))
    program = net._compiled(net.alpha / size, X, targets)
    descent = MachineDescent(program, net._optimizer, X, targets)
    best = program.P.copy()
    net.n_iter_ = 0
    try:
        with progress(max_iter, bool(net.verbose)) as tell:
            for loss in _epochs(net, descent, size, max_iter):
                net.n_iter_ += 1
                net.t_ += n
                net.loss_ = loss
                net.loss_curve_.append(loss)
                wrong, score = loss, None
                if held_out is not None:
                    score = net._validation_score(
                        program.results({"X": held_out})[1], held_out_targets
                    )
                    scores.append(score)
                    if score > best_score:
                        net.best_validation_score_ = best_score = score
                        np.copyto(best, program.P)
                    wrong = -score
                tell(loss, score)
                if _stops(net, wrong):
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
    except DivergenceError:
        raise ValueError(NON_FINITE) from None
    finally:
        if held_out is not None:
            np.copyto(program.P, best)
        descent.write()


def _epochs(net: Any, descent: MachineDescent, size: int, max_iter: int) -> Iterator[float]:
    """Descend in batches of `size` rows: the mean loss of each epoch.

    Epochs are made ahead where none of them can be the last, and no score is taken between.
    """
    n = len(descent.X)
    block = Block(np.arange(n), size, net._random_state if net.shuffle and size < n else None)
    while net.n_iter_ < max_iter:
        sure = 1 if net.early_stopping else net.n_iter_no_change - net._epochs_without + 1
        block.most, block.steps = max(1, min(sure, max_iter - net.n_iter_)), 0
        try:
            descent.run(block, net.n_iter_)
        finally:  # epochs that were complete before it was broken off count too
            yield from block.mean_losses() if block.epochs else ()


def _stops(net: Any, loss: float) -> bool:
    """Whether this is one epoch too many without a fall of at least `tol`."""
    net._epochs_without = net._epochs_without + 1 if loss > net._best - net.tol else 0
    net._best = min(net._best, loss)
    return bool(net._epochs_without > net.n_iter_no_change)


def _split(net: Any, X: Array, targets: Array) -> list[Array]:
    parts: list[Array] = train_test_split(
        X,
        targets,
        random_state=net._random_state,
        test_size=net.validation_fraction,
        stratify=targets if is_classifier(net) and net.n_outputs_ == 1 else None,
    )
    if len(parts[1]) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            "your dataset."
        )
    return parts


def fit_by_lbfgs(net: Any, X: Array, targets: Array) -> None:
    """Minimise the mean loss on all rows (Liu and Nocedal 1989), and give `net` the weights.

    Raises ValueError where they do not stay finite.
    """
    program = net._compiled(net.alpha / len(X), X, targets)
    kernel = program.kernel(len(X), gradient=True)
    np.copyto(kernel.inputs["X"], X)
    np.copyto(kernel.inputs["Y"], targets)

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
    net.loss_, net.n_iter_ = float(result.fun), min(int(result.nit), net.max_iter)
    net._best = net.loss_
    if not result.success:
        warnings.warn(
            f"lbfgs failed to converge after {result.nit} iteration(s) "
            f"(status={result.status}):\n{result.message}\n\n"
            f"Increase the number of iterations (max_iter={net.max_iter}) or scale the data.",
            ConvergenceWarning,
            stacklevel=4,
        )


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
                print(f"Iteration {next(iterations)}, loss = {loss:.8f}")
                if score is not None:
                    print(f"Validation score: {score:f}")

        yield tell
