"""The one walk over a graph: the backward pass, `grad` and every view read it through here."""

from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tinygrad_edu.engine.node import Node
    from tinygrad_edu.engine.value import Value

_birth = attrgetter("_birth")


def toposort(root: "Node", *, leaves: bool = False) -> list["Value"]:
    """The nodes `root` was made from, parents before children, root last; deterministic, any depth.

    A node is born after its parents, so the order of birth is a topological one. Without `leaves`
    only the results of operations are listed.
    """
    if not root._parents:
        return cast("list[Value]", [root]) if leaves else []
    order: list[Any] = [root]
    seen = {root}
    for v in order:
        parents = v._parents
        if len(parents) > 8 and seen.issuperset(parents):
            continue  # the units of a layer share their inputs: one look instead of one per input
        for p in parents:
            if p not in seen:
                seen.add(p)
                if p._parents:
                    order.append(p)
    order.sort(key=_birth)
    if leaves:
        order = list(dict.fromkeys(node for v in order for node in (*v._parents, v)))
    return order
