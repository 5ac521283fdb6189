"""bloomery forge, on a finished run."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.forged import RECIPE

ALWAYS = {"by_stage", "run", "status", "steps", "evidence", "model", "folder", "report"}


def test_status_shows_each_step_and_what_was_measured(bloomery, forged_workspace):
    said = bloomery("forge", "status", "-w", forged_workspace)
    assert said.code == 0
    assert "cognate.adaptive_computation  done" in said.out
    assert re.search(r"parameters, at most +passed +7,852 parameters", said.out)
    assert "\ncognate\n" in said.out
    assert "\nship\n" in said.out


@pytest.mark.parametrize("columns", ["80", "100"])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(
    bloomery, forged_workspace, monkeypatch, columns
):
    whole = bloomery("forge", "status", "-w", forged_workspace).out
    monkeypatch.setenv("COLUMNS", columns)
    fitted = bloomery("forge", "status", "-w", forged_workspace).out
    tables = fitted.partition("\nmodel ")[0]
    assert max(map(len, tables.splitlines())) <= int(columns)
    assert set(fitted.split()) == set(whole.split())


def test_status_as_json_has_every_part_and_nothing_beside_it(bloomery, forged_workspace):
    said = bloomery("forge", "status", "-w", forged_workspace, "--json")
    card = json.loads(said.out)
    assert set(card) == ALWAYS
    assert card["status"] == "done"
    assert card["steps"][0]["name"] == "cognate.tokenizer"
    assert card["model"] in [cid for step in card["steps"] for cid in step["outputs"].values()]
    assert said.err == ""


def test_a_run_again_remembers_everything_and_gives_the_same_model(bloomery, workspace):
    before = json.loads(bloomery("forge", "status", "-w", workspace, "--json").out)
    said = bloomery("forge", "run", RECIPE, "-w", workspace, "--json")
    after = json.loads(said.out)
    assert said.code == 0
    assert set(after) == ALWAYS
    assert after["model"] == before["model"]
    assert {step["status"] for step in after["steps"]} == {"memoized"}
    assert "ship remembered | 100% of all" in said.err


def test_a_run_for_people_ends_with_the_model_its_cid_and_the_report(bloomery, workspace):
    said = bloomery("forge", "run", RECIPE, "-w", workspace)
    model, cid, report = said.out.strip().splitlines()[-3:]
    assert model.split()[1].endswith("/model")
    assert cid.split()[1].startswith("bafy")
    assert report.split()[1].endswith("report.html")


def test_a_failed_gate_is_exit_code_1_and_shows_what_was_measured(bloomery, workspace):
    low = "stages.cognate.bars.parameters_high=10"
    said = bloomery("forge", "run", RECIPE, "-w", workspace, "--set", low, "--json")
    card = json.loads(said.out)
    assert said.code == 1
    assert card["status"] == "failed"
    assert [one["check"] for one in card["evidence"] if one["state"] == "failed" and one["required"]] == [
        "parameters, at most"
    ]
    assert said.err.splitlines()[-1].startswith("error: stage 'cognate' did not pass its gate")


def test_a_paused_run_is_exit_code_0_and_says_how_to_go_on(bloomery, workspace, monkeypatch):
    from bloomery.core.run import Run

    monkeypatch.setattr(Run, "stop_requested", lambda self: True)
    said = bloomery("forge", "run", RECIPE, "-w", workspace, "--set", "seed=5")
    status = json.loads(bloomery("forge", "status", "-w", workspace, "--json").out)
    assert said.code == 0
    assert status["status"] == "paused"
    assert f"`bloomery forge resume {status['run']['run_id']} -w {workspace}`" in said.err
    assert "error" not in said.err


def test_a_paused_run_resumes_by_the_beginning_of_its_id_and_keeps_it(bloomery, workspace):
    from bloomery.core.workspace import Workspace

    run_id = json.loads(bloomery("forge", "status", "-w", workspace, "--json").out)["run"]["run_id"]
    Workspace.open(workspace).catalog.finish_run(run_id, "paused")
    said = bloomery("forge", "resume", run_id[:12], "-w", workspace, "--json")
    assert said.code == 0
    assert json.loads(said.out)["run"]["run_id"] == run_id
    assert json.loads(said.out)["status"] == "done"


def test_pausing_what_does_not_run_is_the_callers_mistake(bloomery, workspace):
    said = bloomery("forge", "pause", "-w", workspace)
    assert said.code == 2
    assert "is done, not running" in said.err


def test_pausing_a_running_run_leaves_it_a_note(bloomery, workspace):
    from bloomery.core.workspace import Workspace

    opened = Workspace.open(workspace)
    run_id = opened.catalog.runs()[0].run_id
    with opened.lock("run of tiny"):
        opened.catalog.start_run(run_id, recipe="tiny", config={}, seed=1, environment={})
        said = bloomery("forge", "pause", "-w", workspace, "--json")
    assert json.loads(said.out) == {"run_id": run_id, "requested": "pause"}
    assert (opened.runs / run_id / "pause").exists()


def test_a_run_whose_process_is_gone_is_shown_as_killed_and_not_paused(bloomery, workspace):
    from bloomery.core.workspace import Workspace

    opened = Workspace.open(workspace)
    run_id = opened.catalog.runs()[0].run_id
    opened.catalog.start_run(run_id, recipe="tiny", config={}, seed=1, environment={})
    (opened.root / "locks" / "run.lock").write_text('{"pid": 4194999, "purpose": "run of tiny"}')
    assert "status   killed" in bloomery("forge", "status", "-w", workspace).out
    said = bloomery("forge", "pause", "-w", workspace)
    assert (said.code, "`bloomery forge resume` goes on" in said.err) == (2, True)


def test_stages_prints_the_contract_and_every_field_of_the_config(bloomery):
    said = bloomery("forge", "stages", "--json")
    stage = json.loads(said.out)[0]
    assert stage["name"] == "cognate"
    assert {"model", "base", "claims"} <= set(stage["outputs"])
    assert stage["config"]["base.muon_grokfast.lr"] == "learning rate"
    table = " ".join(bloomery("forge", "stages").out.split())
    assert "base.muon_grokfast.lr learning rate" in table
    assert "accuracy kept in all >= 0.84 of the accuracy gate bars.kept_in_all mean accuracy over" in table
    assert "exam.test 256 examples a task" in table


def test_stages_prints_every_check_with_its_bar_and_what_it_decides(bloomery):
    told = {stage["name"]: stage["checks"] for stage in json.loads(bloomery("forge", "stages", "--json").out)}
    smaller = told["compression"]["times smaller than fp32"]
    assert (smaller["comparison"], smaller["default"], smaller["unit"]) == (">=", 14.0, "times")
    assert (smaller["setting"], smaller["decides"]) == ("bars.smaller", "gate")
    assert told["compression"]["latency"]["decides"] == "report"


def test_report_writes_the_page_again_and_prints_its_path(bloomery, workspace):
    run_id = json.loads(bloomery("forge", "status", "-w", workspace, "--json").out)["run"]["run_id"]
    page = workspace / "runs" / run_id / "report.html"
    page.unlink()
    said = bloomery("forge", "report", "-w", workspace)
    assert said.out.strip() == str(page)
    assert "parameters, at most" in page.read_text()


def test_report_as_json_is_the_report_itself(bloomery, forged_workspace):
    data = json.loads(bloomery("forge", "report", "-w", forged_workspace, "--json").out)
    assert data["run"]["recipe"] == "tiny"


def test_an_estimate_counts_every_training_and_forges_nothing(bloomery, tmp_path):
    said = bloomery("forge", "run", RECIPE, "-w", tmp_path / "none", "--estimate", "--json")
    parts = {one["part"]: one for one in json.loads(said.out)["stages"]["cognate"]}
    assert parts["base"]["steps"] == 12
    assert set(parts) == {"base", "reasoning", "memory_integration", "adaptive_computation"}
    assert parts["base"]["tokens"] == 12 * 4 * 32
    assert not (tmp_path / "none").exists()


def _heed_ctrl_c():
    """A shell starts background jobs with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "code", "says", "status"),
    [
        (signal.SIGTERM, 0, "`bloomery forge resume", "paused"),
        (signal.SIGINT, 130, "stopped; the same command goes on", "killed"),
    ],
)
def test_a_signal_stops_a_run_that_then_goes_on(bloomery, workspace, sent, code, says, status):
    longer = ["--set", "stages.cognate.base.steps=5000", "--set", "stages.cognate.base.train.report_every=1"]
    command = [sys.executable, "-m", "bloomery", "forge", "run", RECIPE, "-w", str(workspace), *longer]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, preexec_fn=_heed_ctrl_c
    )
    deadline = time.monotonic() + 60
    while not list(workspace.glob("runs/*/checkpoints/*/checkpoint/step-*")):
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.1)
    child.send_signal(sent)
    said = child.communicate()[1]
    assert child.returncode == code, said
    assert says in said.splitlines()[-1]
    assert json.loads(bloomery("forge", "status", "-w", workspace, "--json").out)["status"] == status
    (checkpoint,) = {path.parent for path in workspace.glob("runs/*/checkpoints/*/checkpoint/step-*")}
    assert any(checkpoint.iterdir())


