"""How engines are compared: rounds in turn, one thread each, medians, ratios round by round."""

import gc
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module, metadata, util
from statistics import median
from typing import Any, Final, NamedTuple, TypeVar

from tinygrad_edu.bench.limit import built

T = TypeVar("T")

#: Name -> (module, package to install, what is said after name and version).
PEERS: Final = {
    "NumPy": ("numpy", "numpy", " by hand"),
    "micrograd": ("micrograd", "micrograd", ""),
    "PyTorch": ("torch", "torch", ""),
    "JAX": ("jax", "jax", ""),
    "scikit-learn": ("sklearn", "scikit-learn", ""),
}
#: The program of `limit.c`.
LIMIT: Final = "fused in C"
#: Our programs of arrays as calls of NumPy, where a machine in C would run them.
IN_NUMPY: Final = "tinygrad_edu in NumPy"


def installed(name: str) -> bool:
    """Whether an engine can be measured here; what is no peer is part of the package."""
    if name == LIMIT:
        return built() is not None
    return name not in PEERS or util.find_spec(PEERS[name][0]) is not None


def labelled(name: str) -> str:
    """Name and version of a peer, as in "JAX 0.4.30"; the name of another engine."""
    if name not in PEERS:
        return name
    _, package, more = PEERS[name]
    return f"{name} {metadata.version(package).partition('+')[0]}{more}"


def missing(names: Collection[str]) -> list[str]:
    """What to install for those of the names that are not, as in "JAX (pip install jax)"."""
    needs = {name: f"pip install {package}" for name, (_, package, _) in PEERS.items()}
    needs[LIMIT] = "needs cc, a C compiler"
    return [f"{name} ({needs[name]})" for name in names if not installed(name)]


class Side(NamedTuple):
    """The engines that are measured beside ours, those that are missing, and the state of BLAS."""

    here: list[str]
    missing: list[str]
    threads: str


@contextmanager
def beside(*names: str) -> Iterator[Side]:
    """The engines of these names that are installed, each on one thread and JAX with float64.

    What large ones import is hidden from Python's collector, which would look through it again and
    again for those who leave garbage. All is restored after.
    """
    here = [name for name in names if installed(name)]
    with ExitStack() as restored:
        threads = restored.enter_context(one_blas_thread())
        if "PyTorch" in here:
            torch = import_module("torch")
            restored.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
        if "JAX" in here:
            config = import_module("jax").config
            restored.callback(config.update, "jax_enable_x64", config.jax_enable_x64)
            config.update("jax_enable_x64", True)
        if {"PyTorch", "JAX"} & set(here):
            gc.freeze()
            restored.callback(gc.unfreeze)
        yield Side(here, missing(names), threads)


#: What OpenBLAS, OpenMP, MKL and Apple's Accelerate read when NumPy is imported.
VARIABLES: Final = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
LIMITED: Final = "BLAS on one thread"


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables of the environment, which is restored after."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})


def in_numpy(run: Callable[[], T]) -> T:
    """What `run` gives; programs that are made and run inside are calls of NumPy."""
    from tinygrad_edu.vectorize.executors.library import VARIABLE

    with environment({VARIABLE: "none"}):
        return run()


@contextmanager
def one_blas_thread() -> Iterator[str]:
    """Limit BLAS to one thread; gives what a title says of that.

    Where NumPy is not imported yet the environment does it, else threadpoolctl. Without that it
    holds where the environment says so already.
    """
    if "numpy" not in sys.modules:
        with environment(dict.fromkeys(VARIABLES, "1")):
            import_module("numpy")
            yield LIMITED
    elif util.find_spec("threadpoolctl") is not None:
        with import_module("threadpoolctl").threadpool_limits(1, "blas"):
            yield LIMITED
    else:
        limited = "1" in (os.environ.get(name) for name in VARIABLES)
        yield LIMITED if limited else "BLAS not limited: set OPENBLAS_NUM_THREADS=1"


Rows = list[list[float]]
#: A step of descent, which gives the loss before its update.
Step = Callable[[], float]

#: An engine has its turn for about this long in each round, and for so many steps.
_SECONDS_A_TURN: Final = 0.3
_STEPS_A_TURN: Final = (3, 200)


@dataclass(frozen=True)
class Comparison:
    """One engine against ours: seconds a step, and per round how many times as fast ours is."""

    engine: str
    seconds: float
    ratios: list[float]
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)


class Row(NamedTuple):
    """What was measured of a group (a size, say): our seconds a step, and the other engines.

    `limit` are the seconds that ours may take, `detail` what else there is to say. Where ours is no
    time it is a number of `unit`: "GB", or "" for an exponent.
    """

    ours: float
    others: list[Comparison]
    detail: str = ""
    limit: float | None = None
    unit: str | None = None


@dataclass
class Table:
    """What was measured, by the name of each group."""

    title: str
    engine: str = "scalar"
    missing: list[str] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)

    def add(self, group: str, measured: tuple[float, list[Comparison]], **more: Any) -> None:
        """Enter what `compare` gave for a group."""
        self.rows[group] = Row(*measured, **more)


def compare(
    ours: Callable[[], object],
    others: Mapping[str, Callable[[], object]],
    rounds: int,
    goals: Mapping[str, float | None] | None = None,
    *,
    least: int | None = None,
) -> tuple[float, list[Comparison]]:
    """Our seconds a step, and for each other engine a `Comparison`, with its goal if it has one.

    Engines go by the names of `labelled`. In each round they have their turns one after the other:
    several steps, of which the median counts. Before a turn garbage is collected, untimed, so that
    no engine pays for another's; between its own steps an engine pays for what it left, with the
    collector as Python has it. The first steps of each are not counted. With `least=1` an engine
    with steps longer than a turn makes one a turn, and what it leaves is not counted.
    """
    engines = [ours, *others.values()]
    steps = [_steps_a_turn(engine, least) for engine in engines]
    turns = [list(map(_turn, engines, steps)) for _ in range(rounds)]
    mine, *theirs = zip(*turns, strict=True)
    return median(mine), [
        Comparison(
            labelled(name),
            median(seconds),
            [theirs_now / mine_now for theirs_now, mine_now in zip(seconds, mine, strict=True)],
            (goals or {}).get(name),
        )
        for name, seconds in zip(others, theirs, strict=True)
    ]


def _steps_a_turn(step: Callable[[], object], at_least: int | None) -> int:
    step()
    least, most = _STEPS_A_TURN
    least = least if at_least is None else at_least
    return min(max(round(_SECONDS_A_TURN / max(_seconds(step), 1e-9)), least), most)


def _turn(step: Callable[[], object], steps: int) -> float:
    gc.collect()
    return median(_seconds(step) for _ in range(steps))


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def duration(seconds: float) -> str:
    """A time to three digits: 1.23 ms."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{ratio(seconds / size)} {unit}"
    return f"{ratio(1e6 * seconds)} µs"


def ratio(x: float) -> str:
    """A positive number to three digits, also where the last is 0: 31.2, 1.30, 0.0123, 245."""
    return f"{x:#.3g}".removesuffix(".") if x < 999.5 else f"{x:.0f}"


def amount(x: float, unit: str | None) -> str:
    """A time, or a number of that unit."""
    return duration(x) if unit is None else f"{x:.2f} {unit}".rstrip()
