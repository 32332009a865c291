"""The units of a net: their weights, what they see, and where they put the examples."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from tinygrad_edu.checks import listed, whole
from tinygrad_edu.examples import class_numbers, inputs
from tinygrad_edu.losses import Loss
from tinygrad_edu.nn import Neuron
from tinygrad_edu.nn.convolution import Conv2d
from tinygrad_edu.nn.sequential import layers_of
from tinygrad_edu.text import short
from tinygrad_edu.train.evaluation import head_of_model
from tinygrad_edu.vectorize.arrays import Array
from tinygrad_edu.view.base.palette import IMAGES, PLOT_FAINT, PLOT_INK
from tinygrad_edu.view.pictures.canvas import (
    bare,
    canvas,
    cell,
    class_labels,
    keys,
    legend,
    places_of,
    plain,
    plane,
    scatter,
    sheet,
    signed,
    title,
)
from tinygrad_edu.view.pictures.field import (
    Extent,
    Transform,
    dense_before,
    evaluating,
    extent_of,
    field,
    first_units,
    numbers_at,
    outputs_of,
    read_extent,
)
from tinygrad_edu.view.pictures.regions import paint, read

_COLUMNS: Final = 8


def weights(
    model: Any,
    *,
    height: int = 8,
    width: int = 8,
    class_names: Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A picture of `height` by `width` weights for each unit of the first layer, row by row.

    `model` is a Layer, a Conv2d, a list of Neurons, or a model that begins with a Layer. Blue
    weights are positive, orange ones negative, white is 0; all units have the same scale, without
    their biases. Where each unit stands for a class, `class_names` are their titles. Raises
    ValueError for units with another number of inputs.
    """
    several = isinstance(model, (list, tuple)) and all(isinstance(u, Neuron) for u in model)
    kernels = isinstance(model, Conv2d)
    units = model.kernels if kernels else list(model) if several else first_units(model)
    if not units:
        raise TypeError(
            "weights are drawn for a Layer, a Conv2d or a model that begins with a Layer, "
            f"got {type(model).__name__}"
        )
    height, width = whole("height", height), whole("width", width)
    if units[0].nin != height * width:
        raise ValueError(
            f"the units have {units[0].nin} weights, which are no picture of {height} x {width}: "
            "write weights(model, height=..., width=...)"
        )
    pictures = np.nan_to_num([[w.data for w in u.w] for u in units], nan=0, posinf=0, neginf=0)
    largest = float(np.abs(pictures).max())
    titles = [f"{'kernel' if kernels else 'neuron'}{k + 1}" for k in range(len(units))]
    if class_names is not None:
        titles = class_labels([], len(units), class_names)
    ax = _in_cells(ax, pictures.reshape(-1, height, width), titles, signed(largest))
    top = short(float(f"{largest:.3g}"))
    ax.set_xlabel(f"orange {'-' if largest else ''}{top}   white 0   blue {top}", color=PLOT_INK)
    return ax


def images(
    X: Iterable[Any],
    *,
    height: int = 8,
    width: int = 8,
    titles: Iterable[Any] = (),
    ax: Axes | None = None,
) -> Axes:
    """Each of n rows as a picture of `height` by `width`, row by row: the larger the darker.

    All have the same scale. `titles`, if any, are n texts. Raises ValueError for rows of another
    length.
    """
    rows, titles = inputs(X).array, listed("titles", titles, "texts")
    height, width = whole("height", height), whole("width", width)
    if not len(rows) or rows.shape[1] != height * width or len(titles) not in (0, len(rows)):
        raise ValueError(
            f"images need rows of {height} x {width} numbers, as many titles or none; got "
            f"{len(rows)} rows of {rows.shape[-1]} and {len(titles)} titles"
        )
    titles = [plain(text) for text in titles or [""] * len(rows)]
    look = {"vmin": rows.min(), "vmax": rows.max(), "cmap": IMAGES, "aspect": "equal"}
    return _in_cells(ax, rows.reshape(-1, height, width), titles, look)


