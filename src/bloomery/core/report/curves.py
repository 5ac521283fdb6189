"""Metric curves as SVG that takes its colours for text and lines from the page around it."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

Points = Sequence[tuple[int, float | None]]
INK = "#010203"  # replaced by the page's own text colour, light or dark
PALETTE = ("#2f7ed8", "#e07b28", "#2a9d6a", "#b4569c", "#8a7a1f", "#c9484a", "#5e7d8c", "#7a5fd0")
MOST_POINTS = 600
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def curve_groups(metrics: Mapping[str, Points]) -> dict[str, dict[str, Points]]:
    """Curves that share a chart: those with one name before the first slash (`loss/train`, `loss/test`)."""
    groups: dict[str, dict[str, Points]] = {}
    for name, points in metrics.items():
        if sum(value is not None for _, value in points) > 1:
            groups.setdefault(name.partition("/")[0], {})[name] = points
    return groups


def chart(title: str, curves: Mapping[str, Points]) -> str:
    """One chart as an `<svg>` element; `title` must differ between the charts of a page."""
    import matplotlib  # a second to import
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": title}):
        figure = Figure(figsize=(4.4, 2.3))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.13, 0.1, 0.86, 0.87))  # four times faster than having it laid out
        for (name, points), colour in zip(curves.items(), _colours(len(curves)), strict=True):
            shown = thinned(points)
            values = [float("nan") if value is None else value for _, value in shown]
            axes.plot([index for index, _ in shown], values, color=colour, linewidth=1.6, label=_label(name))
        axes.grid(alpha=0.15, linewidth=0.6)
        axes.margins(x=0.01)
        axes.yaxis.set_major_formatter(lambda value, _position: f"{value:.3g}")
        axes.locator_params(axis="x", integer=True)
        if len(curves) > 1:
            axes.legend(frameon=False, fontsize=8, ncols=2 if len(curves) > 3 else 1)
        return _inline(figure, title)


def thinned(points: Points) -> Points:
    """About MOST_POINTS points: of each stretch the lowest and the highest, so that no spike is lost."""
    if len(points) <= MOST_POINTS:
        return points
    stretch = -(-len(points) * 2 // MOST_POINTS)
    kept: list[tuple[int, float | None]] = []
    for start in range(0, len(points), stretch):
        part = [point for point in points[start : start + stretch] if point[1] is not None]
        extremes = {min(part, key=_value), max(part, key=_value)} if part else {points[start]}
        kept.extend(sorted(extremes))
    return [*dict.fromkeys([points[0], *kept, points[-1]])]


def _value(point: tuple[int, float | None]) -> float:
    return point[1] or 0.0


def _label(name: str) -> str:
    return (name.partition("/")[2] or name).replace("_", " ")


def _colours(count: int) -> list[str]:
    return [PALETTE[i % len(PALETTE)] for i in range(count)]


def _inline(figure: Any, title: str) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # they repeat from chart to chart
    svg = re.sub(r'font: [^;"]*', "font: 9px system-ui, sans-serif", svg)
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return re.sub(r'<svg ([^>]*?)width="[^"]*"', rf'<svg role="img" aria-label="{label}" \1', svg, count=1)
