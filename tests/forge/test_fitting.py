"""Training as a step: pausing, going on, and what a loss that is no number leaves behind."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bloomery.core.errors import ConfigError, Failure, UnknownName
from bloomery.core.step import Paused, StepContext
from bloomery.forge.data import training_data
from bloomery.forge.fitting import fit, language_loss
from bloomery.forge.settings import FitConfig
from bloomery.tasks.ingredient import Ingredient
from bloomery.training.errors import CheckpointDamaged
from bloomery.training.schedules import ScheduleConfig
from tests.forge.test_folders import small_pair

MIXTURE = {"parity": Ingredient(weight=1.0, difficulties=(10,))}


def config(**changes):
    train = {"micro_batch": 4, "report_every": 2, "checkpoint_every": 2}
    return FitConfig(**{"steps": 8, "seq_len": 24, "mixture": MIXTURE, "train": train, **changes})


def context(root: Path, **given) -> StepContext:
    for name in ("output", "checkpoint"):
        (root / name).mkdir(parents=True, exist_ok=True)
    return StepContext(output=root / "output", checkpoint=root / "checkpoint", seed=5, **given)


def trained(at: StepContext, given: FitConfig, *, prepare=lambda model: None) -> str:
    """The digest of the weights after training."""
    model, tokenizer = small_pair()
    prepare(model)
    fit(at, model, training_data(given, tokenizer, seed=at.seed), given)
    return digest(model)


def digest(model) -> str:
    hashed = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        hashed.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
    return hashed.hexdigest()


def kept(at: StepContext) -> list[str]:
    return sorted(path.name for path in at.checkpoint.iterdir())


def after(count: int):
    asked = iter(range(count))
    return lambda: next(asked, None) is None


@pytest.mark.parametrize(
    "changes",
    [{}, {"halting": 0.5}, {"optimizer": "adamw"}, {"optimizer": "m3", "m3": {"every": 2}}],
    ids=str,
)
@pytest.mark.parametrize("steps", [1, 3])
def test_what_was_paused_goes_on_to_the_same_bytes(tmp_path, changes, steps):
    undisturbed = trained(context(tmp_path / "a"), config(**changes))
    with pytest.raises(
        Paused, match=rf"paused at optimizer step {steps + 1} of 8|at optimizer step {steps} of 8"
    ):
        trained(context(tmp_path / "b", stopping=after(steps)), config(**changes))
    assert kept(context(tmp_path / "b"))
    assert trained(context(tmp_path / "b"), config(**changes)) == undisturbed


def broken_at(call: int):
    """From this forward pass on the loss is no number."""

    def prepare(model):
        calls = iter(range(1, 1000))

        def spoil(_module, _given, output):
            if next(calls) >= call:
                output.loss = output.loss * float("nan")
            return output

        model.register_forward_hook(spoil)

    return prepare


@pytest.mark.parametrize("positions", [24, 23])
def test_rows_longer_than_the_models_positions_are_refused_before_the_first_step(tmp_path, positions):
    """A model with learned positions would fail in the middle; one with rotary ones would learn at places
    that nobody made it for."""
    given = config(steps=1, seq_len=24)
    model, tokenizer = small_pair()
    model.config.max_position_embeddings = positions
    before, train = (
        digest(model),
        lambda: fit(context(tmp_path), model, training_data(given, tokenizer, seed=5), given),
    )
    if positions >= given.seq_len:
        train()
        assert digest(model) != before
        return
    with pytest.raises(ConfigError, match="seq_len is 24, and the model has positions for 23 tokens"):
        train()
    assert digest(model) == before


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    at = context(tmp_path / "b")
    with pytest.raises(Failure, match="diverged at step 6") as told:
        trained(at, config(), prepare=broken_at(6))
    assert told.value.exit_code == 1
    assert str(at.checkpoint) in str(told.value)
    assert "lower the learning rate" in str(told.value)
    assert any("4" in name for name in kept(at))
    assert trained(context(tmp_path / "b"), config()) == trained(context(tmp_path / "a"), config())


def test_a_loss_that_is_never_a_number_says_that_no_checkpoint_was_written(tmp_path):
    with pytest.raises(Failure, match=r"diverged at step 1.*no checkpoint was written"):
        trained(context(tmp_path), config(), prepare=broken_at(1))


def test_checkpoints_that_are_all_damaged_are_named_and_not_overwritten(tmp_path):
    with pytest.raises(Paused):
        trained(context(tmp_path, stopping=after(3)), config())
    files = list((tmp_path / "checkpoint").rglob("*.safetensors"))
    for path in files:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Failure, match=r"no checkpoint in .* is whole") as told:
        trained(context(tmp_path), config())
    assert isinstance(told.value.__cause__, CheckpointDamaged)
    assert all(path.exists() for path in files)


def test_the_curves_hold_the_loss_of_each_recursion_step_and_the_gate(tmp_path):
    at = context(tmp_path)
    trained(at, config())
    recorded = {}
    for row in at.journal.metrics:
        recorded.setdefault(row.name, []).append(row.step)
    for name in ("step_1_loss", "step_2_loss", "step_2_halting_probability", "gate_mean"):
        assert recorded[f"train/{name}"] == [2, 4, 6, 8]


def test_mean_halting_is_over_the_tokens_whose_successor_is_learned():
    q = torch.tensor([[[0.1, 0.2], [0.3, 0.5], [0.9, 0.9]]])  # row 1, three tokens, two steps
    output = SimpleNamespace(loss=torch.tensor(1.0), halt_probabilities=q)
    batch = {"labels": torch.tensor([[-100, 7, -100]])}
    found = language_loss(lambda **_: output, batch).metrics
    assert float(found["step_1_halting_probability"]) == pytest.approx(0.1)
    assert float(found["step_2_halting_probability"]) == pytest.approx(0.2)


def test_curricula_cut_rows_and_depth(tmp_path):
    seen = []

    def prepare(model):
        def note(_module, _arguments, given):
            seen.append((given["input_ids"].shape[1], given.get("recursion_steps")))

        model.register_forward_pre_hook(note, with_kwargs=True)

    short = {"parity": Ingredient(weight=1.0, difficulties=(4,))}  # its answer ends at the eighth token
    shaped = config(
        steps=4, mixture=short, sequence_lengths=((0, 7), (2, 24)), recursion_depths=((0, 1), (2, 2))
    )
    trained(context(tmp_path), shaped, prepare=prepare)
    assert [depth for _, depth in seen] == [1, 1, 2, 2]
    assert [width for width, _ in seen] == [7, 7, 8, 8]  # a batch is as wide as its longest row


@pytest.mark.parametrize("changes", [{"steps": None}, {"epochs": 2}], ids=str)
def test_steps_and_epochs_exclude_each_other(changes):
    with pytest.raises(ConfigError, match="one of steps"):
        config(**changes)


def test_epochs_are_counted_over_data_sets():
    with pytest.raises(ConfigError, match="the mixture has none"):
        config(steps=None, epochs=2).total_steps()
    one = config(steps=None, epochs=3, mixture={"gsm8k": Ingredient(weight=1.0), **MIXTURE})
    assert one.examples() == 3 * 7473
    assert one.total_steps() == -(-3 * 7473 // 4)
    assert one.work() == one.total_steps() * 4 * 24


def test_an_unknown_task_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'parity'"):
        config(mixture={"parrity": Ingredient(weight=1.0)})


def test_a_warm_up_that_takes_all_steps_is_refused_before_anything_runs():
    with pytest.raises(ConfigError, match="warmup_steps is 8 and steps 8"):
        config(schedule=ScheduleConfig(warmup_steps=8))


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "muon_grokfast", "muon_grokfast": {"lr": 1e-2}},
        {"optimizer": "adamw", "muon_grokfast": {"lr": 1e-2}},
        {"optimizer": "m3", "m3": {"lr": 3e-4, "eps": 1e-3, "keeping": "averages", "adamw_lr": 0.0}},
    ],
    ids=lambda given: given["optimizer"],
)
def test_each_optimizer_that_a_recipe_names_learns(tmp_path, given):
    """Parity stays a coin for a while; what is no answer is soon known, so that the loss falls."""
    at = context(tmp_path)
    trained(at, config(steps=40, **given))
    losses = [one.value for one in at.journal.metrics if one.name == "train/loss"]
    assert losses[-1] < 0.75 * losses[0], losses


def test_numbers_of_m3_beside_another_optimizer_are_refused():
    with pytest.raises(ConfigError, match="m3 is given and the optimizer is adamw"):
        config(optimizer="adamw", m3={"lr": 1e-3})
    with pytest.raises(ConfigError, match="m3: betas are"):
        config(optimizer="m3", m3={"betas": [0.9, 1.5, 0.9]})
