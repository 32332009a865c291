"""Modules and files: kinds of surprise that are none any more."""

import io
import os
import stat
from pathlib import Path

import pytest
from matplotlib.backends.backend_pdf import PdfPages

from tinygrad_edu import MLP, ModelFileError, Value, draw, files, load, network, steps, worksheet
from tinygrad_edu.data import read_table
from tinygrad_edu.figure import Figure
from tinygrad_edu.nn import MAX_PARAMETERS, model_file

X = Value(2.0, "x")
NET = MLP(2, [2, 1], rng=0)

#: What writes a file: the suffix it asks for, and how it is called.
WRITERS = {
    "model": (".json", NET.save),
    "drawing": (".dot", draw(X * X).save),
    "film": (".svg", steps(X * X).save),
    "worksheet": (".dot", worksheet(X * X).save),
    "network": (".svg", network(NET).save),
    "figure": (".svg", Figure().savefig),
    "any": (".txt", lambda path: files.write(path, "text")),
}
READERS = {
    "load": load,
    "load of a class": MLP.load,
    "load_parameters": NET.load_parameters,
    "read_table": read_table,
}
BOTH = {name: write for name, (_, write) in WRITERS.items()} | READERS

# --- paths


@pytest.mark.parametrize("name", BOTH)
def test_what_is_no_path_is_a_type_error_and_no_descriptor(name):
    for path in (True, False, 0, 1, 2, 987, 1.5, None, [], ["m.json"], object(), bytearray(b"m")):
        with pytest.raises(TypeError, match=r'must be a path such as "folder/file", got '):
            BOTH[name](path)
    os.fstat(1)  # standard output is still open
    with pytest.raises(ValueError, match="has no NUL character"):
        BOTH[name]("a\0b.svg")


@pytest.mark.parametrize("name", WRITERS)
def test_a_path_is_text_bytes_or_an_object_that_stands_for_one(name, tmp_path):
    suffix, write = WRITERS[name]
    for k, form in enumerate((str, Path, os.fsencode)):
        write(form(tmp_path / f"ü{k}{suffix}"))
    contents = [(tmp_path / f"ü{k}{suffix}").read_bytes() for k in range(3)]
    assert contents[0] != b""
    assert len(os.listdir(tmp_path)) == 3
    if name != "figure":  # which writes the time
        assert contents[0] == contents[1] == contents[2]


