"""The command `doctor`: a report of what is there, and an exit code."""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tinygrad_edu.cli import doctor
from tinygrad_edu.view import Renderer
from tinygrad_edu.view.base.render import VARIABLE

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
DOT = Renderer("dot", "/usr/bin/dot", "12.2.1")
PURE = Renderer("graphviz-pure", "/opt/bin/graphviz-pure", "0.2.2")
SVG = "<svg>" + 1234 * "x" + "</svg>"


@pytest.fixture(autouse=True)
def _everything_installed_and_two_renderers(monkeypatch):
    installed(monkeypatch, dict.fromkeys([*doctor.DEPENDENCIES, "tinygrad-edu"], "1.2.3"))
    renderers(monkeypatch, {"dot": DOT, "graphviz-pure": PURE})
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(doctor, "sample", lambda: SVG)
    monkeypatch.setattr(doctor, "machine", lambda: "AVX2, vectorize/executors/machine.c.so")


def installed(monkeypatch, versions):
    monkeypatch.setattr(doctor, "version_of", versions.get)


def renderers(monkeypatch, found):
    monkeypatch.setattr("tinygrad_edu.view.base.render._program", found.get)
    monkeypatch.setattr("tinygrad_edu.view.base.render._pygraphviz", lambda: None)


def report(capsys):
    code = doctor.run(argparse.Namespace())
    return code, capsys.readouterr().out


def test_a_healthy_installation_is_reported_with_exit_code_0(capsys):
    code, shown = report(capsys)
    assert code == 0
    assert re.match(r"tinygrad_edu  1\.2\.3\nPython +3\.\d+\.\d+\S* \(\w+\)\nsystem +\S", shown)
    assert shown.partition("dependencies")[2] == (
        "\n"
        "  graphviz      1.2.3           writes the DOT text of drawings\n"
        "  graphviz-pure 1.2.3           draws it, where no other renderer is chosen\n"
        "  matplotlib    1.2.3           plots\n"
        "  numpy         1.2.3           arrays\n"
        "  tqdm          1.2.3           progress bars\n"
        "\n"
        "optional\n"
        '  cloudpickle   -               pip install "tinygrad-edu[dask]"\n'
        '  dask          -               pip install "tinygrad-edu[dask]"\n'
        '  joblib        -               pip install "tinygrad-edu[dask]"\n'
        '  anywidget     -               pip install "tinygrad-edu[notebook]"\n'
        '  jupyterlab    -               pip install "tinygrad-edu[notebook]"\n'
        '  onnx          -               pip install "tinygrad-edu[onnx]"\n'
        '  onnxruntime   -               pip install "tinygrad-edu[onnx]"\n'
        '  scikit-learn  -               pip install "tinygrad-edu[sklearn]"\n'
        '  scipy         -               pip install "tinygrad-edu[sklearn]"\n'
        '  torch         -               pip install "tinygrad-edu[torch]"\n'
        "\n"
        "machine\n"
        "  AVX2, vectorize/executors/machine.c.so\n"
        "\n"
        "renderers\n"
        "  dot           12.2.1          chosen\n"
        "    /usr/bin/dot\n"
        "  graphviz-pure 0.2.2           works, not chosen\n"
        "  pygraphviz    -               not found, or does not draw\n"
        "\n"
        "sample\n"
        "  tanh(a*b + c) drawn: 1,245 bytes of SVG\n"
        "\n"
        "All is well.\n"
    )


def test_a_missing_dependency_is_a_problem(capsys, monkeypatch):
    installed(monkeypatch, {"graphviz": "1", "matplotlib": "1", "tqdm": "1"})
    code, shown = report(capsys)
    assert code == 1
    assert shown.startswith("tinygrad_edu  not installed, run from its folder\n")
    assert "  numpy         missing         arrays\n" in shown
    assert shown.endswith("\nproblem: numpy is missing: pip install numpy\n")


def test_the_embedded_renderer_may_be_missing_where_another_draws(capsys, monkeypatch):
    versions = dict.fromkeys(doctor.DEPENDENCIES, "1")
    del versions["graphviz-pure"]
    installed(monkeypatch, versions)
    renderers(monkeypatch, {"dot": DOT})
    code, shown = report(capsys)
    assert code == 0
    assert "  graphviz-pure -               not found, or does not draw\n" in shown


def test_a_sample_that_cannot_be_drawn_is_a_problem_with_the_friendly_sentence(capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv(VARIABLE, "none")
    code, shown = report(capsys)
    assert code == 1
    assert f"\nrenderers\n  {VARIABLE}=none\n" in shown
    assert "\nsample\n  not drawn\n" in shown
    assert "problem: pictures are switched off by" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_renderer_named_by_a_path_is_listed(capsys, monkeypatch):
    mine = Renderer("mydot", "/opt/mydot", "9.0")
    renderers(monkeypatch, {"/opt/mydot": mine, "dot": DOT})
    monkeypatch.setenv(VARIABLE, "/opt/mydot")
    code, shown = report(capsys)
    assert code == 0
    assert (
        f"renderers\n  {VARIABLE}=/opt/mydot\n"
        "  mydot         9.0             chosen\n"
        "    /opt/mydot\n"
        "  dot           12.2.1          works, not chosen\n"
    ) in shown


def test_a_build_of_the_machine_that_is_not_there_is_a_problem(capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("TINYGRAD_EDU_MACHINE", "sse")
    code, shown = report(capsys)
    assert code == 1
    assert "\nmachine\n  not chosen\n" in shown
    assert "problem: TINYGRAD_EDU_MACHINE=sse is no build of the machine" in shown


def test_no_renderer_at_all_is_no_crash(capsys, monkeypatch):
    renderers(monkeypatch, {})
    _, shown = report(capsys)
    assert "chosen" not in shown.partition("renderers")[2]


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("graphviz", "DOT text needs the package graphviz: pip install graphviz"),
        ("numpy", "import of numpy halted"),
    ],
)
def test_doctor_runs_where_a_dependency_is_missing(missing, sentence):
    code = (
        f"import sys; sys.modules['{missing}'] = None\n"
        "from tinygrad_edu.cli import main; sys.exit(main(['doctor']))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert (run.returncode, run.stderr) == (1, "")
    assert f"problem: {sentence}" in run.stdout


def test_the_sample_is_a_picture_of_three_named_values(monkeypatch):
    monkeypatch.undo()
    svg = doctor.sample()
    assert svg.startswith("<svg")
    assert svg.count("(input)") >= 3


def test_the_packages_are_those_of_pyproject():
    project = tomllib.loads(PYPROJECT.read_text())["project"]

    def names(requirements: list[str]) -> list[str]:
        return [re.split(r"[^\w-]", requirement)[0] for requirement in requirements]

    assert sorted(names(project["dependencies"])) == list(doctor.DEPENDENCIES)
    extras = project["optional-dependencies"].items()
    optional = {extra: tuple(names(wanted)) for extra, wanted in extras}
    ours = ("dev", "docs", "release", "test")
    assert {k: v for k, v in optional.items() if k not in ours} == doctor.EXTRAS
