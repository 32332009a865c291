"""What a saved notebook shows in JupyterLab: pictures, whether it is trusted or not."""

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
from graphs import square

from tinygrad_edu.view import draw, steps, worksheet

pytest.importorskip("selenium", reason="selenium is not installed")
pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = pytest.mark.slow


def saved(*shown: Any) -> dict[str, Any]:
    """A notebook with what a cell showed, which nobody has trusted."""
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": x._repr_mimebundle_()}
        for x in shown
    ]
    cell = {"cell_type": "code", "metadata": {}, "source": "", "outputs": outputs, "id": "a"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": [{**cell, "execution_count": 1}], "metadata": {"kernelspec": kernel},
            "nbformat": 4, "nbformat_minor": 5}  # fmt: skip


@pytest.fixture
def page(tmp_path: Path, embedded_renderer: None) -> Iterator[Any]:
    """The notebook, open in a JupyterLab of its own."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium or no chromedriver on this machine")
    notebook = saved(draw(square()), steps(square()).strip(), worksheet(square()), steps(square()))
    (tmp_path / "saved.ipynb").write_text(json.dumps(notebook))
    assert (tmp_path / "saved.ipynb").stat().st_size < 1_000_000
    command = [sys.executable, "-m", "jupyterlab", "--IdentityProvider.token=saved",
               "--no-browser", "--ServerApp.port=0", "--allow-root",
               f"--ServerApp.root_dir={tmp_path}"]  # fmt: skip
    places = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME", "DATA")}
    server = subprocess.Popen(
        command, env={**os.environ, **places}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,3000"):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        for _ in range(600):
            found = list((tmp_path / "RUNTIME").glob("jpserver-*.json"))
            if found and found[0].read_text().endswith("}"):
                break
            time.sleep(0.1)
        address = json.loads(found[0].read_text())["url"]
        opened.get(f"{address}doc/tree/saved.ipynb?reset&token=saved")
        yield opened
    finally:
        opened.quit()
        server.kill()
        server.wait()


def test_what_is_not_trusted_shows_pictures_and_says_what_a_film_needs(page: Any) -> None:
    def all_shown(browser: Any) -> Any:
        found = browser.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output")
        return found if len(found) == 4 else None

    *pictures, film = WebDriverWait(page, 120).until(all_shown)
    time.sleep(1)
    for picture in pictures:
        (image,) = picture.find_elements(By.TAG_NAME, "img")
        assert image.get_attribute("src").startswith("data:image/png;base64,")
        assert image.size["width"] > 200
        assert not picture.find_elements(By.TAG_NAME, "svg")
    assert not film.find_elements(By.TAG_NAME, "iframe")
    assert film.text.startswith("The film plays in a trusted notebook: run this cell.")
