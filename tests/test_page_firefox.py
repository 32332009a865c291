"""The playground in Firefox: it starts, plays, shows the lens, and logs nothing."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from screen import LINK, page

pytestmark = pytest.mark.slow


class Firefox:
    """A window that is driven by WebDriver BiDi, which Firefox speaks without another program."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.calls = socket, 0
        self.log: list[str] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        self.calls += 1
        self.socket.send(json.dumps({"id": self.calls, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.calls:
                assert answer["type"] == "success", answer
                return answer["result"]
            self.log.append(answer["params"].get("text", ""))

    def open(self, address: str, width: int) -> None:
        size = {"width": width, "height": 800}
        self.ask("browsingContext.setViewport", context=self.context, viewport=size)
        for url in ("about:blank", address):
            self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")
        self.until("'ready' in document.documentElement.dataset")

    def run(self, expression: str) -> Any:
        """The value of an expression after the frame in which all was painted."""
        frames = "await new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))"
        answer = self.ask(
            "script.evaluate", target={"context": self.context}, awaitPromise=True,
            expression=f"(async () => {{ const x = {expression}; {frames};"
            "return JSON.stringify(x ?? null); })()",
        )  # fmt: skip
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def until(self, expression: str) -> None:
        end = time.monotonic() + 30
        while not self.run(expression):
            assert time.monotonic() < end, (expression, self.log)


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    websocket = pytest.importorskip("websocket", reason="websocket-client is not installed")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no firefox on this machine")
    command = [program, "--headless", "--no-remote", "--profile", str(tmp_path)]
    command.append("--remote-debugging-port=0")  # one that is free
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            said = next(line for line in running.stderr if "WebDriver BiDi listening" in line)
            address = f"{said.split()[-1]}/session"
            options = {"timeout": 60, "suppress_origin": True}
            with closing(websocket.create_connection(address, **options)) as socket:
                yield Firefox(socket)
        finally:
            running.terminate()


def test_the_page_starts_plays_and_shows_the_lens(firefox: Firefox, tmp_path: Path) -> None:
    path = tmp_path / "lesson.html"
    path.write_text(page(), encoding="utf-8")
    for width in (1280, 390):
        firefox.open(f"{path.as_uri()}#{LINK}&ex=17&at=unit+1+1", width)
        firefox.run("tinygrad.play()")
        firefox.until("tinygrad.epoch > 5")
        firefox.run("tinygrad.pause()")
        losses = firefox.run("tinygrad.losses")
        assert losses[-1] < losses[0]
        assert "backward" in firefox.run("document.getElementById('body').textContent").lower()
        root = "document.documentElement"
        assert firefox.run(f"{root}.scrollWidth <= {root}.clientWidth")
    assert firefox.log == []
