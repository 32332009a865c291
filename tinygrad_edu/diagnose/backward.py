"""What is wrong in a student's backward pass: the first array that their own do not explain."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.checks import instance
from tinygrad_edu.diagnose.diagnosis import Diagnosis
from tinygrad_edu.diagnose.equations import Equations, evaluate, places
from tinygrad_edu.diagnose.rewrites import RARER, SUMMED, Rewrite
from tinygrad_edu.diagnose.student import SINGLE, Pass, Trial, conventions, read
from tinygrad_edu.expr import Expr
from tinygrad_edu.nn import UNIT_ACTIVATIONS, Layer
from tinygrad_edu.vectorize import Program
from tinygrad_edu.vectorize.arrays import in_shapes
from tinygrad_edu.view.network.network import Network, network


def diagnose_backward(
    program: Program,
    claims: Mapping[str, ArrayLike] | Callable[..., Mapping[str, ArrayLike]],
    *arrays: ArrayLike,
) -> Diagnosis:
    """Where a student's backward pass first goes wrong, and by which slip.

    >>> from tinygrad_edu import MLP, losses, vectorize
    >>> net, X, y = MLP(2, [3, 1], "tanh", rng=0), [[0.5, -1.0], [1.0, 2.0]], [1.0, 0.0]
    >>> program = vectorize(lambda x, t: losses.squared_error(net(x), t), X[0], y[0])
    >>> print(diagnose_backward(program, lambda Z2, Y: {"delta2": 2 * (Y - Z2) / 2}, X, y))
    delta2: Z2 - Y is the wrong way round. It should be delta2 = 2 * V1 / B.

    `program` is that of `vectorize`, `claims` are the student's arrays under the names of
    `print(program.source)`, any subset of them, or a function that gives these: it is called with
    the arrays that its parameters name, as `backward(W1, b1, X, Y)`, and may return locals();
    those of the program are matrices, x and y are as they were given.
    `arrays` are what the program takes, X and y. Each
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
    arranged = in_shapes(arrays, program.names, program.tape.shapes)
    program.plan.check_classes(arranged)
    program.read_parameters()
    with np.errstate(all="ignore"):
        equations = Equations(program, arranged)
        as_given = zip(map(str.lower, program.names), arrays, strict=True)
        given = read(claims, equations, dict(as_given))
        passes: list[Pass] = []
        for arrangement in conventions(given, equations):
            passes.append(Pass(equations, arrangement))
            if not passes[-1].wrong:
                return _right(passes[-1])
        fit = max(passes, key=lambda student: len(student.usable))
        search = _Search(fit)
        if not search.found and given.relative < SINGLE:
            told = (*fit.claims.told, "as exact as float32")
            fit = Pass(equations, fit.claims._replace(relative=SINGLE, told=told))
            if not fit.wrong:
                return _right(fit)
            search = _Search(fit)
        return search.diagnosis()


def _right(student: Pass) -> Diagnosis:
    return Diagnosis(True, "", "", f"{', '.join(['It is right', *student.claims.told])}.")


def _net_of(equations: Equations, where: str) -> Network | None:
    """The net of a program with a place marked, at the first example; None if it is none."""
    layers: list[Layer] = []
    width = equations.true["X"].shape[-1]
    while isinstance(W := equations.true.get(f"W{len(layers) + 1}"), np.ndarray):
        k = len(layers) + 1
        if W.shape[1:] != (width,):
            return None
        place = next((n for n in (f"delta{k}", f"dZ{k}") if n in equations.slopes), "")
        name = equations.slopes[place].name if place else ""
        known = name in UNIT_ACTIVATIONS
        layers.append(Layer(width, width := len(W), name if known else "linear", init="zeros"))
        biases = equations.true.get(f"b{k}", np.zeros((1, width)))
        for unit, row, b in zip(layers[-1].neurons, W, biases.ravel(), strict=True):
            for p, number in zip(unit.parameters(), (*row, b), strict=True):
                p.data = float(number)
    return network(layers, equations.true["X"][0], mark=where, max_units=8) if layers else None


class _Found(NamedTuple):
    """An explanation: the array it is about, the slip, what is said.

    `rank` is lower for a better one: how many wrong claims of the layer it leaves, how far-fetched.
    """

    where: str
    slip: str
    says: str
    rank: tuple[float, float]


