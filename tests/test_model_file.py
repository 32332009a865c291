"""Saved models: a round trip to the last bit, an atomic write, and nothing else is ever read."""

import builtins
import hashlib
import io
import json
import math
import os
import pickle
import random
import stat
import struct
import threading
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import MLP, Layer, ModelFileError, files
from tinygrad_edu.nn import ACTIVATIONS, model_file

FIRST_RELEASE = Path(__file__).parent / "fixtures" / "mlp_of_first_release.json"


def small():
    """A model with the odd floats: -0.0, the smallest, the largest, one with an exponent."""
    model = MLP(1, [2, 1], "tanh", "sigmoid", rng=3)
    odd = (-0.0, 5e-324, 1.7976931348623157e308, 1e-07, 0.1, -1 / 3)
    for p, x in zip(model.parameters(), odd, strict=False):
        p.data = x
    return model


def as_saved(model):
    with TemporaryDirectory() as folder:
        model.save(Path(folder, "m.json"))
        return Path(folder, "m.json").read_bytes()


@pytest.fixture(scope="module")
def saved():
    return as_saved(small())


@pytest.fixture
def loads(monkeypatch):
    """Load a model from bytes, without the disk."""

    def from_bytes(raw):
        monkeypatch.setattr(files, "open_regular", lambda path: io.BytesIO(raw))
        return MLP.load("m.json")

    return from_bytes


def bits(model):
    return [struct.pack("<d", p.data) for p in model.parameters()]


def load(raw, folder):
    path = folder / "given.json"
    path.write_bytes(raw)
    return MLP.load(path)


def sealed(body):
    """A file with this content and the checksum that belongs to it, as an attacker would write."""
    digest = hashlib.sha256((json.dumps(body, indent=1) + "\n").encode()).hexdigest()
    return (json.dumps({**body, "sha256": digest}, indent=1) + "\n").encode()


def body_of(saved):
    body = json.loads(saved)
    del body["sha256"]
    return body


# --- the round trip


def test_a_loaded_model_is_the_saved_one_to_the_last_bit(saved, tmp_path):
    model, other = small(), load(saved, tmp_path)
    assert bits(other) == bits(model)
    assert repr(other) == repr(model) == "MLP(1, [2, 1], 'tanh', output='sigmoid')"
    assert list(other.state_dict()) == list(model.state_dict())
    assert other([0.3]).data == model([0.3]).data
    assert math.copysign(1, other.parameters()[0].data) == -1
    assert as_saved(model) == as_saved(other) == saved


finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.slow
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(finite, min_size=14, max_size=14),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.one_of(finite, st.integers(), st.text(st.characters(codec="utf-8")), st.none()),
    ),
)
def test_any_finite_numbers_and_texts_come_back(tmp_path, numbers, activation, output, metadata):
    model = MLP(2, [2, 2], activation, output)
    for p, x in zip(model.parameters(), (numbers * 2)[: len(model.parameters())], strict=True):
        p.data = x
    model.save(tmp_path / "m.json", metadata=metadata)
    other = MLP.load(tmp_path / "m.json")
    assert bits(other) == bits(model)
    assert (other.activation, other.output) == (activation, output)
    assert model_file.read(tmp_path / "m.json").metadata == metadata


def test_metadata_comes_back_as_json_holds_it(tmp_path):
    path = tmp_path / "m.json"
    small().save(path, metadata={"seed": 7, "classes": ("a", "b"), 10: "ten", 9: "nine"})
    content = model_file.read(path)
    assert content.metadata == {"seed": 7, "classes": ["a", "b"], "10": "ten", "9": "nine"}
    assert MLP.load(path).metadata == content.metadata
    small().save(path)
    assert model_file.read(path).metadata == {}


