"""Grids of generated tasks, and deep supervision against the paper's loop over single grids."""

from pathlib import Path

import pytest
import torch

from bloomery.core.errors import ConfigError, UserError
from bloomery.core.step import Paused
from bloomery.core.workspace import Workspace
from bloomery.forge.supervised import puzzles
from bloomery.forge.supervised.architectures import puzzle_model
from bloomery.forge.supervised.grids import SYMBOLS, Grids, grid, stacked
from bloomery.forge.supervised.puzzles import WHILE_TRAINING, examined, held_out
from bloomery.forge.supervised.supervision import DeepSupervision
from bloomery.forge.supervised.training import Trained, plan, train
from bloomery.models.modeling_trm import TinyRecursionModel
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example
from tests.cli.pausing import asked_to_stop

PAPER = Path(__file__).parents[3] / "papers" / "trm" / "sorting.yaml"
TINY = {
    "mixer": "mlp", "hidden_size": 8, "intermediate_size": 12, "mixer_size": 8, "latent_updates": 2,
    "rounds": 1, "num_hidden_layers": 1, "puzzle_tokens": 1, "supervision_steps": 3,
}  # fmt: skip


def model(**changes: object) -> TinyRecursionModel:
    torch.manual_seed(0)
    made = puzzle_model("trm", TINY | changes, 6)
    assert isinstance(made, TinyRecursionModel)
    return made


def batches(count: int, rows: int = 4) -> list[dict[str, torch.Tensor]]:
    data = Grids(task("sorting"), 2, cells=6, seed=0, length=count * rows)
    return [stacked([data[at * rows + i] for i in range(rows)]) for at in range(count)]


def test_a_grid_asks_for_the_answer_behind_the_prompt_and_for_nothing_behind_that():
    found = grid(Example("31=", "13", 2), 7)
    byte = {sign: ord(sign) + 1 for sign in "13="}
    assert found["input_ids"].tolist() == [byte["3"], byte["1"], byte["="], 0, 0, 0, 0]
    assert found["labels"].tolist() == [-100, -100, -100, byte["1"], byte["3"], 0, 0]
    assert max(byte.values()) < SYMBOLS


def test_a_grid_that_is_too_small_is_named_with_what_to_raise():
    with pytest.raises(ConfigError, match=r"need 5 cells, and a grid has 4: raise puzzles\.cells"):
        grid(Example("31=", "13", 2), 4)


def test_training_never_shows_what_is_held_out_and_item_i_is_always_the_same():
    data = Grids(task("sorting"), 2, cells=6, seed=0, length=300)
    shown = {"".join(chr(s - 1) for s in data[i]["input_ids"].tolist() if s) for i in range(300)}
    assert len(shown) > 50
    assert {side_of(prompt) for prompt in shown} == {"train"}
    assert torch.equal(
        data[7]["input_ids"], Grids(task("sorting"), 2, cells=6, seed=0, length=9)[7]["input_ids"]
    )
    config = plan(PAPER).config.puzzles
    assert config is not None
    parts = [held_out(config, config.exam, "test"), held_out(config, WHILE_TRAINING, "selection")]
    prompts = [{one.prompt for one in part} for part in parts]
    assert [len(part) for part in prompts] == [config.exam.test, WHILE_TRAINING.selection]
    assert {side_of(prompt) for prompt in prompts[0] | prompts[1]} == {"test"}


def test_each_row_goes_on_from_its_own_state_for_so_many_steps_and_then_makes_room():
    """Against single grids, each taken through all its steps by itself."""
    made, given, supervision = model().double(), batches(4, rows=1), DeepSupervision(3, 0.0)
    losses = [supervision(made, given[min(i, 3)]).loss.item() for i in range(4)]
    for steps in (1, 2, 3):  # the first grid, three times
        before = made(given[0]["input_ids"], supervision_steps=steps - 1) if steps > 1 else None
        state = None if before is None else (before.answer, before.latent)
        alone = made(**given[0], supervision_steps=1, state=type(made.begin(1))(*state) if state else None)
        assert losses[steps - 1] == pytest.approx(alone.loss.item(), abs=1e-9)
    assert losses[3] == pytest.approx(made(**given[3], supervision_steps=1).loss.item(), abs=1e-9)


def halting_where(model: TinyRecursionModel, weight: float) -> TinyRecursionModel:
    with torch.no_grad():
        torch.manual_seed(4)
        model.halt.bias.zero_()
        model.halt.weight.normal_().mul_(weight)
    return model


def test_a_grid_that_halts_makes_room_alone():
    made = halting_where(model().double(), 1.0)
    supervision, (one, two) = DeepSupervision(3, 0.0), batches(2, rows=16)
    supervision(made, one)
    q = made(one["input_ids"], supervision_steps=1).halt_logits
    assert torch.equal(supervision.carried["done"], q > 0)
    assert 0 < int((q > 0).sum()) < 16
    supervision(made, two)
    expected = torch.where((q > 0)[:, None], two["input_ids"], one["input_ids"])
    assert torch.equal(supervision.carried["input_ids"], expected)
    assert torch.equal(supervision.carried["taken"], torch.where(q > 0, 1, 2))


