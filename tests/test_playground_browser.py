"""The playground in JupyterLab, in a browser without a window."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")
pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow

TOKEN = "playground"
NOTEBOOKS = {
    "whole.ipynb": "from tinygrad_edu import playground\nplayground()",
    "small.ipynb": "from tinygrad_edu import playground\n"
    'playground(hidden=[2], n=40, show=["weights", "code"])',
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab of its own, to which the name of a notebook is put."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for name, source in NOTEBOOKS.items():
        cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "id": "a"}
        notebook = {
            "cells": [{**cell, "execution_count": None}], "metadata": {"kernelspec": kernel},
            "nbformat": 4, "nbformat_minor": 5,
        }  # fmt: skip
        (folder / name).write_text(json.dumps(notebook))
    options = [f"--IdentityProvider.token={TOKEN}", "--no-browser", "--ServerApp.port=0",
               f"--ServerApp.root_dir={folder}", "--allow-root"]  # fmt: skip
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "RUNTIME")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **places}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"{_address(folder / 'RUNTIME')}doc/tree/{{}}?reset&token={TOKEN}"
    finally:
        server.kill()
        server.wait()


def _address(folder: Path) -> str:
    for _ in range(600):
        for file in folder.glob("jpserver-*.json"):
            if (text := file.read_text()).endswith("}"):  # else it is being written
                return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start")


@pytest.fixture
def browser() -> Iterator[Any]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium or no chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,1500"):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()


class Page:
    """A notebook whose only cell was run, in the browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        stale = [StaleElementReferenceException]
        self.wait = WebDriverWait(browser, 120, ignored_exceptions=stale).until
        browser.get(address)
        self.one('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        self.wait(self._run)

    def _run(self, _: Any) -> bool:  # the page takes keys only when all of it has come
        self.one(".jp-CodeCell .cm-content").click()
        keys = webdriver.ActionChains(self.browser).key_down(Keys.SHIFT).send_keys(Keys.ENTER)
        keys.key_up(Keys.SHIFT).perform()
        time.sleep(1)
        return bool(self.one(".jp-CodeCell .jp-InputPrompt").text != "[ ]:")

    def one(self, css: str, text: str = "") -> Any:
        def found(browser: Any) -> list[Any]:
            shown = [e for e in browser.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()]
            return [e for e in shown if e.text.strip().startswith(text)]

        return self.wait(found)[0]

    def click(self, title: str) -> None:
        self.one(".tge-playground button", title).click()

    def line(self, start: str) -> str:
        return str(self.one(".widget-html-content", start).text)

    def numbers(self) -> tuple[int, float]:
        epoch, loss = self.line("epoch ").replace(",", "").split(": training loss ")
        return int(epoch.split()[1]), float(loss.split()[0])

    def picture(self) -> str:
        canvas = self.one(".tge-plane canvas")
        return str(self.browser.execute_script("return arguments[0].toDataURL()", canvas))


def test_play_changes_the_picture_and_lowers_the_loss(lab: str, browser: Any) -> None:
    page = Page(browser, lab.format("whole.ipynb"))
    assert page.one(".tge-plane canvas").size == {"width": 360, "height": 360}
    before, (epoch, loss) = page.picture(), page.numbers()
    assert epoch == 0
    page.click("play")
    page.wait(lambda _: page.numbers()[0] >= 20)
    page.click("pause")
    assert page.picture() != before
    assert page.numbers()[1] < 0.6 * loss
    page.one(".tge-playground button", "play")
    epoch, _ = page.numbers()
    page.click("step")
    page.wait(lambda _: page.numbers()[0] == epoch + 1)
    page.click("reset")
    page.wait(lambda _: page.numbers() == (0, loss))
    example = page.line("class ")
    point = browser.find_elements(By.CSS_SELECTOR, ".tge-plane circle")[7]
    webdriver.ActionChains(browser).move_to_element(point).click().perform()
    page.wait(lambda _: page.line("class ") != example)


def test_sliders_tell_only_what_the_user_moves(lab: str, browser: Any) -> None:
    page = Page(browser, lab.format("small.ipynb"))

    def code() -> str:
        return str(page.one(".tge-playground textarea").get_property("value"))

    page.click("play")
    page.wait(lambda _: page.numbers()[0] >= 20)
    page.click("pause")
    page.one(".tge-playground button", "play")
    page.wait(lambda _: f"epochs={page.numbers()[0]}," in code())
    assert code().count("fit(") == 1
    assert ".data = " not in code()
    slider = page.one('.tge-sliders input[type="range"]')
    slider.send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda _: code().count('named_parameters()["layer1.neuron1.w[0]"].data = ') == 1)
