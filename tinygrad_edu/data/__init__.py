"""Data: toy problems, shipped data sets, codes, scaling and augmentation of inputs, CSV tables.

Standard library only; the results are plain lists.
"""

from tinygrad_edu.checks import as_random
from tinygrad_edu.data.augmentation import jitter, rotation, shift
from tinygrad_edu.data.dataset import Dataset, train_test_split
from tinygrad_edu.data.encoding import (
    Scaling,
    centring,
    one_hot,
    scaling,
    standardising,
    thermometer,
)
from tinygrad_edu.data.folds import folds
from tinygrad_edu.data.sequences import NAMES, binary_addition, next_letter
from tinygrad_edu.data.shipped import digits, iris, vowels
from tinygrad_edu.data.synthetic import blobs, circles, moons, spiral, xor
from tinygrad_edu.data.table import Table, TableError, read_table
from tinygrad_edu.data.table_encoder import TableEncoder

__all__ = [
    "NAMES",
    "Dataset",
    "Scaling",
    "Table",
    "TableEncoder",
    "TableError",
    "as_random",
    "binary_addition",
    "blobs",
    "centring",
    "circles",
    "digits",
    "folds",
    "iris",
    "jitter",
    "moons",
    "next_letter",
    "one_hot",
    "read_table",
    "rotation",
    "scaling",
    "shift",
    "spiral",
    "standardising",
    "thermometer",
    "train_test_split",
    "vowels",
    "xor",
]