def test_tables_and_models_are_read_by_any_form_of_path(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    NET.save(tmp_path / "m.json")
    for form in (str, Path, os.fsencode):
        assert read_table(form(tmp_path / "t.csv")).header == ("a", "b")
        assert load(form(tmp_path / "m.json")).sizes == [2, 2, 1]


# --- what is no regular file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and modes of POSIX")


def odd_files(folder, suffix):
    """A pipe, a folder, a device, links to them, and whatever they hold."""
    os.mkfifo(folder / f"pipe{suffix}")
    (folder / f"folder{suffix}").mkdir()
    (folder / f"null{suffix}").symlink_to("/dev/null")
    (folder / f"link{suffix}").symlink_to(folder / f"pipe{suffix}")
    (folder / f"links{suffix}").symlink_to(folder / f"folder{suffix}")
    (folder / f"loop{suffix}").symlink_to(folder / f"loop{suffix}")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("name", WRITERS)
def test_a_save_replaces_no_pipe_folder_or_device(name, tmp_path):
    suffix, write = WRITERS[name]
    before = odd_files(tmp_path, suffix)
    kinds = [path.lstat().st_mode for path in before]
    for path in before:
        with pytest.raises(OSError) as caught:  # noqa: PT011 (which one is compared below)
            write(path)
        assert str(path) in str(caught.value)
        assert caught.value.filename2 is None
    assert sorted(tmp_path.iterdir()) == before
    assert [path.lstat().st_mode for path in before] == kinds


@pytest.mark.parametrize("name", READERS)
def test_nothing_waits_for_a_pipe_or_reads_a_device(name, tmp_path):
    for path in [*odd_files(tmp_path, ""), Path("/dev/null"), Path("/dev/zero"), tmp_path]:
        with pytest.raises(OSError) as caught:  # noqa: PT011 (which one is compared below)
            READERS[name](path)
        assert caught.value.filename == str(path)


# --- one way to write


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_keeps_its_mode_when_it_is_written_again(name, mode, tmp_path):
    suffix, write = WRITERS[name]
    path = tmp_path / f"file{suffix}"
    path.write_text("old")
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_text() != "old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_new_file_has_the_mode_of_any_new_file(name, tmp_path):
    suffix, write = WRITERS[name]
    before = os.umask(0o027)
    try:
        write(tmp_path / f"file{suffix}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / f"file{suffix}").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_whatever_ends_a_save_the_old_file_stays_whole_and_alone(name, step, tmp_path, monkeypatch):
    suffix, write = WRITERS[name]
    path = tmp_path / f"file{suffix}"
    path.write_text("old")
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def crash(*_, error=error):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(os, step, crash)
            with pytest.raises(type(error)) as caught:
                write(path)
        assert caught.value is error
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == [path.name]
        if isinstance(error, OSError):
            assert str(error) == f"[Errno 28] No space left on device: {str(path)!r}"


def test_a_file_stands_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    order = []
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda _: order.append("fsync"))
    monkeypatch.setattr(os, "replace", lambda *names: (order.append("replace"), replace(*names)))
    files.write(tmp_path / "file", b"new")
    assert order == ["fsync", "replace"]


@pytest.mark.parametrize(
    "path", ["", "no folder/m.json", "file/m.json", "folder/", "n" * 300, "no\nfolder/m.json"]
)
def test_an_error_of_a_save_names_the_path_as_it_was_given_and_nothing_else(
    path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"^\[Errno \d+\] [\w ]+: ") as caught:
        NET.save(path)
    assert str(caught.value).endswith(f": {path!r}")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert os.listdir("folder") == []


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        files.write(path, "new")
    assert path.read_text() == "old"


def test_a_figure_without_a_suffix_becomes_a_png_and_a_format_wins(tmp_path):
    for name, options, found, start in (
        ("a", {}, "a.png", b"\x89PNG"),
        ("b.", {}, "b.png", b"\x89PNG"),
        ("c.x", {"format": "pdf"}, "c.x", b"%PDF"),
        ("d", {"format": "svg"}, "d", b"<?xml"),
    ):
        Figure().savefig(tmp_path / name, **options)
        assert (tmp_path / found).read_bytes().startswith(start)
    assert len(os.listdir(tmp_path)) == 4
    buffer = io.BytesIO()
    Figure().savefig(buffer, format="pdf")
    assert buffer.getvalue().startswith(b"%PDF")
    with PdfPages(tmp_path / "pages.pdf") as pages:
        pages.savefig(Figure())
    assert (tmp_path / "pages.pdf").stat().st_size > 100


# --- one limit


def test_what_may_be_saved_may_be_loaded(tmp_path):
    deep = MLP(1200, [1], rng=0)
    deep.save(tmp_path / "m.json")
    per_parameter = (tmp_path / "m.json").stat().st_size / len(deep.parameters())
    assert per_parameter * MAX_PARAMETERS < model_file.MAX_BYTES


@pytest.mark.parametrize("most", [300, 999])
def test_a_model_that_is_too_large_to_be_read_is_not_written(most, tmp_path, monkeypatch):
    monkeypatch.setattr(model_file, "MAX_BYTES", most)
    with pytest.raises(ModelFileError, match=f"a model file has at most {most} bytes, not 1,"):
        MLP(2, [10, 1]).save(tmp_path / "m.json")
    assert os.listdir(tmp_path) == []


def test_the_limit_of_a_file_is_no_size_of_a_buffer(tmp_path):
    NET.save(tmp_path / "m.json")
    for most in (10**12, 2**63, 10**30):
        assert load(tmp_path / "m.json", max_bytes=most).sizes == [2, 2, 1]
    for most in (0, -1):
        with pytest.raises(ValueError, match="max_bytes must be an int of at least 1"):
            load(tmp_path / "m.json", max_bytes=most)
    for most in (None, True, 1e9, "1"):
        with pytest.raises(TypeError, match="max_bytes must be an int of at least 1"):
            load(tmp_path / "m.json", max_bytes=most)
