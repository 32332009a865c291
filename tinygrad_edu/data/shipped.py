"""Data sets that come with the package; files/SOURCES.md has their origin and licence."""

import csv
import gzip
import io

from tinygrad_edu.data.dataset import Dataset

__all__ = ["digits", "iris"]


def iris() -> Dataset:
    """Fisher's irises: 150 flowers, 4 lengths in cm, 3 species of 50 rows each, species by species.

    Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7 (1936). The numbers are those of the paper, as in R and scikit-learn.
    """
    header, *rows = _read("iris.csv.gz")
    names = ("setosa", "versicolor", "virginica")
    lengths = [[float(cell) for cell in row[:-1]] for row in rows]
    labels = [names.index(row[-1]) for row in rows]
    return Dataset(lengths, labels, tuple(header[:-1]), names, "iris", "R. A. Fisher, 1936")


def digits() -> Dataset:
    """Handwritten digits: 1797 images of 8 x 8 pixels, row by row, each 0..16; 10 classes.

    Divide by 16 for inputs in [0, 1]. Source: E. Alpaydin and C. Kaynak, "Optical Recognition of
    Handwritten Digits", UCI Machine Learning Repository (1998), its test set.
    """
    header, *rows = _read("digits.csv.gz")
    pixels = [[float(cell) for cell in row[:-1]] for row in rows]
    labels = [int(row[-1]) for row in rows]
    names = tuple(str(digit) for digit in range(10))
    return Dataset(
        pixels, labels, tuple(header[:-1]), names, "digits", "E. Alpaydin and C. Kaynak, 1998"
    )


def _read(name: str) -> list[list[str]]:
    from importlib.resources import files  # late: only these two need it

    packed = files("tinygrad_edu.data").joinpath("files", name).read_bytes()
    return list(csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii"), newline="")))
