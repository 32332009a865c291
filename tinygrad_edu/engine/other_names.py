"""Names of elsewhere: NumPy's functions, and what micrograd and PyTorch call otherwise."""

import operator
import sys
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any, Final

from tinygrad_edu.checks import is_real
from tinygrad_edu.engine.primitive import Node, on_values
from tinygrad_edu.namespace import FUNCTIONS

Function = Callable[..., Any]


def _ours(name: str) -> Function:
    """A function of functions.py, which is looked up when it is called."""
    return lambda *x: getattr(on_values, name)(*x)


# fmt: off
#: NumPy's functions (and three of SciPy's) by their names there, for Values and numbers.
NUMPY: Final[dict[str, Function]] = {
    f.numpy.removeprefix("np."): _ours(f.name) for f in FUNCTIONS.values() if f.numpy[:3] == "np."
} | {
    "absolute": operator.abs, "add": operator.add, "multiply": operator.mul,
    "negative": operator.neg, "positive": operator.pos, "subtract": operator.sub,
    "less": operator.lt, "less_equal": operator.le, "equal": operator.is_,
    "greater": operator.gt, "greater_equal": operator.ge, "not_equal": operator.is_not,
    "conjugate": lambda x: +x, "reciprocal": lambda x: 1.0 / x, "square": lambda x: x**2,
    "power": _ours("pow"), "exp2": _ours("exp2"), "sign": _ours("sign"),
    "logaddexp": _ours("logsumexp"), "expit": _ours("sigmoid"), "log_expit": _ours("log_sigmoid"),
    "erf": _ours("erf"),
}
#: Those of which there is none here, and what to write for them.
_INSTEAD: Final = {
    "cbrt": "sign(x) * abs(x) ** (1 / 3)", "logaddexp2": "log2(exp2(x) + exp2(y))",
    "deg2rad": "x * (math.pi / 180)", "radians": "x * (math.pi / 180)",
    "rad2deg": "x * (180 / math.pi)", "degrees": "x * (180 / math.pi)",
    "fmax": "maximum(x, y)", "fmin": "minimum(x, y)", "heaviside": "step(x)",
    "fmod": "x % y, of the sign of y", "floor_divide": "(x - x % y) / y",
    "copysign": "where(y > 0, abs(x), -abs(x))", "isnan": "math.isnan(x.data)",
    "isinf": "math.isinf(x.data)", "isfinite": "math.isfinite(x.data)",
    "rint": "round(x.data)", "floor": "math.floor(x.data)", "ceil": "math.ceil(x.data)",
    "trunc": "math.trunc(x.data)", "signbit": "x < 0",
    "std": "functions.std([x, y])", "var": "functions.var([x, y])",
}
#: The methods that NumPy looks for among the items of an array of objects, beside those of Value.
LOOKED_FOR: Final = (
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cbrt", "conjugate",
    "deg2rad", "degrees", "fabs", "fmod", "hypot", "logical_xor", "rad2deg", "radians", "rint",
    "std", "var",
)
#: What micrograd, its lecture and PyTorch call otherwise: what to write here.
OF_VALUES: Final = {
    "label": "v.name", "pow": "v ** 2", "_children": "v.parents", "children": "v.parents",
    "_local_grads": "v.local_derivatives()", "item": "v.data", "numpy": "v.data",
    "detach": "Value(v.data)", "grad_fn": "v.op", "zero_grad": "v.grad = 0",
    "_backward": "v.backward() for the whole graph, v.local_derivatives() for one node",
    "requires_grad": "parameter(x), a Value that is learned",
    "gradient": "v.grad", "tolist": "v.data", "value": "v.data",
}
OF_MODULES: Final = {
    "nonlin": "neuron.activation", "forward": "model(x)", "weight": "unit.w", "bias": "unit.b",
    "fit": "fit(model, X, y, ...)", "predict": "predict(model, X)",
    "evaluate": "evaluate(model, X, y, ...)", "modules": "nn.modules(model)",
    "compile": "fit(model, X, y, loss=..., optimizer=..., epochs=...)",
    "params": "model.parameters()", "predict_proba": "probabilities(model, X, loss=...)",
}
OF_PERCEPTRONS: Final = {
    "forward": "unit(x)", "predict": "[unit(x) for x in X]", "parameters": "unit.w",
    "weight": "unit.w[1:]", "bias": "unit.w[0]",
}
OF_HISTORIES: Final = {
    "history": "history.loss, history.accuracy, ...", "val_loss": "history.validation_loss",
    "val_accuracy": "history.validation_accuracy", "epochs": "len(history)",
}
# fmt: on


