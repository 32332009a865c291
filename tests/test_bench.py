"""The tables of the matrix engine: every engine does the same work, and what is counted is so."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tinygrad_edu.bench import costs, fits, matrix, measure, nets, numpy_nets
from tinygrad_edu.bench.limit import LOSSES as LIMIT_LOSSES
from tinygrad_edu.bench.limit import NETS as LIMIT_NETS
from tinygrad_edu.bench.limit import built as limit_built
from tinygrad_edu.bench.matrix import ENGINES, NETS, ROWS
from tinygrad_edu.bench.measure import LIMIT, VARIABLES, Comparison, one_blas_thread
from tinygrad_edu.functions import relu
from tinygrad_edu.train import train

SMALL = {name: row for name, row in ROWS.items() if not name.startswith("784")}
AGAINST_OURS = [
    pytest.param(row, engine, marks=[] if engine == "NumPy" else [pytest.mark.slow])
    for row in SMALL
    for engine in SMALL[row].goals
]


def skip_without(engine: str) -> None:
    if not measure.installed(engine):
        pytest.skip(f"not here: {measure.missing([engine])}")


def record(ours, others, rounds, goals=None, *, least=None):  # type: ignore[no-untyped-def]
    """In place of `compare`: nothing is measured."""
    return 1.0, [Comparison(name, 1.0, [1.0], (goals or {}).get(name)) for name in others]


@pytest.mark.parametrize(("row", "engine"), AGAINST_OURS)
@pytest.mark.filterwarnings("ignore")
def test_every_engine_takes_the_same_steps_as_ours(row: str, engine: str) -> None:
    skip_without(engine)
    steps = 2 if engine == "micrograd" else 6
    with measure.beside(engine):
        theirs = ENGINES[engine](ROWS[row].problem())
        found = [theirs() for _ in range(steps)]
    ours = nets.matrix_step(ROWS[row].problem())
    assert found == pytest.approx([ours() for _ in range(steps)], rel=1e-10)
    assert len(set(found)) == steps


def test_the_classifier_is_the_same_at_other_sizes() -> None:
    ours = nets.matrix_step(nets.classifier(5, 3, 4))
    theirs = numpy_nets.step_by_hand(nets.classifier(5, 3, 4))
    assert [theirs() for _ in range(6)] == pytest.approx([ours() for _ in range(6)], rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("row", SMALL)
def test_our_step_is_an_update_as_the_scalar_engine_makes_it(row: str) -> None:
    given = ROWS[row].problem()
    few = nets.Problem(given.model, given.loss, given.X[:3], given.y[:3])
    ours = nets.matrix_step(few)
    found = [ours() for _ in range(3)]
    by_scalars = train(
        few.model, few.X, few.y, loss=few.loss, epochs=3, engine="scalar",
        optimizer=lambda parameters: nets.SGD(parameters, lr=nets.RATE),
    )  # fmt: skip
    assert found == pytest.approx([step.loss for step in by_scalars], rel=1e-10)


def test_the_convolution_is_one_set_of_filters_over_every_place() -> None:
    model = nets.convolution().model
    X = np.random.default_rng(0).standard_normal((nets.SIDE, nets.SIDE))
    filters, dense = model.layers
    features = [
        relu(
            sum(unit.w[3 * k + h].data * float(X[i + k, j + h]) for k in range(3) for h in range(3))
        )
        for i in range(6)
        for j in range(6)
        for unit in filters.neurons
    ]
    expected = [
        sum(w.data * a for w, a in zip(unit.w, features, strict=True)) for unit in dense.neurons
    ]
    assert [o.data for o in model(X.ravel().tolist())] == pytest.approx(expected, rel=1e-12)


def test_weights_ordered_by_filter_are_those_of_the_same_places() -> None:
    by_place = [[8 * place + k for place in range(36) for k in range(8)]]
    by_filter = [[8 * place + k for k in range(8) for place in range(36)]]
    assert nets.by_filter(by_place) == by_filter


@pytest.mark.parametrize("row", SMALL)
def test_the_goals_name_engines_that_have_the_step(row: str) -> None:
    assert next(iter(ROWS[row].goals)) == "NumPy"
    assert set(ROWS[row].goals) <= set(ENGINES)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured, and no engine but NumPy is here."""
    for table in (costs, fits, matrix):
        monkeypatch.setattr(table, "compare", record)
    monkeypatch.setattr(measure, "installed", lambda name: name == "NumPy")


