"""The page of the playground in a window of chromium, driven by scripts and by keys."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from browser import window

LINK = "data=moons&n=240&noise=0.15&hidden=4+2&seed=1"


@cache
def page() -> str:
    return lesson()


def lesson(**options: Any) -> str:
    from tinygrad_edu.playground import lesson  # late: all tests import this file

    return lesson(**options)


class Screen:
    """The page in a window of 1280 x 800, or of another size."""

    def __init__(self, opened: Any, folder: Path) -> None:
        self.window, self.folder, self.changed = opened, folder, True

    def open(self, state: str = LINK, size: tuple[int, int] = (1280, 800), **options: Any) -> None:
        path = self.folder / "lesson.html"
        path.write_text(lesson(**options) if options else page(), encoding="utf-8")
        driver = self.window.driver
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get("about:blank")
        driver.get(f"{path.as_uri()}#{state}")
        self.window.until("return 'ready' in document.documentElement.dataset")

    def run(self, script: str) -> Any:
        """What a script returns after the frame in which all was painted."""
        return self.window.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "const $ = (id) => document.getElementById(id);"
            f"const value = (() => {{ {script} }})();"
            "requestAnimationFrame(() => requestAnimationFrame(() => done(value)));"
        )

    def key(self, key: str) -> None:
        self.run(
            "document.body.dispatchEvent(new KeyboardEvent('keydown',"
            f"{{key: {json.dumps(key)}, bubbles: true}}))"
        )

    def put(self, id_: str, value: Any, event: str) -> None:
        self.run(
            f"const e = $({id_!r}); e.value = {json.dumps(value)};"
            f"e.dispatchEvent(new Event({event!r}, {{bubbles: true}}))"
        )

    def press(self, selector: str) -> None:
        self.run(f"document.querySelector({selector!r}).click()")

    def texts(self, selector: str) -> list[str]:
        script = f"return [...document.querySelectorAll({selector!r})].map((e) => e.textContent)"
        return list(self.run(script))

    def plane(self) -> str:
        return str(self.run("return document.querySelector('#plane canvas').toDataURL()"))


@pytest.fixture(scope="module")
def opened_screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    with window() as opened:
        yield Screen(opened, tmp_path_factory.mktemp("pages"))


@pytest.fixture
def screen(opened_screen: Screen) -> Iterator[Screen]:
    """Whatever a test does: the page logs nothing and asks for nothing."""
    yield opened_screen
    seen = opened_screen.window
    assert (seen.console(), seen.requests()) == ([], [])
