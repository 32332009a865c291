"""The machine in a page: machine.wasm is of the sources that are there, and does what they do."""

import importlib
import json
import random
import shutil
import subprocess
import sys
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from vectorized import numbers

from tinygrad_edu import MLP, SGD, Adam, fit
from tinygrad_edu.train import blocks
from tinygrad_edu.train.machine import MachineDescent
from tinygrad_edu.vectorize.executors import library, native

ROOT = Path(__file__).parents[1]
WASM = library.FOLDER / "machine.wasm"
NODE = shutil.which("node")


def pinned() -> str:
    """The ziglang that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [wanted] = [x for x in project["optional-dependencies"]["release"] if "ziglang" in x]
    return wanted.partition("==")[2]


def installed() -> str:
    try:
        return metadata.version("ziglang")
    except metadata.PackageNotFoundError:
        return "none"


@pytest.mark.skipif(installed() != pinned(), reason=f"ziglang {pinned()} is not installed")
def test_the_file_is_to_the_byte_what_the_compiler_makes_of_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    importlib.import_module("hatch_build").build_wasm(tmp_path / "new.wasm")
    same = (tmp_path / "new.wasm").read_bytes() == WASM.read_bytes()
    assert same, "the C files changed: write python hatch_build.py wasm"


def in_node(name: str, *arguments: Any) -> dict[str, Any]:
    """Call a function of machine.wasm with whole numbers and arrays, which it may change."""
    arrays = {k: a for k, a in enumerate(arguments) if isinstance(a, np.ndarray)}
    texts = {k: b64encode(a.tobytes()).decode() for k, a in arrays.items()}
    task = {"name": name, "arguments": [texts.get(k, a) for k, a in enumerate(arguments)]}
    command = [str(NODE), str(Path(__file__).with_name("machine_in_node.mjs")), str(WASM)]
    done = subprocess.run(
        command, input=json.dumps(task), capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    for k, array in arrays.items():
        array[...] = np.frombuffer(b64decode(answer["arguments"][k]), array.dtype).reshape(
            array.shape
        )
    return answer


class StepsInNode(native.Steps):
    """Steps that node makes."""

    calls: ClassVar[list[dict[str, Any]]] = []

    def shuffle(self, words: Sequence[int], order: list[int], orders: Any) -> tuple[int, ...]:
        state, shuffled = np.array(words, dtype=np.uint32), np.array(order, dtype=np.int64)
        in_node("shuffle_baseline", state, shuffled, len(order), orders, len(orders))
        order[:] = shuffled.tolist()
        return tuple(state.tolist())

    def run(self, block: blocks.Block, rates: Any, updates: int) -> int:
        """As the machine's, with arrays sent and taken back in the place of addresses."""

        def function(*addresses: int) -> int:
            arrays = [self.arena, self.code, self.fields, *self.data, block.orders, rates]
            arrays += [block.losses, block.outputs, self.progress]
            assert addresses == tuple(0 if a is None else a.ctypes.data for a in arrays)
            self.calls.append(in_node("train_baseline", *arrays))
            return int(self.calls[-1]["result"])

        self.function = function
        return super().run(block, rates, updates)


#: Inputs, units, activation, loss, the rows' targets, optimizer, batch, penalty.
TRAININGS = [
    (2, [16, 16, 1], "tanh", "binary_cross_entropy_with_logits", [0, 1], SGD, None),
    (5, [9, 3], "relu", "cross_entropy", [0, 1, 2], Adam, 8),
    (3, [7, 1], "sigmoid", "squared_error", [0.3, -1.5], Adam, 33),
]


def trained(k: int) -> tuple[list[float], list[float]]:
    """Losses and parameters after a training of the table."""
    inputs, units, activation, loss, targets, optimizer, batch = TRAININGS[k]
    net = MLP(inputs, units, activation, rng=k)
    X, y = numbers(33, inputs), np.resize(targets, 33)
    made = optimizer(net.parameters(), lr=0.05)
    rng = random.Random(k)
    history = fit(net, X, y, loss=loss, optimizer=made, epochs=30, batch_size=batch, rng=rng)
    return list(history.loss), [p.data for p in net.parameters()]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("k", range(len(TRAININGS)))
def test_a_fit_in_node_has_the_losses_and_parameters_of_one_here(
    k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, parameters = trained(k)
    assert losses[-1] < losses[0]
    asked = vars(sys.modules[MachineDescent.__module__])  # `train.machine` is the function of train
    found = library.Library(WASM, "baseline", None)
    monkeypatch.setitem(asked, "library", SimpleNamespace(find=lambda: found))
    monkeypatch.setitem(asked, "Steps", StepsInNode)
    here = native.function_of  # which programs are checked with; node has no function here
    there = lambda at, *called: None if at is found else here(at, *called)  # noqa: E731
    monkeypatch.setattr(native, "function_of", there)
    monkeypatch.setattr(MachineDescent, "_heeding", lambda _: 1_000_000)  # a process for all steps
    monkeypatch.setattr(blocks, "SECONDS", 60.0)
    monkeypatch.setattr(StepsInNode, "calls", calls := [])
    in_node_losses, in_node_parameters = trained(k)
    assert 1 <= len(calls) <= 2
    assert all(answer["imports"] == [] for answer in calls)
    message = "the C files changed: write python hatch_build.py wasm"
    assert calls[0]["sources"] == library.checksum(), message
    np.testing.assert_allclose(in_node_losses, losses, rtol=1e-12, atol=0)
    np.testing.assert_allclose(in_node_parameters, parameters, rtol=1e-12, atol=1e-12)
