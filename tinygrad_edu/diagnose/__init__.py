"""What is wrong, not only that something is: a slip, where it was made, and what was right.

>>> from tinygrad_edu import MLP, losses, vectorize
>>> from tinygrad_edu.diagnose import diagnose_backward
>>> net = MLP(2, [3, 1], "tanh", rng=0)
>>> program = vectorize(lambda x, y: losses.squared_error(net(x), y), [0.5, -1.0], 1.0)
>>> X, y = [[0.5, -1.0], [1.0, 2.0]], [1.0, 0.0]
>>> loss, gradient = program.value_and_grad(X, y)
>>> print(diagnose_backward(program, {"dW2": 2 * gradient[None, 9:12]}, X, y))
dW2: ...
"""

from tinygrad_edu.diagnose.backward import diagnose_backward
from tinygrad_edu.diagnose.diagnosis import SLIPS, Diagnosis
from tinygrad_edu.diagnose.engine import diagnose_engine
from tinygrad_edu.diagnose.slopes import diagnose_slopes
from tinygrad_edu.diagnose.training import diagnose_training

__all__ = [
    "SLIPS",
    "Diagnosis",
    "diagnose_backward",
    "diagnose_engine",
    "diagnose_slopes",
    "diagnose_training",
]
