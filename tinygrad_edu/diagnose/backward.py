"""What is wrong in a student's backward pass: the first array that their own do not explain."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.claims import SINGLE, Claims, agree, conventions, read
from tinygrad_edu.diagnose.diagnosis import Diagnosis
from tinygrad_edu.diagnose.equation_rewrites import FITTED, FREE, RARER, SUMMED, Rewrite, local
from tinygrad_edu.diagnose.equations import Equations, places
from tinygrad_edu.diagnose.layer_rewrites import rewrites
from tinygrad_edu.expr import Expr
from tinygrad_edu.vectorize import Program
from tinygrad_edu.vectorize.arrays import in_shapes, largest


def diagnose_backward(
    program: Program, claims: Mapping[str, ArrayLike], *arrays: ArrayLike
) -> Diagnosis:
    """Where a student's backward pass first goes wrong, and by which slip.

        diagnose_backward(program, {"delta2": delta2, "dW2": dW2}, X, y)

    `program` is that of `vectorize`, `claims` are the student's arrays under the names of
    `print(program.source)`, any subset of them; `arrays` are what the program takes, X and y. Each
    claim is judged by the student's own claims before it; the first that they do not explain is
    `where`, or an array behind it that is not shown. Examples in columns, weights with a row per
    input, flat biases and float32 are told, and no slips. Raises TypeError for what is no such
    program, dict or array, ValueError for an unknown name and a program that draws numbers.
    """
    instance("program", program, Program, "a program of vectorize")
    if not program.has_loss:
        raise TypeError("the program has no gradient: its function gives no loss of parameters")
    if program.samples:
        raise ValueError("the program draws random numbers: its arrays are others at each call")
    arranged, _ = in_shapes(arrays, program.names, program.tape.shapes)
    program.plan.check_classes(arranged)
    program.read_parameters()
    with np.errstate(all="ignore"):
        equations = Equations(program, arranged)
        given = read(claims, equations)
        judges = [_Judge(equations, arranged) for arranged in conventions(given, equations)]
        judge = next((judge for judge in judges if not judge.wrong), judges[0])
        if judge.wrong and not judge.found and given.relative < SINGLE:
            told = f"{judge.claims.told}, as exact as float32"
            judge = _Judge(equations, judge.claims._replace(relative=SINGLE, told=told))
        return judge.diagnosis()


#: From so many numbers on a claim is large.
_LARGE: Final = 20_000
#: So many pairs of slips are tried.
_MOST: Final = 8_000


class _Found(NamedTuple):
    """An explanation: the array it is about, the slip, what is said.

    `rank` is lower for a better one: how many wrong claims of the layer it leaves, how far-fetched.
    """

    where: str
    slip: str
    says: str
    rank: tuple[float, float]


class _Judge:
    """Claims, and every array from the claims before it."""

    def __init__(self, equations: Equations, claims: Claims) -> None:
        self.equations, self.claims = equations, claims
        self.usable = claims.usable(equations)
        self.own = equations.numbers(self.usable)
        self._tolerances: dict[str, float] = {}
        rng = np.random.default_rng(0)

        def shaken(name: str, a: Any) -> Any:
            if not isinstance(a, np.ndarray) or np.array_equal(a, np.round(a)):
                return a  # class numbers
            step = claims.relative * largest(a) + claims.absolute * (name in self.usable)
            return a + step * rng.uniform(-1, 1, a.shape)

        self.shaken = [equations.numbers(self.usable, shaken) for _ in range(3)]
        order = [name for name in equations.order if name in claims.arrays]
        self.wrong = next((name for name in order if not self.is_explained(name)), "")
        """The first claim that is not what the claims before it give; "" if there is none."""

    def is_explained(self, name: str) -> bool:
        return agree(self.claims.arrays[name], self.own_value(name), self.tolerance(name))

    def tolerance(self, name: str) -> float:
        """How far a claim may be off, given how exact the claims are."""
        if name not in self._tolerances:
            self._tolerances[name] = self._tolerance(name)
        return self._tolerances[name]

    def _tolerance(self, name: str) -> float:
        x, numbers = self.equations.all[name], self.own_value(name)
        off = max(largest(self.equations.value(x, shaken) - numbers) for shaken in self.shaken)
        return 5 * off + 5 * self.claims.relative * largest(numbers) + self.claims.absolute

    def diagnosis(self) -> Diagnosis:
        """The best explanation; others that are as good are told."""
        if not self.wrong:
            return Diagnosis(True, "", "", f"It is right{self.claims.told}.")
        found = self.found or self.tried(_Trial.pairs)
        where = found[0].where if found else self.located()
        right = f"It should be {where} = {self.equations.written(self.equations.all[where])}."
        if not found:
            says = f"{where} is wrong{self.seen(where)}."
            return Diagnosis(False, where, "unknown", f"{says} {right}")
        best, *rest = found
        ties = [f for f in rest if f.rank == best.rank and (f.where, f.slip) != best[:2]]
        says = f"{where}: {best.says}."
        if ties:
            others = list(dict.fromkeys(f"{f.where}: {f.says}" for f in ties))[:2]
            says += f" The same numbers come of this: {'; '.join(others)}."
        also = tuple(dict.fromkeys(f.slip for f in ties if f.slip != best.slip))
        return Diagnosis(False, where, best.slip, f"{says} {right}", also)

    def seen(self, name: str) -> str:
        """The number of a claim that is the furthest off, or its shape."""
        claim, numbers = self.claims.arrays.get(name), self.own_value(name)
        if claim is None:
            return ""
        if name not in self.usable:
            return f": its shape is {claim.shape}, not {numbers.shape}"
        off = np.abs(self.usable[name] - numbers)
        place = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        at = ", ".join(map(str, place))
        return f": {name}[{at}] is {self.usable[name][place]:.6g}, not {numbers[place]:.6g}"

    def own_value(self, name: str) -> Any:
        """What the claims before it give for an array."""
        return self.equations.value(self.equations.all[name], self.own)

    def hidden(self, name: str) -> list[str]:
        """The arrays backward behind a claim that are not shown, the nearest first."""
        behind = self.equations.behind(name, self.usable)
        return [n for n in behind if n in self.equations.backward]

    @cached_property
    def layer(self) -> list[str]:
        """The claims up to the end of the layer of the first wrong one."""
        order = self.equations.order
        start = order.index(self.wrong) + 1
        deltas = [k for k, name in enumerate(order) if k >= start and name.startswith("delta")]
        return [n for n in order[: deltas[0] if deltas else None] if n in self.claims.arrays]

    def located(self) -> str:
        """Where it is wrong, if no slip explains it: what all wrong claims of the layer use."""
        wrong = [n for n in self.layer if not self.is_explained(n)]
        for hidden in self.hidden(self.wrong):
            readers = [n for n in self.layer if hidden in self.hidden(n)]
            if len(readers) > 1 and readers == wrong:
                return hidden
        return self.wrong

    @cached_property
    def trials(self) -> list["_Trial"]:
        return [_Trial(self, place) for place in (self.wrong, *self.hidden(self.wrong))]

    @cached_property
    def found(self) -> list[_Found]:
        """The explanations by a single slip, the best first."""
        return self.tried(lambda trial: trial.rewrites) if self.wrong else []

    def tried(self, candidates: Callable[["_Trial"], Iterable[Rewrite]]) -> list[_Found]:
        """The explanations among the candidates, the best first."""
        found = [
            f
            for trial in self.trials
            for r in candidates(trial)
            if (free := trial.explains(r)) is not None
            for f in self.named(trial, r, free)
        ]
        return sorted(found, key=lambda f: f.rank)

    def named(self, trial: "_Trial", r: Rewrite, free: float) -> Iterator[_Found]:
        """What an explanation is called, with the number that was found for FREE."""
        if r.free and not self.is_plausible(r.free, free, trial.count):
            return
        cost = r.cost + self.strangeness(free, r.free) if r.free else r.cost
        if r.slip:
            yield _Found(trial.place, r.slip, self.said(r, free), (trial.left, cost))
            return
        for slip, text, more in self.factors(free, trial.place):
            where = trial.place
            if slip in ("not reset", "mean for sum"):  # a slip of the sums over the examples
                where = trial.behind[0]
            yield _Found(where, slip, text, (trial.left, cost + more))
            if slip == "constant factor":  # of an array that is not shown, or of all made of it
                yield _Found(trial.behind[0], slip, text, (trial.left, cost + more))

    def said(self, r: Rewrite, free: float) -> str:
        """What is said of a rewrite, its parts written as the program has them."""
        texts = [
            self.said(a, free) if isinstance(a, Rewrite) else self.equations.written(a)
            for a in (part if f"{{{k}}}" in r.says else "" for k, part in enumerate(r.parts))
        ]
        return r.says.format(*texts, free=f"{free:.6g}", inverse=f"{1 / (free or 1):.6g}")

    def is_plausible(self, kind: str, t: float, count: int) -> bool:
        """Whether a number that was fitted to `count` numbers says anything."""
        match kind:
            case "factor" if abs(t - 1) < 1e-4:
                return False
            case "term" if min(abs(t - x) for x in (-1, 0, 1)) < 1e-4:
                return False
            case "share":
                n = 1 / t if t else 0.0
                return abs(n - round(n)) < 1e-6 and round(n) in self.equations.sizes
        return count > 1 or not self.strangeness(t, kind)

    def strangeness(self, t: float, kind: str) -> float:
        """How unlikely it is that a learner wrote a number: 0 for 0.1 and 1/B, 2 for 0.48371."""
        B = self.equations.B
        plain = (t, t / B) if kind == "rate" else (t, t * B, t / B, 1 / (t or 1.0))
        strange = all(abs(x - float(f"{x:.2g}")) > 1e-7 * abs(x) for x in plain)
        return 2.0 * strange + 0.5 * (kind == "rate") * ((t > 1) + 2 * (t < 0 or t > B))

    @cached_property
    def outputs(self) -> int:
        """How many outputs the loss is a mean of; 1 if it is none."""
        for x in self.equations.forward.values():
            match x:
                case Expr(op="divide", args=(Expr(op="rowsum"), n)) if not isinstance(n, Expr):
                    return int(n)
        return 1

    def summed(self, place: str) -> int:
        """How many units an error comes from."""
        products = [a for a, _ in places(self.equations.all[place]) if isinstance(a, Expr)]
        errors = [a.args[0] for a in products if a.op == "@"]
        return max((np.shape(self.equations.value(d, self.own))[1] for d in errors), default=1)

    def factors(self, t: float, place: str) -> Iterator[tuple[str, str, float]]:
        """What a factor t may be: (slip, what is said, how far-fetched beside others)."""
        B = self.equations.B

        def is_(x: float) -> bool:
            return abs(t - x) <= 1e-6 * abs(x)

        times = f"it is {t:.6g} times what it should be"
        if is_(-1) or is_(-B):
            missing = ", and / B is missing" * is_(-B)
            yield "sign", f"the sign is wrong{missing}", RARER if missing else 0.1
        elif abs(t) < 1e-9:
            yield "bias" if place.startswith("db") else "term missing", "it is 0", 0
        elif is_(B):
            yield "sum for mean", SUMMED, 0
        elif self.outputs > 1 and (is_(self.outputs) or is_(self.outputs * B)):
            missing = f", and {SUMMED}" * is_(self.outputs * B)
            yield "sum for mean", f"the outputs are summed, not averaged{missing}", 0.2
        elif place.startswith("delta") and 1 < 1 / t < 1e4 and is_(1 / self.summed(place)):
            yield "mean for sum", "the mean over the units above stands where the sum belongs", 0.3
        elif is_(1 / B):
            yield "mean for sum", "the mean over the examples is taken twice", 0
        elif t > 2 and is_(round(t)):
            yield "not reset", f"{times}, as if it was added up so often", 0.5
        if is_(2 * B) or is_(B / 2):
            yield "sum for mean", f"{SUMMED}, and a factor {t / B:g} is there", 0.6
        yield "constant factor", times, 0.15 if is_(2) or is_(0.5) else 0.75


class _Trial:
    """What follows from another equation for an array, compared with the claims of the layer.

    Of a large claim only its product with one column is compared at first.
    """

    def __init__(self, judge: _Judge, place: str) -> None:
        self.judge, self.place, self.equations = judge, place, judge.equations
        self.rewrites = [*rewrites(place, judge.equations, judge.usable)]
        self.behind = [n for n in judge.layer if n == place or place in judge.hidden(n)]
        self.paths = {n: self.between(n) for n in self.behind}
        self.left = sum(not judge.is_explained(n) for n in judge.layer if n not in self.behind)
        parts = [x for x, _ in places(self.equations.all[place]) if isinstance(x, Expr)]
        self.known = {id(x): self.equations.value(x, judge.own) for x in parts}
        self.whole = {n: judge.claims.arrays[n] for n in self.behind}
        self.count = sum(a.size for a in self.whole.values())
        rng = np.random.default_rng(0)
        self.columns = {
            n: rng.uniform(0, 1, (a.shape[1], 1)) / a.shape[1]
            for n, a in self.whole.items()
            if a.size > _LARGE and n in judge.usable and a.ndim == 2
        }
        self.claims = {
            n: a @ self.columns[n] if n in self.columns else a for n, a in self.whole.items()
        }

    def between(self, name: str) -> list[str]:
        """What is to be computed anew for a claim, in order."""
        hidden = [n for n in self.judge.hidden(name) if self.place in self.judge.hidden(n)]
        return hidden[::-1]

    def pairs(self) -> Iterator[Rewrite]:
        """Two slips in one equation."""
        if self.count < 2 or self.judge.claims.absolute:
            return iter(())  # they would fit by accident
        most = _MOST // len(self.judge.trials) // (1 + np.size(self.judge.own[self.place]) // 500)
        return islice(self._pairs(), most)

    def _pairs(self) -> Iterator[Rewrite]:
        for r in self.rewrites:
            if not r.free:
                times = "it has the factor {free}"
                factor = Rewrite(FREE * r.x, "constant factor", times, (), FITTED, "number")
                for second in (factor, *local(r.x)):
                    both = second._replace(slip=r.slip, says="{0}, and {1}", parts=(r, second))
                    yield both._replace(cost=r.cost + second.cost)

    def numbers(self, x: Any, free: float, *, whole: bool = False) -> Iterator[Any]:
        """The arrays that are claimed, in order, if the place has this expression."""
        found = {**self.judge.own, FREE.name: free}
        alone = self.behind == [self.place] and not whole
        if not alone:
            found[self.place] = self.equations.value(x, found, self.known)
        for name in self.behind:
            for between in self.paths[name]:
                found[between] = self.equations.value(self.equations.all[between], found)
            own, known = (x, self.known) if name == self.place else (self.equations.all[name], {})
            if name in self.columns and not whole:
                yield self.equations.projected(own, self.columns[name], found, known)
            else:
                yield np.asarray(self.equations.value(own, found, known))

    def explains(self, r: Rewrite) -> float | None:
        """The free number with which a rewrite gives the claims, 0 if it has none; None if not."""
        try:
            free = self.fit(r.x) if r.free else 0.0
            if free is None or not self.agrees(r.x, free, self.claims):
                return None
            return free if self.agrees(r.x, free, self.whole) else None
        except ValueError:  # the shapes do not go together
            return None

    def agrees(self, x: Any, free: float, claims: Mapping[str, Any]) -> bool:
        if claims is self.whole and not self.columns:
            return True
        relative = 5 * self.judge.claims.relative
        numbers = self.numbers(x, free, whole=claims is self.whole)
        return all(
            agree(claims[name], a, self.judge.tolerance(name) + relative * largest(a))
            for name, a in zip(self.behind, numbers, strict=True)
        )

    def fit(self, x: Any) -> float | None:
        """The free number for which the claims come out nearest; they depend on it linearly."""
        claims = [np.squeeze(self.claims[n]) for n in self.behind]
        at_0, at_1 = ([np.squeeze(a) for a in self.numbers(x, t)] for t in (0.0, 1.0))
        if [a.shape for a in at_1] != [a.shape for a in claims]:
            return None
        base, one, claim = (
            np.concatenate([a.ravel() for a in arrays]) for arrays in (at_0, at_1, claims)
        )
        size = float((one - base) @ (one - base))
        free = float((one - base) @ (claim - base)) / size if size else np.nan
        return free if np.isfinite(free) else None
