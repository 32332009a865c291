"""Regularisation by modules: dropout, batch and RMS normalisation, made of Values.

The others: penalties `l2` and `l1` in `losses`, weight decay and `max_norm` in `optim`,
augmentation in `data` (`augment=` of training), `EarlyStopping` and `pretrain` in `train`.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, listed, real, whole
from tinygrad_edu.engine import RandomLeaf, Value, parameter
from tinygrad_edu.nn.containers import as_inputs
from tinygrad_edu.nn.mode import check_count
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register


@register("p")
class Dropout(Module):
    """Leaves each input out with probability `p`, in [0, 1); evaluation mode changes nothing.

    A kept input is scaled by 1 / (1 - p) ("inverted" dropout), so that its expectation stays:
    y = x * m, with the mask m = 0 or 1 / (1 - p), drawn from `rng` for every number of every
    example. Several dropouts of a net share one `random.Random`: from equal seeds their masks would
    be equal. Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014.
    """

    def __init__(self, p: float, rng: int | random.Random = 0) -> None:
        self.p = real("p", p, least=0, below=1)
        self.rng = as_random(rng)

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        """The inputs, in training mode with a new mask."""
        values = as_inputs(x)
        if not self.training:
            return list(values)
        return [v * RandomLeaf(self._mask) for v in values]

    def _mask(self) -> float:
        return 0.0 if self.rng.random() < self.p else 1 / (1 - self.p)


@register("n, *, momentum, eps")
class BatchNorm(Module):
    """Normalises each of `n` inputs over the examples of a batch: y = gamma x^ + beta.

    x^ = (x - mean) / sqrt(variance + eps). In training mode mean and variance are those of the
    batch (the variance divided by its size N), and the gradient flows through them; the running
    ones, running = (1 - momentum) running + momentum * new, take the variance divided by N - 1.
    Views call them mean[k], var[k] and xhat[k] for input k.
    In evaluation mode x^ is made with the running ones. gamma (1 at first) and beta (0) are
    learned. Ioffe and Szegedy 2015; options and numbers as in PyTorch.

    In training mode one example has no answer of its own: compose it with `Sequential`, or call
    `batch`. The matrix engine, a program for each example by itself, then refuses, and
    `engine="auto"` is the scalar one.
    """

    buffers: ClassVar[Sequence[str]] = ("running_mean", "running_var")

    def __init__(self, n: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        self.n = n = whole("n", n)
        check_count(f"batch normalisations of {n} inputs", 4 * n)
        self.momentum = real("momentum", momentum, least=0, below=1)
        self.eps = real("eps", eps, above=0)
        self.gamma = [parameter(1.0) for _ in range(n)]
        self.beta = [parameter(0.0) for _ in range(n)]
        self.running_mean = [Value(0.0) for _ in range(n)]
        self.running_var = [Value(1.0) for _ in range(n)]
        self._name_parameters()

    @property
    def couples_examples(self) -> bool:
        """True in training mode."""
        return self.training

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        """The outputs for one example of `n` inputs. Raises ValueError in training mode."""
        values = as_inputs(x, len(self.gamma))
        if self.training:
            raise ValueError(
                f"{self!r} in training mode needs a batch, got one example: compose it with "
                "Sequential and call batch(rows), or call eval() first"
            )
        return self._scaled(values, self.running_mean, self._deviations(self.running_var))

    def batch(self, rows: Sequence[Any]) -> list[list[Value]]:
        """The outputs for the examples of a batch; in training mode there must be two or more."""
        if not self.training:
            return super().batch(rows)
        rows = listed("rows", rows, "rows")
        if len(rows) < 2:
            raise ValueError(
                f"{self!r} in training mode needs a batch of at least 2 examples, got {len(rows)}: "
                "choose a batch_size that leaves no batch of one"
            )
        columns = list(zip(*[as_inputs(row, len(self.gamma)) for row in rows], strict=True))
        means, variances = [*map(f.mean, columns)], [*map(f.var, columns)]
        for k, (mean, variance) in enumerate(zip(means, variances, strict=True), 1):
            mean.name, variance.name = f"mean[{k}]", f"var[{k}]"
        self._track(means, variances, len(rows))
        deviations = self._deviations(variances)
        return [self._scaled(row, means, deviations) for row in zip(*columns, strict=True)]

    def _deviations(self, variances: list[Value]) -> list[Value]:
        return [f.sqrt(variance + self.eps) for variance in variances]

    def _scaled(self, x: Sequence[Value], means: list[Value], sds: list[Value]) -> list[Value]:
        hats = [(v - mean) / sd for v, mean, sd in zip(x, means, sds, strict=True)]
        for k, hat in enumerate(hats, 1):
            hat.name = f"xhat[{k}]"
        parts = zip(self.gamma, hats, self.beta, strict=True)
        return [gamma * hat + beta for gamma, hat, beta in parts]

    def _track(self, means: list[Value], variances: list[Value], n: int) -> None:
        keep, new = 1 - self.momentum, self.momentum
        for running, mean in zip(self.running_mean, means, strict=True):
            running.data = keep * running.data + new * mean.data
        for running, variance in zip(self.running_var, variances, strict=True):
            running.data = keep * running.data + new * variance.data * n / (n - 1)


@register("n, *, eps")
class RMSNorm(Module):
    """Scales a row of `n` inputs to a mean square of 1: y_k = gamma_k x_k / sqrt(mean(x^2) + eps).

    gamma (1 at first) is learned. Zhang and Sennrich 2019; numbers as in PyTorch, whose `eps` is
    2^-52 unless given.

    >>> [round(y.data, 3) for y in RMSNorm(2)([3.0, 4.0])]
    [0.849, 1.131]
    """

    def __init__(self, n: int, eps: float = 1e-5) -> None:
        self.n = n = whole("n", n)
        check_count(f"normalisations of {n} inputs", n)
        self.eps = real("eps", eps, above=0)
        self.gamma = [parameter(1.0) for _ in range(n)]
        self._name_parameters()

    def __call__(self, x: Iterable[Any]) -> list[Value]:
        """The outputs for `n` inputs."""
        values = as_inputs(x, len(self.gamma))
        root = f.sqrt(f.dot(values, values) / len(values) + self.eps)
        return [gamma * (v / root) for v, gamma in zip(values, self.gamma, strict=True)]
