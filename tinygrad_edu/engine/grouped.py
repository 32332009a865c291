"""Operations on groups of operands."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from tinygrad_edu.checks import number
from tinygrad_edu.engine.primitive import Node, Primitive, primitives
from tinygrad_edu.namespace import floats


class Grouped(Primitive):
    """An operation on groups of operands, as the weights, the inputs and the bias of a `dot`.

    Its nodes keep the tuples that they were given: what units share is looked at once. `value` and
    `slopes` are written with groups, and `split` makes them of the operands in a row, which is how
    all but the engine sees them.
    """

    __slots__ = ("_split",)

    def __init__(
        self,
        name: str,
        value: Callable[..., Any],
        slopes: Callable[..., tuple[tuple[Any, ...], ...]],
        split: Callable[[tuple[Any, ...]], tuple[tuple[Any, ...], ...]],
    ) -> None:
        super().__init__(
            name,
            lambda m, *x: value(m, *split(x)),
            lambda m, y, *x: tuple(chain(*slopes(m, y, *split(x)))),
        )
        self._value, self._slopes = value, slopes
        self._split, self._arity = split, len(split(()))
        primitives[name] = self

    def of(self, x: tuple[Any, ...]) -> Any:
        """The node of operands in a row, numbers among them too."""
        known = next((v for v in x if isinstance(v, Node)), None)
        if known is None:
            return self.value(floats, *[number(v, self.name) for v in x])
        nodes = [v if isinstance(v, Node) else known._constant(number(v, self.name)) for v in x]
        return self.of_groups(self._split(tuple(nodes)))

    def of_groups(self, groups: tuple[tuple[Any, ...], ...]) -> Any:
        """The node of these groups of operands."""
        try:
            numbers = [tuple([v._float for v in group]) for group in groups]
            left, y = (groups[0] or groups[-1])[0], self._value(floats, *numbers)
        except (AttributeError, TypeError):  # there are numbers among the operands
            return self.of(tuple(chain(*groups)))
        return left._result(self, y, numbers[0], groups, tuple(numbers))

    def check(self, slopes: object, parents: int) -> None:
        """Nothing: its slopes come in groups, and are the package's own."""


def row(left: Any, right: Any) -> tuple[Any, ...]:
    """The operands of a node in a row, or their numbers, out of its two slots."""
    if type(right) is tuple:
        return tuple(chain(*right)) if type(right[0]) is tuple else right
    return (left,) if right is None else (left, right)


def groups_of(v: Any) -> tuple[tuple[Any, ...], ...]:
    """The parents of a node in the groups they were given in; of most operations it is one."""
    return v._right if isinstance(v._primitive, Grouped) else (v.parents,)


def with_parents(order: Iterable[Any]) -> list[Any]:
    """The parents of each node of an order, and it; of a group that several share only once."""
    nodes: list[Any] = []
    listed: set[int] = set()
    for v in order:
        if isinstance(v._primitive, Grouped):
            for group in v._right:
                if id(group) not in listed:
                    listed.add(id(group))
                    nodes += group
        else:
            nodes += v.parents
        nodes.append(v)
    return nodes


def are_parameters(group: tuple[Any, ...]) -> bool:
    """Whether all nodes of a group are parameters."""
    return [v._primitive for v in group].count("parameter") == len(group)


def names_of(group: tuple[Any, ...]) -> list[str | None]:
    """The names of the nodes of a group."""
    return [v._name for v in group]
