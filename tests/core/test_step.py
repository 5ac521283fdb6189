import functools
from dataclasses import dataclass
from pathlib import Path

import pytest

from bloomery.core import machine, step, tar
from bloomery.core.bound import named
from bloomery.core.closure import Deferred
from bloomery.core.evidence import Bar, Check, measure
from bloomery.core.step import Journal, MetricRow, StepContext, step_key

CHECK = Check(name="sound", bar=Bar(op=">=", value=1.0))


def work(context: StepContext) -> None:
    context.metric("loss", 0.5, 1)


def make(tmp_path: Path, **values) -> StepContext:
    return StepContext(output=tmp_path / "output", checkpoint=tmp_path / "checkpoint", **values)


KEY = functools.partial(step_key, "step", work, config={"a": 1}, inputs={"x": "bafy1"}, seed=7)


def test_a_key_is_the_same_for_the_same_work():
    assert KEY() == step_key("step", work, config={"a": 1}, inputs={"x": "bafy1"}, seed=7)


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"a": 2}},
        {"config": {"a": 1.5}},
        {"config": None},
        {"inputs": {"x": "bafy2"}},
        {"inputs": {"y": "bafy1"}},
        {"seed": 8},
    ],
)
def test_a_key_differs_with_each_thing_that_a_result_may_depend_on(change):
    assert KEY(**change) != KEY()


def test_a_key_differs_with_the_name_of_the_step():
    assert step_key("other", work, config={"a": 1}, inputs={"x": "bafy1"}, seed=7) != KEY()


@pytest.mark.parametrize(("name", "value"), [("threads", 61), ("processor", "another")])
def test_a_key_differs_with_threads_and_processor(monkeypatch, name, value):
    before = KEY()
    monkeypatch.setattr(machine, name, lambda: value)
    assert KEY() != before


def test_a_key_differs_with_the_code(monkeypatch):
    before = KEY()
    monkeypatch.setattr(step, "code_version", lambda function: "edited")
    assert KEY() != before


def other_work(context: StepContext) -> None:
    """Of the same module, so of the same sources."""


def more_or_less(amount: int, context: StepContext) -> None:
    context.metric("amount", amount, 1)


def closed_over(amount: object):
    def work_on(context: StepContext) -> None:
        context.facts["amount"] = amount

    return work_on


@dataclass(frozen=True)
class Worker:
    amount: int

    def work(self, context: StepContext) -> None:
        context.metric("amount", self.amount, 1)


DIFFERENT = {
    "function": (work, other_work),
    "deferred": (Deferred("bloomery.core.tar", "add"), Deferred("bloomery.core.tar", "extract")),
    "argument": (functools.partial(more_or_less, 1), functools.partial(more_or_less, 2)),
    "keyword": (functools.partial(more_or_less, amount=1), functools.partial(more_or_less, amount=2)),
    "nested": (functools.partial(more_or_less, {"a": [1]}), functools.partial(more_or_less, {"a": [2]})),
    "kind": (functools.partial(more_or_less, 1), functools.partial(more_or_less, "1")),
    "closure": (closed_over(1), closed_over(2)),
    "inner function": (closed_over(work), closed_over(other_work)),
    "method": (Worker(1).work, Worker(2).work),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_a_key_differs_with_the_function_and_with_what_is_bound_into_it(pair):
    one, other = (step_key("step", function) for function in pair)
    assert one != other


def test_a_key_does_not_change_with_what_a_step_notes_or_with_how_it_is_named():
    notes: list[int] = []
    before = step_key("step", closed_over(notes))
    notes.append(1)
    assert step_key("step", closed_over(notes)) == before
    assert named(Deferred("bloomery.core.tar", "add")) == named(tar.add)


def test_a_function_that_calls_itself_has_a_key():
    def again(context: StepContext) -> None:
        again(context)

    assert step_key("step", again) == step_key("step", again)


def test_the_order_of_a_configs_keys_does_not_enter_the_key():
    assert KEY(config={"a": 1, "b": 2}) == KEY(config={"b": 2, "a": 1})


def test_a_context_records_metrics_and_evidence_without_a_run(tmp_path):
    context = make(tmp_path)
    work(context)
    context.evidence(measure(CHECK, lambda: 1.0))
    assert context.journal.metrics == [MetricRow("loss", 1, 0.5)]
    assert [item.check for item in context.journal.evidence] == ["sound"]
    assert not context.stop_requested()


def test_progress_reaches_whoever_watches(tmp_path):
    seen = []
    context = make(tmp_path, watch=lambda *arguments: seen.append(arguments))
    context.progress(3, 10, "training")
    assert seen == [(3, 10, "training")]


def test_a_journal_survives_its_process(tmp_path):
    first = Journal(tmp_path / "journal")
    first.add_metric("loss", 0.5, 1)
    first.add_evidence(measure(CHECK, lambda: 1.0))
    second = Journal(tmp_path / "journal")
    assert (second.metrics, second.evidence) == (first.metrics, first.evidence)


def test_a_line_that_a_kill_cut_off_costs_only_itself(tmp_path):
    path = tmp_path / "journal"
    Journal(path).add_metric("loss", 0.5, 1)
    Journal(path).add_metric("loss", 0.4, 2)
    path.write_bytes(path.read_bytes()[:-5])
    resumed = Journal(path)
    assert resumed.metrics == [MetricRow("loss", 1, 0.5)]
    resumed.add_metric("loss", 0.3, 2)
    assert Journal(path).metrics == [MetricRow("loss", 1, 0.5), MetricRow("loss", 2, 0.3)]


def test_the_last_word_on_a_metric_or_a_check_counts(tmp_path):
    journal = Journal(tmp_path / "journal")
    for value in (0.0, 1.0):
        journal.add_metric("loss", value, 1)
        journal.add_evidence(measure(CHECK, lambda value=value: value, inputs=["bafy1"]))
    journal.add_evidence(measure(CHECK, lambda: 3.0, inputs=["bafy2"]))
    for read in (journal, Journal(tmp_path / "journal")):
        assert read.metrics == [MetricRow("loss", 1, 1.0)]
        assert [item.measured for item in read.evidence] == [1.0, 3.0]