@pytest.mark.usefixtures("bare")
def test_the_table_of_steps_has_a_row_per_engine_with_its_goal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matrix, "ROWS", SMALL)
    table = matrix.matrix_table(7)
    assert table.title.endswith("; 14 rounds)")
    assert table.engine == "matrix"
    assert list(table.rows) == list(SMALL)
    assert [[(o.engine, o.goal) for o in row.others] for row in table.rows.values()] == [
        [("NumPy", goal), (measure.IN_NUMPY, None)] for goal in [1 / 1.1] * 3 + [1 / 1.5]
    ]
    assert table.missing == [
        "PyTorch (pip install torch)",
        "JAX (pip install jax)",
        "micrograd (pip install micrograd)",
        "fused in C (needs cc, a C compiler)",
    ]


def test_making_a_program_takes_the_gradient_of_its_batch() -> None:
    loss, gradient = matrix.making(nets.classifier(5, 3, 4), gradient=True)()
    assert (loss > 0, np.shape(gradient)) == (True, (5 * 3 + 3 + 3 * 10 + 10,))
    assert "def loss" in matrix.making(nets.classifier(5, 3, 4), gradient=False)().source


@pytest.mark.usefixtures("bare")
def test_the_table_of_tracing_shows_edges_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "NETS", dict(list(NETS.items())[:2]))
    table = matrix.tracing_table(1)
    # 16 dots of 2 weights, 2 inputs and b; 16 of 2*16 + 1; 1 of 2*16 + 1; 32 relus;
    # o - t has two parents, its square one, the sum of one term none of its own
    edges = 16 * 5 + 16 * 33 + 33 + 32 + 2 + 1
    assert table.rows["2-16-16-1"].detail == f"{edges} edges, 1479.29 µs each"
    assert [row.limit for row in table.rows.values()] == [0.025, 0.035]


@pytest.mark.slow
def test_blas_is_limited_by_the_environment_before_numpy_is_imported() -> None:
    code = (
        "import os, sys; import tinygrad_edu.cli.bench\n"
        "from tinygrad_edu.bench.measure import VARIABLES, one_blas_thread\n"
        "assert 'numpy' not in sys.modules\n"
        "os.environ['OMP_NUM_THREADS'] = '4'\n"
        "with one_blas_thread() as one:\n"
        "    print(one, 'numpy' in sys.modules, {os.environ[v] for v in VARIABLES})\n"
        "print({v: os.environ[v] for v in VARIABLES if v in os.environ})"
    )
    environment = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    said, after = shown.stdout.splitlines()
    assert (said, after) == ("BLAS on one thread True {'1'}", "{'OMP_NUM_THREADS': '4'}")


