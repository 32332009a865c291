"""How fast a step can be: `limit.c`, two nets as one loop of steps in C, built on the spot."""

import subprocess
from ctypes import CDLL, c_double, c_long, c_void_p
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

SOURCE: Final = Path(__file__).with_name("limit.c")
BUILD: Final = ("cc", "-O3", "-march=native", "-shared", "-fPIC")
#: Units of each layer, and examples -> the functions of the program for this net.
NETS: Final = {((2, 16, 16, 1), 100): "moons", ((64, 32, 10), 32): "digits"}
LOSSES: Final = {
    "squared_error": "squared",
    "binary_cross_entropy_with_logits": "entropy",
    "cross_entropy": "entropy",
}


@cache
def built() -> CDLL | None:
    """The program in C, None where no compiler builds it."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        library = Path(folder, "limit.so")
        try:
            subprocess.run([*BUILD, "-o", library, SOURCE], check=True, capture_output=True)
            return CDLL(str(library))
        except (OSError, subprocess.CalledProcessError):
            return None


class Limit:
    """A net in C from given weights: W (units x inputs) and b of each layer in turn.

    There is one of each at a time, which has the weights: the next one begins anew.
    """

    def __init__(
        self, weights: list[Any], X: Any, y: Any, loss: str, rate: float, momentum: float = 0.0
    ) -> None:
        import numpy as np

        program = built()
        assert program is not None, "installed() says whether there is one"
        parameters = [np.array(p) for p in weights]
        sizes = (parameters[0].shape[1], *map(len, parameters[1::2]))
        name = NETS[sizes, len(X)]
        given = (X, y, np.concatenate([p.T.ravel() for p in parameters]))
        arrays = [np.ascontiguousarray(a, float) for a in given]
        getattr(program, f"{name}_start")(*[c_void_p(a.ctypes.data) for a in arrays])
        self.run = getattr(program, f"{name}_{LOSSES[loss]}")
        self.update = c_double(rate), c_double(momentum)

    def step(self) -> float:
        """Make one and give the loss before it."""
        return self.steps(1)[0]

    def steps(self, n: int) -> list[float]:
        """Make n and give the loss before each."""
        losses = (c_double * n)()
        self.run(c_long(n), *self.update, losses)
        return list(losses)
