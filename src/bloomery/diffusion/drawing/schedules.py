"""Schedules side by side: what is left, log-SNR, and what a masked token's cost weighs."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.curves import Curve, left, log_snr, slope

from .stills import FONT, save


def draw_schedules(curves: Sequence[Curve], path: Path) -> None:
    """A PNG with a line a curve in three panels."""
    if not curves:
        raise UserError("a picture of schedules shows 1 or more; none was given")
    t = torch.linspace(0, 1, 401, dtype=torch.float64)[1:-1]
    with matplotlib.rc_context(FONT):
        figure = Figure(figsize=(9, 2.6))
        FigureCanvasAgg(figure)
        share, ratio, weight = figure.subplots(1, 3)
        for curve in curves:
            kept = left(curve, t)
            share.plot(t, kept, label=curve.name)
            ratio.plot(t, log_snr(curve, t))
            weight.plot(t, -slope(curve, t) / (1 - kept))
        share.set(title="share left", xlabel="t", ylim=(0, 1))
        ratio.set(title="log-SNR", xlabel="t", ylim=(-12, 12))
        weight.set(title="weight of a masked token", xlabel="t", ylim=(0, 10))
        share.legend(frameon=False, fontsize=6)
        save(figure, path)
