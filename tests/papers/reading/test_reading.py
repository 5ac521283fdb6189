"""Every form through one door, and several papers at once."""

from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.papers.markdown.writer import write
from bloomery.papers.reading.arxiv import Arxiv
from bloomery.papers.reading.reading import read_many, read_source, write_contexts, write_new

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def offline(tmp_path) -> Arxiv:
    return Arxiv(cache=tmp_path / "cache", offline=True)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fading", "latex"),
        ("fading/fading.tex", "latex"),
        ("fading.html", "html"),
        ("printed/columns.pdf", "pdf"),
    ],
)
def test_a_path_is_read_by_what_it_is(name, kind):
    assert read_source(FIXTURES / name).kind == kind


def test_a_pdf_is_known_by_its_bytes_whatever_it_is_called(tmp_path):
    (tmp_path / "2403.00001").write_bytes((FIXTURES / "printed" / "columns.pdf").read_bytes())
    assert read_source(tmp_path / "2403.00001").kind == "pdf"


def test_what_is_neither_a_path_nor_an_id_is_said(tmp_path, offline):
    with pytest.raises(MissingFile, match="no arXiv id"):
        read_source("Titans", arxiv=offline)
    (tmp_path / "paper.docx").write_bytes(b"words")
    with pytest.raises(FormatRefused, match="docx"):
        read_source(tmp_path / "paper.docx")


def test_one_that_fails_does_not_stop_the_others(tmp_path, offline):
    sources = [FIXTURES / "fading", "2403.00001", tmp_path / "none.pdf", FIXTURES / "fading.html"]
    outcomes = read_many(sources, arxiv=offline, date="2024-03-05")
    assert [one.source for one in outcomes] == [str(source) for source in sources]
    assert [one.context is not None for one in outcomes] == [True, False, False, True]
    assert "no network is to be used" in str(outcomes[1].error)
    assert isinstance(outcomes[2].error, MissingFile)


def test_many_pdfs_at_once_are_read_as_one_by_one(offline):
    """PDFium stands no two threads at a time: without a lock this crashes the process or loses glyphs."""
    names = ["columns", "chapter"] * 4
    outcomes = read_many([FIXTURES / "printed" / f"{name}.pdf" for name in names], arxiv=offline, workers=8)
    alone = {name: read_source(FIXTURES / "printed" / f"{name}.pdf") for name in set(names)}
    assert [one.document for one in outcomes] == [alone[name] for name in names]


def test_one_id_for_several_papers_is_refused(offline):
    with pytest.raises(UserError, match="cannot be that of 2 papers"):
        read_many(["a", "b"], arxiv=offline, paper_id="titans")


def test_a_file_that_is_there_is_not_overwritten_unless_forced(tmp_path):
    path = write_new(tmp_path / "deep" / "a.context.md", "mine")
    with pytest.raises(UserError, match="stays as it is"):
        write_new(path, "theirs")
    assert path.read_text() == "mine"
    assert write_new(path, "theirs", force=True).read_text() == "theirs"


def test_two_papers_of_one_id_do_not_overwrite_each_other(tmp_path, offline):
    outcomes = read_many([FIXTURES / "fading", FIXTURES / "fading.html", "2403.00001"], arxiv=offline)
    written, refused = write_contexts(outcomes, tmp_path, write, force=True)
    assert list(written) == [str(FIXTURES / "fading")]
    assert list(written.values()) == [tmp_path / "fading-memory.context.md"]
    assert set(refused) == {str(FIXTURES / "fading.html"), "2403.00001"}
