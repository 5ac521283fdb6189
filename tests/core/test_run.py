import json
import os
import signal
import stat
from dataclasses import dataclass

import pytest
import yaml

from bloomery.core.errors import ConfigError, Failure, StepFailed, UnknownName, UserError, WorkspaceBusy
from bloomery.core.evidence import Bar, Check, measure
from bloomery.core.run import Run, request_pause
from bloomery.core.step import Paused, StepContext
from bloomery.core.workspace import Workspace

ACCURATE = Check(name="accurate", bar=Bar(op=">=", value=0.5))
CALLS: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Words:
    words: tuple[str, ...] = ("ore", "iron")


@pytest.fixture(autouse=True)
def _no_calls():
    CALLS.clear()


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "workspace")


def smelt(context: StepContext) -> None:
    CALLS.append("smelt")
    (context.output / "bloom.txt").write_text(" ".join(context.config["words"]) + f" {context.seed}")
    (context.output / "slag").mkdir()
    (context.output / "slag" / "rest.txt").write_text("rest")
    context.metric("heat", 1200.0, 1)
    context.evidence(measure(ACCURATE, lambda: 0.75))
    context.facts["weight"] = 3


def hammer(context: StepContext) -> None:
    CALLS.append("hammer")
    (context.output / "bar").write_text(context.inputs["bloom"].read_text().upper())


def fails(context: StepContext) -> None:
    (context.checkpoint / "half").write_text("half")
    raise ZeroDivisionError("no air")


def start(workspace, seed=7, **config):
    return Run.start(workspace, recipe="small", config={"words": ["ore"], **config}, seed=seed)


def forge(run):
    bloom = run.step("smelt", smelt, config=run.config)
    return bloom, run.step("hammer", hammer, inputs={"bloom": bloom.outputs["bloom"]})


def test_steps_pass_artifacts_on_and_the_catalog_has_it_all(workspace):
    with start(workspace) as run:
        bloom, bar = forge(run)
    assert workspace.store.read(bar.outputs["bar"]) == b"ORE 7"
    assert set(bloom.outputs) == {"bloom", "slag"}
    steps = workspace.catalog.steps(run.id)
    assert [(s.name, s.status, dict(s.outputs)) for s in steps] == [
        ("smelt", "done", dict(bloom.outputs)),
        ("hammer", "done", dict(bar.outputs)),
    ]
    assert workspace.catalog.artifact(bar.outputs["bar"]).parents == (bloom.outputs["bloom"],)
    assert workspace.catalog.artifact(bloom.outputs["bloom"]).facts == {"weight": 3}
    assert [(m.name, m.index, m.value) for m in workspace.catalog.metrics(run.id)] == [("heat", 1, 1200.0)]
    assert workspace.catalog.evidence(run.id, "smelt") == list(bloom.evidence)
    assert workspace.catalog.run(run.id).status == "done"


def test_a_second_run_computes_nothing_and_shows_what_the_first_measured(workspace):
    with start(workspace) as first:
        before = forge(first)
    with start(workspace) as second:
        after = forge(second)
    assert CALLS == ["smelt", "hammer"]
    assert second.id != first.id
    assert [r.outputs for r in after] == [r.outputs for r in before]
    assert all(r.memoized and first.id in r.note for r in after)
    assert [s.status for s in workspace.catalog.steps(second.id)] == ["memoized", "memoized"]
    assert [m.value for m in workspace.catalog.metrics(second.id)] == [1200.0]
    assert workspace.catalog.evidence(second.id) == workspace.catalog.evidence(first.id)


def test_only_what_depends_on_a_change_is_computed_again(workspace):
    with start(workspace) as run:
        forge(run)
        run.step("hammer", hammer, inputs={"bloom": workspace.store.put_bytes(b"other")})
    assert CALLS == ["smelt", "hammer", "hammer"]


def test_a_config_may_be_a_dataclass_and_reaches_the_step_as_it_is(workspace):
    seen = []
    with start(workspace) as run:
        run.step("look", lambda context: seen.append((context.config, context.seed)), config=Words(), seed=3)
    assert seen == [(Words(), 3)]


