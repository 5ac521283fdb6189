"""bloomery diffuse adapt: a planner adapts to a coin, and what a caller may do wrong."""

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/coins.py"
BAD = """
import torch
def nan(states): return torch.full((len(states),), float("nan"))
def constant(states): return torch.ones(len(states))
def good(states): return states[..., 0].mean(1)
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["umaze"], "nothing says what is worth more in 'umaze': give --reward FILE:FUNCTION"),
        (["coins-umazes"], "did you mean 'coins-umaze'"),
        (["coins-umaze", "--budget", "soon"], "--budget is a time such as 90s, 10m or 1h"),
        (["coins-umaze", "--budget", "1.5"], "--budget is a time such as 90s, 10m or 1h"),
        (["coins-umaze", "--budget", "0m"], "--budget is a time such as 90s, 10m or 1h"),
        (["umaze", "--reward", "none.py:good"], "there is no file none.py with the reward 'good'"),
        (["umaze", "--reward", "{bad}:god"], "did you mean 'good'"),
        (
            ["umaze", "--reward", "{bad}:nan"],
            "bad.py:nan: the reward of 200 of 200 samples is no finite number",
        ),
        (["umaze", "--reward", "{bad}:constant"], "bad.py:constant: the reward is 1 for all 200 samples"),
        (["umaze", "--reward", "{bad}:good", "--judge", "{bad}:nan"], "bad.py:nan: the reward of 200"),
    ],
)
def test_a_task_that_is_none_is_refused_before_any_training(bloomery, tmp_path, words, told):
    (tmp_path / "bad.py").write_text(BAD)
    words = [word.format(bad=tmp_path / "bad.py") for word in words]
    said = bloomery("diffuse", "adapt", *words, "-w", tmp_path / "space")
    assert said.code == 2
    assert told in said.err
    assert "Traceback" not in said.err
    assert not list((tmp_path / "space").glob("runs/*"))


def test_a_planner_that_nobody_made_is_unknown(bloomery, tmp_path):
    said = bloomery("diffuse", "plan", "--planner", "coins-umaze", "-w", tmp_path / "space")
    assert said.code == 2
    assert "unknown planner 'coins-umaze'" in said.err


@pytest.mark.slow
def test_a_planner_adapts_is_remembered_drawn_and_used(bloomery, tmp_path):
    space = ["-w", tmp_path / "space"]
    words = ["umaze", "--reward", f"{EXAMPLE}:reward", "--judge", f"{EXAMPLE}:judge", "--rounds", 2]
    words += ["--budget", 3_000_000, "--steps", 300, "--strategy", "gradient", *space]
    done = bloomery("diffuse", "adapt", *words, "--json", "--plot", tmp_path / "rounds.png")
    told = json.loads(done.out)
    assert (tmp_path / "rounds.png").read_bytes().startswith(b"\x89PNG")
    assert told["judged by"] == "coins.py:judge, of driven runs"
    assert len(told["rounds"]) == 2
    assert done.code == (0 if any(one["kept"] for one in told["rounds"]) else 1)
    assert set(told["old"]) == {"arriving"}
    again = bloomery("diffuse", "adapt", *words)
    assert "remembered" in again.err
    assert told["planner"] in again.out
    planned = ["--start", "2,3", "--goal", "1,1", "--json", *space]
    ours = json.loads(bloomery("diffuse", "plan", "--planner", told["planner"][:20], *planned).out)
    named = json.loads(bloomery("diffuse", "plan", "--planner", "umaze", *planned).out)
    assert (ours["maze"], ours["states"]) == ("umaze", named["states"])
