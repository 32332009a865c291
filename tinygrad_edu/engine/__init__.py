"""Value: a number that remembers how it was made, and the chain rule that walks back through it.

Glossary of the reading path (`tinygrad_edu/__init__.py`):

    x, y        operands and result of an operation; in training, an example and its target
    m           a namespace of functions: of floats, of Values, of arrays or of symbols
    parents     what a node was made from, in order, repeats kept
    numbers     (y, *x) as the forward pass found them; slopes are taken there
    slope       a local derivative dy/dx, one per parent
    no_flow     the slope along which nothing flows back: 0, also times infinity
    grad        a total derivative d(root)/dx; g for short
    reached     whether a backward pass has come by since `grad` was set to 0
    leaf        a node that no operation made; its kind is "input", "parameter" or "constant"
    result      any other node; its birth is its number in the order in which results are made
    bound       an operation whose constants are fixed, as the exponent in x**3
    root, L, E  what is differentiated: a loss
    w, b, z, a  weights, bias, net input z = w . x + b and activation a = f(z) of a unit
    delta       dL/dz; nin inputs of a unit, nout units of its layer
    buffer      a number of a module that is no parameter, such as a running mean
    batch       the examples of one step; a step is one update of the parameters
    epoch       the steps in which every example takes part once
    lr, t       learning rate, and number of the step
    state       what an optimizer remembers of a parameter, such as a velocity

A result keeps the operation that made it (a `Primitive`), its parents and the numbers of the
forward pass, whatever their `data` is now; with the slopes of the operation these give the local
derivatives. No operation touches `.grad`: the chain rule stands once, in `walk.chain_rule`.
"""

from tinygrad_edu.engine.adopted import adopt
from tinygrad_edu.engine.gradients import GraphError, grad, gradients
from tinygrad_edu.engine.leaves import RandomLeaf
from tinygrad_edu.engine.modes import NonFiniteError, detect_anomaly, no_grad
from tinygrad_edu.engine.primitive import Primitive, primitive, primitives
from tinygrad_edu.engine.primitive import on_values as functions
from tinygrad_edu.engine.value import Value, constant, parameter
from tinygrad_edu.engine.walk import toposort

#: Names of the first release.
Record, Sample = Primitive, RandomLeaf

__all__ = [
    "GraphError", "NonFiniteError", "Primitive", "RandomLeaf", "Record", "Sample", "Value", "adopt",
    "constant", "detect_anomaly", "functions", "grad", "gradients", "no_grad", "parameter",
    "primitive", "primitives", "toposort",
]  # fmt: skip
