"""Processes that tests start: Ctrl-C reaches them, and none is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

#: What a process may take that a test waits for, in seconds.
LONGEST = 60


class Process(subprocess.Popen[str]):
    """A process that ends with its block: awaited, and killed where it does not end or the test.

    Inside, SIGTERM ends the tests as Ctrl-C does, so that the end of the block is reached.
    """

    #: Whether it has a group of its own, with the processes that it starts.
    grouped = False

    def __enter__(self) -> Self:
        self.before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.wait(LONGEST)
        finally:
            if self.poll() is None or (self.grouped and kind is not None):
                self.kill_all()
            super().__exit__(kind, error, traceback)
            signal.signal(signal.SIGTERM, self.before)

    def kill_all(self) -> None:
        """End it, and its group if it has one."""
        if not self.grouped:
            self.kill()
            return
        with suppress(ProcessLookupError):  # where all of them have ended
            os.killpg(self.pid, signal.SIGKILL)


def run_in_process(*command: Any, group: bool = False, **options: Any) -> Process:
    """Start Python with these arguments; to be used as `with run_in_process(...) as process:`.

    Ctrl-C interrupts it, also where the tests run in the background, whose SIGINT is ignored and
    would be ignored by what they start. With `group` signals may be sent to what it starts too.
    """
    with _interruptible():
        process = Process(
            [sys.executable, *command], text=True, start_new_session=group,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
        )  # fmt: skip
    process.grouped = group
    return process


@contextmanager
def _interruptible() -> Iterator[None]:
    """What is started inside has the usual SIGINT: it is inherited only where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
