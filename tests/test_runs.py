"""Many runs: restarts and sweeps, here, on processes, and on a cluster that loses a worker."""

import math
import os
import pickle
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from processes import run_in_process
from refusals import refusals

from tinygrad_edu import MLP, SGD, History, Module, Value, best_of, fit, primitive, sweep
from tinygrad_edu.train import Run, Sweep
from tinygrad_edu.train.search import pack

XOR, XOR_Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
GRID: dict[str, list[Any]] = {"lr": [0.1, 0.01], "hidden": [2, 3]}


def learn(
    rng: random.Random, lr: float = 0.1, hidden: int = 2, callbacks: Any = ()
) -> tuple[MLP, History]:
    model = MLP(2, [hidden, 1], "tanh", rng=rng)
    history = fit(
        model, XOR, XOR_Y, loss="squared_error", optimizer=SGD(model.parameters(), lr=lr),
        epochs=8, callbacks=callbacks, progress=False,
    )  # fmt: skip
    return model, history


def losing_a_worker(once: Path) -> Callable[..., tuple[MLP, History]]:
    """A run whose process is killed in its fifth epoch, where it is not this one, once in all."""
    home = os.getpid()

    def run(rng: random.Random, **settings: Any) -> tuple[MLP, History]:
        def die(epoch: Any) -> None:
            if epoch.number == 4 and os.getpid() != home and not once.exists():
                once.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        return learn(rng, **settings, callbacks=[die])

    return run


def facts(result: Sweep) -> list[Any]:
    return [(run.settings, run.history, run.model.state_dict()) for run in result.runs]


def ended(*loss: float, validation: Any = (), stopped: bool = False) -> tuple[None, History]:
    return None, History(loss, validation_loss=validation, interrupted=stopped)


# --- the grid and its table


def test_every_combination_is_trained_and_the_best_comes_first() -> None:
    result = sweep(learn, GRID, rng=3)
    made = [run.settings for run in result.runs]
    assert len(result) == 4
    assert all({"lr": lr, "hidden": n} in made for lr in (0.1, 0.01) for n in (2, 3))
    losses = [run.history.loss[-1] for run in result.runs]
    assert losses == sorted(losses)
    assert result.best is result.runs[0]


def test_no_run_sees_what_another_did_to_a_setting() -> None:
    def grown(rng: random.Random, sizes: list[int], a: int) -> tuple[list[int], History]:
        sizes += [a]
        return sizes, History([float(a)])

    lock = threading.Lock()
    runs = sweep(grown, {"sizes": [[2]], "a": [1, 3]}).runs
    assert [run.model for run in runs] == [[2, 1], [2, 3]]
    assert [run.settings["sizes"] for run in runs] == [[2], [2]]
    shared = sweep(lambda rng, lock: (lock, History([1.0])), {"lock": [lock]})
    assert shared.best.model is lock  # cannot be copied


def test_numbers_of_numpy_are_shown_as_numbers() -> None:
    table = sweep(lambda rng, **_: ended(1.0), {"n": np.array([2]), "yes": [np.True_]}).table()
    assert table.split() == ["loss", "n", "yes", "1", "2", "True"]


def test_a_setting_is_compared_from_the_same_seed_whatever_else_is_in_the_grid() -> None:
    drawn = sweep(lambda rng, a: ended(rng.random()), {"a": [1, 2, 3]}, rng=5)
    assert len({run.loss for run in drawn.runs}) == 1
    alone = sweep(learn, {"lr": [0.01], "hidden": [3]}, rng=3)
    assert facts(alone)[0] in facts(sweep(learn, GRID, rng=3))
    assert sweep(learn, {"lr": [0.1]}, rng=4).best.loss != sweep(learn, {"lr": [0.1]}).best.loss


def test_the_validation_loss_ranks_where_there_is_one_and_no_number_comes_last() -> None:
    ends = {
        "nan": ended(math.nan),
        "none": ended(),
        "overfitted": ended(0.1, validation=[0.9]),
        "fair": ended(0.4, validation=[0.5]),
    }
    result = sweep(lambda rng, end: ends[end], {"end": list(ends)})
    assert [run.settings["end"] for run in result.runs] == ["fair", "overfitted", "nan", "none"]
    assert [run.loss for run in result.runs] == [0.5, 0.9, math.inf, math.inf]


def test_the_table_shows_the_last_numbers_and_the_settings() -> None:
    result = Sweep(
        [
            Run({"lr": 0.5, "net": "wide"}, None, History([2.0, 0.25], [0.5, 0.75])),
            Run({"lr": 0.125, "net": [3, 1]}, None, History([0.125])),
        ]
    )
    table = """\
 loss  accuracy     lr     net
0.125         -  0.125  [3, 1]
 0.25     75.0%    0.5    wide"""
    assert repr(result) == str(result) == result.table() == table
    assert result.table(rows=1) == " loss     lr     net\n0.125  0.125  [3, 1]\nand 1 more runs"