def test_the_effective_config_and_the_environment_are_saved(workspace):
    with start(workspace) as run:
        pass
    saved = yaml.safe_load((run.folder / "config.yaml").read_text())
    assert saved == {"recipe": "small", "seed": 7, "config": {"words": ["ore"]}}
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment == workspace.catalog.run(run.id).environment
    assert environment["packages"]["numpy"]


def test_a_lost_artifact_is_computed_again_with_a_note(workspace):
    with start(workspace) as run:
        bloom, _ = forge(run)
    workspace.store.remove(bloom.outputs["bloom"])
    with start(workspace) as again:
        after, bar = forge(again)
    assert CALLS == ["smelt", "hammer", "smelt"]
    assert after.outputs == bloom.outputs
    assert "computed again: bloom (step smelt" in after.note
    assert bar.memoized
    assert workspace.catalog.steps(again.id)[0].reason == after.note


def test_a_damaged_artifact_is_computed_again_and_replaced(workspace):
    with start(workspace) as run:
        bloom, _ = forge(run)
    damaged = workspace.store.path(bloom.outputs["bloom"])
    damaged.chmod(damaged.stat().st_mode | stat.S_IWUSR)
    damaged.write_bytes(b"tampered with")
    with start(workspace) as again:
        after, _ = forge(again)
    assert CALLS == ["smelt", "hammer", "smelt"]
    assert not after.memoized
    assert "bloom" in after.note
    assert workspace.store.read(bloom.outputs["bloom"]) == b"ore 7"


def test_an_exception_in_a_step_names_the_step_and_keeps_its_checkpoint(workspace):
    def go_on(context: StepContext) -> None:
        fails(context)

    with (
        pytest.raises(StepFailed, match=r"step 'fails' raised ZeroDivisionError: no air"),
        start(workspace) as run,
    ):
        run.step("fails", go_on)
    record = workspace.catalog.steps(run.id)[0]
    assert (record.status, record.reason) == ("failed", "ZeroDivisionError: no air")
    assert workspace.catalog.run(run.id).status == "failed"
    assert "no air" in (run.folder / "log.jsonl").read_text()
    assert [path.read_text() for path in run.folder.glob("checkpoints/*/checkpoint/half")] == ["half"]


def test_a_users_mistake_in_a_step_stays_a_users_mistake(workspace):
    def mistaken(context: StepContext) -> None:
        raise ConfigError("'words' is empty: write one")

    with pytest.raises(ConfigError, match="words"), start(workspace) as run:
        run.step("mistaken", mistaken)
    assert workspace.catalog.steps(run.id)[0].status == "failed"


def test_two_outputs_of_one_name_are_refused(workspace):
    def ambiguous(context: StepContext) -> None:
        (context.output / "a.txt").touch()
        (context.output / "a.json").touch()

    with pytest.raises(Failure, match="two outputs named 'a'"), start(workspace) as run:
        run.step("ambiguous", ambiguous)


def test_facts_that_are_no_plain_values_fail_the_step_before_it_counts(workspace):
    def odd(context: StepContext) -> None:
        context.facts["odd"] = object()

    with pytest.raises(StepFailed, match="JSON"), start(workspace) as run:
        run.step("odd", odd)


def test_a_failed_run_goes_on_under_its_id_where_it_was(workspace):
    run = start(workspace)
    forge(run)
    with pytest.raises(StepFailed), run:
        run.step("fails", fails)
    with start(workspace) as again:
        forge(again)
    assert again.id == run.id
    assert CALLS == ["smelt", "hammer"]
    assert [s.status for s in workspace.catalog.steps(run.id)[:2]] == ["done", "done"]


@pytest.mark.parametrize("change", [{"seed": 8}, {"words": ["tin"]}])
def test_a_run_of_another_config_or_seed_is_another_run(workspace, change):
    with pytest.raises(StepFailed), start(workspace) as run:
        run.step("fails", fails)
    with start(workspace, **change) as other:
        pass
    assert other.id != run.id


