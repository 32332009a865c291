"""Module: whatever has parameters, found among its attributes."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, ClassVar, Self

from tinygrad_edu.checks import instance, is_flag, listed
from tinygrad_edu.engine import Value
from tinygrad_edu.engine.other_names import OF_MODULES, add_names
from tinygrad_edu.nn.containers import Part, check_copied, named, parts_of, rows_of, values_of
from tinygrad_edu.nn.mode import modules
from tinygrad_edu.nn.registry import Savable, signature_of
from tinygrad_edu.text import table


class Module(Savable):
    """Something with parameters: leaf Values among its attributes, and in further Modules.

    Subclasses store Values and Modules as attributes and define `__call__`; nothing is registered.
    Lists, tuples, deques, dicts, object arrays and dataclasses of them are searched too, attributes
    that begin with "_" are not, and one in an object of another kind is refused. Attributes that
    the class names in `buffers` hold Values that belong to the state and are not learned.
    """

    buffers: ClassVar[Sequence[str]] = ()

    def train(self, mode: bool = True) -> Self:
        """Set training mode (or evaluation mode) here and in all modules below; give the module.

        The modes differ for `Dropout` and `BatchNorm`; everything else is the same in both.
        """
        if not is_flag(mode):
            remedy = "to train a model write fit(model, X, y, ...)"
            instance("mode", mode, bool, "True or False", remedy)
        for module in modules(self):
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and in all modules below; give the module."""
        return self.train(False)

    @property
    def couples_examples(self) -> bool:
        """Whether the outputs for an example depend, as things are, on the others of its batch.

        They do for `BatchNorm` in training mode alone, and for what is composed of one.
        """
        return False

    def batch(self, rows: Sequence[Any]) -> list[Any]:
        """The outputs for several examples; training asks for them where `couples_examples`."""
        return [self(x) for x in listed("rows", rows, "rows")]  # type: ignore[operator]

    def _below(self) -> list["Module"]:
        return [part.x for part in parts_of(self, Module) if isinstance(part.x, Module)]

    def named_parameters(self) -> dict[str, Value]:
        """The parameters by name, as in `layer1.neuron3.w[0]`: layers and units count from 1.

        A parameter that is used in several places appears once, under its first name. Raises
        TypeError for one in an object that is not searched, such as a set, naming the attribute.
        """
        return named(row for row in rows_of(self, Module) if not row.is_buffer)

    def named_buffers(self) -> dict[str, Value]:
        """What belongs to the state and is not learned, by name: `layer2.running_mean[0]`."""
        return named(row for row in rows_of(self, Module) if row.is_buffer)

    def parameters(self) -> list[Value]:
        """The parameters, layer by layer, unit by unit, weights before the bias."""
        return values_of(row for row in rows_of(self, Module) if not row.is_buffer)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def summary(self) -> str:
        """A table of the parts and their numbers of parameters."""
        rows = [("part", "module", "parameters")]
        for name, part, owner, *_ in parts_of(self, Module):
            if isinstance(part, Module) and owner is self:
                rows.append((name, repr(part), f"{len(part.parameters()):,}"))
        rows += [("total", "", f"{len(self.parameters()):,}")]
        return table(rows, left=2)

    def __repr__(self) -> str:
        if signature_of(type(self)) is None:
            rows = rows_of(self, Module, checked=False)
            count = sum(len(row.x) for row in rows if not row.is_buffer)
            return f"{type(self).__name__}() with {count:,} parameters"
        return super().__repr__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        check_copied(self, Module)
        return super().__reduce_ex__(protocol)

    def _rows(self) -> list[Part]:
        return sorted(rows_of(self, Module), key=attrgetter("is_buffer"))

    def _name_parameters(self) -> None:
        for row in rows_of(self, Module):
            for name, v in row.items():
                v.name = name


add_names(Module, OF_MODULES)