def test_a_table_is_never_wider_than_100_columns() -> None:
    settings = {f"setting_{k}": "x" * 50 for k in range(9)}
    lines = repr(Sweep([Run(settings, None, History([1.0], [1.0], [1.0], [1.0]))])).splitlines()
    assert [len(line) for line in lines] == [100, 100]
    assert all(line.endswith("...") for line in lines)


LISTED = "must be a list of settings, got"
NOTHING = "is empty: there is nothing to train"
ERRORS: dict[str, tuple[Any, type[Exception], str]] = {
    "no grid": (lambda: sweep(learn, [0.1]), TypeError,  # type: ignore[arg-type]
     'grid must be a dict of lists, got list: write {"lr": [0.1, 1.0]}'),
    "one number": (lambda: sweep(learn, {"lr": 0.1}), TypeError,  # type: ignore[dict-item]
     f"grid['lr'] {LISTED} float 0.1: write [0.1]"),
    "one number of NumPy": (lambda: sweep(learn, {"lr": np.array(0.1)}), TypeError,
     f"grid['lr'] {LISTED} ndarray array(0.1): write [array(0.1)]"),
    "one text": (lambda: sweep(learn, {"lr": "fast"}), TypeError,
     f"grid['lr'] {LISTED} str 'fast': write ['fast']"),
    "an empty grid": (lambda: sweep(learn, {}), ValueError, f"grid {NOTHING}"),
    "an empty list": (lambda: sweep(learn, {"lr": []}), ValueError, f"grid['lr'] {NOTHING}"),
    "no model": (lambda: sweep(lambda rng, a: History([1.0]), {"a": [1]}),  # type: ignore
     TypeError, "run must return (model, history), got History(1 epochs, last loss=1)"),
    "no process": (lambda: best_of(learn, 2, n_jobs=0), ValueError,
     "n_jobs must be an int of at least 1, got 0"),
}  # fmt: skip
test_a_bad_sweep_is_refused = refusals(ERRORS)


# --- Ctrl-C


def test_ctrl_c_ends_with_the_runs_made_so_far() -> None:
    def run(rng: random.Random, a: int) -> tuple[None, History]:
        if a == 3:
            raise KeyboardInterrupt
        return ended(1.0)

    with pytest.warns(RuntimeWarning) as warned:
        result = sweep(run, {"a": [1, 2, 3, 4]})
    assert [run.settings["a"] for run in result.runs] == [1, 2]
    assert [str(w.message) for w in warned] == ["interrupted by the user after 2 of 4 runs"]
    with pytest.raises(KeyboardInterrupt):
        sweep(run, {"a": [3, 4]})


def test_a_run_that_ctrl_c_cut_short_is_the_last_and_is_kept() -> None:
    histories = iter([ended(2.0), ended(1.0, stopped=True), ended(0.0)])
    with pytest.warns(RuntimeWarning, match="interrupted by the user after 2 of 3 runs"):
        best = best_of(lambda rng: next(histories), 3)
    assert best.history.loss == [1.0]
    assert len(best.histories) == 2


# --- without joblib


def test_without_joblib_one_process_works_and_more_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("joblib", "cloudpickle"):
        monkeypatch.setitem(sys.modules, name, None)
    assert len(sweep(learn, GRID, n_jobs=1)) == 4
    with pytest.raises(ImportError) as error:
        best_of(learn, 2, n_jobs=2)
    assert str(error.value) == "n_jobs=2 needs cloudpickle: pip install joblib cloudpickle"


def test_nothing_asks_for_joblib_unless_it_is_in_use() -> None:
    code = """
    import sys
    from tinygrad_edu import History, best_of
    sys.modules |= {"joblib": None, "cloudpickle": None}
    del sys.modules["joblib"]
    print(best_of(lambda rng: (None, History([1.0])), 2).history)
    """
    shown = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "History(1 epochs, last loss=1)\n"


# --- parcels


@primitive(lambda m, y, x, c: (2 * c * x,))
def scaled_square(m: Any, x: Any, c: float) -> Any:
    return c * x * x


def test_a_net_with_an_operation_of_ones_own_travels() -> None:
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    square = scaled_square.bind(c=0.5)
    model = MLP(2, [2, 1], square, lambda z: z.tanh(), rng=1)
    again = pickle.loads(pack("a net", model))
    assert again([0.3, 0.4]).data == model([0.3, 0.4]).data
    again([0.3, 0.4]).backward()
    assert any(p.grad for p in again.parameters())
    op = pickle.loads(pack("an operation", square))
    assert (op.name, op.constants, op(3.0)) == ("scaled_square", {"c": 0.5}, 4.5)
    assert pickle.loads(pack("an operation", Value(1.0).tanh().op)) is Value(1.0).tanh().op


