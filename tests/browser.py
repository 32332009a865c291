"""Pages as a parser reads them, and in a real browser: Debian's chromium without a window."""

import html
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

#: The page's own console is `seen`: `look(text)` adds a line, and so do errors of its scripts.
PROBE = """<script>
const seen = [];
const look = (text) => seen.push(text);
onerror = (message) => look("error " + message);
document.addEventListener("securitypolicyviolation", (e) => look("refused " + e.blockedURI));
SCRIPT
document.body.append(Object.assign(document.createElement("pre"),
  { id: "seen", textContent: seen.join("\\n") }));
</script></body>"""


_VOID = {"meta", "link", "br", "input", "img"}


class Page(HTMLParser):
    """The elements, attributes, texts of a page, and the texts at the keys of its picture."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[tuple[str, str | None]] = []
        self.numbers: dict[str, str] = {}
        self.text = self.script = self.data = ""
        self.feed(text)
        self.close()

    def references(self) -> list[str]:
        """What the page names that a browser could fetch, follow or open."""
        fetched = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}
        return [value for _, name, value in self.attributes if name in fetched]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        key = dict(attrs).get("data-key")
        if tag not in _VOID:
            self.open.append((tag, key))
        if key and "." in key:
            self.numbers[key] = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, key = self.open[-1] if self.open else ("", None)
        if tag == "script":
            self.data, self.script = (data, "") if not self.data else (self.data, data)
        else:
            self.text += data
        if key in self.numbers:
            self.numbers[str(key)] += data


class Visit(NamedTuple):
    """What a visit showed: the lines of the probe, all console messages, requests of the page."""

    seen: list[str]
    console: list[str]
    requests: list[str]


def visit(page: str, folder: Path, script: str = "", fragment: str = "") -> Visit:
    """Open the page, run a script in it; frames within the page are watched too."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium on this machine")
    file, log = folder / "page.html", folder / "net.json"
    file.write_text(page.replace("</body>", PROBE.replace("SCRIPT", script)))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--virtual-time-budget=1000", "--enable-logging=stderr", f"--log-net-log={log}"]
    flags.append(f"--user-data-dir={folder}/profile")
    done = subprocess.run(
        [browser, *flags, "--dump-dom", file.as_uri() + fragment],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None
    console = re.findall(r":CONSOLE[:(]\d+\)?\] (.*)", done.stderr)
    return Visit(html.unescape(found[1]).splitlines(), console, _requests(log))


def _requests(log: Path) -> list[str]:
    """The addresses that a page asked for; those of the browser itself have no page behind them."""
    events = [event.get("params") for event in json.loads(log.read_text())["events"]]
    asked = [p for p in events if isinstance(p, dict) and "url" in p and "initiator" in p]
    return sorted({p["url"] for p in asked if p["initiator"] != "not an origin"})


class Window:
    """A window of chromium that a script drives; what it logged and asked for is kept."""

    #: Seconds that it waits for something.
    patience = 30

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path) -> None:
        """Open a file, and wait until its own script has run."""
        self.driver.get(path.as_uri())
        self.until("return 'ready' in document.documentElement.dataset")

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script)

    def until(self, script: str) -> None:
        """Wait until a script returns something true."""
        end = time.monotonic() + self.patience
        while not self.run(script):
            assert time.monotonic() < end, f"{script}: {self.console()}"
            time.sleep(0.02)

    def text(self, id_: str) -> str:
        """The text of an element."""
        return str(self.run(f"return document.getElementById({id_!r}).textContent"))

    def console(self) -> list[str]:
        """What the page has logged since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What the pages have asked for, but for themselves, since the last call."""
        events = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        sent = [e["message"]["params"] for e in events
                if e["message"]["method"] == "Network.requestWillBeSent"]  # fmt: skip
        urls = [p["request"]["url"] for p in sent if p.get("type") != "Document"]
        return [url for url in urls if not url.startswith("data:")]


@contextmanager
def window(size: str = "1280,940", *flags: str) -> Iterator[Window]:
    """A window of chromium; the test is skipped where there is none."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    from selenium import webdriver

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no chromium or no chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--window-size={size}", *flags):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Window(opened)
    finally:
        opened.quit()
