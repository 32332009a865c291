"""Module: whatever has parameters, found among its attributes."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

from tinygrad_edu.checks import number
from tinygrad_edu.engine import Value
from tinygrad_edu.text import table


class Module:
    """Something with parameters: leaf Values among its attributes, in lists and in further Modules.

    Subclasses store Values and Modules as attributes and define `__call__`; nothing is registered.
    Lists and dicts of them are searched too, attributes that begin with "_" are not. Attributes
    that the class names in `buffers` hold Values that belong to the state and are not learned.
    """

    buffers: ClassVar[Sequence[str]] = ()

    #: Whether the module is used for training (at first) or, after `eval()`, for its results.
    training: bool = True

    def train(self, mode: bool = True) -> Self:
        """Set training mode (or evaluation mode) here and in all modules below; give the module.

        The modes differ for `Dropout` and `BatchNorm`; everything else is the same in both.
        """
        if not isinstance(mode, bool):
            raise TypeError(
                f"mode must be True or False, got {type(mode).__name__}: "
                "to train a model write fit(model, X, y, ...)"
            )
        for module in modules(self):
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and in all modules below; give the module."""
        return self.train(False)

    @property
    def couples_examples(self) -> bool:
        """Whether the outputs for an example depend, as things are, on the others of its batch."""
        return False

    def batch(self, rows: Sequence[Any]) -> list[Any]:
        """The outputs for several examples, which a step of training asks for."""
        return [self(x) for x in rows]  # type: ignore[operator]

    def named_parameters(self) -> dict[str, Value]:
        """The parameters by name, as in `layer1.neuron3.w[0]`: layers and units count from 1.

        A parameter that is used in several places appears once, under its first name.
        """
        return _once(_walk("", self, buffers=False))

    def named_buffers(self) -> dict[str, Value]:
        """What belongs to the state and is not learned, by name: `layer2.running_mean[0]`."""
        return _once(_walk("", self, buffers=True))

    def parameters(self) -> list[Value]:
        """The parameters, layer by layer, unit by unit, weights before the bias."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The numbers of the parameters by name, then those of the buffers."""
        return {name: v.data for name, v in self._state().items()}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Set the parameters and buffers to the numbers of `state`.

        Raises ValueError, and changes nothing, if a name is missing or unknown.
        """
        values = self._state()
        missing = [name for name in values if name not in state]
        unknown = [name for name in state if name not in values]
        if missing or unknown:
            raise ValueError(
                f"the state does not fit {self!r}: "
                f"missing {missing[:3]!r:.100}, unknown {unknown[:3]!r:.100}"
            )
        numbers = {name: number(state[name], name) for name in values}
        for name, v in values.items():
            v.data = numbers[name]

    def summary(self) -> str:
        """A table of the parts and their numbers of parameters."""
        rows = [("part", "module", "parameters")]
        for name, part in _parts(vars(self)):
            if isinstance(part, Module):
                rows.append((name, repr(part), f"{len(part.parameters()):,}"))
        rows += [("total", "", f"{len(self.parameters()):,}")]
        return table(rows, left=2)

    def __repr__(self) -> str:
        return f"{type(self).__name__}() with {len(self.parameters()):,} parameters"

    def _state(self) -> dict[str, Value]:
        return {**self.named_parameters(), **self.named_buffers()}

    def _name_parameters(self) -> None:
        for name, v in self._state().items():
            v.name = name


def modules(module: Module) -> list[Module]:
    """The module and all modules below it, each once."""
    found = {module: None}
    for _, part in _parts(vars(module)):
        if isinstance(part, Module):
            found |= dict.fromkeys(modules(part))
    return list(found)


def _once(named: Iterator[tuple[str, Value]]) -> dict[str, Value]:
    """Every Value under its first name."""
    names: dict[Value, str] = {}
    for name, v in named:
        names.setdefault(v, name)
    return {name: v for v, name in names.items()}


def _walk(prefix: str, module: Module, *, buffers: bool) -> Iterator[tuple[str, Value]]:
    """The leaf Values below a module, with their names, in the order of the attributes."""
    for name, part in _parts(vars(module)):
        if isinstance(part, Module):
            yield from _walk(f"{prefix}{name}.", part, buffers=buffers)
        elif (
            isinstance(part, Value)
            and not part.parents
            and part.kind != "constant"
            and (name.partition("[")[0] in module.buffers) == buffers
        ):
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
