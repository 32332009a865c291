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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import MLP, Layer, ModelFileError, parameter
from tinygrad_edu.nn import ACTIVATIONS, model_file

FIRST_RELEASE = Path(__file__).parent / "fixtures" / "mlp_of_first_release.json"


def small() -> MLP:
    """A model with the odd floats: -0.0, the smallest, the largest, one with an exponent."""
    model = MLP(1, [2, 1], "tanh", "sigmoid", rng=3)
    odd = (-0.0, 5e-324, 1.7976931348623157e308, 1e-07, 0.1, -1 / 3)
    for p, x in zip(model.parameters(), odd, strict=False):
        p.data = x
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("saved") / "m.json"
    small().save(path)
    return path.read_bytes()


def bits(model: MLP) -> list[bytes]:
    return [struct.pack("<d", p.data) for p in model.parameters()]


def load(raw: bytes, folder: Path) -> MLP:
    path = folder / "given.json"
    path.write_bytes(raw)
    return MLP.load(path)


def sealed(body: dict[str, Any]) -> bytes:
    """A file with this content and the checksum that belongs to it, as an attacker would write."""
    digest = hashlib.sha256((json.dumps(body, indent=1) + "\n").encode()).hexdigest()
    return (json.dumps({**body, "sha256": digest}, indent=1) + "\n").encode()


def body_of(saved: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(saved)
    del body["sha256"]
    return body


# --- the round trip


def test_a_loaded_model_is_the_saved_one_to_the_last_bit(tmp_path: Path) -> None:
    model = small()
    model.save(tmp_path / "m.json")
    other = MLP.load(tmp_path / "m.json")
    assert bits(other) == bits(model)
    assert repr(other) == repr(model) == "MLP(1, [2, 1], 'tanh', output='sigmoid')"
    assert list(other.state_dict()) == list(model.state_dict())
    assert other([0.3]).data == model([0.3]).data
    assert math.copysign(1, other.parameters()[0].data) == -1


finite = st.floats(allow_nan=False, allow_infinity=False)


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
def test_any_finite_numbers_and_texts_come_back(
    tmp_path: Path, numbers: list[float], activation: str, output: str, metadata: dict[str, Any]
) -> None:
    model = MLP(2, [2, 2], activation, output)
    for p, x in zip(model.parameters(), (numbers * 2)[: len(model.parameters())], strict=True):
        p.data = x
    model.save(tmp_path / "m.json", metadata=metadata)
    other = MLP.load(tmp_path / "m.json")
    assert bits(other) == bits(model)
    assert (other.activation, other.output) == (activation, output)
    assert model_file.read(tmp_path / "m.json").metadata == metadata


def test_metadata_comes_back_as_json_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    small().save(path, metadata={"seed": 7, "classes": ("a", "b"), 10: "ten", 9: "nine"})
    content = model_file.read(path)
    assert content.metadata == {"seed": 7, "classes": ["a", "b"], "10": "ten", "9": "nine"}
    assert MLP.load(path).metadata == content.metadata
    small().save(path)
    assert model_file.read(path).metadata == {}


def test_the_same_model_gives_the_same_bytes(saved: bytes, tmp_path: Path) -> None:
    small().save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == saved
    MLP.load(tmp_path / "again.json").save(tmp_path / "third.json")
    assert (tmp_path / "third.json").read_bytes() == saved


def test_lines_that_end_in_the_windows_way_are_the_same_file(saved: bytes, tmp_path: Path) -> None:
    assert bits(load(saved.replace(b"\n", b"\r\n"), tmp_path)) == bits(small())


def test_a_larger_file_is_read_on_request_only(saved: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(saved)
    assert MLP.load(path, max_bytes=len(saved)).sizes == [1, 2, 1]
    with pytest.raises(ModelFileError) as caught:
        MLP.load(path, max_bytes=100)
    assert str(caught.value) == "larger than 100 bytes: pass max_bytes to read it"


# --- damage


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], MLP]:
    """Load a model from bytes, without the disk."""

    def from_bytes(raw: bytes) -> MLP:
        monkeypatch.setattr(model_file, "open", lambda path, mode: io.BytesIO(raw), raising=False)
        return MLP.load("m.json")

    return from_bytes


