"""The sizes of the deltas of each layer while a net learns: where gradients vanish or explode."""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import as_model
from tinygrad_edu.engine import grad
from tinygrad_edu.examples import examples
from tinygrad_edu.figure import draw_epochs
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.nn.sequential import dense_layers
from tinygrad_edu.train import fit
from tinygrad_edu.train.engines import vectorized_or_scalar
from tinygrad_edu.train.held import trial
from tinygrad_edu.train.training import AnyOptimizer
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.network.deltas import loss_of, passes_of
from tinygrad_edu.view.pictures.canvas import canvas, key, legend


def gradients(
    model: Any,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: str | Loss,
    optimizer: AnyOptimizer = "sgd",
    epochs: int = 50,
    batch_size: int | None = None,
    rng: int | Random | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The mean |delta| of each layer, before training and after each epoch: a curve per layer.

    delta is dL/dz of a unit, L the loss of one example; the mean is over units and examples. The
    scale is logarithmic, what is 0 is left out. Where the curves of the first layers lie far below
    those of the last, gradients vanish on their way back (Glorot and Bengio 2010). The options are
    those of `fit`, which trains the net of dense layers; afterwards it is as it was.
    """
    layers, of_one = dense_layers(as_model(model)), find_loss(loss)
    rows, targets = examples(X, y)
    pairs = [*zip(rows, targets, strict=True)]

    def back(x: Sequence[Any], target: Any) -> list[Any]:
        passes = passes_of(model, layers, list(x))
        return grad(loss_of(model, passes, target, of_one), [z for p in passes for z in p.z])

    def by_scalars() -> Array:
        return np.array([[delta.data for delta in back(*pair)] for pair in pairs])

    program = cache(lambda: Program(back, pairs[0]))
    ends = [*accumulate(len(layer.neurons) for layer in layers)][:-1]
    sizes: list[list[float]] = []

    def look(_: Any = None) -> None:
        found = vectorized_or_scalar(lambda: program().columns(rows, targets), by_scalars)
        sizes.append([float(abs(part).mean()) for part in np.split(found, ends, axis=1)])

    parameters = [p for layer in layers for u in layer.neurons for p in u.parameters()]
    held = [(p, p.data, p.grad) for p in parameters]
    try:
        with trial(model, of_one, optimizer):
            look()
            fit(
                model, rows, targets, loss=of_one, optimizer=optimizer, epochs=epochs,
                batch_size=batch_size, rng=rng, callbacks=[look], progress=False,
            )  # fmt: skip
    finally:
        for p, x, g in held:
            p.data, p.grad = x, g
    outside, ax = ax is None, canvas(ax, 7.6, 3.6)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.88, len(layers)))
    curves = [[x if x > 0 else math.nan for x in of_layer] for of_layer in zip(*sizes, strict=True)]
    ax.set_yscale("log")
    draw_epochs(ax, [(c, {"color": colour}) for c, colour in zip(curves, colours, strict=True)])
    ax.set_ylabel(r"mean $|\delta|$")
    handles = [key(f"layer{k}", color=c, lw=1.8) for k, c in enumerate(colours, 1)]
    legend(ax, handles, outside=outside)
    return ax