class _Search:
    """Looks for the slip that explains the first wrong claim of a pass; `found` are single ones."""

    def __init__(self, student: Pass) -> None:
        self.student, self.equations = student, student.equations
        self.trials = [Trial(student, n) for n in (student.wrong, *student.hidden(student.wrong))]
        self.found = self.tried(lambda trial: trial.rewrites)

    def diagnosis(self) -> Diagnosis:
        """The best explanation; others that are as good are told."""
        found = self.found or self.tried(Trial.pairs)
        where = found[0].where if found else self.located()
        right = f"It should be {self.line(where)}."
        if axes := [told for told in self.student.claims.told if told.startswith("with")]:
            right += f" It was read {' and '.join(axes)}."
        shown = where if where in self.student.claims.arrays else self.student.wrong
        of = partial(
            Diagnosis, False, where, correction=right, numbers=self.student.furthest_off(shown),
            program=tuple(map(self.line, self.equations.all)),
            drawn=partial(_net_of, self.equations, where),
        )  # fmt: skip
        if not found:
            return of("unknown", f"{where} is wrong{self.student.seen(where)}.")
        best, *rest = found
        ties = [f for f in rest if f.rank == best.rank and (f.where, f.slip) != best[:2]]
        says = f"{where}: {best.says}."
        if ties:
            others = list(dict.fromkeys(f"{f.where}: {f.says}" for f in ties))[:2]
            says += f" The same numbers come of this: {'; '.join(others)}."
        also = tuple(dict.fromkeys(f.slip for f in ties if f.slip != best.slip))
        return of(best.slip, says, also=also)

    def line(self, name: str) -> str:
        """The line of the program for an array."""
        return f"{name} = {self.equations.written(self.equations.all[name])}"

    def located(self) -> str:
        """Where it is wrong, if no slip explains it: what all wrong claims of the layer use."""
        others, wrong = self.student.others, self.student.wrong
        for hidden in self.student.hidden(wrong) if len(others) > 1 else ():
            if others == [n for n in self.student.layer if hidden in self.student.hidden(n)]:
                return hidden
        return wrong

    def tried(self, candidates: Callable[[Trial], Iterable[Rewrite]]) -> list[_Found]:
        """The explanations among the candidates, the best first."""
        found = [
            f
            for trial in self.trials
            for r in candidates(trial)
            if (free := trial.explains(r)) is not None
            for f in self.named(trial, r, free)
        ]
        return sorted(found, key=lambda f: f.rank)

    def named(self, trial: Trial, r: Rewrite, free: float) -> Iterator[_Found]:
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
                sizes = {k for a in self.equations.true.values() for k in np.shape(a)}
                return abs(n - round(n)) < 1e-6 and round(n) in sizes - {self.equations.B}
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

    def is_mean_of_units(self, t: float, place: str) -> bool:
        """Whether a factor is one over the number of units that a delta comes from."""
        if not place.startswith("delta") or not 1 < 1 / (t or 1.0) < 1e4:
            return False
        products = [x for x, _ in places(self.equations.all[place]) if isinstance(x, Expr)]
        errors = [evaluate(x.args[0], self.student.own) for x in products if x.op == "@"]
        return abs(t * max([np.shape(d)[1] for d in errors], default=1) - 1) <= 1e-6

    def factors(self, t: float, place: str) -> Iterator[tuple[str, str, float]]:
        """What a factor t may be: (slip, what is said, how far-fetched beside others)."""
        B, outputs = self.equations.B, self.outputs

        def is_(x: float) -> bool:
            return abs(t - x) <= 1e-6 * abs(x)

        times, wrong_sign = f"it is {t:.6g} times what it should be", "the sign is wrong"
        summed, two = "the outputs are summed, not averaged", outputs > 1
        units = "the mean over the units above stands where the sum belongs"
        known = [
            (is_(-1), "sign", wrong_sign, 0.1),
            (is_(-B), "sign", f"{wrong_sign}, and / B is missing", RARER),
            (abs(t) < 1e-9, "bias" if place.startswith("db") else "term missing", "it is 0", 0.0),
            (is_(B), "sum for mean", SUMMED, 0.0),
            (two and is_(outputs), "sum for mean", summed, 0.2),
            (two and is_(outputs * B), "sum for mean", f"{summed}, and {SUMMED}", 0.2),
            (self.is_mean_of_units(t, place), "mean for sum", units, 0.3),
            (is_(1 / B), "mean for sum", "the mean over the examples is taken twice", 0.0),
            (t > 2 and is_(round(t)), "not reset", f"{times}, as if it was added up so often", 0.5),
        ]
        yield from [(slip, says, cost) for is_so, slip, says, cost in known if is_so][:1]
        if is_(2 * B) or is_(B / 2):
            yield "sum for mean", f"{SUMMED}, and a factor {t / B:g} is there", 0.6
        yield "constant factor", times, 0.15 if is_(2) or is_(0.5) else 0.75
