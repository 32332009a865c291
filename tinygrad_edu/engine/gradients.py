"""The gradients of a root as numbers of their own: what views, checks and comparisons stand on."""

from tinygrad_edu.engine import modes
from tinygrad_edu.engine.graph import toposort
from tinygrad_edu.engine.node import UNREACHED
from tinygrad_edu.engine.value import Value

_new = object.__new__


def gradients(root: Value, gradient: float = 1.0) -> dict[Value, float]:
    """d(root)/dv for every node v that `root` was made from, and `root`: leaves and results.

    The numbers are those of `root.backward(gradient)` from gradients of zero, to the last bit; no
    `.grad` is read or changed, and `detect_anomaly` does not look on.
    """
    twins: dict[Value, Value] = {}  # the pass runs on a copy of the graph
    for v in toposort(root, leaves=True):
        twins[v] = twin = _new(Value)
        twin._float, twin._name, twin._primitive = v._float, v._name, v._primitive
        twin._parents = tuple([twins[p] for p in v._parents])
        twin._numbers, twin._birth, twin._grad = v._numbers, v._birth, UNREACHED
    token = modes.current.set(None)
    try:
        twins[root].backward(gradient)
    finally:
        modes.current.reset(token)
    return {v: float(twin._grad) for v, twin in twins.items()}
