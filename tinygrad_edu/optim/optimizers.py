"""Optimizers: each is its update equation, in PyTorch's form, for one parameter x with gradient g.

`update(m, g, x, lr, t, state)` gives the new x and state; `m` is the namespace of floats here, and
that of symbols where the matrix engine turns the equation into calls on vectors. `lr` is a number,
or a schedule: a function from the number of updates made so far to the rate.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from tinygrad_edu import namespace as floats
from tinygrad_edu.checks import one_of, real
from tinygrad_edu.engine import Value
from tinygrad_edu.optim.schedules import Schedule

State = tuple[Any, ...]


class Optimizer:
    """Changes `parameters` against their gradients: `zero_grad()`, `loss.backward()`, `step()`.

    Raises ValueError for no parameters, one given twice, or one that is not a leaf; TypeError for
    anything but Values.
    """

    #: What each parameter's state starts from.
    start: State = ()

    def __init__(
        self, parameters: Iterable[Value], lr: float | Schedule, weight_decay: float
    ) -> None:
        self.parameters = _checked(parameters)
        self._lr: float | Schedule = lr if callable(lr) else real("lr", lr, above=0)
        self.weight_decay = real("weight_decay", weight_decay, least=0)
        self.steps = 0
        self.states: list[State] = [self.start] * len(self.parameters)

    @property
    def lr(self) -> float:
        """The learning rate of the next update; assign a number or a schedule to change it."""
        if callable(self._lr):
            return real(f"lr at step {self.steps}", self._lr(self.steps), least=0)
        return self._lr

    @lr.setter
    def lr(self, lr: float | Schedule) -> None:
        self._lr = lr if callable(lr) else real("lr", lr, above=0)

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
        rate = getattr(self._lr, "__name__", "schedule") if callable(self._lr) else repr(self._lr)
        return f"{type(self).__name__}({len(self.parameters)} parameters, lr={rate})"


class SGD(Optimizer):
    """Gradient descent: g += decay x; v = momentum v + g; x -= lr v.

    With `nesterov` x -= lr (g + momentum v). v starts as the first g (Sutskever, Martens, Dahl and
    Hinton 2013, in PyTorch's form).
    """

    start = (None,)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.1,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.momentum = real("momentum", momentum, least=0, below=1)
        self.nesterov = nesterov
        if nesterov and momentum == 0:
            raise ValueError("nesterov needs a momentum > 0, got momentum=0.0")

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        """As the docstring of the class says."""
        (v,) = state
        g = self._decayed(g, x)
        if self.momentum:
            v = g if v is None else self.momentum * v + g
            g = g + self.momentum * v if self.nesterov else v
        return x - lr * g, (v,)


class Adagrad(Optimizer):
    """s += g^2; x -= lr g / (sqrt(s) + eps) (Duchi, Hazan and Singer 2011)."""

    start = (0.0,)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.01,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.eps = real("eps", eps, least=0)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        """As the docstring of the class says."""
        (s,) = state
        g = self._decayed(g, x)
        s = s + g * g
        return x - lr * m.divide(g, m.sqrt(s) + self.eps), (s,)


class RMSprop(Optimizer):
    """s = alpha s + (1 - alpha) g^2; v = momentum v + g / (sqrt(s) + eps); x -= lr v.

    Hinton 2012, in PyTorch's form.
    """

    start = (0.0, 0.0)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.alpha = real("alpha", alpha, least=0, below=1)
        self.eps = real("eps", eps, least=0)
        self.momentum = real("momentum", momentum, least=0, below=1)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        """As the docstring of the class says."""
        s, v = state
        g = self._decayed(g, x)
        s = self.alpha * s + (1 - self.alpha) * (g * g)
        v = self.momentum * v + m.divide(g, m.sqrt(s) + self.eps)
        return x - lr * v, (s, v)


class Adam(Optimizer):
    """u = b1 u + (1-b1) g; s = b2 s + (1-b2) g^2; x -= lr u/(1-b1^t) / (sqrt(s/(1-b2^t)) + eps).

    Kingma and Ba 2015. Weight decay is added to the gradient: g += decay x.
    """

    start = (0.0, 0.0)

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"betas must be two numbers such as (0.9, 0.999), got {betas!r:.40}")
        b1, b2 = (real(f"betas[{k}]", b, least=0, below=1) for k, b in enumerate(betas))
        self.betas = (b1, b2)
        self.eps = real("eps", eps, least=0)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        """As the docstring of the class says."""
        return self._moments(m, self._decayed(g, x), x, lr, t, state)

    def _moments(
        self, m: Any, g: Any, x: Any, lr: float, t: int, state: State
    ) -> tuple[Any, State]:
        (u, s), (b1, b2) = state, self.betas
        u = b1 * u + (1 - b1) * g
        s = b2 * s + (1 - b2) * (g * g)
        spread = m.divide(m.sqrt(s), m.sqrt(1 - m.pow(b2, t))) + self.eps
        return x - m.divide(m.divide(lr, 1 - m.pow(b1, t)) * u, spread), (u, s)


class AdamW(Adam):
    """Adam with the decay on the weight itself, x -= lr decay x (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, m: Any, g: Any, x: Any, lr: float, t: int, state: State) -> tuple[Any, State]:
        """As the docstring of the class says."""
        return self._moments(m, g, x * (1 - lr * self.weight_decay), lr, t, state)


OPTIMIZERS: Final[dict[str, Callable[..., Optimizer]]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


def find_optimizer(name: str) -> Callable[..., Optimizer]:
    """The optimizer class of that name. Raises ValueError for an unknown one."""
    return OPTIMIZERS[one_of("optimizer", name, OPTIMIZERS)]


def _checked(parameters: Iterable[Value]) -> list[Value]:
    if not isinstance(parameters, Iterable):
        raise TypeError(
            f"an optimizer takes a list of Values, got {type(parameters).__name__}: "
            "write model.parameters(), or [v] for a single Value"
        )
    found = list(parameters)
    if not found:
        raise ValueError(
            "there are no parameters to optimize: give model.parameters() of a model that has some"
        )
    for p in found:
        if not isinstance(p, Value):
            raise TypeError(f"an optimizer changes Values, got {type(p).__name__}")
        if p.parents:
            raise ValueError(f"{p!r} is the result of an operation: only leaves can be optimized")
    if len(set(found)) < len(found):
        raise ValueError("a parameter is given twice: it would be updated twice")
    return found
