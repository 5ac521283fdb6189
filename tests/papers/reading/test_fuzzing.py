"""Whatever is done to a paper's sources, reading it ends with a document or with what the reader can mend."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloomery.core.errors import UserError
from bloomery.papers.markdown.writer import write
from bloomery.papers.reading.extracting import extract
from bloomery.papers.reading.files import Packed
from bloomery.papers.reading.latex import read_files, read_latex
from bloomery.papers.reading.reading import read_many

FIXTURES = Path(__file__).parent / "fixtures"
SOURCES = {
    path.relative_to(FIXTURES / "fading").as_posix(): path.read_bytes()
    for path in sorted((FIXTURES / "fading").rglob("*"))
    if path.is_file()
}
PLANTED = [
    "{", "}", "$", "$$", "\\", " \0 ", "%", "&", "#1", "_", "^", "\\verb\n\n", "\\verb|", "\\href{a}",
    "\\newif", "\\begin{align}", "\\end{align}", "\\begin", "\\end{document}", "\\input{", "\\input{x}",
    "\\def\\x#1{\\x{#1}}", "\\x",
    "\\fi", "\\else", "\\[", "\\]", "\\label{eq:a}", "\\ref{", "\\tag{", "where $\\in R$ is a set",
    "\\newcommand", "\\newcommand{\\a}[9]", "\\let", "\\section", "\\left(", "\\frac", "é",
]  # fmt: skip


def edited(name: str, seed: int, edits: int) -> dict[str, bytes]:
    """The fixture's files with random edits of one of them: pieces planted, cut out, doubled, moved."""
    draw = random.Random(seed)
    text = SOURCES[name].decode()
    for _ in range(edits):
        first, last = sorted(draw.randrange(len(text) + 1) for _ in range(2))
        last = min(last, first + draw.randrange(200))
        planted = draw.choice(PLANTED)
        piece = draw.choice([planted, planted, planted, "", text[first:last] * 2, text[first:last][::-1]])
        text = text[:first] + piece + text[last if draw.random() < 0.5 else first :]
    return SOURCES | {name: text.encode()}


@settings(max_examples=25)
@given(st.sampled_from(sorted(SOURCES)), st.integers(0, 2**32), st.integers(1, 12))
def test_no_edit_of_a_paper_breaks_its_reading(name, seed, edits):
    try:
        document = read_files(Packed("edited", edited(name, seed, edits)), source="edited")
    except UserError:
        return
    assert f"**Paper ID:** {extract(document).paper_id}" in write(extract(document))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a command that lacks its sign \\verb", "not-plain"),
        ("a link without its words \\href{a}", "not-plain"),
        ("{" * 20_000 + "deep" + "}" * 20_000, "not-plain"),
        (f"\\input{{{'long' * 100}}}", "missing-input"),
    ],
)
def test_what_is_malformed_is_found_by_its_line_and_the_rest_is_read(tmp_path, text, code):
    path = tmp_path / "paper.tex"
    path.write_text(
        "\\documentclass{article}\n\\begin{document}\n\\section{A}\n"
        f"{text}\n\n\\begin{{equation}}\nx = 1\n\\end{{equation}}\n\\end{{document}}\n"
    )
    document = read_latex(path)
    assert (4, code) in {(one.line, one.code) for one in document.diagnostics}
    assert [one.number for one in document.equations] == ["1"]


def test_what_tex_ignores_is_ignored(tmp_path):
    path = tmp_path / "paper.tex"
    path.write_text(
        "\\begin{document}\0\\input{a\0b}\n\\begin{equation}\nx\0 = 1\n\\end{equation}\\end{document}"
    )
    (tmp_path / "ab.tex").write_text("\\section{Nothing}")
    document = read_latex(path)
    assert document.diagnostics == ()
    assert [one.latex for one in document.equations] == ["x = 1"]


def test_a_set_without_its_member_is_no_symbol(tmp_path):
    path = tmp_path / "paper.tex"
    path.write_text(
        "\\begin{document}\n\\begin{equation}\ny = f(x)\n\\end{equation}\n"
        "where $\\in\\mathbb{R}^d$ is odd and $y$ is the answer.\n\\end{document}"
    )
    (equation,) = extract(read_latex(path)).equations
    assert [one.symbol for one in equation.variables] == ["y"]


def test_one_that_breaks_the_reader_itself_does_not_stop_the_others(monkeypatch, tmp_path):
    def broken(document, **_):
        if document.source.endswith(".html"):
            raise ZeroDivisionError("planted")
        return extract(document)

    monkeypatch.setattr("bloomery.papers.reading.reading.extract", broken)
    first, second = read_many([FIXTURES / "fading.html", FIXTURES / "fading"])
    assert "our mistake: ZeroDivisionError: planted" in str(first.error)
    assert first.error is not None
    assert first.error.exit_code == 1
    assert second.context is not None
