"""--ask-models: what language models write goes through the same doors as from Python."""

import json
import random
from pathlib import Path

import pytest

from bloomery.agents import opening
from bloomery.agents.keys import NAMES
from bloomery.tasks.registry import task
from tests.agents.fakes import Fake, settings
from tests.forge.small_folders import llama

FADING = Path(__file__).parents[1] / "papers" / "reading" / "fixtures" / "fading"
FIELDS = {"plain_english": "The memory fades.", "variables": [], "criteria": ["It gives a number."]}
CLIMB = [
    "-t", "chained_sums", "-d", 4, "--count", 6, "--rungs", 2, "--hardest", 6, "--pool", 6, "--asked", 32,
    "--round-steps", 2, "--seq-len", 32, "--steps", 4, "--batch", 2, "--checkpoint-every", 2,
]  # fmt: skip


@pytest.fixture
def answering(monkeypatch):
    """Puts a fake in the place of the configured language models."""

    def answer(*answers):
        fake = Fake({"tiny": list(answers)})
        monkeypatch.setattr(opening, "open_models", lambda _: fake.router(settings()))
        return fake

    return answer


@pytest.fixture
def no_keys(monkeypatch):
    for name in [name for names in NAMES.values() for name in names] + ["BLOOMERY_MODELS"]:
        monkeypatch.delenv(name, raising=False)


def test_equations_of_a_paper_are_filled_and_marked(bloomery, tmp_path, answering):
    answering(FIELDS)
    said = bloomery(
        "paper", "read", FADING, "-o", tmp_path, "--id", "fading", "--ask-models", "-w", tmp_path / "w"
    )
    assert said.code == 0
    assert "The memory fades." in (tmp_path / "fading.context.md").read_text()


def test_a_curriculum_is_learned_on_problems_that_they_write(bloomery, tmp_path, answering):
    sums, rng = task("chained_sums"), random.Random(1)
    drawn = [sums.example(rng, level) for level in (4, 6) for _ in range(60)]
    fake = answering({"problems": [{"prompt": one.prompt, "answer": one.answer} for one in drawn]})
    base = llama(tmp_path / "base")
    said = bloomery("learn", "--base", base, "-o", tmp_path / "out", *CLIMB, "--ask-models", "--json",
                    "-w", tmp_path / "w")  # fmt: skip
    assert said.code == 0
    assert fake.asked
    assert json.loads(said.out)["learned"]["refused"]["held out for tests"] > 0


@pytest.mark.parametrize("command", [["paper", "read", FADING], ["learn", *CLIMB]])
def test_without_a_key_it_ends_before_anything_is_done(bloomery, tmp_path, no_keys, command):
    if command[0] == "learn":
        command = [*command, "--base", llama(tmp_path / "base")]
    said = bloomery(*command, "-o", tmp_path / "out", "--ask-models", "-w", tmp_path / "w")
    assert said.code == 2
    assert "no language model is configured" in said.err
    assert not (tmp_path / "out").exists()
