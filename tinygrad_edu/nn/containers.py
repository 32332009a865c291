"""Containers of Values: the attributes of a module and the inputs of a layer."""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tinygrad_edu.checks import is_listed
from tinygrad_edu.engine import Value

#: What has no items worth a look.
_PLAIN: Final = (str, bytes, bytearray, memoryview, int, float, range, type(None))


def parts_of(owner: object, module: type) -> Iterator[tuple[str, Any]]:
    """The Values and modules, which are of the class `module`, among public attributes, by name.

    Lists, tuples, deques, dicts, object arrays and dataclasses are taken apart: `layers` has
    layer1, layer2, `w` has w[0], w[1]. Raises TypeError for any other container with one of them,
    naming it as an attribute of `owner`.
    """
    public = {name: part for name, part in vars(owner).items() if not name.startswith("_")}
    return _among(type(owner).__name__, public, module)


def values_of(owner: object, module: type) -> tuple[dict[str, Value], dict[str, Value]]:
    """The parameters and the buffers of a module and those below, each once, by its first name."""
    parameters: dict[str, Value] = {}
    buffers: dict[str, Value] = {}
    entered = {id(owner)}  # a dataclass has no hash

    def search(prefix: str, owner: Any) -> None:
        for name, part in parts_of(owner, module):
            if id(part) in entered:
                continue
            entered.add(id(part))
            if not isinstance(part, Value):
                search(f"{prefix}{name}.", part)
            elif not part.parents and part.kind != "constant":
                is_buffer = name.partition("[")[0] in owner.buffers
                (buffers if is_buffer else parameters)[prefix + name] = part

    search("", owner)
    return parameters, buffers


def _among(owner: str, items: Mapping[str, Any], module: type) -> Iterator[tuple[str, Any]]:
    for name, part in items.items():
        if isinstance(part, (Value, module)):
            yield name, part
        elif not isinstance(part, _PLAIN):
            yield from _among(owner, _items(owner, name, part, module), module)


def _items(owner: str, name: str, part: Any, module: type) -> Mapping[str, Any]:
    """The items of a container by name, none for what is no container."""
    if isinstance(part, Mapping):
        return {f"{name}[{key!r}]": item for key, item in part.items()}
    if isinstance(part, Sequence):
        if part and all(isinstance(item, module) for item in part):
            return {f"{name.removesuffix('s')}{k}": item for k, item in enumerate(part, 1)}
        return {f"{name}[{k}]": item for k, item in enumerate(part)}
    # an object of a library that nobody has imported is not here
    dataclasses, numpy = sys.modules.get("dataclasses"), sys.modules.get("numpy")
    if dataclasses is not None and dataclasses.is_dataclass(part) and not isinstance(part, type):
        return {f"{name}.{x.name}": getattr(part, x.name) for x in dataclasses.fields(part)}
    if numpy is not None and isinstance(part, numpy.ndarray):
        objects = numpy.atleast_1d(part).tolist() if part.dtype == object else []
        return _items(owner, name, objects, module)
    if isinstance(part, Collection) and any(isinstance(item, (Value, module)) for item in part):
        raise TypeError(
            f"{owner}.{name} is a {type(part).__name__}, where parameters are not searched: "
            "keep them in a list or a dict"
        )
    return {}


def as_inputs(x: Iterable[Any], nin: int | None = None) -> tuple[Value, ...]:
    """The inputs of a layer as Values. Raises ValueError if there are not `nin`."""
    count = "" if nin is None else f"{nin} "
    if not is_listed(x):
        raise TypeError(f"expected a list of {count}numbers or Values, got {type(x).__name__}")
    x = tuple(x)
    try:
        values = tuple([v if isinstance(v, Value) else Value(v) for v in x])
    except TypeError:
        if not any(map(is_listed, x)):
            raise
        raise TypeError(
            f"expected a list of {count}numbers or Values, got several rows: "
            "write predict(model, rows)"
        ) from None
    if nin is not None and len(values) != nin:
        raise ValueError(f"expected {nin} inputs, got {len(values)}")
    return values
