"""The document has every part of the template, and says what the contexts say."""

import keyword
import re

import pytest

from bloomery.papers.context import Context, Equation, Reference
from bloomery.papers.planning import ENVIRONMENTS, INTENTS, plan, render

TEMPLATE = """
# Implementation Plan: spring-river-delta
**Generated:** 2025-03-04
**Papers:** spring, river, delta
**Intent:** Full Reproduction
**Target Environment:** Local CPU
## Executive Summary
**What we're building:**
**Paper dependency chain:**
**Estimated effort:**
- Equations to implement: 8
- Algorithms to implement: 1
- Total test files: 18
- Estimated time:
## 1. DEPENDENCY GRAPH
### Paper Dependencies
```mermaid
### Equation Dependencies
| Equation | Paper | Depends On | Used By |
### Module Dependencies
## 2. IMPLEMENTATION PHASES
### Phase 1: Project Setup
**Commands:**
**Deliverables:**
### Phase 2: Equation Tests (Test-First)
**Test Template per Equation:**
#### Phase 2.1: spring equations
| Task | Equation | Test File | Priority |
**Verification Criteria:**
#### Phase 2.2: river equations
#### Phase 2.3: delta equations
### Phase 3: Core Implementation
#### Phase 3.1: Level 0 - Foundation
| Task | Module |
#### Phase 3.2: Level 1 - spring
**Checkpoint:**
### Phase 4: Model Assembly
| Task | Model |
**Model Tests:**
### Phase 5: Training Infrastructure
| Task | Component | Description |
**Training Loop Checklist:**
### Phase 6: Code Quality
**Quality Gates:**
### Phase 7: Documentation
| Task | Output |
### Phase 8: Git & Release Prep
git commit
gh repo create spring-river-delta
## 3. FILE MANIFEST
### Source Files
### Test Files
### Config Files
## 4. VERIFICATION CHECKPOINTS
### Checkpoint 1: Foundation Tests Pass
### Checkpoint 2: Each Paper Complete
### Checkpoint 3: Full Model Runs
### Checkpoint 4: Training Runs
### Checkpoint 5: Quality Gates Pass
## 5. RISK MITIGATION
### Identified Risks
| Risk | Impact | Mitigation |
### Contingency Plans
## 6. SUCCESS CRITERIA
### Minimum Viable Success
### Full Success
### Stretch Goals
## 7. IMPLEMENTATION PRIORITY
## METADATA
```yaml
"""


def section(text: str, start: str, end: str) -> str:
    return text[text.index(start) : text.index(end)]


def test_every_part_of_the_template_is_there_in_its_order(papers):
    text = render(plan(papers))
    at = 0
    for part in TEMPLATE.strip().split("\n"):
        found = text.find(part, at)
        assert found >= 0, part
        at = found + len(part)


def test_every_phase_states_its_duration(papers):
    text = render(plan(papers))
    phases = section(text, "## 2. ", "## 3. ")
    assert len(re.findall(r"### Phase \d: .*\n\*\*Duration:\*\* [\d.]+ (?:minutes|hours?)\n", phases)) == 8


def test_the_chain_runs_from_the_foundation_to_the_application(papers):
    text = render(plan(papers))
    assert "spring       ──► river       ──► delta\n(Foundation)     (Extension)     (Application)" in text


def test_the_equation_table_says_what_both_ends_say(papers):
    text = render(plan(papers))
    assert "| Eq 3 (Fill) | spring | None | river Eq 1, Eq 5, Eq 7, Algorithm 1, Basin |" in text
    assert "| Eq 1 (Bend) | river | spring Eq 3 | Eq 2, Eq 3 |" in text


def test_levels_are_drawn_as_boxes_of_one_width(papers):
    text = render(plan(papers))
    lines = section(text, "┌", "┘").split("\n")
    assert len({len(line) for line in lines[:-1]}) == 1
    assert sum(line.startswith("├─") for line in lines) == 4  # five levels
    assert any(re.fullmatch(r"│ └── mouth\.py \(Eq 4\) ─+ requires: river Eq 2 +│", line) for line in lines)


def test_equations_are_tested_before_they_are_written_and_written_after_what_they_need(papers):
    made = plan(papers)
    place = {task.id: at for at, task in enumerate(made.tasks)}
    code = {task.equations[0]: task for task in made.tasks if task.kind == "equation"}
    tests = {task.equations[0]: task for task in made.tasks if task.kind == "equation test"}
    assert set(code) == set(tests) == {part.id for part in made.of_kind("equation")}
    assert all(place[tests[one].id] < place[task.id] for one, task in code.items())
    assert tests["delta:4"].id in code["delta:4"].needs
    assert code["river:2"].id in code["delta:4"].needs
    assert all(place[need] < place[task.id] for task in made.tasks for need in task.needs)


