"""What modules of JavaScript answer in node, and the parts that the page links nets of."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tinygrad_edu
from tinygrad_edu.playground.parts import parts

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
PACKAGE = Path(tinygrad_edu.__file__).parent

made = cache(parts)


def in_node(script: str, task: Any, *places: Path) -> Any:
    """What the script of that name says of a task; it is given places, or that of the package."""
    if NODE is None:
        pytest.skip("node is not installed")
    file = Path(__file__).with_name(f"{script}_in_node.mjs")
    command = [NODE, file, *(places or [PACKAGE])]
    done = subprocess.run(
        command, input=json.dumps(task), capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_one_script(text: str, folder: Path) -> bool:
    """Whether node reads a text as a module."""
    (folder / "script.mjs").write_text(text, encoding="utf-8")
    return subprocess.run([str(NODE), "--check", folder / "script.mjs"]).returncode == 0