def test_what_cannot_travel_is_named() -> None:
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    x = Value(1.0)
    with pytest.raises(TypeError) as error:
        pack("run", x + 1)
    assert str(error.value) == (
        "run cannot be sent to another process, write n_jobs=1: Value(data=2.0, grad=0.0, op=add) "
        "is the result of an operation and cannot be copied or pickled without its graph: "
        "copy its number, Value(v.data), or copy the model"
    )


# --- processes


@pytest.fixture(scope="module")
def processes() -> Iterator[None]:
    """Worker processes, ended after the last test of them."""
    pytest.importorskip("joblib", reason="joblib is not installed")
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@pytest.mark.slow
def test_processes_give_the_result_of_one_and_a_killed_one_is_made_good(
    tmp_path: Path, processes: None
) -> None:
    run = losing_a_worker(tmp_path / "killed")
    alone = sweep(run, GRID, rng=3)
    with pytest.warns(RuntimeWarning, match="a worker process died: . of 4 runs are started again"):
        shared = sweep(run, GRID, rng=3, n_jobs=2)
    assert (tmp_path / "killed").exists()
    assert facts(shared) == facts(alone)
    assert best_of(run, 3, n_jobs=2).histories == best_of(run, 3).histories


def test_a_run_that_kills_every_worker_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[int]] = []

    def start(todo: dict[int, Any], n_jobs: int) -> Iterator[Any]:
        started.append(list(todo))
        for k in list(todo)[:1]:
            if k < 2:
                yield k, ended(1.0)
        raise BrokenProcessPool

    monkeypatch.setattr(sys.modules["tinygrad_edu.train.search"], "_on_processes", start)
    with pytest.warns(RuntimeWarning), pytest.raises(RuntimeError) as error:
        sweep(learn, {"lr": [1, 2, 3, 4]}, n_jobs=2)
    assert str(error.value) == (
        "worker processes died 3 times in a row with 2 of 4 runs left, perhaps for want of memory: "
        "try a smaller n_jobs"
    )
    assert started == [[0, 1, 2, 3], [1, 2, 3], [2, 3], [2, 3]]


@pytest.mark.slow
def test_the_error_of_a_run_in_another_process_arrives(processes: None) -> None:
    def run(rng: random.Random, a: int) -> Any:
        class Kept(Module):
            def __init__(self) -> None:
                self.loss = Value(1.0) + 1

        return [0][a] if a else (Kept(), History([1.0]))

    with pytest.raises(IndexError, match="list index out of range"):
        sweep(run, {"a": [1]}, n_jobs=2)
    with pytest.raises(TypeError, match="what run returned cannot be sent to another process"):
        sweep(run, {"a": [0]}, n_jobs=2)


class TwoPartsError(Exception):
    """Does not survive the way back: `args` is not what the constructor takes."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{code}: {said}")


@pytest.mark.slow
def test_an_error_that_cannot_travel_arrives_as_its_text(processes: None) -> None:
    def run(rng: random.Random, a: int) -> Any:
        raise TwoPartsError(a, "no such file")

    with pytest.raises(RuntimeError) as caught:
        sweep(run, {"a": [7, 7]}, n_jobs=2)
    assert str(caught.value) == "TwoPartsError: 7: no such file"
    # where the function stands; newer versions of cloudpickle do not send the lines of its file
    assert ", in run\n" in caught.value.__notes__[0]


@pytest.mark.slow
def test_ctrl_c_ends_the_processes_too(tmp_path: Path, processes: None) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import os, pathlib, time
        from tinygrad_edu import History, sweep

        def run(rng, seconds):
            pathlib.Path(f"pid{seconds}").write_text(str(os.getpid()))
            time.sleep(seconds)
            return None, History([1.0])

        if __name__ == "__main__":
            print([run.settings for run in sweep(run, {"seconds": [0, 600, 601]}, n_jobs=2).runs])
        """)
    )
    options: Any = {"cwd": tmp_path, "stderr": subprocess.DEVNULL}
    with run_in_process("-W", "ignore", program, group=True, **options) as process:
        pids = [tmp_path / "pid600", tmp_path / "pid601"]
        while process.poll() is None and not all(p.exists() and p.read_text() for p in pids):
            time.sleep(0.05)
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.communicate(timeout=60)[0] == "[{'seconds': 0}]\n"
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(int(pid.read_text()), 0)


@pytest.mark.slow
def test_a_cluster_gives_the_result_of_one_process_and_a_killed_worker_is_made_good(
    tmp_path: Path,
) -> None:
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    run = losing_a_worker(tmp_path / "killed")
    alone = sweep(run, GRID, rng=3)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        shared = sweep(run, GRID, rng=3)
        nested = sweep(lambda rng, lr: best_of(learn, 2, rng=rng)[:2], {"lr": [0.1]}, rng=3)
    assert (tmp_path / "killed").exists()
    assert facts(shared) == facts(alone)
    assert len(nested) == 1
