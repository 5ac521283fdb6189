"""Each planted defect is found, and nothing is said of what is sound."""

import json
from dataclasses import replace

import pytest

from bloomery.core.errors import MissingFile, UnknownName
from bloomery.core.evidence import State
from bloomery.papers.verifying import mutation, verifying
from bloomery.papers.verifying.equations_page import equations_page, structure
from bloomery.papers.verifying.pages import render
from bloomery.papers.verifying.verified import Verified
from bloomery.papers.verifying.verifying import unrun, verify
from bloomery.source.outcomes import Outcome, Results

PASSED = tuple(
    Outcome(f"tests/test_memory.py::{name}", "passed")
    for name in (
        "test_a_memory_fades",
        "test_the_depth_is_minus_the_sum[3]",
        "test_the_depth_is_minus_the_sum[4]",
        "test_the_printed_link_doubles",
        "test_the_exact_link_does_not",
    )
)
STATUSES = [
    ("fade:1", "mutation-tested", "3 of 3 sign, 1 of 1 decay"),
    ("fade:2", "mutation-tested", "3 of 3 index, 2 of 2 sign"),
    ("fade:3", "mutation-tested", "3 of 3 sign"),
    ("flaw:1", "missing", "no code cites it"),
    ("flaw:2", "uncovered", "no test is marked with it"),
    ("flaw:3", "uncovered", "its tests pass and run no line of never_run"),
    ("flaw:4", "skipped", "needs a machine that nobody has"),
    ("flaw:5", "failing", "tests/test_flaws.py::test_that_fails: failed"),
    ("flaw:6", "unfailing", "value is compared with itself"),
    ("flaw:7", "missing", "only a placeholder in src/fading/flaws.py"),
    ("flaw:8", "passing", "its tests notice no decay change in loosely"),
    ("flaw:9", "unfailing", "its tests notice none of 8 planted changes"),
    ("flaw:10", "missing", "no code cites its reading 'two'"),
    ("flaw:11", "uncovered", "record the choice in paper.yaml, readings, '11'"),
    ("flaw:12", "out of scope", "it describes hardware"),
]


@pytest.mark.parametrize(("name", "status", "reason"), STATUSES)
def test_an_equation_has_the_status_of_its_code_and_tests(of, name, status, reason):
    assert of(name).status == status
    assert reason in of(name).reason


def test_no_equation_is_left_out_or_reported_twice(verified):
    assert [one.id for one in verified.equations] == [name for name, _, _ in STATUSES]


FINDINGS = [
    ("papers/flaw/forgotten.yaml", 1, "error", "config-unused"),
    ("papers/flaw/paper.yaml", 4, "error", "metadata"),
    ("papers/flaw/paper.yaml", 6, "error", "claim-unlinked"),
    ("src/fading/broken.py", 2, "error", "not-python"),
    ("src/fading/flaws.py", 19, "error", "placeholder"),
    ("src/fading/flaws.py", 19, "warning", "cited-twice"),
    ("src/fading/flaws.py", 29, "error", "placeholder"),
    ("src/fading/flaws.py", 34, "warning", "cited-twice"),  # fade's 2 is as well, and its test runs both
    ("src/fading/flaws.py", 39, "error", "oracle-blind"),
    ("src/fading/flaws.py", 54, "error", "citation-unknown"),
    ("src/fading/flaws.py", 64, "warning", "cited-unrun"),
    ("src/fading/flaws.py", 69, "warning", "paper-unknown"),
    ("tests/test_flaws.py", 11, "error", "cannot-fail"),
    ("tests/test_flaws.py", 22, "error", "cannot-fail"),
    ("tests/test_flaws.py", 39, "warning", "oracle-deaf"),
    ("tests/test_flaws.py", 55, "error", "marker-unknown"),
    ("tests/test_flaws.py", 59, "error", "marker-unread"),
    ("tests/test_memory.py", 12, "warning", "oracle-deaf"),  # others of its equation notice
]