def test_resuming_with_another_config_is_refused_and_shows_the_difference(workspace):
    with start(workspace, depth=2) as run:
        pass
    with pytest.raises(ConfigError, match=r"depth: 2 -> 3; width: \(absent\) -> 1"):
        Run.resume(workspace, run.id, config={"words": ["ore"], "depth": 3, "width": 1})
    with Run.resume(workspace, run.id, config={"words": ["ore"], "depth": 2}) as same:
        assert same.config == {"words": ["ore"], "depth": 2}


def test_resuming_an_unknown_run_names_the_nearest(workspace):
    with start(workspace) as run:
        pass
    with pytest.raises(UnknownName, match=run.id):
        Run.resume(workspace, run.id[:-1])


def test_two_runs_in_one_workspace_at_once_are_refused(workspace):
    with start(workspace), pytest.raises(WorkspaceBusy, match=str(os.getpid())):
        start(workspace, seed=8)
    with start(workspace, seed=8) as run:
        assert run.seed == 8


def test_a_checkpoint_of_an_interrupted_step_is_found_again_and_removed_when_done(workspace):
    def counts(context: StepContext) -> None:
        saved = context.checkpoint / "count"
        count = int(saved.read_text()) if saved.exists() else 0
        (context.output / "junk").write_text("left by an attempt that did not finish")
        context.metric("count", count, count)
        if count < 3:
            saved.write_text(str(count + 1))
            raise KeyboardInterrupt
        (context.output / "junk").unlink()
        (context.output / "count").write_text(str(count))

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), start(workspace) as run:
            run.step("counts", counts)
        assert workspace.catalog.run(run.id).status == "killed"
    with start(workspace) as run:
        result = run.step("counts", counts)
    assert workspace.store.read(result.outputs["count"]) == b"3"
    assert set(result.outputs) == {"count"}
    assert "went on from a checkpoint" in result.note
    assert [m.value for m in workspace.catalog.metrics(run.id)] == [0.0, 1.0, 2.0, 3.0]
    assert not (run.folder / "checkpoints").exists()


def test_a_step_killed_before_its_first_checkpoint_measures_anew(workspace):
    attempts = []

    def measures_less_each_time(context: StepContext) -> None:
        attempts.append(1)
        for index in range(3 - len(attempts)):
            context.metric("heat", 1.0, index)
        if len(attempts) == 1:
            raise KeyboardInterrupt

    for _ in range(2):
        run = start(workspace)
        try:
            with run:
                run.step("measure", measures_less_each_time)
        except KeyboardInterrupt:
            continue
    assert [m.index for m in workspace.catalog.metrics(run.id)] == [0]


def test_what_a_finished_step_checkpointed_does_not_wait_for_the_end_of_the_run(workspace):
    def checkpoints(context: StepContext) -> None:
        (context.checkpoint / "large").write_text("large")

    with start(workspace) as run:
        run.step("checkpoints", checkpoints)
        assert list((run.folder / "checkpoints").iterdir()) == []


def test_a_run_leaves_the_handling_of_signals_as_it_was(workspace):
    before = signal.getsignal(signal.SIGTERM)
    with start(workspace):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_config_does_not_find_the_checkpoint(workspace):
    found = []

    def leaves_a_checkpoint(context: StepContext) -> None:
        found.append(sorted(path.name for path in context.checkpoint.iterdir()))
        (context.checkpoint / "state").write_text(str(context.config))
        raise Paused("enough")

    for config in (1, 2, 1):
        with pytest.raises(Paused), start(workspace) as run:
            run.step("leaves", leaves_a_checkpoint, config=config)
    assert found == [[], [], ["state"]]


def waits(context: StepContext) -> None:
    if context.stop_requested():
        raise Paused("at a checkpoint")


