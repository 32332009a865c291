"""Pictures of graphs, networks and training. Nothing in the engine knows about them."""

from tinygrad_edu.view.base.render import Renderer, RenderError, renderer
from tinygrad_edu.view.explain.explanation import Explanation, explain
from tinygrad_edu.view.film.film import Film, steps
from tinygrad_edu.view.graph.drawing import Graph, draw
from tinygrad_edu.view.network.delta_tables import Deltas
from tinygrad_edu.view.network.deltas import deltas
from tinygrad_edu.view.network.network import Network, network
from tinygrad_edu.view.worksheet.worksheet import Worksheet, worksheet

__all__ = [
    "Deltas", "Explanation", "Film", "Graph", "Network", "RenderError", "Renderer", "Worksheet",
    "deltas", "draw", "explain", "network", "renderer", "steps", "worksheet",
]  # fmt: skip
