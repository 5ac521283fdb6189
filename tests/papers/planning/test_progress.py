"""Progress is what the checker found; boxes follow it."""

import pytest

from bloomery.core.errors import UnknownName
from bloomery.papers.planning import asked, plan, progress, render
from bloomery.papers.planning.judged import STATES


def task_of(made, kind, equation):
    return next(task for task in made.tasks if task.kind == kind and task.equations == (equation,))


def test_without_statuses_every_box_is_open(papers):
    text = render(plan(papers))
    assert text.count("[ ]") > 100
    assert "[x]" not in text


def test_with_all_that_can_be_stated_every_box_is_ticked(papers):
    made = plan(papers)
    text = render(made, dict.fromkeys(asked(made), "mutation-tested"))
    assert "[ ]" not in text
    assert f"**Progress:** {len(made.tasks)} of {len(made.tasks)} tasks done" in text


@pytest.mark.parametrize("state", STATES)
def test_a_test_is_written_once_it_can_fail_and_code_is_done_once_it_passes(papers, state):
    made = plan(papers)
    found = progress(made, {"delta:4": state})
    written, coded = (task_of(made, kind, "delta:4").id for kind in ("equation test", "equation"))
    assert (written in found.done) == (state in ("failing", "passing", "mutation-tested"))
    assert (coded in found.done) == (state in ("passing", "mutation-tested"))


def test_what_is_stated_twice_counts_by_the_worse(papers):
    made = plan(papers)
    task = task_of(made, "equation", "delta:4")
    assert task.id in progress(made, {"delta:4": "passing", task.passes: "passing"}).done
    assert task.id not in progress(made, {"delta:4": "passing", task.passes: "skipped"}).done
    assert task.id not in progress(made, {"delta:4": "passing", task.file: "missing"}).done


def test_code_without_its_test_is_not_done(papers):
    made = plan(papers)
    task = task_of(made, "equation", "delta:4")
    assert task.id not in progress(made, {task.file: "passing"}).done


def test_a_mutation_goal_needs_more_than_passing(papers):
    made = plan(papers)
    equations = [part.id for part in made.of_kind("equation")]
    line = "Each equation's test kills a planted sign, index or decay mutation"
    assert f"- [ ] {line}" in render(made, dict.fromkeys(equations, "passing"))
    assert f"- [x] {line}" in render(made, dict.fromkeys(equations, "mutation-tested"))


def test_one_open_equation_keeps_its_level_open(papers):
    made = plan(papers)
    states = {part.id: "passing" for part in made.parts}
    assert "- [x] All tests of level 1 pass" in render(made, states)
    assert {part.id for part in made.parts if part.level == 1} == {"spring:3", "spring:9a"}
    assert "- [ ] All tests of level 1 pass" in render(made, states | {"spring:9a": "failing"})


def test_what_the_plan_does_not_know_changes_nothing(papers):
    made = plan(papers)
    assert not progress(made, {"lake:1": "passing", "src/else.py": "passing"}).done


def test_a_state_is_a_known_one(papers):
    with pytest.raises(UnknownName, match="passing"):
        progress(plan(papers), {"delta:4": "passed"})


def test_nothing_is_asked_of_what_the_intent_leaves_out(papers):
    training = "gate training 100 steps"
    assert training in asked(plan(papers, "full"))
    assert training not in asked(plan(papers, "validate"))
