"""The perceptron: a threshold unit with its training rule, its boundary, and Boolean functions.

Numbers only: a threshold has no gradient to learn from. Source: F. Rosenblatt, "The perceptron",
Psychological Review 65 (1958).
"""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

from tinygrad_edu import checks
from tinygrad_edu.checks import as_random, finite, flag, instance, one_of, real, row, whole
from tinygrad_edu.engine.other_names import OF_PERCEPTRONS, add_names
from tinygrad_edu.examples import examples
from tinygrad_edu.namespace import dot
from tinygrad_edu.nn.mode import check_count
from tinygrad_edu.nn.registry import Savable, register

__all__ = ["GATES", "Perceptron", "PerceptronHistory", "gate", "truth_table", "xnor", "xor"]

#: The lecture's weights of the Boolean functions that one unit can compute, bias first.
#: NOR is the lecture's (NOT x1) AND (NOT x2).
GATES: Final[dict[str, tuple[float, ...]]] = {
    "AND": (-30.0, 20.0, 20.0),
    "NOR": (10.0, -20.0, -20.0),
    "NOT": (10.0, -20.0),
    "OR": (-10.0, 20.0, 20.0),
}


#: So many bits of coefficients are computed, for about a second, to decide what is separable.
_BITS: Final = 50_000_000


class PerceptronHistory(NamedTuple):
    """What `Perceptron.fit` recorded.

    `mistakes` counts the wrong answers of each epoch, the last 0 if training converged. `weights`
    are (w0, w1, ..., wn) at the start and after each update: online one per mistake, in batch one
    per epoch with mistakes. `separable` says whether any weights are right for all examples, and
    is None where that is not known.
    """

    mistakes: list[int]
    weights: list[tuple[float, ...]]
    separable: bool | None = None

    @property
    def converged(self) -> bool:
        """Whether the last epoch had no mistake: the data are linearly separable."""
        return self.mistakes[-1] == 0

    @property
    def epochs(self) -> int:
        """Number of passes over the data, the one without mistakes included."""
        return len(self.mistakes)

    @property
    def summary(self) -> str:
        """How training ended and what is known of the classes, in a line."""
        if self.converged:
            return f"converged: {len(self.weights) - 1} updates in {self.epochs} epochs"
        if self.separable is False:
            return f"not linearly separable: stopped after {self.epochs} epochs"
        known = "the classes are linearly separable"
        if self.separable is None:
            known = f"whether {known} is open"
        return f"no end within {self.epochs} epochs; {known}"

    def __repr__(self) -> str:
        return f"PerceptronHistory({self.summary})"


