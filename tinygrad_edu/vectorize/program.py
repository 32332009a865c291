"""Program: a function of one example as a program for many."""

from __future__ import annotations  # so that help() shows the names of the types

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.engine import Value, modes
from tinygrad_edu.engine.leaves import data_of
from tinygrad_edu.vectorize.arrays import Array, agree, in_shapes, largest
from tinygrad_edu.vectorize.check import by_scalars, find_anomaly, is_alike, repeated, trace
from tinygrad_edu.vectorize.executors.kernel import Kernel, compile_kernel
from tinygrad_edu.vectorize.executors.native import machine_kernel
from tinygrad_edu.vectorize.layout import argument_names
from tinygrad_edu.vectorize.plan import even_rows, fuse_dots, plan_for
from tinygrad_edu.vectorize.source import equations, explanation, source
from tinygrad_edu.vectorize.tape import DIFFERENT, VectorizeError, disturbed
from tinygrad_edu.vectorize.trace import Run, run

#: For how many numbers of examples compiled kernels are kept.
MAX_KERNELS: Final = 8


class Program:
    """What `vectorize` gives: a function of arrays, with its gradient and its source.

    An argument that was a number of the example takes B numbers, one that was a row of n takes
    (B, n). `parameters` are the leaves it depends on, in the order of the vector P of the source:
    W1, b1, W2, b2, ...; their numbers are read at each call. `print(program.source)` shows NumPy,
    `program.latex` the equations. `asks` if the function may treat an input otherwise than a
    number, so that its examples need a look each.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        example: Sequence[Any],
        other: Sequence[Any] | None = None,
        *,
        trial: Callable[[], AbstractContextManager[None]] = nullcontext,
        watch: Callable[[], Callable[[], bool]] = lambda: lambda: False,
    ) -> None:
        examples = example, disturbed(example) if other is None else other
        with trial():
            recording, runs = trace(fn, *examples)
        self._fn, self._trial, self._example = fn, trial, example
        self._watch, self._unchanged = watch, watch()
        self._recorded = recording._replace(values=[], rows={})
        self.asks = any(ran.recorder.asks for ran in runs)
        self.tape = tape = even_rows(fuse_dots(recording.tape))
        self.plan = plan_for(tape)
        self.parameters: list[Value] = [
            *map(recording.values.__getitem__, self.plan.layout.parameters)
        ]
        self.samples = runs[0].recorder.samples
        self.P = np.empty(len(self.parameters))
        self.read_parameters()
        self._graphs, self._numbers = runs, self.P.copy()  # until they were checked
        self.G = np.zeros(len(self.parameters))
        self.names = argument_names(len(example))
        self._kernels: OrderedDict[tuple[int, bool], Kernel] = OrderedDict()
        self._checked = False

    def __getstate__(self) -> dict[str, Any]:
        """All but the function, which need not be importable elsewhere, plan and kernels.

        The program is checked before, as at its first use: without the function it cannot be.
        """
        if not self._checked:
            self._check(self._arranged(self._example)[0])
        functions = ("plan", "_fn", "_watch", "_unchanged", "_recorded", "_example")
        kept = {**vars(self), **dict.fromkeys(functions)}
        return {**kept, "_trial": nullcontext, "_kernels": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, plan=plan_for(state["tape"]))

    def __repr__(self) -> str:
        shapes = [", ".join(["B", *map(str, shape)]) for shape in self.tape.shapes]
        takes = [f"{name} ({s})" for name, s in zip(self.names, shapes, strict=True)]
        return f"Program({', '.join(takes)}; {len(self.parameters)} parameters)"

    @property
    def source(self) -> str:
        """NumPy that computes the mean loss and its gradient; runs as it stands."""
        return source(self.plan, self.plan.backward if self.has_loss else None)

    @property
    def latex(self) -> str:
        """The same as equations, in LaTeX without dollar signs."""
        return equations(self.plan, self.plan.backward if self.has_loss else None)

    @property
    def has_loss(self) -> bool:
        """Whether the function gives one number (first), which has a gradient."""
        return len(self.tape.results[0]) == 1 and bool(self.parameters)

    def explain(self, name: str) -> str:
        """What a line of the source stands for: the nodes of the graph behind `name`.

        Raises ValueError for a name that is not in the source.
        """
        return explanation(self.plan, self.tape, name)

    def __call__(self, *arrays: ArrayLike) -> Array:
        """The results for each example: (B,) for one number, (B, K) for a list of K."""
        filled, single = self._arranged(arrays)
        outputs = self._outputs(filled)
        outputs = outputs[:, 0] if outputs.shape[1] == 1 else outputs
        return outputs[0] if single else outputs

    def columns(self, *arrays: ArrayLike) -> Array:
        """The results for each example, (B, K) also where K is 1."""
        return self._outputs(self._arranged(arrays)[0])

    def value_and_grad(self, *arrays: ArrayLike) -> tuple[float, Array]:
        """The mean of the results, and its derivative by each of `parameters`.

        Raises TypeError for a program that gives several numbers.
        """
        if not self.has_loss:
            raise TypeError(
                f"a gradient is that of one number by parameters, such as loss(model(x), y): the "
                f"results of the function are {len(self.tape.results[0])}, its parameters "
                f"{len(self.parameters)}"
            )
        filled, _ = self._arranged(arrays)
        self._check(filled)
        self.read_parameters()
        kernel = self.filled(filled, gradient=True)
        self.draw(kernel)
        with np.errstate(all="ignore"):
            self.run(kernel)
            mean = kernel.mean()
        return mean, self.G.copy()

    def backward(self, *arrays: ArrayLike) -> float:
        """The mean of the results; its gradient is added to the `.grad` of each parameter."""
        loss, gradient = self.value_and_grad(*arrays)
        for p, g in zip(self.parameters, gradient.tolist(), strict=True):
            p.grad = p.grad + g
        return loss

    def stands(self) -> bool:
        """Whether the function still does what the program was made of.

        It is run again on the example: other operations, constants or parameters come of a number,
        a branch or a layer that was changed since. That is left out where nothing was, as `watch`
        tells. Raises what the function raises.
        """
        if self.tape.is_of_package and not self.tape.guards and self._unchanged():
            return True
        try:
            with self._trial():
                ran = run(self._fn, self._example, lines=False)
            stands = is_alike(ran, self._recorded)
            if not self.tape.is_of_package:  # what an own operation reads is in no graph
                self._checked = False
                self._check(self._arranged(self._example)[0])
        except VectorizeError:
            return False
        self.samples = ran.recorder.samples if stands else self.samples
        self._unchanged = self._watch()
        return stands

    def read_parameters(self) -> None:
        """Copy the numbers of the parameters into the vector P."""
        self.P[...] = data_of(self.parameters)

    def write_parameters(self) -> None:
        """Give the parameters the numbers of the vector P."""
        for p, x in zip(self.parameters, self.P.tolist(), strict=True):
            p.data = x

    def kernel(self, B: int, *, gradient: bool) -> Kernel:
        """The compiled program for B examples."""
        key = (B, gradient)
        kernel = self._kernels.pop(key, None)
        if kernel is None:
            backward = self.plan.backward if gradient else None
            kernel = machine_kernel(self.plan, B, self.P, self.G, gradient=gradient)
            if kernel is None:
                kernel = compile_kernel(self.plan, backward, B, self.P, self.G)
        self._kernels[key] = kernel
        while len(self._kernels) > MAX_KERNELS:
            self._kernels.popitem(last=False)
        return kernel

    def filled(self, arrays: dict[str, Array], *, gradient: bool) -> Kernel:
        """The kernel for these arguments, (B, n) each."""
        kernel = self.kernel(len(next(iter(arrays.values()))), gradient=gradient)
        for name, array in arrays.items():
            np.copyto(kernel.inputs[name], array)
        return kernel

    def results(self, arrays: dict[str, Array]) -> list[Array]:
        """Each result (B, columns) for the numbers in P; of arguments those that it needs."""
        B, rows = len(arrays["X"]), self.plan.rows
        found = [np.empty((B, len(result))) for result in self.tape.results]
        for start in range(0, B, rows):
            part = slice(start, start + rows)
            kernel = self.filled({name: a[part] for name, a in arrays.items()}, gradient=False)
            self.draw(kernel)
            with np.errstate(all="ignore"):
                self.run(kernel, first=start)
            for array, result in zip(found, kernel.results, strict=True):
                array[part] = result
        return found

    def run(self, kernel: Kernel, *, trial: bool = False, first: int = 0) -> None:
        """Run a kernel whose inputs are filled, under the caller's `numpy.errstate`.

        Raises VectorizeError where a guard fails, counting examples from `first`, and inside
        `detect_anomaly()` what scalars raise, but in a trial.
        """
        if modes.mode().checking and not trial:
            self.write_parameters()
            B = len(kernel.inputs["X"])
            share = 1 / B if self._kernels.get((B, True)) is kernel else None
            find_anomaly(self._fn, self._examples(kernel.inputs), self.parameters, share)
        kernel.run()
        for guard, outcome in zip(self.tape.guards, kernel.guards, strict=True):
            if not (outcome == guard.outcome).all():
                row = int(np.argmax((outcome != guard.outcome).any(axis=-1)))
                raise guard.error(first + row)

    def draw(self, kernel: Kernel) -> None:
        """Draw the samples of each example, in the order the function draws them."""
        if self.samples:
            kernel.inputs["S"][...] = [[s.draw() for s in self.samples] for _ in kernel.inputs["S"]]

    def _arranged(self, arrays: Sequence[ArrayLike]) -> tuple[dict[str, Array], bool]:
        """The arguments by name, each (B, n); and whether they are a single example."""
        arranged, single = in_shapes(arrays, self.names, self.tape.shapes)
        self.plan.check_classes(arranged)
        return arranged, single

    def _outputs(self, arrays: dict[str, Array]) -> Array:
        self._check(arrays)
        self.read_parameters()
        return np.hstack(self.results(arrays))

    def _examples(self, arrays: dict[str, Array]) -> Iterator[list[Any]]:
        """One example after the other, as numbers and lists."""
        pairs = list(zip(self.names, self.tape.shapes, strict=True))
        for k in range(len(arrays[self.names[0]])):
            yield [arrays[name][k].reshape(shape).tolist() for name, shape in pairs]

    def _check(self, arrays: dict[str, Array]) -> None:
        """At first use compare results and gradient with those of the graphs it was made of.

        Where these do not tell what other rows do, a few rows are compared with graphs of theirs.
        """
        if not self._checked:
            B = len(arrays["X"])
            rows = [0] if self.is_sure else sorted({0, B // 2, B - 1})
            few = {name: array[rows] for name, array in arrays.items()}
            runs = (repeated(self._fn, row, self._recorded) for row in self._examples(few))
            if self.is_sure:
                next(runs)  # the function still does what it did
                self.check_graphs()
            else:
                self._compare(few, runs)

    @property
    def is_sure(self) -> bool:
        """Whether a row cannot be treated otherwise than those that the program was made of."""
        return self.tape.is_of_package and not self.asks

    def check_graphs(self, *, gradient: bool = True) -> None:
        """Compare with the two graphs that the program was made of, their numbers as they were."""
        arrays = {}
        for name, *rows in zip(self.names, *[ran.inputs for ran in self._graphs], strict=True):
            arrays[name] = np.array([[v.data for v in values] for values in rows])
        self._compare(arrays, self._graphs, at=self._numbers, gradient=gradient)

    def _compare(
        self, arrays: Any, runs: Iterable[Run], at: Array | None = None, *, gradient: bool = True
    ) -> None:
        gradient = gradient and self.has_loss
        scalars = partial(by_scalars, runs, self.parameters if gradient else [])
        self.compare(arrays, scalars, gradient=gradient, at=at)

    def compare(
        self,
        arrays: dict[str, Array],
        scalars: Callable[[], tuple[Array, Array | None]],
        *,
        gradient: bool,
        at: Array | None = None,
    ) -> None:
        """Raise VectorizeError unless the program gives what `scalars` give for a few rows.

        These are results or their mean, and with `gradient` that. The parameters have the numbers
        `at`, else those they have now.
        """
        self.P[...] = data_of(self.parameters) if at is None else at
        kernel = self.filled(arrays, gradient=gradient)
        if self.samples:
            kernel.inputs["S"].fill(0.5)
        with np.errstate(all="ignore"):
            self.run(kernel, trial=True)
            mean = kernel.mean()
        with self._trial():
            results, slopes = scalars()
        rows = [np.broadcast_to(r, (len(kernel.inputs["X"]), r.shape[1])) for r in kernel.results]
        found = np.hstack(rows) if results.ndim else mean
        scale = max(map(largest, (self.P, *kernel.inputs.values(), *kernel.results)))
        alike = slopes is None or agree(self.G, slopes, scale)
        if not alike or not agree(found, results, scale):
            raise VectorizeError(DIFFERENT)
        self._checked, self._graphs = True, []
