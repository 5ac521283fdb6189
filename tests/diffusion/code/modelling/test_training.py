"""Training on a tiny repository: a killed run ends as one that was never killed, and foreign folders stay."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bloomery.core.errors import FormatRefused, UserError
from bloomery.core.step import Paused
from bloomery.diffusion.code.modelling.files import File, Gathered
from bloomery.diffusion.code.modelling.looking import DRAWS, few
from bloomery.diffusion.code.modelling.measuring import bits_per_byte, bound_of
from bloomery.diffusion.code.modelling.reporting import told, write_report
from bloomery.diffusion.code.modelling.training import ModellingConfig, Trained, parts_of, train
from bloomery.diffusion.code.modelling.windows import encode

CONFIG = ModellingConfig(
    size="tiny", vocabulary=1600, window=32, batch=4, steps=60, minutes=0, held_out=0.2, draws=3, lr=1e-2
)


def source(at: int) -> bytes:
    """Files that differ in a name, a number and how often a line comes."""
    name, body = ("area", "size", "mean")[at % 3], "    total = total + b * a\n" * (at % 5 + 1)
    return f"def {name}(a, b):\n    total = {at % 7}\n{body}    return total\n\n\n{name}(1, 2)\n".encode()


FILES = Gathered(tuple(File(f"m{at:02}.py", "python", source(at)) for at in range(40)), {"binary": ("x.py",)})


class KilledError(Exception):
    """Like a power cut."""


def train_killed(folder: Path, at: int) -> None:
    def tell(part: str, done: int, total: int, text: str) -> None:
        if part == "training" and done == at:
            raise KilledError

    with pytest.raises(KilledError):
        train(FILES, folder, CONFIG, tell=tell)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    folder = tmp_path_factory.mktemp("model") / "whole"
    return train(FILES, folder, CONFIG), folder


def test_a_trained_model_knows_its_files_better_than_an_untrained_one(whole: tuple[Trained, Path]) -> None:
    trained, _ = whole
    assert trained.steps == 60
    values = [value for _, value in trained.chosen]
    assert min(values) < values[0] - 0.4
    assert trained.bits.bits_per_byte < values[0]
    assert sum(trained.parts.values()) == 40
    assert min(trained.parts.values()) > 2


def test_the_figure_is_of_files_that_were_not_learned_from(whole: tuple[Trained, Path]) -> None:
    trained, _ = whole
    parts = parts_of(FILES.files, CONFIG)
    names = [{file.path for file in some} for some in (parts.learning, parts.choosing, parts.measuring)]
    assert not names[0] & names[1]
    assert not (names[0] | names[1]) & names[2]
    files = encode(trained.model.tokenizer, parts.measuring)
    again = bits_per_byte(bound_of(trained.model), files, 32, draws=3)
    assert again == trained.bits


def test_the_weights_are_the_best_of_those_that_were_looked_at(tmp_path: Path) -> None:
    """Files of one name each: what is learned of them helps no other, and soon harms."""
    files = tuple(
        File(f"m{at:02}.py", "python", f"def name{at}():\n    return {at}\n".encode() * 6) for at in range(24)
    )
    trained = train(Gathered(files, {}), tmp_path / "m", replace(CONFIG, lr=3e-2, steps=40))
    values = [value for _, value in trained.chosen]
    assert min(values) < values[-1] - 0.1
    choosing = few(encode(trained.model.tokenizer, parts_of(files, CONFIG).choosing))
    again = bits_per_byte(bound_of(trained.model), choosing, 32, draws=DRAWS)
    assert again.bits_per_byte == min(values)


def test_a_killed_run_ends_with_the_same_weights(whole: tuple[Trained, Path], tmp_path: Path) -> None:
    trained, _ = whole
    train_killed(tmp_path / "m", 7)
    train_killed(tmp_path / "m", 31)
    again = train(FILES, tmp_path / "m", CONFIG)
    for name, weight in trained.model.net.state_dict().items():
        assert torch.equal(again.model.net.state_dict()[name], weight), name
    assert again.bits == trained.bits


def test_a_run_that_is_asked_to_stop_pauses_and_goes_on(whole: tuple[Trained, Path], tmp_path: Path) -> None:
    asked = iter([False] * 11 + [True] * 99)
    with pytest.raises(Paused, match="after 12 of 60 steps; the same command goes on"):
        train(FILES, tmp_path / "m", CONFIG, should_stop=lambda: next(asked))
    assert train(FILES, tmp_path / "m", CONFIG).bits == whole[0].bits


def test_a_finished_run_is_not_run_again(whole: tuple[Trained, Path]) -> None:
    trained, folder = whole
    parts: list[str] = []
    again = train(FILES, folder, CONFIG, tell=lambda part, *_: parts.append(part))
    assert again.bits == trained.bits
    assert "training" not in parts
    assert {path.name for path in folder.iterdir()} == {
        *("training.json", "result.json", "lexemes.json", "config.json", "model.safetensors"),
    }


def test_other_settings_or_files_do_not_go_on_in_the_folder(whole: tuple[Trained, Path]) -> None:
    _, folder = whole
    with pytest.raises(UserError, match=r"other batch \(4 there, 8 now\), seed \(0 there, 1 now\)"):
        train(FILES, folder, replace(CONFIG, batch=8, seed=1))
    with pytest.raises(UserError, match="other files; give the same again"):
        train(Gathered(FILES.files[1:], {}), folder, CONFIG)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty and holds no training"):
        train(FILES, tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "mine.txt").rename(tmp_path / "training.json")
    with pytest.raises(FormatRefused, match=r"training.json cannot be read"):
        train(FILES, tmp_path, CONFIG)


def test_a_damaged_result_is_refused(whole: tuple[Trained, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(whole[1], tmp_path / "m")
    (folder / "result.json").write_text("{")
    with pytest.raises(FormatRefused, match=r"result.json cannot be read"):
        train(FILES, folder, CONFIG)


def test_minutes_become_steps_which_the_next_call_keeps(tmp_path: Path) -> None:
    config = replace(CONFIG, steps=0, minutes=0.001)

    def tell(part: str, done: int, total: int, text: str) -> None:
        if part == "training" and done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train(FILES, tmp_path / "m", config, tell=tell)
    steps = json.loads((tmp_path / "m" / "training.json").read_text())["steps"]
    assert steps >= 20
    totals = set[int]()
    train(
        FILES,
        tmp_path / "m",
        config,
        tell=lambda part, _, n, __: totals.add(n if part == "training" else steps),
    )
    assert totals == {steps}


def test_the_report_says_what_was_measured_and_left_out(whole: tuple[Trained, Path]) -> None:
    trained, folder = whole
    write_report(trained, FILES, folder)
    text = (folder / "report.md").read_text()
    (folder / "report.md").unlink()
    assert f"**{trained.bits.bits_per_byte:.3f} ± {trained.bits.error:.3f} bits a byte**" in text
    assert "- binary: 1 (x.py)" in text
    assert len([line for line in text.splitlines() if line.startswith("| ")]) == 1 + len(trained.chosen)
    found = told(trained, FILES, folder)
    assert found["languages"] == {"python": 40}
    assert found["skipped"] == {"binary": 1}
