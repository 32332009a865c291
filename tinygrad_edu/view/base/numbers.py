"""The numbers of a graph that its views show: those of the forward pass, gradients of its root."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from tinygrad_edu.checks import is_listed
from tinygrad_edu.engine import Value, gradients
from tinygrad_edu.engine.adopted import adopted, is_foreign
from tinygrad_edu.engine.gradients import changed_since

#: Of many things in a sentence so many are named.
FEW: Final = 5
#: In place of a number that is not yet known.
UNKNOWN: Final = "·"
#: A gradient is that of this root if it is equal but for rounding.
_TOLERANCE: Final = 1e-9


def decimal(x: float) -> str:
    """A number of a picture: three decimals, whole ones without, -4e-4 below 0.0005, 1.2e6.

    One decimal from 1,000 on, powers from a million; the minus is U+2212.
    """
    size = abs(x)
    if size == 0 or (size < 1e6 and x == int(x)):
        text = f"{x + 0.0:.0f}"
    elif math.isfinite(x) and (size < 0.0005 or size >= 999_999.5):
        mantissa, _, exponent = f"{x:.{int(size > 1)}e}".partition("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{x:.1f}" if size >= 999.9995 else f"{x:.3f}"
    return text.replace("-", "\N{MINUS SIGN}")


def one_value(view: str, v: Any, does: str) -> Value:
    """`v`, if it is the Value that the function `view` shows; else what to write is told."""
    remedy = ""
    if is_listed(v):
        remedy = f": write {view}(v[0]), or the loss that is made of them"
    elif callable(v):
        remedy = f": write {view}(model(x)), or network(model)"
    if not isinstance(v, Value):
        raise TypeError(f"{view}(v) {does} one Value, got {type(v).__name__}{remedy}")
    return v


def in_our_graph(v: Any, *others: Any) -> tuple[Any, ...]:
    """`v` and the others, or what they are where the graph of `v` is adopted from another engine.

    The others are nodes of that graph, or mappings of names and (nested) lists of such.
    """
    if not is_foreign(v):
        return v, *others
    ours = adopted(v)

    def replaced(x: Any, depth: int = 3) -> Any:
        if id(x) in ours:
            return ours[id(x)]
        if isinstance(x, Mapping) and depth == 3:
            return {k: replaced(e, 2) for k, e in x.items() if not str(k).startswith("_")}
        listed = isinstance(x, (list, tuple)) and depth
        return [replaced(e, depth - 1) for e in x] if listed else x

    return tuple(replaced(x) for x in (v, *others))


class Numbers:
    """The numbers of a topological order with leaves, the root last.

    data     the number of each value as the forward pass found it
    changed  values that hold another number since
    foreign  values whose `.grad` is not, or not only, the gradient of the root
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self.data: dict[Value, float] = {}
        changed: dict[Value, float] = {}
        for v in order:
            if v.op is not None:
                y, *operands = v.numbers
                self.data[v] = y
                for p, x in zip(v.parents, operands, strict=True):
                    self.data.setdefault(p, x)
                changed.update(changed_since(v))
        self.root = order[-1]
        self.data.setdefault(self.root, self.root.data)
        self.changed = list(changed)
        self.foreign = self._foreign(order)

    def grad(self, v: Value) -> float | None:
        """The gradient of `v`, None unless a backward pass from or through the root reached it."""
        return v.grad if self.root.reached and v.reached else None

    def changes(self, names: Mapping[Value, str]) -> list[str]:
        """A sentence about what was changed since the forward pass, if anything was."""
        if not self.changed:
            return []
        return [f"changed since the forward pass: {_named(self.changed, names)}"]

    def remarks(self, names: Mapping[Value, str], shown: Container[Value]) -> list[str]:
        """Sentences about what the numbers are not, of gradients those of the values `shown`."""
        sentences = self.changes(names)
        if foreign := [v for v in self.foreign if v in shown]:
            other = "of another backward pass, not shown"
            what = "not of this backward pass alone" if self.root.reached else other
            sentences.append(f"{what}: .grad of {_named(foreign, names)}")
        return sentences

    def _foreign(self, order: Sequence[Value]) -> list[Value]:
        reached = [v for v in order if v.reached and has_grad(v)]
        if not reached or not self.root.reached:
            return reached
        if not all(v.reached for v in order if v.op is not None):
            return []  # the pass broke off at an operation that cannot be differentiated
        expected = gradients(self.root, self.root.grad)
        return [v for v in reached if not _same(v.grad, expected[v])]


def has_grad(v: Value) -> bool:
    """Whether a gradient is shown for `v`: one with respect to a constant answers no question."""
    return v.kind != "constant"


def _same(x: float, y: float) -> bool:
    return x == y or (x != x and y != y) or math.isclose(x, y, rel_tol=_TOLERANCE)


def first_few(texts: Iterable[str], total: int) -> list[str]:
    """The first five texts, and of how many more there are."""
    first = list(islice(texts, FEW))
    return [*first, *[f"and {total - len(first):,} more"] * (total > len(first))]


def _named(values: Iterable[Value], names: Mapping[Value, str]) -> str:
    texts = dict.fromkeys(names[v] for v in values)
    return ", ".join(first_few(texts, len(texts)))
