from dataclasses import replace
from pathlib import Path

import pytest

from bloomery.papers.checking import check, run
from bloomery.papers.context import (
    Algorithm,
    Benchmarks,
    Context,
    Equation,
    Hyperparameter,
    Metadata,
    Result,
    Step,
    Variable,
)
from bloomery.papers.markdown import write
from bloomery.papers.references import parse

FIXTURES = Path(__file__).parent / "fixtures"
SOUND = Context(
    "slots",
    "Slots",
    equations=(
        Equation(
            "1",
            "Write",
            latex="M_t =\n\\alpha M_{t-1}",
            variables=(Variable("M_t", shape="[D]"), Variable("\\alpha", shape="[]")),
            criteria=("alpha = 0 forgets all",),
        ),
    ),
    algorithms=(Algorithm("1", pseudocode="1: M // [Eq 1]", lines=(Step("1", "write", "Eq 1", "write"),)),),
    hyperparameters=(Hyperparameter("Model", "width", value="64"),),
    benchmarks=Benchmarks(results=(Result("Copy", "Acc", "up", value="93.5", source="Table 2"),)),
)


def spoiled(**changes: object) -> Context:
    """The sound context with another first equation."""
    return replace(SOUND, equations=(replace(SOUND.equations[0], **changes),))  # type: ignore[arg-type]


def found(tmp_path: Path, *contexts: Context) -> list[tuple[str, str, str]]:
    """The code of each diagnostic, with the text of the line that it names and its message."""
    paths = [tmp_path / f"{at}.context.md" for at in range(len(contexts))]
    for path, context in zip(paths, contexts, strict=True):
        path.write_text(write(context))
    return [
        (one.code, Path(one.path).read_text().split("\n")[one.line - 1], one.message) for one in check(paths)
    ]


def test_a_sound_context_leaves_nothing_to_say(tmp_path: Path) -> None:
    assert found(tmp_path, SOUND) == []


@pytest.mark.parametrize(
    ("context", "code", "line", "message"),
    [
        (spoiled(latex=""), "latex-empty", "```latex", "equation 1 has no LaTeX"),
        (spoiled(latex="M_t =\n\\alpha M_{t-1"), "latex-unbalanced", "\\alpha M_{t-1", "{ is never closed"),
        (spoiled(latex="M = \\alpha \\tag{2}"), "tag-differs", "```latex", "carries the number 2"),
        (spoiled(latex="M_t = \\alpha M \\beta"), "symbol-unexplained", "**Variables:**", "uses beta, which"),
        (
            spoiled(latex="M_t = M_{t-1}"),
            "symbol-unused",
            "**Variables:**",
            "explains \\alpha, not in",
        ),
        (spoiled(variables=()), "variables-missing", "**Variables:**", "explains no symbol"),
        (
            spoiled(variables=(Variable("M", shape="wide"), Variable("\\alpha"))),
            "shape",
            "**Variables:**",
            "the shape 'wide' of M",
        ),
        (spoiled(criteria=()), "criteria-missing", "**Test Criteria:**", "has no test criterion"),
        (
            spoiled(proposed=("criteria",)),
            "proposed",
            "**Test Criteria (proposed):**",
            "criteria of equation 1",
        ),
        (spoiled(uncertain=("two readings",)), "uncertain", "**Uncertain:**", "equation 1 is uncertain: two"),
        (spoiled(requires=parse("Eq 9")), "dangling", "**Dependencies:**", "slots:1 names Eq 9 (requires)"),
        (spoiled(requires=parse("TIDE Eq 9")), "paper-unknown", "**Dependencies:**", "no context of tide"),
        (spoiled(requires=parse("Eq 1")), "cycle", "### Equation 1: Write", "slots:1 -> slots:1"),
        (
            replace(SOUND, algorithms=(Algorithm("1", pseudocode="1: M // [Eq 4]"),)),
            "cited-absent",
            "**Pseudocode:**",
            "slots:algorithm 1 names Eq 4 (pseudocode), which is not there; known: equations 1",
        ),
        (
            replace(SOUND, algorithms=(Algorithm("1", pseudocode="1: M", lines=(Step("1", equation="7"),)),)),
            "cited-absent",
            "**Line-by-Line Mapping:**",
            "slots:algorithm 1 names Eq 7 (lines)",
        ),
        (
            replace(SOUND, algorithms=(Algorithm("1", pseudocode="1: M", lines=(Step("1-2"),)),)),
            "algorithm-line",
            "**Line-by-Line Mapping:**",
            "algorithm 1 maps line 1-2",
        ),
        (
            replace(SOUND, algorithms=(Algorithm("1"),)),
            "pseudocode-empty",
            "### Algorithm 1",
            "algorithm 1 has no pseudocode",
        ),
        (
            replace(SOUND, benchmarks=Benchmarks(results=(Result("Copy", direction="up", value="9"),))),
            "claim-source",
            "| Copy | ↑ |  | 9 |  |  |  |",
            "the result on Copy names no table",
        ),
        (
            replace(SOUND, benchmarks=Benchmarks(results=(Result("Copy", value="9", source="Table 1"),))),
            "claim-direction",
            "| Copy |  |  | 9 |  |  | Table 1 |",
            "what is better",
        ),
        (
            replace(SOUND, benchmarks=Benchmarks(results=(Result("C", "", "up", "", "best", source="T 1"),))),
            "claim-value",
            "| C | ↑ |  | best |  |  | T 1 |",
            "claims no number ('best')",
        ),
        (
            replace(SOUND, hyperparameters=(Hyperparameter("Model", "width", value="default"),)),
            "setting-value",
            "## 4. HYPERPARAMETERS",
            "hyperparameter width is 'default'",
        ),
        (
            replace(SOUND, metadata=Metadata(confidence="low")),
            "confidence",
            "```yaml",
            "the confidence is low",
        ),
        (
            replace(SOUND, metadata=Metadata(needs_clarification=("what of b?",))),
            "clarification",
            "```yaml",
            "what of b?",
        ),
    ],
)
def test_each_planted_defect_is_found_at_its_line_and_nothing_else(
    tmp_path: Path, context: Context, code: str, line: str, message: str
) -> None:
    said = found(tmp_path, context)
    assert [(one[0], one[1]) for one in said] == [(code, line)]
    assert message in said[0][2]


