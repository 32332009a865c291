"""The letters of the course hold in all notebooks: lessons, and chapters of reference.

Companions walk the decks and may quote their letters, and so may the lesson on classics; the
chapter on notation has all of them side by side.
"""

import json
import re
from pathlib import Path

import pytest

from tinygrad_edu import MLP, toposort, vectorize
from tinygrad_edu.losses import binary_cross_entropy
from tinygrad_edu.view.base.naming import names_of

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
#: They show the letters of others.
QUOTING = ("D", "R3", "18")

#: What a formula never holds: each expression with what is written instead.
IN_FORMULAS = {
    r"\^\{?T(?![a-zA-Z])": r"^\top is the transpose",
    r"\bo - t\b|\bt - o\b|\bt_k\b|\bt_n\b|\(t - a|a - t\)": "y is the target, a the output",
    r"(?<![\\a-zA-Z{])E(?![a-zA-Z\[(\\])(?!_\{)": "L is the loss",
    r"\bnet_|\\partial net|\\mathit\{net\}": "z is the net input",
    r"\bo_[jk]\b|(?<![\\a-zA-Z_{])o(?![a-zA-Z])": "a is the output of a unit",
    r"[Wwzab]\^\{?\[": "the layer stands in round brackets, W^{(l)}",
    r"\\delta_[lL](?![a-zA-Z])|(?<![\\a-zA-Z])[Wzav]_[lL](?![a-zA-Z])": r"\delta^{(l)}, W^{(l)}",
    r"\\lambda\s*R\b|\\alpha\s*R\b": r"\frac{\lambda}{2} \sum w^2 is the penalty",
    r"\\alpha\s*\\(?:frac\{)?\\?partial": r"\eta is the learning rate",
}
#: What a sentence or a program never holds.
IN_SENTENCES = {
    r"targets? \$t": "y is the target",
    r"(?i)\berror \$E\$": "L is the loss",
    r"(?<!-)\bdE/d(?!net)": "dL/d",
}
IN_CODE = {
    r"\bfor [\w, ]*\bt in zip\(": "y is the target",
    r"(?<!-)\bdE/d(?!net)": "dL/d",
    r"^E = ": "L is the loss",
    r"\bo - t\b|\bt - o\b": "a - y",
}


def formulas(text: str) -> str:
    """The formulas of a text of Markdown, a line each."""
    text = re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
    found = re.findall(r"\$\$(.+?)\$\$|(?<!\\)\$([^$]+?)(?<!\\)\$", text, re.DOTALL)
    plain = (re.sub(r"\\(?:text|texttt|mathrm)\{[^}]*\}", " ", "".join(pair)) for pair in found)
    return "\n".join(" ".join(formula.split()) for formula in plain)


def broken(path: Path) -> set[str]:
    """The rules that a notebook breaks, each with the first place."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = {kind: [] for kind in ("markdown", "code")}  # type: dict[str, list[str]]
    for cell in cells:
        texts[cell["cell_type"]].append("".join(cell["source"]))
    prose, code = "\n\n".join(texts["markdown"]), "\n\n".join(texts["code"])
    parts = ((formulas(prose), IN_FORMULAS), (prose, IN_SENTENCES), (code, IN_CODE))
    found = set()
    for text, rules in parts:
        for rule, said in rules.items():
            match = re.search(rule, text, re.MULTILINE)
            if match:
                found.add(f"{said}: {text[max(0, match.start() - 12) : match.end() + 12]!r}")
    return found


@pytest.mark.parametrize(
    "path", [p for p in NOTEBOOKS if not p.name.startswith(QUOTING)], ids=lambda path: path.stem
)
def test_a_notebook_keeps_the_letters_of_the_course(path: Path) -> None:
    assert not broken(path)


@pytest.mark.parametrize(
    ("formula", "is_broken"),
    [
        (r"W^T \delta", True), (r"W^\top \delta", False), (r"\eta\,(t - o)\,x", True),
        (r"a - y", False), (r"\frac{\partial E}{\partial z}", True), (r"\mathbb{E}[x]", False),
        (r"h_t = \tanh(W x_t)", False), (r"\beta^{t}", False), (r"W^{[2]}", True),
        (r"\delta^{(l)} = W^{(l+1)\top} \delta^{(l+1)}", False), (r"\delta_l", True),
        (r"\delta_k", False), (r"L + \lambda R(W)", True), (r"\text{for all}", False),
        (r"o (1 - o)", True), (r"z_j", False), (r"\operatorname{E}[z]", False),
        (r"W_{l}", False), (r"-\partial E/\partial z", True),
    ],
)  # fmt: skip
def test_a_rule_finds_the_letters_of_others_and_no_more(formula: str, is_broken: bool) -> None:
    text = formulas(f"${formula}$")
    assert any(re.search(rule, text) for rule in IN_FORMULAS) == is_broken


#: The chapter on notation: a row for each quantity, a column for whoever has letters of their own.
CONCORDANCE = next(path for path in NOTEBOOKS if path.name.startswith("R3"))
COLUMNS = ["this course", "text", "D0", "D1", "D2", "D3", "D4", "PyTorch"]


def concordance() -> list[list[str]]:
    """The rows of the table, its head first."""
    cells = json.loads(CONCORDANCE.read_text(encoding="utf-8"))["cells"]
    (table,) = (c for c in cells if "| this course |" in "".join(c["source"]))
    lines = [line for line in "".join(table["source"]).splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in rows if not set("".join(row)) <= {"-", " "}]


def test_the_concordance_has_every_letter_of_everyone() -> None:
    head, *rows = concordance()
    assert head == COLUMNS
    assert len(rows) >= 12
    assert all(len(row) == len(COLUMNS) and all(row) for row in rows)
    ours = " ".join(row[0] for row in rows)
    letters = ("x_k", "w^{(l)}_{jk}", "b^{(l)}_j", "z^{(l)}_j", "a^{(l)}_j", r"\delta^{(l)}_j", "y",
               r"\eta", r"\Delta", r"\lambda", "W^{(l)}", "L_n", "p_k")  # fmt: skip
    assert not [letter for letter in letters if letter not in ours]
    assert not [rule for rule in IN_FORMULAS if re.search(rule, formulas(ours))]
    # what others write is not what is written here: each deck differs somewhere
    for k, name in enumerate(head[2:], 2):
        assert any(row[k] not in (row[0], "-") for row in rows), name


def test_the_names_in_the_text_are_those_that_the_views_print() -> None:
    net = MLP(2, [2, 1], "tanh", output="sigmoid", rng=0)
    loss = binary_cross_entropy(net([1.0, 0.0]), 1)
    printed = {*names_of(toposort(loss, leaves=True)).values()}
    printed |= {name.replace("z", "delta") for name in printed}
    program = vectorize(lambda x, y: binary_cross_entropy(net(x), y), [0.0, 0.0], 1.0).source
    _, *rows = concordance()
    for row in rows:
        name = row[1].strip("`")
        options = ("lr", "Delta", "l2", "g", "y")  # of optimizers, of lessons, of losses
        assert name in {*printed, *options} or re.search(rf"\b{re.escape(name)}\b", program), row
