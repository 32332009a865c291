"""Data: toy problems, shipped data sets, codes, scaling and augmentation of inputs, CSV tables.

Standard library only; the results are plain lists.
"""

from tinygrad_edu.checks import as_random
from tinygrad_edu.data import shipped, synthetic
from tinygrad_edu.data.augmentation import jitter, rotation, shift
from tinygrad_edu.data.dataset import DATA_SETS, Dataset, folds, train_test_split
from tinygrad_edu.data.encoding import (
    Scaling,
    centring,
    fit_centring,
    fit_min_max_scaler,
    fit_standard_scaler,
    one_hot,
    scaling,
    standardising,
    thermometer,
)
from tinygrad_edu.data.sequences import NAMES, binary_addition, next_letter
from tinygrad_edu.data.shipped import *
from tinygrad_edu.data.synthetic import *
from tinygrad_edu.data.table import Table, TableError, read_table
from tinygrad_edu.data.table_encoder import TableEncoder
from tinygrad_edu.text import public_order

__all__ = [
    "DATA_SETS",
    "NAMES",
    "Dataset",
    "Scaling",
    "Table",
    "TableEncoder",
    "TableError",
    "as_random",
    "binary_addition",
    "centring",
    "fit_centring",
    "fit_min_max_scaler",
    "fit_standard_scaler",
    "folds",
    "jitter",
    "next_letter",
    "one_hot",
    "read_table",
    "rotation",
    "scaling",
    "shift",
    "standardising",
    "thermometer",
    "train_test_split",
]
__all__ += [*shipped.__all__, *synthetic.__all__]
__all__.sort(key=public_order)