def test_a_larger_file_is_read_on_request_only(saved, tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(saved)
    assert MLP.load(path, max_bytes=len(saved)).sizes == [1, 2, 1]
    with pytest.raises(ModelFileError) as caught:
        MLP.load(path, max_bytes=100)
    assert str(caught.value) == "larger than 100 bytes: pass max_bytes to read it"


# --- damage


def test_bytes_are_loaded_as_a_file_is_with_the_ends_of_lines_of_windows_too(saved, loads):
    for raw in (saved, saved.replace(b"\n", b"\r\n")):
        assert bits(loads(raw)) == bits(small())


def cut_anywhere(saved):
    return (saved[:length] for length in range(len(saved)))


def one_bit_flipped(saved):
    for position in range(len(saved)):
        for bit in range(8):
            yield flipped(saved, position, [bit])


def two_or_three_bits_flipped(saved):
    rng = random.Random(0)
    for _ in range(2000):
        position = rng.randrange(len(saved))
        yield flipped(saved, position, rng.sample(range(16), rng.choice((2, 3))))


def flipped(saved, position, bits):
    raw = bytearray(saved)
    for bit in bits:
        raw[(position + bit // 8) % len(raw)] ^= 1 << bit % 8
    return bytes(raw)


def a_line_dropped_or_doubled(saved):
    lines = saved.splitlines(keepends=True)
    for k, line in enumerate(lines):
        for times in (0, 2):
            yield b"".join([*lines[:k], line * times, *lines[k + 1 :]])


def two_documents(saved):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "a")
    for tail in (b" ", b"\n", saved, b"{}", b"\0", b"<script>", archive.getvalue()):
        yield saved + tail
        yield tail + saved


DAMAGES = [
    cut_anywhere,
    one_bit_flipped,
    two_or_three_bits_flipped,
    a_line_dropped_or_doubled,
    two_documents,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(damage, saved, loads):
    for raw in damage(saved):
        with pytest.raises(ModelFileError):
            loads(raw)


class Marks:
    """Unpickled, it would make a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path, protocol):
    marker = tmp_path / "marker"
    raw = pickle.dumps(Marks(marker), protocol)
    with pytest.raises(ModelFileError, match="not a tinygrad_edu model: it starts with"):
        load(raw, tmp_path)
    with pytest.raises(ModelFileError):
        load(b"{" + raw, tmp_path)
    assert not marker.exists()
    pickle.loads(raw).close()
    assert marker.exists()  # the pickle is a working one


START = "not a tinygrad_edu model: it starts with "
# fmt: off
NOT_JSON = {
    "empty": (b"", START + "b''"),
    "blank": (b" \n", START + "b' \\n'"),
    "list": (b"[1, 2]", START + "b'[1, '"),
    "BOM": (b"\xef\xbb\xbf{}", START + "b'\\xef\\xbb\\xbf{'"),
    "UTF-16": ("{}".encode("utf-16"), START + "b'\\xff\\xfe{\\x00'"),
    "UTF-16 without BOM": ('{"a": 1}'.encode("utf-16-le"),
     "not a tinygrad_edu model: Expecting property name enclosed in double quotes: "
     "line 1 column 2 (char 1)"),
    "bad UTF-8": (b'{"a": "\xff"}',
     "not a tinygrad_edu model: 'utf-8' codec can't decode byte 0xff in position 7: "
     "invalid start byte"),
    "open": (b'{"a": 1',
     "not a tinygrad_edu model: Expecting ',' delimiter: line 1 column 8 (char 7)"),
    "NaN": (b'{"a": NaN}', "not a tinygrad_edu model: it contains NaN"),
    "Infinity": (b'{"a": [-Infinity]}', "not a tinygrad_edu model: it contains -Infinity"),
    "repeated key": (b'{"a": 1, "a": 1}', "not a tinygrad_edu model: the key 'a' is repeated"),
    "other JSON": (b'{"a": 1}', "not a tinygrad_edu model: format is None"),
    "other format": (b'{"format": "' + b"x" * 1000 + b'"}',
     "not a tinygrad_edu model: format is '" + "x" * 76 + "..."),
}
# fmt: on


DEEP_OR_LONG = {
    "open lists": b"{" + b'"a":[' * 100_000,
    "open objects": b'{"a":' * 100_000,
    "nested lists": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "5,000 digits": b'{"a": ' + b"1" * 5_000 + b"}",
    "version of 4,000 digits": b'{"format": "tinygrad_edu.mlp", "version": ' + b"1" * 4_000 + b"}",
}


@pytest.mark.parametrize("name", DEEP_OR_LONG)
def test_deep_nesting_and_long_numbers_are_refused(name, loads):
    with pytest.raises(ModelFileError) as caught:
        loads(DEEP_OR_LONG[name])
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("depth", [100, 500, 900, 1000, 2000])
def test_metadata_nested_to_any_depth_is_refused(depth, saved, loads):
    # the depth at which reading, and at which checking, gives up depends on the stack
    nested = b'"metadata": {"a": ' + b"[" * depth + b"]" * depth + b"}"
    assert saved.count(b'"metadata": {}') == 1
    with pytest.raises(ModelFileError):
        loads(saved.replace(b'"metadata": {}', nested))


def test_content_too_deep_to_be_written_again_is_damage(saved, tmp_path, monkeypatch):
    def too_deep(body):
        raise RecursionError

    monkeypatch.setattr(model_file, "_written", too_deep)
    with pytest.raises(ModelFileError) as caught:
        load(saved, tmp_path)
    assert str(caught.value) == DAMAGED


# --- files that are JSON, with a right checksum, and still no model


def changed(**change):
    return lambda body: {**body, **change}


def made(**change):
    """The file with another description of the model."""
    return lambda body: {**body, "model": {**body["model"], **change}}


def weight(x):
    return lambda body: {**body, "state": {**body["state"], "layer2.neuron1.b": x}}


def without(name):
    return lambda body: {k: v for k, v in body.items() if k != name}


def renamed(body):
    state = dict(body["state"])
    state["x" * 1000] = state.pop("layer2.neuron1.b")
    return {**body, "state": state}


def one(layer, **arguments):
    """A file of one layer."""
    return changed(model={"layer": layer, **arguments, "training": True})


def holding(part):
    return one("Sequential", layers=[part])


VERSION = (
    "written in version {} of the format, this release reads versions 1 and 2: "
    "use the release of tinygrad_edu that wrote it"
)
COUNT = "not a model of this release: {} must be an int of at least 1, got {}"
LISTS = "not a model of this release: nouts must be a list of layer sizes such as [16, 16, 1], got "
WEIGHT = "parameter 'layer2.neuron1.b' must be a finite float, got {}"
MANY = "not a model of this release: {} have {} parameters, more than the 7 of the file"
NAMES = ", ".join(ACTIVATIONS)
UNFIT = (
    "not a model of this release: the state does not fit MLP(1, [2, 1], {}, output='sigmoid'): "
    "missing [{}], unknown ["
)
OTHER = "{} is no layer of this release: make the model and write model.load_parameters(path)"
DAMAGED = "damaged: it is not byte for byte what was saved"
FIELDS = "the fields of the layer {} are missing or unknown"
# fmt: off
NO_MODEL = {
    "newer version": (changed(version=3), VERSION.format(3)),
    "version true": (changed(version=True), VERSION.format(True)),
    "version 2.0": (changed(version=2.0), VERSION.format(2.0)),
    "no version": (without("version"), VERSION.format(None)),
    "missing field": (without("state"), "fields missing or unknown: 'state'"),
    "extra field": (changed(code="import os"), "fields missing or unknown: 'code'"),
    "weight inf": (weight(math.inf), "not a tinygrad_edu model: it contains Infinity"),
    "weight nan": (weight(math.nan), "not a tinygrad_edu model: it contains NaN"),
    "weight true": (weight(True), WEIGHT.format(True)),
    "weight int": (weight(1), WEIGHT.format(1)),
    "no parameters": (changed(state={}),
     "not a model of this release: layers of 1, 2, 1 have 7 parameters, more than the 0 of "
     "the file"),
    "parameter list": (changed(state=[1.0] * 3), "state must be an object, got [1.0, 1.0, 1.0]"),
    "parameter name": (renamed, UNFIT.format("'tanh'", "'layer2.neuron1.b'") + "'" + "x" * 98),
    "no nouts": (made(nouts=[]), LISTS + "[]"),
    "nouts null": (made(nouts=None), LISTS + "None"),
    "size float": (made(nouts=[2.0, 1]), COUNT.format("a layer size", "float 2.0")),
    "size 0": (made(nouts=[0, 1]), COUNT.format("a layer size", 0)),
    "10**9 weights": (made(nouts=[10**9]),
     MANY.format("layers of 1, 1000000000", "2,000,000,000")),
    "10**18 weights": (made(nin=10**9, nouts=[10**9, 1]),
     MANY.format("layers of 1000000000, 1000000000, 1", "1,000,000,002,000,000,001")),
    "other sizes": (made(nin=2), MANY.format("layers of 2, 2, 1", 9)),
    "fewer parameters": (made(nouts=[1, 1]),
     "not a model of this release: the state does not fit MLP(1, [1, 1], 'tanh', "
     "output='sigmoid'): missing [], unknown ['layer1.neuron2.w[0]', 'layer1.neuron2.b', "
     "'layer2.neuron1.w[1]']"),
    "prelu without slopes": (made(activation="prelu"),
     UNFIT.format("'prelu'", "'layer1.neuron1.alpha', 'layer1.neuron2.alpha'") + "]"),
    "activation unknown": (made(activation='__import__("os")'),
     f"not a model of this release: unknown activation '__import__(\"os\")': choose {NAMES}"),
    "activation 10 MB": (made(activation="x" * 10_000_000),
     f"not a model of this release: unknown activation '{'x' * 39}: choose {NAMES}"),
    "too many activations": (made(activation=["relu"] * 2),
     "not a model of this release: activation has 2 entries for 1 hidden layers: give one for "
     "each, and that of the last layer as output"),
    "output null": (made(output=None),
     "not a model of this release: activation is a name or a function, got NoneType: "
     f"choose {NAMES}"),
    "metadata": (changed(metadata=[]), "metadata must be an object, got []"),
    "a lone surrogate": (changed(metadata={"name": "\ud800"}), DAMAGED),
    "no layer": (changed(model={}), OTHER.format(None)),
    "model list": (changed(model=[]), "model must be an object, got []"),
    "layer list": (made(layer=["MLP"]), OTHER.format("['MLP']")),
    "layer of the system": (changed(model={"layer": "os.system"}), OTHER.format("'os.system'")),
    "class that is no layer": (made(layer="Module"), OTHER.format("'Module'")),
    "field of another layer": (made(layer="RNN"), FIELDS.format("RNN")),
    "option that is none": (made(rng=0), FIELDS.format("MLP")),
    "mode 1": (made(training=1), FIELDS.format("MLP")),
    "parts text": (one("Sequential", layers="tanh"),
     "not a model of this release: unknown activation 't': choose " + NAMES),
    "part null": (holding(None),
     "not a model of this release: part 1 of Sequential must be a module or an activation, "
     "got NoneType None"),
    "again nothing": (holding({"again": 0}), "there is no layer 0 to stand again"),
    "again true": (holding({"again": True}), "there is no layer True to stand again"),
    "a million inputs to normalise": (one("BatchNorm", n=10**6, momentum=0.1, eps=1e-5),
     MANY.format("batch normalisations of 1000000 inputs", "4,000,000")),
    "a million things to embed": (one("Embedding", n=10**6, width=2),
     MANY.format("embeddings of 1000000 things", "2,000,000")),
    "a million inputs to scale": (one("RMSNorm", n=10**6, eps=1e-5),
     MANY.format("normalisations of 1000000 inputs", "1,000,000")),
    "attention to a million numbers": (one("Attention", width=1000, heads=1, causal=True),
     MANY.format("layers of 1000, 1000", "1,001,000")),
    "a perceptron of a million inputs": (one("Perceptron", nin=10**6),
     MANY.format("perceptrons of 1000000 inputs", "1,000,001")),
    "a unit of a million inputs": (one("Neuron", nin=10**6, activation="relu"),
     MANY.format("units of 1000000 inputs", "1,000,001")),
}
# fmt: on


def test_the_file_of_those_tests_is_readable_when_nothing_is_changed(saved, tmp_path):
    assert sealed(body_of(saved)) == saved
    assert bits(load(sealed(body_of(saved)), tmp_path)) == bits(small())


def test_nothing_is_allocated_for_an_announced_size(saved, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("a layer was made")

    monkeypatch.setattr(Layer, "__init__", refuse)
    with pytest.raises(ModelFileError, match="have 2,000,000,000 parameters, more than the 7"):
        load(sealed(made(nouts=[10**9])(body_of(saved))), tmp_path)


# fmt: off
#: What a file of the first release says of itself, made wrong.
NO_FIRST = {
    "no sizes": (without("sizes"), "fields missing or unknown: 'sizes'"),
    "one size": (changed(sizes=[3]), "sizes must be a list of at least 2 ints, got [3]"),
    "sizes text": (changed(sizes="221"), "sizes must be a list of at least 2 ints, got '221'"),
    "activation list": (changed(activation=["relu"]),
     "activation and output must be texts, got ['relu'] and 'sigmoid'"),
    "parameters": (changed(parameters=[]), "state must be an object, got []"),
    "other sizes": (changed(sizes=[2, 10**9]),
     "not a model of this release: layers of 2, 1000000000 have 3,000,000,000 parameters, more "
     "than the 11 of the file"),
    "newer field": (changed(model={}), "fields missing or unknown: 'model'"),
}
# fmt: on


def cases(saved):
    """The name of each case, its file, and the text of the error."""
    for name, (raw, text) in NOT_JSON.items():
        yield name, raw, text
    for release, body, changes in (
        ("", body_of(saved), NO_MODEL),
        ("first release, ", body_of(FIRST_RELEASE.read_bytes()), NO_FIRST),
    ):
        for name, (change, text) in changes.items():
            yield release + name, sealed(change(body)), text


CASES = {name: (raw, text) for name, raw, text in cases(as_saved(small()))}
CASES["too large for a float"] = (
    as_saved(small()).replace(b"1e-07", b"1e999"),
    "parameter 'layer1.neuron2.b' must be a finite float, got inf",
)


@pytest.mark.parametrize("name", CASES)
def test_anything_but_a_model_is_refused_with_a_clear_text(name, loads):
    raw, text = CASES[name]
    with pytest.raises(ModelFileError) as caught:
        loads(raw)
    assert str(caught.value) == text


def test_a_file_of_the_first_release_is_loaded_to_the_last_bit(tmp_path):
    model = MLP.load(FIRST_RELEASE)
    assert repr(model) == "MLP(2, [2, 1], 'prelu', output='sigmoid')"
    assert model.metadata == {"seed": 3, "classes": ["a", "b"]}
    state = json.loads(FIRST_RELEASE.read_bytes())["parameters"]
    assert [struct.pack("<d", x) for x in state.values()] == bits(model)
    assert list(model.state_dict()) == list(state)
    model.save(tmp_path / "m.json")
    again = tinygrad_edu.load(tmp_path / "m.json")
    assert (bits(again), again.metadata) == (bits(model), model.metadata)


# --- what cannot be saved


def spoilt(change):
    model = small()
    change(model)
    return model


NOT_SAVED = [
    (spoilt(lambda m: setattr(m.layers[1].neurons[0].w[1], "data", math.nan)),
     "parameter layer2.neuron1.w[1] is nan: only finite parameters can be saved"),
    (spoilt(lambda m: setattr(m.layers[0].neurons[1].b, "data", -math.inf)),
     "parameter layer1.neuron2.b is -inf: only finite parameters can be saved"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "text"), NOT_SAVED, ids=[text for _, text in NOT_SAVED])
def test_a_model_that_could_not_be_read_is_not_saved(model, text, tmp_path):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the text is compared below)
        model.save(tmp_path / "m.json")
    assert str(caught.value) == text
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"a": {1, 2}}, TypeError),
        ({"a": math.nan}, ValueError),
        ({1: "a", "1": "b"}, ModelFileError),
        ({"a": "\ud800"}, ValueError),
        ([1], ModelFileError),
    ],
)
def test_metadata_that_json_cannot_hold_is_refused(tmp_path, metadata, error):
    with pytest.raises(error):
        small().save(tmp_path / "m.json", metadata=metadata)
    assert os.listdir(tmp_path) == []


# --- writing


def test_a_reader_sees_the_old_or_the_new_file_while_others_write(tmp_path):
    path = tmp_path / "m.json"
    models = [MLP(1, [n]) for n in (1, 2, 3)]
    models[0].save(path)
    errors = []

    def write(model):
        try:
            for _ in range(30):
                model.save(path)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(m,)) for m in models]
    for writer in writers:
        writer.start()
    for _ in range(60):
        assert MLP.load(path).sizes in ([1, 1], [1, 2], [1, 3])
    for writer in writers:
        writer.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["m.json"]


# --- paths


def test_paths_are_those_of_the_system(tmp_path, saved, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("m.json", "./a b.json", "new\nline.json", "ü" * 100, "模" * 80 + ".json", "-m", "con")
    for name in names:
        small().save(name)
        assert Path(name).read_bytes() == saved
        assert bits(MLP.load(Path(name))) == bits(small())
    Path("folder").mkdir()
    small().save(Path("folder", "..", "folder", "m.json"))
    assert os.listdir("folder") == ["m.json"]


@pytest.mark.parametrize("path", ["missing.json", "missing/m.json", ""])
def test_a_path_that_cannot_be_gives_the_error_of_the_system(path):
    with pytest.raises(FileNotFoundError):
        MLP.load(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions of a plain user")
def test_a_folder_without_permission_is_an_error_of_the_system(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PermissionError):
        small().save(tmp_path / "m.json")


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_symbolic_link_is_replaced_and_its_target_left_as_it_was(saved, tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    MLP(3, [3]).save(target)
    link.symlink_to(target)
    assert MLP.load(link).sizes == [3, 3]
    small().save(link)
    assert not link.is_symlink()
    assert link.read_bytes() == saved
    assert MLP.load(target).sizes == [3, 3]


def test_reading_opens_no_other_file_and_runs_no_code(saved, tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    path.write_bytes(saved)
    opened = []
    real_open = open

    def spy(file, *args, **options):
        opened.append(file)
        return real_open(file, *args, **options)

    def refuse(*args):
        raise AssertionError("code from the file was run")

    monkeypatch.setattr(builtins, "open", spy)
    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(builtins, "exec", refuse)
    MLP.load(path)
    monkeypatch.undo()
    assert opened == [str(path)]
