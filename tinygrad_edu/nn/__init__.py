"""Neural networks assembled from Values: Module, Neuron, Layer, MLP, Sequential."""

from tinygrad_edu.nn.activations import ACTIVATIONS, UNIT_ACTIVATIONS, Activation
from tinygrad_edu.nn.initialisers import INITIALISERS, Initialiser
from tinygrad_edu.nn.layer import MAX_PARAMETERS, Layer, Neuron
from tinygrad_edu.nn.mlp import MLP
from tinygrad_edu.nn.module import Module, modules
from tinygrad_edu.nn.sequential import Activate, Sequential

__all__ = [
    "ACTIVATIONS",
    "INITIALISERS",
    "MAX_PARAMETERS",
    "MLP",
    "UNIT_ACTIVATIONS",
    "Activate",
    "Activation",
    "Initialiser",
    "Layer",
    "Module",
    "Neuron",
    "Sequential",
    "modules",
]
