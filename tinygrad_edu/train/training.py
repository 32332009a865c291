"""Training: what is trained, by what, on what; what its parts hold; and when it has diverged."""

from __future__ import annotations  # so that help() shows the names of the types

import math
import random
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from gc import get_referents
from opcode import opmap
from operator import is_
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import as_model, function, instance
from tinygrad_edu.engine import Value
from tinygrad_edu.examples import read_row
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn import Module
from tinygrad_edu.optim import Optimizer, find_optimizer

Model = Callable[[Any], Any]
Penalty = Callable[[Any], Value]

#: From rows and targets to the mean loss (penalty included) and the outputs as numbers; the
#: gradients are then in the parameters.
BatchGradient = Callable[[Sequence[Any], Sequence[Any]], tuple[float, list[list[float]]]]
Engine = Callable[[Model, Loss, Penalty | None], BatchGradient]
#: Makes another row of a row, such as the same with noise: (row, rng) -> row.
Augment = Callable[[list[float], random.Random], Iterable[Any]]
#: An optimizer, its name, or a function that makes one from the parameters.
AnyOptimizer = str | Optimizer | Callable[[list[Value]], Optimizer]

NOTHING: Final = (
    "there is nothing to differentiate: the loss must give a Value made from the output, "
    "outside of no_grad()"
)


class Training(NamedTuple):
    """What is trained, by what, on what; everything is checked."""

    model: Model
    loss: Loss
    penalty: Penalty | None
    optimizer: Optimizer
    rows: Sequence[Any]
    targets: Sequence[Any]


class Divergence(NamedTuple):
    """What is no longer finite, as a sentence; `first` if no finite loss and gradient came before.

    Then the learning rate has changed nothing yet, and an operation is to blame.
    """

    what: str
    number: float
    lr: float
    epoch: int
    first: bool = False

    def __str__(self) -> str:
        advice = "try a smaller learning rate"
        name = "train inside `with detect_anomaly():`, where the scalar engine names the operation"
        if self.first and self.what != "a parameter":  # which a finite loss and gradient came to
            advice = f"no step came before, so that no learning rate helps: {name}"
        elif self.what == "a gradient":  # of a finite loss
            advice += f", or {name}"
        found = f"{self.what} is {self.number!r} at lr={self.lr:g}"
        return f"diverged in epoch {self.epoch}: {found}; {advice}"


class DivergenceError(ArithmeticError):
    """The loss, a gradient or a parameter became inf or nan: its argument is a `Divergence`."""


def prepared(
    model: Model,
    rows: Sequence[Any],
    targets: Sequence[Any],
    loss: str | Loss,
    optimizer: AnyOptimizer,
    penalty: Penalty | None,
) -> Training:
    """What is trained on what: rows and targets are checked before, and here the rest."""
    if penalty is not None:
        remedy = "write penalty=lambda model: l2(model.parameters(), 1e-4)"
        function("penalty", penalty, "the model", remedy)
    loss, optimizer = find_loss(loss), _find_optimizer(optimizer, as_model(model))
    return Training(model, loss, penalty, optimizer, rows, targets)


def _find_optimizer(optimizer: AnyOptimizer, model: Model) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        if not isinstance(model, Module):
            raise TypeError(
                "for a model that is no nn.Module give an optimizer with its parameters"
            )
        expected = "a name, an Optimizer or a function of the parameters"
        remedy = "one of your own is a subclass of Optimizer with an update"
        instance("optimizer", optimizer, (str, Callable), expected, remedy)
        make = optimizer if callable(optimizer) else find_optimizer(optimizer)
        optimizer = make(model.parameters())
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must make an Optimizer of the parameters, got {optimizer!r:.40}: "
                "write optimizer=lambda parameters: SGD(parameters, lr=0.1)"
            )
    if isinstance(model, Module) and set(model.parameters()).isdisjoint(optimizer.parameters):
        raise ValueError(
            f"{optimizer!r} holds no parameter of {model!r}: make it from model.parameters()"
        )
    return optimizer


def changed_row(augment: Augment, row: list[float], rng: random.Random) -> list[float]:
    """The row as `augment` changes it, checked like the rows of X; the row itself stays."""
    changed = read_row(augment(list(row), rng), "augment(row, rng)")
    if len(changed) != len(row):
        raise ValueError(
            f"augment(row, rng) must be a row of {len(row)} numbers, got {len(changed)}"
        )
    return changed


def differentiable(loss: Any) -> Value:
    """The loss, if it is a result. Raises TypeError if there is nothing to differentiate."""
    if not isinstance(loss, Value) or not loss.parents:
        raise TypeError(NOTHING)
    return loss


def check_finite(what: str, numbers: Iterable[float], optimizer: Optimizer, epoch: int) -> None:
    """Raise DivergenceError, naming `what`, for the first number that is inf or nan."""
    bad = next((x for x in numbers if not math.isfinite(x)), None)
    if bad is not None:
        raise DivergenceError(Divergence(what, float(bad), optimizer.lr, epoch))


#: What holds nothing that changes with calls; the numbers of Values are looked after elsewhere.
_LEAVES: Final = (Value, bool, int, float, complex, str, bytes, type(None))
_LIBRARIES: Final = sys.stdlib_module_names | {__name__.partition(".")[0]}
#: Names by which code asks what kind of thing it got, and what `case float():` becomes.
_QUESTIONS: Final = {"isinstance", "issubclass", "type", "__class__", "hasattr", "getattr"}
_MATCH_CLASS: Final = opmap["MATCH_CLASS"]


