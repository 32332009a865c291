"""Early nets trained by backpropagation: XOR, parity, codes, symmetry, families, time, vowels."""

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, product
from typing import TYPE_CHECKING, Any, TypeAlias

from tinygrad_edu import data
from tinygrad_edu import functions as f
from tinygrad_edu.calculus import hessian
from tinygrad_edu.checks import whole
from tinygrad_edu.classics.classic import Classic, Row, classic, learn, printed
from tinygrad_edu.data import Scaling, folds, standardising
from tinygrad_edu.engine import Value, grad
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP, RNN, Layer, Module
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.train import evaluate, predict

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rumelhart_xor(starts: int = 100) -> Classic:
    """XOR by a 2-2-1 net from many starts: a few run into a valley that has no end.

    A start is stuck if a pattern is wrong after 3,000 sweeps. The chapter calls that a local
    minimum. It is none: the gradient and the smallest eigenvalue of the Hessian go to 0 while the
    weights grow, and a way down leads out of every point (Hamey 1998; Sprinkhuizen-Kuyper and
    Boers 1999). Source: Rumelhart, Hinton and Williams (1986), ch. 8 of Parallel Distributed
    Processing.
    """
    X, y = _table(2, lambda bits: sum(bits) % 2 == 1)
    stuck = []
    for k in range(whole("starts", starts)):
        model, optimizer, sweeps = _run([2, 2, 1], 0.3, k, X, y, rate=0.5, most=3000)
        if sweeps is None:
            missed = [o for [o] in predict(model, X) if 0.4 < o < 0.6]
            stuck.append((missed, model, optimizer))
    rows = [Row(f"stuck starts of {starts}", "2", len(stuck), unlike="of hundreds, other starts")]
    valleys = [found for found in stuck if len(found[0]) == 2]
    for missed, model, optimizer in valleys[:1]:
        rows += [Row("stuck: output for a pattern missed", "0.5", o, 0.02) for o in missed]
        for sweeps, more in ((3_000, 0), (50_000, 47_000)):
            learn(model, X, y, optimizer=optimizer, epochs=more)
            place = _place(model, X, y).items()
            rows += [Row(f"{name} after {sweeps:,} sweeps", "", x) for name, x in place]
    learned = starts - len(stuck)
    return classic("rumelhart_xor", rows, learned=learned, starts=starts, valleys=len(valleys))


def rumelhart_parity(starts: int = 10) -> Classic:
    """Whether the number of ones among 4 bits is odd, by a 4-4-1 net: the first start to learn it.

    Source: Rumelhart, Hinton and Williams (1986), ch. 8 of Parallel Distributed Processing.
    """
    X, y = _table(4, lambda bits: sum(bits) % 2 == 1)
    k, model, _, sweeps = _first(starts, [4, 4, 1], 0.5, X, y, rate=0.5, most=4000)
    rows = [Row("patterns that are right", "16", sum(_right(model, X, y)))]
    if sweeps is not None:
        rows.append(Row("sweeps", "2825", sweeps, unlike="other first weights"))
    return classic("rumelhart_parity", rows, start=k)


def rumelhart_encoder(start: int = 0) -> Classic:
    """Eight patterns through three hidden units and back: the net finds a code for them.

    Source: Rumelhart, Hinton and Williams (1986), ch. 8 of Parallel Distributed Processing.
    """
    X = [[float(i == k) for i in range(8)] for k in range(8)]
    model, _, sweeps = _run(
        [8, 3, 8], 0.3, whole("start", start, least=0), X, X, rate=0.25, most=4000
    )
    right = sum(o.index(max(o)) == k for k, o in enumerate(predict(model, X)))
    codes = [[a.data for a in model.layers[0](x)] for x in X]
    shown = ", ".join(" ".join(f"{a:.1f}" for a in code) for code in codes)
    rows = [Row("patterns that come back", "8", right)]
    return classic("rumelhart_encoder", rows, sweeps=sweeps, shown=shown)