@pytest.mark.parametrize(("threads", "limited"), [("1", True), ("2", False), (None, False)])
def test_without_threadpoolctl_the_environment_says_whether_blas_is_limited(
    threads: str | None, limited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_edu.bench.measure.util.find_spec", lambda name: None)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if threads is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    said = "on one thread" if limited else "not limited: set OPENBLAS_NUM_THREADS=1"
    with one_blas_thread() as one:
        assert one == f"BLAS {said}"


def test_threadpoolctl_limits_a_blas_that_is_loaded_and_lets_go_after() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads() -> list[int]:
        return [
            x["num_threads"] for x in threadpoolctl.threadpool_info() if x["user_api"] == "blas"
        ]

    before = threads()
    with one_blas_thread() as one:
        assert (one, set(threads())) == ("BLAS on one thread", {1})
    assert threads() == before


def as_fit_shuffles(task: fits.Task) -> Iterator[list[np.ndarray]]:
    n, rng = len(task.X), random.Random(0)
    order = list(range(n))
    for _ in range(task.epochs):
        if task.batch < n:
            rng.shuffle(order)
        chosen = np.array(order)
        yield [chosen[k : k + task.batch] for k in range(0, n, task.batch)]


FITS = [
    pytest.param(name, engine, marks=[] if engine == "NumPy" else [pytest.mark.slow])
    for name, (_, goals) in fits.TASKS.items()
    if not name.startswith("784")
    for engine in goals
    if engine != "scikit-learn"
]


@pytest.mark.parametrize(("name", "engine"), FITS)
@pytest.mark.filterwarnings("ignore")
def test_whole_trainings_have_the_losses_and_accuracies_of_fit(
    name: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without(engine)
    monkeypatch.setattr(fits.Task, "batches", as_fit_shuffles)
    task = fits.TASKS[name][0]()._replace(epochs=4)
    ours, weights = fits.our_fit(task), nets.arrays(task.model())
    with measure.beside(engine):
        theirs = fits.ENGINES[engine](task, weights)
    if engine == LIMIT:
        assert theirs == pytest.approx([loss for loss, _ in ours], rel=1e-12)
    else:
        assert np.array(theirs) == pytest.approx(np.array(ours), rel=1e-12)


@pytest.mark.slow
def test_scikit_learn_trains_as_many_epochs() -> None:
    pytest.importorskip("sklearn")
    task = fits.TASKS["iris, 4-16-3, 100 epochs in batches of 32"][0]()._replace(epochs=3)
    assert len(fits.sklearn_fit(task, [])) == 3


@pytest.mark.usefixtures("bare")
def test_the_table_of_trainings_names_engines_and_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {name: task for name, task in fits.TASKS.items() if not name.startswith("784")}
    monkeypatch.setattr(fits, "TASKS", small)
    table = fits.fits_table(1)
    goals = [[o.goal for o in row.others] for row in table.rows.values()]
    assert goals == [[1.0, None], [1.0, None], [1.11, None], [1.11, None], [None], [None]]
    missing = ["PyTorch", "JAX", "scikit-learn", "fused in C"]
    assert [name.partition(" (")[0] for name in table.missing] == missing


def test_programs_in_numpy_are_made_and_run_without_the_machine() -> None:
    assert measure.in_numpy(lambda: os.environ["TINYGRAD_EDU_MACHINE"]) == "none"
    with measure.environment({"TINYGRAD_EDU_MACHINE": "other"}):
        measure.in_numpy(lambda: None)
        assert os.environ["TINYGRAD_EDU_MACHINE"] == "other"


def test_large_data_are_measured_in_half_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(fits, "compare", lambda *args, **_: taken.append(args[2]) or (1.0, []))
    monkeypatch.setattr(measure, "installed", lambda name: False)
    monkeypatch.setattr(fits, "TASKS", dict(list(fits.TASKS.items())[:1]))
    for large in (100, 1000):
        monkeypatch.setattr(fits, "LARGE", large)
        fits.fits_table(5)
    assert taken == [2, 5]


def test_the_program_in_c_has_the_nets_of_the_tables() -> None:
    given = [ROWS[name].problem() for name in ROWS if LIMIT in ROWS[name].goals]
    shapes = {(tuple(fit.sizes), len(fit.X)) for fit in with_limit()}
    assert shapes == set(LIMIT_NETS)
    assert {problem.loss for problem in given} | {fit.loss for fit in with_limit()} == set(
        LIMIT_LOSSES
    )


def with_limit() -> list[fits.Task]:
    return [make() for make, goals in fits.TASKS.values() if LIMIT in goals]


def test_without_a_compiler_that_builds_it_there_is_no_program_in_c(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for build in (("no-such-compiler-here",), (sys.executable, "-c", "raise SystemExit(1)")):
        monkeypatch.setattr("tinygrad_edu.bench.limit.BUILD", build)
        assert limit_built.__wrapped__() is None


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_exponent_of_growth_is_that_of_the_largest_sizes(exponent: float) -> None:
    sizes = [1, 10, 20, 40]
    seconds = [1e6, *(3.0 * size**exponent for size in sizes[1:])]
    assert costs.fitted(sizes, seconds) == pytest.approx(exponent, abs=1e-12)


@pytest.mark.usefixtures("bare")
def test_the_table_of_growth_has_an_exponent_for_each_quantity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = {name: (make, [2, 3, 4]) for name, (make, _) in costs.SIZES.items()}
    monkeypatch.setattr(costs, "SIZES", small)
    table = costs.growth_table(1)
    assert list(table.rows) == list(small)
    # `record` gives the same time for all
    row = measure.Row(0.0, [], "2: 1.00 s, 4: 1.00 s", limit=costs.LINEAR, unit="")
    assert set(map(str, table.rows.values())) == {str(row)}


@pytest.mark.parametrize("name", costs.SIZES)
def test_what_grows_is_done_for_a_size(name: str) -> None:
    costs.SIZES[name][0](16)()


@pytest.mark.usefixtures("bare")
def test_the_table_of_what_is_around_the_steps_counts_the_data_as_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costs, "INPUTS", 5)
    monkeypatch.setattr(costs, "ROWS", 200)
    table = costs.overheads_table(1)
    held = [row.ours for row in table.rows.values() if row.unit == "GB"]
    assert len(held) == 2
    assert all(200 * 5 * 8 / 1e9 < gigabytes < 0.01 for gigabytes in held)
    goals = [o.goal for row in table.rows.values() for o in row.others]
    assert goals == [1 / 2, 1 / 2, 1 / 4, 1 / 6]


def test_the_bare_products_are_what_predict_gives() -> None:
    model, (X, _) = nets.MLP(5, [4, 3], rng=0), fits.noise(5, 6)
    expected = np.array([[o.data for o in model(row)] for row in X.tolist()])
    assert costs.products(model, X)() == pytest.approx(expected, rel=1e-12)


def test_the_peak_is_what_a_run_holds_at_its_worst_moment() -> None:
    assert costs.peak(lambda: [np.zeros(1_000_000) for _ in range(2)]) == pytest.approx(
        0.016, rel=0.01
    )
