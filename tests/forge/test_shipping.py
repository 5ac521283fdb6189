"""What is handed out: one model, one CID, whoever looks at it and whenever it was made."""

from datetime import UTC, datetime

import pytest
import torch

from bloomery.core.catalog import database
from bloomery.core.errors import Failure, GateFailed
from bloomery.core.evidence import Bar, Check, State, measure, not_run
from bloomery.core.run import Run
from bloomery.core.workspace import Workspace
from bloomery.forge import packing, pipeline
from bloomery.forge.elsewhere import logits_elsewhere
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.measuring import logits_of
from bloomery.forge.pipeline import plan
from bloomery.forge.shipping import card_row, ship
from tests.cli.forged import RECIPE
from tests.forge.test_folders import small_pair

CARD = {"evidence": [], "data": "Nothing", "sources": "nobody"}
CHECK = Check(name="good", bar=Bar(op=">=", value=0.5), unit="marks")


def here(folder, prompt):
    """What a stranger would find, without what another process takes."""
    return logits_of(*load_model(folder), prompt)


def store_of(workspace):
    (run,) = workspace.catalog.runs()
    steps = workspace.catalog.steps(run.run_id)
    return {step.name: dict(step.outputs) for step in steps}, set(workspace.store)


def test_the_same_recipe_and_seed_give_the_same_artifacts_in_another_place_and_year(
    forged_workspace, tmp_path, monkeypatch
):
    later = iter(datetime(2031, 1, 1, 0, minute, tzinfo=UTC) for minute in range(60))
    last = datetime(2031, 1, 2, tzinfo=UTC)
    monkeypatch.setattr(database, "_now", lambda: next(later, last))
    monkeypatch.setattr(packing, "logits_elsewhere", here)
    torch.rand(17)  # another state of the global generator
    place = Workspace.open(tmp_path / "another place")
    forged = pipeline.forge(place, plan(RECIPE), engine="inline")
    assert place.catalog.run(forged.run_id).started_at.year == 2031
    assert store_of(place) == store_of(Workspace.open(forged_workspace))


@pytest.mark.parametrize("key", ["seed=2", "stages.cognate.specialists.reasoning.seed=9"])
def test_another_seed_is_another_plan(key):
    assert plan(RECIPE, [key]).to_plain() != plan(RECIPE).to_plain()


def test_a_stranger_found_the_same_logits_in_what_was_shipped(forged_workspace):
    catalog = Workspace.open(forged_workspace).catalog
    (run,) = catalog.runs()
    (reloaded,) = catalog.evidence(run.run_id, "ship")
    assert (reloaded.state, reloaded.measured) == (State.PASSED, 0.0)


@pytest.fixture
def run(tmp_path):
    with Run.start(Workspace.open(tmp_path / "ws"), recipe="mine", config={}, seed=4) as run:
        yield run


@pytest.fixture
def model(run, tmp_path):
    save_model(*small_pair(), tmp_path / "model")
    cid = run.workspace.store.put(tmp_path / "model")
    run.workspace.catalog.add_artifact(cid, kind="model", size_bytes=1, name="model")
    return cid


def test_a_folder_that_is_another_model_to_a_stranger_is_not_shipped(run, model, monkeypatch):
    monkeypatch.setattr(packing, "logits_elsewhere", lambda *given: here(*given) + 1e-6)
    with pytest.raises(GateFailed, match="folder is not the model"):
        ship(run, model, CARD)
    (step,) = run.workspace.catalog.steps(run.id)
    assert step.status == "rolled_back"


def test_the_card_shows_what_it_is_given_and_counts_the_model(run, model, monkeypatch):
    monkeypatch.setattr(packing, "logits_elsewhere", here)
    found = measure(CHECK, lambda: 0.75), not_run(CHECK, "no scales")
    rows = [{"stage": "cognate", **card_row(item)} for item in found]
    shipped = ship(run, model, CARD | {"evidence": rows, "data": "Eighteen sums"})
    card = (run.workspace.store.path(shipped) / "README.md").read_text()
    parameters = sum(one.numel() for one in small_pair()[0].parameters())
    on_disk = (run.workspace.store.path(shipped) / "model.safetensors").stat().st_size
    assert f"A language model of {parameters:,} parameters ({on_disk:,} bytes of weights)" in card
    assert "recipe `mine`, seed 4" in card
    assert "Eighteen sums" in card
    assert "| cognate | good | yes | passed | 0.75 marks |  |  | >= 0.5 |" in card
    assert "| cognate | good | yes | not_run | no scales  |  |  | >= 0.5 |" in card
    assert run.workspace.catalog.artifact(shipped).kind == "shipped model"


def test_a_row_of_the_card_knows_no_duration():
    slow, fast = (measure(CHECK, lambda: 0.75) for _ in range(2))
    object.__setattr__(slow, "duration_s", 99.0)
    assert card_row(slow) == card_row(fast)


@pytest.mark.slow
def test_a_stranger_loads_the_folder_without_this_package(tmp_path):
    model, tokenizer = small_pair()
    save_model(model, tokenizer, tmp_path / "model")
    assert torch.equal(logits_elsewhere(tmp_path / "model", "1+2="), logits_of(model, tokenizer, "1+2="))


@pytest.mark.slow
def test_what_a_stranger_cannot_load_is_a_failure_that_says_why(tmp_path):
    save_model(*small_pair(), tmp_path / "model")
    (code,) = (tmp_path / "model").glob("modeling_*.py")
    code.write_text("import bloomery.models\n" + code.read_text())
    with pytest.raises(Failure, match=r"does not load and generate in plain transformers.*bloomery"):
        logits_elsewhere(tmp_path / "model", "1+2=")


OTHER_WAYS = {
    "no generation": ("raise RuntimeError('no such thing')", "no such thing"),
    "another token": (
        "with torch.no_grad(): return torch.cat([input_ids, self(input_ids).logits[:, -1:].argmin(-1)], 1)",
        "whose logit is not the largest",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", OTHER_WAYS)
def test_what_does_not_generate_as_its_forward_pass_says_is_a_failure(tmp_path, way):
    """The logits are those of the model here; only `generate` differs."""
    body, words = OTHER_WAYS[way]
    save_model(*small_pair(), tmp_path / "model")
    code = tmp_path / "model" / "modeling_cognate.py"
    override = (
        f"def generate(self, input_ids, **_):\n    {body}\n\n\nCognateForCausalLM.generate = generate\n"
    )
    code.write_text(f"{code.read_text()}\n\n{override}")
    with pytest.raises(Failure, match=words):
        logits_elsewhere(tmp_path / "model", "1+2=")
