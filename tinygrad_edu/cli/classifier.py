"""A classifier: a net, the encoding of its inputs, and what its outputs mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.checks import one_of
from tinygrad_edu.data import TableEncoder
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import MLP, Layer, Sequential, load
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.train import predict
from tinygrad_edu.train.heads import Head, head_for

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Classifier:
    """A net for the rows of `encoder`, trained with the loss of that name."""

    model: Any
    encoder: TableEncoder
    loss: str

    @property
    def head(self) -> Head:
        """What the loss asks of the last layer, and what its outputs mean."""
        return head_for(self.loss, len(self.encoder.class_names))

    def outputs(self, X: Rows) -> list[list[float]]:
        """What the net gives for encoded rows."""
        return predict(self.model, X)

    def save(self, path: str) -> None:
        """Write the net with its encoding and loss to the JSON file `path`."""
        self.model.save(path, metadata={"encoder": self.encoder.to_dict(), "loss": self.loss})

    @classmethod
    def load(cls, path: str) -> "Classifier":
        """Read what `save` wrote. Raises ModelFileError for anything else, or OSError."""
        model = load(path)
        metadata = model.metadata
        if set(metadata) != {"encoder", "loss"}:
            raise ModelFileError(
                "its metadata lack the encoder and the loss: "
                "predict reads the model.json that demo and train write"
            )
        try:
            encoder = TableEncoder.from_dict(metadata["encoder"])
            loss = one_of("loss", metadata["loss"], LOSSES)
            head = head_for(loss, len(encoder.class_names))
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"its metadata are wrong: {error}") from None
        n, k = len(encoder.feature_names), len(encoder.class_names)
        if not _fits(model, n, head):
            raise ModelFileError(
                f"its metadata tell of {n} features and {k} classes, which do not fit {model!r}"
            )
        return cls(model, encoder, loss)


def _fits(model: Any, features: int, head: Head) -> bool:
    """Whether a model takes that many numbers and ends in such a layer."""
    if not isinstance(model, (MLP, Sequential)) or not isinstance(model.layers[-1], Layer):
        return False
    last = model.layers[-1]
    if (last.nout, str(last.activation)) != (head.units, head.activation):
        return False
    try:
        model([0.0] * features)
    except ValueError:
        return False
    return True
