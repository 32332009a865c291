"""Pictures of graphs, networks and training. Nothing in the engine knows about them."""

from tinygrad_edu.view.graph import Graph, draw
from tinygrad_edu.view.render import Renderer, RenderError, renderer

__all__ = ["Graph", "RenderError", "Renderer", "draw", "renderer"]
