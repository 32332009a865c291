"""A release: one version and address, a README that stands alone, and how its machine is built."""

import importlib
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCE = PROJECT["project"]["urls"]["Source"]


def readme_of_a_release() -> str:
    """README as it is shown where nothing stands beside it."""
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / hook["fragments"][0]["path"]).read_text(encoding="utf-8")
    for change in hook["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    return text


def test_no_link_of_the_readme_needs_a_file_beside_it() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", readme_of_a_release())
    assert len(links) > 20
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    raw = SOURCE.replace("github.com", "raw.githubusercontent.com") + "/main/"
    paths = [
        link.removeprefix(start)
        for link in links
        for start in (f"{SOURCE}/blob/main/", raw)
        if link.startswith(start)
    ]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["CITATION.cff", "docs/mkdocs.yml"])
def test_the_address_is_the_same_everywhere(name: str) -> None:
    assert SOURCE in (ROOT / name).read_text(encoding="utf-8")


def test_who_cites_names_the_version_that_is_there() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['project']['version']}\n" in citation
    assert f"\nlicense: {PROJECT['project']['license']}\n" in citation


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("hatch_build")


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("linux_x86_64", ["baseline", "avx2", "avx512"]),
        ("manylinux_2_17_x86_64.musllinux_1_1_x86_64", ["baseline", "avx2", "avx512"]),
        ("macosx_11_0_x86_64", ["baseline", "avx2", "avx512"]),
        ("win_amd64", ["baseline", "avx2", "avx512"]),
        ("macosx_11_0_arm64", ["baseline"]),
        ("manylinux_2_17_aarch64", ["baseline"]),
        ("linux_i686", []),
        ("win32", []),
        ("linux_armv7l", []),
        ("any", []),
    ],
)
def test_each_platform_has_the_builds_of_its_processors(
    recipe: ModuleType, tag: str, names: list[str]
) -> None:
    assert [build.name for build in recipe.builds_for(tag)] == names


def test_the_builds_are_those_that_the_library_asks_for(recipe: ModuleType) -> None:
    assert [build.name for build in recipe.BUILDS["x86_64"]] == list(recipe.library()["VARIANTS"])


def test_the_compiler_is_cc_of_the_environment_or_the_first_that_is_there(
    recipe: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recipe.sys, "platform", "linux")
    monkeypatch.setenv("CC", "python3 -m 'a compiler' cc")
    assert recipe.compiler() == ["python3", "-m", "a compiler", "cc"]
    monkeypatch.setenv("CC", "")
    for name in ("clang", "cc"):
        there = tmp_path / name
        there.touch(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert recipe.compiler() == [str(there)]


@pytest.mark.parametrize(("platform", "reason"), [("linux", "no C comp"), ("win32", "only with")])
def test_without_a_compiler_there_will_be_no_machine(
    recipe: ModuleType, platform: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recipe.sys, "platform", platform)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(recipe.NotBuilt, match=reason):
        recipe.compiler()


@pytest.mark.parametrize(
    ("tag", "command", "reason"),
    [
        ("linux_riscv64", "cc", "no machine for linux_riscv64"),
        ("linux_x86_64", "there is no such compiler", "there is no such compiler"),
        ("linux_x86_64", f"{sys.executable} -c raise", "No active exception to reraise"),
    ],
)
def test_what_is_not_built_says_why_and_leaves_no_file(
    recipe: ModuleType, tag: str, command: str, reason: str, tmp_path: Path
) -> None:
    words = command.split() if "/" in command else [command]
    with pytest.raises(recipe.NotBuilt, match=reason):
        recipe.build(tmp_path / "machine.c.so", tag, words)
    assert list(tmp_path.iterdir()) == []
