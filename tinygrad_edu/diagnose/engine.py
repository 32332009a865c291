"""What is wrong with a student's own class `Value`: small programs are run with it, and judged."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from itertools import chain
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_real
from tinygrad_edu.diagnose.diagnosis import Diagnosis
from tinygrad_edu.diagnose.faults import FUNCTIONS, RIGHT, SIGNS, Fault, faults
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.files import packaged_table
from tinygrad_edu.text import clean, short
from tinygrad_edu.train.scalar import collector_paused
from tinygrad_edu.view.graph.drawing import Graph, draw

#: The leaves of every program.
POINT: Final = {"a": 1.5, "b": 0.4, "c": -0.7}
#: Functions of positive numbers alone.
_POSITIVE: Final = ("log", "sqrt")
#: The programs, by what they try.
_TEXTS: Final[dict[str, list[str]]] = packaged_table("diagnose/programs.toml")
_DERIVED, _WITH_NUMBERS, _AGAIN = (_TEXTS[k] for k in ("derived", "with_numbers", "again"))
#: What is told of a class that is right.
_RECURSIVE: Final = "y = a\nfor k in range(3000): y = y + b"
_INNER: Final = "d = a * b; y = d * c; y.backward(); a.grad = b.grad = c.grad = 0.0"
#: What a class may raise that is wrong.
_RAISED: Final = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
_TOLERANCE: Final = 1e-6
#: So many lines a program may take.
_MOST_LINES: Final = 100_000
_ENDLESS: Final = "RuntimeError: it does not end"


class _EndlessError(BaseException):
    """A program does not end; whatever a class catches, this is not it."""


class _Outcome(NamedTuple):
    """The number of y, the gradients of a, b and c, what these hold, y.grad; or what was raised."""

    value: float = math.nan
    grads: tuple[float, ...] = ()
    leaves: tuple[float, ...] = ()
    of_root: float = math.nan
    raised: str = ""


#: Of each program what the class gives, and what is right.
_Found = dict[str, tuple[_Outcome, _Outcome]]


def diagnose_engine(value: Callable[[float], Any]) -> Diagnosis:
    """What is wrong with a class of Values: which operation, and which slip.

    `value` is the class; `value(2.0)` is a leaf, with `data`, `grad` and `backward()`, which sets
    the gradients of what it was made from. Programs are run with it, from one addition to numbers
    that are used many times and second passes; of the operations +, *, -, /, ** and the usual
    functions those that the class has. The first that is wrong is shown; the slip is that of a
    small engine that gives these numbers in all of them. That gradients add up over passes, or
    start anew, is right.

    Raises TypeError unless `value` makes such leaves.

    >>> print(diagnose_engine(Value))
    no slip in ... programs
    """
    _check(value)
    fresh = _number(value(2.0).grad)
    if fresh:
        said = f"the grad of a new Value is {short(fresh)}, and right is 0: contributions are added"
        return Diagnosis(False, "__init__", "not reset", said)
    found: _Found = {}
    for program in programs():
        if (outcome := _run(value, program)) is not None:
            found[program] = outcome, _ours(program)
            if outcome.raised == _ENDLESS:
                break
    if not found:
        raise TypeError(f"{_name_of(value)} has neither + nor *: there is nothing to try")
    is_freed = _AGAIN[0] in found and not any(found[_AGAIN[0]][0].grads)  # after the first pass
    for program, outcomes in found.items():
        if not _agree(*outcomes) and not (is_freed and program == _AGAIN[0]):
            return _diagnosis(program, found)
    return Diagnosis(True, "", "", _praise(value, found))


@cache
def programs() -> tuple[str, ...]:
    """The programs in their order, the smallest first."""
    return tuple([
        text.replace("{f}", f)
        for text in chain(*_TEXTS.values())
        for f in (FUNCTIONS if "{f}" in text else ("",))
        if f not in _POSITIVE or "c.{f}" not in text
    ])  # fmt: skip


@cache
def _code(program: str, passed: str = "y.backward()") -> CodeType:
    """A program with its last line, or with another text for its passes."""
    text = f"{program}\ny.backward()".replace("y.backward()", passed)
    return compile(text, "<program>", "exec")


def _run_ours(program: str, fault: Fault = RIGHT) -> dict[str, Any]:
    """The names of a program after it was run with our Values and a pass that has this slip."""
    names: dict[str, Any] = {name: Value(x) for name, x in POINT.items()}
    exec(_code(program, "backward(y)"), {"backward": fault.engine()}, names)
    return names


def _ours(program: str, fault: Fault = RIGHT) -> _Outcome:
    names = _run_ours(program, fault)
    y, grads = names["y"], tuple([names[name].grad for name in POINT])
    return _Outcome(y.data, grads, tuple(POINT.values()), y.grad)


def _check(value: Any) -> None:
    """Raise TypeError unless `value` makes leaves."""
    if not callable(value):
        raise TypeError(f"diagnose_engine takes the class itself, got {type(value).__name__}")
    name = _name_of(value)
    try:
        leaf = value(2.0)
    except _RAISED as error:
        raise TypeError(f"{name}(2.0) must make a leaf, and raises {_said(error)}") from error
    for attribute in ("data", "grad", "backward"):
        if getattr(leaf, attribute, _check) is _check:
            raise TypeError(f"{name}(2.0) must have .data, .grad and .backward(): no {attribute}")


def _name_of(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def _run(value: Callable[[float], Any], program: str) -> _Outcome | None:
    """What a class gives for a program; None if it lacks its operations."""
    names: dict[str, Any] = {name: value(x) for name, x in POINT.items()}
    leaves = list(names.values())
    try:
        with collector_paused(), _ending():
            exec(_code(program), names)
        y = names["y"]
        grads = tuple([_number(leaf.grad) for leaf in leaves])
        data = tuple([_number(leaf.data) for leaf in leaves])
        return _Outcome(_number(y.data), grads, data, _number(y.grad))
    except _EndlessError:
        return _Outcome(raised=_ENDLESS)
    except _RAISED as error:
        if is_real(y := names.get("y", leaves)) or y is None:
            return _Outcome(raised=f"no error, but gives {y!r:.20}, which is no Value")
        *_, (frame, _) = walk_tb(error.__traceback__)
        lacks = frame.f_code is _code(program) or program in _WITH_NUMBERS
        if lacks and isinstance(error, (AttributeError, TypeError)):
            return None
        return _Outcome(raised=_said(error))


@contextmanager
def _ending() -> Iterator[None]:
    """Inside, code that does not end raises _EndlessError: its lines are counted."""
    left = _MOST_LINES

    def count(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _EndlessError
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)


def _number(x: Any) -> float:
    """A number of a student's: None is 0, and a Value its number."""
    if x is None:
        return 0.0
    return float(x) if is_real(x) else float(x.data)


