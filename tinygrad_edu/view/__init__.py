"""Pictures of graphs, networks and training. Nothing in the engine knows about them."""

from tinygrad_edu.view.delta_tables import Deltas
from tinygrad_edu.view.deltas import deltas
from tinygrad_edu.view.explain import Explanation, explain
from tinygrad_edu.view.film import Film, steps
from tinygrad_edu.view.graph import Graph, draw
from tinygrad_edu.view.network import Network, network
from tinygrad_edu.view.render import Renderer, RenderError, renderer
from tinygrad_edu.view.worksheet import Worksheet, worksheet

__all__ = [
    "Deltas",
    "Explanation",
    "Film",
    "Graph",
    "Network",
    "RenderError",
    "Renderer",
    "Worksheet",
    "deltas",
    "draw",
    "explain",
    "network",
    "renderer",
    "steps",
    "worksheet",
]
