"""Convolution and pooling, made of Values: a unit slid over an image, its weights shared.

An image is a list of channels, each a list of rows of numbers or Values: channels x height x width,
`[[[...]]]`. Rows of a data set are flat; `Unflatten` makes an image of one, `Flatten` undoes it:

    Sequential(
        Unflatten(1, 8, 8),                        # 64 numbers -> 1 x 8 x 8
        Conv2d(1, 8, 3, activation="relu"),        #            -> 8 x 6 x 6
        MaxPool2d(2),                              #            -> 8 x 3 x 3
        Flatten(),                                 #            -> 72 numbers
        Layer(72, 10, "linear"),
    )

Nothing here knows about gradients: a weight is one Value with many children, and its gradient is
the sum over all places it was used at.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from tinygrad_edu import functions as f
from tinygrad_edu.checks import as_random, is_listed, whole
from tinygrad_edu.engine import Value
from tinygrad_edu.nn.activations import Activation
from tinygrad_edu.nn.containers import as_inputs
from tinygrad_edu.nn.initialisers import Initialiser
from tinygrad_edu.nn.mlp import Neuron
from tinygrad_edu.nn.mode import check_size
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.registry import register

#: Channels x height x width.
Image = list[list[list[Value]]]


@register("in_channels, out_channels, kernel_size, *, stride, padding, activation")
class Conv2d(Module):
    """A convolution: each of `out_channels` units, the kernels, slides over the image.

    A unit sees a patch of `in_channels` x `kernel_size` x `kernel_size` numbers; patches are
    `stride` apart, on an image framed by `padding` zeros on each side. An image of height h gives
    maps of height (h + 2 padding - kernel_size) // stride + 1, the width likewise. As in PyTorch
    this is cross-correlation: the kernel is not flipped. Weight w[(c k + i) k + j] of a kernel of
    size k belongs to channel c, row i, column j. Options as for `Neuron`; `rng` is seed 0 unless
    given.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        activation: Activation = "linear",
        init: str | Initialiser | None = None,
        rng: int | random.Random = 0,
    ) -> None:
        self.in_channels = whole("in_channels", in_channels)
        self.kernel_size = whole("kernel_size", kernel_size)
        self.stride = whole("stride", stride)
        self.padding = whole("padding", padding, 0, 1000)
        out_channels = whole("out_channels", out_channels)
        area = self.kernel_size**2
        check_size([self.in_channels * area, out_channels])
        rng = as_random(rng)
        self.kernels = [
            Neuron(in_channels * area, activation, init=init, rng=rng, nout=out_channels * area)
            for _ in range(out_channels)
        ]
        self.activation = self.kernels[0].activation
        self._name_parameters()

    @property
    def out_channels(self) -> int:
        """The number of kernels."""
        return len(self.kernels)

    def __call__(self, image: Iterable[Any]) -> Image:
        """One map per kernel: out_channels x height x width."""
        x = _as_image(image)
        if len(x) != self.in_channels:
            raise ValueError(f"{self!r} expects {self.in_channels} channels, got {len(x)}")
        places = _windows(self, _padded(x, self.padding), self.kernel_size, self.stride)
        patches = [[[v for c in window for v in c] for window in row] for row in places]
        return [
            [[unit.activate(unit.net_input(patch)) for patch in row] for row in patches]
            for unit in self.kernels
        ]


