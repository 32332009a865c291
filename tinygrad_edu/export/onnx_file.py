"""A model as an ONNX file, written node by node."""

from collections.abc import Sequence
from typing import Any, Final

from tinygrad_edu.export.chain import (
    PARTS,
    activation_of,
    alphas_of,
    chain,
    input_shape,
    library,
    size_names,
)
from tinygrad_edu.files import AnyPath, write
from tinygrad_edu.nn import Module
from tinygrad_edu.nn.activations import RECORDS

#: The oldest versions that have all operators used here, so that old runtimes read the file.
_OPSET: Final = 13
_IR_VERSION: Final = 7

_LARGEST: Final = (2 - 2.0**-23) * 2.0**127


def to_onnx(model: Any, path: AnyPath) -> None:
    """Write the model, in evaluation mode, to the ONNX file `path`, for onnxruntime and others.

    The file takes "X" and gives "Y", both float32 with any number of examples first: (B, n) and
    (B, K); images (B, channels, height, width) where the model takes them. Raises ValueError naming
    the part for a model that has no equal in ONNX, for parts that do not fit each other, and for a
    number that float32 cannot hold; ImportError without the extra `onnx`.
    """
    onnx, parts, y = library("onnx"), chain(model), "X"
    make, graph = onnx.helper, _Graph(onnx)
    for part in parts:
        y = _added(graph, part, y)
    graph.nodes.append(make.make_node("Identity", [y], ["Y"]))
    shapes = {"X": ["B", *size_names(input_shape(parts))], "Y": None}
    ends = [[make.make_tensor_value_info(name, graph.float, shapes[name])] for name in shapes]
    net = make.make_model(
        make.make_graph(graph.nodes, type(model).__name__, *ends, graph.constants),
        producer_name="tinygrad_edu", opset_imports=[make.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )  # fmt: skip
    net = onnx.shape_inference.infer_shapes(net, strict_mode=True)
    onnx.checker.check_model(net)
    write(path, net.SerializeToString())


class _Graph:
    """The nodes and constants of a file, each result with a name of its own."""

    def __init__(self, onnx: Any) -> None:
        self.onnx, self.float = onnx, onnx.TensorProto.FLOAT
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node with one result; gives its name."""
        name = f"{operator}{len(self.nodes)}"
        node = self.onnx.helper.make_node(operator, inputs, [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, numbers: Sequence[float], part: Module, *shape: int) -> str:
        """Numbers of a part as float32; gives their name."""
        for x in numbers:
            if not abs(x) <= _LARGEST:
                raise ValueError(f"{part!r:.80} holds the number {x:g}, which float32 cannot hold")
        return self._stored(self.float, numbers, shape)

    def number(self, x: float) -> str:
        """One number as a constant; gives its name."""
        return self._stored(self.float, [x], ())

    def cast(self, condition: str) -> str:
        """A condition as 0.0 or 1.0; gives its name."""
        return self.node("Cast", condition, to=self.float)

    def sizes(self, *numbers: int) -> str:
        """Whole numbers as a constant; gives its name."""
        return self._stored(self.onnx.TensorProto.INT64, numbers, (len(numbers),))

    def _stored(self, kind: int, numbers: Sequence[float], shape: Sequence[int]) -> str:
        name = f"C{len(self.constants)}"
        self.constants.append(self.onnx.helper.make_tensor(name, kind, shape, numbers))
        return name


def _added(graph: _Graph, part: Module, x: str) -> str:
    """Adds the nodes of a part and its activation on `x`; gives the name of the result."""
    equal = PARTS[type(part)]
    tensors = equal.tensors(part).values()
    constants = [graph.constant([v.data for v in values], part, *n) for values, n in tensors]
    z = equal.onnx(graph, part, x, *constants)
    name = activation_of(part)
    add = RECORDS[name].onnx
    if add is None:
        raise ValueError(
            f"{part!r:.80}: ONNX has no operator for {name!r}: choose another activation, or write "
            "to_numpy_source"
        )
    alphas = [v.data for v in alphas_of(part)]
    if not alphas:
        return add(graph, z)
    sides = len(equal.takes) - 1  # one slope for all of a map
    return add(graph, z, graph.constant(alphas, part, len(alphas), *[1] * sides))