def _in_cells(ax: Axes | None, pictures: Array, titles: Sequence[str], look: Any) -> Axes:
    """Pictures (n, height, width) side by side, eight in a row."""
    columns = min(_COLUMNS, len(pictures))
    ax = sheet(ax, -(-len(pictures) // columns), columns, 1.0)
    for k, picture in enumerate(pictures):
        place = cell(*divmod(k, columns))
        ax.imshow(picture, extent=place, interpolation="nearest", **look)
        title(ax, place, titles[k])
    return ax


def neuron_maps(
    model: Any,
    X: Iterable[Any] | None = None,
    *,
    layer: int | None = None,
    extent: Extent | None = None,
    transform: Transform | None = None,
    class_names: Sequence[Any] | None = None,
    resolution: int = 60,
    ax: Axes | None = None,
) -> Axes:
    """A small map of the plane for each unit, layer by layer, coloured by its activation.

    Blue is above 0, orange below, white 0; each unit has its own scale, its largest activation in
    brackets. One that is 0 everywhere is dead. `model` is an MLP, a Sequential or a list of layers
    with 2 inputs; `layer` chooses one, counting from 1. The maps cover `extent` (left, right,
    bottom, top), by default the points `X`, drawn as dots, else -2 to 2; `transform` as for
    `regions`. `class_names` are those of the last layer, whose units are called so. Raises
    ValueError for points that are not in the plane.
    """
    layers = layers_of(model)
    points = np.empty((0, 2)) if X is None else inputs(X).array
    if len(points) and points.shape[1] != 2:
        raise ValueError(f"maps are drawn for points of 2 numbers, X has {points.shape[1]}")
    if extent is None:
        extent = extent_of(points) if points.size else (-2.0, 2.0, -2.0, 2.0)
    extent = read_extent(extent)
    sizes: list[int] = []

    def all_units(x: Any) -> list[Any]:
        rows = outputs_of(layers, x)
        sizes[:] = map(len, rows)
        return [a for row in rows for a in row]

    with evaluating(model):
        numbers = field(all_units, extent, resolution, transform).numbers
    starts = np.cumsum([0, *sizes]).tolist()
    called = [f"neuron{unit + 1}" for size in sizes for unit in range(size)]
    if class_names is not None:
        called[starts[-2] :] = class_labels([], sizes[-1], class_names)
    chosen = range(len(layers)) if layer is None else [whole("layer", layer, 1, len(layers)) - 1]
    rows = [
        (k, list(range(start, min(start + _COLUMNS, starts[k + 1]))))
        for k in chosen
        for start in range(starts[k], starts[k + 1], _COLUMNS)
    ]
    ax = sheet(ax, len(rows), max(len(units) for _, units in rows), 1.0)
    for i, (k, units) in enumerate(rows):
        for j, unit in enumerate(units):
            _map(ax, cell(i, j), numbers[..., unit], points, extent, called[unit])
        first = units[0] == starts[k]
        left, _, bottom, top = cell(i, 0)
        ax.text(
            left - 0.08, (bottom + top) / 2, f"layer{k + 1}" if first else "",
            rotation=90, ha="right", va="center", color=PLOT_INK,
        )  # fmt: skip
    return ax


def _map(ax: Axes, place: Extent, a: Any, points: Any, extent: Extent, name: str) -> None:
    finite = np.nan_to_num(a)
    top = float(np.abs(finite).max())
    ax.imshow(finite, extent=place, origin="lower", interpolation="bilinear", **signed(top))
    left, right, bottom, up = extent
    if len(points):
        x = place[0] + (points[:, 0] - left) / (right - left)
        y = place[2] + (points[:, 1] - bottom) / (up - bottom)
        few = len(points) <= 30
        ax.plot(x, y, ".", color=PLOT_INK, ms=5 if few else 1.5, alpha=0.8 if few else 0.35, mew=0)
    title(ax, place, f"{name} ({short(float(f'{top:.2g}')) if top else 'dead'})")


#: Lines of the grid in each direction, and points on each.
_LINES: Final = 15
_POINTS: Final = 61


def hidden_space(
    model: Any,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    layer: int | None = None,
    loss: str | Loss | None = None,
    outputs: str = "auto",
    class_names: Sequence[Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The examples where layer `layer` puts them, by default the last hidden one.

    `model` is an MLP, a Sequential or a list of layers, `layer` counts from 1; `X` are n rows as
    the model takes them, `y` class numbers. Two units are the axes, with the regions that the
    layers above give there; of more units the first two principal components are shown, with their
    share of the variance. For two inputs the lines of a square grid are drawn as the layer bends
    them. `loss` and `outputs` as for `regions`. Raises ValueError for a layer of one unit.
    """
    layers = layers_of(model)
    n = len(layers)
    if class_names is not None:
        class_names = listed("class_names", class_names, "names")
    k = max(n - 2, 0) if layer is None else whole("layer", layer, 1, n) - 1
    rows, labels = inputs(X).array, class_numbers(y)
    if not len(rows) or len(rows) != len(labels):
        raise ValueError(
            f"hidden_space needs a label for each row, got {len(rows)} rows, {len(labels)} labels"
        )
    lines = _grid(rows) if rows.shape[1] == 2 else []
    with evaluating(model):
        places = numbers_at(lambda x: outputs_of(layers[: k + 1], x)[-1], np.vstack([rows, *lines]))
    units = places.shape[1]
    if units < 2:
        raise ValueError(f"layer {k + 1} has one unit: hidden_space needs two or more")
    axis_names = [f"a{dense_before(layers[: k + 1])}[{j}]" for j in (1, 2)]
    if units > 2:
        places, axis_names = _principal(places, len(rows))
    points, curves = places[: len(rows)], places[len(rows) :].reshape(-1, _POINTS, 2)
    extent = extent_of(points)
    classes = places_of(labels)
    n_classes = max(int(classes.max()) + 1, 2, len(class_names or ()))

    outside = ax is None
    ax = canvas(ax, 6.4, 4.6)
    if units == 2 and k + 1 < len(layers):
        head = None
        with evaluating(model):
            above = field(lambda a: outputs_of(layers[k + 1 :], a)[-1], extent, 200)
            if loss is not None:
                head = head_of_model(lambda x: outputs_of(layers, x)[-1], rows[0], loss)
        shares = read(above.numbers, labels, outputs, head).shares
        n_classes = shares.shape[-1]
        paint(ax, above._replace(numbers=shares), extent)
        ax.set_aspect("auto")
    names = class_labels(labels, n_classes, class_names)
    for curve in curves:
        ax.plot(*curve.T, color=PLOT_FAINT, lw=0.6, alpha=0.6, zorder=2)
    scatter(ax, points, classes, n_classes, len(points))
    plane(ax, extent, *axis_names)
    bare(ax)
    legend(ax, keys(names), outside=outside)
    return ax


def _grid(rows: Array) -> list[Array]:
    """Lines along x1 and along x2 over the points, (points, 2) each."""
    left, right, bottom, top = extent_of(rows)
    xs, ys = np.linspace(left, right, _POINTS), np.linspace(bottom, top, _POINTS)
    down = [np.column_stack([np.full(_POINTS, x), ys]) for x in np.linspace(left, right, _LINES)]
    return down + [
        np.column_stack([xs, np.full(_POINTS, y)]) for y in np.linspace(bottom, top, _LINES)
    ]


def _principal(places: Array, n: int) -> tuple[Array, list[str]]:
    """The first two principal components of the first n points, of all; and what they are called.

    Signs are chosen so that the largest weight of a component is positive.
    """
    mean = places[:n].mean(axis=0)
    _, singular, components = np.linalg.svd(places[:n] - mean, full_matrices=False)
    components = np.vstack([components, np.zeros((2, places.shape[1]))])[:2]
    largest = np.abs(components).argmax(axis=1)
    components *= np.where(components[[0, 1], largest] < 0, -1.0, 1.0)[:, None]
    variance = np.append(singular, [0.0, 0.0])[:2] ** 2 / max((singular**2).sum(), 1e-300)
    names = [
        f"principal component {j + 1} of {places.shape[1]} units ({part:.0%} of variance)"
        for j, part in enumerate(variance.tolist())
    ]
    return (places - mean) @ components.T, names
