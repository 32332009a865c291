"""The layers by name: what each was made with, from which its repr and its file follow."""

import math
import random
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple, Self, TypeVar

from tinygrad_edu.checks import instance, number, text_of
from tinygrad_edu.checks.habits import answered
from tinygrad_edu.files import AnyPath
from tinygrad_edu.nn import model_file
from tinygrad_edu.nn.containers import Part, attributes, values_of
from tinygrad_edu.nn.mode import HasMode, check_count, modules, switched
from tinygrad_edu.nn.model_file import MAX_BYTES, ModelFile, ModelFileError


class Signature(NamedTuple):
    """A layer: its class, and the attribute behind each argument of its constructor.

    `positional` of them stand without a name in the repr; `starred` if the one argument is a list
    that is given item by item.
    """

    kind: type["Savable"]
    attributes: dict[str, str]
    positional: int
    starred: bool

    def values(self, model: "Savable") -> dict[str, Any] | None:
        """The arguments that make another like `model`; None if its parts are of other kinds."""
        try:
            return {name: attrgetter(path)(model) for name, path in self.attributes.items()}
        except (AttributeError, IndexError):
            return None


#: Every layer that a file can name.
LAYERS: Final[dict[str, Signature]] = {}

_Kind = TypeVar("_Kind", bound="type[Savable]")


def register(signature: str) -> Callable[[_Kind], _Kind]:
    """Register a class, so that `repr`, `save` and `load` know how to make one.

    `signature` is that of the constructor without what only draws (`init`, `rng`), as in
    "nin, nout, *, activation": each argument is the attribute of the same name, or the one after
    a "=", as in "nin=cell.nin". "*layers" stands for a list that is given item by item.
    """
    names = signature.split(", ") if text_of("signature", signature) else []
    starred = signature.startswith("*") and names[0] != "*"
    positional = names.index("*") if "*" in names else len(names)
    pairs = [name.lstrip("*").partition("=") for name in names if name != "*"]

    def add(kind: _Kind) -> _Kind:
        known = LAYERS.get(kind.__name__)
        if known is not None and known.kind.__module__ != kind.__module__:
            raise ValueError(f"there is a layer {kind.__name__} already: choose another name")
        attributes = {name: path or name for name, _, path in pairs}
        LAYERS[kind.__name__] = Signature(kind, attributes, positional, starred)
        if "__init__" in vars(kind):
            kind.__init__ = answered(vars(kind)["__init__"])  # type: ignore[method-assign]
        return kind

    return add


