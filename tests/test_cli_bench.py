"""The command `bench`: what it measures is the same everywhere, and its tables say what is so."""

import gc
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tinygrad_edu.bench import (
    TABLES,
    Comparison,
    Table,
    compare,
    costs,
    fits,
    matrix,
    measure,
    microgpt,
    scalar,
)
from tinygrad_edu.bench.nets import problem
from tinygrad_edu.bench.scalar import chain, scalar_table
from tinygrad_edu.cli import bench
from tinygrad_edu.engine import Value

Run = Callable[..., tuple[str, str]]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step a turn, short chains, small nets, no peer installed, garbage left to Python."""
    monkeypatch.setattr(gc, "collect", lambda: 0)
    monkeypatch.setattr(measure, "_STEPS_A_TURN", (1, 1))
    monkeypatch.setattr(scalar, "CHAINS", {300: 1.3})
    tables = {"NETS": matrix, "ROWS": matrix, "TASKS": fits, "OPERATIONS": scalar}
    for table, module in tables.items():
        monkeypatch.setattr(module, table, dict(list(getattr(module, table).items())[:1]))
    for size, value in {"VOCABULARY": 5, "WIDTH": 4, "LENGTH": 3}.items():
        monkeypatch.setattr(microgpt, size, value)
    monkeypatch.setattr(scalar, "TIMES", 10)
    monkeypatch.setattr(scalar, "problem", lambda: ([[0.1, 0.2]] * 2, [-1, 1]))
    small = {
        name: (make, [2, 3, 4]) for name, (make, _) in costs.SIZES.items() if "fit" not in name
    }
    monkeypatch.setattr(costs, "SIZES", small)
    monkeypatch.setattr(costs, "INPUTS", 5)
    monkeypatch.setattr(costs, "ROWS", 100)
    monkeypatch.setattr(costs, "euler", lambda steps, euler=costs.euler: euler(3))
    for module in (scalar, measure):
        monkeypatch.setattr(module, "installed", lambda name: name == "NumPy")


def test_the_moons_problem_is_that_of_the_demo() -> None:
    X, y = problem()
    assert (len(X), len(X[0]), sorted(set(y))) == (100, 2, [-1, 1])


def test_micrograd_takes_the_same_steps_as_our_scalar_engine() -> None:
    pytest.importorskip("micrograd")
    X, y = problem()
    ours, theirs = scalar.our_step(X[:10], y[:10]), scalar.micrograd_step(X[:10], y[:10])
    assert [theirs() for _ in range(3)] == pytest.approx([ours() for _ in range(3)], rel=1e-9)


def test_the_chain_is_as_long_as_it_says_and_its_derivative_is_0_9_per_link() -> None:
    made = 0

    class Counted(Value):
        def __init__(self, data: float) -> None:
            nonlocal made
            made += 1
            super().__init__(data)

    assert chain(Counted, 30) == pytest.approx(0.9**10)
    assert made == 3  # the start, a and b; the 30 nodes are results


def test_the_chain_of_micrograd_gives_the_same_derivative() -> None:
    engine = pytest.importorskip("micrograd.engine")
    assert chain(engine.Value, 300) == pytest.approx(chain(Value, 300), rel=1e-12)


@pytest.mark.usefixtures("quick")
def test_the_chain_leaves_the_recursion_limit_as_it_was() -> None:
    before = sys.getrecursionlimit()
    scalar_table(1)
    assert sys.getrecursionlimit() == before


def test_engines_take_turns_and_garbage_is_collected_before_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []
    monkeypatch.setattr("tinygrad_edu.bench.measure._STEPS_A_TURN", (2, 2))
    monkeypatch.setattr(gc, "collect", lambda: events.append("collect"))
    compare(lambda: events.append("ours"), {"other": lambda: events.append("other")}, rounds=2)
    warm_up = ["ours"] * 2 + ["other"] * 2
    turn = ["collect", "ours", "ours", "collect", "other", "other"]
    assert events == warm_up + 2 * turn


def test_a_ratio_is_the_median_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([2.0, 8.0, 1.0, 2.0, 1.0, 3.0])  # ours, other, ours, other, ...
    monkeypatch.setattr("tinygrad_edu.bench.measure._turn", lambda step, steps: next(turns))
    ours, [other] = compare(lambda: None, {"other": lambda: None}, 3, {"other": 2.5})
    assert (ours, other.seconds, other.ratios) == (1.0, 3.0, [4.0, 2.0, 3.0])
    assert (other.ratio, other.goal) == (3.0, 2.5)


@pytest.mark.slow
@pytest.mark.parametrize(("least", "steps"), [(None, 3), (1, 1)])
def test_a_slow_engine_makes_three_steps_a_turn_or_as_few_as_asked(
    least: int | None, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def slow(step: Callable[[], object]) -> float:
        step()
        return 10.0

    monkeypatch.setattr("tinygrad_edu.bench.measure._seconds", slow)
    compare(lambda: calls.append(0), {}, rounds=2, least=least)
    assert len(calls) == 2 + 2 * steps  # two to warm up and to see how long it takes


def table_of(*ratios: float, goal: float | None) -> Table:
    table = Table("A table")
    table.add("", (0.0123, [Comparison("other 1.0", 0.4, list(ratios), goal)]))
    return table


def test_a_table_shows_time_ratio_spread_and_goal() -> None:
    assert bench.text(table_of(31.25, 29.0, 33.3, goal=30.0)).splitlines() == [
        "A table",
        "                            time   ratio  (spread)          goal",
        "  tinygrad_edu scalar    12.3 ms",
        "  other 1.0               400 ms    31.2  (29.0 - 33.3)     30 met",
    ]


def test_a_table_without_others_shows_details_and_whether_the_time_is_kept() -> None:
    table = Table("A table", engine="matrix")
    table.add("small", (20.4e-6, []), detail="677 edges", limit=25e-6)
    table.add("large", (1.6, []), detail="203,541 edges, 7.9 µs each", limit=1.5)
    assert bench.text(table).splitlines() == [
        "A table",
        "                            time                            goal",
        "small",
        "  tinygrad_edu matrix    20.4 µs  677 edges                   25.0 µs met",
        "large",
        "  tinygrad_edu matrix     1.60 s  203,541 edges, 7.9 µs each  1.50 s missed",
    ]


@pytest.mark.parametrize(
    ("ratio", "goal", "said"),
    [
        (30.0, 30.0, "30 met"),
        (29.99, 30.0, "30 missed"),
        (1.31, 1.3, "1.3 met"),
        (20_000.0, 10_000.0, "10,000 met"),
        (0.91, 1 / 1.1, "1.1x time met"),
        (0.90, 1 / 1.1, "1.1x time missed"),
        (9.0, None, ""),
    ],
)
def test_a_goal_is_met_or_missed(ratio: float, goal: float | None, said: str) -> None:
    assert bench.verdict(Comparison("other", 1.0, [ratio], goal)) == said


@pytest.mark.parametrize(
    ("write", "texts"),
    [
        (bench.duration, {1.84: "1.84 s", 0.0562: "56.2 ms", 1e-3: "1.00 ms", 85.94e-6: "85.9 µs"}),
        (
            bench.ratio,
            {31.24: "31.2", 1.3: "1.30", 0.01234: "0.0123", 245.4: "245", 1234.5: "1234"},
        ),
    ],
)
def test_durations_and_ratios_have_three_digits(
    write: Callable[[float], str], texts: dict[float, str]
) -> None:
    assert {number: write(number) for number in texts} == texts


def test_the_widest_line_fits_80_columns() -> None:
    table = Table("A table", missing=measure.missing(["PyTorch", "JAX", "micrograd"]))
    table.add("30,000 nodes", (1, [Comparison("micrograd 12.13.14", 123, [0.00123], 1 / 1.1)]))
    table.add("a net", (1, [Comparison("NumPy 12.13.14 by hand", 1, [26509.0], 10_000.0)]))
    assert max(map(len, bench.text(table).splitlines())) <= 80


def test_missing_peers_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "installed", lambda name: name == "micrograd")
    assert measure.missing(["micrograd", "PyTorch"]) == ["PyTorch (pip install torch)"]


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_bench_runs_without_any_peer_and_writes_json(folder: Path, run: Run) -> None:
    shown, _ = run("bench", "--rounds", "1", "--json", "bench.json")
    assert "  not installed: PyTorch (pip install torch), JAX (pip install jax)," in shown
    assert shown.endswith("\nto repeat: python -m tinygrad_edu bench --rounds 1\n")
    assert max(map(len, shown.splitlines())) <= 80
    assert "fused in C (needs cc, a C compiler)" in shown
    content = json.loads((folder / "bench.json").read_text())
    assert list(content["tables"]) == list(TABLES)
    assert content["tables"]["scalar"]["missing"] == ["micrograd (pip install micrograd)"]
    assert "a chain of (x*b + a).relu(), 300 nodes" in content["tables"]["scalar"]["ours"]
    assert content["tables"]["tracing"]["limits"] == {"2-16-16-1": 0.025}


@pytest.mark.usefixtures("quick")
def test_only_measures_the_tables_it_names_as_markdown_where_it_is_asked_for(run: Run) -> None:
    only = ["--only", "scalar"]
    shown, _ = run("bench", "--rounds", "1", *only, *only, "--markdown")
    assert "\n| a chain of (x*b + a).relu(), 300 nodes | " in shown
    assert "Euler" not in shown
    assert "\nmachine in C: " in shown
    assert shown.endswith("bench --rounds 1 --only scalar --markdown\n")


def test_the_goals_of_scalars_name_engines_that_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("micrograd")

    def record(ours, others, rounds, goals):  # type: ignore[no-untyped-def]
        return 1.0, [Comparison(name, 1.0, [1.0], goals.get(name)) for name in others]

    monkeypatch.setattr(scalar, "compare", record)
    table = scalar_table(1)
    goals = {g: {o.engine: o.goal for o in row.others} for g, row in table.rows.items()}
    assert goals["a + 1.0, and back"] == {"microgpt-style": 1 / 1.3, "micrograd": 1.0}
    assert goals["exp"] == {"microgpt-style": None}
    assert goals["a step of a GPT, 4,192 parameters"]["microgpt-style"] == 1.0
    assert goals["a step of 2-16-16-1, 100 points"] == {"micrograd": 30.0}


@pytest.mark.parametrize("name", scalar.OPERATIONS)
def test_classes_of_numbers_have_the_same_operations_and_derivatives(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scalar, "TIMES", 5)
    make, _ = scalar.OPERATIONS[name]
    for measured in (scalar.results, scalar.sum_and_back):
        ours = measured(Value, make)
        for engine, value in scalar.classes(name).items():
            assert measured(value, make) == pytest.approx(ours, rel=1e-12), engine


def test_a_gpt_of_microgpt_numbers_has_the_losses_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for size, value in {"VOCABULARY": 5, "WIDTH": 4, "LENGTH": 3, "RATE": 0.5}.items():
        monkeypatch.setattr(microgpt, size, value)
    ours, theirs = (microgpt.GptStep(v, random.Random(0)) for v in (Value, microgpt.Scalar))
    losses = [ours() for _ in range(5)]
    assert [theirs() for _ in range(5)] == pytest.approx(losses, rel=1e-12)
    assert losses == sorted(losses, reverse=True)


def test_the_collector_is_on_again_after_a_step_without_it() -> None:
    states: list[object] = []
    steps = scalar.without_collector(
        lambda: states.append((gc.isenabled(), gc.get_freeze_count() > 0)),  # type: ignore[arg-type]
        lambda: states.append(gc.isenabled()),  # type: ignore[arg-type]
    )
    for step in steps.values():
        step()
    assert states == [(False, False), (True, True), False]
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)


def test_markdown_has_a_row_per_group_and_a_column_per_engine() -> None:
    table = Table("A table", engine="matrix")
    table.add("small", (20.4e-6, [Comparison("one", 1e-3, [49.0])]), detail="677 edges")
    table.add("large", (1.6, [Comparison("two", 0.8, [0.5], goal=1.0)]))
    table.add("memory", (0.56, []), limit=0.8, unit="GB")
    assert bench.markdown(table).splitlines() == [
        "| measured | ours | one | two |",
        "| --- | ---: | ---: | ---: |",
        "| small | 20.4 µs (677 edges) | 1.00 ms (49.0) |  |",
        "| large | 1.60 s |  | 800 ms (0.500) |",
        "| memory | 0.56 GB |  |  |",
    ]


def test_what_is_no_time_is_shown_with_its_unit_and_limit() -> None:
    table = Table("A table", engine="exponent")
    table.add("rows", (0.983, []), detail="1: 2.00 ms, 10: 20.0 ms", limit=1.15, unit="")
    assert bench.text(table).splitlines()[1:] == [
        "                                                            goal",
        "rows",
        "  tinygrad_edu exponent     0.98  1: 2.00 ms, 10: 20.0 ms     1.15 met",
    ]
