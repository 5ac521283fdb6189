import json
import math

import pytest

from bloomery.core.errors import CapabilityMissing, UnknownName
from bloomery.core.evidence import Bar, Check, Measured, measure
from bloomery.core.report import report_data
from bloomery.core.run import Run
from bloomery.core.step import StepContext
from bloomery.core.workspace import Workspace

ACCURATE = Check(name="accurate", bar=Bar(op=">=", value=0.5))
SMALL = Check(name="small", bar=Bar(op="<", value=6.0), unit="GB")
FAST = Check(name="fast", bar=Bar(op="<", value=1.0), unit="ms", required=False)


def no_gpu() -> float:
    raise CapabilityMissing("no GPU")


def base(context: StepContext) -> None:
    (context.output / "model").write_bytes(b"weights")
    (context.output / "words.txt").write_text("words")
    context.facts["parameters"] = 7
    for index, value in enumerate([2.0, 1.0, math.nan]):
        context.metric("loss", value, index)


def judge(context: StepContext) -> None:
    (context.output / "scores").write_text("scores")
    context.evidence(measure(ACCURATE, lambda: Measured(value=0.75, interval=(0.6, 0.8), chance=0.1)))
    context.evidence(measure(SMALL, no_gpu))
    context.evidence(measure(FAST, lambda: math.inf))


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "workspace")


def forged(workspace):
    with Run.start(workspace, recipe="small", config={"a": {"b": 1}}, seed=3) as run:
        model = run.step("base", base).outputs["model"]
        run.step("judge", judge, inputs={"model": model})
    return run.id


def test_a_report_is_strict_json_and_reads_back(workspace):
    data = report_data(workspace.catalog, forged(workspace))
    assert json.loads(json.dumps(data, allow_nan=False))["config"] == {"a": {"b": 1}}


def test_a_report_counts_three_states_and_lists_what_is_required_and_not_passed(workspace):
    summary = report_data(workspace.catalog, forged(workspace))["summary"]
    assert summary["evidence"] == {"passed": 1, "failed": 1, "not_run": 1}
    assert [item["check"] for item in summary["unmet"]] == ["small"]
    assert summary["steps"] == {"done": 2}


def test_each_evidence_names_its_run_and_step(workspace):
    run_id = forged(workspace)
    steps = report_data(workspace.catalog, run_id)["steps"]
    assert {(e["run"], e["step"]) for step in steps for e in step["evidence"]} == {(run_id, "judge")}


def test_what_is_not_finite_is_null(workspace):
    data = report_data(workspace.catalog, forged(workspace))
    assert data["steps"][0]["metrics"] == {"loss": [(0, 2.0), (1, 1.0), (2, None)]}
    assert [e["measured"] for e in data["steps"][1]["evidence"]] == [0.75, None, None]


def test_artifacts_come_with_their_parents_before_them(workspace):
    artifacts = report_data(workspace.catalog, forged(workspace))["artifacts"]
    by_name = {item["name"]: item for item in artifacts}
    assert by_name["scores"]["parents"] == [by_name["model"]["cid"]]
    assert artifacts.index(by_name["model"]) < artifacts.index(by_name["scores"])
    assert by_name["model"]["facts"] == {"parameters": 7}
    assert all(item["of_this_run"] for item in artifacts)


def test_an_ancestor_from_outside_the_run_is_shown_as_such(workspace):
    forged(workspace)
    with Run.start(workspace, recipe="other", config={}, seed=0) as run:
        cid = workspace.catalog.artifacts("model")[0].cid
        run.step("judge", judge, inputs={"model": cid})
    artifacts = report_data(workspace.catalog, run.id)["artifacts"]
    assert [(item["name"], item["of_this_run"]) for item in artifacts] == [("model", False), ("scores", True)]


def test_time_that_was_remembered_is_not_counted_as_measured(workspace):
    forged(workspace)
    summary = report_data(workspace.catalog, forged(workspace))["summary"]
    assert (summary["steps"], summary["measured_s"]) == ({"memoized": 2}, 0)


def test_a_step_that_a_dead_run_left_running_is_unfinished(workspace):
    def interrupted(context: StepContext) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Run.start(workspace, recipe="r", config={}, seed=0) as run:
        run.step("half", interrupted)
    data = report_data(workspace.catalog, run.id)
    assert (data["run"]["status"], data["steps"][0]["status"]) == ("killed", "unfinished")


def test_an_unknown_run_is_refused(workspace):
    with pytest.raises(UnknownName):
        report_data(workspace.catalog, "nothing")
