"""What the command line refuses: one sentence on stderr, exit code 2, and nothing is written."""

import os
import shlex
from pathlib import Path

import pytest

from tinygrad_edu.cli.demos import DEMOS
from tinygrad_edu.cli.options import OPTIONS
from tinygrad_edu.losses import LOSSES, RECORDS
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import OPTIMIZERS

SIZES = (
    "--hidden takes sizes of at least 1 with commas between them, such as 16,16, or "
    '"none" for no hidden layer, got '
)
MANY = ", ".join(name for name in LOSSES if RECORDS[name].outputs in ("logits", "numbers"))
NUMBER = "a needs a number such as 2 or -1.5e-3, as in a=2, got "
OF_PERCEPTRON = "this demo, which takes --epochs, --batch-size, --seed, --out"

#: What is typed, and the sentence.
REFUSED = {
    "demo moonz": f"unknown data set 'moonz': choose {', '.join(DEMOS)}; did you mean 'moons'?",
    "demo --activation rleu": f"unknown activation 'rleu': choose {OPTIONS['activation'].help}; "
    "did you mean 'relu'?",
    "demo --loss hige": f"unknown loss 'hige': choose {', '.join(LOSSES)}; did you mean 'hinge'?",
    "demo --optimizer adm": f"unknown optimizer 'adm': choose {', '.join(OPTIMIZERS)}; "
    "did you mean 'adam'?",
    "demo --lr 0": "--lr must be a finite number > 0, got 0.0",
    "demo --lr nan": "--lr must be a finite number > 0, got nan",
    "demo --lr fast": "--lr must be a number, got 'fast'",
    "demo --epochs 0": "--epochs must be a whole number of at least 1, got '0'",
    "demo --epochs 1.5": "--epochs must be a whole number of at least 1, got '1.5'",
    "demo --batch-size 0": '--batch-size must be a whole number of at least 1, or "full", '
    "got '0'",
    "demo --seed=-1": "--seed must be a whole number of at least 0, got '-1'",
    "demo --test-ratio 1": "--test-ratio must be a finite number >= 0 and < 1, got 1.0",
    "demo --hidden '16;16'": f"{SIZES}'16;16'",
    "demo --hidden 16,0": f"{SIZES}'16,0'",
    "demo --hidden 99999,99999": "layers of 2, 99999, 99999, 1 have 10,000,299,997 parameters, "
    "more than the 10,000,000 of nn.MAX_PARAMETERS",
    "demo iris --loss hinge": f"the loss hinge is for 2 classes and this data has 3: choose {MANY}",
    "demo --out file": "--out: cannot write into 'file': File exists",
    "demo --out ''": "--out: cannot write into '': No such file or directory",
    "demo --out a\0b": "--out: cannot write into 'a\\x00b': embedded null byte",
    f"demo --out {'a' * 300}": f"--out: cannot write into '{'a' * 300}': File name too long",
    "demo --out file/folder": "--out: cannot write into 'file/folder': Not a directory",
    "demo perceptron --hidden 3": f"--hidden does not apply to {OF_PERCEPTRON}",
    "demo perceptron --lr 0.1": f"--lr does not apply to {OF_PERCEPTRON}",
    "demo digits-conv --loss hinge": "--loss does not apply to this demo, which takes "
    "--activation, --optimizer, --lr, --epochs, --batch-size, --seed, --test-ratio, --out",
    "demo adder --test-ratio 0": "--test-ratio does not apply to this demo, which takes --hidden, "
    "--activation, --optimizer, --lr, --epochs, --batch-size, --seed, --out",
    "demo perceptron --batch-size 7": "the perceptron takes --batch-size 1, an update after each "
    "mistake, or full, one after each epoch, got 7",
    "demo adder --hidden none": "the adder has one layer of hidden units: write --hidden 8",
    "demo adder --hidden 99999": "layers of 100001, 99999 have 10,000,099,998 parameters, more "
    "than the 10,000,000 of nn.MAX_PARAMETERS",
    "train none.csv --target y": "cannot read 'none.csv': No such file or directory",
    "train https://a.b/c.csv --target y": "cannot read 'https://a.b/c.csv': an address: download "
    "the file first",
    "train . --target y": "cannot read '.': Is a directory",
    "predict none.json file": "cannot read 'none.json': No such file or directory",
    "predict . file": "cannot read '.': Is a directory",
    "predict pickle.json file": "pickle.json: not a tinygrad_edu model: it starts with "
    "b'\\x80\\x04K\\x01'",
    "predict other.json file": "other.json: not a tinygrad_edu model: format is None",
    "predict model.json none.csv": "cannot read 'none.csv': No such file or directory",
    "draw a*b a": "'a' gives no number: write a=1",
    "draw a*b a=x": f"{NUMBER}'x'",
    "draw a*b a=": f"{NUMBER}nothing",
    "draw a*b a=1_0": f"{NUMBER}'1_0'",
    "draw a*b a=\u0663": f"{NUMBER}'\u0663'",
    "draw a*b 2a=3": "'2a' in '2a=3' is no name: write one such as a or x1",
    "draw a*b =3": "'' in '=3' is no name: write one such as a or x1",
    "draw a*b if=3": "'if' in 'if=3' is no name: write one such as a or x1",
    "draw a*b a=1 a=2": "a is given twice: write it once",
    "draw a*b a=1 b=2 c=3": "the formula does not use c: its names are a, b",
    "draw 2*3 c=3 d=3": "the formula does not use c, d: its names are none",
    "draw 'a*b + pi'": "a, b need numbers: add a=1 b=1",
    "draw a*b a=1": "b needs a number, as in b=1\n  a*b\n    ^",
    "draw a*beta a=1 betta=1": "beta needs a number, as in beta=1; or did you mean betta?\n"
    "  a*beta\n    ^",
    "draw a a=1 -o g": "the suffix of the picture says its format and 'g' has none: "
    "write -o graph.svg",
    "bench --rounds 0": "--rounds must be at least 1, got 0",
    "bench --json no/such/x.json": "--json no/such/x.json is no file in an existing folder",
    "bench --json .": "--json . is no file in an existing folder",
    "bench --sklearn --only scalar": "--sklearn is a table of its own: leave --only out",
}


@pytest.fixture
def refused(folder, run):
    """What is refused of some words; nothing else may be printed, and nothing written."""

    def refusal(*words):
        before = sorted(os.listdir())
        printed, errors = run(*words, code=2)
        assert (printed, sorted(os.listdir())) == ("", before)
        assert errors.startswith("tinygrad-edu: ")
        return errors.removeprefix("tinygrad-edu: ").removesuffix("\n")

    return refusal


@pytest.mark.parametrize("typed", REFUSED)
def test_wrong_input_gives_one_sentence_and_exit_code_2(typed, refused):
    Path("file").touch()
    Path("pickle.json").write_bytes(b"\x80\x04K\x01.")
    Path("other.json").write_text("{}")
    good = {"name": "x", "kind": "numeric", "mean": 1.0, "deviation": 2.0}
    encoder = {"columns": [good], "target": "y", "class_names": ["a", "b"]}
    MLP(1, [1], rng=0).save("model.json", metadata={"encoder": encoder, "loss": "hinge"})
    assert refused(*shlex.split(typed)) == REFUSED[typed]


def test_without_a_command_there_is_the_help(run):
    assert run()[0].startswith("usage: tinygrad-edu ")