def test_every_planted_defect_is_found_with_its_line_and_nothing_else(verified):
    found = [(one.path, one.line, one.severity, one.code) for one in verified.findings]
    assert sorted(found) == FINDINGS


SEEN_IN_A_RUN = ("oracle-blind", "oracle-deaf", "cited-twice", "cited-unrun")


def test_what_needs_no_run_is_found_without_one(project):
    found = unrun(project)
    told = [(one.path, one.line, one.severity, one.code) for one in found.findings]
    assert sorted(told) == [one for one in FINDINGS if one[3] not in SEEN_IN_A_RUN]
    states = {one.id: one.status for one in found.equations}
    without = dict.fromkeys(("flaw:1", "flaw:7"), "missing") | {"flaw:2": "uncovered"}
    assert states == dict.fromkeys(states, "skipped") | without | {"flaw:12": "out of scope"}


def test_gaps_make_the_exit_code_and_the_sound_paper_alone_would_have_few(verified):
    assert verified.exit_code == 1
    assert not [gap for gap in verified.gaps if gap.startswith("fade:")]
    assert [gap for gap in verified.gaps if gap.startswith("fade/")] == [
        "fade/loss: not run: nobody has run its command; "
        "run `bloomery paper bench`, or say not_reproduced: why"
    ]


def test_only_passing_and_mutation_tested_equations_have_evidence_that_passed(verified):
    states = {item.check.removeprefix("equation "): item for item in verified.evidence}
    passed = {name for name, item in states.items() if item.state is State.PASSED}
    assert passed == {"fade:1", "fade:2", "fade:3", "flaw:8"}
    assert states["flaw:1"].state is State.NOT_RUN
    assert states["flaw:5"].state is State.FAILED
    assert not states["flaw:12"].required


def test_what_takes_long_is_announced(verified, said):
    assert said == [
        "running 14 tests of 15 equations",
        "trying changes of functions 1 to 8 of 8",
        "trying changes of functions 1 to 1 of 1",
    ]


def test_a_report_names_the_survivors_by_line(of):
    assert of("flaw:8").survivors == ("src/fading/flaws.py:36: decay: 1 - a -> a",)


def test_what_was_found_is_plain_json_with_what_follows_from_it(verified):
    plain = json.loads(json.dumps(verified.to_plain(), allow_nan=False))
    assert plain["exit_code"] == 1
    assert len(plain["evidence"]) == len(verified.equations) + len(verified.claims)


def test_a_plan_can_tell_its_progress_from_the_states(verified):
    states = verified.states()
    assert states["fade:1"] == "mutation-tested"
    assert states["flaw:3"] == "missing"
    assert states["tests/test_flaws.py::test_that_fails"] == "failing"


def test_the_page_of_equations_has_code_tests_status_and_oracle(verified):
    page = equations_page(verified)
    assert (
        "| 2 Eq 2 | `src/fading/memory.py` `deep`<br>`src/fading/memory.py` `deep_at_once` | "
        "`tests/test_memory.py`: test_the_depth_is_minus_the_sum | closed form | mutation-tested |"
    ) in page
    assert "| NumPy | mutation-tested |" in page
    assert "reading: exact (it minimises what the text states)" in page
    assert "12 equations: 3 missing, 3 uncovered, 1 skipped, 1 failing, 2 unfailing, 1 passing" in page


def test_the_structure_of_the_page_needs_no_run_and_changes_with_what_it_lists(project, verified):
    page = equations_page(verified)
    still = structure(page)
    assert structure(equations_page(unrun(project))) == still
    for old, new in (("`deep`", "`shallow`"), ("closed form", "NumPy"), ("describes hardware", "is dull")):
        assert old in page
        assert structure(page.replace(old, new)) != still
    for old, new in (("mutation-tested |", "passing |"), ("1 passing", "2 passing")):
        assert old in page
        assert structure(page.replace(old, new)) == still


