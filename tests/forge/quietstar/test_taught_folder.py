"""Teaching outside a workspace: stopped anywhere it goes on, and ends at the same bits."""

import pytest

from bloomery.core.config import build
from bloomery.core.errors import FormatRefused, UserError
from bloomery.forge.folders import load_model
from bloomery.forge.quietstar.reinforcement import ReinforceConfig
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.taught_folder import think_folder
from bloomery.forge.quietstar.thinking_folder import MIXING
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.forge.settings import FitConfig
from bloomery.tasks.ingredient import Ingredient
from tests.forge.small_folders import FOLDERS, broken_llama, files_of, tied_llama

MIXTURE = {"chained_sums": Ingredient(difficulties=(4,))}
TRAIN = {"micro_batch": 2, "checkpoint_every": 2}
THOUGHTS = build(ThoughtsConfig, {"strategies": {"sketch": 1}, "tokens": 16})


def fit(**changes):
    return build(FitConfig, {"steps": 4, "seq_len": 32, "train": TRAIN, **changes}).on(MIXTURE)


def reinforcement(**changes):
    values = {"fit": {"steps": 3, "seq_len": 32, "train": TRAIN}, "thoughts": 2, "length": 4, "ahead": 2}
    return build(ReinforceConfig, {**values, **changes}).on(MIXTURE)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tied_llama(tmp_path_factory.mktemp("given") / "llama")
    (folder / "LICENSE").write_text("as it was given")
    return folder


@pytest.fixture(scope="module")
def straight(base, tmp_path_factory):
    """Taught and reinforced in one go."""
    output = tmp_path_factory.mktemp("taught") / "straight"
    think_folder(base, output, fit(), THOUGHTS, reinforce=reinforcement())
    return output


@pytest.mark.parametrize("kind", FOLDERS)
def test_any_model_folder_is_taught_to_think(kind, tmp_path):
    base = FOLDERS[kind](tmp_path / "given")
    think_folder(base, tmp_path / "out", fit(), THOUGHTS)
    model, tokenizer = load_model(tmp_path / "out")
    assert thought_ids(tokenizer) == (259, 260)
    before, _ = load_model(base)
    changed = model.get_input_embeddings().weight[:259] != before.get_input_embeddings().weight
    assert changed.any()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given", "out"]


def test_a_reinforced_folder_has_its_mixing_head_and_what_held_for_the_given_one(straight, base):
    assert (straight / MIXING).is_file()
    assert (straight / "LICENSE").read_text() == "as it was given"
    assert [path.name for path in straight.parent.iterdir()] == ["straight"]


@pytest.mark.parametrize(("training", "at"), [(1, 3), (2, 2)], ids=["teaching", "reinforcement"])
def test_a_stopped_training_goes_on_and_ends_at_the_same_bits(straight, base, tmp_path, training, at):
    """Interrupted in its first or its second training, each of which counts its own steps."""
    trainings = 0

    def interrupt(done, _total, _text):
        nonlocal trainings
        trainings += done == 0
        if (trainings, done) == (training, at):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        think_folder(base, tmp_path / "out", fit(), THOUGHTS, reinforce=reinforcement(), watch=interrupt)
    assert not (tmp_path / "out").exists()
    seen = []
    think_folder(
        base, tmp_path / "out", fit(), THOUGHTS, reinforce=reinforcement(),
        watch=lambda done, *_: seen.append(done),
    )  # fmt: skip
    assert seen[0] == (2 if training == 1 else 4)  # of the teaching: its checkpoint, or its end
    assert files_of(tmp_path / "out") == files_of(straight)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_other_options_are_refused_while_a_training_is_unfinished(base, tmp_path):
    def interrupt(done, *_):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        think_folder(base, tmp_path / "out", fit(), THOUGHTS, watch=interrupt)
    with pytest.raises(UserError, match="other options"):
        think_folder(base, tmp_path / "out", fit(steps=5), THOUGHTS)


def test_thoughts_that_do_not_fit_the_models_window_are_refused_and_nothing_stays(base, tmp_path):
    thoughts = build(ThoughtsConfig, {"strategies": {"self_check": 1}, "tokens": 80})
    long = build(FitConfig, {"steps": 4, "seq_len": 128, "train": TRAIN})
    with pytest.raises(UserError, match=r"has \d+ tokens, and the model's window is 64"):
        think_folder(
            base, tmp_path / "out", long.on({"chained_sums": Ingredient(difficulties=(12,))}), thoughts
        )
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_no_numbers_are_refused_and_nothing_stays(tmp_path):
    base = broken_llama(tmp_path / "given")
    with pytest.raises(FormatRefused, match="NaN"):
        think_folder(base, tmp_path / "out", fit(), THOUGHTS)
    assert [path.name for path in tmp_path.iterdir()] == ["given"]
