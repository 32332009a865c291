"""Containers of Values: the attributes of a module and the inputs of a layer."""

import gc
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from tinygrad_edu.checks import is_listed
from tinygrad_edu.engine import Value

#: What has no items worth a look.
_PLAIN: Final = (str, bytes, bytearray, memoryview, int, float, range, type(None))
_VALUES: Final = {Value}
#: The kinds of Values that are parameters or buffers: no results and no constants.
_OWN: Final = {"parameter", "input"}
_kind: Final = attrgetter("kind")
#: How many objects below one of another kind are looked at.
_MOST: Final = 2_000


def attributes(owner: object) -> dict[str, Any]:
    """The attributes of an object by name, those in slots too."""
    state = object.__getstate__(owner)
    found, slots = state if isinstance(state, tuple) else (state, None)
    return {**(slots or {}), **(found or {})}


class Part(NamedTuple):
    """What stands in a module: Values side by side, a module, or what is no container."""

    path: str  # layer1.neuron3.w
    x: Any
    owner: Any  # the module where it was found, layer1.neuron3
    attribute: str  # and the attribute there, w
    ends: Sequence[str] = ()  # of Values at least as many: "[0]", "[1]", ..., or "" for one alone

    @property
    def is_buffer(self) -> bool:
        """Whether the owner says that these Values are not learned."""
        return self.attribute in self.owner.buffers

    def items(self) -> Iterator[tuple[str, Value]]:
        """The Values with their names; nothing for a part of another kind."""
        return zip(map(self.path.__add__, self.ends), self.x if self.ends else (), strict=False)


def parts_of(owner: object, module: type, *, private: bool = False) -> Iterator[Part]:
    """The Values and modules, which are of the class `module`, in a module and in those below.

    Lists, tuples, deques, dicts, object arrays and dataclasses are taken apart: `layers` has
    layer1, layer2, `w` has w[0], w[1]. Objects of other kinds stand as they are, once, and so do
    modules; a Value may stand in several places. Attributes that begin with "_" are left out unless
    `private`.
    """
    met: dict[int, Any] = {}  # by id: a dataclass has no hash; kept, so that no other has the id
    ends: list[str] = []
    pending: list[tuple[str, Any, Any, str]] = [("", owner, None, "")]
    while pending:
        path, x, holder, attribute = pending.pop()
        if isinstance(x, Value):
            yield Part(path, (x,), holder, attribute, ("",))
        elif not isinstance(x, _PLAIN) and id(x) not in met:
            met[id(x)] = x
            if type(x) in (list, tuple) and x and _VALUES.issuperset(map(type, x)):
                ends += [f"[{k}]" for k in range(len(ends), len(x))]
                yield Part(path, x, holder, attribute, ends)
            elif isinstance(x, module):
                if x is not owner:
                    yield Part(path, x, holder, attribute)
                prefix = f"{path}." if path else ""
                for name, y in reversed(attributes(x).items()):
                    if private or name[0] != "_":
                        pending.append((prefix + name, y, x, name))
            elif (items := _items(path, x, module)) is None:
                yield Part(path, x, holder, attribute)
            else:
                pending += [(p, y, holder, attribute) for p, y in reversed(items.items())]


def rows_of(owner: object, module: type, *, checked: bool = True) -> list[Part]:
    """The parameters and buffers of a module and those below, each once, where it is found first.

    Raises TypeError if an object that is not taken apart holds another one, or a class does, unless
    `checked` is False. One that is found elsewhere may stand there too, as in an optimizer.
    """
    parts = list(parts_of(owner, module))
    rows = [part for part in parts if part.ends]
    values = values_of(rows)
    if len(set(values)) < len(values) or not _OWN.issuperset(map(_kind, values)):
        first: dict[Value, Part] = {}
        for row in rows:
            for name, v in row.items():
                if v.kind in _OWN:
                    first.setdefault(v, row._replace(path=name, x=(v,), ends=("",)))
        rows, values = list(first.values()), list(first)
    others = [part for part in parts if not part.ends and not isinstance(part.x, module)]
    known = {*map(id, values), id(owner), *(id(part.x) for part in parts)} if others else set()
    for part in others if checked else ():
        if any(id(held) not in known for held in _held(part.x, module)):
            raise TypeError(
                f"{type(owner).__name__}.{part.path} is a {type(part.x).__name__}, where "
                "parameters are not searched: keep them in a list, a dict or a Module, or let "
                'the name begin with "_" if they are not learned'
            )
    if checked:
        _check_classes([owner, *(part.x for part in parts if isinstance(part.x, module))], module)
    return rows


