"""Speed as ratios, measured side by side in one run against other engines."""

from collections.abc import Callable
from typing import Final

from tinygrad_edu.bench.costs import growth_table, overheads_table
from tinygrad_edu.bench.fits import fits_table, sklearn_table
from tinygrad_edu.bench.matrix import matrix_table, tracing_table
from tinygrad_edu.bench.measure import Comparison, Table, compare
from tinygrad_edu.bench.scalar import scalar_table

#: The tables by name: each is a function of the number of rounds. They are measured in this order:
#: what PyTorch and JAX import makes Python's collector slower.
TABLES: Final[dict[str, Callable[[int], Table]]] = {
    "scalar": scalar_table,
    "tracing": tracing_table,
    "matrix": matrix_table,
    "overheads": overheads_table,
    "growth": growth_table,
    "fits": fits_table,
}

__all__ = ["TABLES", "Comparison", "Table", "compare", "sklearn_table"]
