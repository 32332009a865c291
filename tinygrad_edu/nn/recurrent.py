"""Recurrent nets, made of Values: one cell, unrolled over the steps of a sequence.

Nothing here knows about gradients: a weight is used at every step, its gradient is the sum over
them, and backpropagation through time is the backward pass of the unrolled graph.
"""

import random
from collections.abc import Iterable
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, flag, is_listed, listed, whole
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn.activations import Activation
from tinygrad_edu.nn.initialisers import Initialiser
from tinygrad_edu.nn.mlp import Layer
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register


@register("nin, nhidden, activation")
class RNNCell(Layer):
    """One step of a recurrent net (Elman 1990): h' = tanh(W x + U h + b), one dot per unit.

    `nin` inputs x, `nhidden` hidden units h. It is a layer on x and h side by side: the weights
    `w` of a unit are its row of W, then its row of U. Options as for `Layer`.
    """

    def __init__(
        self,
        nin: int,
        nhidden: int,
        activation: Activation = "tanh",
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        nin, nhidden = whole("nin", nin), whole("nhidden", nhidden)
        super().__init__(nin + nhidden, nhidden, activation, init=init, rng=rng)

    @property
    def nin(self) -> int:
        """The number of inputs x."""
        return super().nin - self.nhidden

    @property
    def nhidden(self) -> int:
        """The number of hidden units h."""
        return self.nout

    @property
    def W(self) -> list[list[Value]]:  # noqa: N802
        """The weights of the inputs, nhidden rows of nin."""
        return [unit.w[: self.nin] for unit in self.neurons]

    @property
    def U(self) -> list[list[Value]]:  # noqa: N802
        """The weights of the hidden state, nhidden rows of nhidden."""
        return [unit.w[self.nin :] for unit in self.neurons]

    def __call__(self, x: Iterable[Any], h: Iterable[Any] | None = None) -> list[Value]:
        """The next hidden state for `nin` inputs and the state before, zeros unless given."""
        x = _numbers("x", x, self.nin, "inputs")
        h = [0.0] * self.nhidden if h is None else _numbers("h", h, self.nhidden, "hidden units")
        return super().__call__([*x, *h])


@register(
    "nin=cell.nin, nhidden=cell.nhidden, nout=output.nout, activation=cell.activation, "
    "*, output=output.activation, return_sequences"
)
class RNN(Module):
    """A recurrent net: an `RNNCell` unrolled over a sequence, and an output layer on its state.

    A sequence is a list of steps of `nin` numbers each, or, as rows of a data set are, one flat
    list of them, step after step. The state before the first step is 0. Gives the `nout` outputs of
    each step, flat as well, or with `return_sequences=False` those of the last step alone.
    `activation` is that of the hidden units, `output` that of the output layer. Options as for
    `Layer`.
    """

    def __init__(
        self,
        nin: int,
        nhidden: int,
        nout: int,
        activation: Activation = "tanh",
        output: Activation = "linear",
        *,
        return_sequences: bool = True,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        rng = as_random(rng)
        self.cell = RNNCell(nin, nhidden, activation, init=init, rng=rng)
        self.output = Layer(nhidden, nout, output, init=init, rng=rng)
        self.return_sequences = flag("return_sequences", return_sequences)
        self._name_parameters()

    def states(self, sequence: Iterable[Any]) -> list[list[Value]]:
        """The hidden state after each step, `nhidden` Values each."""
        states: list[list[Value]] = []
        for x in _steps(sequence, self.cell.nin):
            states.append(self.cell(x, states[-1] if states else None))
        return states

    def __call__(self, sequence: Iterable[Any]) -> list[Value]:
        """The outputs of each step, one step after the other, or those of the last step."""
        states = self.states(sequence)
        if not self.return_sequences:
            return self.output(states[-1])
        return [o for h in states for o in self.output(h)]


def per_step(loss: str | Loss, nout: int = 1) -> Loss:
    """The mean of `loss` over the steps of a sequence, as a loss for `fit`.

    The output is a flat list of `nout` numbers per step, the target one number per step:
    `fit(RNN(2, 8, 1), X, y, loss=per_step("binary_cross_entropy_with_logits"), ...)`.
    """
    loss, nout = find_loss(loss), whole("nout", nout)

    def mean_over_steps(output: Any, target: Any) -> Value:
        outputs = listed("the output for per_step", output, "outputs, those of each step")
        targets = listed("the target for per_step", target, "targets, one per step")
        if not targets or len(outputs) != nout * len(targets):
            raise ValueError(
                f"{len(targets)} targets need {nout} outputs each, got {len(outputs)} outputs"
            )
        steps = [outputs[k : k + nout] for k in range(0, len(outputs), nout)]
        mean: Value = f.mean([loss(o, t) for o, t in zip(steps, targets, strict=True)])
        return mean

    return mean_over_steps


def _steps(sequence: Iterable[Any], nin: int) -> list[Any]:
    """The steps of a sequence; a flat one is cut into steps of `nin` numbers."""
    items = listed("a sequence", sequence, "numbers or of steps")
    if not items:
        raise ValueError("a sequence has at least one step, got an empty list")
    if any(is_listed(x) for x in items):
        return items
    if len(items) % nin:
        raise ValueError(
            f"a flat sequence with steps of {nin} numbers cannot have {len(items)} numbers"
        )
    return [items[k : k + nin] for k in range(0, len(items), nin)]


def _numbers(name: str, x: Iterable[Any], n: int, what: str) -> list[Any]:
    numbers = listed(name, x, f"{n} {what}")
    if len(numbers) != n:
        raise ValueError(f"expected {n} {what}, got {len(numbers)}")
    return numbers