@contextmanager
def trial(*roots: Any) -> Iterator[None]:
    """Inside, these functions and models may run; afterwards all that they hold is as before.

    That is attributes, closures, globals, lists, dicts, sets, arrays, and generators of random
    numbers, with those of Python and NumPy where their modules are mentioned; not the numbers of
    Values. Of classes and globals only those of the user's own files are looked into.
    """
    undo = [put_back for x in _held(roots) for put_back in _undo(x)]
    try:
        yield
    finally:
        for put_back in undo:
            put_back()


def unchanged(*roots: Any) -> Callable[[], bool]:
    """What tells, quickly, whether these functions and models still hold what they hold now.

    It gives False as well where they hold what cannot be looked into, such as an object with slots.
    """
    looks = [look for x in _held(roots) if (look := _look(x)) is not None]
    before = [[*look()] for look in looks]

    def same(look: Callable[[], Iterable[Any]], kept: list[Any]) -> bool:
        now = [*look()]
        return len(now) == len(kept) and all(map(is_, now, kept))

    return lambda: all(map(same, looks, before))


def _look(x: Any) -> Callable[[], Iterable[Any]] | None:
    """What gives the things that `x` holds now, a new one each time if they cannot be seen."""
    import numpy as np

    match x:
        case list() | deque() | set():
            return lambda: x
        case dict():
            return lambda: (*x, *x.values())
        case CellType():
            return (lambda: (x.cell_contents,)) if x != CellType() else None
        case FunctionType() if _is_users(x):
            return lambda: (x.__code__, x.__defaults__, x.__kwdefaults__, *_globals(x).values())
        case np.ndarray():
            kept = x.copy()
            return lambda: (kept if np.array_equal(x, kept, equal_nan=True) else object(),)
        case type() if _is_users(x):
            return lambda: vars(x).values()
        case ModuleType() if _is_users_module(x.__name__):
            return lambda: (object(),)
        case FunctionType() | type() | ModuleType() | tuple() | frozenset() | np.ufunc():
            return None
    kinds = type(x).__mro__
    hidden = any("__slots__" in vars(kind) for kind in kinds if _is_users(kind))
    seen = not hidden and _is_users(kinds[0], but=_LIBRARIES)
    return None if seen else lambda: (object(),)


def asks_types(*roots: Any) -> bool:
    """Whether code of the user's that these functions and models hold asks what kind it has got."""
    return any(
        _MATCH_CLASS in code.co_code[::2] or not _QUESTIONS.isdisjoint(code.co_names)
        for x in _held(roots)
        for code in _codes(x)
    )


def _held(roots: Iterable[Any]) -> Iterable[Any]:
    """All that can be reached from these."""
    found = {id(x): x for x in roots}
    pending = [*found.values()]
    for x in pending:  # which grows meanwhile
        for part in _parts(x):
            if id(part) not in found and not isinstance(part, _LEAVES):
                found[id(part)] = part
                pending.append(part)
    return pending


def _parts(x: Any) -> Iterable[Any]:
    match x:
        case list() | dict() | tuple():  # at once, as there are many
            return get_referents(x)
        case FunctionType():
            plain = x.__closure__, x.__defaults__, x.__kwdefaults__, x.__dict__
            return [*plain, *_globals(x).values()]
        case type():
            return [*vars(x).values(), *x.__bases__] if _is_users(x) else ()
        case ModuleType():
            return (getattr(x, "random", None),)  # a method of its generator, or numpy.random
    if _is_users(type(x), but=_LIBRARIES):
        return [getattr(x, "__dict__", None), *get_referents(x)]
    return ()


def _undo(x: Any) -> Iterator[Callable[[], Any]]:
    """What gives `x` itself what it holds now."""
    import numpy as np

    match x:
        case list():
            yield partial(x.__setitem__, slice(None), list(x))
        case deque() | set():
            yield x.clear
            yield partial(x.extend if isinstance(x, deque) else x.update, list(x))
        case dict():
            kept = dict(x)
            yield lambda: [x.pop(key) for key in [*x] if key not in kept]
            yield partial(x.update, kept)
        case CellType() if x != CellType():  # the empty one
            yield partial(setattr, x, "cell_contents", x.cell_contents)
        case FunctionType():
            yield partial(x.__globals__.update, _globals(x))
        case random.Random() if not isinstance(x, random.SystemRandom):
            yield partial(x.setstate, x.getstate())
        case np.random.RandomState():
            yield partial(x.set_state, x.get_state())
        case np.random.Generator():
            yield partial(setattr, x.bit_generator, "state", x.bit_generator.state)
        case np.ndarray() if x.flags.writeable:
            yield partial(np.copyto, x, x.copy())


def _globals(function: FunctionType) -> dict[str, Any]:
    """The globals that a function of the user's mentions."""
    names = {name for code in _codes(function) for name in code.co_names}
    return {name: function.__globals__[name] for name in names & function.__globals__.keys()}


def _codes(x: Any) -> list[CodeType]:
    """The code of a function of the user's and of those defined in it."""
    codes = [x.__code__] if isinstance(x, FunctionType) and _is_users(x) else []
    for code in codes:  # which grows meanwhile
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
    return codes


def _is_users(x: Any, but: Collection[str] = ()) -> bool:
    """Whether the user wrote a function or a class, or it is of `but`, its first name."""
    return _is_users_module(x.__module__, but)


def _is_users_module(name: str | None, but: Collection[str] = ()) -> bool:
    first = (name or "").partition(".")[0]
    file = getattr(sys.modules.get(name or ""), "__file__", None) or ""
    return first in but or (first not in _LIBRARIES and "-packages" not in file)
