"""The table of deltas: its rows, and how it shows itself as text, LaTeX and HTML."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from tinygrad_edu.text import clean, latex_escaped, latex_name, latex_number, short, table
from tinygrad_edu.view.base.report import html_table
from tinygrad_edu.view.base.svg import in_html, readable
from tinygrad_edu.view.base.tex import Equations
from tinygrad_edu.view.explain.notation import Both
from tinygrad_edu.view.network.delta_rules import CONVENTIONS

_UNITS_SHOWN: Final = 16
_PARAMETERS_SHOWN: Final = 12
_UNIT_COLUMNS: Final = ("", "z", "a", "g'(z)", "delta", "rule", "difference")
_PARAMETER_COLUMNS: Final = ("parameter", "a", "dL/dw", "rule", "difference")


class UnitRow(NamedTuple):
    """A unit: net input z, activation a, g'(z) (of softmax da_k/dz_k), and its delta.

    `delta` is what the engine found, `rule` what the textbook says, None where it has no rule.
    """

    name: str
    z: float
    a: float
    slope: float
    delta: float
    rule: float | None
    difference: float | None


class ParameterRow(NamedTuple):
    """A weight or a bias: `a` is what it multiplies, 1 for a bias; `gradient` is dL/dw.

    `rule` is dL/dz * a, with the textbook's dL/dz where it has a rule.
    """

    name: str
    a: float
    gradient: float
    rule: float
    difference: float


class LayerDeltas(NamedTuple):
    """A layer: its rows, and the formulas of g'(z) and delta."""

    title: str
    slope: Both
    rule: Both
    units: tuple[UnitRow, ...]
    parameters: tuple[ParameterRow, ...]

    @property
    def equation(self) -> Both:
        """`delta = ...` for a rule; a sentence where there is none."""
        if self.units[0].rule is None:
            return self.rule
        return Both(f"delta = {self.rule.text}", rf"\delta = {self.rule.latex}")


class _Table(NamedTuple):
    """A table as texts: the lines above it, its rows with their header, what it leaves out."""

    caption: Sequence[str]
    cells: Sequence[Sequence[str]]
    more: Sequence[str]


class Deltas(Equations):
    """The table of deltas: `str()` is a text, `.latex` an array, in a notebook it is a table.

    `layers` has a `LayerDeltas` each; `rows` are all units, `parameters` all weights and biases.
    """

    _kind = "deltas"

    def __init__(
        self, layers: Sequence[LayerDeltas], convention: str, loss: str, value: float
    ) -> None:
        self.layers = tuple(layers)
        self.convention = convention
        self.loss = loss
        self.value = value
        self.rows = tuple(row for layer in self.layers for row in layer.units)
        self.parameters = tuple(row for layer in self.layers for row in layer.parameters)

    @property
    def largest_difference(self) -> float:
        """The largest difference between engine and textbook; nan if one of them is."""
        differences = [row.difference for row in self.rows if row.difference is not None]
        return _largest([*differences, *(row.difference for row in self.parameters)])

    @property
    def heading(self) -> str:
        """Loss, convention and largest difference in a line."""
        return (
            f"{clean(self.loss, 40)} = {short(self.value)}, delta = {self.convention}, "
            f"largest difference {_difference(self.largest_difference)}"
        )

    @property
    def gradient_rule(self) -> str:
        """dL/dw from delta, in the convention of the table."""
        sign = "" if CONVENTIONS[self.convention] > 0 else "-"
        return f"dL/dw = {sign}delta a, dL/db = {sign}delta"

    @property
    def latex(self) -> str:
        """The units as a LaTeX array, for math mode."""
        lines = [r"\begin{array}{l}"]
        for layer, units in zip(self.layers, self._tables(), strict=False):
            formulas = rf"g'(z) = {layer.slope.latex};\quad {layer.equation.latex}"
            lines += [
                rf"{latex_text(layer.title)}:\quad {formulas} \\",
                r"\begin{array}{lrrrrrr}",
                r"& z & a & g'(z) & \delta & \mathrm{rule} & \mathrm{difference} \\ \hline",
            ]
            for name, *numbers in units.cells[1:]:
                drawn = (r"\mathrm{-}" if x == "-" else latex_number(x) for x in numbers)
                lines.append(" & ".join([latex_name(name), *drawn]) + r" \\")
            lines += [r"\end{array} \\", *(latex_text(more) + r" \\" for more in units.more)]
        return "\n".join([*lines, r"\end{array}"])

    def _tables(self) -> Iterator[_Table]:
        """The units of each layer, and then its parameters."""
        for layer in self.layers:
            slope, rule = f"g'(z) = {layer.slope.text}", f"rule: {layer.equation.text}"
            caption = [f"{layer.title}: {slope}", rule]
            yield _table(caption, _UNIT_COLUMNS, layer.units, _UNITS_SHOWN)
        for layer in self.layers:
            caption = [f"{layer.title}: {self.gradient_rule}"]
            yield _table(caption, _PARAMETER_COLUMNS, layer.parameters, _PARAMETERS_SHOWN)

    def __str__(self) -> str:
        return "\n\n".join([self.heading, *map(_text_table, self._tables())])

    def __repr__(self) -> str:
        return f"<Deltas of {len(self.rows):,} units: {self.heading}>"

    def _repr_html_(self) -> str:
        tables = "".join(map(_html_table, self._tables()))
        return f"<div><p>{_markup(self.heading)}</p>{tables}</div>"


def _largest(differences: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, differences)) else max(differences)


def _difference(x: float | None) -> str:
    return "-" if x is None else f"{x:.1e}" if 0 < x < math.inf else short(x)


def _table(
    caption: Sequence[str], columns: Sequence[str], rows: Sequence[Any], most: int
) -> _Table:
    """The first rows, and how many more there are, with their largest difference."""
    cells = [columns]
    for name, *rest, last in rows[:most]:
        numbers = ("-" if x is None else short(x + 0.0) for x in rest)
        cells.append([name, *numbers, _difference(last)])
    hidden = [row.difference for row in rows[most:] if row.difference is not None]
    largest = f", differences up to {_difference(_largest(hidden))}" if hidden else ""
    more = [f"... {len(rows) - most:,} more{largest}"] * (len(rows) > most)
    return _Table(caption, cells, more)


def _text_table(t: _Table) -> str:
    lines = [*table(t.cells).splitlines(), *t.more]
    return "\n".join([*t.caption, *(f"  {line}" for line in lines)])


def _html_table(t: _Table) -> str:
    caption = _markup("; ".join(t.caption))
    return html_table(
        [*t.cells, *([text] for text in t.more)],
        ' style="color: inherit; font-variant-numeric: tabular-nums"',
        f'<caption style="color: inherit; text-align: left">{caption}</caption>',
        _markup,
    )


def _markup(text: str) -> str:
    """A formula, a name or a number as it is read."""
    return in_html(readable(text).replace("^2", "²"))


def latex_text(text: str) -> str:
    r"""A text in math mode."""
    return rf"\mathtt{{{latex_escaped(text)}}}"
