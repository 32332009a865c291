"""The library of the machine: which one is found, which build of it runs, and what is said."""

import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.vectorize.executors import library

SOURCE = """
int machine_level(void) { return LEVEL; }
unsigned machine_sources(void) { return SOURCES; }
int name_baseline(void) { return 0; }
int name_avx2(void) { return 1; }
int name_avx512(void) { return 2; }
"""
COMPILER = shutil.which("cc")
NAME = library.file_name(sys.platform)
compiled = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of executors, empty."""
    inside = tmp_path / "vectorize" / "executors"
    inside.mkdir(parents=True)
    monkeypatch.setattr(library, "FOLDER", inside)
    monkeypatch.delenv(library.VARIABLE, raising=False)
    return inside


def compile_library(folder: Path, level: int, sources: int | None = None) -> None:
    """A library for a processor with so many builds, of the sources that are there or others."""
    (folder / "machine.c").write_text(SOURCE)
    sources = library.checksum(folder) if sources is None else sources
    options = [f"-DLEVEL={level}", f"-DSOURCES={sources}u", "-shared", "-fPIC", "-o", NAME]
    subprocess.run([str(COMPILER), *options, "machine.c"], cwd=folder, check=True)


#: What is found in the folder, and why it cannot serve.
ABSENT = {
    "nothing": (lambda folder: None, "built without a C compiler"),
    "no library": (
        lambda folder: (folder / NAME).write_text("nothing"),
        f"{NAME} cannot be opened: ",
    ),
    "another's": (
        lambda folder: compile_library(folder, 0, sources=1),
        f"{NAME} was built from other sources: pip install -e . builds it anew",
    ),
}


@pytest.mark.parametrize(
    "found", [pytest.param(k, marks=compiled if k == "another's" else ()) for k in ABSENT]
)
def test_what_cannot_serve_is_absent_and_the_reason_is_said(folder: Path, found: str) -> None:
    make, why = ABSENT[found]
    make(folder)
    assert library.find() is None
    assert library.description().startswith(f"none ({why}")
    assert library.description().endswith("; NumPy runs")


@pytest.mark.parametrize("choice", ["sse", "NONE", "avx512,avx2", "0"])
def test_an_unknown_build_is_refused_in_a_sentence(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(library.VARIABLE, choice)
    expected = f"{library.VARIABLE}={choice} is no build of the machine: write none, baseline, avx2"
    for ask in (library.find, library.description):
        with pytest.raises(ValueError, match=expected):
            ask()


@compiled
@pytest.mark.parametrize(
    ("level", "choice", "variant"),
    [
        *((0, "", "baseline"), (1, "", "avx2"), (2, "", "avx512")),
        *((2, " avx2 ", "avx2"), (1, "baseline", "baseline")),
    ],
)
def test_the_best_build_runs_or_the_one_that_is_chosen(
    folder: Path, level: int, choice: str, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_library(folder, level)
    monkeypatch.setenv(library.VARIABLE, choice)
    found = library.find()
    assert found is not None
    assert found.variant == variant
    assert found.function("name")() == list(library.VARIANTS).index(variant)
    assert library.description() == f"{library.VARIANTS[variant]}, vectorize/executors/{NAME}"


@compiled
def test_it_can_be_switched_off_while_a_program_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_library(folder, 0)
    assert library.find() is not None
    monkeypatch.setenv(library.VARIABLE, "none")
    assert library.find() is None
    assert library.description() == f"none (switched off by {library.VARIABLE}=none); NumPy runs"


@compiled
def test_a_build_for_better_processors_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_library(folder, 1)
    monkeypatch.setenv(library.VARIABLE, "avx512")
    with pytest.raises(ValueError, match=r"does not run on this processor: write baseline or avx2"):
        library.find()


def test_the_number_of_sources_changes_with_each_byte_of_each_file(folder: Path) -> None:
    seen = {library.checksum(folder)}
    (folder / "a.c").write_bytes(b"a\nb")
    unix = library.checksum(folder)
    (folder / "a.c").write_bytes(b"a\r\nb")
    assert library.checksum(folder) == unix
    for name, text in (("a.c", "1"), ("a.c", "2"), ("b.h", ""), ("b.h", "2"), ("c.c", " ")):
        (folder / name).write_text(text)
        seen.add(library.checksum(folder))
    assert len(seen) == 5  # an empty file adds nothing


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        *[(tag, "machine.c.so") for tag in ("linux", "manylinux_2_17_x86_64", "musllinux_1_2")],
        *[(tag, "machine.c.dylib") for tag in ("darwin", "macosx_11_0_arm64")],
        *[(tag, "machine.c.dll") for tag in ("win32", "win_amd64")],
    ],
)
def test_its_name_is_that_of_shared_libraries_of_the_platform(platform: str, name: str) -> None:
    assert library.file_name(platform) == name


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_it_is_no_module_of_the_package(folder: Path, platform: str) -> None:
    (folder / library.file_name(platform)).touch()
    assert list(pkgutil.iter_modules([str(folder)])) == []
