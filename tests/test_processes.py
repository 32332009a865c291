"""What tests start ends with them, and Ctrl-C reaches it also in the background."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import run_in_process

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")

#: Says that it is there, and stays; with an argument it starts another of its kind.
STAYS = """
import subprocess, sys, time
if sys.argv[1:]:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("there", flush=True)
time.sleep(600)
"""


@pytest.fixture
def background() -> Iterator[None]:
    """The signals of a program that `nohup` or a shell's & started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def ended(pid: int, group: bool = False) -> bool:
    """Whether a process, or all of its group, ends within seconds."""
    for _ in range(100):
        try:
            (os.killpg if group else os.kill)(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_reaches_a_process_that_is_started_in_the_background(background: None) -> None:
    with run_in_process("-c", STAYS) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.slow
@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_a_process_ends_with_the_test_that_started_it(
    error: type[BaseException], group: bool
) -> None:
    def fails() -> None:
        with one:
            assert one.stdout is not None
            one.stdout.readline()
            raise error

    one = run_in_process("-c", STAYS, *["more"] * group, group=group)
    with pytest.raises(error):
        fails()
    assert one.returncode == -signal.SIGKILL
    assert ended(one.pid, group)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_tests_that_are_ended_leave_no_process_behind(tmp_path: Path, sent: int) -> None:
    (tmp_path / "test_it.py").write_text(
        "from processes import run_in_process\n"
        "def test_it():\n"
        f"    with run_in_process('-c', {STAYS!r}) as process:\n"
        "        open('pid', 'w').write(str(process.pid))\n"
        "        process.wait()\n"
    )
    here = Path(__file__).parent
    (tmp_path / "conftest.py").write_text((here / "conftest.py").read_text())
    path = os.pathsep.join([str(here), *sys.path])
    settings = {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    options = {"cwd": tmp_path, "env": os.environ | settings}
    with run_in_process(
        "-m", "pytest", "-p", "no:cacheprovider", stderr=subprocess.DEVNULL, **options
    ) as tests:
        pid = tmp_path / "pid"
        while tests.poll() is None and not (pid.exists() and pid.read_text()):
            time.sleep(0.05)
        tests.send_signal(sent)
        tests.communicate(timeout=60)
    assert ended(int(pid.read_text()))
