"""The demo `adder`: a recurrent net that learns to add two numbers bit by bit."""

import random
from typing import Final

from tinygrad_edu import namespace as floats
from tinygrad_edu.cli.errors import UsageError
from tinygrad_edu.cli.folder import PARAMETERS_ONLY, make_folder, write_files, write_parameters
from tinygrad_edu.cli.options import Settings, usage_errors
from tinygrad_edu.cli.training import (
    course,
    facts,
    finish,
    fitted,
    measured,
    print_results,
    trained,
)
from tinygrad_edu.data import binary_addition
from tinygrad_edu.nn.recurrent import RNN, per_step
from tinygrad_edu.train import predict
from tinygrad_edu.view.base.report import Picture, report, verbatim

DEFAULT: Final = Settings(
    (8,), "tanh", 0.05, 60, 20, loss="binary_cross_entropy_with_logits",
    takes=("hidden", "activation", "optimizer", "lr", "epochs", "batch_size", "seed"),
)  # fmt: skip
_LOSS: Final = per_step("binary_cross_entropy_with_logits")
#: Bits of the numbers trained on, and of longer ones.
_SHORT, _LONG = 7, 30
_Rows = list[list[float]]


def run(settings: Settings, rng: random.Random) -> int:
    """Train, print the share of right sums and write the report; exit codes as `run_training`."""
    if len(settings.hidden) != 1:
        raise UsageError("the adder has one layer of hidden units: write --hidden 8")
    (units,) = settings.hidden
    X, y = binary_addition(200, _SHORT, rng=rng)
    longer = binary_addition(500, _LONG, rng=rng)
    with usage_errors():
        model = RNN(2, units, 1, settings.activation, rng=rng)
    settings = fitted(settings, len(X))
    make_folder(settings.out)
    net = f"2 bits a step, {units} recurrent units, 1 output a step"
    history = trained(
        [f"adder: {len(X)} sums of two numbers of {_SHORT} bits, the lowest bit first",
         f"net {net}, {settings.activation}, {len(model.parameters()):,} parameters"],
        model, (X, y), loss=_LOSS, settings=settings, rng=rng,
    )  # fmt: skip
    saved = write_parameters(model, settings.out)
    results = [
        ("", "sums", "loss", "right sums"),
        _measured(f"{_SHORT} bits", model, X, y),
        _measured(f"{_LONG} bits", model, *longer),
    ]
    print_results(results)
    pictures = [
        ("", Picture("One sum, step by step", _CAPTION, verbatim(_written_out(model)), "text")),
        ("loss.png", course(history)),
    ]
    page = report(
        "tinygrad_edu: adder",
        f"A recurrent net trained on sums of numbers of {_SHORT} bits adds numbers of {_LONG} "
        f"bits: {results[-1][-1]} of the sums are right in every bit.",
        results=results,
        settings={"net": f"{net}, {settings.activation}", **facts(model, settings, history)},
        pictures=[picture for _, picture in pictures],
        command=settings.typed(["demo", "adder"]),
    )
    written = [saved, *write_files(settings.out, pictures, page)]
    return finish(settings, history, [PARAMETERS_ONLY], written)


_CAPTION: Final = (
    "The lowest bit comes first, as one adds by hand. The net gets the two bits of a step and its "
    "own hidden units h from the step before: whatever carry there is, it must be in them. The "
    "carry itself was never shown to it. p is the probability of a 1; a bit is 1 where p > 1/2."
)


def _measured(name: str, model: RNN, X: _Rows, y: _Rows) -> tuple[str, str, str, str]:
    outputs = predict(model, X)
    right = [_bits(o) == bits for o, bits in zip(outputs, y, strict=True)]
    return measured(name, _LOSS, outputs, y, right)


def _bits(logits: list[float]) -> list[float]:
    return [float(z > 0) for z in logits]


def _written_out(model: RNN, a: int = 89, b: int = 45) -> str:
    """The sum of two numbers of at most 7 bits: for each step inputs, hidden units and output."""
    pairs = [(a >> k & 1, b >> k & 1) for k in range(_SHORT + 1)]
    states = model.states(pairs)
    logits = [model.output(h)[0].data for h in states]
    bits = _bits(logits)
    number = sum(int(bit) << k for k, bit in enumerate(bits))
    shown = min(len(states[0]), 8)
    lines = [
        f"{a} + {b} = {a + b}; the net says {number}",
        "",
        "step   a  b   carry   "
        + "".join(f"{f'h{i + 1}':>7}" for i in range(shown))
        + f"{'z':>10}{'p':>8}   bit   right",
    ]
    carry = 0
    for k, ((i, j), h, z) in enumerate(zip(pairs, states, logits, strict=True)):
        hidden = "".join(f"{unit.data:>7.2f}" for unit in h[:shown])
        right = i ^ j ^ carry
        lines.append(
            f"{k:>4}   {i}  {j}   {carry:>5}   {hidden}{z:>10.2f}{floats.sigmoid(z):>8.3f}"
            f"   {bits[k]:>3.0f}   {right:>5}"
        )
        carry = int(i + j + carry > 1)
    return "\n".join(lines)