def test_exploring_keeps_grids_that_would_halt_for_a_drawn_number_of_steps():
    made = model()
    with torch.no_grad():
        made.halt.bias.fill_(9.0)  # all would halt
    (one,) = batches(1, rows=256)
    left = []
    for share in (0.0, 0.5, 1.0):
        torch.manual_seed(1)
        supervision = DeepSupervision(3, share)
        supervision(made, one)
        left.append(1 - supervision.carried["done"].float().mean().item())
    # of those that explore two thirds go on after the first step; 256 draws lie within a tenth of that
    assert left[0] == 0
    assert left[1] == pytest.approx(1 / 3, abs=0.1)
    assert left[2] == pytest.approx(2 / 3, abs=0.1)


def test_what_is_carried_is_taken_up_again():
    made, (one, two) = model(), batches(2)
    whole, before, after = (DeepSupervision(3, 0.0) for _ in range(3))
    whole(made, one)
    before(made, one)
    after.load_state_dict(before.state_dict())
    assert torch.equal(whole(made, two).loss, after(made, two).loss)
    assert torch.equal(whole.carried["taken"], torch.full((4,), 2))


def test_what_knows_every_answer_is_always_right():
    config = plan(PAPER, ["puzzles.difficulty=2", "puzzles.cells=6", "puzzles.exam={test: 9, selection: 2}"])

    class Knowing(TinyRecursionModel):
        def forward(self, input_ids, **options):
            answers = torch.cat([input_ids[:, :3], input_ids[:, :2].sort().values, input_ids[:, 5:]], dim=1)
            output = super().forward(input_ids, supervision_steps=1)
            output.logits = torch.nn.functional.one_hot(answers + self.off, SYMBOLS + 1).float()
            return output

    for off, rate in ((0, 1.0), (1, 0.0)):
        knowing = Knowing(model().config)
        knowing.off = off
        puzzles = config.config.puzzles
        assert examined(knowing, puzzles, held_out(puzzles, puzzles.exam, "test")).rate == rate


THREE = [
    "puzzles.difficulty=3", "puzzles.cells=7", "puzzles.steps=160", "architecture.rounds=1", "bars={}",
    "puzzles.exam={test: 64, selection: 40}", "puzzles.train={micro_batch: 64, checkpoint_every: 2}",
    "puzzles.schedule={kind: cosine, warmup_steps: 2}",
]  # fmt: skip


def learned(folder: Path, *overrides: str, config: Path = PAPER) -> Trained:
    return train(Workspace.open(folder), plan(config, [*THREE, *overrides]))


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(puzzles, "WHILE_TRAINING", puzzles.ExamConfig(selection=8, test=1))
    return monkeypatch


@pytest.mark.slow
def test_it_learns_to_sort_three_digits_in_seconds_and_leaves_the_averaged_weights(tmp_path, alone):
    found = learned(tmp_path)
    (evidence,) = found.evidence
    assert evidence.measured > 0.6  # chance is 0.22; it reached 0.9 and more
    made = TinyRecursionModel.from_pretrained(found.folder)
    given = plan(PAPER, THREE).config.puzzles
    assert examined(made, given, held_out(given, given.exam, "test")).rate == evidence.measured


def test_without_its_recursion_taught_it_knows_no_more_than_its_beginning(tmp_path, alone):
    """The planted effect taken away: weights of which the average keeps all that they were."""
    (evidence,) = learned(tmp_path, "puzzles.average=1.0", "puzzles.steps=8").evidence
    assert evidence.measured < 0.1


def test_a_training_of_grids_that_is_stopped_goes_on_and_ends_with_the_same_bytes(tmp_path, alone):
    """Also what the batch carries, and what it draws to explore."""
    short = ["puzzles.steps=7", "puzzles.train.micro_batch=8", "puzzles.exploration=0.5"]
    whole = learned(tmp_path / "whole", *short)
    with alone.context() as paused:
        paused.setattr(puzzles, "run_loop", asked_to_stop(puzzles.run_loop))
        with pytest.raises(Paused):
            learned(tmp_path / "stopped", *short)
    assert learned(tmp_path / "stopped", *short).cid == whole.cid


def test_the_paper_s_config_with_attention_runs_too(tmp_path, alone):
    found = learned(tmp_path, "puzzles.steps=3", config=PAPER.with_name("attention.yaml"))
    assert TinyRecursionModel.from_pretrained(found.folder).config.mixer == "attention"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("puzzles.task=sortng", "unknown task 'sortng'; did you mean 'sorting'"),
        ("puzzles.difficulty=99", "has difficulties 2 to 32, not 99"),
        ("puzzles.train.accumulate=2", "raise micro_batch instead"),
        ("puzzles.schedule.warmup_steps=400", "there are 400 steps: warm up for fewer"),
        ("architecture.mixer=conv", "mixer must be one of attention, mlp"),
        ("puzzles=null", "trm is a model of puzzles and learns from nothing here; give 'puzzles' alone"),
        ("bars.parity=1", "'parity'"),
    ],
)
def test_a_wrong_setting_of_a_model_of_grids_is_named(override, says):
    with pytest.raises(UserError) as told:
        plan(PAPER, [override])
    assert says in str(told.value)
