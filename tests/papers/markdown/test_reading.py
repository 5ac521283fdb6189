"""The four dialects, and what is said of every departure from the written form."""

import random
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.context import Context, Reference
from bloomery.papers.markdown import Read, read, read_file, read_text, write

FIXTURES = Path(__file__).parents[1] / "fixtures"
DIALECTS = ("slots", "ladder", "ripple", "tide")


def fixture(name: str) -> Read:
    return read_file(FIXTURES / f"{name}.context.md")


def said(found: Read, code: str) -> list[tuple[int, str]]:
    return [(one.line, one.message) for one in found.diagnostics if one.code == code]


def latex(context: Context) -> dict[str, str]:
    return {equation.number: equation.latex for equation in context.equations}


def test_the_normative_template_is_read_without_a_diagnostic() -> None:
    found = fixture("slots")
    assert found.diagnostics == []
    context = found.context
    assert (context.paper_id, context.year, context.authors) == ("slots", 2024, ("Ada Example", "Ben Sample"))
    assert context.contribution == "A matrix of slots is written by outer products and decays between writes."
    gate = context.equation("3")
    assert gate is not None
    assert [variable.shape for variable in gate.variables] == ["[]", "(D,)", "(B, D)", "-"]
    assert gate.used_by == (Reference("equation", "1", note="its decay"),)
    assert [step.equation for step in context.algorithms[0].lines] == ["-", "Eq 3", "Eq 1, Eq 2"]
    assert [(one.group, one.name) for one in context.hyperparameters] == [
        ("Model", "width"),
        ("Training", "learning rate"),
        ("Training", "steps"),
    ]
    result = context.benchmarks.results[0]
    assert (result.dataset, result.metric, result.direction, result.source) == (
        "Copy",
        "Acc",
        "up",
        "Table 2",
    )
    assert context.notes[0].quote == "the decay is learned"
    assert context.metadata.needs_clarification == ("whether w has a bias",)


def test_the_unnumbered_form_has_variables_as_bullets_and_no_metadata() -> None:
    found = fixture("ladder")
    score, rung = found.context.equations
    assert score.plain_english == "Each query is compared with each key, and the products are scaled."
    assert [(one.symbol, one.shape, one.kind) for one in score.variables] == [
        ("s_{ij}", "(N, N)", "Tensor"),
        ("q_i", "(N, d)", "Tensor"),
        ("k_j", "same as q_i", "Tensor"),
        ("d", "scalar", "Scalar"),
    ]
    assert score.requires == ()
    assert rung.requires == (Reference("equation", "1", note="Score"),)
    assert rung.used_by == (Reference("equation", "2", "slots"),)
    assert found.context.algorithms[0].pseudocode == "1: r ← rung(x)  // [Eq 2]"
    assert found.context.arxiv == "0000.00002v2"
    assert [(one.name, one.value) for one in found.context.hyperparameters] == [
        ("learning rate", "3e-4"),
        ("warmup", "100 steps"),
    ]
    assert (68, "expected a section '## METADATA', which is not there; add it, empty if need be") in said(
        found, "section-missing"
    )
    assert [line for line, _ in said(found, "variable-bullet")] == [17, 18, 19, 20, 31, 32]


def test_the_third_form_has_inline_latex_hints_and_used_by() -> None:
    found = fixture("ripple")
    ripple, output = found.context.equations
    assert latex(found.context) == {"4": r"h_t = \gamma \odot h_{t-1} + u_t", "5": "y_t = W h_t"}
    assert [line for line, _ in said(found, "latex-inline")] == [9, 22]
    assert [one.symbol for one in ripple.variables] == ["h_t", r"\gamma", "|u_t|"]
    assert ripple.notes == ("`torch.addcmul`",)
    assert ripple.used_by == (Reference("equation", "5"), Reference("algorithm", "1", lines="2"))
    assert output.requires == (Reference("equation", "4"),)
    assert output.notes == ("Surprise: the matrix has no bias",)
    assert said(found, "table-separator")[0][0] == 11
    assert said(found, "table-bar")[0][0] == 14
    assert said(found, "progress-typed")[0][0] == 18
    assert found.context.algorithms[0].lines[0].equation == "4"


def test_a_range_is_two_equations_each_with_the_part_that_carries_its_number() -> None:
    found = fixture("tide")
    assert [one.number for one in found.context.equations] == ["1", "2", "3", "4", "5", "6", "4_2", "8"]
    assert latex(found.context)["2"] == "M_t = M_{t-1} + Z_t"
    assert latex(found.context)["3"] == r"Z_t = \eta_t Z_{t-1} - \theta_t \nabla \ell(M_{t-1}; x_t)"
    third = found.context.equation("3")
    assert third is not None
    assert third.requires == (
        Reference("equation", "4", note="Loss function"),
        Reference("equation", "1", note="for S"),
        Reference("prose", "sliding window attention"),
    )
    assert third.criteria == ("eta = 0 recovers plain descent", "shape of M")


