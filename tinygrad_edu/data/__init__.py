"""Data: toy problems, shipped data sets, codes, scaling and augmentation of inputs, CSV tables.

Standard library only; the results are plain lists.
"""

from tinygrad_edu.checks import as_random
from tinygrad_edu.data import (
    columns,
    dataset,
    preprocessing,
    sequences,
    sets,
    table,
    table_encoder,
    table_file,
)
from tinygrad_edu.data.columns import *
from tinygrad_edu.data.dataset import *
from tinygrad_edu.data.preprocessing import *
from tinygrad_edu.data.sequences import *
from tinygrad_edu.data.sets import *
from tinygrad_edu.data.table import *
from tinygrad_edu.data.table_encoder import *
from tinygrad_edu.data.table_file import *
from tinygrad_edu.text import public_order

__all__ = ["as_random"]
for _room in (columns, dataset, preprocessing, sequences, sets, table, table_encoder, table_file):
    __all__ += _room.__all__
__all__.sort(key=public_order)
