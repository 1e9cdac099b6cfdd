"""How the time of each question grows with the ledger, as a small picture: both axes in powers of ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Final
from xml.sax.saxutils import escape

Point = tuple[int, float]
"""Calls, and milliseconds of processor time."""

_WIDTH: Final = 760
_HEIGHT: Final = 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 250, 20, 44
_TONES: Final = ("#6367d9", "#149e81", "#be7201", "#ae2b5a", "#b581cf", "#006e8d", "#626c7b", "#7a5c1e")
_LINE_PX: Final = 15


def plot(series: Mapping[str, Sequence[Point]]) -> str:
    """Return an SVG with a line a question, each named at its end."""
    points = [point for line in series.values() for point in line]
    first, last = log10(min(calls for calls, _ in points)), log10(max(calls for calls, _ in points))
    low, high = floor(log10(min(ms for _, ms in points))), ceil(log10(max(ms for _, ms in points)))

    def x(calls: int) -> float:
        return _LEFT + (log10(calls) - first) / ((last - first) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(ms: float) -> float:
        return _HEIGHT - _BOTTOM - (log10(ms) - low) / ((high - low) or 1) * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [
        f'<path d="M{_LEFT} {y(10**power):.1f}H{_WIDTH - _RIGHT}" stroke="#cfd5dd"/>'
        f'<text x="{_LEFT - 8}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10.0**power:g} ms</text>'
        for power in range(low, high + 1)
    ]
    drawn += [
        f'<text x="{x(calls):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{calls / 1e6:g} million</text>'
        for calls in sorted({calls for calls, _ in points})
    ]
    said = "calls in the ledger; processor time of a question, rolled up"
    drawn.append(f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{said}</text>')
    free = float(_HEIGHT)
    # From below, each name as low as its line ends and no lower than the one before lets it.
    for name, tone in zip(sorted(series, key=lambda each: series[each][-1][1]), _TONES, strict=False):
        line = series[name]
        free = min(free - _LINE_PX, y(line[-1][1]) + 4)
        path = "L".join(f"{x(calls):.1f} {y(ms):.1f}" for calls, ms in line)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{tone}" stroke-width="2"/>')
        drawn.append(f'<text x="{_WIDTH - _RIGHT + 10}" y="{free:.1f}" fill="{tone}">{escape(name)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
    return (
        head + f'font-size="12" fill="#475060"><rect width="100%" height="100%" fill="#fff"/>{"".join(drawn)}</svg>\n'
    )
