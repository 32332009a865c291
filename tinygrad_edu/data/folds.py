"""Cross-validation: rows in k folds, those of one group together."""

import random
from collections.abc import Hashable, Iterable

from tinygrad_edu.checks import as_random, whole
from tinygrad_edu.examples import labels

__all__ = ["folds"]


def folds(
    groups: Iterable[Hashable], k: int = 5, *, rng: int | random.Random = 0
) -> list[tuple[list[int], list[int]]]:
    """k pairs of row numbers (training, test): each row is a test row once.

    `groups` has one entry for each row, such as who spoke it: no group is on both sides of a pair,
    so the test rows come from speakers never heard. The groups are shuffled by `rng`; the numbers
    of groups tested differ by at most 1. Rows without groups: `folds(range(n))`.
    """
    group_of = labels(groups, "groups")
    different = list(dict.fromkeys(group_of))
    if whole("k", k, least=2) > len(different):
        raise ValueError(f"cannot make {k} folds of {len(different)} group(s); write a smaller k")
    as_random(rng).shuffle(different)
    fold_of = {group: i % k for i, group in enumerate(different)}
    return [
        (
            [i for i, group in enumerate(group_of) if fold_of[group] != fold],
            [i for i, group in enumerate(group_of) if fold_of[group] == fold],
        )
        for fold in range(k)
    ]
