"""Compression: what layers are fed, two branches at equal bytes, the smallest that is good enough."""

import json
import shutil
from functools import partial

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from bloomery.core.errors import ConfigError, UserError
from bloomery.core.evidence import State
from bloomery.core.workspace import Workspace
from bloomery.forge.compression.branches import (
    best_by_size,
    coded_by,
    mixtures,
    places_of,
    points_of,
    smallest,
    spread,
)
from bloomery.forge.compression.calibrating import second_moments
from bloomery.forge.compression.choosing import _sit, choose, ternary_branch
from bloomery.forge.compression.measuring import measure_compressed
from bloomery.forge.exams import exams, sit
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import save_weights, weights_size
from bloomery.forge.pipeline import forge, plan
from bloomery.forge.stage import given
from bloomery.forge.stages.compression import KEPT, KEPT_IN_ALL, OVER_RIVAL, SMALLER
from bloomery.models.packed.decoding import decode
from bloomery.models.packed.experts import FILE as EXPERTS
from bloomery.models.packed.experts import to_bytes
from bloomery.models.packed.modeling_packed import WEIGHTS, read_items
from tests.forge.steps import config_of, context_in
from tests.forge.whole import ALL, model_before_trits
from tests.models.packed.expert_sets import expert_set

config = partial(config_of, "compression")


@pytest.fixture
def place(whole_workspace):
    return Workspace.open(whole_workspace)


@pytest.fixture
def made(place):
    (run,) = place.catalog.runs()
    outputs = {step.name: dict(step.outputs) for step in place.catalog.steps(run.run_id)}
    return {
        "full": model_before_trits(place),
        "latent": place.store.path(outputs["baking.cycles"]["latent"]),
        "given": place.store.path(outputs["experts.ship"]["model"]),
        "moments": place.store.path(outputs["compression.calibrate"]["moments"]),
        "coded": place.store.path(outputs["compression.code"]["coded"]),
        "model": place.store.path(outputs["compression.choose"]["model"]),
        "rival": place.store.path(outputs["compression.choose"]["rival"]),
        "claims": place.store.path(outputs["compression.choose"]["claims"]),
    }


