"""A classifier: a net, the encoding of its inputs, and how its outputs become classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu import functions as f
from tinygrad_edu import namespace as floats
from tinygrad_edu.checks import one_of
from tinygrad_edu.cli.options import UsageError
from tinygrad_edu.data import TableEncoder, one_hot
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.nn import MLP
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.train import predict
from tinygrad_edu.train.metrics import argmax

Rows = Sequence[Sequence[float]]

_LOGITS: Final = "binary_cross_entropy_with_logits"
#: Losses of a score: their targets are -1 and 1, and the output is no probability.
_OF_SCORES: Final = ("hinge", "perceptron")
_OF_TWO_CLASSES: Final = ("binary_cross_entropy", _LOGITS, *_OF_SCORES)


def output_layer(loss: str, classes: int) -> tuple[int, str]:
    """Units and activation of the last layer. Raises UsageError if the loss does not fit."""
    if loss == "cross_entropy":
        return classes, "linear"
    if classes == 2:
        return 1, "linear" if loss in (_LOGITS, *_OF_SCORES) else "sigmoid"
    if loss in _OF_TWO_CLASSES:
        others = ", ".join(name for name in LOSSES if name not in _OF_TWO_CLASSES)
        raise UsageError(
            f"the loss {loss} is for 2 classes and this data has {classes}: choose {others}"
        )
    return classes, "softmax"


@dataclass(frozen=True)
class Classifier:
    """A net for the rows of `encoder`, trained with the loss of that name."""

    model: Any
    encoder: TableEncoder
    loss: str

    @property
    def of_scores(self) -> bool:
        """Whether the output is a score, its sign the class, and no probability."""
        return self.loss in _OF_SCORES

    def targets(self, y: Sequence[int]) -> list[Any]:
        """Class numbers as the loss wants them: 0 and 1, -1 and 1, class numbers or 1-of-k rows."""
        if self.of_scores:
            return [2 * c - 1 for c in y]
        if output_layer(self.loss, len(self.encoder.class_names))[1] == "softmax":
            return one_hot(y, range(len(self.encoder.class_names)))
        return list(y)

    def outputs(self, X: Rows) -> list[list[float]]:
        """What the net gives for encoded rows."""
        return predict(self.model, X)

    def classes(self, outputs: Rows) -> list[int]:
        """The class number of each output."""
        if len(outputs[0]) > 1:
            return [argmax(o) for o in outputs]
        limit = 0.5 if self.model.output == "sigmoid" else 0.0
        return [int(o[0] > limit) for o in outputs]

    def probabilities(self, outputs: Rows) -> list[list[float]]:
        """For each output k numbers in [0, 1] with the sum 1, that of its class the largest.

        For a score s, which is no probability, they are (1 - s)/2 and (1 + s)/2, held within
        [0, 1]: 0 or 1 where the hinge loss is 0.
        """
        if self.model.output == "softmax":
            return [list(o) for o in outputs]
        if len(outputs[0]) > 1:
            return [f.softmax(list(o)) for o in outputs]
        return [[1 - p, p] for p in (self._probability(o[0]) for o in outputs)]

    def _probability(self, o: float) -> float:
        if self.of_scores:
            return min(max((1 + o) / 2, 0.0), 1.0)
        return o if self.model.output == "sigmoid" else floats.sigmoid(o)

    def save(self, path: str) -> None:
        """Write the net with its encoding and loss to the JSON file `path`."""
        self.model.save(path, metadata={"encoder": self.encoder.to_dict(), "loss": self.loss})

    @classmethod
    def load(cls, path: str) -> "Classifier":
        """Read what `save` wrote. Raises ModelFileError for anything else, or OSError."""
        model = MLP.load(path)
        metadata = model.metadata
        if set(metadata) != {"encoder", "loss"}:
            raise ModelFileError(
                "its metadata lack the encoder and the loss: "
                "predict reads the model.json that demo and train write"
            )
        try:
            encoder = TableEncoder.from_dict(metadata["encoder"])
            loss = one_of("loss", metadata["loss"], LOSSES)
            expected = output_layer(loss, len(encoder.class_names))
        except (TypeError, ValueError, UsageError) as error:
            raise ModelFileError(f"its metadata are wrong: {error}") from None
        if (model.sizes[0], model.sizes[-1], model.output) != (
            len(encoder.feature_names),
            *expected,
        ):
            raise ModelFileError(
                f"its metadata tell of {len(encoder.feature_names)} features and "
                f"{len(encoder.class_names)} classes, which do not fit {model!r}"
            )
        return cls(model, encoder, loss)
