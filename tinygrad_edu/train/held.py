"""What functions and models hold besides Values: put back after a trial, or looked at again."""

import random
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from gc import get_referents
from opcode import opmap
from operator import is_
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Final

from tinygrad_edu.engine import Value

#: What holds nothing that changes with calls; the numbers of Values are looked after elsewhere.
_LEAVES: Final = (Value, bool, int, float, complex, str, bytes, type(None))
_PLAIN: Final = set(_LEAVES)
_LIBRARIES: Final = sys.stdlib_module_names | {__name__.partition(".")[0]}
#: The roots of a trial, what they held before it, and what puts that back.
_known: ContextVar[Any] = ContextVar("_known", default=((), [], []))
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
    known, held, undo = _known.get()
    if not _same(known, roots):
        held = _held(roots)
        undo = [restore for x in held for restore in _undo(x)]
    token = _known.set((roots, held, undo))
    try:
        yield
    finally:
        _known.reset(token)
        for restore in undo:
            restore()


@contextmanager
def put_back(leaves: Iterable[Value]) -> Iterator[None]:
    """Inside, these may be trained; afterwards their numbers and gradients are as before."""
    held = [(v, v.data, v.grad) for v in leaves]
    try:
        yield
    finally:
        for v, x, g in held:
            v.data, v.grad = x, g


def unchanged(*roots: Any) -> Callable[[], bool]:
    """What tells, quickly, whether these functions and models still hold what they hold now.

    It gives False as well where they hold what cannot be looked into, such as an object with slots.
    """
    seen: set[type] = set()
    looks = [look for x in _held(roots) if (look := _look(x, seen)) is not None]
    before = [[*look()] for look in looks]
    return lambda: all(_same([*look()], kept) for look, kept in zip(looks, before, strict=True))


def _same(now: Sequence[Any], kept: Sequence[Any]) -> bool:
    return len(now) == len(kept) and all(map(is_, now, kept))


def _look(x: Any, seen: set[type]) -> Callable[[], Iterable[Any]] | None:
    """What gives the things that `x` holds now, a new one each time if they cannot be seen.

    Objects of the classes `seen` hold their attributes alone, which a dict holds.
    """
    import numpy as np

    if type(x) in seen:
        return None
    match x:
        case list() | deque() | set():
            return lambda: x
        case dict():
            return lambda: (*x, *x.values())
        case CellType():
            return (lambda: (x.cell_contents,)) if x != CellType() else None
        case FunctionType() if _is_users(x):
            return lambda: (x.__code__, x.__defaults__, x.__kwdefaults__, *_globals(x).values())
        case np.ndarray() if x.dtype.kind == "O":
            return lambda: x.ravel().tolist()
        case np.ndarray():
            kept, nan = x.copy(), x.dtype.kind in "fc"  # texts and records have none
            return lambda: (kept if np.array_equal(x, kept, equal_nan=nan) else object(),)
        case type() if _is_users(x):
            return lambda: vars(x).values()
        case ModuleType() if _is_users_module(x.__name__):
            return lambda: (object(),)
        case FunctionType() | type() | ModuleType() | tuple() | frozenset() | np.ufunc():
            return None
    kinds = type(x).__mro__
    hidden = any("__slots__" in vars(kind) for kind in kinds if _is_users(kind))
    if hidden or not _is_users(kinds[0], but=_LIBRARIES):
        return lambda: (object(),)
    seen.add(kinds[0])
    return None


def asks_types(*roots: Any) -> bool:
    """Whether code of the user's that these functions and models hold asks what kind it has got."""
    return any(
        _MATCH_CLASS in code.co_code[::2] or not _QUESTIONS.isdisjoint(code.co_names)
        for x in _held(roots)
        for code in _codes(x)
    )


def _held(roots: tuple[Any, ...]) -> list[Any]:
    """All that can be reached from these; in a trial of the same it is what was found before."""
    known, kept, _ = _known.get()
    if _same(known, roots):
        return list(kept)
    found = {id(x): x for x in roots}
    pending = [*found.values()]
    for x in pending:  # which grows meanwhile
        if type(x) in (list, tuple) and _PLAIN.issuperset(map(type, x)):  # such as weights
            continue
        for part in _parts(x):
            if id(part) not in found and not isinstance(part, _LEAVES):
                found[id(part)] = part
                pending.append(part)
    return pending


def _parts(x: Any) -> Iterable[Any]:
    import numpy as np

    match x:
        case list() | dict() | tuple():  # at once, as there are many
            return get_referents(x)
        case FunctionType():
            plain = x.__closure__, x.__defaults__, x.__kwdefaults__, x.__dict__
            return [*plain, *_globals(x).values()]
        case np.ndarray() if x.dtype.kind == "O":
            return x.ravel().tolist()
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
    if first in but or first in _LIBRARIES:
        return first in but
    return "-packages" not in (getattr(sys.modules.get(name or ""), "__file__", None) or "")
