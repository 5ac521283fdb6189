"""bloomery models, on a forged workspace."""

import json

import pytest
import torch


@pytest.fixture
def models(bloomery, forged_workspace):
    return json.loads(bloomery("models", "list", "-w", forged_workspace, "--json").out)


def test_the_list_has_every_model_with_its_size_in_words(bloomery, forged_workspace, models):
    said = bloomery("models", "list", "-w", forged_workspace)
    assert [one["step"] for one in models] == [
        "cognate.base",
        "cognate.reasoning",
        "cognate.memory_integration",
        "cognate.adaptive_computation",
        "ship",
    ]
    for one in models:
        assert one["cid"][:14] in said.out
        assert one["cid"] not in said.out
    assert "7,852" in said.out
    assert " kB" in said.out


def test_wide_shows_whole_cids_and_runs(bloomery, forged_workspace, models):
    said = bloomery("models", "list", "-w", forged_workspace, "--wide")
    assert all(one["cid"] in said.out and one["run_id"] in said.out for one in models)


def test_the_list_fits_80_columns(bloomery, forged_workspace, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = bloomery("models", "list", "-w", forged_workspace)
    assert max(map(len, said.out.splitlines())) <= 80


def test_a_shown_model_has_the_evidence_of_the_model_whose_folder_it_is(bloomery, forged_workspace, models):
    shipped = models[-1]
    card = json.loads(bloomery("models", "show", shipped["cid"][:14], "-w", forged_workspace, "--json").out)
    assert card["artifact"]["cid"] == shipped["cid"]
    assert {"parameters, at most", "loads in plain transformers"} <= {
        one["check"] for one in card["evidence"]
    }
    assert card["in_store"] is True
    said = bloomery("models", "show", "ship", "-w", forged_workspace)
    assert "<- base (step cognate.base" in said.out


def test_compare_puts_what_was_measured_side_by_side(bloomery, forged_workspace):
    both = ("cognate.base", "ship")
    found = json.loads(bloomery("models", "compare", *both, "-w", forged_workspace, "--json").out)
    assert found["recorded"]["parameters"] == {"cognate.base": 7852, "ship": 7852}
    assert set(found["recorded"]["selection: parity"]) == {"cognate.base"}
    assert set(found["measured"]) == {"parameters", "weights on disk", "latency, ms"}
    said = bloomery("models", "compare", *both, "-w", forged_workspace)
    assert said.out.startswith("A  cognate.base\nB  ship\n")
    assert "measured now" in said.out
    assert "what was recorded" in said.out


def test_an_exported_model_is_the_forged_one_in_plain_transformers(bloomery, forged_workspace, tmp_path):
    from transformers import AutoModelForCausalLM

    from bloomery.core.cid import cid_of_path

    said = bloomery("models", "export", "ship", tmp_path / "out" / "model", "-w", forged_workspace, "--json")
    folder = tmp_path / "out" / "model"
    assert json.loads(said.out) == {"folder": str(folder)}
    assert (
        cid_of_path(folder)
        == json.loads(bloomery("models", "show", "ship", "-w", forged_workspace, "--json").out)["artifact"][
            "cid"
        ]
    )
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert torch.isfinite(model(input_ids=torch.tensor([[1, 5, 6]]), use_cache=False).logits).all()


def test_an_export_overwrites_nothing(bloomery, forged_workspace, tmp_path):
    (tmp_path / "mine").mkdir()
    said = bloomery("models", "export", "ship", tmp_path / "mine", "-w", forged_workspace)
    assert (said.code, said.out) == (2, "")
    assert "exists" in said.err


def test_a_removed_model_is_gone_from_the_store_and_its_history_stays(bloomery, workspace):
    said = bloomery("models", "rm", "ship", "--yes", "-w", workspace, "--json")
    removed = json.loads(said.out)["cid"]
    card = json.loads(bloomery("models", "show", "ship", "-w", workspace, "--json").out)
    assert said.code == 0
    assert (card["artifact"]["cid"], card["in_store"]) == (removed, False)
    assert "removed" in bloomery("models", "list", "-w", workspace).out
    assert not list(workspace.glob("runs/*/model"))


def test_nothing_is_removed_where_nobody_can_answer(bloomery, workspace):
    said = bloomery("models", "rm", "ship", "-w", workspace)
    card = json.loads(bloomery("models", "show", "ship", "-w", workspace, "--json").out)
    assert (said.code, said.out, card["in_store"]) == (2, "", True)
    assert "--yes" in said.err


def test_an_unknown_model_gets_the_nearest_name(bloomery, forged_workspace):
    said = bloomery("models", "show", "cognate.bse", "-w", forged_workspace)
    assert said.code == 2
    assert said.err == "error: unknown model 'cognate.bse'; did you mean 'cognate.base'?\n"


def test_a_beginning_that_fits_several_models_is_refused(bloomery, forged_workspace):
    said = bloomery("models", "show", "bafybei", "-w", forged_workspace)
    assert said.code == 2
    assert "write more of it" in said.err
