"""Data: toy problems, shipped data sets, codes and scaling for inputs, tables from CSV files.

Standard library only; the results are plain lists.
"""

from tinygrad_edu.data.dataset import Dataset, train_test_split
from tinygrad_edu.data.encoding import (
    Scaling,
    centring,
    one_hot,
    scaling,
    standardising,
    thermometer,
)
from tinygrad_edu.data.shipped import digits, iris
from tinygrad_edu.data.synthetic import blobs, circles, moons, spiral, xor
from tinygrad_edu.data.table import Table, TableError, read_table
from tinygrad_edu.data.table_encoder import TableEncoder
from tinygrad_edu.rng import as_random

__all__ = [
    "Dataset",
    "Scaling",
    "Table",
    "TableEncoder",
    "TableError",
    "as_random",
    "blobs",
    "centring",
    "circles",
    "digits",
    "iris",
    "moons",
    "one_hot",
    "read_table",
    "scaling",
    "spiral",
    "standardising",
    "thermometer",
    "train_test_split",
    "xor",
]