def rumelhart_symmetry(starts: int = 10) -> Classic:
    """Whether 6 bits read the same backwards, by a 6-2-1 net: the first start to learn it.

    The weights of a hidden unit, 1,500 sweeps later, are opposite about the middle; those on one
    side are in the ratio 1 : 2 : 4, in some order. Source: Rumelhart, Hinton and Williams (1986),
    Nature 323.
    """
    X, y = _table(6, lambda bits: bits == bits[::-1])
    k, model, optimizer, sweeps = _first(starts, [6, 2, 1], 0.3, X, y, rate=0.1, most=3000)
    rows = [] if sweeps is None else [Row("sweeps", "1425", sweeps, unlike="other first weights")]
    learn(model, X, y, optimizer=optimizer, epochs=1500)
    for name, unit in zip(("first", "second"), model.layers[0].neurons, strict=True):
        w = [p.data for p in unit.w]
        small, middle, large = sorted(map(abs, w[:3]))
        opposite = max(abs(a + b) for a, b in zip(w, w[::-1], strict=True)) / large
        rows += [
            Row(f"{name} unit: middle weight / smallest", "2", middle / small, 0.05),
            Row(f"{name} unit: largest weight / smallest", "4", large / small, 0.1),
            Row(f"{name} unit: sum of opposite weights / largest", "0", opposite, 0.01),
        ]
    return classic("rumelhart_symmetry", rows, start=k)


class _FamilyNet(Module):
    """Who is meant by a person and a relation: 24 + 12 inputs; 6 + 6, 12, 6, 24 sigmoid units."""

    def __init__(self, rng: random.Random) -> None:
        self.person, self.relation = Layer(24, 6, "sigmoid"), Layer(12, 6, "sigmoid")
        self.meant = MLP(12, [12, 6, 24], "sigmoid", "sigmoid")
        for p in self.parameters():
            p.data = rng.uniform(-1, 1)

    def __call__(self, x: list[Any]) -> Any:
        return self.meant([*self.person(x[:24]), *self.relation(x[24:])])


def family_trees(starts: int = 5) -> Classic:
    """Two trees of 12 people, 12 relations: a net learns 100 of the 104 facts, four are left out.

    A fact is a person, a relation and all who are meant. One unit of the six for the person comes
    to tell the two families apart, which no input says. Source: G. E. Hinton, "Learning distributed
    representations of concepts" (1986), and Rumelhart, Hinton and Williams (1986), Nature 323.
    """
    every: dict[tuple[str, str], set[str]] = {}
    for person, relation, other in chain(triples("english_family"), triples("italian_family")):
        every.setdefault((person, relation), set()).add(other)
    ours = {person for person, *_ in triples("english_family")}
    people, relations = (sorted({fact[k] for fact in every}) for k in (0, 1))
    X = [[float(a in fact) for a in (*people, *relations)] for fact in every]
    y = [[float(a in meant) for a in people] for meant in every.values()]
    learned, told, nationality = [], [], []
    for k in range(whole("starts", starts)):
        rng = random.Random(k)
        model, order = _FamilyNet(rng), rng.sample(range(len(X)), len(X))
        seen, n = [[rows[i] for i in order[4:]] for rows in (X, y)], len(X) - 4
        for rate, momentum, sweeps in ((0.05, 0.5, 20), (0.1, 0.9, 1480)):
            decay = 0.001 * (1 - momentum) / (rate * n)
            optimizer = SGD(model.parameters(), rate * n, momentum=momentum, weight_decay=decay)
            learn(model, *seen, loss=nearly, optimizer=optimizer, epochs=sweeps)
        right = _right(model, X, y)
        learned.append(sum(right[i] for i in order[4:]))
        told.append(sum(right[i] for i in order[:4]))
        sides = [
            sum((w.data > 0) == (a in ours) for a, w in zip(people, unit.w, strict=True))
            for unit in model.person.neurons
        ]
        nationality.append(max(max(side, 24 - side) for side in sides))
    rows = (
        Row("facts in the two trees", "104", len(every)),
        Row("facts learned, the fewest of all starts", "100", min(learned)),
        Row("parameters", "", len(model.parameters())),
        Row("told right of the 4 left out, mean", "", sum(told) / starts),
        Row("people on their family's side of one unit, mean", "", sum(nationality) / starts),
    )
    return classic("family_trees", rows, starts=starts)


