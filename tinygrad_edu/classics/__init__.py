"""Published worked examples, runnable: what their sources printed beside what the engine gives.

    from tinygrad_edu.classics import mazur
    mazur()           # the table "published | here | difference"
    mazur().agrees    # True: every number, to every printed digit

A classic is a function that returns a `Classic`: `Classic(title, source, rows, note="")` with rows
`Row(quantity, published, here, within=None)`. `published` is the text as printed, so its digits
are known, or "" where nothing was printed. To add one, write its function, with texts and printed
numbers in the `.toml` files, and enter it in `CLASSICS`; where it runs for more than two seconds,
in `LONG`, too.
"""

from collections.abc import Callable

from tinygrad_edu.classics.classic import Classic, Row
from tinygrad_edu.classics.karpathy import circuits, exercises, micrograd_moons, micrograd_readme
from tinygrad_edu.classics.one_unit_layers import (
    linear_claims,
    minsky_papert_parity,
    saturation,
    widrow_hoff_lms,
)
from tinygrad_edu.classics.rumelhart import (
    elman_xor,
    family_trees,
    rumelhart_encoder,
    rumelhart_parity,
    rumelhart_symmetry,
    rumelhart_xor,
    vowel_regions,
    vowels,
)
from tinygrad_edu.classics.spiral import spiral_linear, spiral_net
from tinygrad_edu.classics.textbooks import goodfellow_xor, han_kamber, lecun_tanh, mazur

__all__ = [
    "CLASSICS", "LONG", "Classic", "Row", "circuits", "elman_xor", "exercises", "family_trees",
    "goodfellow_xor", "han_kamber", "lecun_tanh", "linear_claims", "mazur", "micrograd_moons",
    "micrograd_readme", "minsky_papert_parity", "rumelhart_encoder", "rumelhart_parity",
    "rumelhart_symmetry", "rumelhart_xor", "saturation", "spiral_linear", "spiral_net",
    "vowel_regions", "vowels", "widrow_hoff_lms",
]  # fmt: skip

#: Every classic by name, in the order of the command `classics`.
CLASSICS: dict[str, Callable[[], Classic]] = {
    classic.__name__: classic
    for classic in (
        circuits, exercises, mazur, han_kamber, micrograd_readme, micrograd_moons, saturation,
        linear_claims, lecun_tanh, widrow_hoff_lms, minsky_papert_parity, goodfellow_xor,
        rumelhart_xor, rumelhart_parity, rumelhart_encoder, rumelhart_symmetry, family_trees,
        elman_xor, spiral_linear, spiral_net, vowels,
    )
}  # fmt: skip

#: How long those run that take more than two seconds.
LONG: dict[str, str] = {
    "mazur": "about 4 s",
    "rumelhart_xor": "about 10 s",
    "rumelhart_symmetry": "about 2 s",
    "family_trees": "about 3 s",
    "spiral_net": "about 6 s",
    "vowels": "about 4 s",
}
