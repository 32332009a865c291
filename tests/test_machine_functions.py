"""The functions of mathematics.c against long doubles, the floats of the namespace and `random`."""

import ctypes
import math
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu.namespace import FUNCTIONS, floats
from tinygrad_edu.vectorize.arrays import Array

SOURCE = Path(tinygrad_edu.__file__).parent / "vectorize" / "executors"
CALLS = Path(__file__).parent / "mathematics_calls.c"
FLAGS = "-ffp-contract=off -fno-math-errno -fno-trapping-math -shared -fPIC"
FLAGS += " -Wall -Wextra -Werror -Wno-psabi"
#: Optimization, instruction set, doubles of a vector; the first two are quick to compile.
BUILDS = [
    *(("-O1", "", 2), ("-O1", "-march=native", 4)),
    pytest.param(("-O3", "", 2), marks=pytest.mark.slow),
    *(pytest.param(("-O3", "-march=native", V), marks=pytest.mark.slow) for V in (2, 4, 8)),
]
ULPS = 4  # what every function must keep to
#: Whether NumPy's long doubles have the 64 bits that make them a reference; else it is the floats.
LONG = np.finfo(np.longdouble).nmant == 63

#: Where points are dense, besides numbers of every size.
UNIT, NEAR_0, TURNS = (-1, 1), (-0.4, 0.4), [(-20, 20), (-1e6, 1e6), (1e6, 1e9)]
LOGARITHMS, SMALL, TO_1 = [(0.5, 2), (0.999, 1.001), (0, 1e3)], (-20, 20), (0.999, 1)
RANGES: dict[str, list[tuple[float, float]]] = {
    "acos": [UNIT, TO_1, (0.45, 0.55), (-0.55, -0.45)],
    "acosh": [(1, 2), (1, 1.0001), (1, 1e3)],
    "asin": [UNIT, TO_1, (0.45, 0.55)],
    "asinh": [UNIT, SMALL],
    "atan": [UNIT, SMALL, (0.4, 0.5), (2, 3)],
    "atanh": [UNIT, TO_1, NEAR_0],
    "cos": [UNIT, *TURNS],
    "cosh": [UNIT, (-711, 711)],
    "erf": [UNIT, (0.8, 1.2), (-6.5, 6.5)],
    "exp": [UNIT, SMALL, (-746, 710), (-746, -700)],
    "expm1": [UNIT, NEAR_0, (-50, 710)],
    "log": LOGARITHMS,
    "log10": LOGARITHMS,
    "log1p": [UNIT, NEAR_0, (0, 1e3)],
    "log2": LOGARITHMS,
    "sigmoid": [UNIT, SMALL, (-746, 50)],
    "sin": [UNIT, *TURNS],
    "sinh": [UNIT, NEAR_0, (-711, 711)],
    "softplus": [UNIT, SMALL, (-746, 50)],
    "sqrt": [(0, 1), (0, 1e3)],
    "tan": [UNIT, *TURNS],
    "tanh": [UNIT, NEAR_0, (-25, 25)],
}
#: The same for pairs of numbers.
PAIRS: dict[str, list[tuple[tuple[float, float], tuple[float, float]]]] = {
    "atan2": [(UNIT, UNIT), ((0, 1e3), (-5, 5))],
    "hypot": [(UNIT, UNIT), ((0, 1e3), (-5, 5))],
    "pow": [((0, 3), (-10, 10)), ((0.9, 1.1), (-7000, 7000)), ((0, 30), (-200, 200))],
    "remainder": [((-9, 9), (-2, 2)), ((-1e9, 1e9), (0, 1e-3)), (UNIT, (-1e9, 1e9))],
}
NAMES = [*RANGES, *PAIRS]
# fmt: off
SIZES = [
    *(0.0, 5e-324, 2**-1022, 1e-300, 1e-30, 2**-54, 1e-9, 0.25, 0.5, 1 / 3, 1 - 2**-53, 1.0),
    *(1 + 2**-52, 1.5, 2.0, 3.0, 10.0, 22.0, 40.0, 41.5, 100.0),
    *(709.7, 709.79, 710.4, 710.48, 711.0, 745.1, 745.14, 746.0, 1e3, 1e5),
    *(2**20, 2**28, 1e15, 2**51 + 0.5, 2**52 + 1, 2**53, 2**60, 1e22),
    *(1e154, 1e300, 2.0**1023, math.nextafter(math.inf, 0), math.inf, math.nan),
    *(math.pi * k / 4 for k in range(1, 9)),
]
# fmt: on
EDGES = [float(sign * size) for size in SIZES for sign in (1, -1)]

