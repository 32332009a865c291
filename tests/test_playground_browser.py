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
SOURCE = "from tinygrad_edu import playground\nplayground()"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a notebook in a JupyterLab of its own."""
    cell = {"cell_type": "code", "metadata": {}, "source": SOURCE, "outputs": [], "id": "a"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [{**cell, "execution_count": None}], "metadata": {"kernelspec": kernel},
                "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook))
    options = [f"--IdentityProvider.token={TOKEN}", "--no-browser", "--ServerApp.port=0",
               f"--ServerApp.root_dir={tmp_path}", "--allow-root"]  # fmt: skip
    places = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **places}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"{_address(tmp_path / 'RUNTIME')}doc/tree/n.ipynb?reset&token={TOKEN}"
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


def test_play_changes_the_picture_and_lowers_the_loss(lab: str, browser: Any) -> None:
    wait = WebDriverWait(browser, 120, ignored_exceptions=[StaleElementReferenceException])

    def one(css: str) -> Any:
        return wait.until(
            lambda b: [e for e in b.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()]
        )[0]

    def line(start: str) -> str:
        found = browser.find_elements(By.CSS_SELECTOR, ".widget-html-content")
        return next(e.text for e in found if e.text.startswith(start))

    def numbers() -> tuple[int, float]:
        epoch, loss = line("epoch ").replace(",", "").split(": training loss ")
        return int(epoch.split()[1]), float(loss.split()[0])

    def picture() -> str:
        return str(browser.execute_script("return arguments[0].toDataURL()", canvas))

    def button(title: str) -> Any:
        css = ".tge-playground button"
        return wait.until(
            lambda b: [e for e in b.find_elements(By.CSS_SELECTOR, css) if e.text.strip() == title]
        )[0]

    browser.get(lab)
    one('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    one(".jp-CodeCell .cm-content")

    def run(_: Any) -> bool:  # the page takes keys only when all of it has come
        one(".jp-CodeCell .cm-content").click()
        keys = webdriver.ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ENTER)
        keys.key_up(Keys.SHIFT).perform()
        time.sleep(1)
        return one(".jp-CodeCell .jp-InputPrompt").text != "[ ]:"

    wait.until(run)
    canvas = one(".tge-plane canvas")
    assert canvas.size == {"width": 360, "height": 360}
    before, (epoch, loss) = picture(), numbers()
    assert epoch == 0
    button("play").click()
    wait.until(lambda _: numbers()[0] >= 20)
    button("pause").click()
    assert picture() != before
    assert numbers()[1] < 0.6 * loss
    button("play")
    epoch, _ = numbers()
    button("step").click()
    wait.until(lambda _: numbers()[0] == epoch + 1)
    button("reset").click()
    wait.until(lambda _: numbers() == (0, loss))
    example = line("class ")
    point = browser.find_elements(By.CSS_SELECTOR, ".tge-plane circle")[7]
    webdriver.ActionChains(browser).move_to_element(point).click().perform()
    wait.until(lambda _: line("class ") != example)