def test_runs_are_listed_with_their_stages_and_the_model_that_was_shipped(bloomery, forged_workspace):
    (card,) = json.loads(bloomery("forge", "list", "-w", forged_workspace, "--json").out)
    assert set(card) == ALWAYS
    said = bloomery("forge", "list", "-w", forged_workspace)
    assert said.code == 0
    assert re.search(rf"{card['run']['run_id']}  tiny +1  done .* cognate +{card['model'][:14]}", said.out)


def test_going_back_to_a_stage_ships_what_it_gave_and_computes_nothing(bloomery, workspace):
    before = json.loads(bloomery("forge", "status", "-w", workspace, "--json").out)
    back = json.loads(bloomery("forge", "rollback", "--to", "cognate", "-w", workspace, "--json").out)
    assert back["model"] == before["model"]  # the recipe's only stage
    assert {step["status"] for step in back["steps"]} == {"memoized"}
    compared = json.loads(
        bloomery(
            "forge", "compare", before["run"]["run_id"], back["run"]["run_id"], "-w", workspace, "--json"
        ).out
    )
    assert compared["settings"] == {back["run"]["run_id"]: []}
    said = bloomery("forge", "compare", before["run"]["run_id"], back["run"]["run_id"], "-w", workspace)
    assert "the same settings" in said.out
    assert re.search(r"cognate: leak from the future +0 +0", said.out)


def test_a_stage_that_the_run_does_not_have_is_named(bloomery, workspace):
    said = bloomery("forge", "rollback", "--to", "bitnet", "-w", workspace)
    assert (said.code, said.out) == (2, "")
    assert "unknown stage of this recipe 'bitnet'; known: cognate" in said.err
