"""The playground in notebooks, in a browser without a window: JupyterLab and marimo."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from browser import Window, window

import tinygrad_edu
from tinygrad_edu import playground
from tinygrad_edu.playground import points

#: Where the package is, for kernels.
HERE = str(Path(tinygrad_edu.__file__).parents[1])
pytest.importorskip("anywidget", reason="anywidget is not installed")

pytestmark = pytest.mark.slow

TOKEN = "playground"
#: The cells of a notebook: what each prints is looked at.
CELLS = [
    "from tinygrad_edu import playground\np = playground(n=60, hidden=[3], title='lesson')\np",
    "p.play()",
    "p.pause()",
    "print(p.epoch, len(p.losses), p.losses[0], p.losses[-1], p.playing)\n"
    "p.set('w1[2,1]', 9)\np.change(rate=0.3)",
    "print(p.parameters['w1[2,1]'], p.settings.rate, p.settings.optimizer)\np.step(2)",
    "names = {}\nexec(p.code, names)\n"
    "both = [[w.data for w in net.parameters()] for net in (p.model(), names['net'])]\n"
    "print(p.epoch, len(p.losses), max(abs(a - b) for a, b in zip(*both, strict=True)) < 1e-11)",
    "p.parameters = {'b1[1]': 4}",
    "p.settings = playground.Settings(data='sine', hidden=[2])",
    "print(p.epoch, p.settings.data, len(p.parameters))\np",
]
MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    from tinygrad_edu import playground
    p = playground(n=60, hidden=[3])
    p
    return (p,)

@app.cell
def _(p):
    p.change(rate=0.03)
    p.step(30)
    return

@app.cell
def _(p):
    import marimo as mo
    refresh = mo.ui.refresh(default_interval=1)
    refresh
    return (mo, refresh)

@app.cell
def _(mo, p, refresh):
    refresh
    mo.md(f"{p.epoch} of {len(p.losses)}, {p.losses[-1] if p.losses else None}")
    return
"""


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
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of notebooks in a dark JupyterLab of its own, without their names."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**empty, "source": source, "id": f"c{k}"} for k, source in enumerate(CELLS)]
    notebook = {
        "cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (folder / "lesson.ipynb").write_text(json.dumps(notebook))
    shown, _ = playground(n=60, hidden=[3])._repr_mimebundle_()
    output = {"output_type": "display_data", "data": shown, "metadata": {}}
    saved = {**notebook, "cells": [{**cells[0], "outputs": [output]}]}
    (folder / "saved.ipynb").write_text(json.dumps(saved))
    theme = folder / "settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True)
    theme.write_text('{"theme": "JupyterLab Dark"}')
    options = [f"--IdentityProvider.token={TOKEN}", "--no-browser", "--ServerApp.port=0",
               f"--ServerApp.root_dir={folder}", "--allow-root"]  # fmt: skip
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "RUNTIME")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "PYTHONPATH": HERE}
    with served(sys.executable, "-m", "jupyterlab", *options, **places):
        yield f"{_address(folder / 'RUNTIME')}doc/tree/{{}}.ipynb?reset&token={TOKEN}"


def _address(folder: Path) -> str:
    for _ in range(600):
        for file in folder.glob("jpserver-*.json"):
            if (text := file.read_text()).endswith("}"):  # else it is being written
                return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start")


FRAME = "document.querySelector('iframe[title=\"tinygrad_edu playground\"]')"
PAGE = f"{FRAME}?.contentWindow?.tinygrad"
#: The same in marimo, where what is shown is in a shadow.
FIND = """const frame = (root) => [...root.querySelectorAll("*")].map((e) =>
  e.tagName === "IFRAME" ? e : e.shadowRoot && frame(e.shadowRoot)).find(Boolean);
window.page = () => frame(document)?.contentWindow?.tinygrad;"""


class Lab:
    """A notebook in JupyterLab whose cells are run one after the other."""

    def __init__(self, shown: Window, address: str) -> None:
        self.shown, self.ran = shown, 0
        shown.driver.get(address)
        ready = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
        shown.until(f"return document.querySelector('{ready}')")

    def run(self) -> list[str]:
        """Run the next cell; the words that it prints."""
        from selenium.webdriver import ActionChains, Keys

        cell = f"document.querySelectorAll('.jp-CodeCell')[{self.ran}]"
        prompt = f"return {cell}.querySelector('.jp-InputPrompt').textContent"
        while self.shown.run(prompt) == "[ ]:":
            self.shown.run(f"{cell}.querySelector('.cm-content')?.focus()")
            keys = ActionChains(self.shown.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER)
            keys.key_up(Keys.SHIFT).perform()
            time.sleep(1)  # the notebook takes keys only when all of it has come
        self.ran += 1
        self.shown.until(f"{prompt} === '[{self.ran}]:'")
        time.sleep(2)  # what the page does then is told soon, and later where much else runs
        printed = f"[...{cell}.querySelectorAll('.jp-OutputArea-output pre')]"
        return str(self.shown.run(f"return {printed}.map((e) => e.textContent).join(' ')")).split()


@pytest.fixture
def shown() -> Iterator[Window]:
    with window("1500,1400") as opened:
        opened.patience = 120  # notebooks take long to start
        yield opened