def _said(error: Exception) -> str:
    text = clean(str(error), 120)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE * 1e-3)


def _agree(a: _Outcome, b: _Outcome) -> bool:
    if a.raised or b.raised:
        return a.raised == b.raised
    return all(map(_close, (a.value, *a.grads, *a.leaves), (b.value, *b.grads, *b.leaves)))


def _diagnosis(wrong: str, found: _Found) -> Diagnosis:
    """What is behind the first program that is wrong."""
    (outcome, right), told = found[wrong], _told(wrong)
    graph = toposort(_run_ours(wrong)["y"])
    ops = [v.op.name for v in graph if v.op]
    op = SIGNS[ops[-1]]
    last = op if len(set(ops)) == 1 and wrong not in _AGAIN else "backward()"
    if outcome.raised:
        endless = ": it calls itself without end" * outcome.raised.startswith("RecursionError")
        return Diagnosis(False, last, "raises", f"{told} raises {outcome.raised}{endless}")
    for name, is_, was in zip(POINT, outcome.leaves, right.leaves, strict=True):
        if not _close(is_, was):
            said = f"{told} {name}.data is {short(is_)}, and was {short(was)} before"
            return Diagnosis(False, op, "wrong value", said)
    y, should_be = outcome.value, right.value
    if not _close(y, should_be):
        swapped = {"-": -should_be, "/": 1 / (should_be or math.nan)}.get(op, math.nan)
        why = "its operands are exchanged" if _close(y, swapped) else "before any pass"
        said = f"{told} y.data is {short(y)}, and right is {short(should_be)}: the number itself"
        return Diagnosis(False, op, "wrong value", f"{said} is wrong, {why}")
    triples = zip(POINT, outcome.grads, right.grads, strict=True)
    name, is_, should = next(triple for triple in triples if not _close(*triple[1:]))
    said = f"{told} {name}.grad is {short(is_)}, and right is {short(should)}"
    best, all_of_it = _explained(wrong, found, ops)
    of = partial(
        Diagnosis, False, numbers=(f"{name}.grad", is_, should),
        program=(*wrong.splitlines(), "y.backward()"), drawn=partial(_drawn, wrong, outcome),
    )  # fmt: skip
    used = [p for v in graph for p in v.parents if p.op]
    if not best and len(used) > len({*used}):
        said = (
            f"{said}: of a result that is used twice the gradient is passed on before all of it "
            "has arrived, or again afterwards: sort the graph, and visit each node once"
        )
        return of("backward()", "order", said)
    if not best:
        return of(last, "unknown", f"{said}: no slip that is known gives these numbers")
    fault, *others = best
    # other slopes of one operation are listed the simplest first: the first is told
    others = [f for f in others if not f.slopes or f.slopes.keys() != fault.slopes.keys()]
    says = {f.says: f.slip for f in others if f.slip != fault.slip and f.says != fault.says}
    other = "".join(f"; it may also be that {says}" for says in [*says][:1])
    more = "" if all_of_it else "; more is wrong, repair this first"
    said = f"{said}: {fault.says}{other}{more}"
    return of(fault.where, fault.slip, said, tuple(dict.fromkeys(says.values())))


