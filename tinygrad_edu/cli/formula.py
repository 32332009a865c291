"""Formulas as text, made graphs of Values: `evaluate("tanh(a*b + c)", {"a": a, "b": b, "c": 10})`.

Only what is listed here has a meaning in the syntax tree of a formula: nothing is executed.
"""

import ast
import inspect
import math
import operator
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

from tinygrad_edu import functions
from tinygrad_edu.checks import number
from tinygrad_edu.checks.habits import nearest
from tinygrad_edu.engine import Primitive, Value, constant, primitives
from tinygrad_edu.engine.primitive import on_values

ALLOWED: Final = (
    "a formula is made of numbers, names, + - * / **, parentheses, and functions such as tanh(a) "
    "or dot([w1, w2], [x1, x2], b)"
)
_FUNCTIONS: Final = dict(sorted(vars(on_values).items()))
CONSTANTS: Final = {"e": math.e, "pi": math.pi}
MAX_LENGTH: Final = 10_000
#: Levels of operations inside operations; reading a formula takes a few Python frames for each.
MAX_DEPTH: Final = 100

_TOO_LARGE: Final = "this number is larger than a float holds, 1.797e308"
_TOO_DEEP: Final = (
    f"the formula is nested deeper than {MAX_DEPTH} levels: write it in parts, and long sums and "
    "products as sum([a, b, c]) and prod([a, b, c])"
)
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: primitives["add"],
    ast.Sub: primitives["subtract"],
    ast.Mult: primitives["multiply"],
    ast.Div: primitives["divide"],
    ast.Mod: primitives["remainder"],
    ast.Pow: functions.pow,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: functions.equal,
    ast.NotEq: lambda x, y: not functions.equal(x, y),
}
_REASONS: Final[dict[type[ast.AST], str]] = {
    ast.Attribute: "there are no attributes; functions are called by their name, as in tanh(a)",
    ast.BitXor: "^ is no power; write a**2",
    ast.FloorDiv: "// is not defined here; write a / b",
    ast.IfExp: "there is no if; write where(a > 0, a, b)",
    ast.NamedExpr: "names are given their numbers outside the formula, as in a=2",
    ast.Starred: "a list is written out, as in sum([a, b])",
    ast.Subscript: "there is no indexing; a formula is one number",
    ast.Tuple: "a list has square brackets, as in sum([a, b])",
}


class FormulaError(ValueError):
    """A text is no formula; the message shows the place, and what is allowed there."""


class _NodeError(Exception):
    """`args`: a node of the syntax tree, what is wrong with it, a hint to be shown after it."""

    def error(self, text: str) -> FormulaError:
        node, message, *hint = self.args
        return _error(message, text, _column(text, node), *hint)


def evaluate(text: str, values: Mapping[str, Any]) -> Value:
    """The number of a formula as a Value, with its graph.

    `values` gives each name a Value or a number, before the constants pi and e; the functions are
    those of functions.py. Arithmetic is that of IEEE 754: 1/0 is inf. Numbers alone, as in
    2 * 3, are computed without a graph. `where` also takes a comparison, `where(a > b, a, b)`.
    Raises FormulaError for any other text, TypeError for a value that is no real number.
    """
    known = {
        unicodedata.normalize("NFKC", name): x if isinstance(x, Value) else number(x, name)
        for name, x in values.items()
    }
    text, tree = _parsed(text)
    try:
        result = _value(tree, CONSTANTS | known)
        if isinstance(result, list):
            raise _NodeError(
                tree,
                f"this gives a list of {len(result)}, a formula gives one number: combine them, "
                "as in sum([a, b])",
            )
    except _NodeError as refused:
        raise refused.error(text) from None
    return result if isinstance(result, Value) else constant(number(result))