class Savable(HasMode):
    """What a file can hold: modules and the perceptron.

    `load` makes a class anew that is registered. Of any other class the file has the numbers: make
    one and call `load_parameters`.
    """

    @property
    def metadata(self) -> dict[str, Any]:
        """What came with the file that the model was loaded from, such as how rows are encoded."""
        metadata: dict[str, Any] = vars(self).setdefault("_metadata", {})
        return metadata

    @metadata.setter
    def metadata(self, metadata: dict[str, Any]) -> None:
        vars(self)["_metadata"] = metadata

    def _rows(self) -> list[Part]:
        """The parameters, then the buffers."""
        return []

    def state_dict(self) -> dict[str, float]:
        """The numbers of the parameters by name, then those of the buffers."""
        return {name: v.data for row in self._rows() for name, v in row.items()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Set the parameters and buffers to the numbers of `state`.

        Raises ValueError, and changes nothing, if a name is missing or unknown.
        """
        rows = self._rows()
        names = [name for row in rows for name, _ in row.items()]
        state = instance("state", state, Mapping, "a dict of numbers by name")
        if names != list(state):
            known = set(names)
            missing = [name for name in names if name not in state]
            unknown = [name for name in state if name not in known]
            if missing or unknown:
                raise ValueError(
                    f"the state does not fit {self!r}: "
                    f"missing {missing[:3]!r:.100}, unknown {unknown[:3]!r:.100}"
                )
            state = {name: state[name] for name in names}
        numbers = list(map(number, state.values(), names))
        for v, x in zip(values_of(rows), numbers, strict=True):
            v.data = x

    def save(self, path: AnyPath, *, metadata: dict[str, Any] | None = None) -> None:
        """Write what the model is and its numbers to the JSON file `path`, to the last bit.

        `metadata` is a dict of anything JSON can hold, by default that of the model. The old file
        stays until the new one is complete; a symbolic link is replaced by the file. A model with a
        class or a function of your own, or with layers exchanged after it was made, is not made
        again from its file: make it as before and call `load_parameters`. Raises ValueError for a
        number that is inf or nan, and for more than MAX_PARAMETERS.
        """
        state = self.state_dict()
        check_count("models", len(state))
        for name, x in state.items():
            if not math.isfinite(x):
                raise ValueError(f"parameter {name} is {x!r}: only finite parameters can be saved")
        description = _described(self, {})
        if not self._is_made_by(description, state):
            description = {"layer": f"{type(self).__name__} with parts of your own"}
        metadata = self.metadata if metadata is None else metadata
        model_file.write(path, ModelFile(description, state, metadata))

    def _is_made_by(self, description: dict[str, Any], state: dict[str, float]) -> bool:
        """Whether `load` would make these parts and numbers, or names one that it cannot make."""
        try:
            copy = _Maker(len(state)).part(description)
        except ModelFileError:
            return True
        except ValueError:  # more parameters than there are: some are numbers now
            return False
        if _likeness(copy) == _likeness(self):
            return True
        if list(copy.state_dict()) != list(state):
            return False
        copy.load_state_dict(state)  # which a repr may show, as that of a perceptron does
        return list(map(repr, modules(copy))) == list(map(repr, modules(self)))

    @classmethod
    def load(cls, path: AnyPath, *, max_bytes: int = MAX_BYTES) -> Self:
        """The model that `save` wrote to `path`. Raises ModelFileError for anything else."""
        model = load(path, max_bytes=max_bytes)
        if not isinstance(model, cls):
            raise ModelFileError(f"it holds {model!r:.80}: write tinygrad_edu.load(path)")
        return model

    def load_parameters(self, path: AnyPath, *, max_bytes: int = MAX_BYTES) -> None:
        """Set parameters and buffers to those in a file that `save` wrote.

        Raises ValueError, and changes nothing, if a name is missing or unknown.
        """
        content = model_file.read(path, max_bytes=max_bytes)
        self.load_state_dict(content.state)
        self.metadata = content.metadata

    def __copy__(self) -> Self:
        other = object.__new__(type(self))
        for name, x in attributes(self).items():
            setattr(other, name, x)
        return other

    def __repr__(self) -> str:
        signature = signature_of(type(self))
        arguments = signature.values(self) if signature else {}
        if signature is None or arguments is None:
            return f"{type(self).__name__}({'' if signature is None else '...'})"
        values = [_text(value) for value in arguments.values()]
        if signature.starred:
            return f"{type(self).__name__}({values[0][1:-1]})"
        k, names = signature.positional, list(signature.attributes)
        named = [f"{name}={value}" for name, value in zip(names[k:], values[k:], strict=True)]
        return f"{type(self).__name__}({', '.join([*values[:k], *named])})"


def load(path: AnyPath, *, max_bytes: int = MAX_BYTES) -> Any:
    """The model that `model.save(path)` wrote: an MLP, a Sequential, any layer, a Perceptron.

    Nothing in the file is executed. Numbers come back to the last bit, and so does the mode of
    training or evaluation; dropouts draw from seed 0. Raises ModelFileError for anything else, for
    more than `max_bytes` bytes, and for a class of your own: make one, and
    `model.load_parameters(path)`. OSError as the system gives it.
    """
    content = model_file.read(path, max_bytes=max_bytes)
    try:
        model = _Maker(len(content.state)).part(content.model)
        model.load_state_dict(content.state)
    except ModelFileError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"not a model of this release: {error}") from None
    model.metadata = content.metadata
    return model


def signature_of(kind: type, *, exact: bool = False) -> Signature | None:
    """The signature of a layer, or unless `exact` of the one that it is a subclass of."""
    for base in [kind] if exact else kind.__mro__:
        signature = LAYERS.get(base.__name__)
        if signature is not None and signature.kind is base:
            return signature
    return None


def _likeness(model: Savable) -> list[Any]:
    """The modules as they show themselves; where parameters and buffers stand, so their names."""
    places = [(row.path, row.ends[:1], len(row.x)) for row in model._rows()]
    return [*map(repr, modules(model)), *places]


def _text(x: Any) -> str:
    """An argument as a repr shows it; a function, which is no layer, at most 40 characters."""
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(map(_text, x))}]"
    return repr(x)[:40] if callable(x) and not isinstance(x, Savable) else repr(x)


def _described(x: Any, numbers: dict[int, int]) -> Any:
    """An argument as JSON: a layer with its arguments, at its second place as its number."""
    if isinstance(x, (list, tuple)):
        return [_described(item, numbers) for item in x]
    if not isinstance(x, Savable):
        name = getattr(x, "__name__", type(x).__name__)
        return {"layer": f"the function {name}"} if callable(x) else x
    if id(x) in numbers:
        return {"again": numbers[id(x)]}
    signature = signature_of(type(x), exact=True)
    if signature is None:
        return {"layer": f"{type(x).__module__}.{type(x).__qualname__}"}
    arguments = signature.values(x)
    if arguments is None:
        return {"layer": f"{type(x).__name__} with parts of your own"}
    values = {name: _described(v, numbers) for name, v in arguments.items()}
    numbers[id(x)] = len(numbers)
    return {"layer": type(x).__name__, **values, "training": x.training}


class _Maker:
    """Makes the layers of a file, with no more parameters than the file has numbers."""

    def __init__(self, numbers: int) -> None:
        self.numbers = numbers
        self.layers: list[Savable] = []
        self.rng = random.Random(0)

    def part(self, x: Any) -> Any:
        """The argument that `_described` wrote."""
        if isinstance(x, list):
            return [self.part(item) for item in x]
        if not isinstance(x, dict):
            return x
        if set(x) == {"again"}:
            if type(x["again"]) is not int or not 0 <= x["again"] < len(self.layers):
                raise ModelFileError(f"there is no layer {x['again']!r:.40} to stand again")
            return self.layers[x["again"]]
        name = x.get("layer")
        if not isinstance(name, str) or name not in LAYERS:
            raise ModelFileError(
                f"{name!r:.80} is no layer of this release: make the model and write "
                "model.load_parameters(path)"
            )
        signature = LAYERS[name]
        if set(x) != {"layer", "training", *signature.attributes} or not isinstance(
            x["training"], bool
        ):
            raise ModelFileError(f"the fields of the layer {name} are missing or unknown")
        values = {key: self.part(x[key]) for key in signature.attributes}
        own = signature.kind.__module__.partition(".")[0] != __name__.partition(".")[0]
        with switched(most=self.numbers, whose="the file", drawn=own):  # it may keep what it drew
            if signature.starred:  # what stands in it was counted already
                layer = signature.kind(*values.popitem()[1])
            else:
                layer = signature.kind(**values)
                self.numbers -= sum(len(row.x) for row in layer._rows()) or len(layer.state_dict())
        if isinstance(vars(layer).get("rng"), random.Random):
            layer.rng = self.rng  # type: ignore[attr-defined]  # equal seeds would give equal masks
        for part in [layer] if signature.starred else modules(layer):
            part.training = x["training"]
        self.layers.append(layer)
        return layer