def test_bytes_are_loaded_as_a_file_is(saved: bytes, loads: Callable[[bytes], MLP]) -> None:
    assert bits(loads(saved)) == bits(small())


def test_a_file_that_is_cut_anywhere_is_refused(
    saved: bytes, loads: Callable[[bytes], MLP]
) -> None:
    for length in range(len(saved)):
        with pytest.raises(ModelFileError):
            loads(saved[:length])


def test_a_file_with_any_bit_flipped_is_refused(
    saved: bytes, loads: Callable[[bytes], MLP]
) -> None:
    for position in range(len(saved)):
        for bit in range(8):
            raw = bytearray(saved)
            raw[position] ^= 1 << bit
            with pytest.raises(ModelFileError):
                loads(bytes(raw))


def test_a_file_with_two_or_three_bits_flipped_is_refused(
    saved: bytes, loads: Callable[[bytes], MLP]
) -> None:
    rng = random.Random(0)
    for _ in range(2000):
        raw = bytearray(saved)
        position = rng.randrange(len(raw))
        for bit in rng.sample(range(16), rng.choice((2, 3))):
            raw[(position + bit // 8) % len(raw)] ^= 1 << bit % 8
        with pytest.raises(ModelFileError):
            loads(bytes(raw))


def test_a_file_with_a_line_added_dropped_or_doubled_is_refused(
    saved: bytes, tmp_path: Path
) -> None:
    lines = saved.splitlines(keepends=True)
    for k, line in enumerate(lines):
        for times in (0, 2):
            lines_now = [*lines[:k], line * times, *lines[k + 1 :]]
            with pytest.raises(ModelFileError):
                load(b"".join(lines_now), tmp_path)


class Marks:
    """Unpickled, it would make a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "marker"
    raw = pickle.dumps(Marks(marker), protocol)
    with pytest.raises(ModelFileError, match="not a tinygrad_edu model: it starts with"):
        load(raw, tmp_path)
    with pytest.raises(ModelFileError):
        load(b"{" + raw, tmp_path)
    assert not marker.exists()
    pickle.loads(raw).close()
    assert marker.exists()  # the pickle is a working one


def test_two_documents_in_one_file_are_refused(saved: bytes, tmp_path: Path) -> None:
    zip_path = tmp_path / "a.zip"
    with zipfile.ZipFile(zip_path, "w") as archive:
        archive.writestr("a.txt", "a")
    for tail in (b" ", b"\n", saved, b"{}", b"\0", b"<script>", zip_path.read_bytes()):
        with pytest.raises(ModelFileError):
            load(saved + tail, tmp_path)
        with pytest.raises(ModelFileError):
            load(tail + saved, tmp_path)


START = "not a tinygrad_edu model: it starts with "
# fmt: off
NOT_JSON: dict[str, tuple[bytes, str]] = {
    "empty": (b"", START + "b''"),
    "one byte": (b"x", START + "b'x'"),
    "blank": (b" \n", START + "b' \\n'"),
    "png": (b"\x89PNG\r\n\x1a\n", START + "b'\\x89PNG'"),
    "zip": (b"PK\x03\x04....", START + "b'PK\\x03\\x04'"),
    "list": (b"[1, 2]", START + "b'[1, '"),
    "number": (b"1.5", START + "b'1.5'"),
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


@pytest.mark.parametrize("name", NOT_JSON)
def test_anything_but_a_model_is_refused_with_a_clear_text(name: str, tmp_path: Path) -> None:
    raw, text = NOT_JSON[name]
    with pytest.raises(ModelFileError) as caught:
        load(raw, tmp_path)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "raw",
    [
        b"{" + b'"a":[' * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"1" * 5_000 + b"}",
        b'{"format": "tinygrad_edu.mlp", "version": ' + b"1" * 4_000 + b"}",
    ],
    ids=["open lists", "open objects", "nested lists", "5,000 digits", "version of 4,000 digits"],
)
def test_deep_nesting_and_long_numbers_are_refused(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError) as caught:
        load(raw, tmp_path)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("depth", [100, 500, 900, 1000, 2000])
def test_metadata_nested_to_any_depth_is_read_or_refused(
    depth: int, saved: bytes, tmp_path: Path
) -> None:
    # the depth at which reading, and at which checking, gives up depends on the stack
    raw = saved.replace(
        b'"metadata": {}', b'"metadata": {"a": ' + b"[" * depth + b"]" * depth + b"}"
    )
    assert raw != saved
    with pytest.raises(ModelFileError):
        load(raw, tmp_path)


def test_content_too_deep_to_be_written_again_is_damage(
    saved: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_deep(body: dict[str, Any]) -> bytes:
        raise RecursionError

    monkeypatch.setattr(model_file, "_text", too_deep)
    with pytest.raises(ModelFileError) as caught:
        load(saved, tmp_path)
    assert str(caught.value) == "damaged: it is not byte for byte what was saved"


# --- files that are JSON, with a right checksum, and still no model


Change = Callable[[dict[str, Any]], dict[str, Any]]


def changed(**change: Any) -> Change:
    return lambda body: {**body, **change}


def made(**change: Any) -> Change:
    """The file with another description of the model."""
    return lambda body: {**body, "model": {**body["model"], **change}}


def weight(x: Any) -> Change:
    return lambda body: {**body, "state": {**body["state"], "layer2.neuron1.b": x}}


def without(name: str) -> Change:
    return lambda body: {k: v for k, v in body.items() if k != name}


def renamed(body: dict[str, Any]) -> dict[str, Any]:
    state = dict(body["state"])
    state["x" * 1000] = state.pop("layer2.neuron1.b")
    return {**body, "state": state}


def one(layer: str, **arguments: Any) -> Change:
    """A file of one layer."""
    return changed(model={"layer": layer, **arguments, "training": True})


def holding(part: Any) -> Change:
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
FIELDS = "the fields of the layer {} are missing or unknown"
# fmt: off
NO_MODEL: dict[str, tuple[Change, str]] = {
    "newer version": (changed(version=3), VERSION.format(3)),
    "version true": (changed(version=True), VERSION.format(True)),
    "version 2.0": (changed(version=2.0), VERSION.format(2.0)),
    "version text": (changed(version="2"), VERSION.format("'2'")),
    "no version": (without("version"), VERSION.format(None)),
    "missing field": (without("state"), "fields missing or unknown: 'state'"),
    "extra field": (changed(code="import os"), "fields missing or unknown: 'code'"),
    "weight inf": (weight(math.inf), "not a tinygrad_edu model: it contains Infinity"),
    "weight nan": (weight(math.nan), "not a tinygrad_edu model: it contains NaN"),
    "weight true": (weight(True), WEIGHT.format(True)),
    "weight int": (weight(1), WEIGHT.format(1)),
    "weight text": (weight("1.0"), WEIGHT.format("'1.0'")),
    "weight null": (weight(None), WEIGHT.format(None)),
    "weight list": (weight([1.0]), WEIGHT.format([1.0])),
    "no parameters": (changed(state={}),
     "not a model of this release: layers of 1, 2, 1 have 7 parameters, more than the 0 of "
     "the file"),
    "parameter list": (changed(state=[1.0] * 3), "state must be an object, got [1.0, 1.0, 1.0]"),
    "parameter name": (renamed, UNFIT.format("'tanh'", "'layer2.neuron1.b'") + "'" + "x" * 98),
    "no nouts": (made(nouts=[]), LISTS + "[]"),
    "nouts null": (made(nouts=None), LISTS + "None"),
    "nouts text": (made(nouts="21"), LISTS + "'21'"),
    "size float": (made(nouts=[2.0, 1]), COUNT.format("a layer size", "float 2.0")),
    "size bool": (made(nouts=[2, True]), COUNT.format("a layer size", "bool True")),
    "size nested": (made(nouts=[[2], 1]), COUNT.format("a layer size", "list [2]")),
    "size 0": (made(nouts=[0, 1]), COUNT.format("a layer size", 0)),
    "size -1": (made(nin=-1), COUNT.format("nin", -1)),
    "nin null": (made(nin=None), COUNT.format("nin", None)),
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
    "activation path": (made(output="../../x"),
     f"not a model of this release: unknown activation '../../x': choose {NAMES}"),
    "activation 10 MB": (made(activation="x" * 10_000_000),
     f"not a model of this release: unknown activation '{'x' * 39}: choose {NAMES}"),
    "too many activations": (made(activation=["relu"] * 2),
     "not a model of this release: activation has 2 entries for 1 hidden layers: give one for "
     "each, and that of the last layer as output"),
    "output null": (made(output=None),
     "not a model of this release: activation is a name or a function, got NoneType: "
     f"choose {NAMES}"),
    "metadata": (changed(metadata=[]), "metadata must be an object, got []"),
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
    "a perceptron of a million inputs": (one("Perceptron", nin=10**6),
     MANY.format("perceptrons of 1000000 inputs", "1,000,001")),
    "a unit of a million inputs": (one("Neuron", nin=10**6, activation="relu"),
     MANY.format("units of 1000000 inputs", "1,000,001")),
}
# fmt: on


@pytest.mark.parametrize("name", NO_MODEL)
def test_a_model_that_cannot_be_is_refused_with_a_clear_text(
    name: str, saved: bytes, tmp_path: Path
) -> None:
    change, text = NO_MODEL[name]
    with pytest.raises(ModelFileError) as caught:
        load(sealed(change(body_of(saved))), tmp_path)
    assert str(caught.value) == text


def test_the_file_of_those_tests_is_readable_when_nothing_is_changed(
    saved: bytes, tmp_path: Path
) -> None:
    assert sealed(body_of(saved)) == saved
    assert bits(load(sealed(body_of(saved)), tmp_path)) == bits(small())


def test_a_number_too_large_for_a_float_is_refused(saved: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError) as caught:
        load(saved.replace(b"1e-07", b"1e999"), tmp_path)
    assert str(caught.value).endswith("must be a finite float, got inf")


def test_a_lone_surrogate_is_refused(saved: bytes, tmp_path: Path) -> None:
    raw = sealed({**body_of(saved), "metadata": {"name": "\ud800"}})
    with pytest.raises(ModelFileError) as caught:
        load(raw, tmp_path)
    assert str(caught.value) == "damaged: it is not byte for byte what was saved"


def test_nothing_is_allocated_for_an_announced_size(
    saved: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise AssertionError("a layer was made")

    monkeypatch.setattr(Layer, "__init__", refuse)
    with pytest.raises(ModelFileError, match="have 2,000,000,000 parameters, more than the 7"):
        load(sealed(made(nouts=[10**9])(body_of(saved))), tmp_path)


# fmt: off
#: What a file of the first release says of itself, made wrong.
NO_FIRST: dict[str, tuple[Change, str]] = {
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


@pytest.mark.parametrize("name", NO_FIRST)
def test_a_wrong_file_of_the_first_release_is_refused(name: str, tmp_path: Path) -> None:
    change, text = NO_FIRST[name]
    with pytest.raises(ModelFileError) as caught:
        load(sealed(change(body_of(FIRST_RELEASE.read_bytes()))), tmp_path)
    assert str(caught.value) == text


def test_a_file_of_the_first_release_is_loaded_to_the_last_bit(tmp_path: Path) -> None:
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


def test_a_model_that_could_not_be_read_is_not_saved(tmp_path: Path) -> None:
    def nan(model: MLP) -> None:
        model.layers[1].neurons[0].w[1].data = math.nan

    def inf(model: MLP) -> None:
        model.layers[0].neurons[1].b.data = -math.inf

    def added(model: MLP) -> None:
        model.extra = parameter(1.0)  # type: ignore[attr-defined]

    def exchanged(model: MLP) -> None:
        model.layers[0] = Layer(1, 2, "relu", rng=0)

    cases: list[tuple[Callable[[MLP], None], str]] = [
        (nan, "parameter layer2.neuron1.w[1] is nan: only finite parameters can be saved"),
        (inf, "parameter layer1.neuron2.b is -inf: only finite parameters can be saved"),
        (
            added,
            "the state does not fit MLP(1, [2, 1], 'tanh', output='sigmoid'): "
            "missing [], unknown ['extra']",
        ),
        (
            exchanged,
            "the layers [Layer(1, 2, 'relu'), Layer(2, 1, 'sigmoid')] are not those that "
            "MLP(1, [2, 1], 'tanh', output='sigmoid') was made with",
        ),
    ]
    path = tmp_path / "m.json"
    for spoil, text in cases:
        model = small()
        spoil(model)
        with pytest.raises(ValueError) as caught:  # noqa: PT011 (the text is compared below)
            model.save(path)
        assert str(caught.value) == text
    own = MLP(1, [1], math.tanh)
    with pytest.raises(ValueError, match="only named activations") as refused:
        own.save(path)
    assert str(refused.value) == (
        "only named activations can be saved, this model has <built-in function tanh>"
    )
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
def test_metadata_that_json_cannot_hold_is_refused(
    tmp_path: Path, metadata: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        small().save(tmp_path / "m.json", metadata=metadata)
    assert os.listdir(tmp_path) == []


# --- writing


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("step", ["replace", "write"])
def test_a_crash_while_saving_leaves_the_old_file_and_nothing_else(
    saved: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    step: str,
) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(saved)

    def crash(*_: Any) -> None:
        assert len(os.listdir(tmp_path)) == 2  # the new file is being written beside the old one
        raise error

    class FullDisk(io.FileIO):
        def write(self, text: Any) -> int:
            super().write(text[:50])
            crash()
            return 50

    if step == "replace":
        monkeypatch.setattr(os, "replace", crash)
    else:
        monkeypatch.setattr(model_file, "open", FullDisk, raising=False)
    with pytest.raises(type(error)) as caught:
        MLP(3, [3]).save(path)
    monkeypatch.undo()
    assert caught.value is error
    assert path.read_bytes() == saved
    assert os.listdir(tmp_path) == ["m.json"]


def test_a_reader_sees_the_old_or_the_new_file_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    models = [MLP(1, [n]) for n in (1, 2, 3)]
    models[0].save(path)
    errors: list[BaseException] = []

    def write(model: MLP) -> None:
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


def test_paths_are_those_of_the_system(
    tmp_path: Path, saved: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("m.json", "./a b.json", "new\nline.json", "ü" * 100, "模" * 80 + ".json", "-m", "con")
    for name in names:
        small().save(name)
        assert Path(name).read_bytes() == saved
        assert bits(MLP.load(Path(name))) == bits(small())
    Path("folder").mkdir()
    small().save(Path("folder", "..", "folder", "m.json"))
    assert os.listdir("folder") == ["m.json"]


def test_paths_that_cannot_be_give_the_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for path, error in (
        ("missing.json", FileNotFoundError),
        ("missing/m.json", FileNotFoundError),
        ("", FileNotFoundError),
        (tmp_path / "folder", IsADirectoryError),
        ("a\0b", ValueError),
    ):
        with pytest.raises(error):
            MLP.load(path)
        if path != "missing.json":
            with pytest.raises(error):
                small().save(path)
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir("folder") == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions of a plain user")
def test_a_folder_without_permission_is_an_error_of_the_system(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(PermissionError):
        small().save(tmp_path / "m.json")


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_symbolic_link_is_replaced_and_its_target_left_as_it_was(
    saved: bytes, tmp_path: Path
) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    MLP(3, [3]).save(target)
    link.symlink_to(target)
    assert MLP.load(link).sizes == [3, 3]
    small().save(link)
    assert not link.is_symlink()
    assert link.read_bytes() == saved
    assert MLP.load(target).sizes == [3, 3]


@pytest.mark.skipif(os.name != "posix", reason="the mode of a file")
def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    small().save(tmp_path / "m.json")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "m.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_reading_opens_no_other_file_and_runs_no_code(
    saved: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(saved)
    opened: list[Any] = []
    real_open = open

    def spy(file: Any, *args: Any, **options: Any) -> Any:
        opened.append(file)
        return real_open(file, *args, **options)

    def refuse(*args: Any) -> None:
        raise AssertionError("code from the file was run")

    monkeypatch.setattr(builtins, "open", spy)
    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(builtins, "exec", refuse)
    MLP.load(path)
    monkeypatch.undo()
    assert opened == [path]


def test_a_missing_folder_is_named_as_the_user_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "no folder" / "m.json"
    with pytest.raises(FileNotFoundError) as error:
        MLP(1, [1]).save(path)
    assert (error.value.filename, error.value.filename2) == (str(path), None)
