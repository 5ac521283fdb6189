"""What is wrong in the contexts is said, and the rest is planned."""

from dataclasses import replace

import pytest

from bloomery.core.errors import UserError
from bloomery.papers.context import Context, Equation, Reference
from bloomery.papers.markdown import write
from bloomery.papers.planning import diagnostics, parse, plan, render, run


def eq(number: str, paper: str = "") -> Reference:
    return Reference("equation", number, paper)


def circular() -> Context:
    return Context(
        "ring",
        equations=(
            Equation("1", "First", requires=(eq("2"),), used_by=(eq("2"),)),
            Equation("2", "Second", requires=(eq("1"),), used_by=(eq("1"),)),
            Equation("3", "Third", requires=(eq("2"), eq("99"), eq("1", "nowhere"))),
        ),
    )


def codes(made) -> dict[str, str]:
    return {one.code: one.text for one in made.findings}


def test_cycles_dangling_and_one_sided_edges_are_reported_and_the_rest_planned():
    made = plan([circular()])
    found = codes(made)
    assert found["cycle"] == "a cycle, each needed by the next: ring:1 -> ring:2 -> ring:1"
    assert found["dangling"] == "ring:3 names Eq 99 (requires), which is not there"
    assert "no context of that paper" in found["paper-unknown"]
    assert found["one-sided"] == "ring:3 says that ring:2 is used by it"
    assert {part.id: part.level for part in made.parts} == {"ring:1": 1, "ring:2": 1, "ring:3": 2}
    text = render(made)
    table = text[text.index("## 8. FINDINGS") : text.index("## METADATA")]
    assert all(one.text in table and one.remedy in table for one in made.findings)
    assert any("stands on 2 things that no context describes" in risk.risk for risk in made.risks)
    assert parse(text) == made


def test_in_a_cycle_no_task_waits_for_a_later_one():
    place = {task.id: at for at, task in enumerate(plan([circular()]).tasks)}
    assert all(place[need] < place[task.id] for task in plan([circular()]).tasks for need in task.needs)


def test_findings_in_papers_that_a_component_does_not_touch_stay_out(papers):
    made = plan([*papers, circular()], "component", components=["river:2"])
    assert not [one for one in made.findings if one.owner.startswith("ring")]
    assert [one for one in plan([*papers, circular()]).findings if one.owner.startswith("ring")]


def test_an_edge_that_only_the_needed_end_states_is_reported_there():
    one = Context("pair", equations=(Equation("1", used_by=(eq("2"),)), Equation("2")))
    assert codes(plan([one])) == {"one-sided": "pair:1 says that pair:2 requires pair:1"}


def test_contexts_without_fault_have_no_finding():
    one = Context("pair", equations=(Equation("1", used_by=(eq("2"),)), Equation("2", requires=(eq("1"),))))
    made = plan([one])
    assert made.findings == ()
    assert "nothing is circular" in render(made)


def test_a_number_used_twice_is_reported_and_the_first_is_planned():
    one = Context("twice", equations=(Equation("1", "First"), Equation("1", "Second")))
    made = plan([one])
    assert "the number of 2 equations" in codes(made)["number-twice"]
    assert [part.name for part in made.parts] == ["First"]


def test_a_context_without_equations_is_planned_as_it_is():
    made = plan([Context("empty"), Context("full", equations=(Equation("1"),))])
    assert codes(made) == {"no-equations": "the context of empty has no equation"}
    assert parse(render(made)) == made
    alone = plan([Context("empty")], "validate")
    assert parse(render(alone)) == alone


def test_prior_work_that_is_not_among_the_contexts_is_named(papers):
    assert "river needs SPRING (the fill)" in codes(plan(papers[1:]))["prior-work"]
    assert "prior-work" not in codes(plan(papers))


def test_diagnostics_point_to_the_line_that_says_it(tmp_path):
    path = tmp_path / "ring.context.md"
    path.write_text(write(circular()), encoding="utf-8")
    made, said = run([path], tmp_path)
    lines = path.read_text().split("\n")
    dangling = next(one for one in said if one.code == "dangling")
    assert dangling.path == str(path)
    assert lines[dangling.line - 1].startswith("**Dependencies:**")
    assert str(dangling).startswith(f"{path}:{dangling.line}: error: ring:3 names Eq 99")
    assert {one.line for one in diagnostics(made)} == {1}


def test_the_verb_writes_the_plan_and_plans_again_over_it(papers, tmp_path):
    (tmp_path / "contexts").mkdir()
    for paper in papers:
        (tmp_path / "contexts" / f"{paper.paper_id}.context.md").write_text(write(paper), encoding="utf-8")
    files = sorted((tmp_path / "contexts").iterdir())
    made, _ = run(files, tmp_path)
    target = tmp_path / "IMPLEMENTATION_PLAN.md"
    assert parse(target.read_text()) == made
    assert [paper.context_file for paper in made.papers] == [
        f"contexts/{name}.context.md" for name in ("spring", "river", "delta")
    ]
    first = target.read_bytes()
    run(files[::-1], target)
    assert target.read_bytes() == first


def test_what_is_no_plan_is_not_overwritten(papers, tmp_path):
    path = tmp_path / "spring.context.md"
    path.write_text(write(replace(papers[0])), encoding="utf-8")
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(UserError, match="is no plan"):
        run([path], tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_planned(papers, tmp_path):
    good, twin = tmp_path / "a.context.md", tmp_path / "b.context.md"
    for path in (good, twin):
        path.write_text(write(papers[2]), encoding="utf-8")
    made, said = run([tmp_path / "absent.md", good, twin], tmp_path)
    assert [paper.id for paper in made.papers] == ["delta"]
    found = {one.code: one for one in said}
    assert found["unreadable"].path.endswith("absent.md")
    assert found["paper-twice"].path == str(twin)
    with pytest.raises(UserError, match=r"absent\.md"):
        run([tmp_path / "absent.md"], tmp_path)


def test_two_contexts_of_one_paper_are_refused(papers):
    with pytest.raises(UserError, match="two contexts"):
        plan([papers[0], papers[0]])
