"""The loss over two parameters, with paths of descents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

from tinygrad_edu.checks import as_model, function, instance, one_of, real, whole
from tinygrad_edu.engine import Value, gradients, no_grad, toposort
from tinygrad_edu.examples import examples, inputs
from tinygrad_edu.losses import Loss, find_loss
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.text import short
from tinygrad_edu.train.engines import vectorized_or_scalar
from tinygrad_edu.train.evaluation import evaluation
from tinygrad_edu.train.held import put_back
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.vectorize.program import Program
from tinygrad_edu.view.base.naming import names_of
from tinygrad_edu.view.base.palette import CURVES, HEIGHTS, PLOT_INK, RELIEF
from tinygrad_edu.view.pictures.canvas import canvas, key, legend, plain, plane
from tinygrad_edu.view.pictures.field import (
    FINEST,
    Extent,
    evaluating,
    extent_of,
    read_extent,
)

#: A function of no arguments that builds the loss, or `(model, X, y, loss)` as `fit` takes them.
Surface = Callable[[], Value] | tuple[Any, Any, Any, str | Loss]
Measure = Callable[[], float]
Path = Sequence[tuple[float, float]]

#: Points a side of the grid of a loss that cannot be vectorised.
COARSE: Final = 21
_LEVELS: Final = 16


def surface(
    loss: Surface,
    w1: Value,
    w2: Value,
    *,
    span: float = 2.0,
    extent: Extent | None = None,
    paths: Mapping[Any, Path] | None = None,
    kind: str = "contour",
    resolution: int = 60,
    ax: Axes | None = None,
) -> Axes:
    """The loss over the parameters `w1` (across) and `w2`, all others as they are.

    `loss` is a function of no arguments that gives a Value, or the tuple `(model, X, y, loss)` as
    `fit` takes them: the mean loss. It is measured on a grid of `resolution` squared points, 21
    squared if it cannot be vectorised. The grid covers `extent`, (w1 from, to, w2 from, to), or
    `span` to all sides of the parameters as they are, and the paths. `paths` are lists of points
    (w1, w2) by name, as `descent_path` gives them. `kind` is "contour" or "3d". Contours lie closer
    together near the minimum.

    The parameters are put back. Raises ValueError where the loss does not depend on them.
    """
    one_of("kind", kind, ("contour", "3d"))
    paths, example = {} if paths is None else paths, 'write paths={"lr = 0.1": points}'
    instance("paths", paths, Mapping, "a dict of lists of points", example)
    named = [(plain(name), inputs(path, f"paths[{name!r}]").array) for name, path in paths.items()]
    for name, path in named:
        if path.shape[1:] != (2,):
            raise ValueError(f"the path {name!r} must be a list of points (w1, w2)")
    grid = LossGrid(loss, w1, w2)
    if extent is None:
        span = real("span", span, above=0)
        here = [w1.data, w2.data]
        around = [[x - span for x in here], [x + span for x in here]]
        extent = extent_of(
            np.vstack([around, *(path for _, path in named)]), margin=0.05 if named else 0.0
        )
    extent = read_extent(extent)
    sides = grid.sides(whole("resolution", resolution, 2, FINEST))
    xs, ys = np.linspace(*extent[:2], sides), np.linspace(*extent[2:], sides)
    height = np.array([grid.at([(a, b) for a in xs.tolist()]) for b in ys.tolist()])
    height[~np.isfinite(height)] = np.nan

    outside, flat = ax is None, kind == "contour"
    wide = 6.0 + 1.4 * bool(named) * flat
    ax = canvas(ax, wide, 4.6, projection="rectilinear" if flat else "3d")
    (_contours if flat else _relief)(ax, xs, ys, height)
    handles = []
    if not named and extent[0] <= w1.data <= extent[1] and extent[2] <= w2.data <= extent[3]:
        named = [("", np.array([[w1.data, w2.data]]))]
    for k, (name, path) in enumerate(named):
        colour = CURVES[k % len(CURVES)] if name else PLOT_INK
        numbers = list(path.T)
        if not flat:
            numbers.append(np.array(grid.at(path.tolist())))
        _course(ax, numbers, colour)
        if name:
            handles.append(key(name, color=colour, marker=".", ms=5, lw=1.5))
    plane(ax, extent, *map(plain, grid.names))
    if not flat:
        ax.set_zlabel("loss", labelpad=9)  # type: ignore[attr-defined]
    legend(ax, handles, outside=outside)
    return ax


def _contours(ax: Axes, xs: Array, ys: Array, height: Array) -> None:
    if np.isnan(height).all() or np.nanmax(height) == np.nanmin(height):
        return
    low, high = np.nanmin(height), np.nanmax(height)
    levels = low + (high - low) * np.linspace(0, 1, _LEVELS + 1) ** 2
    pale = LinearSegmentedColormap.from_list("heights", list(HEIGHTS[:2]))
    ax.contourf(xs, ys, height, levels, cmap=pale, norm=BoundaryNorm(levels.tolist(), 256))
    lines = ax.contour(xs, ys, height, levels[1:-1], colors=HEIGHTS[2], linewidths=0.6)
    ax.clabel(lines, levels[1:-1:3].tolist(), fmt=short, fontsize=7, colors=HEIGHTS[3])


def _relief(ax: Any, xs: Array, ys: Array, height: Array) -> None:
    ax.computed_zorder = False
    a, b = np.meshgrid(xs, ys)
    ax.plot_surface(a, b, height, cmap=RELIEF, alpha=0.85, linewidth=0, zorder=1)


def _course(ax: Any, numbers: Sequence[Array], colour: str) -> None:
    """A path: its points joined, a ring where it starts, a large point where it ends."""
    ax.plot(*numbers, color=colour, marker=".", ms=4, lw=1.5, zorder=3)
    start, end = ([x[k : k + 1 or None] for x in numbers] for k in (0, -1))
    ax.plot(*start, color=colour, marker="o", ms=7, mfc="white", zorder=4)
    ax.plot(*end, color=colour, marker="o", ms=7, mec="white", zorder=5)


class LossGrid:
    """Measures a loss at any numbers of two parameters, through NumPy where that can be.

    Raises TypeError for what is no loss, ValueError for a loss that has not both as leaves.
    """

    def __init__(self, loss: Surface, w1: Value, w2: Value) -> None:
        for k, w in enumerate((w1, w2), 1):
            instance(f"w{k}", w, Value, "a Value", "give a parameter of the model")
        self.parameters = (w1, w2)
        one, compiled, self._by_scalars = _ways(loss)
        names = names_of(toposort(one(), leaves=True))
        #: What the two are called in every view; "w1" and "w2" if they have no name.
        self.names = [names.get(w, "") if w.name else f"w{k}" for k, w in enumerate((w1, w2), 1)]
        for k, w in enumerate(self.parameters, 1):
            if w not in names or w.parents:
                raise ValueError(
                    f"the loss does not depend on w{k}, {w!r:.60}: give a parameter of the model"
                )

        def tried() -> Measure:
            measure = compiled()
            measure()
            return measure

        self._measure: Measure = vectorized_or_scalar(tried, lambda: self._by_scalars)

    def sides(self, resolution: int) -> int:
        """How many points a side can be had in good time."""
        return min(resolution, COARSE) if self._measure is self._by_scalars else resolution

    def at(self, points: Iterable[Sequence[float]]) -> list[float]:
        """The loss at each of the points (w1, w2)."""
        w1, w2 = self.parameters
        held, losses = (w1.data, w2.data), []
        try:
            for a, b in points:
                w1.data, w2.data = a, b
                losses.append(vectorized_or_scalar(self._measure, self._from_here_by_scalars))
        finally:
            w1.data, w2.data = held
        return losses

    def _from_here_by_scalars(self) -> float:
        """For the first comparison that has another outcome, and all points after it."""
        self._measure = self._by_scalars
        return self._by_scalars()


def _ways(loss: Any) -> tuple[Callable[[], Value], Callable[[], Measure], Measure]:
    """The graph of the loss, of one example at least; and two ways to measure it."""
    if isinstance(loss, tuple) and len(loss) == 4:
        model, X, y, name = loss
        as_model(model)
        rows, targets = examples(X, y)
        of_one = find_loss(name)

        def mean(engine: str) -> Measure:
            measure = evaluation(model, (rows, targets, None), of_one, engine)
            return lambda: measure()[0]

        def first() -> Value:
            with evaluating(model):
                return of_one(model(rows[0]), targets[0])

        return first, lambda: mean("matrix"), mean("scalar")
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(
            "the loss must be a function of no arguments or a tuple (model, X, y, loss), "
            f"got {type(loss).__name__}"
        )

    def by_program() -> Measure:
        program = Program(lambda _: loss(), (0.0,))
        return lambda: float(program.columns([0.0])[0, 0])

    def by_scalars() -> float:
        with no_grad():
            return float(loss().data)

    return loss, by_program, by_scalars


def descent_path(
    loss: Callable[[], Value], w1: Value, w2: Value, optimizer: Optimizer, *, steps: int = 50
) -> list[tuple[float, float]]:
    """Where (w1, w2) are before and after each of `steps` updates: steps + 1 points.

    `loss` is called before each update; a loss of another example each time gives the path of
    online descent. The numbers and gradients of the parameters are put back, the optimizer keeps
    its state: take a new one for another path.
    """
    function("loss", loss, "no arguments")
    instance("optimizer", optimizer, Optimizer, "an Optimizer such as SGD([w1, w2])")
    for w in (w1, w2):
        instance("a parameter", w, Value, "a Value")
    path = [(w1.data, w2.data)]
    with put_back(optimizer.parameters):
        for _ in range(whole("steps", steps)):
            grads = gradients(loss())
            for p in optimizer.parameters:
                p.grad = grads.get(p, 0.0)
            optimizer.step()
            path.append((w1.data, w2.data))
    return path
