"""steps: the forward and the backward pass as a film."""
