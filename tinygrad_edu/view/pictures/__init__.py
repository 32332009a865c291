"""Pictures with matplotlib: decision regions, losses and gradients, what the units of a net do.

    from tinygrad_edu.view import pictures

    pictures.regions(model, X, y)

Each function draws into the axes `ax` or without one into a figure of its own, and gives the axes,
which show themselves in a notebook; `beside` draws several into one figure. In a given `ax` nothing
but this axes is touched. Models and their gradients stay as they were, and pyplot's global state is
not used.
"""

from tinygrad_edu.view.pictures.activations import activations, histograms, tangent
from tinygrad_edu.view.pictures.fits import curve, predictions, residuals
from tinygrad_edu.view.pictures.plots import beside, gradients, heat_map, loss_curve, plot
from tinygrad_edu.view.pictures.regions import confusion, regions
from tinygrad_edu.view.pictures.surface import descent_path, surface
from tinygrad_edu.view.pictures.units import hidden_space, images, neuron_maps, weights

__all__ = [
    "activations", "beside", "confusion", "curve", "descent_path", "gradients", "heat_map",
    "hidden_space", "histograms", "images", "loss_curve", "neuron_maps", "plot", "predictions",
    "regions", "residuals", "surface", "tangent", "weights",
]  # fmt: skip