class _Pool2d(Module):
    """Each map made smaller: one number, `_pool`, for each window."""

    _pool: ClassVar[Callable[..., Any]]

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size = whole("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else whole("stride", stride)

    def __call__(self, image: Iterable[Any]) -> Image:
        """As many channels as the image has, each (size - kernel_size) // stride + 1."""
        places = _windows(self, _as_image(image), self.kernel_size, self.stride)
        return [
            [[self._pool(window[channel]) for window in row] for row in places]
            for channel in range(len(places[0][0]))
        ]


@register("kernel_size, *, stride")
class MaxPool2d(_Pool2d):
    """Max pooling: the largest number of each window of `kernel_size` x `kernel_size`.

    Windows are `stride` apart, by default side by side; rows and columns beyond the last whole
    window are left out. n numbers that tie get 1/n of the gradient each (PyTorch: the first all).
    """

    _pool = staticmethod(f.max)


@register("kernel_size, *, stride")
class AvgPool2d(_Pool2d):
    """Average pooling: the mean of each window of `kernel_size` x `kernel_size`.

    Windows are `stride` apart, by default side by side; rows and columns beyond the last whole
    window are left out.
    """

    _pool = staticmethod(f.mean)


@register("")
class Flatten(Module):
    """An image as a flat list, channel by channel, row by row."""

    def __call__(self, image: Iterable[Any]) -> list[Value]:
        """The channels * height * width Values of an image."""
        return [v for channel in _as_image(image) for row in channel for v in row]


@register("channels, height, width")
class Unflatten(Module):
    """A flat list as an image of `channels` x `height` x `width`; the inverse of `Flatten`."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        self.channels = whole("channels", channels)
        self.height = whole("height", height)
        self.width = whole("width", width)

    @property
    def size(self) -> int:
        """The count of numbers."""
        return self.channels * self.height * self.width

    def __call__(self, x: Iterable[Any]) -> Image:
        """The image for channels * height * width numbers or Values."""
        pixels = iter(as_inputs(x, self.size))
        return [
            [[next(pixels) for _ in range(self.width)] for _ in range(self.height)]
            for _ in range(self.channels)
        ]


def _as_image(image: Iterable[Any]) -> Image:
    """The image as Values, each pixel one. Raises TypeError or ValueError where it is none."""
    x = [
        [[_pixel(v) for v in _items(row, _ROWS)] for row in _items(channel, _FLAT)]
        for channel in _items(image, f"got {type(image).__name__}")
    ]
    if not x or not x[0] or not x[0][0]:
        raise ValueError("an image has at least one channel, one row and one column")
    for c, channel in enumerate(x):
        if len(channel) != len(x[0]):
            raise ValueError(
                f"channel {c} of the image has {len(channel)} rows, channel 0 has {len(x[0])}"
            )
        for i, row in enumerate(channel):
            if len(row) != len(x[0][0]):
                raise ValueError(
                    f"row {i} of channel {c} of the image has {len(row)} columns, "
                    f"the first row has {len(x[0][0])}"
                )
    return x


_IMAGE: Final = "an image is a list of channels of rows of numbers, "
_FLAT: Final = "got a flat list: put Unflatten(channels, height, width) before"
_ROWS: Final = "got rows without channels: write [rows] for a single channel"
_DEEP: Final = (
    "got one level more: a model takes one image, write [model(x) for x in X] for several"
)


def _items(x: Any, otherwise: str) -> Any:
    if not is_listed(x):
        raise TypeError(_IMAGE + otherwise)
    return x


def _pixel(v: Any) -> Value:
    if is_listed(v):
        raise TypeError(_IMAGE + _DEEP)
    return v if isinstance(v, Value) else Value(v)


def _padded(x: Image, padding: int) -> Image:
    """The image in a frame of zeros."""
    if padding == 0:
        return x
    zero = Value(0.0)
    side, width = [zero] * padding, len(x[0][0]) + 2 * padding
    frame = [[zero] * width] * padding
    return [[*frame, *([*side, *row, *side] for row in channel), *frame] for channel in x]


def _windows(module: Module, x: Image, size: int, stride: int) -> list[list[list[list[Value]]]]:
    """For each place, row by row, the numbers of each channel in a window of size x size there."""
    height, width = len(x[0]), len(x[0][0])
    if size > height or size > width:
        raise ValueError(
            f"{module!r} needs an image of at least {size} x {size}, padding included, "
            f"got {height} x {width}"
        )
    return [
        [
            [[v for row in channel[i : i + size] for v in row[j : j + size]] for channel in x]
            for j in range(0, width - size + 1, stride)
        ]
        for i in range(0, height - size + 1, stride)
    ]
