"""The demos of the command line: each a record, with functions of its own where it is special."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from tinygrad_edu import data
from tinygrad_edu import namespace as floats
from tinygrad_edu.cli.classification import classification, confusion, png_of
from tinygrad_edu.cli.demo_perceptron import PERCEPTRON
from tinygrad_edu.cli.options import OPTIONS, Settings, UsageError
from tinygrad_edu.cli.run import Demo, Named, Run, by_descent, course, facts_of_descent, measured
from tinygrad_edu.cli.split import Split, of_dataset
from tinygrad_edu.data import DATA_SETS
from tinygrad_edu.data.registry import Recipe
from tinygrad_edu.nn import Layer, Sequential
from tinygrad_edu.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.recurrent import RNN, per_step
from tinygrad_edu.text import table
from tinygrad_edu.train import predict
from tinygrad_edu.view.base.report import Picture, verbatim


def _on(name: str, recipe: Recipe) -> Demo:
    """An MLP that tells the classes of a data set apart, as its recipe says."""

    def rows(settings: Settings, rng: random.Random) -> Split:
        return of_dataset(
            recipe.rows(rng), settings.test_ratio, rng, unit=recipe.unit, group=recipe.group
        )

    r = recipe
    default = Settings(r.hidden, r.activation, r.lr, r.epochs, r.batch_size, r.test_size)
    return classification(name, r.text, default, rows)


# The digits with a small convolutional net.

_SHAPES: Final = "1 x 8 x 8 -> 8 kernels 3 x 3 -> 8 x 8 x 8 -> max 2 x 2 -> 128 -> 10"


def _convolution(settings: Settings, split: Split, rng: random.Random) -> Sequential:
    kernels = Conv2d(1, 8, 3, padding=1, activation=settings.activation, rng=rng)
    return Sequential(
        Unflatten(1, 8, 8), kernels, MaxPool2d(2), Flatten(), Layer(128, 10, "linear", rng=rng)
    )


def _kernels(run: Run) -> Iterator[Named]:
    from tinygrad_edu.view.pictures import weights

    yield confusion(run)
    yield course(run.history)
    caption = (
        "The 3 x 3 weights of each kernel, which slides over the image: blue where it looks for "
        "ink, orange where for paper, white is 0."
    )
    kernels = png_of(weights(run.model.layers[1], height=3, width=3))
    yield "kernels.png", Picture("The kernels", caption, kernels)


_DIGITS_CONV: Final = replace(
    classification(
        "digits-conv",
        "the digits with a small convolutional net",
        Settings(
            (), "relu", 0.02, 20, 128, loss="cross_entropy",
            takes=tuple(name for name in OPTIONS if name not in ("hidden", "loss")),
        ),
        lambda settings, rng: of_dataset(data.digits(), settings.test_ratio, rng, unit=16.0),
        net=lambda model: _SHAPES,
    ),
    model=_convolution,
    lead=lambda run: (
        f"A convolutional net reads handwritten digits: {run.results[-1][-1]} of the "
        f"{run.results[-1][0]} rows are right."
    ),
    pictures=_kernels,
)  # fmt: skip


# The adder: a recurrent net on numbers of 7 bits, tested on numbers of 30.

_LOSS: Final = per_step("binary_cross_entropy_with_logits")
#: Bits of the numbers trained on, and of longer ones.
_SHORT, _LONG = 7, 30
_Bits = list[list[float]]


class _Sums(NamedTuple):
    """Pairs of numbers and their sums, bit by bit; and longer ones."""

    X: _Bits
    y: _Bits
    longer: tuple[_Bits, _Bits]


def _recurrent(settings: Settings, sums: _Sums, rng: random.Random) -> RNN:
    if len(settings.hidden) != 1:
        raise UsageError("the adder has one layer of hidden units: write --hidden 8")
    return RNN(2, settings.hidden[0], 1, settings.activation, rng=rng)


def _net(run: Run) -> str:
    (units,) = run.settings.hidden
    return f"2 bits a step, {units} recurrent units, 1 output a step, {run.settings.activation}"


def _sums_right(run: Run) -> list[tuple[str, ...]]:
    results: list[tuple[str, ...]] = [("", "sums", "loss", "right sums")]
    for bits, (X, y) in ((_SHORT, (run.data.X, run.data.y)), (_LONG, run.data.longer)):
        outputs = predict(run.model, X)
        right = [_bits(o) == t for o, t in zip(outputs, y, strict=True)]
        results.append(measured(f"{bits} bits", _LOSS, outputs, y, right))
    return results


def _bits(logits: list[float]) -> list[float]:
    return [float(z > 0) for z in logits]


def _written_out(model: RNN, a: int = 89, b: int = 45) -> str:
    """The sum of two numbers of at most 7 bits: for each step inputs, hidden units and output."""
    pairs = [(a >> k & 1, b >> k & 1) for k in range(_SHORT + 1)]
    states = model.states(pairs)
    logits = [model.output(h)[0].data for h in states]
    bits = _bits(logits)
    number = sum(int(bit) << k for k, bit in enumerate(bits))
    most = min(len(states[0]), 8)
    hidden = [f"h{i + 1}" for i in range(most)]
    rows = [("step", "a", "b", "carry", *hidden, "z", "p", "bit", "right")]
    carry = 0
    for k, ((i, j), h, z) in enumerate(zip(pairs, states, logits, strict=True)):
        units = [f"{unit.data:.2f}" for unit in h[:most]]
        answer = f"{z:.2f}", f"{floats.sigmoid(z):.3f}", f"{bits[k]:.0f}", f"{i ^ j ^ carry}"
        rows.append((f"{k}", f"{i}", f"{j}", f"{carry}", *units, *answer))
        carry = int(i + j + carry > 1)
    return f"{a} + {b} = {a + b}; the net says {number}\n\n{table(rows, left=0)}"


def _one_sum(run: Run) -> Iterator[Named]:
    caption = (
        "The lowest bit comes first, as one adds by hand. The net gets the two bits of a step and "
        "its own hidden units h from the step before: whatever carry there is, it must be in them. "
        "The carry itself was never shown to it. p is the probability of a 1; a bit is 1 where "
        "p > 1/2."
    )
    yield "", Picture("One sum, step by step", caption, verbatim(_written_out(run.model)), "text")
    yield course(run.history)


_ADDER: Final = Demo(
    "adder",
    "a recurrent net learns to add bit by bit; tested on longer numbers",
    Settings(
        (8,), "tanh", 0.05, 60, 20, loss="binary_cross_entropy_with_logits",
        takes=tuple(name for name in OPTIONS if name not in ("loss", "test_ratio")),
    ),
    data=lambda settings, rng: _Sums(
        *data.binary_addition(200, _SHORT, rng=rng), data.binary_addition(500, _LONG, rng=rng)
    ),
    model=_recurrent,
    announcement=lambda run: [
        f"adder: {len(run.data.X)} sums of two numbers of {_SHORT} bits, the lowest bit first",
        f"net {_net(run)}, {len(run.model.parameters()):,} parameters",
    ],
    train=lambda run, rng: by_descent(run, rng, run.data.X, run.data.y, loss=_LOSS),
    measure=_sums_right,
    lead=lambda run: (
        f"A recurrent net trained on sums of numbers of {_SHORT} bits adds numbers of {_LONG} "
        f"bits: {run.results[-1][-1]} of the sums are right in every bit."
    ),
    facts=lambda run: {"net": _net(run), **facts_of_descent(run)},
    pictures=_one_sum,
    save=lambda run, path: run.model.save(path),
)  # fmt: skip

#: The demos by name, in the order of the help.
DEMOS: Final = {
    demo.name: demo
    for demo in (*map(_on, DATA_SETS, DATA_SETS.values()), PERCEPTRON, _DIGITS_CONV, _ADDER)
}