def variables(text: str) -> list[str]:
    """The names that a formula needs numbers for, in order of appearance; or FormulaError."""
    _, tree = _parsed(text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    return list(dict.fromkeys(n.id for n in sorted(names, key=operator.attrgetter("col_offset"))))


def _parsed(text: str) -> tuple[str, ast.expr]:
    """The text on one line, and its syntax tree, which holds nothing but what is allowed."""
    if not isinstance(text, str):
        raise TypeError(f"a formula is a text such as 'a*b + c', got {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"the formula has {len(text):,} characters, more than the {MAX_LENGTH:,} of MAX_LENGTH"
        )
    text = " ".join(text.split())
    if not text:
        raise FormulaError(f"the formula is empty: {ALLOWED}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is refused below anyway
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        if "too many nested" in error.msg:
            raise _error(_TOO_DEEP, text, 0) from None
        reason = error.msg.partition(".")[0]
        column = len(text) if not error.offset or error.lineno != 1 else error.offset - 1
        if "decimal literal" in reason:
            reason += "; a product is written 2*a"
        if "Exceeds the limit" in reason:
            reason = _TOO_LARGE
        raise _error(reason, text, column, ALLOWED) from None
    except (MemoryError, RecursionError):
        raise _error(_TOO_DEEP, text, 0) from None
    except ValueError:  # null bytes, lone surrogates
        raise FormulaError(f"the formula holds characters that are no text: {ALLOWED}") from None
    try:
        _check(tree)
    except _NodeError as refused:
        raise refused.error(text) from None
    return text, tree


def _check(tree: ast.expr) -> None:
    """Raise _NodeError for the outermost node that has no meaning here. It does not recurse."""
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        for node in level:
            _check_node(node)
        level = [
            child
            for node in level
            for child in ast.iter_child_nodes(node)
            if isinstance(child, (ast.expr, ast.keyword))
        ]
        if not level:
            return
    raise _NodeError(level[0], _TOO_DEEP)


def _check_node(node: ast.AST) -> None:
    match node:
        case ast.Name() | ast.List() | ast.keyword() | ast.Call(func=ast.Name()):
            return
        case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
            return
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            return
        case ast.Compare(ops=ops) if all(type(op) in _COMPARISONS for op in ops):
            return
        case ast.Constant(value=int() | float() as x) if not isinstance(x, bool):
            if x > sys.float_info.max:
                raise _NodeError(node, _TOO_LARGE)
            return
        case ast.BinOp(op=kind) | ast.Call(func=kind):
            pass
        case kind:
            pass
    raise _NodeError(node, _REASONS.get(type(kind), "this is not part of a formula"), ALLOWED)


def _value(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """A Value, a float, or a list of them."""
    match node:
        case ast.Constant(value=x):
            return float(x)  # type: ignore[arg-type]  # checked
        case ast.Name(id=name):
            return names[name] if name in names else _unknown(node, name, names)
        case ast.List(elts=elements):
            return [_value(element, names) for element in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return primitives["negative"](_single(operand, names))
        case ast.UnaryOp(operand=operand):
            return _single(operand, names)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_single(left, names), _single(right, names))
        case ast.Call(func=ast.Name(id="equal")) | ast.Compare():
            raise _NodeError(node, "a comparison chooses inside where, as in where(a > 0, a, b)")
        case ast.Call(func=ast.Name(id=name)):
            return _call(node, name, names)
    raise _NodeError(node, "this is not part of a formula", ALLOWED)


def _single(node: ast.AST, names: Mapping[str, Any]) -> Any:
    x = _value(node, names)
    if isinstance(x, list):
        raise _NodeError(node, "a list is the argument of a function such as sum([a, b])")
    return x


def _condition(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """The first argument of where: a comparison, decided here, or a number of the graph."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            x = [_single(operand, names) for operand in (left, *others)]
            return all(
                _COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, x[:-1], x[1:], strict=True)
            )
        case ast.Call(func=ast.Name(id="equal"), args=[a, b], keywords=[]):
            return functions.equal(_single(a, names), _single(b, names))
    return _single(node, names)


def _call(node: ast.Call, name: str, names: Mapping[str, Any]) -> Any:
    if name not in _FUNCTIONS:
        if name in names:
            raise _NodeError(
                node, f"{name:.40} is no function: a product is written {name:.40}*(...)"
            )
        near = nearest(name, _FUNCTIONS)
        hint = f"did you mean {near}?" if near else f"choose {', '.join(_FUNCTIONS)}"
        raise _NodeError(node, f"there is no function {name:.40}: {hint}")
    function = _FUNCTIONS[name]
    wrong = _NodeError(node, f"wrong arguments: write {_usage(name)}")
    read = [_condition if name == "where" else _value, *[_value] * len(node.args)]
    positional = [f(arg, names) for f, arg in zip(read, node.args, strict=False)]
    named: Any = {keyword.arg: _value(keyword.value, names) for keyword in node.keywords}
    try:
        signature = _signature(name)
        bound = signature.bind(*positional, **named)
        for parameter in signature.parameters.values():
            x = bound.arguments.get(parameter.name)
            if isinstance(parameter.default, float) and isinstance(x, Value):
                raise _NodeError(node, f"{parameter.name} is a constant of {name}: write a number")
        return function(*positional, **named)
    except TypeError:  # too few or too many, **a, a list for a number or a number for a list
        raise wrong from None
    except ValueError as error:
        raise _NodeError(node, str(error)) from None


def _signature(name: str) -> inspect.Signature:
    """What a function takes; for a record that is what its value takes after the namespace `m`."""
    f = _FUNCTIONS[name]
    return inspect.signature(partial(f.value, None) if isinstance(f, Primitive) else f)


def _usage(name: str) -> str:
    """How a function is called, as in leaky_relu(x, alpha=0.01) or dot([w1, w2], [x1, x2], b)."""

    def shown(parameter: inspect.Parameter) -> str:
        if parameter.annotation == Iterable[Any] or parameter.kind is parameter.VAR_POSITIONAL:
            return f"[{parameter.name}1, {parameter.name}2]"
        constant = isinstance(parameter.default, float)
        return f"{parameter.name}={parameter.default:g}" if constant else parameter.name

    return f"{name}({', '.join(map(shown, _signature(name).parameters.values()))})"


def _unknown(node: ast.AST, name: str, names: Mapping[str, Any]) -> Any:
    if name in _FUNCTIONS:
        raise _NodeError(node, f"{name} is a function: write {_usage(name)}")
    near = get_close_matches(name, names, n=1, cutoff=0.7)
    hint = f"; or did you mean {near[0]:.40}?" if near else ""
    raise _NodeError(node, f"{name:.40} needs a number, as in {name:.40}=1{hint}")


def _column(text: str, node: ast.AST) -> int:
    """The place of a node (for a sum, of its sign) in characters; the syntax tree counts bytes."""
    offset = node.left.end_col_offset if isinstance(node, ast.BinOp) else node.col_offset  # type: ignore[attr-defined]
    column = len(text.encode()[:offset].decode())
    if isinstance(node, ast.BinOp):
        column += len(text[column:]) - len(text[column:].lstrip(" )"))
    return column


def _error(message: str, text: str, column: int, hint: str = "", width: int = 70) -> FormulaError:
    """The message, the text around the place, a caret below the place, and the hint."""
    start = max(0, min(column - width // 2, len(text) - width))
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[start : start + width])
    before, after = "..." * (start > 0), "..." * (start + width < len(text))
    pointer = " " * (len(before) + column - start) + "^"
    lines = [message, f"  {before}{shown}{after}", f"  {pointer}", hint]
    return FormulaError("\n".join(line for line in lines if line))
