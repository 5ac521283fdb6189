"""What happened over the rounds, as a picture: gains, rewards, the buffer, and which strategy was chosen."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bloomery.core.errors import UserError
from bloomery.diffusion.drawing.stills import FONT, GUESS, POINT, save

from .reporting import Report

REAL, REMEMBERED = "#9aa5b1", "#3a9b6e"


def draw_rounds(report: Report, path: Path) -> None:
    """A PNG of four panels. Raises: UserError where there was no round"""
    if not report.rounds:
        raise UserError(f"there was no round to draw: {report.stopped}")
    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=(10, 5.6), layout="constrained")
        FigureCanvasAgg(figure)
        (gains, rewards), (buffer, strategies) = figure.subplots(2, 2)
        _gains(gains, report)
        _rewards(rewards, report)
        _buffer(buffer, report)
        _strategies(strategies, report)
        save(figure, path)


def _gains(axes: Any, report: Report) -> None:
    """Full where the round was kept."""
    for round in report.rounds:
        if round.gain is not None:
            axes.plot([round.number] * 2, [round.gain.low, round.gain.high], color=POINT, linewidth=1)
            face = POINT if round.kept else "white"
            axes.plot(round.number, round.gain.mean, "o", color=POINT, markerfacecolor=face)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(title="gain by the judges (full: kept)", xlabel="round")


def _rewards(axes: Any, report: Report) -> None:
    for name in report.rounds[0].rewards:
        numbers = [round.number for round in report.rounds]
        everyone, chosen = zip(*(round.rewards[name] for round in report.rounds), strict=True)
        (line,) = axes.plot(numbers, everyone, "--", linewidth=1)
        axes.plot(numbers, chosen, color=line.get_color(), marker=".", label=name)
    axes.set(title="rewards that select: all candidates (dashed), chosen", xlabel="round")
    axes.legend(frameon=False, fontsize=6)


def _buffer(axes: Any, report: Report) -> None:
    numbers, below = [round.number for round in report.rounds], [0] * len(report.rounds)
    for name, color in (("real", REAL), ("synthetic", GUESS)):
        heights = [round.buffer[name] for round in report.rounds]
        axes.bar(numbers, heights, bottom=below, color=color, label=name)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.plot(numbers, [round.remembered for round in report.rounds], color=REMEMBERED, label="remembered")
    axes.set(title="entries", xlabel="round")
    axes.legend(frameon=False, fontsize=6)


def _strategies(axes: Any, report: Report) -> None:
    names = list(report.means)
    for round in report.rounds:
        face = POINT if round.kept else "white"
        axes.plot(round.number, round.strategy, "s", color=POINT, markerfacecolor=face)
    axes.set(title="strategy (full: kept)", xlabel="round", yticks=range(len(names)), yticklabels=names)
    axes.set_ylim(len(names) - 0.5, -0.5)
