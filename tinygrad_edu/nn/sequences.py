"""Layers for sequences, made of Values: recurrent nets, embeddings and attention.

A recurrent net is one cell, unrolled over the steps of a sequence: a weight is used at every step,
its gradient is the sum over them, and backpropagation through time is the backward pass of the
unrolled graph. A transformer has two parts beside other layers: an embedding makes rows of numbers
of things, attention lets each row read the others. Nothing here knows about gradients.
"""

import math
import random
from collections.abc import Iterable
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, flag, is_listed, listed, whole
from tinygrad_edu.engine import Value, parameter
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn.activations import Activation
from tinygrad_edu.nn.containers import as_inputs
from tinygrad_edu.nn.initialisers import Initialiser, initialiser
from tinygrad_edu.nn.mlp import Layer
from tinygrad_edu.nn.mode import check_count
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register

#: The numbers of each place.
Rows = list[list[Value]]


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


@register("n, width")
class Embedding(Module):
    """A table of `n` rows of `width` numbers: thing k, in 0..n-1, becomes row k of `w`.

    It is a linear layer without biases on the 1-of-k code of k, of which all products but those
    with the 1 are 0; given that code, or any other row of `n` numbers x, it gives w^T x. Rows are
    drawn as weights of such a layer are; `init` and `rng` as for `Layer`.

    >>> letters = Embedding(26, 4)
    >>> letters(2) == letters.w[2]
    True
    """

    def __init__(
        self,
        n: int,
        width: int,
        *,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        self.n, self.width = n, width = whole("n", n), whole("width", width)
        check_count(f"embeddings of {n} things", n * width)
        rng, draw = as_random(rng), initialiser(init, "linear")
        self.w = [[parameter(draw(rng, n, width)) for _ in range(width)] for _ in range(n)]
        self._name_parameters()

    def __call__(self, x: Any) -> list[Value]:
        """The row of thing number `x`, or of the thing whose 1-of-k code is `x`."""
        if not is_listed(x):
            return list(self.w[whole("the number of a thing", x, 0, self.n - 1)])
        x = as_inputs(x, self.n)
        return [f.dot(column, x) for column in zip(*self.w, strict=True)]


@register("width, heads, *, causal")
class Attention(Module):
    """Scaled dot-product attention of several heads (Vaswani and others 2017).

    A sequence has a row of `width` numbers for each place. Three linear layers make of each row a
    query q, a key k and a value v. A head has its share of their numbers, d = width / heads. There
    place t pays place s the attention p_ts = softmax_s(q_t . k_s / sqrt(d)), and gets
    sum_s p_ts v_s; with `causal` only the places s <= t are read. What the heads give, side by
    side, goes through a fourth linear layer. `init` and `rng` as for `Layer`.

    >>> rows, attention = Attention(2).attend([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> [len(p) for p in attention[0]]  # in head 0, for each place
    [1, 2, 3]
    """

    def __init__(
        self,
        width: int,
        heads: int = 1,
        *,
        causal: bool = True,
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        width, self.heads = whole("width", width), whole("heads", heads)
        if width % self.heads:
            raise ValueError(f"{width} numbers cannot be shared among {heads} heads alike")
        self.causal, rng = flag("causal", causal), as_random(rng)
        self.query, self.key, self.value, self.output = (
            Layer(width, width, "linear", init=init, rng=rng) for _ in range(4)
        )
        self._name_parameters()

    @property
    def width(self) -> int:
        """The count of numbers of a place."""
        return self.output.nout

    def attend(self, rows: Iterable[Any]) -> tuple[Rows, list[Rows]]:
        """A new row for each place, and the attention in each head.

        The attention p_ts of head h is `weights[h][t][s]`; where `causal`, row t ends at s = t.
        """
        x = [as_inputs(row, self.width) for row in listed("a sequence", rows, "rows")]
        if not x:
            raise ValueError("a sequence has at least one row, got an empty list")
        q, k, v = ([layer(row) for row in x] for layer in (self.query, self.key, self.value))
        d, weights = self.width // self.heads, list[Rows]()
        q = [[z / math.sqrt(d) for z in row] for row in q]  # the same as to divide each product
        mixed: Rows = [[] for _ in x]
        for h in range(0, self.width, d):
            qs, ks, vs = ([tuple(row[h : h + d]) for row in rows] for rows in (q, k, v))
            columns = list(zip(*vs, strict=True))
            weights.append([])
            for t in range(len(x)):
                read = slice(t + 1 if self.causal else None)
                p = f.softmax([f.dot(qs[t], key) for key in ks[read]])
                weights[-1].append(p)
                mixed[t] += [f.dot(p, column[read]) for column in columns]
        return [self.output(row) for row in mixed], weights

    def __call__(self, rows: Iterable[Any]) -> Rows:
        """A new row of `width` numbers for each place."""
        return self.attend(rows)[0]


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
