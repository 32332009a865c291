"""Optimizers: each is its update equation, in PyTorch's form, for one parameter x with gradient g.

`update(m, g, x, lr, t, state)` gives the new x and state; `m` is the namespace of floats here, and
that of symbols where the matrix engine turns the equation into calls on vectors. `lr` is a number,
or a schedule: a function from the number of updates made so far to the rate.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from tinygrad_edu.checks import OptionsSignature, flag, one_of, option, options, real, row_in
from tinygrad_edu.engine import Value
from tinygrad_edu.namespace import floats
from tinygrad_edu.optim.clipping import leaves_in
from tinygrad_edu.optim.schedules import Schedule

__all__ = [
    "OPTIMIZERS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "find_optimizer",
]  # fmt: skip

State = tuple[Any, ...]
#: The checks of options: decay and eps, and the fractions of running means.
DECAY = partial(real, least=0)
FRACTION = partial(real, least=0, below=1)

_DEFAULT: Any = object()


class Optimizer:
    """Changes `parameters` against their gradients: `zero_grad()`, `loss.backward()`, `step()`.

    Options are keyword-only. One of your own is a subclass with an `update`; where it has options
    and a state it declares them, each option with its default and its check (of `checks`):

        class Momentum(Optimizer):
            momentum: float = option(0.9, partial(real, least=0, below=1))
            initial_state = (0.0,)

            def update(self, m, g, x, lr, t, state):
                v = self.momentum * state[0] + g
                return x - lr * v, (v,)

    Raises ValueError for no parameters, one given twice, or one that is not a leaf; TypeError for
    anything but Values, and for an option that is not declared.
    """

    #: The rate where none is given.
    default_lr: ClassVar[float] = 0.01
    #: What each parameter's state starts from; `start` is its name of the first release.
    initial_state: ClassVar[State] = ()
    start: ClassVar[State] = ()

    #: The states by columns, each the numbers of all parameters; () once `states` has them.
    columns: Sequence[Sequence[float | None]] = ()

    weight_decay: float = option(0.0, DECAY)

    __signature__ = OptionsSignature()

    def __init_subclass__(cls) -> None:
        cls.start = cls.initial_state = vars(cls).get("start", cls.initial_state)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = _DEFAULT,
        *weight_decay: float,
        **values: Any,
    ) -> None:
        self.parameters = leaves_in("an optimizer", parameters)
        self.lr = self.default_lr if lr is _DEFAULT else lr
        if weight_decay:  # a class without options of its own may give it by place, as it once did
            if len(weight_decay) > 1 or len(options(type(self), {})) > 1:
                name, got = type(self).__name__, weight_decay[0]
                raise TypeError(f"{name} takes options by name, got {got!r:.40} after lr")
            values["weight_decay"] = weight_decay[0]
        for name, value in options(type(self), values).items():
            setattr(self, name, value)
        self._check_together()
        self.steps = 0
        self.states = [self.initial_state] * len(self.parameters)

    def _check_together(self) -> None:
        """Raise ValueError for options that contradict each other."""

    @property
    def lr(self) -> float:
        """The learning rate of the next update; assign a number or a schedule to change it."""
        if self.schedule is not None:
            return real(f"lr at step {self.steps}", self.schedule(self.steps), least=0)
        return self._lr  # type: ignore[return-value]

    @lr.setter
    def lr(self, lr: float | Schedule) -> None:
        self._lr = lr if callable(lr) else real("lr", lr, above=0)

    @property
    def schedule(self) -> Schedule | None:
        """What gives the rate of each update; None where it is a number."""
        return self._lr if callable(self._lr) else None

    @property
    def states(self) -> list[State]:
        """What is kept for each parameter from one update to the next."""
        if self.columns:
            self.states = list(zip(*self.columns, strict=True))
        return self._states

    @states.setter
    def states(self, states: list[State]) -> None:
        self._states, self.columns = states, ()

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """One update of every parameter from its gradient."""
        lr, t = self.lr, self.steps + 1
        updated = [
            self.update(floats, p.grad, p.data, lr, t, state)
            for p, state in zip(self.parameters, self.states, strict=True)
        ]
        for p, (x, _) in zip(self.parameters, updated, strict=True):
            p.data = x
        self.states, self.steps = [state for _, state in updated], t

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        """The new x and state, from the gradient g, the rate lr and t = 1, 2, ..., the step."""
        raise NotImplementedError

    def _decayed(self, g: Any, x: Any) -> Any:
        """The gradient with weight decay."""
        return g + self.weight_decay * x if self.weight_decay else g

    def __repr__(self) -> str:
        known = repr(self._lr) if self.schedule is None else "schedule"
        rate = getattr(self._lr, "__name__", known)
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={rate})"


class SGD(Optimizer):
    """Gradient descent: g += decay x; v = momentum v + g; x -= lr v.

    With `nesterov` x -= lr (g + momentum v). v starts as the first g (Sutskever, Martens, Dahl and
    Hinton 2013, in PyTorch's form).
    """

    default_lr = 0.1
    initial_state = (None,)
    momentum: float = option(0.0, FRACTION)
    nesterov: bool = option(False, flag)

    def _check_together(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum > 0, got momentum=0.0")

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        (v,) = state
        g = self._decayed(g, x)
        if self.momentum:
            v = g if v is None else self.momentum * v + g
            g = g + self.momentum * v if self.nesterov else v
        return x - lr * g, (v,)


class Adagrad(Optimizer):
    """s += g^2; x -= lr g / (sqrt(s) + eps) (Duchi, Hazan and Singer 2011)."""

    initial_state = (0.0,)
    eps: float = option(1e-10, DECAY)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        (s,) = state
        g = self._decayed(g, x)
        s = s + g * g
        return x - lr * m.divide(g, m.sqrt(s) + self.eps), (s,)


class RMSprop(Optimizer):
    """s = alpha s + (1 - alpha) g^2; v = momentum v + g / (sqrt(s) + eps); x -= lr v.

    Hinton 2012, in PyTorch's form.
    """

    initial_state = (0.0, 0.0)
    alpha: float = option(0.99, FRACTION)
    eps: float = option(1e-8, DECAY)
    momentum: float = option(0.0, FRACTION)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        s, v = state
        g = self._decayed(g, x)
        s = self.alpha * s + (1 - self.alpha) * (g * g)
        v = self.momentum * v + m.divide(g, m.sqrt(s) + self.eps)
        return x - lr * v, (s, v)


class Adam(Optimizer):
    """u = b1 u + (1-b1) g; s = b2 s + (1-b2) g^2; x -= lr u/(1-b1^t) / (sqrt(s/(1-b2^t)) + eps).

    Kingma and Ba 2015. Weight decay is added to the gradient: g += decay x.
    """

    default_lr = 1e-3
    initial_state = (0.0, 0.0)
    betas: tuple[float, float] = option((0.9, 0.999), row_in(2, FRACTION))
    eps: float = option(1e-8, DECAY)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        (u, s), (b1, b2) = state, self.betas
        g = self._decayed(g, x)
        u = b1 * u + (1 - b1) * g
        s = b2 * s + (1 - b2) * (g * g)
        spread = m.divide(m.sqrt(s), m.sqrt(1 - m.pow(b2, t))) + self.eps
        return x - m.divide(m.divide(lr, 1 - m.pow(b1, t)) * u, spread), (u, s)


class AdamW(Adam):
    """Adam with the decay on the weight itself, x -= lr decay x (Loshchilov and Hutter 2019)."""

    weight_decay = 1e-2

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        return super().update(m, g, x * (1 - lr * self.weight_decay), lr, t, state)

    def _decayed(self, g: Any, x: Any) -> Any:
        return g


#: The optimizers that are known by name: the class's, in lower case.
OPTIMIZERS: Final[dict[str, type[Optimizer]]] = {
    cls.__name__.lower(): cls for cls in (SGD, Adagrad, RMSprop, Adam, AdamW)
}


def find_optimizer(name: str) -> type[Optimizer]:
    """The optimizer class of that name. Raises ValueError for an unknown one."""
    return OPTIMIZERS[one_of("optimizer", name, OPTIMIZERS)]
