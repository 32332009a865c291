"""How engines are compared: rounds in turn, medians, and ratios round by round."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

Rows = list[list[float]]
#: A step of descent, which gives the loss before its update.
Step = Callable[[], float]

#: An engine has its turn for about this long in each round, and for so many steps.
_SECONDS_A_TURN: Final = 0.6
_STEPS_A_TURN: Final = (3, 200)


@dataclass(frozen=True)
class Comparison:
    """One engine against ours: seconds a step, and per round how many times as fast ours is."""

    engine: str
    seconds: float
    ratios: list[float]
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return median(self.ratios)


@dataclass
class Table:
    """What was measured: per group (a size, say) our seconds a step, and the other engines.

    `limits` are the seconds that ours may take, `details` what else there is to say.
    """

    title: str
    engine: str = "scalar"
    ours: dict[str, float] = field(default_factory=dict)
    others: dict[str, list[Comparison]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    def add(
        self,
        group: str,
        measured: tuple[float, list[Comparison]],
        *,
        detail: str = "",
        limit: float | None = None,
    ) -> None:
        """Enter what `compare` gave for a group."""
        self.ours[group], self.others[group] = measured
        if detail:
            self.details[group] = detail
        if limit is not None:
            self.limits[group] = limit


def compare(
    ours: Callable[[], object],
    others: Mapping[str, Callable[[], object]],
    rounds: int,
    goals: Mapping[str, float] | None = None,
    *,
    least: int | None = None,
) -> tuple[float, list[Comparison]]:
    """Our seconds a step, and for each other engine a `Comparison`, with its goal if it has one.

    In each round the engines have their turns one after the other: several steps, of which the
    median counts. Before a turn garbage is collected, untimed, so that no engine pays for
    another's; between its own steps an engine pays for what it left, with the collector as Python
    has it. The first steps of each are not counted. With `least=1` an engine with steps longer
    than a turn makes one a turn, and what it leaves is not counted.
    """
    engines = [ours, *others.values()]
    steps = [_steps_a_turn(engine, least) for engine in engines]
    turns = [list(map(_turn, engines, steps)) for _ in range(rounds)]
    mine, *theirs = zip(*turns, strict=True)
    return median(mine), [
        Comparison(
            name,
            median(seconds),
            [theirs_now / mine_now for theirs_now, mine_now in zip(seconds, mine, strict=True)],
            (goals or {}).get(name),
        )
        for name, seconds in zip(others, theirs, strict=True)
    ]


def _steps_a_turn(step: Callable[[], object], at_least: int | None) -> int:
    step()
    least, most = _STEPS_A_TURN
    least = least if at_least is None else at_least
    return min(max(round(_SECONDS_A_TURN / max(_seconds(step), 1e-9)), least), most)


def _turn(step: Callable[[], object], steps: int) -> float:
    gc.collect()
    return median(_seconds(step) for _ in range(steps))


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