class Fed(nn.Module):
    """A layer that is fed what is given, as a model would be called."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2, bias=False)

    def forward(self, input_ids, use_cache):
        return self.layer(input_ids)


def test_the_second_moment_is_the_mean_of_x_times_x():
    rows = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    (moment,) = second_moments(Fed(), list(rows)).values()
    flat = rows.reshape(-1, 3).double()
    assert torch.allclose(moment, sum(torch.outer(x, x) for x in flat) / 20, atol=1e-12)


def test_a_calibration_set_that_is_too_small_is_refused():
    with pytest.raises(UserError, match="layer has 3 inputs and saw 5 tokens, at least 6"):
        second_moments(Fed(), [torch.randn(1, 5, 3)])


def test_the_layers_of_a_model_have_a_moment_and_those_never_called_none(made):
    model, _ = load_model(made["full"])
    moments = load_file(made["moments"])
    assert moments["layers.0.attention.q_proj.weight"].shape == (16, 16)
    assert set(moments) <= set(dict(model.named_parameters()))
    for moment in moments.values():
        assert torch.equal(moment, moment.T)
        assert torch.linalg.eigvalsh(moment).min() > -1e-9


def test_an_error_counts_as_the_share_of_the_outputs_energy_that_is_lost(made):
    """By hand: a matrix coded as nothing loses all of it, once for each of its weights."""
    places = places_of(load_model(made["full"])[0], load_file(made["moments"]))
    place = next(one for one in places if one.hessian is not None)
    (points,) = points_of([place], {"kmeans-1": coded_by("kmeans-1", [place])})
    W, H = place.tensor.double(), place.hessian
    D = W - decode(points[0].coded).double()
    expected = W.numel() * torch.trace(D @ H @ D.T) / torch.trace(W @ H @ W.T)
    assert points[0].error == pytest.approx(float(expected), rel=1e-6)  # decoded in float32


def test_mixtures_keep_to_their_budgets_and_more_bytes_are_never_worse(made):
    places = [one for one in places_of(load_model(made["full"])[0], {}) if one.is_matrix][:4]
    points = points_of(
        places, {name: coded_by(name, places) for name in ("rows-8bit", "rows-4bit", "kmeans-2")}
    )
    found = mixtures(points, spread(points, 5))
    assert len(found) == 5
    assert all(choice.size_bytes <= budget for budget, choice in found.items())
    errors = [found[budget].error for budget in sorted(found)]
    assert errors == sorted(errors, reverse=True)
    assert mixtures(points, [1]) == {}


@pytest.mark.parametrize(("enough", "best"), [({"a", "b", "c"}, "b"), ({"a", "c"}, "a"), (set(), None)])
def test_the_smallest_that_is_good_enough_is_taken(enough, best):
    assert smallest({"a": 20, "b": 10, "c": 20}, lambda name: name in enough) == best


@pytest.mark.parametrize("names", [["rows-4bit", "rows-a", "rows-b"], ["rows-b", "rows-a", "rows-4bit"]])
def test_of_candidates_of_equal_size_the_best_is_the_point_whatever_their_order(names):
    sizes = {"rows-4bit": 40, "rows-a": 20, "rows-b": 20, "trits-a": 20}
    rates = {name: {"rows-a": 0.5, "rows-b": 0.25}.get(name, 0.0) for name in [*names, "trits-a"]}
    assert best_by_size(rates, sizes) == {("rows", 40): 0.0, ("rows", 20): 0.5, ("trits", 20): 0.0}


def chosen(made, folder, **bars):
    words = config(bars={"kept": 0.0, "kept_in_all": 0.0, "smaller": 1.0, **bars}, margin=0.0)
    inputs = {name: made[name] for name in ("full", "latent", "given", "coded", "moments")}
    choose(context_in(folder, inputs, words))
    return json.loads((folder / "output" / "claims.json").read_text()), folder / "output" / "model"


def test_without_a_bar_the_fewest_bytes_of_the_given_trits_are_taken(made, tmp_path):
    claims, model = chosen(made, tmp_path)
    sizes = {name: one["bytes"] for name, one in claims["frontier"].items()}
    own = [size for name, size in sizes.items() if name.startswith("trits")]
    assert sizes[claims["best"]] == min(own) == weights_size(model)


def test_a_smaller_model_of_the_other_branch_is_a_rival_and_never_ships(made, tmp_path):
    """It is the model before its trits: what later stages taught is not in it, no accuracy asks for that."""
    shutil.copytree(made["coded"], tmp_path / "coded")
    tiny = coded_by("kmeans-1", places_of(load_model(made["full"])[0], {}))
    save_weights(tiny, tmp_path / "coded" / "kmeans-1.safetensors")
    claims, model = chosen({**made, "coded": tmp_path / "coded"}, tmp_path / "step")
    sizes = {name: one["bytes"] for name, one in claims["frontier"].items()}
    assert sizes["kmeans-1"] < sizes[claims["best"]]
    assert claims["best"].startswith("trits")
    assert not claims["rival"].startswith("trits")
    for old, new in zip(read_items(made["given"] / WEIGHTS), read_items(model / WEIGHTS), strict=True):
        assert old.scheme != "ternary" or torch.equal(decode(old), decode(new))


def test_where_nothing_is_good_enough_the_model_stays_as_it_was_given(made, tmp_path):
    claims, model = chosen(made, tmp_path, kept=100.0)
    assert claims["best"] == "as given"
    assert (model / WEIGHTS).read_bytes() == (made["given"] / WEIGHTS).read_bytes()


def test_experts_beside_the_trits_are_handed_on_counted_and_judged(made, tmp_path):
    """They turn the trits' singular directions, which no coder of what is none moves."""
    shutil.copytree(made["given"], tmp_path / "given")
    held = expert_set(*load_model(tmp_path / "given"), mixture=torch.tensor([0.5, 0.5]))
    (tmp_path / "given" / EXPERTS).write_bytes(to_bytes(held))
    claims, model = chosen({**made, "given": tmp_path / "given"}, tmp_path / "step", kept=100.0)
    without, _ = chosen(made, tmp_path / "without", kept=100.0)
    size = (model / EXPERTS).stat().st_size
    assert (model / EXPERTS).read_bytes() == (tmp_path / "given" / EXPERTS).read_bytes()
    assert weights_size(model) == (model / WEIGHTS).stat().st_size + size
    for name, one in claims["frontier"].items():
        extra = size if name.startswith("trits") else 0
        assert one["bytes"] == without["frontier"][name]["bytes"] + extra
    words = config()
    shipped = sit(*load_model(model), exams(words.mixture, words.exam, "selection"))
    files = [str(made["given"] / WEIGHTS), str(tmp_path / "given" / EXPERTS)]
    sitting = partial(_sit, folder=str(made["full"]), config=words, threads=1)
    judged, bare = sitting(files), sitting(files[:1])
    assert judged == shipped
    assert judged["parity"].likelihood != bare["parity"].likelihood