@register("nin")
class Perceptron(Savable):
    """A threshold unit on `nin` inputs: a = 1 if w0 + w1 x1 + ... + wn xn > 0, else 0.

    `w` is (w0, w1, ..., wn), the bias first; without it all are 0.

    >>> unit = Perceptron(2)
    >>> unit.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 1])
    PerceptronHistory(converged: 4 updates in 4 epochs)
    >>> unit
    Perceptron(2, w=[0.0, 1.0, 1.0])
    >>> unit([0, 1])
    1
    """

    def __init__(self, nin: int, *, w: Iterable[float] | None = None) -> None:
        self.nin = whole("nin", nin)
        check_count(f"perceptrons of {self.nin} inputs", self.nin + 1)
        self.w = row("w", [0.0] * (self.nin + 1) if w is None else w)
        if len(self.w) != self.nin + 1:
            raise ValueError(
                f"w has {len(self.w)} numbers, expected {self.nin + 1}: the bias first, then a "
                "weight per input"
            )

    def net_input(self, x: Iterable[float]) -> float:
        """w0 + w1 x1 + ... + wn xn."""
        return dot(self.w, (1.0, *row("x", x, self.nin)))

    def __call__(self, x: Iterable[float]) -> int:
        """The output for `nin` numbers, 0 or 1. Raises TypeError for Values."""
        return int(self.net_input(x) > 0)

    def fit(
        self,
        X: Iterable[Iterable[float]],
        y: Iterable[float],
        *,
        lr: float = 1.0,
        batch: bool = False,
        epochs: int = 100,
        rng: int | random.Random | None = None,
    ) -> PerceptronHistory:
        """Train from the present weights until an epoch has no mistake, at most `epochs` epochs.

        `X` is n rows of `nin` numbers. The targets `y` say which form of the rule runs, x0 = 1:

        - 0 and 1: w += lr (y - a) x after each example; the lecture's eta is `lr`, eta << 1;
        - -1 and 1: if y w.x <= 0 then w += lr y x; the lecture's rule has lr = 1.

        They differ on the boundary alone, w.x = 0, a mistake for the label -1 and none for the
        target 0. From weights 0, `lr` does no more than scale them. With `batch` the changes of
        an epoch are summed and applied at its end. Examples come as given, or with `rng` shuffled
        anew in each epoch.

        If the data are linearly separable the rule converges: from weights 0, online with -1 and
        1, after at most (R / gamma)^2 mistakes, R the largest |x| and gamma the margin, x0
        included (Novikoff 1962). Where training was stopped, the history says whether they are,
        unless to decide it would take too long.
        """
        pairs = _examples(X, y, self.nin)
        lr, epochs = real("lr", lr, above=0), whole("epochs", epochs)
        batch = flag("batch", batch)
        gen = None if rng is None else as_random(rng)
        labels = any(t < 0 for _, t in pairs)
        history = PerceptronHistory([], [tuple(self.w)])
        while len(history.mistakes) < epochs:
            if gen is not None:
                gen.shuffle(pairs)
            mistakes, total = 0, [0.0] * len(self.w)
            for x, t in pairs:
                z = dot(self.w, x)
                e = (0.0 if t * z > 0 else t) if labels else t - (z > 0)
                if e:
                    mistakes += 1
                    delta = [lr * e * xi for xi in x]
                    if batch:
                        total = _sum(total, delta)
                    else:
                        self._update(delta, history)
            if batch and mistakes:
                self._update(total, history)
            history.mistakes.append(mistakes)
            if not mistakes:
                return history._replace(separable=True)
        return history._replace(separable=_separable(pairs))

    def _update(self, delta: list[float], history: PerceptronHistory) -> None:
        w = _sum(self.w, delta)
        if not all(map(math.isfinite, w)):
            raise OverflowError("the weights grew beyond the largest float: scale the inputs")
        self.w = w
        history.weights.append(tuple(w))

    def hyperplane(self) -> tuple[float, tuple[float, ...]]:
        """The decision boundary w0 + w.x = 0 as (w0, w); w is its normal and points to a = 1."""
        return self.w[0], tuple(self.w[1:])

    def distance(self, x: Iterable[float]) -> float:
        """Signed distance (w0 + w.x) / |w| of a point to the boundary, > 0 where a = 1."""
        return self.net_input(x) / self._length()

    def line(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The boundary in the plane as two points: the one nearest the origin, and one 1 further.

        `axes.axline(*unit.line())` draws it, a vertical one too. Where w2 is not 0 it is
        x2 = -(w1 / w2) x1 - w0 / w2. Raises ValueError unless `nin` is 2.
        """
        if self.nin != 2:
            raise ValueError(f"line() needs 2 inputs, got nin={self.nin}: use hyperplane()")
        length = self._length()
        a, b = self.w[1] / length, self.w[2] / length
        c = -self.w[0] / length
        return (c * a, c * b), (c * a - b, c * b + a)

    def _length(self) -> float:
        length = math.hypot(*self.w[1:])
        if not length:
            raise ValueError(
                "there is no boundary: all weights but the bias are 0, train the unit or give w"
            )
        return length

    def state_dict(self) -> dict[str, float]:
        """The weights by name, the bias first: w[0], w[1], ..., w[nin]."""
        return {f"w[{k}]": w for k, w in enumerate(self.w)}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Set the weights to the numbers of `state`. Raises ValueError unless the names fit."""
        names = list(self.state_dict())
        if set(instance("state", state, Mapping, "a dict of numbers by name")) != set(names):
            raise ValueError(f"the state does not fit {self!r:.80}: it needs w[0] to w[{self.nin}]")
        self.w = [finite(name, state[name]) for name in names]

    def __repr__(self) -> str:
        return f"Perceptron({self.nin}, w={self.w})"


add_names(Perceptron, OF_PERCEPTRONS)


def gate(name: str) -> Perceptron:
    """A new unit with the lecture's weights for AND, OR, NOT or NOR; XOR and XNOR need several."""
    w = GATES[one_of("gate", name, GATES)]
    return Perceptron(len(w) - 1, w=w)


def xnor(x: Iterable[float]) -> int:
    """x1 XNOR x2 = (x1 AND x2) OR ((NOT x1) AND (NOT x2)): two hidden units, one output unit."""
    x = row("x", x, 2)
    return gate("OR")([gate("AND")(x), gate("NOR")(x)])


def xor(x: Iterable[float]) -> int:
    """x1 XOR x2: the hidden units of `xnor`, with NOR as output unit."""
    x = row("x", x, 2)
    return gate("NOR")([gate("AND")(x), gate("NOR")(x)])


def truth_table(
    function: Callable[[tuple[int, ...]], int], nin: int = 2
) -> dict[tuple[int, ...], int]:
    """The output for each of the 2^nin inputs of 0 and 1.

    >>> truth_table(xor)
    {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    >>> truth_table(gate("NOT"), 1)
    {(0,): 1, (1,): 0}
    """
    checks.function("function", function, "a row of 0 and 1")
    return {x: function(x) for x in product((0, 1), repeat=whole("nin", nin, most=16))}


def _separable(pairs: Iterable[tuple[tuple[float, ...], float]]) -> bool | None:
    """Whether some w has x.w > 0 just where the target is 1: exact, None if it takes too long.

    With -x for x where the target is not 1, and w long enough, s = x.w - 1 >= 0 is asked of all x.
    In these equations each w is exchanged for an s and left out, then an s that is below 0 where
    the others are 0 for one with which it rises, until there is none below 0, or one that cannot
    rise. The coefficients are integers over one denominator.
    """
    signed = dict.fromkeys(tuple(v if t > 0 else -v for v in x) for x, t in pairs)
    scaled = [_integers(column) for column in zip(*signed, strict=True)]
    rows = {k: [-1, *x] for k, x in enumerate(zip(*scaled, strict=True))}  # of s number k
    others: list[int | None] = [None] * (1 + len(scaled))  # which s a column is of; None is a w
    over, places, bits = 1, range(1, len(others)), 0
    while bits < _BITS:
        free = ((k, c) for c in places if others[c] is None for k, row in rows.items() if row[c])
        k, c = next(free, (0, 0))
        if not c:
            below, k = min(((row[0] * over, k) for k, row in rows.items()), default=(0, 0))
            if below >= 0:
                return True
            c = next((c for c in places if rows[k][c] * over > 0), 0)
            if not c:
                return False
        row, other = rows.pop(k), others[c]
        for i, r in rows.items():
            rows[i] = [(a * row[c] - r[c] * b) // over for a, b in zip(r, row, strict=True)]
            rows[i][c] = r[c]
        if other is not None:
            rows[other] = [-b for b in row]
            rows[other][c] = over
        others[c], over = k, row[c]
        bits += len(rows) * len(others) * over.bit_length()
    return None


def _integers(numbers: Sequence[float]) -> list[int]:
    """The numbers times their common denominator, a power of 2."""
    ratios = [x.as_integer_ratio() for x in numbers]
    common = math.lcm(*(d for _, d in ratios))
    return [n * (common // d) for n, d in ratios]


def _sum(a: list[float], b: list[float]) -> list[float]:
    return [ai + bi for ai, bi in zip(a, b, strict=True)]


def _examples(
    X: Iterable[Iterable[float]], y: Iterable[float], nin: int
) -> list[tuple[tuple[float, ...], float]]:
    """Rows with x0 = 1 in front, and their targets."""
    rows, wanted = examples(X, y)
    if len(rows[0]) != nin:
        raise ValueError(f"X[0] has {len(rows[0])} numbers, expected {nin}")
    targets = [t[0] if isinstance(t, list) and len(t) == 1 else t for t in wanted]
    for i, t in enumerate(targets):
        if t not in (-1, 0, 1):
            raise ValueError(
                f"y[{i}] is {t!r}: a perceptron takes targets 0 and 1, or labels -1 and 1"
            )
    if {-1, 0} <= set(targets):
        raise ValueError("y holds both -1 and 0: use targets 0 and 1, or labels -1 and 1")
    return [((1.0, *x), t) for x, t in zip(rows, targets, strict=True)]
