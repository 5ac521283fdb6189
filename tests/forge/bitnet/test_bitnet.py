"""Training towards trits: the warm-up, the latent weights, and what the consumer measures of the result."""

import json
from functools import partial

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from bloomery.core.errors import ConfigError, UserError
from bloomery.core.evidence import State
from bloomery.core.step import Paused
from bloomery.core.workspace import Workspace
from bloomery.forge.bitnet.measuring import measure_packed
from bloomery.forge.bitnet.quantizing import make_ternary, quantize_folder
from bloomery.forge.bitnet.tuning import WarmUp, tune
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.settings import TernaryConfig
from bloomery.forge.stage import given
from bloomery.forge.stages.bitnet import (
    KEPT,
    OVER_ROUNDING,
    SMALLER,
    checks,
)
from bloomery.models.packed.converting import convert, ternary_layers
from bloomery.training.config import Progress
from tests.forge.steps import config_of, context_in
from tests.forge.whole import model_before_trits

config = partial(config_of, "bitnet")


@pytest.fixture
def place(whole_workspace):
    return Workspace.open(whole_workspace)


@pytest.fixture
def made(place):
    (run,) = place.catalog.runs()
    return {step.name: dict(step.outputs) for step in place.catalog.steps(run.run_id)}


@pytest.fixture
def full(place, made):
    return model_before_trits(place)


@pytest.mark.parametrize(("step", "share"), [(0, 0.0), (3, 0.25), (12, 1.0), (40, 1.0)])
def test_the_quantized_share_rises_evenly_and_stays_at_one(step, share):
    layer = torch.nn.Sequential(torch.nn.Linear(4, 4))
    convert(layer, share=0.5)
    warm_up = WarmUp(12, lambda *_: None)
    warm_up.on_start(layer, Progress(step=step, steps=40))
    assert ternary_layers(layer)["0"].share == share


def test_without_a_warm_up_everything_is_quantized_at_once():
    layer = torch.nn.Sequential(torch.nn.Linear(4, 4))
    convert(layer, share=0.0)
    WarmUp(0, lambda *_: None).on_start(layer, Progress(step=0, steps=5))
    assert ternary_layers(layer)["0"].share == 1.0


def test_training_that_was_stopped_goes_on_to_the_same_weights(full, tmp_path):
    words = {
        "fit": config().fit.on(config().mixture), "thoughts": None, "ternary": TernaryConfig(), "warmup": 0.5,
    }  # fmt: skip
    tune(context_in(tmp_path / "whole", {"model": full}, words))
    asked = iter([False, False, False, True])
    with pytest.raises(Paused):
        tune(context_in(tmp_path / "parts", {"model": full}, words, stopping=lambda: next(asked, True)))
    tune(context_in(tmp_path / "parts", {"model": full}, words))
    whole, parts = (
        (tmp_path / name / "output" / "latent" / "model.safetensors").read_bytes()
        for name in ("whole", "parts")
    )
    assert whole == parts


def test_the_packed_model_is_the_latent_one_with_every_layer_quantized(place, made):
    """Norms are stored in half precision and embeddings in bytes; trits and their scales are exact."""
    latent, _ = load_model(place.store.path(made["bitnet.tune"]["latent"]))
    packed, _ = load_model(place.store.path(made["bitnet.pack"]["packed"]))
    make_ternary(latent, config().ternary)
    for name, layer in ternary_layers(latent).items():
        trits, scale = layer.ternarized()
        theirs = packed.get_submodule(name)
        assert torch.equal(theirs.trits(), trits), name
        assert torch.equal(theirs.scale, scale), name


def consumer(place, made, folder, **replaced):
    inputs = {
        "model": place.store.path(made["bitnet.pack"]["packed"]),
        "rounded": place.store.path(made["bitnet.round"]["packed"]),
        "claims": place.store.path(made["bitnet.claim"]["claims"]),
        given("model"): model_before_trits(place),
    }
    return context_in(
        folder, inputs | replaced, config(bars={"kept": 0.0, "smaller": 4.0, "accuracy": {"parity": 0.0}})
    )


def measured(context):
    measure_packed(context)
    return {item.check: item for item in context.journal.evidence}


