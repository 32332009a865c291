"""Data sets that come with the package; files/SOURCES.md has their origin and licence."""

import csv
import gzip
import io
from collections.abc import Sequence

from tinygrad_edu.checks import listed, one_of
from tinygrad_edu.data.dataset import Dataset, data_set

__all__ = ["digits", "first_names", "iris", "vowels"]


@data_set(
    text="three species of iris by four lengths",
    hidden=(8,), lr=0.02, epochs=60, batch_size=16,
)  # fmt: skip
def iris() -> Dataset:
    """Fisher's irises: 150 flowers, 4 lengths in cm, 3 species of 50 rows each, species by species.

    Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7 (1936). The numbers are those of the paper, as in R and scikit-learn.
    """
    return _labelled("iris", ("setosa", "versicolor", "virginica"), "R. A. Fisher, 1936")


@data_set(
    text="handwritten digits, 8 x 8 pixels",
    unit=16.0, image=(8, 8), hidden=(32,), activation="relu", lr=0.005, epochs=30,
)  # fmt: skip
def digits() -> Dataset:
    """Handwritten digits: 1797 images of 8 x 8 pixels, row by row, each 0..16; 10 classes.

    Divide by 16 for inputs in [0, 1]. Source: E. Alpaydin and C. Kaynak, "Optical Recognition of
    Handwritten Digits", UCI Machine Learning Repository (1998), its test set.
    """
    return _labelled("digits", tuple("0123456789"), "E. Alpaydin and C. Kaynak, 1998")


@data_set(
    text="ten spoken vowels by two formants; tested on speakers never heard",
    group="speaker", hidden=(50,), lr=0.01, epochs=30,
)  # fmt: skip
def vowels(features: Sequence[str] = ("F1", "F2")) -> Dataset:
    """Ten vowels between h and d, each said twice by 76 speakers: 1520 rows of frequencies in Hz.

    `features` are the columns, of "F0" (the pitch) and the formants "F1", "F2", "F3" (peaks of the
    spectrum). The classes are the words, heed to heard; `groups` are the speakers: 1..33 are men,
    34..61 women, 62..76 children. Source: G. E. Peterson and H. L. Barney, "Control methods used in
    a study of the vowels", Journal of the Acoustical Society of America 24 (1952).
    """
    features = listed("features", features, "names")
    _, *rows = _read("vowels")
    frequencies = ("F0", "F1", "F2", "F3")
    columns = [2 + frequencies.index(one_of("feature", name, frequencies)) for name in features]
    if not columns:
        raise ValueError('features is empty: write features=["F1", "F2"]')
    names = ("heed", "hid", "head", "had", "hod", "hawed", "hood", "who'd", "hud", "heard")
    return Dataset(
        [[float(row[j]) for j in columns] for row in rows],
        [names.index(row[-1]) for row in rows],
        tuple(f"{name} (Hz)" for name in features),
        names,
        "vowels",
        "G. E. Peterson and H. L. Barney, 1952",
        [int(row[1]) for row in rows],
    )


def first_names() -> list[str]:
    """1050 first names of Europe and the Americas in small letters a to z, in alphabetical order.

    Put together for this package, to learn how names are spelt: see `letter_windows`.

    >>> first_names()[:4]
    ['ada', 'adam', 'adela', 'adele']
    """
    return [row[0] for row in _read("names")[1:]]


def _labelled(name: str, classes: tuple[str, ...], source: str) -> Dataset:
    """A file of numbers, whose last column is the class."""
    header, *rows = _read(name)
    X = [[float(cell) for cell in row[:-1]] for row in rows]
    y = [classes.index(row[-1]) for row in rows]
    return Dataset(X, y, tuple(header[:-1]), classes, name, source)


def _read(name: str) -> list[list[str]]:
    from importlib.resources import files  # late: only these need it

    packed = files("tinygrad_edu.data").joinpath("files", f"{name}.csv.gz").read_bytes()
    return list(csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii"), newline="")))