def elman_xor() -> Classic:
    """In a stream of bits every third is the XOR of the two before it: the next is to be told.

    The two others are random: the best output for them is 1/2, with a squared error of 1/4. Source:
    J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990), pages 179 to 211.
    """
    triples = [(a, b, abs(a - b)) for a, b in product((0.0, 1.0), repeat=2)]
    streams = [[*chain(*some)] for some in product(triples, repeat=3)]
    X, y = [bits[:-1] for bits in streams], [bits[1:] for bits in streams]
    model = RNN(1, 3, 1, output="sigmoid")
    learn(model, X, y, optimizer="adam", epochs=4000)
    squares = [
        [(o - t) ** 2 for o, t in zip(outputs, bits, strict=True)]
        for outputs, bits in zip(predict(model, X), y, strict=True)
    ]
    rows = [
        Row(f"mean squared error of bit {k} of the stream{', an XOR' * (k % 3 == 0)}", "", mean)
        for k, mean in enumerate((sum(column) / 64 for column in zip(*squares, strict=True)), 2)
    ]
    return classic("elman_xor", rows)


def vowels() -> Classic:
    """The share of vowels recognised, of speakers never heard, by a 2-50-10 net; in five folds.

    Source: W. Y. Huang and R. P. Lippmann, "Neural net and traditional classifiers", NIPS (1988).
    """
    sounds, shares = data.vowels(), []
    for groups in folds(sounds.groups, 5):
        (X, y), (X_test, y_test) = (
            ([sounds.X[i] for i in group], [sounds.y[i] for i in group]) for group in groups
        )
        model, scaling = _told_apart(X, y)
        shares.append(evaluate(model, scaling(X_test), y_test, loss="cross_entropy")[1] or 0.0)
    named = {"mean": sum(shares) / len(shares), "least": min(shares), "largest": max(shares)}
    rows = [Row(f"accuracy of five folds, {name}", "", share) for name, share in named.items()]
    return classic("vowels", rows)


def vowel_regions() -> "Axes":
    """The decision regions of the 2-50-10 net, trained on all sounds: F2 over F1, in Hz.

    Like the figure of W. Y. Huang and R. P. Lippmann, NIPS (1988).
    """
    from tinygrad_edu.view.pictures import regions

    sounds = data.vowels()
    model, scaling = _told_apart(sounds.X, sounds.y)
    return regions(
        model, sounds.X, sounds.y, transform=scaling,
        class_names=sounds.class_names, feature_names=sounds.feature_names,
        hidden_lines=False, misclassified=False, margins=False,
    )  # fmt: skip


def _told_apart(X: list[list[float]], y: Sequence[float]) -> tuple[MLP, Scaling]:
    """The net, and the scaling its inputs need."""
    scaling = standardising(X)
    model = MLP(2, [50, 10], "tanh")
    optimizer = Adam(model.parameters(), lr=0.03)
    learn(model, scaling(X), y, loss="cross_entropy", optimizer=optimizer, epochs=200)
    return model, scaling


#: Patterns of bits, or what they are to give.
_Bits: TypeAlias = list[list[float]]


def _table(n: int, yes: Callable[[list[float]], bool]) -> tuple[_Bits, _Bits]:
    """All patterns of n bits, and whether each is one to say yes to."""
    X = [[float(bit) for bit in bits] for bits in product((0, 1), repeat=n)]
    return X, [[float(yes(x))] for x in X]


