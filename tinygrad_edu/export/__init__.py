"""Export: a model for PyTorch, for ONNX Runtime, as a NumPy program, as a page in which it trains.

    from tinygrad_edu.export import from_torch, to_numpy_source, to_onnx, to_page, to_torch

    net = to_torch(model)                    # torch.nn.Sequential, float64
    model = from_torch(net)                  # MLP or Sequential
    to_onnx(model, "model.onnx")             # float32, for onnxruntime
    text = to_numpy_source(model)            # a file that needs only NumPy
    to_page(model, X, y, loss=..., optimizer=..., path="net.html")

Parameters of a file of PyTorch enter through a module of the same shape, which checks names and
sizes; `weights_only=True` runs nothing that stands in the file:

    net = to_torch(model)
    net.load_state_dict(torch.load("weights.pt", weights_only=True))
    model = from_torch(net)

PyTorch and onnx are the extras `torch` and `onnx`; they are imported when they are needed.
"""

from tinygrad_edu.export.numpy_source import to_numpy_source
from tinygrad_edu.export.onnx_file import to_onnx
from tinygrad_edu.export.page import to_page
from tinygrad_edu.export.pytorch import from_torch, to_torch

__all__ = ["from_torch", "to_numpy_source", "to_onnx", "to_page", "to_torch"]
