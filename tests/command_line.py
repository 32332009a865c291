"""What tests of the command line share: a table, processes, the command in a report."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import unescape

TABLE = """\
size,colour,weight,ripe
1,red,3,no
2,blue,1,yes
3,red,2,no
4,blue,5,yes
5,red,1,no
6,blue,2,yes
7,red,4,no
8,blue,3,yes
"""


def command_in(report: str) -> list[str]:
    """The words of the last command in a report, `python -m tinygrad_edu` first."""
    code = report[report.rindex("<code>") : report.rindex("</code>")]
    return shlex.split(unescape(re.sub("<[^>]*>", "", code)))


@contextmanager
def start(*words: str, **environment: str) -> "Iterator[subprocess.Popen[str]]":
    """The command line in a process of its own, which draws no graph, and ends with the test.

    It hears Ctrl-C, also where the tests run in the background and do not.
    """
    settings = {"PYTHONPATH": os.pathsep.join(sys.path), "TINYGRAD_EDU_GRAPHVIZ": "none"}
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", *words],
        env=os.environ | settings | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=None if sys.platform == "win32" else hear,
    ) as run:
        try:
            yield run
        finally:
            run.kill()
