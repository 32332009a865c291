"""Value: a number that remembers how it was made, and the chain rule that walks back through it.

Glossary, for every file:
    x, a, b   inputs of an operation          y        its result
    slope     a local derivative dy/dx        grad     a total derivative d(root)/dx
    parents   what a node was made from       m        a namespace of functions (floats, ...)
    z         net input of a unit             a        its activation
    delta     dL/dz

A `Value` made by an operation keeps the operation (a `Primitive`), its parents, and the numbers of
the forward pass; these numbers and the record's slopes together are the closure that gives the
local derivatives. No operation touches `.grad`: the chain rule stands once, in `walk.chain_rule`.
"""

from tinygrad_edu.engine.gradients import GraphError, grad, gradients
from tinygrad_edu.engine.modes import NonFiniteError, detect_anomaly, no_grad
from tinygrad_edu.engine.primitive import Primitive, primitive, primitives
from tinygrad_edu.engine.primitive import on_values as functions
from tinygrad_edu.engine.random_leaf import RandomLeaf
from tinygrad_edu.engine.value import Value, constant, parameter
from tinygrad_edu.engine.walk import toposort

#: Names of the first release.
Record, Sample = Primitive, RandomLeaf

__all__ = [
    "GraphError",
    "NonFiniteError",
    "Primitive",
    "RandomLeaf",
    "Record",
    "Sample",
    "Value",
    "constant",
    "detect_anomaly",
    "functions",
    "grad",
    "gradients",
    "no_grad",
    "parameter",
    "primitive",
    "primitives",
    "toposort",
]