#: What long doubles have by other names, or as functions of others.
AS_LONG: dict[str, Callable[..., Any]] = {
    "pow": np.power,
    "sigmoid": lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}


def reference(name: str, *x: Array) -> Any:
    """The function in long doubles where there are any, else in the namespace's floats."""
    if LONG and name not in ("erf", "remainder"):
        known = FUNCTIONS[name].numpy
        f = AS_LONG.get(name) or getattr(np, known.removeprefix("np."))
        with np.errstate(all="ignore"):
            return f(*[a.astype(np.longdouble) for a in x])
    return of_floats(name, *x)


def of_floats(name: str, *x: Array) -> Array:
    return np.array([getattr(floats, name)(*a) for a in zip(*[a.tolist() for a in x], strict=True)])


def points(name: str, n: int, rng: np.random.Generator) -> list[Array]:
    """One or two arrays of operands: between the numbers of the tables, and of every size."""

    def any_size(n: int) -> Array:
        bits = rng.integers(0, 2**64, n, dtype=np.uint64, endpoint=False)
        near_1 = np.copysign(np.exp2(rng.uniform(-60, 12, n)), rng.uniform(-1, 1, n))
        x = np.where(rng.random(n) < 0.5, bits.view(float), near_1)
        return np.where(np.isnan(x), 1.0, x)

    if name in PAIRS:
        pairs = [[rng.uniform(*r, n) for r in ranges] for ranges in PAIRS[name]]
        pairs.append([any_size(n), any_size(n)])
        return [np.concatenate(column) for column in zip(*pairs, strict=True)]
    return [np.concatenate([*(rng.uniform(*r, n) for r in RANGES[name]), any_size(n)])]


def errors(y: Array, expected: Any) -> Array:
    """The distance of each y in ulp; inf for a wrong sign of zero, and where only one is finite."""
    with np.errstate(all="ignore"):
        rounded = expected.astype(float)
        unit = np.spacing(np.minimum(np.abs(rounded), 1.7e308))
        ulps = (np.abs(y.astype(np.longdouble) - expected) / unit).astype(float)
    same = (y == rounded) & (np.signbit(y) == np.signbit(rounded)) | np.isnan(y) & np.isnan(rounded)
    near = np.isfinite(y) & np.isfinite(rounded) & ((y != 0) | (rounded != 0))
    return np.where(near, ulps, np.where(same, 0.0, np.inf))


class Machine:
    """The compiled functions, for arrays."""

    def __init__(self, path: Path):
        self.library = ctypes.CDLL(str(path))

    def __call__(self, name: str, *x: Array) -> Array:
        n = len(x[0])
        operands = [np.concatenate([a, np.ones(-n % 8)]) for a in (x[0], x[-1])]
        out = np.empty(n + -n % 8)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*operands, out)]
        self.library[f"of_{name}"](*pointers, ctypes.c_int64(len(out)))
        return out[:n]


@pytest.fixture(scope="module", params=BUILDS, ids=lambda build: "".join(map(str, build)))
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler `cc` on this machine")
    level, target, V = request.param
    path = tmp_path_factory.mktemp("machine") / "functions.so"
    options = [level, *target.split(), f"-DV={V}", *FLAGS.split(), f"-I{SOURCE}"]
    subprocess.run(["cc", *options, str(CALLS), "-o", str(path)], check=True)
    return Machine(path)


