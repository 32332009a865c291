"""Plan: all that follows from the structure of a graph, found once for graphs that share it."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tinygrad_edu.vectorize.gradient import Gradient, gradient_of
from tinygrad_edu.vectorize.layout import Layout
from tinygrad_edu.vectorize.regroup import regroup
from tinygrad_edu.vectorize.rows import is_choice
from tinygrad_edu.vectorize.steps import Regrouped, Rows
from tinygrad_edu.vectorize.tape import Tape

#: How many plans are kept, the least recently used goes first.
MAX_PLANS: Final = 16

_PLANS: OrderedDict[Any, "Plan"] = OrderedDict()


@dataclass
class Plan:
    """The arrays and equations of a graph; `forward` and `backward` are the lists of equations."""

    forward: Regrouped

    @property
    def layout(self) -> Layout:
        """Where each node stands."""
        return self.forward.layout

    @cached_property
    def backward(self) -> Gradient:
        """The equations backward."""
        return gradient_of(self.forward)

    @property
    def parameters(self) -> list[int]:
        """The nodes of the parameters, in the order of the vector P."""
        return self.layout.parameters

    @cached_property
    def classes(self) -> list[tuple[str, tuple[int, ...] | None, int]]:
        """Which numbers are class numbers: argument, columns (None for all), number of classes."""
        return [
            (part.array, part.columns, step.size)
            for step in self.forward.steps
            if isinstance(step, Rows) and step.choice is not None and is_choice(step.record)
            for part in step.choice.parts
            if part.array in self.layout.variables
            and self.layout.variables[part.array].role == "input"
        ]


def plan_for(tape: Tape) -> Plan:
    """The plan of a graph, found again for a graph of the same structure."""
    key = tape.structure()
    plan = _PLANS.pop(key, None)
    if plan is None:
        plan = Plan(regroup(tape))
    _PLANS[key] = plan
    while len(_PLANS) > MAX_PLANS:
        _PLANS.popitem(last=False)
    return plan