def _drawn(program: str, outcome: _Outcome) -> Graph:
    """The graph of a program with the right gradients; leaves with others are told so."""
    names = _run_ours(program)
    for name, claimed in zip(POINT, outcome.grads, strict=True):
        wrong = not _close(claimed, names[name].grad)
        names[name].name = f"{name}, yours {short(claimed)}" if wrong else name
    return draw(names["y"], names={})


def _explained(wrong: str, found: _Found, ops: Sequence[str]) -> tuple[list[Fault], bool]:
    """The slips that give the numbers of `wrong` and of most others; whether of all others."""
    # how a class makes derived operations is not known: they count where one of them is wrong
    apart = {p for part in (_DERIVED, _WITH_NUMBERS) if wrong not in part for p in part}
    compared = [p for p, (outcome, _) in found.items() if p not in apart and not outcome.raised]
    explained: list[tuple[int, int, Fault]] = []
    for fault in faults(ops):
        if _agree(_ours(wrong, fault), found[wrong][0]):
            pairs = [(_ours(p, fault), found[p][0]) for p in compared]
            of_root = sum(_close(is_.of_root, claimed.of_root) for is_, claimed in pairs)
            explained.append((sum(_agree(*pair) for pair in pairs), of_root, fault))
    most = max([known[:2] for known in explained], default=(0, 0))
    return [fault for *n, fault in explained if tuple(n) == most], most[0] == len(compared)


def _told(program: str) -> str:
    """A program in a sentence, with the leaves that it needs."""
    used = _code(program).co_names
    leaves = [f"{name} = Value({short(x)})" for name, x in POINT.items() if name in used]
    return f"after {'; '.join([*leaves, *program.splitlines(), 'y.backward()'])},"


def _praise(value: Callable[[float], Any], found: _Found) -> str:
    """That nothing was found; and what a class may do otherwise, and this one does."""
    said = [f"no slip in {len(found)} programs"]
    inner = _run(value, _INNER)
    if inner and not _agree(inner, _ours("y = a * b * c")):
        said.append(
            "a second pass over one graph adds to the gradients inside it, so make the graph anew"
        )
    if not set(_WITH_NUMBERS) <= found.keys():
        said.append("numbers are not taken as operands on both sides, as in 2 * a")
    with suppress(Exception):  # of the class's own, for what it raises with the rest here
        deep = _run(value, _RECURSIVE)
        if deep and deep.raised.startswith("RecursionError"):
            said.append("a graph of 3000 operations is too deep for the recursion of its sort")
    return "; ".join(said)