@pytest.mark.parametrize("n", [400, pytest.param(60_000, marks=pytest.mark.slow)])
def test_every_function_is_right_to_four_units_in_the_last_place(machine: Machine, n: int) -> None:
    rng = np.random.default_rng(n)
    for name in NAMES:
        x = points(name, n if name not in ("erf", "remainder") else n // 6, rng)
        assert_close(name, x, machine(name, *x), reference(name, *x))


def assert_close(name: str, x: list[Array], y: Array, expected: Any) -> None:
    wrong = errors(y, expected)
    k = int(wrong.argmax())
    assert wrong[k] <= ULPS, (name, *[a[k] for a in x], y[k], expected[k], wrong[k])


def test_edges_are_those_of_floats(machine: Machine) -> None:
    ones = np.array(EDGES)
    grid = [a.reshape(-1) for a in np.meshgrid(ones, ones)]
    for name in NAMES:
        x = grid if name in PAIRS else [ones]
        assert_close(name, x, machine(name, *x), of_floats(name, *x))


def test_remainders_and_floors_are_exact(machine: Machine) -> None:
    x, y = points("remainder", 2_000, np.random.default_rng(2))
    y = np.where(y == 0, 1.0, y)
    np.testing.assert_array_equal(machine("remainder", x, y), of_floats("remainder", x, y))
    np.testing.assert_array_equal(machine("floor", x), np.floor(x))


def test_whole_powers_have_whole_logarithms(machine: Machine) -> None:
    tens, twos = np.arange(23), np.arange(-1074, 1024)
    np.testing.assert_array_equal(machine("log10", 10.0**tens), tens)
    np.testing.assert_array_equal(machine("log2", np.exp2(twos)), twos)


def test_a_lane_does_not_depend_on_its_neighbours(machine: Machine) -> None:
    x = np.array([-3.0, 0.5, 1e300, math.nan, math.inf, 5e-324, -0.0, 0.9])
    for name in RANGES:
        alone = [machine(name, np.full(8, a))[0] for a in x]
        np.testing.assert_array_equal(machine(name, x), alone, name)


class Twister:
    """`random.Random` and the state of mathematics.c's generator, from one seed."""

    def __init__(self, machine: Machine, seed: int):
        self.rng, self.library = random.Random(seed), machine.library
        self.state = np.array(self.rng.getstate()[1], dtype=np.uint32)

    def __call__(self, name: str, *arguments: Any) -> int:
        f = self.library[name]
        f.restype = ctypes.c_uint64
        passed = [
            ctypes.c_uint64(a) if isinstance(a, int) else ctypes.c_void_p(a.ctypes.data)
            for a in (self.state, *arguments)
        ]
        return int(f(*passed))

    def agrees(self) -> bool:
        return self.state.tolist() == [*self.rng.getstate()[1]]


@pytest.mark.parametrize("n", [0, 1, 2, 10, 1000, 70_000])
def test_orders_are_those_of_python_and_so_is_the_state_after(machine: Machine, n: int) -> None:
    twister, expected, order = Twister(machine, n), [*range(n)], np.arange(n)
    for _ in range(3):
        twister.rng.shuffle(expected)
        twister("shuffle", order, n)
        assert order.tolist() == expected
        assert twister.agrees()


def test_random_numbers_are_those_of_python(machine: Machine) -> None:
    twister, out = Twister(machine, 5), np.empty(1000)
    twister("randoms", out, 1000)
    assert out.tolist() == [twister.rng.random() for _ in range(1000)]
    for n in (1, 2, 3, 2**16, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**53, 2**63 - 1):
        assert twister("below", n) == twister.rng.randrange(n), n
    assert twister.agrees()
