"""Containers of parameters: what stands in the attributes of a module."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from tinygrad_edu.engine import Value

#: What has no items worth a look.
_PLAIN: Final = (str, bytes, bytearray, memoryview, int, float, range, type(None))


def parts_of(owner: str, items: Mapping[str, Any], module: type) -> Iterator[tuple[str, Any]]:
    """The Values and modules, which are of the class `module`, among named items, by name.

    Lists, tuples, deques, dicts, object arrays and dataclasses are taken apart: `layers` has
    layer1, layer2, `w` has w[0], w[1]. Raises TypeError for any other container with one of them,
    naming it as an attribute of `owner`.
    """
    for name, part in items.items():
        if isinstance(part, (Value, module)):
            yield name, part
        elif not isinstance(part, _PLAIN):
            yield from parts_of(owner, _items(owner, name, part, module), module)


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
