"""A page as LaTeXML makes it, written by hand with each of its forms of a numbered display."""

from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.html import read_html, read_page

FIXTURE = Path(__file__).parent / "fixtures" / "fading.html"


@pytest.fixture(scope="module")
def page() -> Document:
    return read_html(FIXTURE)


def test_every_numbered_equation_has_its_number_tex_and_anchor(page):
    assert [(equation.number, equation.latex, equation.label) for equation in page.equations] == [
        ("1", r"\mathbf{M}_{t}=\lambda\,\mathbf{M}_{t-1}+v_{t}k_{t}^{\top}", "S1.E1"),
        ("2", r"y_{t}=\mathbf{M}_{t}q_{t}", "S1.E2"),
        ("3", "a =b", "S2.E3"),
        ("4", r"e =\textbf{f} \quad+g", "S2.E4"),
        ("5a", "i=1", "S2.E5.1"),
        ("5b", "j=2", "S2.E5.2"),
        ("6", "k=3", "S2.E6"),
        ("P", "", "S2.E7"),
        ("A.1", r"m=\left(5\right.", "A1.E1"),
    ]


def test_an_equation_without_tex_keeps_its_text_and_says_so(page):
    by_number = {equation.number: equation for equation in page.equations}
    assert (by_number["P"].confidence, by_number["P"].text) == ("low", "l = 4")
    assert "no TeX" in by_number["P"].reasons[0]
    assert {equation.confidence for number, equation in by_number.items() if number != "P"} == {"high"}


def test_links_say_which_equations_the_surroundings_refer_to(page):
    second = page.equations[1]
    assert page.equations[0].after.startswith(r"where $\lambda$ is the decay rate")
    assert second.before == "Reading follows (1) and Eq. 4."
    assert second.cites == ("1", "4")


def test_a_row_without_an_anchor_does_not_take_that_of_its_group():
    text = FIXTURE.read_text().replace('<tbody id="S2.E3">', "<tbody>")
    assert read_page(text, "page").equations[2].label == ""


def test_displays_without_a_number_are_counted_and_left_out(page):
    assert page.unnumbered_displays == 1


def test_sections_have_numbers_titles_and_levels(page):
    assert [(section.level, section.number, section.title) for section in page.sections] == [
        (1, "1", "Introduction"),
        (1, "2", r"Rows of $\mathbf{M}$"),
        (2, "2.1", "Groups"),
        (1, "3", "Figures"),
        (1, "A", "Proofs"),
    ]
    assert [equation.place.section for equation in page.equations][-2:] == ["2.1", "A"]


def test_front_matter_is_names_without_their_institutes(page):
    assert page.title == "Fading Memory: a Small Recurrence"
    assert page.authors == ("Ada Lövgren", "Bo Nygaard", "Cai Wu")
    assert page.abstract == r"We write to a matrix with a decaying state; it stays bounded for $\lambda<1$."
    assert "Not here" not in page.sections[0].text


def test_tables_algorithms_and_references_are_read(page):
    settings, results = page.tables
    assert (settings.number, settings.kind, settings.header) == (
        "1",
        "hyperparameters",
        ("Parameter", "Value"),
    )
    assert settings.rows == (("Learning rate", "3× 10^-4"), ("Batch size", "32"))
    assert (results.number, results.kind, results.rows) == ("2", "results", (("Fading", "93.5"),))
    (algorithm,) = page.algorithms
    assert (algorithm.number, algorithm.title, algorithm.lines) == ("1", "Write", ("for $t=1$ do", "write"))
    assert [(reference.key, reference.text) for reference in page.references] == [
        ("bib.bib1", "C. Older. An older memory. 2001.")
    ]


def test_a_formula_of_a_table_that_stays_tex_is_told_with_its_line():
    text = FIXTURE.read_text().replace(r'alttext="3\times 10^{-4}"', r'alttext="3 \href{a}"')
    page = read_page(text, "page.html")
    assert page.tables[0].rows == (("Learning rate", r"$3 \href{a}$"), ("Batch size", "32"))
    line = next(n for n, content in enumerate(text.splitlines(), 1) if "Learning rate" in content)
    assert [str(one) for one in page.diagnostics] == [
        f"page.html:{line}: warning: a formula in this cell of a table stays TeX: "
        "a command lacks its argument [not-plain]"
    ]
    assert not read_html(FIXTURE).diagnostics


def test_a_number_used_twice_is_an_error_with_its_line(page):
    text = FIXTURE.read_text().replace("(A.1)", "(5a)")
    (found,) = read_page(text, "page.html").diagnostics
    line = next(n for n, content in enumerate(text.splitlines(), 1) if "A1.E1" in content)
    assert (found.path, found.line, found.code) == ("page.html", line, "number-twice")


def test_a_page_that_latexml_did_not_make_is_refused(tmp_path):
    (tmp_path / "blog.html").write_text("<html><body><p>E = mc^2 (1)</p></body></html>")
    with pytest.raises(FormatRefused, match="not made by LaTeXML"):
        read_html(tmp_path / "blog.html")
    with pytest.raises(MissingFile):
        read_html(tmp_path / "none.html")
    with pytest.raises(FormatRefused, match="is no HTML"):
        read_page("<!-- ltx_document -->", "page")
