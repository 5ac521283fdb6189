"""A maze's planner as a step: stopped anywhere, it goes on to the same bytes."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloomery.core.step import Paused, StepContext
from bloomery.diffusion.planning.folder import WEIGHTS
from bloomery.diffusion.planning.mazes import named
from bloomery.diffusion.planning.trained import STEP, spec_of, steps_of, train


def context(folder: Path, **facts: object) -> StepContext:
    maze, given = named("umaze"), {"output": folder / "out", "checkpoint": folder / "checkpoint"}
    for path in given.values():
        path.mkdir(parents=True)
    config = {"name": maze.name, "lines": maze.lines, "steps": 6}
    return StepContext(**given, config=config, **facts)


@pytest.mark.slow
def test_a_stop_between_checkpoints_loses_no_step_and_changes_no_byte(tmp_path: Path) -> None:
    train(context(tmp_path / "whole"))
    seen: list[int] = []
    stopped = context(
        tmp_path / "stopped", stopping=lambda: len(seen) > 3, watch=lambda done, *_: seen.append(done)
    )
    with pytest.raises(Paused, match="paused after 3 of 6 steps"):
        train(stopped)
    seen.clear()
    train(replace(stopped, stopping=lambda: False))
    assert seen[0] == 3  # it went on from there
    written = [(tmp_path / one / "out" / STEP / WEIGHTS).read_bytes() for one in ("whole", "stopped")]
    assert written[0] == written[1]


def test_a_published_maze_has_its_own_windows_and_another_one_by_its_size() -> None:
    assert spec_of(named("eval-large")) == spec_of(named("large"))
    assert (spec_of(named("open")).horizon, steps_of(named("open"))) == (16, 500 + 120 * 15)
