"""Module: whatever has parameters, found among its attributes."""

from collections.abc import Iterator
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.floats import number


class Module:
    """Something with parameters: leaf Values among its attributes, in lists and in further Modules.

    Subclasses store Values and Modules as attributes and define `__call__`; nothing is registered.
    Lists and dicts of them are searched too, attributes that begin with "_" are not.
    """

    def named_parameters(self) -> dict[str, Value]:
        """The parameters by name, as in `layer1.neuron3.w[0]`: layers and units count from 1.

        A parameter that is used in several places appears once, under its first name.
        """
        names: dict[Value, str] = {}
        for name, v in _walk("", vars(self)):
            names.setdefault(v, name)
        return {name: v for v, name in names.items()}

    def parameters(self) -> list[Value]:
        """The parameters, layer by layer, unit by unit, weights before the bias."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The numbers of the parameters by name."""
        return {name: p.data for name, p in self.named_parameters().items()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Set the parameters to the numbers of `state`.

        Raises ValueError, and changes nothing, if a name is missing or unknown.
        """
        parameters = self.named_parameters()
        missing = [name for name in parameters if name not in state]
        unknown = [name for name in state if name not in parameters]
        if missing or unknown:
            raise ValueError(
                f"the state does not fit {self!r}: "
                f"missing {missing[:3]!r:.100}, unknown {unknown[:3]!r:.100}"
            )
        numbers = {name: number(state[name], name) for name in parameters}
        for name, p in parameters.items():
            p.data = numbers[name]

    def summary(self) -> str:
        """A table of the parts and their numbers of parameters."""
        rows = [("part", "module", "parameters")]
        for name, part in _parts(vars(self)):
            if isinstance(part, Module):
                rows.append((name, repr(part), f"{len(part.parameters()):,}"))
        rows += [("total", "", f"{len(self.parameters()):,}")]
        widths = [max(len(row[k]) for row in rows) for k in range(3)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"{type(self).__name__}() with {len(self.parameters()):,} parameters"

    def _name_parameters(self) -> None:
        for name, p in self.named_parameters().items():
            p.name = name


def _walk(prefix: str, attributes: dict[str, Any]) -> Iterator[tuple[str, Value]]:
    """The leaf Values below a module, with their names, in the order of the attributes."""
    for name, part in _parts(attributes):
        if isinstance(part, Module):
            yield from _walk(f"{prefix}{name}.", vars(part))
        elif isinstance(part, Value) and not part.parents and part.kind != "constant":
            yield prefix + name, part


def _parts(attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The attributes by name, lists taken apart: `layers` gives layer1, layer2, `w` w[0], w[1]."""
    for name, part in attributes.items():
        if name.startswith("_"):
            continue
        if isinstance(part, dict):
            yield from _parts({f"{name}[{key!r}]": p for key, p in part.items()})
        elif not isinstance(part, (list, tuple)):
            yield name, part
        elif part and all(isinstance(p, Module) for p in part):
            yield from ((f"{name.removesuffix('s')}{k}", p) for k, p in enumerate(part, 1))
        else:
            yield from _parts({f"{name}[{k}]": p for k, p in enumerate(part)})
