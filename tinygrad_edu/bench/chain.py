"""A graph of single operations: x = relu(x*b + a), again and again, forward and backward."""

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from tinygrad_edu.bench.measure import Table, compare, installed, labelled, missing
from tinygrad_edu.engine import Value

#: Nodes -> times as fast as micrograd.
GOALS: Final = {3_000: 1.3, 30_000: 2.0}
_STACK: Final = 256 * 2**20


def chain_table(rounds: int) -> Table:
    """Our engine against micrograd, which has nodes of the same size."""
    table = Table(
        "A graph of single operations: a chain of (x*b + a).relu(), forward and backward",
        missing=missing(["micrograd"]),
    )

    def measure() -> None:
        for nodes, goal in GOALS.items():
            others = {}
            if installed("micrograd"):
                value = import_module("micrograd.engine").Value
                others[labelled("micrograd")] = chain_step(value, nodes)
            goals = dict.fromkeys(others, goal)
            table.add(f"{nodes:,} nodes", compare(chain_step(Value, nodes), others, rounds, goals))

    _in_deep_thread(measure)
    return table


def chain_step(value: Callable[[float], Any], nodes: int) -> Callable[[], float]:
    """A function that builds the chain, walks it back, and gives dx/dx0."""

    def step() -> float:
        start, a, b = value(1.0), value(0.1), value(0.9)
        x = start
        for _ in range(nodes // 3):
            x = (x * b + a).relu()
        x.backward()
        return float(start.grad)

    return step


def _in_deep_thread(task: Callable[[], None]) -> None:
    """Run a task that recurses as deep as the graph, as micrograd's `backward` does.

    Python's limit of recursion is raised for that time, and a thread has the stack it asks for.
    """
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)

    limit, stack = sys.getrecursionlimit(), threading.stack_size(_STACK)
    sys.setrecursionlimit(max(limit, 2 * max(GOALS)))
    try:
        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(limit)
    if errors:
        raise errors[0]
