import pytest

from bloomery.papers import references
from bloomery.papers.references import Reference, mentions, numbers, paper_ids, parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Eq 12", ["Eq 12"]),
        ("Equations 13-15 for M, sliding window attention", [
            "Eq 13 (for M)", "Eq 14 (for M)", "Eq 15 (for M)", '"sliding window attention"',
        ]),
        ("None (foundational)", []),
        ("None", []),
        ("-", []),
        ("", []),
        ("Loss function (Eq 12)", ["Eq 12 (Loss function)"]),
        ("MIRAS Eq 8", ["MIRAS Eq 8"]),
        ("Titans Eq 3", ["TITANS Eq 3"]),
        ("Attention Eq 3", ["Eq 3 (Attention)"]),
        ("Eq 8 of MIRAS", ["MIRAS Eq 8"]),
        ("Algorithm 1 line 7", ["Algorithm 1 line 7"]),
        ("Alg. 2, lines 3–5", ["Algorithm 2 lines 3-5"]),
        ("Uses Eq. (9) and (10)", ["Eq 9 (Uses)", "Eq 10 (Uses)"]),
        ("Eqs. 3, 5 and A.2; the memory", ["Eq 3", "Eq 5", "Eq A.2", '"the memory"']),
        ("Eq 9a-9c", ["Eq 9a", "Eq 9b", "Eq 9c"]),
        ("13-15", ["Eq 13", "Eq 14", "Eq 15"]),
        ("It compares a with b, one by one, for every token of the text.", [
            '"It compares a with b, one by one, for every token of the text"',
        ]),
    ],
)  # fmt: skip
def test_references_are_found_in_any_wording(text: str, found: list[str]) -> None:
    assert [str(one) for one in parse(text, {"titans"})] == found


@pytest.mark.parametrize(
    "reference",
    [
        Reference("equation", "9a", "muon-2", note="its (inner) step"),
        Reference("algorithm", "1", lines="3-5", note="loop"),
        Reference("module", "Memory (deep)", note="a: b"),
        Reference("prose", 'None, as "they" say, of Eq 3'),
    ],
)
def test_a_written_reference_is_read_as_itself(reference: Reference) -> None:
    assert parse(str(reference)) == (reference,)


def test_ranges_expand_within_letters_and_prefixes_and_never_backwards() -> None:
    assert numbers("9-11") == ("9", "10", "11")
    assert numbers("A.1-A.3") == ("A.1", "A.2", "A.3")
    assert numbers("(3), 5 and 7b") == ("3", "5", "7b")
    assert numbers("11-9") == ("11", "9")
    assert len(numbers("1-100000")) == 2  # wider than any paper: read as two numbers


def test_pseudocode_names_its_equations_and_prose_is_left_out() -> None:
    assert mentions("3: M ← write(M)  // [Eq 2]\n4: y ← M q // see Eqs. 4-5") == tuple(
        Reference("equation", number) for number in ("2", "4", "5")
    )


def test_global_ids_name_the_paper_and_the_kind() -> None:
    assert Reference("equation", "13").global_id("titans") == "titans:13"
    assert Reference("equation", "8", "miras").global_id("titans") == "miras:8"
    assert Reference("algorithm", "1", lines="7").global_id("titans") == "titans:algorithm 1"
    assert Reference("module", "LMM").global_id("titans") == "titans:module lmm"
    assert Reference("prose", "attention").global_id("titans") == ""


def test_a_cell_stands_for_the_paper_that_it_names() -> None:
    assert paper_ids("TITANS (Behrouz et al.)") == ["titans"]
    assert paper_ids("Nested Learning, 2025") == ["nested-learning", "nested"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "equation", "target": "the loss"},
        {"kind": "equation", "target": "1", "paper": "MIRAS"},
        {"kind": "equation", "target": "1", "lines": "3"},
        {"kind": "algorithm", "target": "1", "lines": "three"},
        {"kind": "prose", "target": ""},
        {"kind": "prose", "target": "x", "note": "y"},
    ],
)
def test_a_reference_that_could_not_be_written_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"reference|lines|prose"):
        references.Reference(**wrong)  # type: ignore[arg-type]
