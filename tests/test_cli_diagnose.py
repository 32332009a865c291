"""The command `diagnose`: a file of the user's own with a class Value, or a function backward."""

from pathlib import Path

import pytest

from tinygrad_edu.cli import main
from tinygrad_edu.exercises import EXERCISES

#: A class as lesson 19 asks for it.
ENGINE = EXERCISES["19.2"].solution.replace("answer", "Value")

PASS = """
import numpy as np
from tinygrad_edu import MLP, Value

model = MLP(2, [3, 1], "tanh", rng=0)
X, y = np.array([[0.5, -1.0], [1.0, 2.0]]), np.array([1.0, 0.0])


def backward(W1, b1, W2, b2, X, y):
    A1 = np.tanh(X @ W1.T + b1)
    delta2 = 2 * (A1 @ W2.T + b2 - y[:, None]) / len(X)
    dW2 = delta2.T @ A1
    delta1 = (delta2 @ W2) * (1 - A1**2)
    dW1 = delta1.T @ X
    return locals()
"""


def asked(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    path = folder / "mine.py"
    path.write_text(text)
    code = main(["diagnose", str(path)])
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (ENGINE, 0, "Value: no slip in "),
        (ENGINE.replace("p.grad +=", "p.grad ="), 1, "= stands where += belongs"),
        (PASS, 0, "backward: It is right."),
        (PASS.replace(" * (1 - A1**2)", ""), 1, "the slope of tanh, is missing"),
        (PASS.replace("2 * (", "(") + "loss = 'half_squared_error'", 0, "backward: It is right."),
        (ENGINE + PASS.replace(", Value", ""), 0, "backward: It is right."),
    ],
)
def test_a_file_is_run_and_judged(text, code, said, tmp_path, capsys) -> None:
    found, out, err = asked(tmp_path, text, capsys)
    assert (found, err) == (code, "")
    assert said in out


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("x = 1", 2, "defines neither a class Value nor a function backward"),
        ("def backward(W1): return {}", 2, "no model and no X and no y: it needs model, a net"),
        (PASS.replace("return locals()", "return dW1"), 1, "must give a dict of its arrays"),
        (PASS.replace("y[:, None]", "y"), 1, "delta1 = (delta2 @ W2) * (1 - A1**2)"),
        ("Value = 3", 2, "takes the class itself, got int"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("def f(:", 1, "SyntaxError"),
        ("if __name__ == '__main__': 1 / 0", 2, "defines neither"),
    ],
)
def test_what_cannot_be_judged_is_told(text, code, said, tmp_path, capsys) -> None:
    found, out, err = asked(tmp_path, text, capsys)
    assert (found, out) == (code, "")
    assert said in err


def test_a_file_that_is_not_there_is_told(tmp_path, capsys) -> None:
    assert main(["diagnose", str(tmp_path / "none.py")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_a_file_imports_what_lies_beside_it(tmp_path, capsys) -> None:
    (tmp_path / "beside_mine.py").write_text(ENGINE)
    assert asked(tmp_path, "from beside_mine import Value", capsys)[0] == 0
