"""Hinton's family trees: a net is told who is whose relative, and finds out what people are."""

import random
from collections.abc import Iterable, Iterator
from itertools import chain, product
from typing import Any

from tinygrad_edu import functions as f
from tinygrad_edu.checks import whole
from tinygrad_edu.classics.classic import Classic, Row, classic, printed
from tinygrad_edu.engine import Value
from tinygrad_edu.nn import MLP, Layer, Module
from tinygrad_edu.optim import SGD
from tinygrad_edu.train import fit, predict

__all__ = ["family_trees"]


class FamilyNet(Module):
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
        model, order = FamilyNet(rng), rng.sample(range(len(X)), len(X))
        seen, n = [[rows[i] for i in order[4:]] for rows in (X, y)], len(X) - 4
        for rate, momentum, sweeps in ((0.05, 0.5, 20), (0.1, 0.9, 1480)):
            decay = 0.001 * (1 - momentum) / (rate * n)
            optimizer = SGD(model.parameters(), rate * n, momentum=momentum, weight_decay=decay)
            fit(model, *seen, loss=nearly, optimizer=optimizer, epochs=sweeps, progress=False)
        right = [
            all((a > 0.5) == (t > 0.5) for a, t in zip(given, wanted, strict=True))
            for given, wanted in zip(predict(model, X), y, strict=True)
        ]
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