def _place(model: MLP, X: _Bits, y: _Bits) -> dict[str, float]:
    """Where a net is on the surface of its error, and how that is sloped and bent there."""
    import numpy as np  # late, as in spiral

    E = f.sum([half_squared_error(model(x), t) for x, t in zip(X, y, strict=True)])
    parameters = model.parameters()
    curved = [[h.data for h in row] for row in hessian(E, parameters)]
    return {
        "E": E.data,
        "|gradient|": math.hypot(*[g.data for g in grad(E, parameters)]),
        "smallest eigenvalue of the Hessian": float(np.linalg.eigvalsh(curved)[0]),
        "largest weight": max(abs(p.data) for p in parameters),
    }


def _right(model: Any, X: _Bits, y: _Bits) -> list[bool]:
    """Of each pattern whether all outputs are on the right side of 1/2."""
    return [
        all((a > 0.5) == (t > 0.5) for a, t in zip(given, wanted, strict=True))
        for given, wanted in zip(predict(model, X), y, strict=True)
    ]


def _run(
    sizes: list[int], limit: float, seed: int, X: _Bits, y: _Bits, *, rate: float, most: int
) -> tuple[MLP, SGD, int | None]:
    """Sigmoid units, trained until all patterns are right: in how many sweeps, None beyond `most`.

    Weights and biases are uniform in (-limit, limit) at the start.
    """
    model = MLP(sizes[0], sizes[1:], "sigmoid", "sigmoid", init="zeros")
    rng = random.Random(seed)
    for p in model.parameters():
        p.data = rng.uniform(-limit, limit)
    # the rate is for the sum over all patterns, where training takes the mean
    optimizer = SGD(model.parameters(), lr=rate * len(X), momentum=0.9)
    stops = [lambda epoch: epoch.accuracy == 1]
    history = learn(model, X, y, optimizer=optimizer, epochs=most, callbacks=stops)
    return model, optimizer, len(history) - 1 if history.accuracy[-1] == 1 else None


def _first(
    starts: int, sizes: list[int], limit: float, X: _Bits, y: _Bits, **options: Any
) -> tuple[int, MLP, SGD, int | None]:
    """The first start that learns it, else the last: its number, and what `_run` gives."""
    for k in range(whole("starts", starts)):
        found = _run(sizes, limit, k, X, y, **options)
        if found[2] is not None:
            break
    return k, *found


def nearly(outputs: list[Value], targets: Iterable[Any]) -> Value:
    """1/2 sum (what an output is further than 0.2 from its target)^2."""
    pairs = zip(outputs, targets, strict=True)
    return 0.5 * f.sum([f.relu(abs(a - t) - 0.2) ** 2 for a, t in pairs])  # type: ignore[no-any-return]


def triples(family: str) -> Iterator[tuple[str, str, str]]:
    """(person, relation, who is meant), one by one."""
    children: dict[tuple[str, ...], list[str]] = {}
    for couple, _, names in (part.partition(":") for part in printed(family)):
        children[tuple(couple.split("="))] = names.split(",") if names else []
    for (he, she), both in children.items():
        yield from ((he, "wife", she), (she, "husband", he))
        for k, (child, other) in enumerate(zip(both, reversed(both), strict=True)):
            yield from ((child, "father", he), (child, "mother", she))
            yield from ((parent, ("son", "daughter")[k], child) for parent in (he, she))
            yield other, ("brother", "sister")[k], child
            uncles = next((couple for couple in children if other in couple), ())
            nephews = next((theirs for couple, theirs in children.items() if child in couple), [])
            for (i, uncle), (j, nephew) in product(enumerate(uncles), enumerate(nephews)):
                yield nephew, ("uncle", "aunt")[i], uncle
                yield uncle, ("nephew", "niece")[j], nephew
