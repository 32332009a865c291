"""Embeddings and attention, made of Values: the two parts that a transformer has beside layers.

An embedding makes rows of numbers of things; attention lets each row of a sequence read the others.
"""

import math
import random
from collections.abc import Iterable
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, flag, is_listed, listed, whole
from tinygrad_edu.engine import Value, parameter
from tinygrad_edu.nn.containers import as_inputs
from tinygrad_edu.nn.initialisers import Initialiser, initialiser
from tinygrad_edu.nn.mlp import Layer
from tinygrad_edu.nn.mode import check_count
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register

#: The numbers of each place.
Rows = list[list[Value]]


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
