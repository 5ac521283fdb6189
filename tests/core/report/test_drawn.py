"""Charts are drawn once, and again whenever anything that they show is another."""

import pytest

from bloomery.core.report import drawn as room
from bloomery.core.report.curves import chart
from bloomery.core.report.drawn import drawn

CURVES = {"loss/train": [(0, 2.0), (1, 1.0)], "loss/test": [(0, 2.5), (1, None), (2, 1.5)]}


@pytest.fixture
def times_drawn(monkeypatch):
    seen = []
    monkeypatch.setattr(room, "chart", lambda title, curves: seen.append(title) or chart(title, curves))
    return seen


def test_what_was_drawn_before_is_the_same_text_and_not_drawn_again(tmp_path, times_drawn):
    first, second = (drawn(tmp_path / "charts", "base: loss", CURVES) for _ in range(2))
    assert first == second == chart("base: loss", CURVES)
    assert times_drawn == ["base: loss"]


@pytest.mark.parametrize(
    ("title", "curves"),
    [
        ("another: loss", CURVES),
        ("base: loss", {**CURVES, "loss/train": [(0, 2.0), (1, 1.0 + 1e-12)]}),
        ("base: loss", dict(reversed(CURVES.items()))),
    ],
)
def test_another_title_point_or_order_of_curves_is_another_chart(tmp_path, times_drawn, title, curves):
    drawn(tmp_path, "base: loss", CURVES)
    drawn(tmp_path, title, curves)
    assert len(times_drawn) == 2


def test_another_matplotlib_draws_again(tmp_path, times_drawn, monkeypatch):
    drawn(tmp_path, "base: loss", CURVES)
    monkeypatch.setattr(room.metadata, "version", lambda name: "0")
    drawn(tmp_path, "base: loss", CURVES)
    assert len(times_drawn) == 2
