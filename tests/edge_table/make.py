"""Write torch.json: what PyTorch 2.13.0 (float64, CPU) answers at the edges of each primitive.

And second.json: second derivatives, and the derivatives of losses of several outputs.

Run by hand, and only to change the table; the tests read torch.json and do not need PyTorch:

    python -m pip install torch==2.13.0
    python tests/edge_table/make.py

A row is [operation, inputs, value, gradients]; numbers are the repr of a float ("nan", "-0.0").

- Each input is a 0-d float64 tensor with requires_grad=True; n-ary operations stack theirs first.
- gradients holds d value/d input for the leading inputs. The inputs past its end are constants:
  the exponent of pow_c and the target of bce, bce_with_logits and hinge.
- A null gradient means that PyTorch defines none (step; the condition of where).
- The gradient passed to backward is 1, and infinity where the operation's name ends in "*inf".
- The operations are PyTorch's own, quirks included: softplus turns linear past 20, bce clamps its
  logarithms at -100, x**0.5 is a square root. Which rows count is for the reader to decide.

PyTorch picks its kernels by the processor: AVX2 and AVX-512 give this table; without them 14 rows
differ, in the last digits or, for log1p and bce_with_logits, in a denormal (5e-324 for 0.0).
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Row = tuple[str, list[str], str, list[str | None]]
Points = Sequence[tuple[float, ...]]

INF, NAN, LARGEST = math.inf, math.nan, 1.7976931348623157e308
ABOVE_1, BELOW_1 = math.nextafter(1, 2), math.nextafter(1, 0)


def tensor(number: float) -> Tensor:
    return torch.tensor(number, dtype=torch.float64)


def both_signs(*numbers: float) -> list[float]:
    return [signed for number in numbers for signed in (number, -number)]


def distinct(points: Iterable[tuple[float, ...]]) -> Points:
    """Drop repeats; 0.0 and -0.0 are two points."""
    return list({repr(point): point for point in points}.values())


GRID = both_signs(0.0, 0.5, 1.0, 2.0, 3.7, 20.0, 37.0, 40.0, 709.0, 710.0, 745.0, 1000.0)
GRID += both_signs(1e8, 1e200, 1e300, LARGEST)
GRID += both_signs(1e-20, 1e-300, 2.2250738585072014e-308, 1e-310, 5e-324)
GRID += [INF, -INF, NAN]
AROUND_1 = both_signs(ABOVE_1, BELOW_1)
TURNS = both_signs(math.pi / 2, math.pi, 1e22)
OVERFLOW = [709.782712893384, math.nextafter(709.782712893384, 710)]
HALF_OVERFLOW = both_signs(710.4758600739439, math.nextafter(710.4758600739439, 711))

# Each with the points it needs beyond GRID: the ends of its domain, where it overflows or rounds.
UNARY: dict[str, tuple[Callable[[Tensor], Tensor], list[float]]] = {
    "neg": (torch.neg, []),
    "exp": (torch.exp, [*OVERFLOW, -745.2, -746.0]),
    "log": (torch.log, [BELOW_1, ABOVE_1]),
    "log2": (torch.log2, [BELOW_1, ABOVE_1, 8.0]),
    "log10": (torch.log10, [BELOW_1, ABOVE_1]),
    "exp2": (torch.exp2, [1024.0, -1075.0]),
    "log1p": (torch.log1p, [-BELOW_1, -ABOVE_1]),
    "expm1": (torch.expm1, [*OVERFLOW, -36.0, -746.0]),
    "sqrt": (torch.sqrt, [4.0]),
    "sin": (torch.sin, TURNS),
    "cos": (torch.cos, TURNS),
    "tan": (torch.tan, TURNS),
    "asin": (torch.asin, AROUND_1),
    "acos": (torch.acos, AROUND_1),
    "atan": (torch.atan, []),
    "sinh": (torch.sinh, HALF_OVERFLOW),
    "cosh": (torch.cosh, HALF_OVERFLOW),
    "asinh": (torch.asinh, []),
    "acosh": (torch.acosh, AROUND_1),
    "atanh": (torch.atanh, AROUND_1),
    "tanh": (torch.tanh, both_signs(19.0, 19.1, 400.0)),
    "sigmoid": (torch.sigmoid, both_signs(36.0, 746.0)),
    "softplus": (F.softplus, both_signs(20.1, 746.0)),
    "log_sigmoid": (F.logsigmoid, both_signs(36.0, 746.0)),
    "clip": (lambda x: torch.clamp(x, -1.0, 2.0), AROUND_1),
    "relu": (torch.relu, []),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.01), []),
    "elu": (F.elu, [-36.0, -746.0]),
    "gelu": (F.gelu, both_signs(5.0, 8.0, 8.5, 38.5)),
    "silu": (F.silu, both_signs(36.0, 746.0)),
    "sign": (torch.sign, []),
    "step": (lambda x: torch.heaviside(x.detach(), tensor(0.0)), []),
    "abs": (torch.abs, [-3.0]),
}
POWER_GRID = [*GRID, -3.0, 4.0, 5.0]
EXPONENTS = [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 1.5, 2.5, -0.5]

BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "divide": torch.divide,
    "pow": torch.pow,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "atan2": torch.atan2,
    "remainder": torch.remainder,
    "hypot": torch.hypot,
    "prelu": F.prelu,
}
PAIR_GRID = [0.0, -0.0, 0.5, *both_signs(1.0, 2.0, 3.0), 1e200, 1e-200, 5e-324]
PAIR_GRID += [*both_signs(LARGEST, INF), NAN]
PAIRS = [*product(PAIR_GRID, repeat=2)]
PAIRS += [(0.1, 0.2), (1e308, 1e308), (3.0, 4.0), (0.0, 5.0), (2.0, 1024.0), (-2.0, 1024.0)]

NARY: dict[str, Callable[[Tensor], Tensor]] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "prod": torch.prod,
    "max": torch.amax,
    "min": torch.amin,
    "norm": torch.linalg.vector_norm,
    "var": lambda x: torch.var(x, correction=0),
    "std": lambda x: torch.std(x, correction=0),
    "logsumexp": lambda x: torch.logsumexp(x, 0),
    "softmax_first": lambda x: torch.softmax(x, 0)[0],
    "log_softmax_first": lambda x: torch.log_softmax(x, 0)[0],
}
NARY_PAIRS = [*product([0.0, -0.0, *both_signs(1.0, 1000.0, 1e308, INF), NAN], repeat=2)]
TRIPLES = [*product([0.0, 2.0, -1000.0, INF, NAN], repeat=3)]
TRIPLES += [(1.0, 1.0, 1.0), (2.0, 1.0, 2.0), (1.0, 2.0, 2.0), (2.0, 1.0, 1.0), (NAN, 1.0, 2.0)]
TRIPLES += [(2.0, 3.0, 4.0), (0.1, 0.2, 0.3), (-1.0, -2.0, 3.0), (0.0, -0.0, 2.0)]
TRIPLES += [(-0.0, 3.0, -2.0), (-0.0, -0.0, -0.0), (1000.0,) * 3, (1000.0, 0.0, -1000.0)]
TRIPLES += [(-INF,) * 3, (-INF, -INF, 0.0), (0.0, -INF, -INF), (INF, -INF, 0.0), (INF, 1.0, -INF)]
TRIPLES += [(1e308,) * 3, (1e308, 1e308, -1e308), (1e-200, 1e-200, 1e200), (5e-324, 0.5, 2.0)]

# A weight and an input each; dot takes two of these.
PRODUCTS = [(0.0, 0.0), (0.0, 5.0), (-0.0, 3.0), (0.5, -2.0), (2.0, 3.0), (0.1, 0.2), (0.3, 0.7)]
PRODUCTS += [(0.0, INF), (INF, 0.0), (INF, 2.0), (-INF, 2.0), (INF, -INF), (0.0, NAN), (NAN, 1.0)]
PRODUCTS += [(1e200, 1e200), (-1e200, 1e200), (1e-200, 1e-200), (LARGEST, 1.0), (-LARGEST, 1.0)]

LOSS_GRID = both_signs(0.0, 5e-324, 1e-300, 1e-20, 0.5, 1.0, 2.0, 20.0, 36.0, 37.0, 40.0)
LOSS_GRID += both_signs(709.0, 710.0, 745.0, 746.0, 1000.0, 1e300, LARGEST, INF)
LOSS_GRID += [NAN]
PROBABILITIES = [0.0, -0.0, 5e-324, 1e-320, 1e-300, 1e-20, 0.25, 0.5, 0.9, BELOW_1, 1.0]
LOSS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], list[float], list[float]]] = {
    "bce_with_logits": (F.binary_cross_entropy_with_logits, LOSS_GRID, [0.0, 1.0, 0.3]),
    "bce": (F.binary_cross_entropy, PROBABILITIES, [0.0, 1.0, 0.3]),
    "hinge": (lambda z, t: torch.relu(1 - t * z), LOSS_GRID, [1.0, -1.0]),
}

FLOW_GRID = [0.0, -0.0, 5e-324, *both_signs(2.0, INF), NAN]
FLOW_PAIRS = [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (0.0, -0.0), (INF, INF), (-INF, -INF)]
FLOW_PAIRS += [(INF, 1.0), (-INF, 1.0), (NAN, 1.0), (1.0, NAN), (NAN, NAN)]
FLOW_TRIPLES = [(1.0, 2.0, 3.0), (3.0, 2.0, 1.0), (2.0, 1.0, 2.0), (1.0, 2.0, 1.0), (1.0,) * 3]
FLOW_TRIPLES += [(INF, 0.0, INF), (-INF, 0.0, -INF), (NAN, 1.0, 2.0), (1.0, 2.0, NAN)]


def table_row(
    name: str,
    operation: Callable[..., Tensor],
    inputs: tuple[float, ...],
    constants: tuple[float, ...] = (),
    upstream: float = 1.0,
) -> Row:
    """Call operation(*inputs, *constants) and differentiate it by the inputs."""
    leaves = [tensor(number).requires_grad_() for number in inputs]
    value = operation(*leaves, *(tensor(number) for number in constants))
    if value.requires_grad:
        torch.autograd.backward(value, tensor(upstream))
    gradients = [None if leaf.grad is None else repr(leaf.grad.item()) for leaf in leaves]
    return name, [repr(number) for number in (*inputs, *constants)], repr(value.item()), gradients


def stacked(operation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda *leaves: operation(torch.stack(leaves))


def constant_power(x: Tensor, exponent: Tensor) -> Tensor:
    return torch.pow(x, exponent.item())


def dot(w1: Tensor, w2: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
    return torch.dot(torch.stack([w1, w2]), torch.stack([x1, x2]))


def cross_entropy_first(z1: Tensor, z2: Tensor) -> Tensor:
    return F.cross_entropy(torch.stack([z1, z2]), torch.tensor(0))


def where_positive(c: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(c > 0, a, b)


def rows() -> Iterable[Row]:
    for name, (unary, extra) in UNARY.items():
        for point in distinct((x,) for x in (*GRID, *extra)):
            yield table_row(name, unary, point)
    for exponent in EXPONENTS:
        for point in distinct((x,) for x in POWER_GRID):
            yield table_row("pow_c", constant_power, point, (exponent,))
    for name, binary in BINARY.items():
        for point in distinct(PAIRS):
            yield table_row(name, binary, point)
    for name, nary in NARY.items():
        for point in distinct([*NARY_PAIRS, *TRIPLES]):
            yield table_row(name, stacked(nary), point)
    for (w1, x1), (w2, x2) in product(PRODUCTS, repeat=2):
        yield table_row("dot", dot, (w1, w2, x1, x2))
    for name, (loss, outputs, targets) in LOSS.items():
        for target, output in product(targets, outputs):
            yield table_row(name, loss, (output,), (target,))
    for point in distinct(NARY_PAIRS):
        yield table_row("cross_entropy_first", cross_entropy_first, point)
    yield from infinite_upstream_rows()


def infinite_upstream_rows() -> Iterable[Row]:
    """Yield rows that tell "nothing flows" from "a slope of zero": inf times zero would be nan."""
    for name in ("relu", "leaky_relu", "abs", "sign"):
        for x in FLOW_GRID:
            yield table_row(name + "*inf", UNARY[name][0], (x,), upstream=INF)
    for x in FLOW_GRID:
        yield table_row("pow_c*inf", constant_power, (x,), (0.0,), upstream=INF)
    for name in ("maximum", "minimum"):
        for pair in FLOW_PAIRS:
            yield table_row(name + "*inf", BINARY[name], pair, upstream=INF)
    for name in ("max", "min"):
        for point in (*FLOW_PAIRS, *FLOW_TRIPLES):
            yield table_row(name + "*inf", stacked(NARY[name]), point, upstream=INF)
    for c, (a, b) in product(FLOW_GRID, [(1.0, 2.0), (1.0, 1.0), (INF, NAN)]):
        yield table_row("where*inf", where_positive, (c, a, b), upstream=INF)


SECOND_GRID = both_signs(0.0, 5e-324, 1e-20, 0.25, 0.5, 1.0, 2.0, 20.0, 40.0, 1000.0, INF)
SECOND_GRID += [NAN]
OUTPUTS = [(1e308, 0.0), (1e308, -1e308), (1e308,) * 4, (0.5, -2.0, 1.5), (-0.0, 0.0)]
OUTPUTS += [(5e-324, 1.0), (INF, 0.0), (NAN, 1.0), (1000.0, -1000.0), (1e308, 1e308, 1e308)]


def second_rows() -> Iterable[list[object]]:
    """Yield rows [operation, inputs, gradients, diagonal of second derivatives]."""
    functions = {name: unary for name, (unary, _) in UNARY.items() if name != "step"}
    functions |= {f"pow_{c:g}": lambda x, c=c: torch.pow(x, c) for c in (0.0, 1.0, 2.0, 3.0, -1.0)}
    functions["elu_2"] = lambda x: F.elu(x, 2.0)
    for name, function in functions.items():
        for x in SECOND_GRID:
            yield second_row(name, lambda leaves, f=function: f(leaves[0]), (x,))
    for outputs in OUTPUTS:
        yield second_row("mse", lambda z: F.mse_loss(z, torch.full_like(z, 0.5)), outputs)
        yield second_row("cross_entropy", lambda z: F.cross_entropy(z, torch.tensor(0)), outputs)


def second_row(
    name: str, function: Callable[[Tensor], Tensor], inputs: tuple[float, ...]
) -> list[object]:
    x = torch.tensor(inputs, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(function(x), x, create_graph=True)
    second = [0.0] * len(inputs)
    for k in range(len(inputs)):
        if first.requires_grad:
            second[k] = torch.autograd.grad(first[k], x, retain_graph=True)[0][k].item()
    return [name, *([repr(a) for a in row] for row in (inputs, first.tolist(), second))]


def main() -> None:
    if torch.__version__.split("+")[0] != "2.13.0":
        raise SystemExit(f"this is torch {torch.__version__}; the table is of torch==2.13.0")
    lines = ",\n".join(json.dumps(row) for row in rows())
    source = json.dumps("PyTorch 2.13.0 float64, CPU")
    columns = json.dumps(["operation", "inputs", "value", "gradients"])
    text = f'{{"source": {source},\n"columns": {columns},\n"rows": [\n{lines}\n]}}\n'
    Path(__file__).with_name("torch.json").write_text(text, encoding="utf-8")
    lines = ",\n".join(json.dumps(row) for row in second_rows())
    columns = json.dumps(["operation", "inputs", "gradients", "second derivatives"])
    text = f'{{"source": {source},\n"columns": {columns},\n"rows": [\n{lines}\n]}}\n'
    Path(__file__).with_name("second.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