def test_high_confidence_is_questioned_where_fields_are_only_proposed(tmp_path: Path) -> None:
    context = replace(spoiled(proposed=("notes",)), metadata=Metadata(confidence="high"))
    assert [code for code, *_ in found(tmp_path, context)] == ["proposed", "confidence"]


def test_references_are_followed_across_the_files_given(tmp_path: Path) -> None:
    other = replace(spoiled(requires=parse("SLOTS Eq 1")), paper_id="tide")
    assert found(tmp_path, SOUND, other) == []
    wrong = replace(spoiled(requires=parse("SLOTS Eq 2")), paper_id="tide")
    assert [(code, message) for code, _, message in found(tmp_path, SOUND, wrong)] == [
        ("dangling", "tide:1 names SLOTS Eq 2 (requires), which is not there; known: equations 1")
    ]


def test_two_files_of_one_paper_are_named(tmp_path: Path) -> None:
    assert [code for code, *_ in found(tmp_path, SOUND, SOUND)] == ["paper-twice"]


def test_the_exit_code_is_that_of_errors_and_strictly_of_warnings_too(tmp_path: Path) -> None:
    path = tmp_path / "x.context.md"
    path.write_text(write(SOUND))
    assert run([path], strict=True) == ("1 file checked: 0 errors, 0 warnings", 0)
    path.write_text(write(spoiled(criteria=())))
    assert run([path])[1] == 0
    assert run([path], strict=True)[1] == 1
    path.write_text(write(spoiled(latex="}")))
    assert run([path])[1] == 1


def test_a_file_that_is_not_there_is_said_and_the_others_are_checked(tmp_path: Path) -> None:
    (tmp_path / "x.context.md").write_text(write(spoiled(criteria=())))
    said = check([tmp_path / "absent.context.md", tmp_path / "x.context.md"])
    assert [(Path(one.path).name, one.code) for one in said] == [
        ("absent.context.md", "unreadable"),
        ("x.context.md", "criteria-missing"),
    ]


def test_diagnostics_are_sorted_by_path_and_line() -> None:
    paths = [FIXTURES / f"{name}.context.md" for name in ("tide", "slots", "ripple")]
    said = check(paths)
    assert [(one.path, one.line) for one in said] == sorted((one.path, one.line) for one in said)
    assert check(paths[::-1]) == said


def test_an_equation_of_a_range_is_not_blamed_for_its_neighbour_s_symbols() -> None:
    said = [one.message for one in check([FIXTURES / "tide.context.md"]) if one.code == "symbol-unused"]
    assert said == []
