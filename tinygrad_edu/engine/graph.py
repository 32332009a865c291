"""The one walk over a graph: the backward pass, `grad` and every view read it through here."""

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_edu.engine.node import Node
    from tinygrad_edu.engine.value import Value

_birth = attrgetter("_birth")


def toposort(*roots: "Node", leaves: bool = False) -> list["Value"]:
    """What `roots` were made from, and they, parents before children; deterministic, any depth.

    A node is born after its parents, so the order of birth is a topological one. Without `leaves`
    only the results of operations are listed.
    """
    order: list[Any] = [v for v in dict.fromkeys(roots) if v._parents]
    seen = set(roots)
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
        nodes = (node for v in order for node in (*v._parents, v))
        order = list(dict.fromkeys(chain(nodes, roots)))
    return order
