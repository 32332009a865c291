"""Elman's XOR in time: a recurrent net learns which bits of a stream can be told."""

from itertools import chain, product

from tinygrad_edu.classics.classic import Classic, Row, classic
from tinygrad_edu.nn import RNN
from tinygrad_edu.train import fit, predict

__all__ = ["elman_xor"]


def elman_xor() -> Classic:
    """In a stream of bits every third is the XOR of the two before it: the next is to be told.

    The two others are random: the best output for them is 1/2, with a squared error of 1/4. Source:
    J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990), pages 179 to 211.
    """
    triples = [(a, b, abs(a - b)) for a, b in product((0.0, 1.0), repeat=2)]
    streams = [[*chain(*some)] for some in product(triples, repeat=3)]
    X, y = [bits[:-1] for bits in streams], [bits[1:] for bits in streams]
    model = RNN(1, 3, 1, output="sigmoid")
    fit(model, X, y, loss="half_squared_error", optimizer="adam", epochs=4000, progress=False)
    squares = [
        [(o - t) ** 2 for o, t in zip(outputs, bits, strict=True)]
        for outputs, bits in zip(predict(model, X), y, strict=True)
    ]
    rows = [
        Row(f"mean squared error of bit {k} of the stream{', an XOR' * (k % 3 == 0)}", "", mean)
        for k, mean in enumerate((sum(column) / 64 for column in zip(*squares, strict=True)), 2)
    ]
    return classic("elman_xor", rows)
