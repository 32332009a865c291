"""Neural networks assembled from Values: Module, Neuron, Layer, MLP, Sequential and more layers."""

from tinygrad_edu.nn.activations import ACTIVATIONS, UNIT_ACTIVATIONS, Activation
from tinygrad_edu.nn.attention import Attention, Embedding
from tinygrad_edu.nn.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.nn.initialisers import INITIALISERS, Initialiser
from tinygrad_edu.nn.mlp import MLP, Layer, Neuron
from tinygrad_edu.nn.mode import modules
from tinygrad_edu.nn.model_file import MAX_PARAMETERS
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import BatchNorm, Dropout, RMSNorm
from tinygrad_edu.nn.recurrent import RNN, RNNCell
from tinygrad_edu.nn.registry import LAYERS, load, register
from tinygrad_edu.nn.sequential import Activate, Sequential

__all__ = [
    "ACTIVATIONS", "INITIALISERS", "LAYERS", "MAX_PARAMETERS", "MLP", "RNN", "UNIT_ACTIVATIONS",
    "Activate", "Activation", "Attention", "AvgPool2d", "BatchNorm", "Conv2d", "Dropout",
    "Embedding", "Flatten", "Initialiser", "Layer", "MaxPool2d", "Module", "Neuron", "RMSNorm",
    "RNNCell", "Sequential", "Unflatten", "load", "modules", "register",
]  # fmt: skip
