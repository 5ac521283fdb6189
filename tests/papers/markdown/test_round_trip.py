"""What is written is read again, for any context."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bloomery.papers.context import (
    NOTE_KINDS,
    PROPOSABLE,
    Algorithm,
    Architecture,
    Benchmarks,
    Context,
    Dataset,
    Equation,
    Hyperparameter,
    Location,
    Metadata,
    Module,
    Note,
    PriorWork,
    Reading,
    Reference,
    Requirement,
    Resource,
    Result,
    Step,
    Variable,
)
from bloomery.papers.markdown import from_json, read_text, to_json, write
from bloomery.papers.written import bare

# what a reader could take for its own marks, beside any character that can be stored
MARKS = r"""
| || \| \\ ** `x` $y$ ``` ```` ~~~ --- :--- # ## - * 1. 2) [x] [ ]
$$ \[ > None N/A (proposed) \--- ↑ ↓ ; , & and
Page Section p.3 (Page **Variables:** **Equation_3:_x** Requires: Used by: Eq 3
Eqs.~4-6 Algorithm 1 line 7 " ""
( ) (chosen): `a` : Paper says: Interpretation: Implementation Context Hyperparameters é 😀
"""
TRAPS = st.sampled_from(MARKS.split())
CHARACTERS = st.text(st.characters(codec="utf-8"), max_size=8)
texts = st.lists(TRAPS | CHARACTERS, max_size=4).map(" ".join)
blocks = st.lists(texts, max_size=4).map("\n".join)
names = texts.map(lambda text: text if bare(text) else f"x{text}")
bullets = st.lists(texts, max_size=2).map(tuple)
numbers = st.from_regex(r"\A(?:[1-9][0-9]?[a-c]?|[A-C]\.[1-9]'?|[A-C])\Z").map(str)
papers = st.sampled_from(["titans", "miras", "muon-2", "2501.00663", "from"])
locations = st.builds(Location, texts, st.none() | st.integers(0, 999))


def rows(kind: type, *values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.builds(kind, *values), max_size=2).map(tuple)


references = (
    st.builds(Reference, st.just("equation"), numbers, st.just("") | papers, note=texts)
    | st.builds(
        Reference,
        st.just("algorithm"),
        numbers,
        st.just("") | papers,
        st.sampled_from(["", "7", "3-5"]),
        texts,
    )
    | st.builds(Reference, st.just("module"), names, st.just("") | papers, note=texts)
    | st.builds(Reference, st.just("prose"), names)
)
sides = st.lists(references, max_size=3).map(tuple)
equations = st.builds(
    Equation,
    numbers,
    texts,
    locations,
    blocks,
    texts,
    rows(Variable, names, texts, st.sampled_from(["Tensor", "Scalar", "Function"]), texts, texts, texts),
    bullets,
    sides,
    sides,
    bullets,
    st.lists(numbers, max_size=2).map(tuple),
    rows(Reading, names, blocks, texts, st.booleans()),
    bullets,
    st.lists(st.sampled_from(PROPOSABLE), max_size=3).map(tuple),
)
algorithms = st.builds(
    Algorithm,
    numbers,
    texts,
    locations,
    texts,
    blocks,
    rows(Step, names, texts, texts, texts),
    bullets,
    bullets,
)
benchmarks = st.builds(
    Benchmarks,
    rows(Dataset, names, texts, texts, texts, texts),
    rows(Result, names, texts, st.sampled_from(["up", "down", ""]), texts, texts, texts, texts, texts),
    blocks,
    rows(Resource, names, texts, texts),
)
contexts = st.builds(
    Context,
    papers,
    texts,
    texts,
    bullets,
    texts,
    st.none() | st.integers(1950, 2100),
    texts,
    st.dates().map(str) | texts,
    texts,
    st.lists(equations, max_size=2, unique_by=lambda one: one.number).map(tuple),
    st.lists(algorithms, max_size=2, unique_by=lambda one: one.number).map(tuple),
    st.builds(Architecture, blocks, rows(Module, names, texts, texts, texts, texts, texts)),
    rows(Hyperparameter, texts, names, texts, texts, texts, texts),
    benchmarks,
    st.builds(PriorWork, rows(Requirement, names, texts, texts, texts), bullets, bullets),
    rows(Note, st.sampled_from(NOTE_KINDS), names, texts),
    st.builds(
        Metadata,
        texts,
        texts,
        st.none() | st.integers(0, 99),
        st.sampled_from(["high", "medium", "low"]),
        bullets,
    ),
)
UNHURRIED = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a whole context takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


@UNHURRIED
@given(contexts)
def test_what_is_written_is_read_without_a_diagnostic(context: Context) -> None:
    found = read_text(write(context))
    assert found.context == context
    assert found.diagnostics == []


@pytest.mark.parametrize(
    "text", ["# a", "- a", "**A:** b", "| a |", "```", "$$", "\\[", "[ ] a", "\\alpha", "1. a", "---"]
)
def test_a_contribution_that_looks_like_markup_is_kept(text: str) -> None:
    context = Context("a", contribution=text)
    found = read_text(write(context))
    assert found.context == context
    assert found.diagnostics == []


@pytest.mark.parametrize("authors", [("A B", "C D"), ("Smith, Jr.",), ("A and B", "C"), ("A & B",), ()])
def test_authors_whose_names_hold_separators_are_kept(authors: tuple[str, ...]) -> None:
    context = Context("a", authors=authors)
    assert read_text(write(context)).context == context


@pytest.mark.parametrize("section", ["3.1", "B, Page 4", "Page 2", "p. 7", "-", "Section 3", ""])
@pytest.mark.parametrize("page", [None, 5])
def test_a_section_that_looks_like_a_page_is_kept(section: str, page: int | None) -> None:
    context = Context("a", equations=(Equation("1", location=Location(section, page)),))
    assert read_text(write(context)).context == context


@UNHURRIED
@given(contexts)
def test_json_holds_a_context_exactly(context: Context) -> None:
    assert from_json(to_json(context)) == context
    assert to_json(from_json(to_json(context))) == to_json(context)
