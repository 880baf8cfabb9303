"""Where the shapes of a chart go. The templates in `templates/charts/` draw them; no script, no inline style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Bar", "Cell", "Chart", "Series", "bars"]

_WIDTH, _HEIGHT = 640, 240
_LEFT, _BOTTOM, _TOP = 44, 28, 12
_GAP = 0.3  # of a column's width
_TICKS = 4
_MOST_LABELS = 12


class Series(NamedTuple):
    """One row of numbers, in the order of the chart's labels. `tone` is the number of its colour, from 1; `links` lead
    to the lists of what is counted, one for each number, or there are none."""

    name: str
    values: Sequence[float]
    tone: int = 1
    links: Sequence[str] = ()


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    tone: int
    title: str


class Tick(NamedTuple):
    y: float
    label: str


class Label(NamedTuple):
    x: float
    text: str


class Cell(NamedTuple):
    """A number of the table, and where the list of what it counts is; no link: nowhere."""

    text: str
    link: str


class Chart(NamedTuple):
    """All that a template needs; `rows` is the same as a table, for those who don't see pictures."""

    title: str
    width: int
    height: int
    left: int
    floor: float
    ticks: list[Tick]
    labels: list[Label]
    bars: list[Bar]
    series: Sequence[Series]
    rows: list[tuple[str, list[Cell]]]


def _shown(value: float) -> str:
    return f"{value:g}" if value != int(value) else str(int(value))


def _cell(series: Series, n: int) -> Cell:
    """What is zero has no list."""
    value = series.values[n]
    return Cell(_shown(value), series.links[n] if series.links and value else "")


def _top_of(highest: float) -> float:
    """The next round number whose quarters are whole, so that lines have numbers that one can read."""
    if highest <= _TICKS:
        return float(_TICKS)
    magnitude = 10.0 ** math.floor(math.log10(highest))
    return next(float(step * magnitude) for step in (1.2, 2, 4, 8, 12) if step * magnitude >= highest)


def _frame(
    title: str, labels: Sequence[str], series: Sequence[Series], *, highest: float
) -> tuple[Chart, float, float]:
    """An empty chart, the width of a column, and how high a one is."""
    top = _top_of(highest)
    column = (_WIDTH - _LEFT) / max(len(labels), 1)
    unit = (_HEIGHT - _BOTTOM - _TOP) / top
    floor = float(_HEIGHT - _BOTTOM)
    ticks = [Tick(floor - top / _TICKS * n * unit, _shown(top / _TICKS * n)) for n in range(_TICKS + 1)]
    every = max(-(-len(labels) // _MOST_LABELS), 1)
    shown = [Label(round(_LEFT + column * (n + 0.5), 1), text) for n, text in enumerate(labels) if n % every == 0]
    rows = [(text, [_cell(one, n) for one in series]) for n, text in enumerate(labels)]
    chart = Chart(title, _WIDTH, _HEIGHT, _LEFT, floor, ticks, shown, [], series, rows)
    return chart, column, unit


def bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> Chart:
    """Columns; of several series one on top of the other."""
    sums = [sum(one.values[n] for one in series) for n in range(len(labels))]
    chart, column, unit = _frame(title, labels, series, highest=max(sums, default=0))
    for n, text in enumerate(labels):
        y = chart.floor
        for one in series:
            height = one.values[n] * unit
            y -= height
            if height:
                x = _LEFT + column * n + column * _GAP / 2
                told = f"{text}, {one.name}: {_shown(one.values[n])}"
                chart.bars.append(
                    Bar(round(x, 1), round(y, 1), round(column * (1 - _GAP), 1), round(height, 1), one.tone, told)
                )
    return chart