def _check_classes(modules: Sequence[Any], module: type) -> None:
    """Raise TypeError if a parameter or a module stands in the body of a class of one of these."""
    kinds = (Value, module)
    for kind in dict.fromkeys(map(type, modules)):
        for name, x in chain.from_iterable(vars(base).items() for base in kind.__mro__):
            own = isinstance(x, kinds) and getattr(x, "kind", "parameter") == "parameter"
            if own and any(type(m) is kind and name not in attributes(m) for m in modules):
                raise TypeError(
                    f"{name} stands in the body of class {kind.__name__}, where parameters are not "
                    f"searched: write self.{name} = ... in its __init__"
                )


def values_of(rows: Iterable[Part]) -> list[Value]:
    """The Values of rows."""
    return list(chain.from_iterable([row.x for row in rows]))


def named(rows: Iterable[Part]) -> dict[str, Value]:
    """The Values of rows by name."""
    return {name: v for row in rows for name, v in row.items()}


def check_copied(owner: object, module: type) -> None:
    """Raise TypeError, naming the place, if a module keeps the result of an operation."""
    for part in parts_of(owner, module, private=True):
        kind: Any = type(part.owner)  # which may say itself what of it is copied
        if kind.__getstate__ is object.__getstate__ and kind.__reduce__ is object.__reduce__:
            for name, v in part.items():
                if v.parents:
                    raise TypeError(
                        f"net.{name} is {v!r}, the result of an operation, which cannot "
                        "be copied or pickled without its graph: delete it before, or keep its "
                        "number .data in its place"
                    )


def _items(name: str, x: Any, module: type) -> dict[str, Any] | None:
    """The items of a container by name; None for what is no container that is taken apart."""
    if isinstance(x, Mapping):
        items = {f"{name}[{key!r}]": item for key, item in x.items()}
        if any(isinstance(key, (Value, module)) for key in x):
            items[f"{name}.keys()"] = x.keys()
        return items
    if isinstance(x, Sequence):
        if x and all(isinstance(item, module) for item in x):
            return {f"{name.removesuffix('s')}{k}": item for k, item in enumerate(x, 1)}
        return {f"{name}[{k}]": item for k, item in enumerate(x)}
    # an object of a library that nobody has imported is not here
    dataclasses, numpy = sys.modules.get("dataclasses"), sys.modules.get("numpy")
    if dataclasses is not None and dataclasses.is_dataclass(x) and not isinstance(x, type):
        return {f"{name}.{field.name}": getattr(x, field.name) for field in dataclasses.fields(x)}
    if numpy is not None and isinstance(x, numpy.ndarray):
        if x.dtype == object:
            return _items(name, numpy.atleast_1d(x).tolist(), module)
        return None if x.dtype.hasobject else {}
    return None


def _held(x: Any, module: type) -> Iterator[Any]:
    """The parameters and modules somewhere below an object, the nearest first.

    In a collection every leaf is taken for a parameter, elsewhere it may be a remembered input.
    """
    kinds = _OWN if isinstance(x, Collection) else {"parameter"}
    numpy = sys.modules.get("numpy")
    order, seen = [x], {id(x)}
    for x in order:  # which grows meanwhile
        if isinstance(x, module) or (isinstance(x, Value) and x.kind in kinds):
            yield x
        elif not isinstance(x, (Value, type, ModuleType)):
            inner = gc.get_referents(x)
            if isinstance(x, FunctionType):  # but not its module
                inner = [x.__closure__, x.__defaults__, x.__kwdefaults__]
            elif numpy is not None and isinstance(x, numpy.ndarray) and x.dtype.hasobject:
                inner = [x.tolist()]
            new = [y for y in inner if not isinstance(y, _PLAIN) and id(y) not in seen]
            new = new[: _MOST - len(order)]
            seen.update(map(id, new))
            order += new


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
