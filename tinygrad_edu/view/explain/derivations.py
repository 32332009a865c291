"""Derivations: how the slopes of operations follow from what they compute, step by step.

Where `formulas` evaluates the records and knows no derivative, `derivations.toml` has the steps of
a textbook, by the name of the operation: a new one is an entry there. Here they are read and
written with the names of a graph. Goodfellow, Bengio and Courville 2016, chapter 6.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from tinygrad_edu import expr, losses
from tinygrad_edu.engine import Value, primitives
from tinygrad_edu.engine.primitive import on_values
from tinygrad_edu.expr import Expr, Symbol
from tinygrad_edu.files import packaged_table
from tinygrad_edu.nn.norm import BatchNorm
from tinygrad_edu.text import latex_name
from tinygrad_edu.view.base.operations import built_in_name, free
from tinygrad_edu.view.base.tex import latex_words
from tinygrad_edu.view.explain.notation import MORE, Both, Line, derivative, letter, name, written

_OPERATORS: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "divide", ast.Pow: "pow",
}  # fmt: skip
#: Letters that LaTeX has a sign for.
_DRAWN: Final = {
    "pi": r"\pi", "gamma": r"\gamma", "beta": r"\beta", "eps": r"\varepsilon", "xhat": r"\hat{x}",
}  # fmt: skip
#: Names by letter, lists of them for x and p.
Known = dict[str, Both | Sequence[Both]]
#: The left side, an expression or the letters (of, by) of a derivative, and the steps from it: each
#: an expression, equal to the one before it, and why, or "".
Equation = tuple[Any, list[tuple[Any, str]]]


class Derivation:
    """The equations of an entry, with the names of the letters that stand in them.

    What `known` lacks is named as in the entry, or by another letter where that is taken. Of the
    lists the one at place `chosen` is called xk, pk, and another one xj, pj.
    """

    def __init__(self, entry: str, known: Known, chosen: int = 0) -> None:
        self.names, self.equations = list[Both](), list[Equation]()
        self._letters, self._lists = dict[str, Symbol](), dict[str, list[Symbol]]()
        for text, names in known.items():
            if isinstance(names, Both):
                self._letters[text] = self._add(names)
            elif names:
                letters = self._lists[text] = [self._add(name) for name in names]
                self._letters |= {f"{text}k": letters[chosen], f"{text}j": letters[chosen == 0]}
        self.n = len(self._lists.get("x", ()))
        for line in _table()[entry]["steps"].strip().splitlines():
            rule, _, why = map(str.strip, line.partition("#"))
            left, _, right = map(str.strip, rule.partition("=" if rule[0] == "=" else " = "))
            if left:
                pair = re.fullmatch(r"d(\w+)/d(\w+)", left)
                of = (self._of(pair[1]), self._of(pair[2])) if pair else self._read(left)
                self.equations.append((of, []))
            self.equations[-1][1].append((self._read(right), why))

    def lines(self) -> Iterator[Line]:
        """The equations with names, each step in a row."""
        for left, steps in self.equations:
            if isinstance(left, tuple):
                of, by = (written(a, self.names) for a in left)
                drawn = rf"\frac{{\partial {of.latex}}}{{\partial {by.latex}}}"
                sides = [Both(derivative(of.text, by.text).text, drawn)]
            else:
                sides = [written(left, self.names)]
            for x, why in steps:
                text, drawn = written(x, self.names)
                because = rf"{drawn} \quad \text{{({latex_words(why)})}}"
                sides.append(Both(f"{text}   ({why})", because) if why else Both(text, drawn))
            yield Line(sides, 2, apart=True)

    def _add(self, name: Both) -> Symbol:
        self.names.append(name)
        return letter(len(self.names) - 1)

    def _of(self, text: str, place: int | None = None) -> Symbol:
        """The letter of this name; at a place of a sum that of a list, or g_1 for a new letter."""
        if text in self._lists and place is not None:
            return self._lists[text][place]
        if text not in self._letters:
            if place is not None:
                return self._of(f"{text}_{place + 1}")
            word, _, index = text.partition("_")
            if index and word in self._lists:  # z_k for z1, z2, ..., of which one may be y
                other = written(self._letters[f"{word}j"], self.names).text
                word = re.split(r"[\W\d_]", other)[0] or word
            elif not index:
                taken = {name.text for name in self.names}
                word = "y" if word == "t" and "y" not in taken else word  # the target of the course
                [word] = free([word], taken)
            drawn = _DRAWN.get(word, latex_name(word)) + (f"_{{{index}}}" if index else "")
            self._letters[text] = self._add(Both(f"{word}_{index}" if index else word, drawn))
        return self._letters[text]

    def _read(self, text: str) -> Any:
        return self._expression(ast.parse(text, mode="eval").body)

    def _expression(self, node: ast.expr, place: int | None = None) -> Any:
        """The expression of a syntax tree, at a place of a sum."""
        match node:
            case ast.Constant(value=int() as number):
                return float(number)
            case ast.Name(id=text):
                return float(self.n) if text == "N" else self._of(text, place)
            case ast.Call(func=ast.Name(id="sum"), args=[term]):
                few = [0, 1, self.n - 1] if self.n > 5 else [*range(self.n)]
                terms = [self._expression(term, i) for i in few]
                return expr.sum([*terms[:2], MORE, terms[2]] if self.n > 5 else terms)
            case ast.UnaryOp(operand=a):
                op, parts = "negative", [a]
            case ast.BinOp(left=a, op=sign, right=b):
                op, parts = _OPERATORS[type(sign)], [a, b]
            case ast.Compare(left=a, comparators=[b]):
                op, parts = "equal", [a, b]
            case ast.Call(func=ast.Name(id=op), args=parts):
                pass
            case _:
                raise ValueError(f"no part of a derivation: {ast.unparse(node)}")
        return Expr(op, tuple([self._expression(part, place) for part in parts]))


def derivation(v: Value, names: Sequence[Both]) -> Derivation | None:
    """That of the operation which made `v`, if there is one.

    `names` are those of the parents, of `v`, and of the parents' shares in their softmax.
    """
    op: Any = v.op
    entry, n = _records().get(op.value, ""), len(v.parents)
    if entry not in _table():
        return None
    *single, last = _table()[entry].get("of", "x").split()
    given = zip([*single, last], names, v.parents, strict=False)
    known: Known = {"y": names[n]}
    known |= {a: name for a, name, p in given if p.kind != "constant"}
    if last != "*x":
        return Derivation(entry, known)
    first, k = len(single), v.numbers[1] if single else op.constants.get("k", 0)
    if n - first < 2 or k not in range(n - first):
        return None
    known |= {"x": names[first:n], "p": names[n + 1 + first :]}
    return Derivation(entry, known, int(k))


def normalisation(v: Value, labels: Mapping[Value, str]) -> Derivation | None:
    """That of v = (x - mean) / sqrt(var + eps) over numbers of which x is one."""
    if not _is(v, "divide"):
        return None
    over, under = v.parents
    if not (_is(over, "subtract") and _is(under, "sqrt") and _is(under.parents[0], "add")):
        return None
    mean, variance = over.parents[1], under.parents[0].parents[0]
    if not (_is(mean, "mean") and _is(variance, "var") and mean.parents == variance.parents):
        return None
    m, var, s, *x = (name(labels[u]) for u in (mean, variance, under, *mean.parents))
    return Derivation("normalisation", {"m": m, "v": var, "s": s, "x": x})


def example(function: Any) -> tuple[Value, Value | None]:
    """A result of a function whose slope is derived, and by what: for a look at the derivation."""
    z = [Value(0.5, "z1"), Value(-1.0, "z2"), Value(2.5, "z3")]
    if function is BatchNorm:
        [y1], *_ = BatchNorm(1).batch([[a] for a in z])
        y1.name = "y1"
        return y1, z[0]
    known = vars(on_values) | losses.LOSSES
    derived = {entry: known[entry] for entry in _table() if entry in known}
    bent = {k: op for k, op in primitives.items() if op.kink and op.value.__code__.co_argcount == 2}
    if function in bent.values():
        return function(Value(0.0, "z")), None
    entry = next((entry for entry, each in derived.items() if each is function), "")
    if not entry:
        raise TypeError(
            "explain takes a Value, such as explain(f(x)) of Value x, or a function whose slope it "
            f"derives: {', '.join(sorted(['BatchNorm', *bent, *derived]))}"
        )
    *single, last = operands = _table()[entry].get("of", "x").split()
    many: list[Any] = [z, 1][: 1 + len(single)]
    result = function(*many if last == "*x" else [Value(0.75, a) for a in operands])
    return result[0] if isinstance(result, list) else result, None


def _is(v: Value, operation: str) -> bool:
    return v.op is not None and built_in_name(v.op) == operation


@cache
def _table() -> dict[str, dict[str, str]]:
    return packaged_table("view/explain/derivations.toml")


@cache
def _records() -> dict[Any, str]:
    return {op.value: op.name for op in primitives.values()}
