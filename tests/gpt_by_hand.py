"""A training step of a GPT of one block by hand in NumPy, and how long ours takes beside it.

python -m tests.gpt_by_hand        # times of a step: by hand, the machine, NumPy by our program
"""

import time
from typing import Any

import numpy as np

from tinygrad_edu import Program, per_step, vectorize
from tinygrad_edu.nn import Attention, Embedding, Layer, Module, RMSNorm
from tinygrad_edu.vectorize.executors.kernel import compile_kernel

Array = Any


def added(x: list[Any], y: list[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y, strict=True)]


class Gpt(Module):
    """Embeddings of things and places, attention, a layer of ReLU units and one back, scores."""

    def __init__(self, things: int, places: int, width: int, heads: int, hidden: int) -> None:
        self.n = things
        self.things = Embedding(things, width, rng=1)
        self.places = Embedding(places, width, rng=2)
        self.before, self.between = RMSNorm(width), RMSNorm(width)
        self.attention = Attention(width, heads, rng=3)
        self.up = Layer(width, hidden, "relu", rng=4)
        self.down = Layer(hidden, width, "linear", rng=5)
        self.scores = Layer(width, things, "linear", rng=6)

    def __call__(self, text: list[Any]) -> list[Any]:
        codes = [text[k : k + self.n] for k in range(0, len(text), self.n)]
        x = [added(self.things(code), self.places(t)) for t, code in enumerate(codes)]
        mixed = self.attention([self.before(row) for row in x])
        x = [added(*pair) for pair in zip(x, mixed, strict=True)]
        x = [added(row, self.down(self.up(self.between(row)))) for row in x]
        return [z for row in x for z in self.scores(row)]


def program_of(model: Gpt, places: int) -> Program:
    """Its mean cross entropy over the places."""
    loss = per_step("cross_entropy", model.n)
    code = np.eye(model.n)[[k % model.n for k in range(places)]]
    return vectorize(lambda x, y: loss(model(x), y), code.ravel().tolist(), [1] * places)


class ByHand:
    """The arrays of such a GPT; a call gives the mean loss, and leaves the gradients in `grads`."""

    def __init__(self, model: Gpt) -> None:
        def arrays(*layers: Layer) -> tuple[Array, Array]:
            units = [unit for layer in layers for unit in layer.neurons]
            W = np.array([[w.data for w in unit.w] for unit in units])
            return W, np.array([unit.b.data for unit in units])

        a = model.attention
        self.heads = a.heads
        self.E, self.P = (np.array([[w.data for w in row] for row in table.w])
                          for table in (model.things, model.places))  # fmt: skip
        self.gains = [np.array([g.data for g in norm.gamma])
                      for norm in (model.before, model.between)]  # fmt: skip
        self.qkv, self.out = arrays(a.query, a.key, a.value), arrays(a.output)
        self.up, self.down, self.scores = map(arrays, (model.up, model.down, model.scores))
        self.grads: dict[str, Array] = {}

    def __call__(self, things: Array, y: Array) -> float:
        (B, T), W, H = things.shape, self.E.shape[1], self.heads
        D, N, hidden = W // H, B * T, np.triu(np.ones((T, T), bool), 1)
        x = (self.E[things] + self.P[:T]).reshape(N, W)
        n1, r1 = _normed(x)
        h1 = n1 * self.gains[0]
        parts = h1 @ self.qkv[0].T + self.qkv[1]
        q, k, v = parts.reshape(B, T, 3, H, D).transpose(2, 0, 3, 1, 4)
        s = q @ k.transpose(0, 1, 3, 2) / np.sqrt(D)
        s[:, :, hidden] = -np.inf
        p = np.exp(s - s.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        mixed = (p @ v).transpose(0, 2, 1, 3).reshape(N, W)
        x2 = x + mixed @ self.out[0].T + self.out[1]
        n2, r2 = _normed(x2)
        h2 = n2 * self.gains[1]
        a = np.maximum(h2 @ self.up[0].T + self.up[1], 0)
        x3 = x2 + a @ self.down[0].T + self.down[1]
        o = x3 @ self.scores[0].T + self.scores[1]
        o -= o.max(1, keepdims=True)
        e = np.exp(o)
        total, t, place = e.sum(1, keepdims=True), y.ravel(), np.arange(N)
        loss = (np.log(total[:, 0]) - o[place, t]).mean()
        d = e / total
        d[place, t] -= 1
        d /= N
        dx3 = d @ self.scores[0]
        da = (dx3 @ self.down[0]) * (a > 0)
        dn2 = (dh2 := da @ self.up[0]) * self.gains[1]
        dx2 = dx3 + (dn2 - n2 * (dn2 * n2).mean(1, keepdims=True)) / r2
        dm = (dx2 @ self.out[0]).reshape(B, T, H, D).transpose(0, 2, 1, 3)
        dp, dv = dm @ v.transpose(0, 1, 3, 2), p.transpose(0, 1, 3, 2) @ dm
        ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(D)
        dqkv = np.stack([ds @ k, ds.transpose(0, 1, 3, 2) @ q, dv])
        dparts = dqkv.transpose(1, 3, 0, 2, 4).reshape(N, 3 * W)
        dn1 = (dh1 := dparts @ self.qkv[0]) * self.gains[0]
        dx = dx2 + (dn1 - n1 * (dn1 * n1).mean(1, keepdims=True)) / r1
        dE = np.zeros_like(self.E)
        np.add.at(dE, things.ravel(), dx)
        self.grads = {
            "things": dE, "places": dx.reshape(B, T, W).sum(0),
            "before": (dh1 * n1).sum(0), "between": (dh2 * n2).sum(0),
            "qkv.w": dparts.T @ h1, "qkv.b": dparts.sum(0),
            "output.w": dx2.T @ mixed, "output.b": dx2.sum(0),
            "up.w": da.T @ h2, "up.b": da.sum(0),
            "down.w": dx3.T @ a, "down.b": dx3.sum(0),
            "scores.w": d.T @ x3, "scores.b": d.sum(0),
        }  # fmt: skip
        return float(loss)


def _normed(x: Array) -> tuple[Array, Array]:
    root = np.sqrt((x * x).mean(1, keepdims=True) + 1e-5)
    return x / root, root


def batch(things: int, places: int, B: int) -> tuple[Array, Array, Array]:
    """Things, their 1-of-k codes, and what comes next."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, things, (2, B, places))
    return x, np.eye(things)[x].reshape(B, -1), y


def main() -> None:
    model = Gpt(27, 8, 16, 2, 64)
    program, by_hand = program_of(model, 8), ByHand(model)
    for B in (32, 128):
        x, code, y = batch(27, 8, B)
        machine = program.filled({"X": code, "Y": y.astype(float)}, gradient=True)
        plan = program.plan
        in_numpy = compile_kernel(plan, plan.backward, B, program.P, program.G)
        in_numpy.inputs["X"][...], in_numpy.inputs["Y"][...] = code, y
        steps = {
            "by hand": lambda x=x, y=y: by_hand(x, y),
            "machine": machine.run,
            "NumPy": in_numpy.run,
        }
        best = dict.fromkeys(steps, float("inf"))
        for _ in range(100):
            for name, step in steps.items():
                start = time.perf_counter()
                with np.errstate(all="ignore"):
                    step()
                best[name] = min(best[name], time.perf_counter() - start)
        print(B, {name: f"{1e3 * seconds:.3f} ms" for name, seconds in best.items()})


if __name__ == "__main__":
    main()
