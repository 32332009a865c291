"""Parts: what the page links nets of, made by the compiler of tables from the package's records.

A hidden layer of each activation, the end of a net for each loss, the penalties and the optimizers:
each is traced once, in a net whose sizes are prime numbers, and cut out of its instructions.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial, reduce
from itertools import pairwise
from typing import Any, Final

from tinygrad_edu.data import DATA_SETS
from tinygrad_edu.engine import Value, toposort
from tinygrad_edu.export.page.plan import FAILURES
from tinygrad_edu.losses import RECORDS as LOSSES
from tinygrad_edu.losses import l1, l2
from tinygrad_edu.nn import INITIALISERS, MLP, Dropout, Layer, Sequential
from tinygrad_edu.nn.activations import RECORDS as ACTIVATIONS
from tinygrad_edu.optim import OPTIMIZERS, SGD, Optimizer
from tinygrad_edu.train.heads import Head, head_for
from tinygrad_edu.vectorize.executors.instructions import Array
from tinygrad_edu.vectorize.executors.machine import Linkable
from tinygrad_edu.vectorize.executors.table import CHUNK, Compiler, compiled, update_code
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.vectorize.steps import Product
from tinygrad_edu.view.base.naming import NOTATIONS, names_of

#: The sizes of the net that parts are cut out of: inputs of the layer before, its units, those of
#: the layer itself and of the one after it. C is the step between columns, T counts parameters.
_FIRST, _I, _O, _N, _T = 5, 7, 11, 13, 31
_ROWS: Final = 128
#: How many inputs or units of a layer a net of the page may have.
MOST: Final = 16
#: Stands for the strength of a penalty.
_STRENGTH: Final = 0.7182818284590452

#: A part: its rows forward and backward, the sizes of memory of its own, and names for its ports.
Part = dict[str, Any]
#: The optimizers that the page offers, with their usual options.
UPDATES: Final[Mapping[str, Callable[..., Optimizer]]] = {
    **OPTIMIZERS,
    "momentum": partial(SGD, momentum=0.9),
}
#: What is learned, and for how many classes it stands.
_KINDS: Final = {"two": 2, "several": 3, "numbers": 0}
PENALTIES: Final = {"l1": l1, "l2": l2}
#: What a loss can follow, if not net inputs: by what the outputs are for it.
_OUTPUTS: Final = {"numbers": ["linear", "sigmoid", "tanh"], "probability": ["sigmoid"]}


def parts() -> dict[str, Any]:
    """All parts by kind and name; `ends` by loss and output activation, such as "hinge linear".

    Also what the page says and draws as the package does: `names` with {layer}, {unit} and {index}
    in them, the textbook's g'(z) and dL/da as text and LaTeX (`slopes`, `losses`), and how first
    weights are drawn, with the scale by numbers of inputs and of units.
    """
    units = [a for a, record in ACTIVATIONS.items() if not record.of_layer and record.alpha is None]
    return {
        "hidden": {activation: hidden(activation) for activation in units},
        "dropout": {activation: hidden(activation, dropout=True) for activation in units},
        "ends": {f"{loss} {output}": end(loss, output) for loss, record in LOSSES.items()
                 for output in _OUTPUTS.get(record.outputs, ["linear"])},
        "penalties": {name: penalty(of) for name, of in PENALTIES.items()},
        "optimizers": {name: update(make) for name, make in UPDATES.items()},
        "names": {notation: _patterns(notation) for notation in NOTATIONS},
        "initial": {activation: _initial(ACTIVATIONS[activation].init) for activation in units},
        "heads": {loss: {kind: head_of(loss, n) for kind, n in _KINDS.items()}
                  for loss, record in LOSSES.items() if record.page},
        "sets": {name: recipe.noise for name, recipe in DATA_SETS.items() if recipe.noise},
        "slopes": {a: record.slope[:2] for a, record in ACTIVATIONS.items() if record.slope},
        "losses": {loss: [record.text, record.latex] for loss, record in LOSSES.items()},
        "reasons": FAILURES,
    }  # fmt: skip


def head_of(loss: str, classes: int) -> dict[str, Any] | None:
    """What the outputs mean for a loss, for no classes that they are numbers; None for no end."""
    outputs = LOSSES[loss].outputs
    if (classes > 2 and outputs != "logits") or (not classes and outputs != "numbers"):
        return None
    if classes == 2 and outputs == "logits":
        loss = "binary_cross_entropy_with_logits"
    head = head_for(loss, classes) if classes else Head("numbers", 1)
    end, units = f"{loss} {head.activation}", min(head.units, 2)
    return {"end": end, "units": units, "low": head.low, "threshold": head.threshold}


def hidden(activation: str, *, dropout: bool = False) -> Part:
    """A layer between two others: ports x, z, a, out, delta, W, b, next W and next delta, mask."""
    masks = [Dropout(0.5)] * dropout
    first, second = Layer(_FIRST, _I, activation), Layer(_I, _O, activation)
    layers = [first, *masks, second, *masks, Layer(_O, _N, "linear")]
    program, c, x, out = _net(layers, "half_squared_error")
    back = c.begins.get("delta2", len(c.instructions)), c.begins.get("delta1")
    if "delta2" not in c.begins:  # nothing flows, and the gradient is 0
        for name in ("dW2", "db2"):
            c.each("copy", c.given(0.0), out=c.targets[name])
    printed = {} if dropout else _printed(program, ("Z2", "Z3"), ("delta2", "delta1"), c.begins)
    return printed | _part(c, (c.begins["Z2"], c.begins["Z3"]), back, {
        "x": x, "out": out, "a": c.named.get("A2"), "z": c.named["Z2"],
        "W": c.named["W2"], "b": c.named["b2"], "nextW": c.named["W3"], "dW": c.targets["dW2"],
        "db": c.targets["db2"], "delta": c.named.get("delta2"), "nextDelta": c.named["delta3"],
        "mask": c.inputs["S"].view(start=_I * c.cap) if dropout else None,
    })  # fmt: skip


def end(loss: str, output: str) -> Part:
    """The last layer and the loss: ports x, z, out, delta, W, b, loss, and Y, B, mean."""
    layer = Layer(_O, _N if LOSSES[loss].outputs == "logits" else 1, output)
    program, c, x = _net([layer], loss)
    targets = [*c.begins]
    first = targets[targets.index("L") + 1]
    back = c.begins[first]
    printed = _printed(program, (targets[0], first), (first, ""), c.begins)
    return printed | _part(c, (0, back), (back, None), {
        "x": x, "loss": c.results[0], "out": c.results[1], "z": c.named["Z1"],
        "W": c.named["W1"], "b": c.named["b1"], "dW": c.targets["dW1"], "db": c.targets["db1"],
        "delta": c.named["delta1"], "Y": c.inputs["Y"], "B": c.named["B"], "mean": c.mean,
    })  # fmt: skip


def penalty(of: Callable[..., Value]) -> Part:
    """What a penalty adds to the mean loss and to the gradient of all parameters."""
    weights = [Value(k + 0.5) for k in range(_T)]
    plan = Program(lambda x: of(weights, _STRENGTH), [0.5]).plan
    c = compiled(plan, plan.backward, _ROWS)
    mean, G = c.fixed(1, 1), c.fixed(1, _T)
    for port, added in ((mean, c.mean), (G, c.G)):
        c.each("+", port, added, out=port)
    ports = {"P": c.P, "G": G, "mean": mean, "slope": c.G, "value": c.mean, "B": c.named["B"]}
    return _part(c, (0, None), (0, 0), ports)


def update(make: Callable[..., Optimizer]) -> dict[str, Any]:
    """An optimizer: its usual rate, and its updates before and after it has made its states."""
    optimizer = make([Value(0.0)])
    made = [state is not None for state in optimizer.initial_state]
    there, phases = None, []
    while there != made:
        there = made
        c = update_code(-1, -1, _T, optimizer.update, there)
        held = {f"s{k}": a for k, a in enumerate(c.made)}
        ports = {"P": c.named["x"], "G": c.named["g"], "rate": c.rate, "time": c.time,
                 "before": c.before, **held}  # fmt: skip
        sizes = {"K": CHUNK, "V": c.cap}
        part = Linkable(c, {"T": _T, **sizes}, ports)
        phases.append({"forward": part.rows(0), "own": part.own,
                       "states": [name if a else None for name, a in held.items()]})  # fmt: skip
        made = [a is not None for a in c.made]
    states = optimizer.initial_state
    options = make.keywords if isinstance(make, partial) else {}
    texts = ["p", "lr=LR", *(f"{name}={x}" for name, x in options.items())]
    code = f"{type(optimizer).__name__}({', '.join(texts)})"
    return {"rate": optimizer.lr, "initial": states, "phases": phases, "sizes": sizes, "code": code}


def _net(layers: list[Any], loss: str) -> tuple[Any, ...]:
    """A net with a loss as a program, its instructions, and what its last layers read."""
    net, kind, units = Sequential(*layers), LOSSES[loss].outputs, layers[-1].nout
    low = -1 if kind == "score" else 0
    targets = [[float(k)] * units if kind == "numbers" else k for k in (low, 1)]

    def example(x: Any, t: Any) -> tuple[Value, Any]:
        outputs = net(x)
        return LOSSES[loss].loss(outputs, t), outputs

    rows = [[k + 1 / (n + 2) for n in range(layers[0].nin)] for k in (0, -1)]
    program = Program(example, *zip(rows, targets, strict=True))
    plan = program.plan
    c = compiled(plan, plan.backward, _ROWS)
    products = [step for step in plan.steps if isinstance(step, Product)]
    return program, c, *(c.named[step.x.parts[0].array] for step in products[-2:])


def _part(c: Compiler, forward: Any, backward: Any, ports: Mapping[str, Array | None]) -> Part:
    """The rows of instructions from one number to another; `out` is what the output is called."""
    sizes = {"I": _I, "O": _O, "N": _N, "C": c.cap, "T": _T}
    part = Linkable(c, sizes, ports, ("strength", _STRENGTH))
    rows = {"forward": part.rows(*forward), "backward": part.rows(*backward)}
    out = ports.get("out")
    return {**rows, "own": part.own, "out": out and part.name(out)}


def _printed(
    program: Program, forward: tuple[str, str], backward: tuple[str, str], targets: Iterable[str]
) -> Part:
    """The same as lines of NumPy, with {p}, {l}, {n} for the layer before, it, the next; helpers.

    `forward` and `backward` tell the targets with which they begin, and before which they end.
    """
    head, _, body = program.source.partition("\n\n\ndef loss_and_gradient")
    lines = {line.split(" = ")[0].strip(): line.strip() for line in body.splitlines()}
    order = [target for target in targets if target in lines]

    def between(start: str, stop: str) -> list[str]:
        places = [order.index(name) if name in order else None for name in (start, stop)]
        chosen = order[places[0] : places[1]] if start in order else []
        return [_of_layer(lines[name].partition("  # (")[0].rstrip()) for name in chosen]

    helpers = [text for text in head.split("\n\n\n")[1:] if not text.startswith("def shaped")]
    numpy = {"forward": between(*forward), "backward": between(*backward), "helpers": helpers}
    return {"numpy": numpy, "out": None}


def _of_layer(line: str) -> str:
    """A line with open numbers of layers: those of a net of three, or of one."""
    hidden = re.search(r"\b(Z|W|delta|dW|db)2\b", line)
    letters = {"1": "p", "2": "l", "3": "n"} if hidden else {"1": "l"}
    opened = re.sub(
        r"\b(Z|A|W|b|delta|dW|db)([123])\b", lambda m: f"{m[1]}{{{letters.get(m[2], m[2])}}}", line
    )
    return opened.replace(f"{_N})", "{N})")


class _Drawn(random.Random):
    """Tells how a number is drawn, and how far from 0."""

    def uniform(self, a: float, b: float) -> Any:
        return "uniform", b

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> Any:
        return "gauss", sigma


def _initial(init: str) -> list[Any]:
    sizes = range(1, MOST + 1)
    drawn: Any = [[INITIALISERS[init](_Drawn(), nin, nout) for nout in sizes] for nin in sizes]
    return [drawn[0][0][0], [None, *([None, *(scale for _, scale in row)] for row in drawn)]]


def parameter_names(sizes: Sequence[int]) -> list[str]:
    """What the parameters of a net of these sizes are called, in the order of `parameters()`."""
    w, b = (_patterns("lecture")[letter] for letter in "wb")
    return [
        (w if index <= before else b).format(layer=layer, unit=unit, index=index)
        for layer, (before, units) in enumerate(pairwise(sizes), 1)
        for unit in range(1, units + 1)
        for index in range(1, before + 2)
    ]


@cache
def _patterns(notation: str) -> dict[str, str]:
    """What numbers of layer 2, unit 3 and, of weights, input 4 are called, their numbers open."""
    units = MLP(4, [4, 3, 1], "tanh", rng=0)
    order = toposort(units([0.5] * 4), leaves=True)
    names = names_of(order, notation=notation)
    unit = next(u for u in names.units.units if u.place[:2] == (2, 3))
    assert unit.b is not None
    found = {"w": names[unit.w[3]], "b": names[unit.b], "z": names[unit.z], "a": names[unit.a]}
    found |= {"delta": names.deltas[unit.z]}
    keys = (("2", "{layer}"), ("3", "{unit}"), ("4", "{index}"))
    return {k: reduce(lambda x, key: x.replace(*key), keys, name) for k, name in found.items()}
