"""A line chart in SVG, light or dark as the reader's screen is, without a library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Chart", "Series", "axis_top", "draw"]

WIDTH, PANEL_HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 188, 48, 46
LABEL_GAP = 15
STEPS = 5
STYLE = """
  .back { fill: #fff }
  text { font: 12px system-ui, sans-serif; fill: #1f2430 }
  .title { font-size: 15px; font-weight: 600 }
  .axis { fill: #5b6272 }
  .grid { stroke: #e3e6ec; stroke-width: 1 }
  .line { fill: none; stroke-width: 2 }
  .target { fill: none; stroke-width: 1.5 }
  .c0 { stroke: #1d5fd1 } .f0 { fill: #1d5fd1 }
  .c1 { stroke: #0b7a5b } .f1 { fill: #0b7a5b }
  .c2 { stroke: #b04a00 } .f2 { fill: #b04a00 }
  .c3 { stroke: #8a2bb0 } .f3 { fill: #8a2bb0 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #14171d }
    text { fill: #e8eaf0 }
    .axis { fill: #a4abb9 }
    .grid { stroke: #2c313b }
    .c0 { stroke: #7fb0ff } .f0 { fill: #7fb0ff }
    .c1 { stroke: #4fd1a8 } .f1 { fill: #4fd1a8 }
    .c2 { stroke: #ffa763 } .f2 { fill: #ffa763 }
    .c3 { stroke: #d79bf2 } .f3 { fill: #d79bf2 }
  }
"""


@dataclass(frozen=True, slots=True)
class Series:
    """A line through `points` (x, y); `targets` are drawn as rings."""

    name: str
    points: Sequence[tuple[float, float]]
    targets: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """One panel. The x axis is logarithmic, or linear with some places of it named; the y axis begins at zero."""

    title: str
    x_title: str
    series: Sequence[Series] = field(default_factory=tuple)
    linear: bool = False


def draw(title: str, charts: Sequence[Chart]) -> str:
    """The panels below each other as one SVG document; charts without a point are left out."""
    panels = [chart for chart in charts if any(series.points for series in chart.series)]
    height = PANEL_HEIGHT * len(panels)
    body = "".join(_panel(chart, PANEL_HEIGHT * number) for number, chart in enumerate(panels))
    summary = "; ".join(_in_words(chart) for chart in panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="title desc">\n<title id="title">{escape(title)}</title>\n'
        f'<desc id="desc">{escape(summary)}</desc>\n<style>{STYLE}</style>\n'
        f'<rect class="back" width="{WIDTH}" height="{height}"/>\n{body}</svg>\n'
    )


def axis_top(largest: float) -> float:
    """The end of an axis from zero whose steps are round numbers."""
    if largest <= 0:
        return float(STEPS)
    raw = largest / STEPS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if unit * factor >= raw)
    return step * STEPS


def _in_words(chart: Chart) -> str:
    lines = [f"{series.name} {', '.join(f'{y:,.0f} at {x:,.0f}' for x, y in series.points)}" for series in chart.series]
    return f"{chart.title}: {'; '.join(lines)}"


def _panel(chart: Chart, offset: int) -> str:
    drawn = [series for series in chart.series if series.points]
    places = sorted({x for series in drawn for x, _ in series.points})
    top = axis_top(max(y for series in drawn for _, y in [*series.points, *series.targets]))
    scale = float if chart.linear else math.log
    first, last = scale(places[0]), scale(places[-1])
    named = [(first + (last - first) * step / STEPS) for step in range(STEPS + 1)] if chart.linear else places
    bottom = offset + PANEL_HEIGHT - BOTTOM

    def across(x: float) -> float:
        share = 0.5 if last == first else (scale(x) - first) / (last - first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return bottom - y / top * (PANEL_HEIGHT - TOP - BOTTOM)

    parts = [
        f'<text class="title" x="{LEFT}" y="{offset + 26}">{escape(chart.title)}</text>',
        *(_grid_line(up(top * step / STEPS), top * step / STEPS) for step in range(STEPS + 1)),
        *(_below(across(x), bottom + 18, f"{x:,.{1 if chart.linear and last < STEPS else 0}f}") for x in named),
        _below(LEFT + (WIDTH - LEFT - RIGHT) / 2, bottom + 36, chart.x_title),
    ]
    for number, series in enumerate(drawn):
        ends = [(across(x), up(y)) for x, y in series.points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in ends)
        parts.append(f'<polyline class="line c{number % 4}" points="{line}"/>')
        if not chart.linear:
            parts += [f'<circle class="f{number % 4}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in ends]
        parts += [
            f'<circle class="target c{number % 4}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="5"/>'
            for x, y in series.targets
            if places[0] <= x <= places[-1]
        ]
    parts += _names(drawn, [up(series.points[-1][1]) for series in drawn])
    return "\n".join(parts) + "\n"


def _below(x: float, y: float, text: str) -> str:
    return f'<text class="axis" x="{x:.1f}" y="{y}" text-anchor="middle">{escape(text)}</text>'


def _grid_line(y: float, value: float) -> str:
    return (
        f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
    )


def _names(drawn: Sequence[Series], heights: Sequence[float]) -> Iterable[str]:
    """Names at the lines' ends, moved apart where they would cover each other."""
    last = -math.inf
    for number in sorted(range(len(drawn)), key=lambda at: heights[at]):
        last = max(heights[number], last + LABEL_GAP)
        yield (
            f'<text class="f{number % 4}" x="{WIDTH - RIGHT + 10}" y="{last + 4:.1f}">'
            f"{escape(drawn[number].name)} {drawn[number].points[-1][1]:,.0f}</text>"
        )
