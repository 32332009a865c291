"""The command line where it is hard: terminals, full disks, signals, folders, misspelt words."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import start

from tinygrad_edu.cli import main
from tinygrad_edu.cli.options import UsageError
from tinygrad_edu.cli.predict import _csv
from tinygrad_edu.cli.run import RESULTS, results_folder
from tinygrad_edu.nn import MLP, load
from tinygrad_edu.text import clean

QUICK = ["--epochs", "2", "--hidden", "2"]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and devices of POSIX")
ESCAPES = "\x1b[31mred\x9b\u202e"
Run = Callable[..., tuple[str, str]]


@pytest.fixture(autouse=True)
def _no_graphs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_GRAPHVIZ", "none")


def classifier(*names: str) -> None:
    """A model in model.json that gives all classes the same share, and a table new.csv for it."""
    column = {"name": "x", "kind": "numeric", "mean": 0.0, "deviation": 1.0}
    encoder = {"columns": [column], "target": "y", "class_names": list(names)}
    model = MLP(1, [len(names)], rng=0)
    model.save("model.json", metadata={"encoder": encoder, "loss": "cross_entropy"})
    Path("new.csv").write_text("x\n0\n")


def code_of(words: list[str]) -> Any:
    """What a process that runs the command would end with."""
    try:
        return main(words)
    except SystemExit as ended:
        return ended.code


# What is printed


@pytest.mark.parametrize(
    "label",
    ["x\ry", "a\nb", "a\r\nb", "=1+1", ' "q", ', '"', "a;b", "a\tb", "a|b", "\x0ba", "a\x1cb",
     "a\x85b", "a\u2028b", "\u00a0a", "a\u3000", "'", "-1", "@x", "00501", ESCAPES],
)  # fmt: skip
def test_any_cell_is_read_back_by_any_reader(label: str) -> None:
    line = _csv(["first", label, "last"]) + "\n"
    assert list(csv.reader(io.StringIO(line, newline=""))) == [["first", label, "last"]]
    assert re.search(r"[;\t|\x0b\x1c\x85\u2028]", label) is None or f'"{label}"' in line


def test_a_terminal_gets_no_control_characters_and_a_pipe_the_exact_labels(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [ESCAPES, "b", "c\x07"]
    classifier(*names)
    header, _ = csv.reader(io.StringIO(run("predict", "model.json", "new.csv")[0]))
    assert header[1:] == [f"p({name})" for name in names]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    header, _ = csv.reader(io.StringIO(run("predict", "model.json", "new.csv")[0]))
    assert header[1:] == [f"p({clean(name)})" for name in names]
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", "".join(header))


@pytest.mark.parametrize(
    "words",
    [
        ["predict", f"{ESCAPES}.json", "new.csv"],
        ["predict", "model.json", f"{ESCAPES}.csv"],
        ["train", f"{ESCAPES}.csv", "--target", "y"],
        ["train", "new.csv", "--target", ESCAPES],
        ["demo", ESCAPES],
        ["demo", "--loss", ESCAPES],
        ["demo", "--out", f"new.csv/{ESCAPES}"],
        ["draw", f"a{ESCAPES}", "a=1"],
        ["draw", "a", f"a={ESCAPES}"],
        [ESCAPES],
        ["demo", "xor", ESCAPES],
    ],
    ids=lambda words: " ".join(words[:-1]),
)
def test_errors_are_harmless_whatever_names_they_tell(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    classifier("a", "b")
    assert code_of(words) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", errors)
    assert "tinygrad-edu" in errors


def test_letters_that_the_output_lacks_are_escaped_with_a_word_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier("müde", "wach")
    for encoding, written, told in (
        ("ascii", b"p(m\\xfcde)", r"ascii, lacks '\\xfc'"), ("latin-1", b"p(m\xfcde)", ""),
    ):  # fmt: skip
        output = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding=encoding))
        assert main(["predict", "model.json", "new.csv"]) == 0
        assert output.getvalue().split(b",")[1] == written
        errors = capsys.readouterr().err
        assert re.search(told, errors) if told else errors == ""


# What is told beside it


@pytest.mark.usefixtures("model_only")
def test_train_judges_columns_and_keeps_labels_to_the_letter(run: Run) -> None:
    codes = ["00501", "10001", "07030"] * 4
    rows = "".join(f"{i % 5},{c},{c}\n" for i, c in enumerate(codes))
    Path("t.csv").write_text(f"a,zip,y\n{rows}")
    printed, errors = run("train", "t.csv", "--target", "y", *QUICK, "--out", "o")
    assert errors == ""
    assert printed.startswith("numbers: a\ncategories: zip\ntarget y: classes\n")
    printed, _ = run("predict", "o/model.json", "t.csv")
    assert printed.startswith("prediction,p(00501),p(07030),p(10001)\n")
    Path("t.csv").write_text(
        "a,y\n" + "".join(f"{i}{'%$'[i % 2]},{'xy'[i % 2]}\n" for i in range(24))
    )
    printed, errors = run("train", "t.csv", "--target", "y", *QUICK, code=2)
    sentence = (
        "tinygrad-edu: t.csv: no column is left to learn from: left out a (text): '0%' is text, as "
        "percentages are: write all of them in %, or delete the column; --as a=category takes it\n"
    )
    assert (printed, errors) == ("", sentence)
    assert sorted(os.listdir()) == ["o", "t.csv"]


@pytest.mark.parametrize(
    ("words", "remark"),
    [
        ("draw log(x) x=-1", "\nforward: log of (-1.0) gave nan, in log(x=-1.0)\n"),
        ("draw x**0.5 x=-2", "gave nan"),
        ("draw 1/(x+1) x=-1", "\nforward: divide of (1.0, 0.0) gave inf"),
        ("draw sqrt(x) x=0", "\nbackward: "),
        ("draw acos(x+y) x=1 y=2", "\nforward: acos of "),
        ("demo circles --lr 300 --epochs 2", r"\nthe loss rose from 0\.\d+ to \d+\.?\d*: try a"),
    ],
)
def test_a_result_that_needs_a_remark_has_one(
    words: str, remark: str, capsys: pytest.CaptureFixture[str], model_only: None
) -> None:
    code = main(words.split())
    printed, _ = capsys.readouterr()
    assert remark in printed or re.search(remark, printed)
    assert code == (2 if words.startswith("draw") else 0)  # no picture: there is no renderer


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        ("demmo", "did you mean 'demo'?"),
        ("Demo", "did you mean 'demo'?"),
        ("trian t.csv", "did you mean 'train'?"),
        ("help", "did you mean '--help'?"),
        ("version", "did you mean '--version'?"),
        ("--verion", "did you mean '--version'?"),
        ("demo --epocs 5", "unrecognized arguments: --epocs; did you mean '--epochs'?"),
        ("demo -epochs 5", "did you mean '--epochs'?"),
        ("demo --Epochs=5", "did you mean '--epochs'?"),
        ("train t.csv --targt y", "are required: --target; did you mean '--target'?"),
        ("train t.csv --taget=y", "are required: --target; did you mean '--target'?"),
        ("draw x x=1 --edges=lokal", "did you mean 'local'?"),
        ("classics --only mazzur", "did you mean 'mazur'?"),
        ("classics --onyl mazur", "did you mean '--only'?"),
        ("predict model.json", "the following arguments are required: FILE.csv"),
        ("demo xor extra", "unrecognized arguments: extra"),
        ("draw -a*b a=1", "unrecognized arguments: -a*b"),
        ("classics --only nobody", ")"),
    ],
)
def test_a_misspelt_word_gets_a_guess_and_a_strange_one_none(
    words: str, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"{ending}\n")


# What the system does not allow


class Refusing(io.StringIO):
    """Standard output that fails where the disk is full or nobody reads."""

    def __init__(self, error: OSError, after: int) -> None:
        super().__init__()
        self.error, self.left = error, after

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return len(text)


FULL = OSError(28, "No space left on device")
OUTPUTS: dict[str, tuple[Callable[[int], Any], int, str]] = {
    "full": (lambda n: Refusing(FULL, n), 1, "tinygrad-edu: No space left on device\n"),
    "left": (lambda n: Refusing(BrokenPipeError(), n), 141, ""),
    "closed": (
        lambda _: None, 1, "tinygrad-edu: standard output is closed: nothing was printed\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    "words", ["--help", "demo --help", "", "draw a a=1", "demo xor --epochs 2"]
)
def test_output_that_cannot_be_written_is_one_sentence_and_a_code(
    words: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, code, sentence = OUTPUTS[output]
    monkeypatch.setattr("tinygrad_edu.cli.run.write_report", lambda *_: [])
    monkeypatch.setattr("tinygrad_edu.cli.draw.culprit", lambda *_: "")
    monkeypatch.setattr(sys, "stdout", make(0))
    found, errors = code_of(words.split()), capsys.readouterr().err
    learned = output == "closed" and "demo xor" in words
    assert os.path.exists("tinygrad_edu_out/model.json") == learned
    if output != "closed" or learned:
        assert (found, errors) == (code, sentence)
    else:  # help goes to stderr then, and there is no renderer
        assert found == {"draw a a=1": 2, "": 1}.get(words, 0)


@pytest.mark.parametrize("error", [FULL, BrokenPipeError()])
def test_what_was_learned_is_kept_where_the_end_cannot_be_told(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Refusing(error, 4))  # announcement and settings
    assert main(["demo", "xor", *QUICK, "--out", "o"]) == (141 if error.errno is None else 1)
    assert os.listdir("o") == ["model.json"]
    load("o/model.json")
    assert os.listdir() == ["o"]


@pytest.mark.slow
def test_too_little_memory_for_pictures_leaves_the_model(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tinygrad_edu.cli.evidence.png_of", fail)
    printed, errors = run("demo", "xor", *QUICK, "--out", "o", code=1)
    assert errors == "tinygrad-edu: out of memory: pictures and report are left out\n"
    assert "\nwrote model.json\n" in printed
    assert os.listdir("o") == ["model.json"]


@POSIX
@pytest.mark.usefixtures("model_only")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_that_ends_training_saves_what_was_learned(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinygrad_edu.train import fit

    number = getattr(signal, name)
    hears = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
    before = signal.signal(number, hears)  # as in a terminal, wherever the tests run

    def ended_fit(*arguments: Any, **options: Any) -> Any:
        def end(epoch: Any) -> None:
            if epoch.number == 2:
                os.kill(os.getpid(), number)

        return fit(*arguments, callbacks=[end], **options)

    monkeypatch.setattr("tinygrad_edu.cli.run.fit", ended_fit)
    monkeypatch.setenv("MPLBACKEND", "module://of_some_notebook")
    printed, errors = run("demo", "xor", "--out", "o", code=128 + number)
    assert "\ninterrupted after 3 of 200 epochs in " in printed
    assert errors == "tinygrad-edu: interrupted; what was learned so far is saved\n"
    assert os.listdir("o") == ["model.json"]
    assert signal.signal(number, before) is hears
    assert os.environ["MPLBACKEND"] == "module://of_some_notebook"


# Folders


def fill(folder: str, text: str, names: Iterator[str] | list[str]) -> None:
    for name in names:
        Path(folder, name).write_text(text)


def test_a_folder_of_results_is_written_whole_or_not_at_all() -> None:
    def failing() -> None:
        with results_folder("a/o"):
            assert not os.path.exists("a/o")
            raise UsageError("before anything was learned")

    with pytest.raises(UsageError, match="before anything"):
        failing()
    assert os.listdir("a") == []
    with results_folder("a/o") as folder:
        fill(folder, "first", ["model.json", "graph.svg"])
        assert not os.path.exists("a/o")
    assert sorted(os.listdir("a")) == ["o"]
    Path("a/o/mine.txt").write_text("mine")
    with results_folder("a/o") as folder:
        fill(folder, "second", ["model.json", "report.html"])
        assert Path("a/o/model.json").read_text() == "first"
    # what another run wrote is gone, what was put there by hand is not
    assert sorted(os.listdir("a/o")) == ["mine.txt", "model.json", "report.html"]
    assert {Path("a/o", name).read_text() for name in RESULTS & set(os.listdir("a/o"))} == {
        "second"
    }
    assert os.stat("a/o").st_mode == os.stat("a").st_mode


@POSIX
def test_a_link_to_a_folder_stays_one_and_the_folder_at_hand_can_be_filled() -> None:
    os.mkdir("real")
    os.symlink("real", "link")
    for path in ("link", ".", "missing/../real"):
        os.makedirs("missing", exist_ok=True)
        with results_folder(path) as folder:
            fill(folder, path, ["model.json"])
    assert Path("real/model.json").read_text() == "missing/../real"
    assert Path("model.json").read_text() == "."
    assert os.path.islink("link")


def test_two_runs_into_one_folder_never_mix() -> None:
    def fills(tag: str) -> None:
        for k in range(20):
            with results_folder("o") as folder:
                fill(folder, f"{tag} {k}", sorted(RESULTS)[: 3 + (k + ord(tag)) % 5])

    threads = [threading.Thread(target=fills, args=(tag,)) for tag in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path.read_text() for path in Path("o").iterdir()}) == 1
    assert os.listdir() == ["o"]


@pytest.mark.slow
def test_more_classes_than_a_picture_shows_are_learned_without_it(run: Run) -> None:
    rows = "".join(f"{k % 7},c{k // 2}\n" for k in range(202))
    Path("t.csv").write_text(f"a,y\n{rows}")
    printed, _ = run("train", "t.csv", "--target", "y", "--epochs", "1", "--test-ratio", "0")
    assert "\nno picture of more than 100 classes\n" in printed


# Real processes


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_process_that_is_asked_to_end_saves_what_was_learned(name: str) -> None:
    with start("demo", "xor", "--epochs", "100000000", "--out", "o") as run:
        assert run.stdout is not None
        for _ in range(3):  # the settings are printed, training begins
            run.stdout.readline()
        number = getattr(signal, name)
        run.send_signal(number)
        printed, errors = run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert errors == "tinygrad-edu: interrupted; what was learned so far is saved\n"
    assert re.search(r"^interrupted after \d+ of 100000000 epochs in ", printed, re.MULTILINE)
    MLP.load("o/model.json")
    if name == "SIGINT":
        assert "interrupted" in Path("o/report.html").read_text()
    else:  # there may be no time for pictures
        assert os.listdir("o") == ["model.json"]


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize(
    ("redirected", "environment", "code", "sentence"),
    [
        (">&-", {}, 1, "tinygrad-edu: standard output is closed: nothing was printed\n"),
        (">/dev/full", {}, 1, "tinygrad-edu: No space left on device\n"),
        (">/dev/full", {"PYTHONUNBUFFERED": "1"}, 1, "tinygrad-edu: No space left on device\n"),
        (">&- 2>&-", {}, 1, ""),
        (">/dev/null", {"MPLBACKEND": "nowhere"}, 0, ""),
        (">/dev/null", {"MPLBACKEND": "module://nowhere"}, 0, ""),
        (">/dev/null", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, 0, ""),
        (">/dev/null", {"PYTHONIOENCODING": "ascii"}, 0, ""),
        (">/dev/null", {"HOME": ""}, 0, ""),
    ],
)
def test_an_odd_environment_is_no_traceback(
    redirected: str, environment: dict[str, str], code: int, sentence: str
) -> None:
    settings = {k: x for k, x in os.environ.items() if k not in ("PYTHONUNBUFFERED", "HOME")}
    settings |= {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    if not settings.get("HOME", "-"):
        del settings["HOME"]
    line = f"{sys.executable} -m tinygrad_edu demo xor --epochs 3 --out o {redirected}"
    run = subprocess.run(["sh", "-c", line], env=settings, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (code, sentence)
    assert os.path.exists("o/report.html") == ("full" not in redirected)
