"""Node: a number in a graph, its gradient, and the chain rule that walks back from it."""

from typing import TYPE_CHECKING, Any, Final

from tinygrad_edu.checks import number
from tinygrad_edu.engine import modes
from tinygrad_edu.engine.graph import toposort

if TYPE_CHECKING:
    from tinygrad_edu.engine.value import Primitive, Value

#: The gradient of a node that no backward pass has reached. It is -0.0, the number that leaves
#: every other as it is when added, and it is recognised by identity; `.grad` shows it as 0.0.
UNREACHED: Final = float("-0.0")


class Node:
    """What a Value knows about its place in a graph; `Value` adds the arithmetic."""

    __slots__ = (
        "__weakref__",
        "_birth",
        "_float",
        "_grad",
        "_name",
        "_numbers",
        "_parents",
        "_primitive",
    )

    _birth: int
    _float: float
    _grad: float
    _name: str | None
    _numbers: tuple[float, ...]
    _parents: tuple["Value", ...]
    _primitive: "Primitive | str"

    @property
    def name(self) -> str | None:
        """What drawings and errors call this node."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"name is a text for drawings, got {type(name).__name__}: "
                "a new operation is made with @primitive, not with parents given to Value"
            )
        self._name = name

    @property
    def data(self) -> float:
        """The number. Assigning changes it for later operations; a recorded graph keeps its own."""
        mode = modes.current.get()
        if mode is not None and mode.watcher is not None:
            mode.watcher.read(self)
        return self._float

    @data.setter
    def data(self, x: float) -> None:
        self._float = x if type(x) is float else number(x, f"the data of {self.name or 'a Value'}")

    @property
    def grad(self) -> float:
        """d(root)/d(self): leaves add up over backward passes, inner nodes show the last one."""
        mode = modes.current.get()
        if mode is not None and mode.watcher is not None:
            mode.watcher.read(self)
        return 0.0 if self._grad is UNREACHED else float(self._grad)

    @grad.setter
    def grad(self, x: float) -> None:
        if type(x) is not float:
            x = number(x, f"the grad of {self.name or 'a Value'}")
        self._grad = x or UNREACHED

    @property
    def reached(self) -> bool:
        """Whether a backward pass has reached this node since its gradient was last zeroed."""
        return self._grad is not UNREACHED

    @property
    def op(self) -> "Primitive | None":
        """The operation that made this node; None for a leaf."""
        return None if isinstance(self._primitive, str) else self._primitive

    @property
    def kind(self) -> str:
        """How a leaf came about: "input", "parameter" or "constant"; else "result"."""
        return self._primitive if isinstance(self._primitive, str) else "result"

    @property
    def parents(self) -> tuple["Value", ...]:
        """What this node was made from, in order, repeats kept: `a * a` has two parents."""
        return self._parents

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of the forward pass: (y, *x), that of the result, then of each parent."""
        mode = modes.current.get()
        if mode is not None and mode.watcher is not None:
            mode.watcher.read(self)
        return self._numbers or (self._float,)

    def slopes(self) -> tuple[float, ...]:
        """dy/dx for each parent x as the operation gives it, `no_flow` where nothing flows back.

        From the numbers of the forward pass. Raises TypeError or ValueError unless the operation
        gives one number per parent.
        """
        if isinstance(self._primitive, str):
            return ()
        slopes = self._primitive._slopes(*self._numbers)
        self._primitive.check(slopes, len(self._parents))
        return tuple(slopes)

    def local_derivatives(self) -> tuple[float, ...]:
        """The slopes as plain floats, 0.0 for `no_flow`."""
        return tuple([float(slope) for slope in self.slopes()])

    def backward(self, gradient: float = 1.0) -> None:
        """The chain rule, from this node back to the leaves: `parent.grad += grad * slope`.

        Leaves accumulate into `.grad` (zero it between steps); inner nodes are overwritten, so a
        second pass over the same graph is right. The order is fixed and any depth is fine. After
        an interruption gradients are undefined until they are zeroed.
        """
        gradient = number(gradient, "gradient")
        order = toposort(self)
        for inner in order:
            inner._grad = UNREACHED
        self._grad += gradient
        checking = (modes.current.get() or modes.Mode()).checking
        v: Node = self
        try:
            for v in reversed(order):
                g = v._grad
                parents = v._parents
                primitive: Primitive = v._primitive  # type: ignore[assignment]
                slopes = primitive._slopes(*v._numbers)
                if primitive._arity != len(parents):
                    primitive.check(slopes, len(parents))
                if len(parents) == 2:  # unpacked by hand, one or two parents cost half of the loop
                    (p, q), (to_p, to_q) = parents, slopes
                    p._grad += g * to_p
                    q._grad += g * to_q
                elif len(parents) == 1:
                    parents[0]._grad += g * slopes[0]
                else:
                    for p, slope in zip(parents, slopes):  # noqa: B905 (strict= costs half of it)
                        p._grad += g * slope
                if checking:
                    modes.check_backward(v)
        except Exception as error:
            if not isinstance(error, modes.NonFiniteError):
                error.add_note(f"in the backward pass through {v!r}")
            raise

    def __repr__(self) -> str:
        made = "" if isinstance(self._primitive, str) else f", op={self._primitive.name}"
        name = f", name={_short(self.name)}" if self.name else ""
        return f"Value(data={self._float!r}, grad={self.grad!r}{name}{made})"

    def __reduce__(self) -> Any:
        if self._parents:
            raise TypeError(
                f"{self!r} is the result of an operation and cannot be copied or pickled without "
                "its graph: copy its number, Value(v.data), or copy the model"
            )
        return _restore, (type(self), self._float, self._grad or None, self._primitive, self.name)

    # Programs written for micrograd read these two to draw a graph.
    @property
    def _prev(self) -> set["Value"]:
        return set(self._parents)

    @property
    def _op(self) -> str:
        return "" if isinstance(self._primitive, str) else self._primitive.name


def _restore(cls: type[Node], x: float, g: float | None, kind: str, name: str | None) -> Node:
    v = cls(x, name)  # type: ignore[call-arg]
    v._grad = UNREACHED if g is None else g
    v._primitive = kind
    return v


def _short(text: str, width: int = 40) -> str:
    return repr(text if len(text) <= width else text[: width - 3] + "...")
