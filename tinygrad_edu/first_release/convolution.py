"""`tinygrad_edu.convolution` of the first release."""

from tinygrad_edu.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten

__all__ = ["AvgPool2d", "Conv2d", "Flatten", "MaxPool2d", "Unflatten"]
