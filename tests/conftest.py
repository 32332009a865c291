"""What all tests share."""

import os
from collections import defaultdict
from collections.abc import Generator
from typing import Any

import pytest
from command_line import folder, model_only, run  # noqa: F401
from hypothesis import settings
from screen import opened_screen, screen  # noqa: F401

# Property tests are judged by their answers, not by their time.
settings.register_profile("tinygrad_edu", deadline=None)
settings.load_profile("tinygrad_edu")


@pytest.fixture(autouse=True)
def nobody_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written is not pressed onto the disk, which takes a tenth of a second."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def embedded_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pictures on every machine."""
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "graphviz-pure")


#: Of a table of more rows the quick part takes every fourth.
LONG = 9


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tables = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        tables[item.nodeid.partition("[")[0]].append(item)
    for rows in tables.values():
        if len(rows) > LONG:
            for k, item in enumerate(rows):
                if k % 4:
                    item.add_marker(pytest.mark.slow)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    return _judged((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    return _judged((yield), collector.config)


def _judged(report: Any, config: pytest.Config) -> Any:
    if report.skipped and config.getoption("no_skips"):
        report.outcome = "failed"
    return report