def test_the_trits_of_the_ternary_branch_are_those_that_were_given(made, tmp_path):
    """Coders of 3 or 4 bits cannot improve on them: they are kept to the bit, what is none is coded again."""
    context = context_in(tmp_path, {name: made[name] for name in ("moments", "given")}, config())
    given_items = read_items(made["given"] / WEIGHTS)
    branch = ternary_branch(context, load_model(made["latent"])[0])
    assert {"trits-rows-8bit", "trits-rows-4bit"} < set(branch)
    for items in branch.values():
        for old, new in zip(given_items, items, strict=True):
            assert (old.scheme == "ternary") == (new.scheme == "ternary")
            if old.scheme == "ternary":
                assert torch.equal(decode(old), decode(new))


def consumer(made, folder, **replaced):
    inputs = {
        "model": made["model"],
        "rival": made["rival"],
        "claims": made["claims"],
        given("model"): made["given"],
        given("full"): made["full"],
    }
    return context_in(folder, inputs | replaced, config())


def measured(context):
    measure_compressed(context)
    return {item.check: item for item in context.journal.evidence}


def test_a_model_measured_against_itself_keeps_all(made, tmp_path):
    same = {given("model"): made["model"], given("full"): made["model"], "rival": made["model"]}
    found = measured(consumer(made, tmp_path, **same))
    assert found[KEPT].measured == found[KEPT_IN_ALL].measured == 1.0
    assert found[OVER_RIVAL].measured == 0.0
    assert found[OVER_RIVAL].state == State.FAILED


def test_the_ratio_counts_every_byte_of_the_file(made, tmp_path):
    found = measured(consumer(made, tmp_path))
    weights = sum(p.numel() for p in load_model(made["full"])[0].parameters())
    assert found[SMALLER].measured == pytest.approx(4 * weights / (made["model"] / WEIGHTS).stat().st_size)


def test_a_claim_that_is_not_what_is_measured_fails_the_gate(made, tmp_path):
    claims = json.loads(made["claims"].read_text())
    claims["scores"]["choose"]["parity"]["rate"] -= 0.125
    (tmp_path / "claims.json").write_text(json.dumps(claims))
    found = measured(consumer(made, tmp_path, claims=tmp_path / "claims.json"))
    assert found["claims measured again"].measured == pytest.approx(0.125)
    assert found["claims measured again"].state == State.FAILED


def test_without_coders_there_is_nothing_to_compare():
    with pytest.raises(ConfigError, match="at least one coder"):
        config(coders=[])


@pytest.mark.slow
def test_a_stage_whose_inputs_were_rolled_back_is_not_run_and_says_so(tmp_path):
    """A bar that nothing can meet rolls bitnet back; what is shipped is the model before it."""
    place = Workspace.open(tmp_path)
    forged = forge(place, plan(ALL, ["stages.bitnet.bars.kept=100"]), engine="inline")
    assert set(forged.rolled_back) == {"bitnet", "compression"}
    (reason,) = forged.rolled_back["compression"]
    assert "needs full, and" in reason
    evidence = place.catalog.evidence(forged.run_id, "compression.skipped")
    assert {item.state for item in evidence} == {State.NOT_RUN}
    assert load_model(forged.folder)[0].config.model_type == "cognate"
