"""Charts as SVG text. The page's style sheet colours them, in light and dark mode."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from muster.evaluation.metrics import DetCurve

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 48
_BINS = 48
_LOWEST_FPIR = 1e-3

# Of a stacked chart: height of a row, width of the names, and the smallest share that has room for its label.
_ROW, _NAMES, _SMALLEST_LABELLED = 44, 190, 0.06


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """Scores of one kind: `name` for the legend, `style` is a class of the style sheet, `scores` float64 (N,)."""

    name: str
    style: str
    scores: NDArray[np.float64]


def histogram(title: str, series: Sequence[Series]) -> str:
    """Draw histograms of scores; the bars of each series add up to 100 %. Scores of -inf (ruled out) are omitted."""
    finite = [kind.scores[np.isfinite(kind.scores)] for kind in series]
    everything = np.concatenate(finite)
    if not len(everything):
        return _empty(title)
    low, high = float(everything.min()), float(everything.max())
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    shares = [np.histogram(values, edges)[0] / max(len(values), 1) for values in finite]
    top = max(1e-9, *(float(share.max()) for share in shares))
    frame = _Frame((edges[0], edges[-1]), (0.0, top))
    bars = "".join(_bars(frame, kind.style, share, edges) for kind, share in zip(series, shares, strict=True))
    ticks = [(value, f"{value:.1f}") for value in np.linspace(edges[0], edges[-1], 7)]
    axes = frame.axes(ticks, [(share, f"{share:.0%}") for share in (0.0, top / 2, top)])
    return _svg(title, axes + bars + _labels("score", "share of faces"))


def det(title: str, curves: Sequence[tuple[str, str, DetCurve]]) -> str:
    """Draw DET curves, given as (name, style, curve): misses (FNIR) over false alarms (FPIR, logarithmic)."""
    drawn = [(name, style, curve) for name, style, curve in curves if len(curve.fpir)]
    if not drawn:
        return _empty(title)
    top = max(0.02, min(1.0, 1.1 * max(float(curve.fnir.max()) for _, _, curve in drawn)))
    frame = _Frame((np.log10(_LOWEST_FPIR), 0.0), (0.0, top))
    lines = "".join(
        f'<polyline class="curve {style}" points="{_steps(frame, curve)}"><title>{escape(name)}</title></polyline>'
        for name, style, curve in drawn
    )
    across = [(np.log10(share), text) for share, text in ((1e-3, "0.1 %"), (1e-2, "1 %"), (1e-1, "10 %"), (1, "100 %"))]
    up = [(share, f"{share:.1%}") for share in np.linspace(0, top, 5)]
    return _svg(title, frame.axes(across, up) + lines + _labels("strangers named (FPIR)", "students missed (FNIR)"))


@dataclass(frozen=True, slots=True)
class Stack:
    """One bar of a stacked chart: `name` is its label, `parts` are shares by class of the style sheet."""

    name: str
    parts: Mapping[str, float]


def stacked(title: str, stacks: Sequence[Stack]) -> str:
    """Draw horizontal bars of 100 %, each divided into its parts; larger parts are labelled with their share."""
    if not stacks:
        return _empty(title)
    height = _TOP + len(stacks) * _ROW + _BOTTOM // 2
    left, right = _NAMES, _WIDTH - _RIGHT
    parts = []
    for number, stack in enumerate(stacks):
        y = _TOP + number * _ROW
        parts.append(f'<text text-anchor="end" x="{left - 8}" y="{y + 21}">{escape(stack.name)}</text>')
        at = float(left)
        for style, share in stack.parts.items():
            width = max(0.0, share) * (right - left)
            parts.append(f'<rect class="part {style}" x="{at:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 12}"/>')
            if share >= _SMALLEST_LABELLED:
                middle = at + width / 2
                parts.append(
                    f'<text class="inside" text-anchor="middle" x="{middle:.1f}" y="{y + 21}">{share:.0%}</text>'
                )
            at += width
    ticks = "".join(
        f'<text class="small" text-anchor="middle" x="{left + share * (right - left):.1f}" y="{height - 4}">'
        f"{share:.0%}</text>"
        for share in (0.0, 0.5, 1.0)
    )
    return _svg(title, "".join(parts) + ticks, height)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps values to the drawing's units."""

    across: tuple[float, float]
    up: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.across
        return float(_LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT))

    def y(self, value: float) -> float:
        low, high = self.up
        return float(_HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM))

    def axes(self, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]) -> str:
        """Draw grid lines and their figures, given as (value, text)."""
        vertical = "".join(
            f'<line class="grid" x1="{self.x(at):.1f}" x2="{self.x(at):.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text class="small" text-anchor="middle" x="{self.x(at):.1f}" y="{_HEIGHT - _BOTTOM + 16}">{text}</text>'
            for at, text in across
        )
        horizontal = "".join(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{self.y(at):.1f}" y2="{self.y(at):.1f}"/>'
            f'<text class="small" text-anchor="end" x="{_LEFT - 6}" y="{self.y(at) + 4:.1f}">{text}</text>'
            for at, text in up
        )
        return vertical + horizontal


def _bars(frame: _Frame, style: str, shares: NDArray[np.float64], edges: NDArray[np.float64]) -> str:
    rectangles = "".join(
        f'<rect x="{frame.x(edges[number]):.1f}" y="{frame.y(share):.1f}" '
        f'width="{frame.x(edges[number + 1]) - frame.x(edges[number]):.1f}" '
        f'height="{frame.y(0) - frame.y(share):.1f}"/>'
        for number, share in enumerate(shares)
        if share > 0
    )
    return f'<g class="bars {style}">{rectangles}</g>'


def _steps(frame: _Frame, curve: DetCurve) -> str:
    """Keep each FNIR until the next FPIR: the curve is a step function of the strangers' scores."""
    fpir = np.log10(np.maximum(curve.fpir, _LOWEST_FPIR))
    points = []
    for number, (at, miss) in enumerate(zip(fpir, curve.fnir, strict=True)):
        if number:
            points.append(f"{frame.x(at):.1f},{frame.y(curve.fnir[number - 1]):.1f}")
        points.append(f"{frame.x(at):.1f},{frame.y(miss):.1f}")
    return " ".join(dict.fromkeys(points))


def _labels(across: str, up: str) -> str:
    middle = (_HEIGHT - _BOTTOM + _TOP) / 2
    return (
        f'<text text-anchor="middle" x="{(_WIDTH + _LEFT) / 2:.0f}" y="{_HEIGHT - 8}">{escape(across)}</text>'
        f'<text text-anchor="middle" transform="translate(12 {middle:.0f}) rotate(-90)">{escape(up)}</text>'
    )


def _svg(title: str, body: str, height: int = _HEIGHT) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">{body}</svg>'


def _empty(title: str) -> str:
    middle = f'<text text-anchor="middle" x="{_WIDTH / 2:.0f}" y="{_HEIGHT / 2:.0f}">nothing to draw</text>'
    return _svg(title, middle)
