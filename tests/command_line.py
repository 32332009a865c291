"""What tests of the command line share: a table, processes, the command in a report."""

import os
import re
import shlex
import sys
from html import unescape

from processes import Process, run_in_process

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


def start(*words: str, **environment: str) -> Process:
    """The command line in a process of its own, which draws no graph: `with start(...) as run:`."""
    settings = {"PYTHONPATH": os.pathsep.join(sys.path), "TINYGRAD_EDU_GRAPHVIZ": "none"}
    return run_in_process("-m", "tinygrad_edu", *words, env=os.environ | settings | environment)