def test_sigterm_pauses_at_the_next_checkpoint(workspace):
    before = signal.getsignal(signal.SIGTERM)

    def is_told(context: StepContext) -> None:
        assert not context.stop_requested()
        signal.raise_signal(signal.SIGTERM)
        waits(context)

    with pytest.raises(Paused, match="at a checkpoint"), start(workspace) as run:
        run.step("is told", is_told)
    assert workspace.catalog.run(run.id).status == "paused"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_pause_file_stops_the_run_between_steps_and_a_resumed_run_goes_on(workspace):
    run = start(workspace)
    bloom = run.step("smelt", smelt, config=run.config)
    request_pause(workspace, run.id)
    assert run.step("smelt", smelt, config=run.config).memoized
    with pytest.raises(Paused, match="before step 'hammer'"), run:
        run.step("hammer", hammer, inputs={"bloom": bloom.outputs["bloom"]})
    assert workspace.catalog.run(run.id).status == "paused"
    with Run.resume(workspace, run.id) as again:
        forge(again)
    assert CALLS == ["smelt", "hammer"]
    assert workspace.catalog.run(run.id).status == "done"


def test_pausing_what_does_not_run_is_refused(workspace):
    with start(workspace) as run:
        pass
    with pytest.raises(UserError, match="done, not running"):
        request_pause(workspace, run.id)


def test_progress_names_its_step_and_says_when_it_begins_ends_or_was_remembered(workspace):
    seen = []
    with Run.start(workspace, recipe="r", config={}, seed=0, watch=lambda *event: seen.append(event)) as run:
        for _ in range(2):
            run.step("slow", lambda context: context.progress(1, 2, "half"))
    computed = [("slow", 0, 0, ""), ("slow", 1, 2, "half"), ("slow", 1, 1, "done")]
    assert seen == [*computed, ("slow", 1, 1, "remembered")]


def test_a_result_that_a_gate_refused_is_shown_as_rolled_back_and_not_computed_again(workspace):
    with start(workspace) as run:
        bloom, _ = forge(run)
        refused = run.roll_back(bloom, "accurate: measured 0.4, >= 0.5 is required")
    assert (refused.status, refused.note) == ("rolled_back", "accurate: measured 0.4, >= 0.5 is required")
    assert workspace.catalog.steps(run.id)[0].status == "rolled_back"
    with start(workspace) as again:
        after = again.step("smelt", smelt, config=again.config)
    assert after.outputs == bloom.outputs
    assert CALLS == ["smelt", "hammer"]


def measures(context: StepContext) -> None:
    context.evidence(measure(ACCURATE, lambda: 0.75, inputs=[context.config["of"]]))
    for index in range(context.config["points"]):
        context.metric("heat", float(context.config["points"]), index)


def test_a_step_that_changed_before_its_run_was_resumed_shows_only_what_it_measures_now(workspace):
    run = start(workspace)
    run.step("measure", measures, config={"of": "older", "points": 3})
    with pytest.raises(StepFailed), run:
        run.step("fails", fails)
    with start(workspace) as again:
        now = again.step("measure", measures, config={"of": "newer", "points": 2})
    assert again.id == run.id
    assert workspace.catalog.evidence(run.id, "measure") == list(now.evidence)
    assert [(m.index, m.value) for m in workspace.catalog.metrics(run.id)] == [(0, 2.0), (1, 2.0)]


def test_a_number_is_traced_to_the_run_that_measured_it_not_to_one_that_remembered_it(workspace):
    first = start(workspace)
    first.step("smelt", smelt, config=first.config)
    with pytest.raises(StepFailed), first:
        first.step("fails", fails)
    for _ in range(2):
        with start(workspace, seed=8) as other:
            result = other.step("smelt", smelt, config=other.config, seed=7)
        assert result.note == workspace.catalog.steps(other.id)[0].reason == f"remembered from run {first.id}"
    with start(workspace) as resumed:
        resumed.step("smelt", smelt, config=resumed.config)
    assert resumed.id == first.id
    assert workspace.catalog.steps(first.id)[0].status == "done"
    workspace.catalog.delete_run(first.id)
    with start(workspace, seed=9) as last:
        assert last.step("smelt", smelt, config=last.config, seed=7).note == f"remembered from run {first.id}"