def test_a_range_without_tags_shares_its_display_and_is_marked_uncertain() -> None:
    found = fixture("tide")
    assert latex(found.context)["4"] == latex(found.context)["5"]
    fifth = found.context.equation("5")
    assert fifth is not None
    assert fifth.uncertain == ("its LaTeX is that of the equations 4 to 5 together",)
    assert [line for line, _ in said(found, "display-shared")] == [62]


def test_a_number_used_twice_is_kept_apart_and_both_lines_are_named() -> None:
    found = fixture("tide")
    assert latex(found.context)["4_2"] == r"\ell = 0"
    second = found.context.equation("4_2")
    assert second is not None
    assert second.uncertain == ("the number 4 stands twice in the file; this is not the first",)
    line, message = said(found, "number-twice")[0]
    assert line == 74
    assert "at line 60 and at line 74" in message


def test_equations_are_found_in_sections_of_other_names_and_under_definitions() -> None:
    found = fixture("tide")
    names = {one.number: one.name for one in found.context.equations}
    assert names["6"] == "Definition 3: The tide gate"
    assert names["8"] == "Neap bias"
    assert [line for line, _ in said(found, "section-unknown")] == [80, 146]


def test_a_separating_row_names_the_group_of_the_settings_below_it() -> None:
    settings = fixture("tide").context.hyperparameters
    assert [(one.group, one.name, one.value, one.notes) for one in settings] == [
        ("Memory Module", "depth", "2", "ablation; tested: 1, 2, 4"),
        ("Training", "batch", "", "tested: 8, 16"),
    ]


def test_results_in_bullets_are_read_and_what_holds_no_number_is_reported() -> None:
    found = fixture("tide")
    results = found.context.benchmarks.results
    assert [(one.dataset, one.value, one.metric, one.source) for one in results] == [
        ("WikiTides", "25.4", "PPL", "Table 1"),
        ("WikiTides", "30.1", "PPL", ""),
    ]
    assert [line for line, _ in said(found, "result-bullet")] == [113, 114, 115]


def test_a_section_in_another_order_is_read_and_said() -> None:
    found = fixture("tide")
    assert found.context.architecture.overview == "x -> tide -> y"
    message = "'6. ARCHITECTURE' stands after '5. BENCHMARKS'; expected before it: move it"
    assert said(found, "section-order") == [(117, message)]


def test_stated_counts_are_compared_with_what_is_there() -> None:
    found = fixture("tide")
    assert [line for line, _ in said(found, "count-differs")] == [16, 152]
    assert "the metadata say 35 equations, 8 are there" in said(found, "count-differs")[1][1]


def test_a_diagnostic_is_one_line_with_path_and_line() -> None:
    found = fixture("tide")
    text = str(next(one for one in found.diagnostics if one.code == "number-twice"))
    assert text.startswith(f"{FIXTURES}/tide.context.md:74: error: equation number 4 is used twice")
    assert "\n" not in text


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_once_written_stays_byte_for_byte_the_same(name: str) -> None:
    once = write(fixture(name).context)
    again = read_text(once, str(FIXTURES / name))
    assert again.diagnostics == []
    assert write(again.context) == once


def broken(text: str, rng: random.Random) -> str:
    """The text with a few lines lost, doubled, moved, cut, or a character changed."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 12)):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                lines.insert(at, lines[other])
            case 1:
                lines[at], lines[other] = lines[other], lines[at]
            case 2:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
            case 3:
                lines[at] += " " + lines[other]
            case 4:
                spot = rng.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:spot] + rng.choice('|*`#$:-[]()\\"0aA ') + lines[at][spot + 1 :]
    return "\n".join(lines)


@pytest.mark.parametrize("name", DIALECTS)
def test_no_damage_to_a_file_raises_and_what_is_read_of_it_can_be_written(name: str) -> None:
    text, rng = (FIXTURES / f"{name}.context.md").read_text(), random.Random(0)
    for _ in range(60):
        found = read_text(broken(text, rng))
        again = read_text(write(found.context))
        assert again.context == found.context
        assert again.diagnostics == []


def test_an_empty_text_is_an_empty_context_and_says_what_is_missing() -> None:
    found = read_text("", "empty.context.md")
    assert found.context == Context("empty")
    assert {one.code for one in found.diagnostics} == {"title-missing", "section-missing"}


def test_a_fence_that_is_never_closed_ends_at_the_next_heading() -> None:
    text = "# X\n## Equations\n### Equation 1\n```latex\na = b\n\n### Equation 2\n```latex\nc = d\n```\n"
    found = read_text(text)
    assert latex(found.context) == {"1": "a = b", "2": "c = d"}
    assert [line for line, _ in said(found, "fence-open")] == [4]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.context.md").write_bytes(b"# X\n\xff\xfe")
    with pytest.raises(FormatRefused, match="byte 4 is none; save the file as UTF-8"):
        read(tmp_path / "x.context.md")
    with pytest.raises(MissingFile, match=r"expected a context file such as titans\.context\.md"):
        read(tmp_path / "y.context.md")
