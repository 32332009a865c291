"""Slips of learners in the backward pass, and right passes written otherwise: data for a diagnosis.

`slips.json` holds both, those for building first. A slip is one changed line of the printed
program, or a few, retyped from programs, questions and books; all that follows is computed with it.

    id, half   a name, and "build" or "unseen": what rules are written from, and what judges them.
               Drawn by a seeded shuffle within each kind, before there was a rule
    source     where it was met, by kind; "known" if it is known to be made but was not looked up
    net        sizes, activation, output, loss, penalty, rows of data, seed
    lines      the changed lines, NumPy over the names of the printed program
    shows      what the student shows: "all" lines, "backward" (deltas and gradients), "gradients"
               (dW and db) or "deltas"
    where      the first line that is wrong by itself
    slip       its name; `also` has names that say the same numbers as well
    says       what the learner did

    for case in read("build"):
        diagnose_backward(case.program(), case.claims(), *case.data())
"""

import ast
import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import MLP, losses
from tinygrad_edu.vectorize import vectorize

#: The names a slip can have.
NAMES = (
    "factor missing", "factor doubled", "sign", "transposed", "sum for mean", "mean for sum",
    "wrong slope", "value for slope", "slope at the wrong place", "stale weights", "wrong operand",
    "constant factor", "term missing", "overwritten", "order", "not reset", "bias", "other",
)  # fmt: skip
SOURCES = (
    "forum question", "issue", "notebook", "assignment", "textbook", "lecture", "known"
)  # fmt: skip
#: What a student shows of the lines, by their names.
SHOWS = {
    "all": r"(Z|A|delta|dA|dW|db)\d+",
    "backward": r"(delta|dA|dW|db)\d+",
    "gradients": r"(dW|db)\d+",
    "deltas": r"delta\d+",
}
#: What belongs to the data, not to the program.
_OF_DATA = ("rows", "seed")


@dataclass(frozen=True)
class Case:
    """A backward pass of a student's: a slip, or a right one."""

    id: str
    half: str
    net: dict[str, Any]
    lines: dict[str, str]
    shows: str
    says: str
    right: bool = False
    source: str = ""
    where: str = ""
    slip: str = ""
    also: list[str] = field(default_factory=list)
    dtype: str = "float64"

    def program(self) -> Any:
        """The true program, with the parameters of this case."""
        program = self._printed()[0]
        numbers = random.Random(self.net["seed"])
        for parameter in program.parameters:
            parameter.data = numbers.gauss(0, 0.8)
        program.read_parameters()
        return program

    def _printed(self) -> tuple[Any, dict[str, Any], list[tuple[str, Any]]]:
        return _program(json.dumps({k: v for k, v in self.net.items() if k not in _OF_DATA}))

    def with_seed(self, seed: int) -> "Case":
        """The same pass with other parameters and data; a slip may be invisible there."""
        return replace(self, net={**self.net, "seed": seed})

    def data(self) -> tuple[Any, Any]:
        """The inputs and the targets."""
        return _data(self.net)

    def truth(self) -> dict[str, Any]:
        """Every line of the true program."""
        return self._run({}, "float64")

    def pass_of_student(self) -> dict[str, Any]:
        """Every line, with the changed ones."""
        return self._run(self.lines, self.dtype)

    def claims(self) -> dict[str, Any]:
        """What the student shows."""
        student = self.pass_of_student()
        return {name: student[name] for name in self.shown(student)}

    def shown(self, names: Iterable[str]) -> list[str]:
        """Those of the names that the student shows."""
        return [name for name in names if re.fullmatch(SHOWS[self.shows], name)]

    def _run(self, changed: dict[str, str], dtype: str) -> dict[str, Any]:
        program, helpers, lines = self.program(), *self._printed()[1:]
        unknown = changed.keys() - {name for name, _ in lines}
        if unknown:
            raise KeyError(f"{self.id} changes {sorted(unknown)}, which the program lacks")
        X, Y = (np.asarray(a, dtype=dtype) for a in self.data())
        B = len(X)
        names = {**helpers, "P": program.P.astype(dtype), "B": B, "X": X, "Y": Y.reshape(B, -1)}
        for name, true in lines:
            names[name] = eval(changed.get(name, true), names)
        return {name: names[name] for name, _ in lines if name[0] not in "Wb"}


def read(half: str = "", *, right: bool = False) -> list[Case]:
    """The slips of a half, or of both; the right passes instead."""
    text = (Path(__file__).parent / "slips.json").read_text(encoding="utf-8")
    records = json.loads(text)["right" if right else "slips"]
    return [Case(**r) for r in records if half in ("", r["half"])]


def agree(a: Any, b: Any, rtol: float = 1e-9) -> bool:
    """The same numbers; axes of length 1 may be written or left out."""
    a, b = np.squeeze(a), np.squeeze(b)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=rtol, atol=rtol * 1e-3))


@cache
def _program(net: str) -> tuple[Any, dict[str, Any], list[tuple[str, Any]]]:
    """The program of a net, from one example; its helpers; its lines in order, name and code."""
    spec = json.loads(net)
    nin, *nouts = spec["sizes"]
    model = MLP(nin, nouts, spec["activation"], spec.get("output", "linear"))
    loss, penalty = losses.LOSSES[spec["loss"]], spec.get("penalty")
    weights = [w for layer in model.layers for unit in layer.neurons for w in unit.w]
    if penalty and penalty.get("bias"):
        weights = model.parameters()

    def cost(x: Any, y: Any) -> Any:
        e = loss(model(x), y)
        if penalty is None:
            return e
        return e + losses.l2(weights, penalty["strength"], half=penalty.get("half", False))

    x, y = _data({**spec, "rows": 1, "seed": 0})
    program = vectorize(cost, x[0].tolist(), y[0].tolist())
    head, body = program.source.split("def loss_and_gradient", 1)
    helpers: dict[str, Any] = {}
    exec(head, helpers)
    lines = [
        (s.targets[0].id, compile(ast.Expression(s.value), s.targets[0].id, "eval"))
        for s in ast.parse("def run" + body).body[0].body
        if isinstance(s, ast.Assign) and s.targets[0].id not in ("B", "P", "X", "Y", "G")
    ]
    return program, helpers, lines


def _data(net: dict[str, Any]) -> tuple[Any, Any]:
    """Inputs around 0, and targets that the loss takes."""
    rng = np.random.default_rng(net["seed"])
    rows, n = net["rows"], net["sizes"][-1]
    X = rng.normal(size=(rows, net["sizes"][0]))
    if net.get("targets") == "distribution":
        return X, rng.dirichlet(np.ones(n), size=rows)
    if net["loss"] == "cross_entropy":
        return X, rng.permutation(np.arange(rows) % n)
    if net["loss"] == "hinge":
        return X, rng.permutation(np.arange(rows) % 2) * 2.0 - 1
    if net["loss"].startswith("binary"):
        return X, rng.permutation(np.arange(rows) % 2) * 1.0
    Y = rng.uniform(size=(rows, n))
    return X, Y if n > 1 else Y[:, 0]
