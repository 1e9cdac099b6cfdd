"""How the questions grow on both engines, as a small picture for each question: both axes in powers of ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Final
from xml.sax.saxutils import escape

Point = tuple[int, float]
"""Calls, and milliseconds of processor time."""

_ACROSS: Final = 2
_WIDTH, _HEIGHT = 380, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 26, 34, 30
_TONES: Final = ("#6367d9", "#be7201")


def plot(questions: Mapping[str, Mapping[str, Sequence[Point]]]) -> str:
    """Return an SVG with a picture a question, each with a line an engine; all share one scale."""
    points = [point for lines in questions.values() for line in lines.values() for point in line]
    first, last = log10(min(calls for calls, _ in points)), log10(max(calls for calls, _ in points))
    low, high = floor(log10(min(ms for _, ms in points))), ceil(log10(max(ms for _, ms in points)))

    def x(calls: float) -> float:
        return _LEFT + (log10(calls) - first) / ((last - first) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(ms: float) -> float:
        return _HEIGHT - _BOTTOM - (log10(ms) - low) / ((high - low) or 1) * (_HEIGHT - _TOP - _BOTTOM)

    drawn = []
    for place, (name, lines) in enumerate(questions.items()):
        inside = [f'<text x="{_LEFT}" y="20" fill="#1f2733">{escape(name)}</text>']
        inside += [
            f'<path d="M{_LEFT} {y(10.0**power):.1f}H{_WIDTH - _RIGHT}" stroke="#cfd5dd"/>'
            f'<text x="{_LEFT - 8}" y="{y(10.0**power) + 4:.1f}" text-anchor="end">{10.0**power:,g} ms</text>'
            for power in range(low, high + 1)
        ]
        inside += [
            f'<text x="{x(calls):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{calls / 1e6:g} M</text>'
            for calls in sorted({calls for line in lines.values() for calls, _ in line})
        ]
        for line, tone in zip(lines.values(), _TONES, strict=True):
            path = "L".join(f"{x(calls):.1f} {y(ms):.1f}" for calls, ms in line)
            inside.append(f'<path d="M{path}" fill="none" stroke="{tone}" stroke-width="2"/>')
            inside += [f'<circle cx="{x(calls):.1f}" cy="{y(ms):.1f}" r="3" fill="{tone}"/>' for calls, ms in line]
        at = f"translate({place % _ACROSS * _WIDTH} {place // _ACROSS * _HEIGHT})"
        drawn.append(f'<g transform="{at}">{"".join(inside)}</g>')
    height = ceil(len(questions) / _ACROSS) * _HEIGHT
    engines = next(iter(questions.values()))
    drawn += [
        f'<text x="{_LEFT + 110 * place}" y="{height + 16}" fill="{tone}">{escape(engine)}</text>'
        for place, (engine, tone) in enumerate(zip(engines, _TONES, strict=True))
    ]
    drawn.append(
        f'<text x="{_LEFT + 240}" y="{height + 16}">processor time of a question over calls in the ledger</text>'
    )
    box = f"0 0 {_WIDTH * _ACROSS} {height + 28}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif" '
        f'font-size="12" fill="#475060"><rect width="100%" height="100%" fill="#fff"/>{"".join(drawn)}</svg>\n'
    )
