"""Plan: all that follows from the structure of a graph, found once; what its arrays stand for."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Final

from tinygrad_edu.vectorize.gradient import Gradient, gradient_of
from tinygrad_edu.vectorize.layout import Layout, P, Variable
from tinygrad_edu.vectorize.regroup import regroup
from tinygrad_edu.vectorize.steps import Regrouped, Rows, chooses_class
from tinygrad_edu.vectorize.tape import Tape

#: How many plans are kept, the least recently used goes first.
MAX_PLANS: Final = 16

_PLANS: OrderedDict[Any, "Plan"] = OrderedDict()


@dataclass
class Plan:
    """The arrays and equations of a graph; `forward` and `backward` are the lists of equations.

    `tables` is where the machine keeps what it made of them, with and without the gradient.
    """

    forward: Regrouped
    tables: dict[Any, Any] = field(default_factory=dict)

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
    def rows(self) -> int:
        """So many rows at a time that their arrays fit the cache."""
        variables = self.forward.layout.variables.values()
        widest = max(v.size for v in variables if v.role != "parameter")
        return max(128, min(2**18 // widest, 2048))

    @cached_property
    def classes(self) -> list[tuple[str, tuple[int, ...] | None, int]]:
        """Which numbers are class numbers: argument, columns (None for all), number of classes."""
        return [
            (part.array, part.columns, step.size)
            for step in self.forward.steps
            if isinstance(step, Rows) and step.classes is not None and chooses_class(step.record)
            for part in step.classes.parts
            if part.array in self.layout.variables
            and self.layout.variables[part.array].role == "input"
        ]


def plan_for(tape: Tape) -> Plan:
    """The plan of a graph, found again for a graph of the same structure."""
    if not tape.is_of_package:
        return Plan(regroup(tape))
    key = tape.structure()
    plan = _PLANS.pop(key, None)
    if plan is None:
        plan = Plan(regroup(tape))
    _PLANS[key] = plan
    while len(_PLANS) > MAX_PLANS:
        _PLANS.popitem(last=False)
    return plan


#: How many numbers of an array are written out, and how many operands of a node.
_SHOWN: Final = 6


#: What an array is said to be, by its role; any other is a value.
_HEADLINES: Final = {
    "input": "{v.name}: {n}, an argument of the function",
    "sample": "{v.name}: {n}, drawn anew at each call",
    "constant": "{v.name}: {n} that the function mentions",
    "parameter": "{v.name}: {v.size} parameter{many}, P[{v.start}:{stop}]",
    "gradient": "{v.name} = dL/d{of}: {n}, the gradients of parameters",
    "adjoint": "{v.name} = dL/d{of}: {n}, the gradients of the nodes behind {of}",
    "flow": "{v.name}: {n}, 0 where nothing flows back",
    "gathered": "{v.name}: {n}, put together from other arrays",
}


def explanation(plan: Plan, tape: Tape, name: str) -> str:
    """The nodes that the array of that name stands for. Raises ValueError for an unknown name."""
    variables = {n: v for n, v in _variables(plan).items() if v.role != "index"}
    if not isinstance(name, str) or name not in variables:
        near = get_close_matches(str(name), variables, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"the program has no {name!r:.40}: choose {', '.join(variables)}{hint}")
    v = variables[name]
    return "\n".join([_headline(plan, tape, v), *_entries(plan, tape, v)])


def _variables(plan: Plan) -> dict[str, Variable]:
    if len(plan.forward.results[0].parts) and plan.forward.results[0].n == 1 and plan.parameters:
        plan.backward  # noqa: B018  (its arrays are entered when it is first asked for)
    return plan.layout.variables


def _headline(plan: Plan, tape: Tape, v: Variable) -> str:
    many = "s" * (v.size != 1)
    n = f"{v.size} number{many}" + " per example" * v.batched
    if v.role in _HEADLINES:
        of = v.name[1:]
        if v.role == "adjoint":
            of = next(s for s, u in plan.layout.variables.items() if u.cells == v.cells)
        return _HEADLINES[v.role].format(v=v, n=n, many=many, of=of, stop=v.start + v.size)
    lines = {tape.lines[c] for c in v.cells if c >= 0 and tape.lines[c] is not None}
    source = f": nodes made by {next(iter(lines))}" if len(lines) == 1 else ""
    return f"{v.name}: {n}{source}"


def _entries(plan: Plan, tape: Tape, v: Variable) -> Iterator[str]:
    if v.role == "input":
        return
    gradient = "dL/d " if v.role in ("adjoint", "gradient") else ""
    for column, cell in list(enumerate(v.cells))[:_SHOWN]:
        if cell >= 0:
            yield f"  {_entry(v, column)} = {gradient}{_node(plan, tape, cell)}"
    if len(v.cells) > _SHOWN:
        yield f"  ... and {len(v.cells) - _SHOWN} more"


def _entry(v: Variable, column: int) -> str:
    if v.matrix is not None:
        return f"{v.name}[{column // v.matrix[1]}, {column % v.matrix[1]}]"
    return f"{v.name}[:, {column}]"


def _node(plan: Plan, tape: Tape, cell: int) -> str:
    """A node with its operands: dot(layer1.neuron1.w[0], X[:, 0], layer1.neuron1.b)."""
    record = tape.records[cell]
    if record is None:
        return _leaf(plan, tape, cell)
    parents = tape.parents[cell]
    if len(parents) <= _SHOWN:
        operands = [_leaf(plan, tape, p) for p in parents]
    else:
        ends = [_leaf(plan, tape, p) for p in (*parents[:2], *parents[-2:])]
        operands = [*ends[:2], f"... {len(parents) - 4} more ...", *ends[2:]]
    return f"{record.name}({', '.join(operands)})"


def _leaf(plan: Plan, tape: Tape, cell: int) -> str:
    if cell in tape.constants:
        return f"{tape.constants[cell]:g}"
    name = tape.parameters.get(cell)
    if name:
        return name
    array, column = plan.layout.home.get(cell, ("an unused number", 0))
    return f"P[{column}]" if array == P else f"{array}[:, {column}]"