def test_python_and_the_page_in_jupyterlab_have_one_state(lab: str, shown: Window) -> None:
    notebook = Lab(shown, lab.format("lesson"))
    notebook.run()
    shown.until(f"return {PAGE}?.epoch === 0")
    notebook.run()
    shown.until(f"return {PAGE}.epoch > 20")
    notebook.run()
    shown.until(f"return !{PAGE}.playing")
    epoch, number, first, last, playing = notebook.run()
    assert int(epoch) == int(number) == shown.run(f"return {PAGE}.epoch")
    assert float(last) < 0.8 * float(first)
    assert playing == "False"
    weight = f"{PAGE}.parameters[{PAGE}.names.indexOf('w1[2,1]')]"
    shown.until(f"return {weight} === 9")
    before = shown.run(f"return {PAGE}.example")
    assert notebook.run() == ["9", "0.3", "adam"]
    shown.until(f"return {PAGE}.epoch === {int(epoch) + 2}")
    assert before is None
    assert notebook.run()[-3:] == [str(int(epoch) + 2), str(int(epoch) + 2), "True"]
    _is_dark(shown)
    # the notebook takes frames out that nobody sees, and a page that comes back starts anew
    kept = shown.run(f"return [{PAGE}.epoch, {PAGE}.parameters]")
    shown.run(
        f"const f = {FRAME}, at = f.parentElement; f.remove(); setTimeout(() => at.append(f), 300)"
    )
    time.sleep(1)
    shown.until(f"return {PAGE}?.epoch === {kept[0]}")
    assert shown.run(f"return {PAGE}.parameters") == pytest.approx(kept[1], rel=1e-12)
    plane = f"{FRAME}.contentDocument.querySelector('#plane canvas').toDataURL()"
    shown.until(f"return {PAGE}.playing === false")
    before = shown.run(f"return {plane}")
    notebook.run()
    shown.until(f"return {plane} !== {json.dumps(before)}")
    notebook.run()
    shown.until(f"return {PAGE}.settings.data === 'sine'")
    assert notebook.run() == ["0", "sine", "7"]
    shown.until(f"return {PAGE}?.settings.data === 'sine'")
    frames = "document.querySelectorAll('iframe[title=\"tinygrad_edu playground\"]').length"
    assert shown.run(f"return {frames}") == 1
    assert not [message for message in shown.console() if "tinygrad" in message]


def _is_dark(shown: Window) -> None:
    """Texts can be read on the ground of a dark notebook."""
    colours = shown.run(
        f"const d = {FRAME}.contentDocument, of = (e) => getComputedStyle(e);"
        "return [of(d.documentElement).colorScheme, of(d.body).color, of(d.body).backgroundColor,"
        " of(d.documentElement).backgroundColor]"
    )
    assert colours[0] == "dark", colours


def test_a_saved_page_has_the_state_of_python_to_the_last_digit(
    shown: Window, tmp_path: Path
) -> None:
    rows = [[random.Random(k).random(), random.Random(k + 99).random()] for k in range(40)]
    labels = ["<b>" if x1 > x2 else "a'\"&#" for x1, x2 in rows]
    p = playground(rows, labels, epochs=4, hidden=[3], dropout=0.2, lock=True, title="</title>")
    for k in range(2):  # as it was trained, and with a weight that was set
        shown.open(p.save(tmp_path / f"{k}.html"))
        numbers = shown.run("return [window.tinygrad.parameters, window.tinygrad.losses]")
        assert numbers[0] == pytest.approx(list(p.parameters.values()), rel=1e-12, abs=1e-13)
        assert numbers[1] == pytest.approx(p.losses, rel=1e-12)
        own = shown.run("return window.tinygrad.settings.own")
        assert own["points"] == points(rows, labels).X
        assert own["names"] == ["<b>", "a'\"&#"]
        p.set("w1[2,1]", 0.1)
    assert shown.run("return document.title") == "</title>"
    assert shown.console() == []


def test_a_saved_notebook_that_is_not_trusted_shows_its_picture(lab: str, shown: Window) -> None:
    Lab(shown, lab.format("saved"))
    image = "document.querySelector('.jp-OutputArea-output img')"
    shown.until(f"return {image}?.naturalWidth > 600 && {image}.naturalHeight > 200")
    assert shown.run(f"return {FRAME}") is None


def test_the_page_in_marimo_does_what_python_asks_and_tells_what_it_has(
    shown: Window, tmp_path: Path
) -> None:
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if (marimo := shutil.which("marimo", path=folders)) is None:
        pytest.skip("marimo is not installed")
    (tmp_path / "lesson.py").write_text(MARIMO)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--headless", "--no-token", "--port", str(port)]
    places = {"PYTHONPATH": HERE, "XDG_CONFIG_HOME": str(tmp_path)}
    with served(marimo, "run", str(tmp_path / "lesson.py"), *options, **places):
        _wait_for(port)
        shown.driver.get(f"http://127.0.0.1:{port}/")
        shown.run(FIND)
        shown.until("return page()?.epoch === 30 && page().settings.rate === 0.03")
        losses = shown.run("return page().losses")
        assert losses[-1] < 0.8 * losses[0]
        shown.until("return document.body.innerText.includes(`30 of 30, ${page().losses.at(-1)}`)")


def _wait_for(port: int) -> None:
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError("marimo did not start")
