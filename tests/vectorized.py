"""A program of `vectorize` against the scalar engine: the same loss, the same gradient.

The reference runs the function on the Values of one example after the other, and adds up the
gradients of the mean. The source of the program is run too, with numpy alone.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.engine import Value
from tinygrad_edu.vectorize import vectorize
from tinygrad_edu.vectorize.executors.kernel import compile_kernel

#: The largest difference, relative to the largest number compared.
TOLERANCE = 1e-10
#: What remains of numbers near 1 that cancel.
ROUNDING = 1e-15


class Case(NamedTuple):
    """A function of an example, and the arrays of several examples."""

    fn: Callable[..., Any]
    arrays: Sequence[NDArray[np.float64]]

    def check(self):
        """The program agrees with the scalar engine."""
        return check(self.fn, *self.arrays)

    def program(self):
        """The program, from the first example."""
        return vectorize(self.fn, *example_of(self.arrays))


def numbers(*shape, seed=0, low=-1.0, high=1.0):
    """Random numbers of a shape, none of them whole."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def leaves(*shape, seed=0, low=-1.0, high=1.0):
    """Values of random numbers, in lists of lists."""
    return nested(numbers(*shape, seed=seed, low=low, high=high))


def nested(x):
    """Values for a number, a row, or rows of rows."""
    return [nested(row) for row in x] if np.ndim(x) else Value(float(x))


def products(program):
    """How many products of matrices the program has forward."""
    return program.source.partition("# backward")[0].count("@")


def named(*functions):
    """Functions by their names."""
    return {fn.__name__: fn for fn in functions}


def example_of(arrays):
    """The first example, as numbers and lists."""
    return [np.asarray(a, dtype=float)[0].tolist() for a in arrays]


def by_scalars(fn, parameters, *arrays):
    """The loss of each example and the gradient of their mean, from one graph per example."""
    B = len(arrays[0])
    for p in parameters:
        p.grad = 0.0
    losses = []
    for row in zip(*arrays, strict=True):
        result = fn(*map(nested, row))
        loss = result[0] if isinstance(result, tuple) else result
        losses.append(loss.data)
        loss.backward(1 / B)
    gradient = [p.grad for p in parameters]
    for p in parameters:
        p.grad = 0.0
    return losses, gradient


def function_of(program, source=None):
    """What the source of the program defines: a function of P, if it has parameters, and arrays."""
    namespace = {}
    exec(source or program.source, namespace)
    return namespace.get("loss_and_gradient") or namespace["outputs"]


def numbers_of(program):
    """P as a reader makes it."""
    return np.array([p.data for p in program.parameters])


def by_source(program, *arrays, samples=None):
    """The mean loss and its gradient from the text of the program alone.

    It gets the numbers of `parameters`, in their order, and what the program itself gets.
    """
    given = arrays if samples is None else (*arrays, samples)
    with np.errstate(all="ignore"):
        loss, gradient = function_of(program)(numbers_of(program), *given)
    return float(loss), gradient


def by_numpy(program, *arrays):
    """The same by calls of NumPy, whatever executor runs a program of that size."""
    plan, gradient = program.plan, np.zeros_like(program.P)
    kernel = compile_kernel(plan, plan.backward, len(arrays[0]), program.P, gradient)
    return outcomes(kernel, program.names, arrays)[-1], gradient


def outcomes(kernel, names, arrays):
    """What a kernel gives for these arrays: its results, outcomes of guards, and the mean."""
    for name, array in zip(names, arrays, strict=True):
        np.copyto(kernel.inputs[name], np.reshape(array, (len(array), -1)))
    with np.errstate(all="ignore"):
        kernel.run()
        return [*map(np.array, (*kernel.results, *kernel.guards)), kernel.mean()]


def assert_equal(found, expected, what, tolerance=TOLERANCE):
    """Equal relative to the largest of the numbers; inf and nan at the same places."""
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert found.shape == expected.shape, what
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * scale + ROUNDING, err_msg=what
    )


def check(fn, *arrays, program=None):
    """The program of `fn` agrees with the scalar engine on these examples, and so does its source.

    Two numbers of examples in turn, and parameters that change in between, show what a call may
    leave behind for the next.
    """
    if program is None:
        program = vectorize(fn, *example_of(arrays))
    check_numbers(fn, program, *arrays)
    check_numbers(fn, program, *[a[-1:] for a in arrays])
    rng = random.Random(1)
    for p in program.parameters:
        p.data *= rng.uniform(0.9, 1.1)
    check_numbers(fn, program, *arrays)
    return program


def check_numbers(fn, program, *arrays):
    losses, gradient = by_scalars(fn, program.parameters, *arrays)
    results = program(*arrays)
    assert_equal(results if results.ndim == 1 else results[:, 0], losses, "losses")
    loss, found = program.value_and_grad(*arrays)
    mean = float(np.mean(losses))
    assert_equal(loss, mean, "mean loss")
    assert_equal(found, gradient, "gradient")
    loss, found = by_numpy(program, *arrays)
    assert_equal(loss, mean, "mean loss by NumPy")
    assert_equal(found, gradient, "gradient by NumPy")
    loss, found = by_source(program, *arrays)
    assert_equal(loss, mean, "mean loss of the source")
    assert_equal(found, gradient, "gradient of the source")
