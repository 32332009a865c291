"""A classifier, or a net that predicts a number: the encoding of its inputs, its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.data import TableEncoder
from tinygrad_edu.data.table import shown
from tinygrad_edu.engine import Value
from tinygrad_edu.losses import LOSSES, RECORDS
from tinygrad_edu.nn import MLP, Layer, Sequential, load
from tinygrad_edu.nn.model_file import ModelFileError
from tinygrad_edu.train import predict
from tinygrad_edu.train.heads import Head, head_for

Rows = Sequence[Sequence[float]]
#: Rows among which those with the largest loss are looked for.
_MANY: Final = 5_000


def head_of_encoder(loss: str, encoder: TableEncoder) -> Head:
    """What the loss asks of the last layer. Raises ValueError for one that does not fit."""
    if encoder.number is None:
        return head_for(loss, len(encoder.class_names))
    of_numbers = [name for name in LOSSES if RECORDS[name].outputs == "numbers"]
    if loss not in of_numbers:
        raise ValueError(
            f"the loss {loss} is for classes and the target {shown(encoder.target)} is a number: "
            f"choose {', '.join(of_numbers)}"
        )
    return Head("numbers", 1)


@dataclass(frozen=True)
class Classifier:
    """A net for the rows of `encoder`, trained with the loss of that name."""

    model: Any
    encoder: TableEncoder
    loss: str

    @property
    def head(self) -> Head:
        """What the loss asks of the last layer, and what its outputs mean."""
        return head_of_encoder(self.loss, self.encoder)

    def targets(self, y: Sequence[Any]) -> list[Any]:
        """Class numbers as the loss takes them; numbers as they are."""
        return list(y) if self.encoder.number is not None else self.head.targets(y)

    def outputs(self, X: Rows) -> list[list[float]]:
        """What the net gives for encoded rows."""
        return predict(self.model, X)

    def found(self, X: Rows) -> list[Any]:
        """The class numbers of encoded rows, or their numbers, standardised as the targets are."""
        outputs = self.outputs(X)
        if self.encoder.number is not None:
            return [output for (output,) in outputs]
        return list(self.head.classes(outputs))

    def answer(self, y: float) -> str:
        """The name of a class number, or the number that is y standardised."""
        number = self.encoder.number
        return number.cell([y]) if number else self.encoder.class_names[int(y)]

    def losses(self, X: Rows, y: Sequence[Any]) -> dict[int, float]:
        """The loss of each row, or of very many rows those of some, by their numbers from 0."""
        some, targets = range(0, len(X), len(X) // _MANY + 1), self.targets(y)
        outputs = self.outputs([X[i] for i in some])
        loss = LOSSES[self.loss]
        return {i: loss(o, targets[i]).data for i, o in zip(some, outputs, strict=True)}

    def backward(self, row: Sequence[float], y: Any) -> tuple[list[Value], Value]:
        """An encoded row as Values and its loss, whose gradients they and the net then have."""
        x = [Value(v, name) for v, name in zip(row, self.encoder.feature_names, strict=True)]
        loss = LOSSES[self.loss](self.model(x), *self.targets([y]))
        self.model.zero_grad()
        loss.backward()
        return x, loss

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
            head = head_of_encoder(loss, encoder)
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"its metadata are wrong: {error}") from None
        n, classes = len(encoder.feature_names), len(encoder.class_names)
        k = f"{classes} classes" if classes else "a number"
        if not _fits(model, n, head):
            raise ModelFileError(
                f"its metadata tell of {n} features and {k}, which do not fit {model!r}"
            )
        return cls(model, encoder, loss)


def _fits(model: Any, features: int, head: Head) -> bool:
    """Whether a model takes that many numbers and ends in such a layer."""
    last = model.layers[-1] if isinstance(model, (MLP, Sequential)) else None
    ends = isinstance(last, Layer) and (last.nout, str(last.activation))
    if ends != (head.units, head.activation):
        return False
    try:
        model([0.0] * features)
    except ValueError:
        return False
    return True