def test_of_papers_that_were_not_verified_the_sections_stay_as_they_were(verified):
    page = equations_page(verified)
    (fade, flaw) = verified.papers
    assert equations_page(Verified((flaw,)), page, ["fade", "flaw"]) == page
    renamed = Verified((replace(flaw, title="Other"),))
    assert equations_page(renamed, page, ["fade", "flaw"]) == page.replace("## Flaws (", "## Other (")
    assert equations_page(Verified((flaw,)), page, ["flaw"]) == equations_page(Verified((flaw,)))
    assert "(`fade`)" not in equations_page(Verified((flaw,)))
    assert "(`flaw`)" in equations_page(Verified((fade,)), page, ["flaw"])


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_rendered_report_says_what_it_comes_to(verified, form):
    said = render(verified, form)
    assert "4 of 14 equations verified (3 missing, 3 uncovered," in said
    assert "src/fading/broken.py:2: error: not Python" in said
    assert ("| 1 Eq 1 | mutation-tested |" in said) == (form == "markdown")


def test_an_unchanged_tree_is_verified_again_without_a_mutation(project, verified, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a mutation was tried again")

    monkeypatch.setattr(mutation, "kill_tables", refused)
    assert verify(project) == verified


def test_without_mutation_a_tested_equation_is_passing_and_bad_input_is_said(project, tmp_path):
    bad = project / "papers" / "bad"
    bad.mkdir()
    (bad / "paper.yaml").write_text("citation:\n  titel: Bad\n")
    try:
        again = verify(project, ["fade", "bad"], mutate=False, cache=tmp_path)
    finally:
        (bad / "paper.yaml").unlink()
        bad.rmdir()
    assert {one.status for one in again.equations} == {"passing"}
    assert "nothing was mutated" in render(again)
    assert list(tmp_path.iterdir()) == []
    assert again.exit_code == 2
    assert [(one.path, one.line) for one in again.bad_input] == [("papers/bad/paper.yaml", 2)]
    assert "did you mean 'title'?" in again.bad_input[0].message


def test_changes_that_could_not_be_tried_are_told_from_none_that_there_are(project, monkeypatch):
    def untried(root, subjects, *_, **__):
        lost = tuple(mutation.Tried("sign", 0, "a -> b", "not_run", (), "the time was up") for _ in range(2))
        return {one.key: lost if not one.name.startswith("deep") else () for one in subjects}

    monkeypatch.setattr(verifying, "tried", untried)
    said = {one.number: (one.status, one.reason) for one in verify(project, ["fade"]).equations}
    assert said == {
        "1": ("passing", "none of the 2 changes of its functions could be tried: the time was up"),
        "2": ("passing", "nothing in its functions could be mutated"),
        "3": ("passing", "none of the 2 changes of its functions could be tried: the time was up"),
    }


def test_of_papers_that_were_not_asked_for_nothing_is_said(project):
    found = verify(project, ["fade"], mutate=False)
    assert [(one.path, one.line, one.code) for one in found.findings] == [
        ("src/fading/broken.py", 2, "not-python")  # it names the paper
    ]
    others = verify(project, ["flaw"], mutate=False).findings
    assert "paper-unknown" not in {one.code for one in others}
    assert ("tests/test_flaws.py", 59) in {(one.path, one.line) for one in others}


def test_a_repository_or_paper_that_there_is_not_is_refused(project, tmp_path):
    with pytest.raises(UnknownName, match="unknown paper 'fad'; did you mean 'fade'"):
        verify(project, ["fad"])
    with pytest.raises(MissingFile, match="expected a folder with one folder for each paper"):
        verify(tmp_path)
    with pytest.raises(MissingFile, match="there is no such folder"):
        verify(tmp_path / "absent")


def test_without_coverage_tested_equations_are_passing_and_the_report_says_why(project, monkeypatch):
    monkeypatch.setattr(verifying.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(verifying, "run_tests", lambda *_, **__: Results(PASSED, ()))
    found = verify(project, ["fade"])
    assert {one.status for one in found.equations} == {"passing"}
    assert not found.mutated
    assert [one.code for one in found.findings if one.path == "pyproject.toml"] == ["uncoverable"]
