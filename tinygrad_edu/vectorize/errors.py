"""What is raised where a function of Values has no program over arrays."""


class VectorizeError(ValueError):
    """A function has no program over arrays; the message says why, and a way out."""


WAY_OUT = (
    "write the choice into the graph with where(step(z), a, b), maximum or relu, or train with "
    'engine="scalar"'
)
