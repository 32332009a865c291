"""Calls that do not fit, and habits of other libraries: what to write here instead."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any, Final, TypeVar

_PACKAGE: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_Function = TypeVar("_Function", bound=Callable[..., Any])

#: An argument of other libraries -> ours.
ARGUMENTS: Final = {
    "activation_fn": "activation", "alpha": "penalty", "batch": "batch_size", "criterion": "loss",
    "final_activation": "output", "hidden_layer_sizes": "nouts", "in_features": "nin",
    "input_size": "nin", "iterations": "epochs", "last_activation": "output", "learning_rate": "lr",
    "loss_fn": "loss", "max_iter": "epochs", "n_epochs": "epochs", "n_in": "nin",
    "n_estimators": "n", "n_inputs": "nin", "n_points": "n", "n_samples": "n",
    "num_epochs": "epochs", "opt": "optimizer", "optim": "optimizer", "out_activation": "output",
    "out_features": "nout", "output_activation": "output", "output_size": "nout",
    "random_seed": "rng", "random_state": "rng",
    "regularizer": "penalty", "sample_weights": "sample_weight", "seed": "rng",
    "val_data": "validation", "validation_data": "validation", "validation_split": "validation",
    "verbose": "progress", "weights": "sample_weight",
}  # fmt: skip
#: A name of other libraries -> ours, in lower case.
NAMES: Final = {
    "bce": "binary_cross_entropy", "bcewithlogits": "binary_cross_entropy_with_logits",
    "categorical_crossentropy": "cross_entropy", "ce": "cross_entropy", "identity": "linear",
    "kaiming": "he", "l2": "squared_error", "log_loss": "cross_entropy", "logistic": "sigmoid",
    "logloss": "cross_entropy", "mse": "mean_squared_error", "mse_loss": "mean_squared_error",
    "nll": "cross_entropy", "none": "linear", "sse": "squared_error", "glorot": "xavier",
    "sparse_categorical_crossentropy": "cross_entropy",
    "absolute": "abs", "average": "mean", "heaviside": "step", "lg": "log10", "ln": "log",
    "sqr": "pow", "square": "pow", "tg": "tan",
}  # fmt: skip
#: What an argument that is missing could be, to begin with.
BEGINNINGS: Final = {
    "epochs": "epochs=100",
    "loss": 'loss="cross_entropy" (for numbers "squared_error")',
    "optimizer": "optimizer=Adam(model.parameters(), lr=0.01)",
}


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of the names that was meant, if one was."""
    known, word = list(names), name[:40].lower()
    habits = [table[word] for table in (ARGUMENTS, NAMES) if word in table]
    near = [*(name for name in habits if name in known), *get_close_matches(word, known, n=1)]
    return near[0] if near else None


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning at the line, outside the package, from which it was called."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def answered(function: _Function) -> _Function:
    """The function; a call that does not fit its arguments is told what to write.

    >>> from tinygrad_edu import moons
    >>> moons(20, seed=1)
    Traceback (most recent call last):
        ...
    TypeError: moons() has no argument 'seed': write rng=...
    """

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # from within the function
            sentence = _sentence(function, args, options) or str(error)
        raise TypeError(sentence)

    return call  # type: ignore[return-value]


def _sentence(function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """What does not fit and what to write; "" where too much was given."""
    from inspect import signature  # late: it takes long to import

    parameters = signature(function).parameters
    called = function.__qualname__.removesuffix(".__init__")
    for name in options:
        if name not in parameters:
            meant = nearest(name, parameters)
            remedy = f"write {meant}=..." if meant else f"it takes {', '.join(parameters)}"
            return f"{called}() has no argument {name!r:.40}: {remedy}".replace("self, ", "")
    one = {n: p for n, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    places = [n for n, p in one.items() if p.kind is not p.KEYWORD_ONLY]
    given = {*options, *places[: len(args)]}
    missing = [n for n, p in one.items() if p.default is p.empty and n not in given]
    by_name = [n for n, p in one.items() if p.kind is p.KEYWORD_ONLY]
    if by_name and len(one) == len(parameters) and len(args) > len(places):
        names = [n for n in by_name if n in missing] or by_name
        taken = ", ".join(places).removeprefix("self, ")
        return f"{called}() takes {taken} by place, and by name {', '.join(names)}"
    examples = ", ".join(BEGINNINGS[name] for name in missing if name in BEGINNINGS)
    such = f", such as {examples}" if examples else ""
    return f"{called}() also needs {', '.join(missing)}{such}" if missing else ""