class Elsewhere:
    """An attribute under its name elsewhere: the error says what it is here.

    An object with a dict may have an attribute of this name all the same.
    """

    def __init__(self, name: str, here: str) -> None:
        self.name, self.here = name, here

    def __get__(self, x: Any, kind: type) -> Any:
        own = getattr(x, "__dict__", {})
        if self.name not in own:
            raise AttributeError(f"{kind.__name__} has no {self.name} here: write {self.here}")
        return own[self.name]

    def __set__(self, x: Any, value: Any) -> None:
        own = getattr(x, "__dict__", None)
        if own is None:
            raise AttributeError(f"{type(x).__name__} has no {self.name} here: write {self.here}")
        own[self.name] = value

    def __delete__(self, x: Any) -> None:
        self.__get__(x, type(x))
        del vars(x)[self.name]


def add_names(kind: Any, names: dict[str, str]) -> None:
    """Let a class explain the names that it has elsewhere, which completion does not offer."""
    for name, here in names.items():
        setattr(kind, name, Elsewhere(name, here))
    kind.__dir__ = lambda x: [n for n in object.__dir__(x) if n not in names or hasattr(x, n)]


def add_to(value: type) -> None:
    """Let Value explain its names elsewhere, and give it the methods that NumPy looks for."""
    add_names(value, OF_VALUES)
    programs: Any = value  # those written for micrograd read these two to draw a graph
    programs._prev = property(lambda v: set(v.parents))
    programs._op = property(lambda v: v.op.name if v.op else "")
    for name in (*LOOKED_FOR, "clip"):
        function = _clip if name == "clip" else NUMPY.get(name) or _refused(name)
        function.__name__, function.__qualname__ = name, f"Value.{name}"
        setattr(value, name, function)


def name_of(name: Any, label: object) -> Any:
    """The name of a Value. Raises TypeError for the lecture's word for it."""
    if label is not None and (name is None or isinstance(name, str)):
        raise TypeError(f"Value takes no label: write Value(data, name={label!r:.40})")
    return name


def no_number(v: Any, *_: Any) -> Any:
    """What float(v) and the functions of `math` get. Raises TypeError with what to write."""
    raise TypeError(
        "turning a Value into a number would cut the graph: write v.data for the number, or stay "
        "in the graph with v.exp(), v.sqrt(), ... in place of math.exp(v), math.sqrt(v), ..."
    )


def of_numpy(v: Any, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """What NumPy's `ufunc` gives where a Value is among its operands; of arrays for each item."""
    function = NUMPY.get(ufunc.__name__)
    if function is not None and method == "__call__" and not options:
        # a float of NumPy times a Value comes here, so that this is quick
        plain = [
            x if isinstance(x, Node) else float(x)
            for x in inputs
            if isinstance(x, (Node, float, int)) or is_real(x)
        ]
        if len(plain) == len(inputs):
            return function(*plain)
    if any(isinstance(x, Node) for x in options.get("out", ())):
        taken = "one operand" if ufunc.nin == 1 else f"{ufunc.nin} operands"
        raise TypeError(f"np.{ufunc.__name__} takes {taken}, and no Value to write the result into")
    numpy: Any = sys.modules["numpy"]
    known = vars(numpy).get(ufunc.__name__) is ufunc and not ufunc.signature
    if function is None and known:
        function = _refused(ufunc.__name__)
    if function and method in ("__call__", "outer") and type(function) is not BuiltinFunctionType:
        ufunc = numpy.frompyfunc(function, ufunc.nin, 1)  # NumPy's own would pick a number, or fail
    arrays = []
    for x in inputs:
        if isinstance(x, Node):
            item, x = x, numpy.empty((), dtype=object)
            x[()] = item
        arrays.append(x)
    return getattr(ufunc, method)(*arrays, **options)


def _clip(x: Any, low: Any = None, high: Any = None, out: None = None) -> Any:
    """`functions.clip`, for NumPy too, where None is no bound."""
    bounds = {name: b for name, b in (("low", low), ("high", high)) if b is not None}
    return on_values.clip(x, **bounds)


def _refused(name: str) -> Function:
    here = _INSTEAD.get(name, "one of tinygrad_edu.functions, or x.data for the number")

    def refused(*x: Any, **_: Any) -> Any:
        raise TypeError(f"{name} of a Value would leave the graph: write {here}")

    return refused
