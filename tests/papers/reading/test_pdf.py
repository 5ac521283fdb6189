"""Pages that pdfTeX set from the .tex files beside them, and pages made by hand.

What is expected was read off the printed pages, number by number.
"""

from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.pdf import read_pdf

HERE = Path(__file__).parent
PRINTED = HERE / "fixtures" / "printed"
PLACES = {
    "columns": {1: ["1", "2", "3", "4", "5", "5a", "6", "7"], 2: ["8", "9", "10", "11", "12", "13"]},
    "chapter": {
        1: ["1.1", "1.2", "1.3", "1.4", "1.5", "2.1a", "2.1b"],
        2: ["2.2", "2.3"],
        3: ["3.1", "A.1", "*"],
    },
}


def _making():
    spec = spec_from_file_location("pdf_making", HERE / "pdf_making.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


making = _making()


@pytest.fixture(scope="module")
def columns() -> Document:
    return read_pdf(PRINTED / "columns.pdf")


@pytest.fixture(scope="module")
def chapter() -> Document:
    return read_pdf(PRINTED / "chapter.pdf")


def placed(document: Document) -> Counter:
    return Counter((equation.number, equation.place.page) for equation in document.equations)


@pytest.mark.parametrize("name", PLACES)
def test_every_number_is_found_with_its_page(name, request):
    """The bar is nine in ten; both fixtures give all, and nothing that is not there."""
    expected = Counter((number, page) for page, found in PLACES[name].items() for number in found)
    assert placed(request.getfixturevalue(name)) == expected


def test_baselines_give_subscripts_and_superscripts(columns, chapter):
    text = {equation.number: equation for equation in (*columns.equations, *chapter.equations)}
    assert text["1"].text.replace(" ", "") == "M_{t}=λM_{t−1}+v_{t}k_{t}^{T}"
    assert text["2"].text.replace(" ", "") == "y_{t}=M_{t}q_{t}"
    assert text["1.1"].text.replace(" ", "") == "S_{t}=ηS_{t−1}−θ∇ℓ(S_{t−1};x_{t})"
    assert text["3"].text.replace(" ", "") == "y_{t}=∑_{i=1}^{t}λ^{t−i}v_{i}k_{i}^{T}q_{t}"
    assert text["A.1"].text.replace(" ", "") == "∥S_{t}∥≤η∥S_{t−1}∥+θG"


def test_what_is_stacked_or_broken_has_a_low_confidence_and_says_why(columns, chapter):
    low = {
        equation.number: equation.reasons for equation in columns.equations if equation.confidence == "low"
    }
    assert set(low) == {"3", "5", "5a", "7", "8", "9", "13"}
    assert "several lines" in low["13"][0]
    assert "stacked" in low["7"][0]
    low = {
        equation.number: equation.reasons for equation in chapter.equations if equation.confidence == "low"
    }
    assert set(low) == {"1.2", "2.1a", "2.1b", "2.2", "2.3", "3.1", "*"}
    assert any("no known character" in reason for reason in low["2.2"])


def test_text_around_an_equation_is_that_of_its_column(columns):
    by_number = {equation.number: equation for equation in columns.equations}
    assert by_number["1"].before.endswith("The first rule is")
    assert by_number["1"].after.startswith("where M_{t} is the memory, λ is the decay rate and")
    assert by_number["3"].cites == ("1", "2")
    assert by_number["12"].cites == ("5",)


def test_sections_front_and_tables_are_read(columns, chapter):
    assert columns.title == "Two Columns of Decay"
    assert columns.abstract.startswith("This paper exists to be printed in two columns. It states a")
    assert "formulas that follow" in columns.abstract  # its hyphen at the line's end is gone
    assert columns.authors == ()  # the pages do not tell who is an author, and nothing is invented
    sections = [(section.level, section.number, section.title) for section in columns.sections]
    assert sections == [
        (1, "", "Abstract"),
        (1, "1", "Introduction"),
        (1, "2", "Bounds"),
        (2, "2.1", "Norms"),
        (1, "3", "Learning the Rate"),
        (1, "4", "Experiments"),
    ]
    (settings,), (results,) = columns.tables, chapter.tables
    assert (settings.kind, settings.number, settings.place.page) == ("hyperparameters", "1", 2)
    assert settings.rows == (("Learning rate", "0.003"), ("Batch size", "32"), ("Sequence length", "4096"))
    assert (results.kind, results.header) == ("results", ("Model", "Copy Acc", "Text PPL"))


def page_with(numbers: list[str], left: float = 100) -> str:
    """Displays in one column, with lines of text between that end where the numbers do."""
    content = ""
    for row, number in enumerate(numbers):
        y = 700 - 40 * row
        content += making.text(left, y + 20, "A line of words that is as long as the column is")
        content += making.text(left + 80, y, f"y = x + {row}")
        content += making.text(left + 205, y, f"({number})")
    return content


def test_a_number_that_is_skipped_is_reported(tmp_path):
    (tmp_path / "a.pdf").write_bytes(making.pdf([page_with(["1", "2", "4"]), page_with(["5", "7"])]))
    document = read_pdf(tmp_path / "a.pdf")
    assert placed(document) == Counter([("1", 1), ("2", 1), ("4", 1), ("5", 2), ("7", 2)])
    (found,) = document.diagnostics
    assert found.code == "numbers-missing"
    assert "3, 6" in found.message


def test_a_number_at_the_end_of_a_line_of_text_is_no_equation(tmp_path):
    content = page_with(["1", "2"])
    content += making.text(100, 500, "some of those words follow from") + making.text(305, 500, "(9)")
    (tmp_path / "a.pdf").write_bytes(making.pdf([content]))
    assert placed(read_pdf(tmp_path / "a.pdf")) == Counter([("1", 1), ("2", 1)])


def test_what_stands_over_or_under_a_letter_lowers_the_confidence(tmp_path):
    content = page_with(["1", "2"]) + making.text(180, 704, "^", 7)
    (tmp_path / "a.pdf").write_bytes(making.pdf([content]))
    over, plain = read_pdf(tmp_path / "a.pdf").equations
    assert (over.confidence, plain.confidence) == ("low", "high")
    assert "stacked" in over.reasons[0]


def test_small_glyphs_by_a_line_of_text_are_no_part_of_the_display_below(tmp_path):
    content = page_with(["1", "2"]) + making.text(150, 718, "9", 6)
    (tmp_path / "a.pdf").write_bytes(making.pdf([content]))
    assert [equation.text for equation in read_pdf(tmp_path / "a.pdf").equations] == [
        "y = x + 0",
        "y = x + 1",
    ]


def test_rows_that_stand_close_keep_to_their_own_numbers(tmp_path):
    content = page_with(["1", "2"])
    content += making.text(180, 649, "z = 3") + making.text(305, 649, "(3)")
    (tmp_path / "a.pdf").write_bytes(making.pdf([content]))
    shown = {equation.number: equation.text for equation in read_pdf(tmp_path / "a.pdf").equations}
    assert shown == {"1": "y = x + 0", "2": "y = x + 1", "3": "z = 3"}


def test_a_number_used_twice_is_an_error(tmp_path):
    (tmp_path / "a.pdf").write_bytes(making.pdf([page_with(["1", "2", "2"])]))
    assert [found.code for found in read_pdf(tmp_path / "a.pdf").diagnostics] == ["number-twice"]


def test_an_encrypted_file_is_refused_with_what_to_do(tmp_path):
    content = [page_with(["1", "2"])]
    (tmp_path / "open.pdf").write_bytes(making.pdf(content))
    (tmp_path / "locked.pdf").write_bytes(making.pdf(content, password="secret"))
    assert len(read_pdf(tmp_path / "open.pdf").equations) == 2
    with pytest.raises(FormatRefused, match=r"encrypted.*qpdf --decrypt"):
        read_pdf(tmp_path / "locked.pdf")


def test_a_scan_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "scan.pdf").write_bytes(making.pdf(["q 100 0 0 100 0 0 cm Q", making.text(9, 9, "page 2")]))
    with pytest.raises(FormatRefused, match=r"it is a scan.*ocrmypdf"):
        read_pdf(tmp_path / "scan.pdf")


@pytest.mark.parametrize(
    ("data", "said"), [(b"%PDF-1.4 and no more", "damaged"), (b"\\documentclass{article}", "is no PDF")]
)
def test_what_is_no_sound_pdf_is_refused(tmp_path, data, said):
    (tmp_path / "a.pdf").write_bytes(data)
    with pytest.raises(FormatRefused, match=said):
        read_pdf(tmp_path / "a.pdf")


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MissingFile):
        read_pdf(tmp_path / "none.pdf")
