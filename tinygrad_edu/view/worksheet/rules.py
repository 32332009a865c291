"""The formulas that stand on a sheet: of operations and their derivatives, of units."""

from collections.abc import Iterable, Sequence
from typing import Final

from tinygrad_edu.engine import Primitive, Value
from tinygrad_edu.text import clean
from tinygrad_edu.view.base.numbers import has_grad
from tinygrad_edu.view.base.operations import free, is_dot, roles, symbol
from tinygrad_edu.view.base.svg import readable
from tinygrad_edu.view.explain import formulas as slopes_of
from tinygrad_edu.view.explain.notation import Both, derivative, ends, listing, written
from tinygrad_edu.view.worksheet.cards import Net

_RULE: Final = 240
_SLOPES: Final = 3


def slope_rules(values: Iterable[Value], names: Iterable[str] = ()) -> list[str]:
    """A line such as "y = tanh(x),  ∂y/∂x = 1 - y²" for each operation, in this order.

    Operands are called as in the drawing, else x, or a and b, or x1, x2, ...; of a dot w and x
    with an index. Other letters take the place of those that `names` of quantities hold.
    """
    taken = {*names}
    return [*dict.fromkeys(_general(v, v.op, taken) for v in values if v.op is not None)]


def net_rules(net: Net, backward: bool) -> list[str]:
    """The formulas by which a net is worked out: of its units, of what follows them, backward."""
    names, lines = net.names, ["z = Σ w · (what comes in) + b"]
    units = {u.activation: u for layer in net.layers for u in layer if u.a is not u.z}
    for u in units.values():
        several = len(u.a.parents) > 1 + (u.a.parents[-1] in u.parameters)
        lines += (
            slope_rules([u.a])
            if several
            else [_rule(u.a, ["z", "\N{GREEK SMALL LETTER ALPHA}"], "a")]
        )
    lines += [_rule(v, [names[p] for p in v.parents], names[v], actual=True) for v in net.after]
    if backward:
        root = names[net.root]
        lines.append(
            f"δ = ∂a/∂z · ∂{root}/∂a of outputs, else ∂a/∂z · Σ w · δ of the units they feed"
        )
        lines.append(f"∂{root}/∂w = δ of the unit · what comes in on that line,  ∂{root}/∂b = δ")
    return lines


def _general(v: Value, op: Primitive, taken: Iterable[str]) -> str:
    """The rule of an operation, whatever its operands are called."""
    n, operands = len(v.parents), len(slopes_of.shared(v))
    wanted = _letters(op, n)
    result = next(letter for letter in ("y", "z", "v", "result") if letter not in wanted)
    *letters, result, share = free([*wanted, result, "p" * bool(operands)], taken)
    sign = symbol(op, n, letters)
    if is_dot(v):
        pairs = n // 2
        letters = ["wᵢ"] * pairs + ["xᵢ"] * pairs + ["b"] * (n % 2)
    rule = _rule(v, letters, result, share)
    value_text = rule.partition(",  ")[0]
    plain = sign in value_text or not sign.isascii() or not sign.isidentifier()
    return rule if plain else f"{sign}:  {rule}"


def _rule(
    v: Value, letters: Sequence[str], result: str, share: str = "p", *, actual: bool = False
) -> str:
    """The formula of a result and its derivatives; those of `actual` operands that have one."""
    op: Primitive = v.op  # type: ignore[assignment]
    n, operands = len(v.parents), len(slopes_of.shared(v))
    places = range(n - operands if operands else 0, n)  # not a class number, which has none
    written_out = ends([i for i in places if not actual or has_grad(v.parents[i])], _SLOPES)
    if is_dot(v) and not actual:
        written_out = [0, n // 2, *[n - 1][: n % 2]]
    shares = [f"{share}[{k + 1 - n + operands}]" for k in range(n)]
    names = [Both(letter, "") for letter in (*letters[:n], result, *shares)]
    try:
        value, slope = slopes_of.formulas(v, general=not actual)
        sign = symbol(op, n, letters)
        value_text = sign if is_dot(v) and not actual else written(value, names).text
        parts = [f"{result} = {value_text}"]
        for i in written_out:
            by = derivative(result, letters[i], "∂").text
            parts.append(f"{by} = {written(slope(i), names).text}")
    except slopes_of.UNWRITABLE as error:
        return f"{clean(op.name)}: no formula ({type(error).__name__})"
    if operands:
        few = listing([Both(letter, "") for letter in letters[n - operands : n]]).text
        parts.append(f"{share} = softmax({few})")
    return clean(readable(",  ".join(parts)), _RULE)


def _letters(op: Primitive, n: int) -> list[str]:
    named = roles(op, n)
    if all(named):
        return named
    return {1: ["x"], 2: ["a", "b"]}.get(n) or [f"x{i + 1}" for i in range(n)]
