"""The guide's examples, run as they stand."""

import re
from pathlib import Path

import pytest

from bloomery.agents.settings import Settings
from tests.agents.fakes import CRITIQUE, Fake, settings

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "language-models.md").read_text()


def block(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL)
    return found


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_models_file_of_the_guide_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(block("yaml"))
    loaded = Settings.load("models.yaml")
    assert loaded.models["coder"].answers == "prompted"
    assert [one.name for one in loaded.budgets] == ["session", "day"]


def test_the_program_of_the_guide_says_that_there_is_no_model(capsys) -> None:
    exec(compile(block("python"), "guide", "exec"), {})
    assert "no language model is configured" in capsys.readouterr().out


def test_the_program_of_the_guide_with_a_model_prints_its_forecast_and_its_use(capsys, monkeypatch) -> None:
    fake = Fake({"tiny": [CRITIQUE]})

    def open_fake(workspace: object) -> object:
        return fake.router(settings(), ledger=workspace.catalog.calls, store=workspace.store)

    monkeypatch.setattr("bloomery.agents.opening.open_models", open_fake)
    exec(compile(block("python"), "guide", "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["tiny 2.0 0 False", "tiny critic 1 0 15 0"]
