"""The playground in notebooks, in a browser without a window: JupyterLab and marimo."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browser import Window, window

pytest.importorskip("anywidget", reason="anywidget is not installed")

pytestmark = pytest.mark.slow

TOKEN = "playground"
#: What the cells of a notebook are, one after the other.
CELLS = [
    "from tinygrad_edu import playground\np = playground(n=60, hidden=[3], title='lesson')\np",
    "p.play()",
    "p.pause()",
    "epoch, losses, w = p.epoch, list(p.losses), p.parameters['w1[2,1]']\n"
    "p.set('w1[2,1]', 9)\np.change(rate=0.3)\nprint(epoch, len(losses), losses[0], losses[-1], w)",
    "print(p.parameters['w1[2,1]'], p.settings.rate, p.settings.optimizer)\np.step(2)",
    "print(p.epoch, len(p.losses), p.playing)\nnames = {}\nexec(p.code, names)\n"
    "ours, theirs = ([w.data for w in net.parameters()] for net in (p.model(), names['net']))\n"
    "print(max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 1e-11)",
    "p.reset()\np.parameters = {'b1[1]': 4}\np.settings = type(p.settings)(data='sine', hidden=[2])",
    "print(p.epoch, p.settings.data, len(p.parameters))",
    "p",
]


@contextmanager
def served(*command: str, **environment: str) -> Iterator[None]:
    """While a server runs."""
    server = subprocess.Popen(
        command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a notebook in a JupyterLab of its own, and its file."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**empty, "source": source, "id": f"c{k}"} for k, source in enumerate(CELLS)]
    notebook = {
        "cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (folder / "lesson.ipynb").write_text(json.dumps(notebook))
    options = [f"--IdentityProvider.token={TOKEN}", "--no-browser", "--ServerApp.port=0",
               f"--ServerApp.root_dir={folder}", "--allow-root"]  # fmt: skip
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "RUNTIME")}
    with served(sys.executable, "-m", "jupyterlab", *options, **places):
        yield f"{_address(folder / 'RUNTIME')}doc/tree/lesson.ipynb?reset&token={TOKEN}", folder


def _address(folder: Path) -> str:
    for _ in range(600):
        for file in folder.glob("jpserver-*.json"):
            if (text := file.read_text()).endswith("}"):  # else it is being written
                return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start")


PAGE = (
    "document.querySelector('iframe[title=\"tinygrad_edu playground\"]')?.contentWindow?.tinygrad"
)


class Lab:
    """A notebook in JupyterLab whose cells are run one after the other."""

    def __init__(self, shown: Window, address: str) -> None:
        self.shown, self.ran = shown, 0
        shown.driver.get(address)
        ready = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
        shown.until(f"return document.querySelector('{ready}')")

    def run(self) -> str:
        """Run the next cell; what it prints."""
        from selenium.webdriver import ActionChains, Keys
        from selenium.webdriver.common.by import By

        css, prompt = ".jp-CodeCell .cm-content", ".jp-CodeCell .jp-InputPrompt"
        number = f"[{self.ran + 1}]:"
        while True:  # the page takes keys only when all of it has come
            self.shown.driver.find_elements(By.CSS_SELECTOR, css)[self.ran].click()
            chain = ActionChains(self.shown.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER)
            chain.key_up(Keys.SHIFT).perform()
            prompts = self.shown.driver.find_elements(By.CSS_SELECTOR, prompt)
            if prompts[self.ran].text != "[ ]:":
                break
            time.sleep(0.5)
        found = f"[...document.querySelectorAll('{prompt}')][{self.ran}].textContent"
        self.shown.until(f"return {found} === '{number}'")
        time.sleep(0.5)  # what the page does for it is told within a tenth of a second
        cell = self.shown.driver.find_elements(By.CSS_SELECTOR, ".jp-CodeCell")[self.ran]
        self.ran += 1
        return " ".join(e.text for e in cell.find_elements(By.CSS_SELECTOR, ".jp-OutputArea pre"))


@pytest.fixture
def shown() -> Iterator[Window]:
    with window("1500,1400") as opened:
        yield opened


def test_python_and_the_page_in_jupyterlab_have_one_state(lab: Any, shown: Window) -> None:
    notebook = Lab(shown, lab[0])
    notebook.run()
    shown.until(f"return {PAGE}?.epoch === 0")
    notebook.run()
    shown.until(f"return {PAGE}.epoch > 20")
    notebook.run()
    shown.until(f"return !{PAGE}.playing")
    epoch, number, first, last, w = notebook.run().split()
    assert int(epoch) == int(number) > 20
    assert float(last) < 0.8 * float(first)
