"""The tables of the matrix engine: every engine does the same work, and what is counted is so."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tinygrad_edu.bench import fits, matrix, measure, nets, numpy_nets
from tinygrad_edu.bench.matrix import BY_HAND, MODULES, NETS, ROWS
from tinygrad_edu.bench.measure import VARIABLES, Comparison, one_blas_thread, stated
from tinygrad_edu.functions import relu
from tinygrad_edu.train import train

SMALL = {name: row for name, row in ROWS.items() if not name.startswith("784")}
HERE = [name for name in MODULES if name == BY_HAND or measure.installed(name)]
AGAINST_OURS = [
    pytest.param(
        row, engine, marks=[pytest.mark.slow] if engine in ("PyTorch", "JAX", "micrograd") else []
    )
    for row in SMALL
    for engine in SMALL[row].goals
    if engine in HERE
]


@pytest.mark.parametrize(("row", "engine"), AGAINST_OURS)
@pytest.mark.filterwarnings("ignore")
def test_every_engine_takes_the_same_steps_as_ours(row: str, engine: str) -> None:
    steps = 2 if engine == "micrograd" else 6
    with measure.one_thread_each([engine]):
        theirs = matrix.step_of(engine, ROWS[row].function, ROWS[row].problem())
        found = [theirs() for _ in range(steps)]
    ours = nets.matrix_step(ROWS[row].problem())
    assert found == pytest.approx([ours() for _ in range(steps)], rel=1e-10)
    assert len(set(found)) == steps


def test_the_classifier_is_the_same_at_other_sizes() -> None:
    ours = nets.matrix_step(nets.classifier(5, 3, 4))
    theirs = numpy_nets.classifier_step(nets.classifier(5, 3, 4))
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
    assert next(iter(ROWS[row].goals)) == BY_HAND
    assert set(ROWS[row].goals) <= set(MODULES)


def test_the_table_has_a_row_per_engine_with_its_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(ours, others, rounds, goals, least):  # type: ignore[no-untyped-def]
        assert (rounds, least) == (14, 1)
        return 1.0, [Comparison(name, 1.0, [1.0], goals.get(name)) for name in others]

    monkeypatch.setattr("tinygrad_edu.bench.matrix.compare", record)
    monkeypatch.setattr("tinygrad_edu.bench.matrix.ROWS", SMALL)
    monkeypatch.setattr("tinygrad_edu.bench.matrix.installed", lambda name: False)
    monkeypatch.setattr(measure, "installed", lambda name: False)
    table = matrix.matrix_table(7)
    by_hand = matrix.label(BY_HAND)
    assert table.title.endswith("; 14 rounds)")
    assert table.engine == "matrix"
    assert list(table.ours) == list(SMALL)
    assert [[(o.engine, o.goal) for o in others] for others in table.others.values()] == [
        [(by_hand, 1 / 1.1)],
        [(by_hand, 1 / 1.1)],
        [(by_hand, 1 / 1.1)],
        [(by_hand, 1 / 1.5)],
    ]
    assert [name.split()[0] for name in table.missing] == ["PyTorch", "JAX", "micrograd"]


def test_edges_are_the_links_from_a_node_to_its_parents() -> None:
    # 16 dots of 2 weights, 2 inputs and b; 16 of 2*16 + 1; 1 of 2*16 + 1; 32 relus;
    # o - t has two parents, its square one, the sum of one term none of its own
    assert matrix.edges(nets.regression()) == 16 * 5 + 16 * 33 + 33 + 32 + 2 + 1


def test_making_a_program_compiles_its_gradient_for_the_batch() -> None:
    given = nets.classifier(5, 3, 4)
    kernel = matrix.making(given)()
    assert kernel.inputs["X"].shape == (4, 5)
    np.copyto(kernel.inputs["X"], given.X)
    np.copyto(kernel.inputs["Y"], np.array(given.y)[:, None])
    kernel.run()


def test_the_table_of_tracing_shows_edges_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_edu.bench.matrix.compare", lambda *_, least: (0.02, []))
    monkeypatch.setattr(
        "tinygrad_edu.bench.matrix.NETS", {name: NETS[name] for name in ("2-16-16-1", "784-16-10")}
    )
    table = matrix.tracing_table(1)
    assert table.details == {
        "2-16-16-1": "676 edges, 29.6 µs each",
        "784-16-10": "25,461 edges, 0.8 µs each",
    }
    assert table.limits == {"2-16-16-1": 0.025}


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
    assert shown.stdout.splitlines() == ["True True {'1'}", "{'OMP_NUM_THREADS': '4'}"]


@pytest.mark.parametrize(("threads", "limited"), [("1", True), ("2", False), (None, False)])
def test_without_threadpoolctl_the_environment_says_whether_blas_is_limited(
    threads: str | None, limited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_edu.bench.measure.util.find_spec", lambda name: None)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if threads is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    with one_blas_thread() as one:
        assert one is limited


def test_threadpoolctl_limits_a_blas_that_is_loaded_and_lets_go_after() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads() -> list[int]:
        return [
            x["num_threads"] for x in threadpoolctl.threadpool_info() if x["user_api"] == "blas"
        ]

    before = threads()
    with one_blas_thread() as one:
        assert (one, set(threads())) == (True, {1})
    assert threads() == before


def test_the_title_says_whether_blas_is_limited() -> None:
    assert stated(True) == "BLAS on one thread"
    assert stated(False) == "BLAS not limited: set OPENBLAS_NUM_THREADS=1"


def as_fit_shuffles(task: fits.Task) -> Iterator[list[np.ndarray]]:
    n, rng = len(task.X), random.Random(0)
    order = list(range(n))
    for _ in range(task.epochs):
        if task.batch < n:
            rng.shuffle(order)
        chosen = np.array(order)
        yield [chosen[k : k + task.batch] for k in range(0, n, task.batch)]


@pytest.mark.parametrize("name", [name for name in fits.TASKS if not name.startswith("784")])
def test_whole_trainings_by_hand_and_in_pytorch_have_the_losses_of_fit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits.Task, "batches", as_fit_shuffles)
    task = fits.TASKS[name][0]()._replace(epochs=4)
    ours, weights = fits.our_fit(task), nets.arrays(task.model())
    assert fits.numpy_fit(task, weights) == pytest.approx(ours, rel=1e-12)
    if measure.installed("PyTorch"):
        assert fits.torch_fit(task, weights) == pytest.approx(ours, rel=1e-12)


def test_the_table_of_trainings_names_engines_and_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    def record(ours, others, rounds, goals, least):  # type: ignore[no-untyped-def]
        return 1.0, [Comparison(name, 1.0, [1.0], goals.get(name)) for name in others]

    small = {name: task for name, task in fits.TASKS.items() if not name.startswith("784")}
    monkeypatch.setattr(fits, "TASKS", small)
    monkeypatch.setattr(fits, "compare", record)
    for module in (fits, measure):
        monkeypatch.setattr(module, "installed", lambda name: name == "NumPy")
    table = fits.fits_table(1)
    assert [[o.goal for o in others] for others in table.others.values()] == [
        [1.0],
        [1.0],
        [1 / 0.9],
        [1 / 0.9],
    ]
    assert [name.split()[0] for name in table.missing] == ["PyTorch", "scikit-learn"]
