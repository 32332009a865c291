"""Engines: what computes the steps of a descent, by name; the choice, and trials of no effect."""

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import is_not
from types import BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from tinygrad_edu.checks import one_of
from tinygrad_edu.engine import Value, modes
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.mode import in_mode, modules_of
from tinygrad_edu.train.scalar import ScalarDescent
from tinygrad_edu.train.training import Engine, Training

T = TypeVar("T")


class Descent(Protocol):
    """The steps of a descent on given rows and targets."""

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """One update on the examples of these numbers: the mean loss before it, and the outputs.

        `rows`, if given, take the place of theirs.
        """

    def read(self) -> bool:
        """Take over the numbers of the parameters; False where more than these was changed."""

    def write(self) -> None:
        """Give the parameters their numbers and gradients."""


def vectorized_or_scalar(
    vectorized: Callable[[], T],
    scalar: Callable[[], T],
    engine: str | Engine = "auto",
    *,
    worth: bool = True,
) -> T:
    """What `vectorized` gives, or `scalar` where there is no program of arrays.

    "matrix" insists on the first and "scalar" on the second, as an engine of one's own does. "auto"
    takes the first if it is `worth` it. Inside `detect_anomaly()` it is always the second, since
    nodes are to be named. Raises ValueError for an unknown name, and whatever model, loss or data
    raise by themselves: only a VectorizeError leads to the other way.
    """
    if callable(engine) or one_of("engine", engine, ENGINES) == "scalar" or modes.mode().checking:
        return scalar()
    if engine == "auto" and not worth:
        return scalar()
    from tinygrad_edu.vectorize import VectorizeError

    try:
        return vectorized()
    except VectorizeError:
        if engine == "matrix":
            raise
    return scalar()


def matrix_descent(training: Training) -> Descent:
    """The graph of one example as a program for all. Raises VectorizeError where there is none."""
    from tinygrad_edu.train.matrix import MatrixDescent, checked_program

    model = training.model
    with in_mode(modules_of(model), training=True):
        if isinstance(model, Module) and model.couples_examples:
            from tinygrad_edu.vectorize import VectorizeError

            raise VectorizeError(
                f"{model!r:.80} couples the examples of a batch in training mode, and a program "
                'computes each example by itself: write engine="scalar"'
            )
        program, X, y = checked_program(
            model, training.loss, training.penalty, training.rows, training.targets
        )
        return MatrixDescent(program, training.optimizer, X, y)


class ArrayDescent:
    """The matrix engine; for "auto" where, and as long as, there is a program, else the scalar one.

    The program is traced anew where it no longer does what model, loss and penalty do.
    """

    def __init__(self, training: Training, engine: str) -> None:
        self.training, self.engine = training, engine
        self.descent = self._made()

    def _made(self) -> Descent:
        return vectorized_or_scalar(
            lambda: matrix_descent(self.training),
            lambda: ScalarDescent(self.training),
            self.engine,
        )

    def step(
        self, chosen: Sequence[int], epoch: int, rows: Sequence[Any] | None = None
    ) -> tuple[float, Any]:
        """As the engine does it; from the first batch on that no program fits, the scalar one."""

        def by_scalars() -> tuple[float, Any]:
            self.descent.write()
            self.descent = ScalarDescent(self.training)
            return self.descent.step(chosen, epoch, rows)

        return vectorized_or_scalar(
            lambda: self.descent.step(chosen, epoch, rows), by_scalars, self.engine
        )

    def read(self) -> bool:
        """Take over the numbers of the parameters, or whatever else was changed."""
        with in_mode(modules_of(self.training.model), training=True):
            stands = self.descent.read()
        if not stands:
            self.descent = self._made()
        return True

    def write(self) -> None:
        """Give the parameters their numbers and gradients."""
        self.descent.write()


ENGINES: Final[dict[str, Callable[[Training], Descent]]] = {
    "auto": partial(ArrayDescent, engine="auto"),
    "matrix": partial(ArrayDescent, engine="matrix"),
    "scalar": ScalarDescent,
}


def find_engine(engine: str | Engine) -> Callable[[Training], Descent]:
    """The engine of that name, or the one made of a function. ValueError for an unknown name."""
    if callable(engine):
        return partial(ScalarDescent, engine=engine)
    return ENGINES[one_of("engine", engine, ENGINES)]


#: What holds nothing that changes with calls; the numbers of Values are looked after elsewhere.
_LEAVES: Final = (Value, bool, int, float, complex, str, bytes, type(None))
_LIBRARIES: Final = sys.stdlib_module_names | {__name__.partition(".")[0]}
#: Names by which a program asks what kind of thing it got.
_QUESTIONS: Final = {"isinstance", "issubclass", "type", "__class__", "hasattr", "getattr", "float"}


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
        names: set[str] = set()
        found: dict[int, Any] = {}
        pending = [*self.roots]
        for x in pending:  # which grows meanwhile
            if id(x) not in found:
                found[id(x)] = x
                names.update(*(code.co_names for code in _codes(x)))
                self.states += _states(x)
                parts, *places = _opened(x)
                self.places += places
                if not all(issubclass(kind, _LEAVES) for kind in set(map(type, parts))):
                    pending += [part for part in parts if not isinstance(part, _LEAVES)]
        self.asks_types = not names.isdisjoint(_QUESTIONS)

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
            now = x.values()
            return now, place(lambda: [*x, *now], partial(refill, x.update, dict(x)))
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

            parts = [*held, *own.values(), x.__defaults__, x.__kwdefaults__, x.__dict__]
            contents = [partial(getattr, cell, "cell_contents") for cell in cells]
            return parts, place(
                lambda: [*(get() for get in contents), *map(x.__globals__.get, own)], put
            )
        case MethodType():
            return ((x.__self__, x.__func__),)
        case BuiltinMethodType():
            return ((x.__self__,),)
        case partial():
            return ((x.func, x.args, x.keywords),)
        case staticmethod() | classmethod():
            return ((x.__func__,),)
        case property():
            return ((x.fget,),)
        case type():
            return ((*vars(x).values(), *x.__bases__) if _is_users(x) else (),)
        case ModuleType():
            return ((),)
    return (() if _is_installed(type(x)) else (getattr(x, "__dict__", None), type(x)),)


def _states(x: Any) -> list[_State]:
    """How the state of a generator or an array is read, and set."""
    import numpy as np

    if x is random:
        return [(random.getstate, random.setstate)]
    if x is np or x is np.random:
        return [(np.random.get_state, np.random.set_state)]
    match x:
        case random.SystemRandom():
            return []
        case random.Random():
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


def _is_users(x: Any) -> bool:
    return (x.__module__ or "").partition(".")[0] not in _LIBRARIES and not _is_installed(x)


def _is_installed(x: Any) -> bool:
    module = x.__module__ or ""
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "-packages" in file and module.partition(".")[0] not in _LIBRARIES