@pytest.mark.parametrize("intent", ["full", "validate", "benchmark"])
def test_the_command_of_a_level_runs_the_tests_of_that_level_and_no_other(papers, intent):
    made = plan(papers, intent)
    groups = next(phase for phase in made.phases if phase.number == 3).groups[1:]
    for level, group in enumerate(groups, 1):
        named = {word for word in " ".join(group.commands).split() if word.startswith("tests/")}
        run = {part.test for part in made.parts if {part.test, part.test.rpartition("/")[0]} & named}
        assert run == {part.test for part in made.parts if part.level == level}


def test_priorities_follow_the_place_in_the_graph(papers):
    known = {part.id: part.priority for part in plan(papers).parts}
    assert known["spring:3"] == "P0"  # an algorithm and another paper stand on it
    assert known["river:1"] == "P0"  # delta stands on it through river:2
    assert known["river:3"] == known["spring:7"] == known["delta:4"] == "P2"
    assert known["spring:algorithm 1"] == "P1"


def test_p1_is_what_only_equations_of_the_same_paper_stand_on():
    first = Equation("1")
    second = Equation("2", requires=(Reference("equation", "1"),))
    third = Equation("3", requires=(Reference("equation", "2"),))
    chain = Context("chain", equations=(first, second, third))
    assert [part.priority for part in plan([chain]).parts] == ["P0", "P1", "P2"]


def test_risks_come_from_what_the_contexts_leave_open(papers):
    made = plan(papers)
    told = {risk.risk: risk.impact for risk in made.risks}
    assert told["spring:3 is uncertain: the index of v is hard to read"] == "High"
    assert told["river:1 can be read in 2 ways: `left` or `right`"] == "High"
    assert told["spring leaves open: whether a is learned"] == "Medium"
    assert told["spring: time runs from one"] == "Medium"
    assert told["spring states no value for warm-up"] == "Medium"
    assert told["delta: 1 of 2 claims name no table"] == "Medium"
    assert [risk.impact for risk in made.risks] == sorted(told.values(), key=["High", "Medium", "Low"].index)


def test_a_doubt_costs_time_twice_for_the_test_and_for_the_code(papers):
    minutes = {(task.kind, *task.equations): task.minutes for task in plan(papers).tasks}
    for kind in ("equation test", "equation"):
        assert minutes[kind, "spring:3"] == minutes[kind, "river:1"] == minutes[kind, "river:2"] + 20


def test_the_commit_message_names_equations_and_papers(papers):
    message = plan(papers).commit_message
    assert message.startswith("Implement spring, river, delta\n\nImplements:\n")
    assert "- spring: Eq 3, 5, 7, 9a; Algorithm 1; Basin" in message
    assert "- river: Eq 1-3" in message
    assert "- Spring: A Memory That Fills, https://arxiv.org/abs/0000.00011" in message
    assert message in render(plan(papers))


def test_the_manifest_holds_every_file_that_a_task_writes_or_is_judged_by(papers):
    for intent in INTENTS:
        chosen = ["spring:5"] if intent == "component" else []
        for environment in ENVIRONMENTS:
            made = plan(papers, intent, environment, components=chosen)
            listed = [file.path for file in made.files]
            assert len(listed) == len(set(listed))
            wanted = {task.file for task in made.tasks if task.file}
            wanted |= {task.passes for task in made.tasks if task.passes.startswith("tests/")}
            assert wanted <= set(listed)


def test_paths_are_told_apart_where_names_are_not():
    same = [Equation(number, "Loss") for number in ("1", "1'", "A.1", "A_1")]
    contexts = [Context(paper, equations=tuple(same)) for paper in ("a.b", "a-b", "attention")]
    made = plan([*contexts, Context("class", equations=(Equation("1", "λ"), Equation("2", "import")))])
    paths = [path for part in made.parts for path in (part.source, part.test)]
    assert len(paths) == len(set(paths))
    named = {path.rpartition("/")[2].removesuffix(".py") for path in paths}
    named |= {folder for path in paths for folder in path.split("/")[:-1]}
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in named)
    assert not any(file.path.endswith("layers/attention/__init__.py") for file in made.files)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_changes_installation_sizes_and_time(papers, environment):
    text = render(plan(papers, "full", environment))
    others = [render(plan(papers, "full", other)) for other in ENVIRONMENTS if other != environment]
    known = ENVIRONMENTS[environment]
    assert f"**Target Environment:** {known.title}\n" in text
    assert ("colab.ipynb" in text) == environment.startswith("colab")
    sizes = re.search(r"\| `configs/default.yaml` \| \d.*", section(text, "### Phase 5", "### Phase 6"))
    assert sizes
    assert f"| {known.default.width} | {known.default.layers} |" in sizes[0]
    assert all(sizes[0] not in other for other in others)
    duration = re.search(r"### Phase 5: .*\n(\*\*Duration:\*\* .*)", text)
    assert duration
    assert all(
        re.search(r"### Phase 5: .*\n(\*\*Duration:\*\* .*)", other)[1] != duration[1] for other in others
    )


def test_cells_cannot_break_a_table():
    text = render(plan([Context("bars", equations=(Equation("1", "a | b"),))]))
    assert "| Eq 1 (a \\| b) | bars | None | None |" in text
