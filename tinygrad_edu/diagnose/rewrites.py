"""Slips as rewrites of an equation: each gives what a learner may have written in its place.

They know nothing of nets: what they exchange are factors, terms, operands, sums.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from tinygrad_edu import expr
from tinygrad_edu.diagnose.equations import places
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.vectorize.algebra import B, exchanged, names

#: The number in a rewrite that is found from the student's numbers.
FREE: Final = expr.symbol("free")
#: For each array those of its shape.
Alike = Mapping[str, Sequence[str]]
#: How far-fetched: what is common, what is rarer, what needs a fitted number, what is odd.
COMMON, RARER, FITTED, ODD = 1.0, 2.0, 3.0, 4.0


class Rewrite(NamedTuple):
    """Another expression, and the name of the slip; "" where the number for FREE decides it.

    In `says` {0}, {1}, ... are the `parts`; `cost` is how far-fetched it is. `free` is what FREE
    stands for, "" where it does not occur: a "factor" of the whole or of a "term", the "share" one
    over a whole number, the "rate" of an update, another "number".
    """

    x: Any
    slip: str
    says: str
    parts: tuple[Any, ...] = ()
    cost: float = COMMON
    free: str = ""


INSTEAD: Final = "{0} stands where {1} belongs"
SUMMED: Final = "the examples are summed, not averaged: / B is missing"
MEANS: Final = "the mean over the examples is taken twice: one / B is too many"
_GONE: Final = "the factor {0} is missing"
_ONE_OPERAND: Final = ("sigmoid", "tanh", "softmax", "exp", "log", "abs", "softplus", "erf")


def _is_number(x: Any) -> bool:
    """Whether no array is in a factor: 0.2, 1/B."""
    return not isinstance(x, Expr) or x is B or (x.op == "divide" and all(map(_is_number, x.args)))


# fmt: off
def _without(kept: Any, gone: Any) -> list[Rewrite]:
    """A product without one of its factors, or with that factor twice."""
    if isinstance(gone, Expr) and gone.op == "divide" and gone.args[1] is B:
        return [
            Rewrite(kept, "sum for mean", SUMMED),
            Rewrite(kept * gone * gone, "mean for sum", MEANS, cost=1.25),
            Rewrite(FREE * kept, "constant factor", "it is divided by {inverse}, which is not the number of examples", (), 1.6, "share"),
        ]
    if _is_number(gone):
        return [Rewrite(kept, "constant factor", _GONE, (gone,))]
    return [
        Rewrite(kept, "factor missing", _GONE, (gone,)),
        Rewrite(kept * gone * gone, "factor doubled", "the factor {0} stands there twice", (gone,)),
    ]


def _without_term(kept: Any, gone: Any) -> list[Rewrite]:
    is_bias = isinstance(gone, Symbol) and gone.name[0] == "b"
    return [
        Rewrite(kept, "bias" if is_bias else "term missing", "the term {0} is missing", (gone,)),
        Rewrite(kept - gone, "sign", "the term {0} has the wrong sign", (gone,)),
    ]


def _matrices(x: Expr, a: Any, b: Any) -> list[Rewrite]:
    """A product of matrices; with a transpose first it sums over the examples."""
    running = "a sum over the {} before is still in it".format
    found = [
        Rewrite(a, "factor missing", _GONE, (b,)),
        Rewrite(b, "factor missing", _GONE, (a,)),
        Rewrite(Expr("@", (a, Expr("turned", (b,)))), "transposed", "{0} is transposed", (b,)),
        Rewrite(a * b, "other", "* stands where @ belongs", cost=ODD),
        Rewrite(Expr("running", (x, 0)), "not reset", running("examples"), cost=RARER),
        Rewrite(Expr("running", (x, 1)), "not reset", running("units"), cost=RARER),
    ]
    if not isinstance(a, Expr) or a.op != "T":
        return found
    d = a.args[0]
    sums = Expr("@", (expr.T(expr.total(d)), expr.total(b)))
    return [
        *found,
        Rewrite(Expr("turned", (x,)), "transposed", "{0} is transposed", (x,)),
        Rewrite(Expr("laid", (x,)), "order", "reshape stands where a transpose belongs", cost=RARER),
        Rewrite(Expr("@", (a, Expr("ones", (b,)))), "factor missing", _GONE, (b,)),
        Rewrite(Expr("@", (expr.T(Expr("ones", (d,))), b)), "factor missing", _GONE, (d,)),
        Rewrite(FREE * sums, "other", "{0} and {1} are summed each for itself", (d, b), ODD, "number"),
    ]


def _choice(x: Expr, condition: Any, a: Any, b: Any) -> list[Rewrite]:
    """A condition left out, turned round, or asked of something else."""
    if not isinstance(condition, Expr) or condition.op not in ("<", "<=", ">", ">="):
        return []  # 0 where it would be 0 / 0
    left, right = condition.args

    def asked(v: Any, bound: Any = right) -> Expr:
        return Expr(condition.op, (v, bound))

    found = [
        Rewrite(b, "factor missing", "the condition {0} is not asked", (condition,)),
        Rewrite(a, "factor missing", "the condition {0} is not asked", (condition,), RARER),
        Rewrite(expr.where(condition, b, a), "wrong slope", "the cases of {0} are swapped", (x,)),
        *[Rewrite(expr.where(asked(left, bound), a, b), "other", f"{{0}} is compared with {bound:g}", (left,), RARER)
          for bound in (0.0, 1.0, -1.0)],
    ]
    if isinstance(b, Expr):
        found += [
            Rewrite(expr.where(asked(b), a, left), "value for slope",
                    "the mask is made of {0} and laid over {1}: they changed places", (b, left), RARER),
            Rewrite(expr.where(asked(b), a, b), "slope at the wrong place", "the mask is made of {0}, not of {1}", (b, left)),
        ]
    if isinstance(left, Expr) and left.op == "-":
        found.append(Rewrite(expr.where(asked(-left.args[1]), a, b), "other", INSTEAD, (-left.args[1], left)))
    return found


def _softmax(x: Expr, a: Any) -> list[Rewrite]:
    best = expr.where(expr.equal(a, expr.rowmax(a)), 1.0, 0.0)
    return [
        Rewrite(Expr("normed", (a, 0)), "other", "{0} is normalised down the columns, not along each row", (x,)),
        Rewrite(Expr("normed", (a, None)), "other", "{0} is normalised over the whole array, not along each row", (x,)),
        Rewrite(expr.exp(a), "other", "{0} is not normalised", (x,), RARER),
        Rewrite(expr.sigmoid(a), "wrong operand", INSTEAD, (expr.sigmoid(a), x), RARER),
        Rewrite(expr.log_softmax(a), "wrong operand", INSTEAD, (expr.log_softmax(a), x), RARER),
        Rewrite(best, "wrong operand", "the class that was chosen stands for {0}", (x,), RARER),
    ]


#: What may stand in the place of an operation, by its name.
_INSTEAD_OF: Final[dict[str, Callable[..., Sequence[Rewrite]]]] = {
    "*":        lambda x, a, b: [*_without(a, b), *_without(b, a),
                                 Rewrite(a + b, "other", "+ stands where * belongs in {0}", (x,), ODD)],
    "divide":   lambda x, a, b: [] if b is B else [
                                 Rewrite(a, "factor missing", "the division by {0} is missing", (b,)),
                                 Rewrite(a * b, "wrong operand", "{0} multiplies, it should divide", (b,), RARER)],
    "-":        lambda x, a, b: [Rewrite(b - a, "sign", "{0} is the wrong way round", (x,)),
                                 Rewrite(a + b, "sign", "+ stands where {0} has -", (x,)),
                                 Rewrite(a, "term missing", "in {1} the term {0} is missing", (b, x)),
                                 Rewrite(b, "term missing", "in {1} the term {0} is missing", (a, x), RARER),
                                 Rewrite(-b, "term missing", "in {1} the term {0} is missing", (a, x), RARER)],
    "+":        lambda x, a, b: [*_without_term(a, b), *_without_term(b, a)],
    "negative": lambda x, a: [Rewrite(a, "sign", "the minus of {0} is missing", (x,), 0.9)],
    "pow":      lambda x, a, n: [Rewrite(a, "wrong slope", "the power in {0} is missing", (x,), RARER),
                                 *[r._replace(x=expr.pow(a, r.x), slip="wrong slope") for r in local(n)]],
    "rowsum":   lambda x, a: [Rewrite(a, "term missing", "the sum over each row, {0}, is missing", (x,))],
    "total":    lambda x, a: [Rewrite(a, "bias", "the sum over the examples is missing"),
                              Rewrite(Expr("whole", (a,)), "bias", "all of {0} is summed to one number", (a,)),
                              Rewrite(Expr("by_rows", (a,)), "bias", "{0} is summed along each row", (a,)),
                              Rewrite(expr.divide(x, B), "mean for sum", "the mean over the examples stands where their sum belongs"),
                              Rewrite(FREE * Expr("whole", (a,)), "bias", "{0} becomes one number", (a,), ODD, "number")],
    "onehot":   lambda x, t, n: [Rewrite(1.0, "other", "1 stands for {0} in every row", (x,), RARER),
                                 *[Rewrite(expr.onehot(t + k, n), "wrong operand",
                                           "the classes in {0} are counted from another number", (x,), RARER) for k in (1.0, -1.0)]],
    "@": _matrices, "where": _choice, "softmax": _softmax,
}
# fmt: on


def local(x: Any) -> Iterator[Rewrite]:
    """One operation of an expression done otherwise: dropped, doubled, swapped, transposed."""
    for part, put in places(x):
        if not isinstance(part, Expr) or isinstance(part, Symbol):
            continue
        for r in _INSTEAD_OF[part.op](part, *part.args) if part.op in _INSTEAD_OF else ():
            yield r._replace(x=put(r.x))
        if part.op in _ONE_OPERAND:
            (a,) = part.args
            for other in (a, expr.tanh(a), expr.sigmoid(a)):
                yield Rewrite(put(other), "wrong operand", INSTEAD, (other, part), RARER)
            yield Rewrite(put(part * part), "factor doubled", "{0} is squared", (part,), RARER)


def mentions(x: Any, name: str) -> list[Callable[[Any], Any]]:
    """What puts something in the place of each mention of an array."""
    return [put for a, put in places(x) if isinstance(a, Symbol) and a.name == name]


def operands(x: Any, alike: Alike) -> Iterator[Rewrite]:
    """Something else for one mention of an array, or for all: `alike` are those of its shape."""
    for name in dict.fromkeys(names(x)):
        if name not in alike:
            continue
        own = expr.symbol(name)
        puts = mentions(x, name)
        for r in _for_operand(own, alike[name]):
            r = r._replace(parts=(r.x, own))
            if len(puts) > 1:
                yield r._replace(x=exchanged(x, {name: r.x}))
            for put in puts:
                yield r._replace(x=put(r.x), cost=r.cost + 0.25 * (len(puts) > 1))


def _for_operand(own: Symbol, alike: Sequence[str]) -> Iterator[Rewrite]:
    for other in alike:
        cost = COMMON if other[0] == own.name[0] else RARER
        yield Rewrite(expr.symbol(other), "wrong operand", INSTEAD, cost=cost)
    yield Rewrite(own * own, "factor doubled", "{1} stands there twice", cost=RARER)
    if own.name == "Y":
        row = "{1} is a row, not a column: every output meets every target"
        yield Rewrite(Expr("turned", (own,)), "transposed", row)
    if own.name[0] in "ZA":
        steps = [expr.where(own > bound, 1.0, 0.0) for bound in (0.0, 0.5)]
        for f in (expr.tanh(own), expr.sigmoid(own), *steps):
            yield Rewrite(f, "wrong operand", INSTEAD, cost=RARER)
    for axis, what in enumerate(("rows", "columns")):
        reverse = Expr("flipped", (own, axis))
        yield Rewrite(reverse, "order", f"{{1}} has its {what} in reverse", cost=ODD)
        for k in (1, -1):
            shifted = Expr("rolled", (own, k, axis))
            yield Rewrite(shifted, "order", f"the {what} of {{1}} are one off", cost=ODD)
    yield Rewrite(Expr("sign", (own,)), "other", "of {1} only the sign is used", cost=ODD)
    yield Rewrite(expr.abs(own), "other", "of {1} only the size is used", cost=ODD)


def fitted(x: Any) -> Iterator[Rewrite]:
    """A free number times the whole or one of its terms, or in the place of a case."""
    yield Rewrite(FREE * x, "", "", free="factor")
    for part, put in places(x):
        if not isinstance(part, Expr) or part.op not in ("+", "-", "where"):
            continue
        *condition, a, b = part.args
        for case, pair in ((a, (FREE * a, b)), (b, (a, FREE * b))):
            if part.op != "where":
                says = "the term {0} is {free} times what it should be"
                new = put(Expr(part.op, pair))
                yield Rewrite(new, "constant factor", says, (case,), 1.25, "term")
            elif not isinstance(case, Expr):
                says = "in {0} the case {1} is {free}"
                new = put(expr.where(*condition, *(FREE if c is case else c for c in (a, b))))
                yield Rewrite(new, "wrong slope", says, (part, case), FITTED, "number")


def of_slopes(
    slopes: tuple[Any, ...], value: Any, numbers: Mapping[str, str]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What is written for the slopes of an operation: slips and the slopes, the simplest first.

    `value` is the symbol of its result; `numbers` maps the symbol of each number that may stand in
    a slope to another of its kind, "x1" to "g1", as what is taken for it.
    """
    for slip, change in _OF_A_SLOPE.items():
        changed = [change(e, value) for e in slopes]
        yield slip, tuple(changed)
        yield from ((slip, (*slopes[:i], e, *slopes[i + 1 :])) for i, e in enumerate(changed))
    # a formula in y taken at x, or one in x at y, is a place; a letter alone is an operand
    used = sorted({name for e in slopes for name in names(e)} & set(numbers))
    of_formula = len(slopes) == 1 and not isinstance(slopes[0], Symbol)
    for letters in product([*numbers, *numbers.values()], repeat=len(used)):
        new = {a: expr.symbol(b) for a, b in zip(used, letters, strict=True) if a != b}
        if new:
            is_place = of_formula and {*letters} <= {*numbers}
            slip = "slope at the wrong place" if is_place else "wrong operand"
            yield slip, tuple([exchanged(e, new) for e in slopes])
    if len(slopes) == 2:
        total = Expr("+", slopes)
        for pair in (slopes[::-1], (total, 0.0), (0.0, total)):
            yield "wrong operand", pair
    for i, e in enumerate(slopes):
        for r in sorted(local(e), key=lambda r: r.cost):
            slip = "wrong slope" if r.slip == "other" or r.slip == "wrong operand" else r.slip
            yield slip, (*slopes[:i], r.x, *slopes[i + 1 :])


#: What is made of a slope as a whole.
_OF_A_SLOPE: Final[dict[str, Callable[..., Any]]] = {
    "sign": lambda e, y: e.args[0] if isinstance(e, Expr) and e.op == "negative" else -e,
    "factor missing": lambda e, y: 1.0,
    "value for slope": lambda e, y: y,
    "constant factor": lambda e, y: Expr("*", (2.0, e)),
    "term missing": lambda e, y: 0.0,
    "factor doubled": lambda e, y: Expr("*", (e, e)),
}


def plausible(slope: Any) -> Iterator[Any]:
    """Simple functions of x or y, as they come to mind for a slope."""
    for s in map(expr.symbol, sorted({"x1", "y"} | ({"c"} & {*names(slope)}))):
        inverse = expr.divide(1.0, s)
        for base in (s, s * s, inverse, inverse * inverse, 1 - s, 1 + s, 1 - s * s, s * (1 - s)):
            yield from (
                Expr("*", (k, base)) if k != 1 else base for k in (1.0, -1.0, 2.0, 0.5, -0.5)
            )
    yield Expr("*", (0.5, slope))
    yield expr.symbol("y") * expr.log(expr.symbol("x1"))