def test_the_ratio_is_fp32_bytes_over_the_file_on_disk(place, made, tmp_path):
    found = measured(consumer(place, made, tmp_path))
    model, _ = load_model(model_before_trits(place))
    on_disk = weights_size(place.store.path(made["bitnet.pack"]["packed"]))
    full = 4 * sum(p.numel() for p in model.parameters())
    assert found[SMALLER].measured == pytest.approx(full / on_disk)
    assert found[SMALLER].baseline == on_disk
    assert found["accuracy: parity"].chance == 0.5


def test_a_model_measured_against_itself_keeps_all_and_gains_nothing(place, made, tmp_path):
    packed = place.store.path(made["bitnet.pack"]["packed"])
    found = measured(consumer(place, made, tmp_path, **{"rounded": packed, given("model"): packed}))
    assert found[KEPT].measured == 1.0
    assert found[OVER_ROUNDING].measured == 0.0
    assert found[OVER_ROUNDING].state == State.FAILED  # more is asked for than nothing


def test_a_claim_that_is_not_what_is_measured_fails_the_gate(place, made, tmp_path):
    claims = json.loads(place.store.read(made["bitnet.claim"]["claims"]))
    claims["scores"]["pack"]["parity"]["rate"] += 0.25
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    found = measured(consumer(place, made, tmp_path, claims=tmp_path / "claims.json"))
    assert found["claims measured again"].state == State.FAILED
    assert found["claims measured again"].measured == pytest.approx(0.25)


def test_only_latency_is_left_to_the_clock(place, made, tmp_path):
    asked = consumer(place, made, tmp_path)
    names = {check.name for check in checks(asked.config)}
    assert names - set(measured(asked)) == {"latency", "times faster than before"}


def test_a_bar_for_a_task_that_is_not_in_the_mixture_is_refused():
    with pytest.raises(ConfigError, match="sorting"):
        config(bars={"accuracy": {"sorting": 0.5}})


def test_a_pattern_that_names_no_layer_is_refused_with_the_layers_that_there_are(full):
    model, _ = load_model(full)
    with pytest.raises(UserError, match=r"no linear layer is named 'lm_haed'.*q_proj"):
        make_ternary(model, TernaryConfig(skip=("lm_haed",)))
    with pytest.raises(UserError, match=r"is left to make ternary$"):  # it names no option of another command
        make_ternary(model, TernaryConfig(skip=("*",)))


def test_a_model_without_linear_layers_is_refused_with_what_can_become_ternary():
    sizes = {"vocab_size": 16, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2, "eos_token_id": 2}
    model = GPT2LMHeadModel(GPT2Config(**sizes))
    with pytest.raises(UserError, match=r"^GPT2LMHeadModel has no.*only torch\.nn\.Linear layers can become"):
        make_ternary(model, TernaryConfig())


def test_sparser_trits_make_a_smaller_file(full, tmp_path):
    for threshold in (0.5, 1.5):
        quantize_folder(full, tmp_path / str(threshold), TernaryConfig(threshold=threshold))
    assert weights_size(tmp_path / "1.5") < weights_size(tmp_path / "0.5")


def test_a_folder_that_holds_something_is_not_written_over(full, tmp_path):
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(UserError, match="exists"):
        quantize_folder(full, tmp_path, TernaryConfig())
    assert (tmp_path / "kept").read_text() == "mine"


def test_weights_that_are_not_finite_are_refused_by_name(full, tmp_path):
    model, tokenizer = load_model(full)
    with torch.no_grad():
        model.layers[0].feedforward.up_proj.weight[0, 0] = float("nan")
    save_model(model, tokenizer, tmp_path / "broken")
    with pytest.raises(UserError, match=r"layers\.0\.feedforward\.up_proj\.weight has NaN"):
        quantize_folder(tmp_path / "broken", tmp_path / "out", TernaryConfig())
    assert not (tmp_path / "out").exists()


def test_a_packed_model_loads_and_can_be_packed_no_further(place, made, tmp_path):
    packed = place.store.path(made["bitnet.pack"]["packed"])
    with pytest.raises(UserError, match="packed already"):
        quantize_folder(packed, tmp_path / "again", TernaryConfig())
    assert not (tmp_path / "again").exists()
