"""The demos of the command line: each a record, with functions of its own where it is special."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from tinygrad_edu import data
from tinygrad_edu.cli.classification import classification
from tinygrad_edu.cli.classifier import Classifier
from tinygrad_edu.cli.evidence import of_classes, png_of
from tinygrad_edu.cli.options import OPTIONS, Settings, UsageError
from tinygrad_edu.cli.run import Demo, Named, Run, by_descent, course, facts_of_descent, short_loss
from tinygrad_edu.cli.split import Split, of_dataset
from tinygrad_edu.data import DATA_SETS, Dataset
from tinygrad_edu.data.dataset import Recipe
from tinygrad_edu.figure import Figure
from tinygrad_edu.namespace import floats
from tinygrad_edu.nn import Layer, Sequential
from tinygrad_edu.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.recurrent import RNN, per_step
from tinygrad_edu.perceptron import Perceptron, PerceptronHistory
from tinygrad_edu.text import table
from tinygrad_edu.train import evaluate, predict
from tinygrad_edu.view.base.palette import CLASSES, PLOT_INK
from tinygrad_edu.view.base.report import Picture, verbatim
from tinygrad_edu.view.pictures import weights


def _rows(recipe: Recipe) -> Callable[[Settings, random.Random], Split]:
    return lambda settings, rng: of_dataset(recipe.rows(rng), settings.test_ratio, rng, recipe)


def _on(name: str, r: Recipe) -> Demo:
    """An MLP that learns a data set, as its recipe says."""
    settings = Settings(r.hidden, r.activation, r.lr, r.epochs, r.batch_size, r.test_size)
    return classification(name, r.text, settings, _rows(r))


# The perceptron: no descent, but the training rule on two clusters.

#: The most lines in the picture, and rows in a table.
_LINES, _ROWS = 40, 20


def _clusters(settings: Settings, rng: random.Random) -> Dataset:
    if settings.batch_size not in (1, None):
        raise UsageError(
            "the perceptron takes --batch-size 1, an update after each mistake, or full, one after "
            f"each epoch, got {settings.batch_size}"
        )
    return data.blobs(60, [(0, 0), (3, 2)], 0.7, rng=rng)


class _Unit(NamedTuple):
    """A threshold unit, and what happened to it."""

    perceptron: Perceptron
    history: PerceptronHistory


def _by_the_rule(run: Run, rng: random.Random) -> None:
    unit, history = run.model
    labels = [2 * c - 1 for c in run.data.y]
    batch = run.settings.batch_size is None
    try:
        while history.epochs < run.settings.epochs:
            epoch = unit.fit(run.data.X, labels, batch=batch, epochs=1, rng=rng)
            history.mistakes.extend(epoch.mistakes)
            history.weights.extend(epoch.weights[1:])
            run.model = unit, history = _Unit(unit, history._replace(separable=epoch.separable))
            if epoch.converged:
                break
    except KeyboardInterrupt:
        run.history.interrupted = True
    print(f"{_ending(run)}\n{_boundary(run)}")


def _ending(run: Run) -> str:
    history: PerceptronHistory = run.model.history
    if run.history.interrupted:
        return f"interrupted after {history.epochs} of {run.settings.epochs} epochs"
    return history.summary


def _boundary(run: Run) -> str:
    w0, w1, w2 = run.model.perceptron.w
    return f"y = +1 where {w0:.4g} {w1:+.4g} x1 {w2:+.4g} x2 > 0"


def _form(run: Run) -> str:
    return "summed over an epoch" if run.settings.batch_size is None else "after each example"


def _mistakes(run: Run) -> list[tuple[str, str]]:
    """Mistakes per epoch, of many epochs the first and the last."""
    mistakes = run.model.history.mistakes
    rows = [(str(epoch), str(count)) for epoch, count in enumerate(mistakes, 1)]
    if len(rows) > _ROWS:
        rows[_ROWS - 2 : -1] = [("...", "")]
    return [("epoch", "mistakes"), *rows]


def _moving_line(run: Run) -> Iterator[Named]:
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for number, marker in enumerate("os"):
        points = [x for x, c in zip(run.data.X, run.data.y, strict=True) if c == number]
        axes.scatter(
            *zip(*points, strict=True), color=CLASSES[number], marker=marker, edgecolors="white",
            zorder=3, label=f"y = {2 * number - 1:+}",
        )  # fmt: skip
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim(), xlabel="x1", ylabel="x2")
    axes.set_aspect("equal")
    lines = [w for w in run.model.history.weights if any(w[1:])][-_LINES:]
    for n, w in enumerate(lines, 1):
        last = n == len(lines)
        axes.axline(
            *Perceptron(2, w=w).line(), color=PLOT_INK, lw=2.5 if last else 1,
            alpha=1 if last else 0.1 + 0.5 * n / len(lines),
        )  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    caption = (
        "The boundary w0 + w1 x1 + w2 x2 = 0 after each update, the earlier the paler; the thick "
        "line is the last."
    )
    yield "lines.png", Picture("The line as it moves", caption, figure.png())


_PERCEPTRON: Final = Demo(
    "perceptron",
    "one threshold unit and its training rule on two clusters; its line as it moves",
    Settings((), "step", 1.0, 100, 1, loss="perceptron", takes=("epochs", "batch_size", "seed")),
    data=_clusters,
    model=lambda settings, points, rng: _Unit(
        Perceptron(2), PerceptronHistory([], [(0.0, 0.0, 0.0)])
    ),
    announcement=lambda run: [
        "perceptron: 60 points in two clusters, labels -1 and 1",
        f"if y w.x <= 0 then w += y x, {_form(run)}",
    ],
    train=_by_the_rule,
    measure=_mistakes,
    lead=lambda run: f"A threshold unit learns to tell two clusters apart; {_ending(run)}.",
    facts=lambda run: {
        "points": "60 in two clusters",
        "rule": f"if y w·x ≤ 0 then w ← w + y x, {_form(run)}; x0 = 1, labels y = ±1",
        "unit": _boundary(run),
        "epochs": f"at most {run.settings.epochs}",
        "seed": str(run.settings.seed),
    },
    pictures=_moving_line,
)


# The digits with a small convolutional net.

_SHAPES: Final = "1 x 8 x 8 -> 8 kernels 3 x 3 -> 8 x 8 x 8 -> max 2 x 2 -> 128 -> 10"


def _convolution(settings: Settings, split: Split, rng: random.Random) -> Sequential:
    kernels = Conv2d(1, 8, 3, padding=1, activation=settings.activation, rng=rng)
    return Sequential(
        Unflatten(1, 8, 8), kernels, MaxPool2d(2), Flatten(), Layer(128, 10, "linear", rng=rng)
    )


def _kernels(run: Run) -> Iterator[Named]:
    yield from of_classes(Classifier(run.model, run.data.encoder, "cross_entropy"), run.data)
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
        _rows(DATA_SETS["digits"]),
        net=lambda model: _SHAPES,
    ),
    model=_convolution,
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
        loss, _ = evaluate(run.model, X, y, loss=_LOSS)
        share = f"{sum(right) / len(y):.1%}"
        results.append((f"{bits} bits", str(len(y)), short_loss(loss), share))
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
    train=lambda run, rng: by_descent(run, rng, (run.data.X, run.data.y), _LOSS),
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
    for demo in (*map(_on, DATA_SETS, DATA_SETS.values()), _PERCEPTRON, _DIGITS_CONV, _ADDER)
}
