"""Training: what is trained, by what, on what; what its parts hold; and when it has diverged."""

from __future__ import annotations  # so that help() shows the names of the types

import math
import random
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from opcode import opmap
from operator import is_not
from types import BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
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


class Held:
    """What functions and models hold besides Values, so that mere trials of them leave no trace.

    That is attributes, closures, globals, lists, dicts, sets, arrays, and generators of random
    numbers, with those of Python and NumPy where their modules are mentioned. Of classes and
    globals only those of the user's own files are looked into. `asks_types` if their code asks what
    kind of thing it has got.
    """

    def __init__(self, *roots: Any) -> None:
        self.roots = roots
        self._look()

    def _look(self) -> None:
        self.places: list[_Place] = []
        self.states: list[_State] = []
        codes: list[CodeType] = []
        found: dict[int, Any] = {}
        pending = [*self.roots]
        for x in pending:  # which grows meanwhile
            if id(x) not in found:
                found[id(x)] = x
                codes += _codes(x)
                self.states += _states(x)
                parts, *places = _opened(x)
                self.places += places
                if not all(issubclass(kind, _LEAVES) for kind in set(map(type, parts))):
                    pending += [part for part in parts if not isinstance(part, _LEAVES)]
        self.asks_types = any(
            _MATCH_CLASS in code.co_code[::2] or not _QUESTIONS.isdisjoint(code.co_names)
            for code in codes
        )

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Inside, anything may change; afterwards all is as before."""
        if any(place.changed() for place in self.places):
            self._look()
        places = self.places
        states = [(put, get()) for get, put in self.states]
        try:
            yield
        finally:
            self.places = places  # of before, whatever a trial inside this one found
            for place in places:
                if place.changed():
                    place.put()
            for put, state in states:
                put(state)


_State = tuple[Callable[[], Any], Callable[[Any], Any]]


class _Place(NamedTuple):
    """Where something is held: what is there `now`, what was there, and how that is put back."""

    now: Callable[[], list[Any]]
    kept: list[Any]
    put: Callable[[], Any]

    def changed(self) -> bool:
        now = self.now()
        return len(now) != len(self.kept) or any(map(is_not, now, self.kept))


def _opened(x: Any) -> Sequence[Any]:
    """The parts of `x`, and the place that it is, if any."""
    import numpy as np

    def place(now: Callable[[], list[Any]], put: Callable[[], Any]) -> _Place:
        return _Place(now, now(), put)

    def refill(fill: Callable[[Any], Any], kept: Any) -> None:
        x.clear()
        fill(kept)

    match x:
        case list() | deque():
            return x, place(lambda: list(x), partial(refill, x.extend, list(x)))
        case set():
            return x, place(lambda: list(x), partial(refill, x.update, list(x)))
        case dict():
            return x.values(), place(lambda: [*x, *x.values()], partial(refill, x.update, dict(x)))
        case tuple() | frozenset():
            return (x,)
        case np.ndarray():
            return (x.ravel().tolist() if x.dtype.hasobject else (),)
        case FunctionType():
            cells = [c for c in x.__closure__ or () if c != CellType()]  # the empty one
            names = {name for code in _codes(x) for name in code.co_names}
            own = {name: x.__globals__[name] for name in names & x.__globals__.keys()}
            held = [c.cell_contents for c in cells]

            def put() -> None:
                x.__globals__.update(own)
                for cell, content in zip(cells, held, strict=True):
                    cell.cell_contents = content

            def now() -> list[Any]:
                return [*(c.cell_contents for c in cells), *map(x.__globals__.get, own)]

            return [*now(), x.__defaults__, x.__kwdefaults__, x.__dict__], place(now, put)
        case MethodType() | BuiltinMethodType() | staticmethod() | classmethod():
            return ((getattr(x, "__self__", None), getattr(x, "__func__", None)),)
        case partial():
            return ((x.func, x.args, x.keywords),)
        case property():
            return ((x.fget,),)
        case type():
            return ((*vars(x).values(), *x.__bases__) if _is_users(x) else (),)
    foreign = isinstance(x, ModuleType) or not _is_users(type(x), but=_LIBRARIES)
    return (() if foreign else (getattr(x, "__dict__", None), type(x)),)


def _states(x: Any) -> list[_State]:
    """How the state of a generator or an array is read, and set."""
    import numpy as np

    if x is random:
        return [(random.getstate, random.setstate)]
    if x is np or x is np.random:
        return [(np.random.get_state, np.random.set_state)]
    match x:
        case random.Random() if not isinstance(x, random.SystemRandom):
            return [(x.getstate, x.setstate)]
        case np.random.RandomState():
            return [(x.get_state, x.set_state)]
        case np.random.Generator():
            bits = x.bit_generator
            return [(lambda: bits.state, lambda state: setattr(bits, "state", state))]
        case np.ndarray() if x.flags.writeable:
            return [(x.copy, partial(np.copyto, x))]
    return []


def _codes(x: Any) -> list[CodeType]:
    """The code of a function of the user's and of those defined in it."""
    codes = [x.__code__] if isinstance(x, FunctionType) and _is_users(x) else []
    for code in codes:  # which grows meanwhile
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
    return codes


def _is_users(x: Any, but: Collection[str] = ()) -> bool:
    """Whether the user wrote a function or a class, or it is of `but`, its first name."""
    module = x.__module__ or ""
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    first = module.partition(".")[0]
    return first in but or (first not in _LIBRARIES and "-packages" not in file)
