"""network and deltas: the net of a model for one example, and the delta rules beside it."""
