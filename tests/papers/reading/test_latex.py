"""LaTeX sources: numbers are those that pdfTeX wrote into the fixture's .aux; the rest is written by hand."""

import re
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.latex import read_latex
from bloomery.papers.reading.tex import expanding
from bloomery.papers.reading.tex.plain import plain

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def fading() -> Document:
    return read_latex(FIXTURES / "fading")


def printed() -> dict[str, str]:
    """Label to number, as LaTeX itself resolved them."""
    aux = (FIXTURES / "fading.printed.aux").read_text()
    found = re.findall(r"\\newlabel\{(.*?)\}\{\{(.*)\}\{\d+\}\}", aux)
    return {label: plain(number.strip("{}"), maths=False) for label, number in found}


def read(tmp_path: Path, text: str, **others: str) -> Document:
    (tmp_path / "paper.tex").write_text(text)
    for name, content in others.items():
        (tmp_path / f"{name}.tex").write_text(content)
    return read_latex(tmp_path / "paper.tex")


def body(text: str, preamble: str = "", kind: str = "article") -> str:
    return f"\\documentclass{{{kind}}}\n{preamble}\n\\begin{{document}}\n{text}\n\\end{{document}}\n"


def numbers(document: Document) -> list[str]:
    return [equation.number for equation in document.equations]


def codes(document: Document) -> list[tuple[str, int, str]]:
    return [(found.path, found.line, found.code) for found in document.diagnostics]


def test_every_numbered_equation_has_the_number_that_latex_prints(fading):
    by_label = {equation.label: equation.number for equation in fading.equations}
    expected = {label: number for label, number in printed().items() if label.startswith("eq:")}
    del expected["eq:sub"], expected["eq:both"]  # these name the whole groups
    assert by_label == expected
    assert len(fading.equations) == 28


def test_a_clean_paper_has_no_diagnostics(fading):
    assert fading.diagnostics == ()


def test_macros_are_expanded_in_equations(fading):
    latex = {equation.label: equation.latex for equation in fading.equations}
    assert latex["eq:write"] == r"\mathbf{M}_t = \lambda\, \mathbf{M}_{t-1} + v_t {k_t}^{\top}"
    assert latex["eq:loss"] == r"\ell_t = \tfrac{1}{2} \left\lVert s_t \right\rVert^2 + \varepsilon"
    assert latex["eq:last"] == r"\operatorname*{arg\,max}_k \mathcal{L}_{1}(k) = \mathcal{L}_{2}(k)"
    assert latex["eq:alignat"] == r"l = 1 \quad m = 2"
    assert latex["eq:row-g"] == r"g = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}"


def test_equations_know_their_file_line_section_and_what_stands_around_them(fading):
    by_label = {equation.label: equation for equation in fading.equations}
    read_out, surprise = by_label["eq:read"], by_label["eq:surprise"]
    assert (read_out.place.path, read_out.place.line, read_out.place.section) == ("fading.tex", 26, "1")
    assert surprise.place.path == "sections/method.tex"
    assert read_out.before == "Reading is a product, and follows (1.1)."
    assert read_out.after.startswith("where $q_t$ is the query.")
    assert read_out.cites == ("1.1",)
    assert by_label["eq:loss"].cites == ("1.2", "2.1")
    assert surprise.cites == ("1.2",)  # that its own number is named beside it says nothing
    assert by_label["eq:both-a"].after == by_label["eq:both-b"].after == "From (A.2a) follows (A.2b)."
    assert by_label["eq:array-a"].before == ""  # another display stands before it


def test_references_are_resolved_in_the_text_of_sections(fading):
    text = {section.number: section.text for section in fading.sections}
    assert "Settings are in Table 1, results in Table 2, and Section 2 says why [older]." in text["3.1"]
    assert "By Claim 1 and (1.1)," in text["A"]
    assert [section.number for section in fading.sections] == ["1", "2", "2.1", "3", "3.1", "A", "B"]


def test_front_matter_tables_and_references_are_read(fading):
    assert fading.title == "Fading Memory: a Small Recurrence for Long Sequences"
    assert (fading.authors, fading.year) == (("Ada Lövgren", "Bo Nygaard"), 2024)
    assert fading.abstract.endswith(r"The state stays bounded for $\lambda < 1$.")
    settings, results = fading.tables
    assert (settings.kind, settings.number, settings.label) == ("hyperparameters", "1", "tab:settings")
    assert settings.header == ("Parameter", "Symbol", "Value")
    assert settings.rows[0] == ("Learning rate", "η", "3 × 10^-4")
    assert results.kind == "results"
    assert results.rows[1] == ("Fading", "93.5", "21.0")
    assert [reference.key for reference in fading.references] == ["older"]


def test_displays_without_a_number_are_counted_and_left_out(fading):
    assert fading.unnumbered_displays == 3


@pytest.mark.parametrize(
    ("preamble", "text", "expected"),
    [  # each was set by pdfTeX, and these are the numbers on its page
        ("", r"\begin{align} a \\ b \\ \end{align}\begin{equation} c \end{equation}", ["1", "2", "4"]),
        (
            r"\renewcommand{\theequation}{\roman{equation}}",
            r"\begin{equation}a\end{equation}\begin{equation}b\end{equation}",
            ["i", "ii"],
        ),
        (
            r"\makeatletter\@addtoreset{equation}{section}\makeatother"
            r"\renewcommand{\theequation}{\thesection.\alph{equation}}",
            r"\section{A}\begin{equation}a\end{equation}\section{B}\begin{equation}b\end{equation}",
            ["1.a", "2.a"],
        ),
        (
            "",
            r"\appendix\section{A}\renewcommand{\theequation}{S\arabic{equation}}\setcounter{equation}{0}"
            r"\begin{equation}a\end{equation}",
            ["S1"],
        ),
        ("", r"\begin{equation}a\tag*{[7]}\end{equation}\begin{equation}b\end{equation}", ["[7]", "1"]),
        (
            "",
            r"\begin{equation}a\label{x}\end{equation}\begin{equation}b\tag{\ref{x}$'$}\end{equation}",
            ["1", "1'"],
        ),
        (
            r"\newcounter{save}",
            r"\begin{subequations}\renewcommand{\theequation}{\theparentequation.\roman{equation}}"
            r"\begin{align}a\\b\end{align}\end{subequations}\begin{equation}c\end{equation}",
            ["1.i", "1.ii", "2"],
        ),
    ],
)
def test_numbers_follow_what_a_document_says_of_its_counters(tmp_path, preamble, text, expected):
    document = read(tmp_path, body(text, f"\\usepackage{{amsmath}}{preamble}"))
    assert numbers(document) == expected


def test_a_report_numbers_its_equations_within_chapters(tmp_path):
    text = r"\chapter{A}\section{B}\begin{equation}a\end{equation}\chapter{C}\begin{equation}b\end{equation}"
    assert numbers(read(tmp_path, body(text, kind="report"))) == ["1.1", "2.1"]


def test_a_number_on_an_empty_line_is_reported_and_counted(tmp_path):
    document = read(tmp_path, body("\\begin{align}\n a \\\\\n\\end{align}"))
    assert numbers(document) == ["1"]
    assert [code for _, _, code in codes(document)] == ["empty-row"]


def test_where_only_cited_equations_are_shown_only_they_are_numbered(tmp_path):
    text = r"\begin{equation}a\label{a}\end{equation}\begin{equation}b\label{b}\end{equation} See \eqref{b}."
    document = read(tmp_path, body(text, r"\usepackage{autonum}"))
    assert [(equation.number, equation.latex) for equation in document.equations] == [("1", "b")]


def test_a_number_used_twice_is_an_error_at_the_second(tmp_path):
    text = "\\begin{equation}a\\end{equation}\n\\begin{equation}b\\tag{1}\\end{equation}"
    document = read(tmp_path, body(text))
    (found,) = document.diagnostics
    assert (found.line, found.severity, found.code) == (5, "error", "number-twice")
    assert "paper.tex:4" in found.message


def test_an_equation_that_never_ends_is_reported_and_the_rest_still_read(tmp_path):
    text = (
        "\\begin{equation}\n a = b \\label{a}\n\nText goes on.\n\\section{Next}\n"
        "\\begin{equation}\n c = d\n\\end{equation}"
    )
    document = read(tmp_path, body(text))
    first, second = document.equations
    assert (first.number, first.latex, first.confidence) == ("1", "a = b", "low")
    assert (second.number, second.latex, second.confidence) == ("2", "c = d", "high")
    assert codes(document) == [("paper.tex", 4, "unbalanced")]


def test_an_equation_ended_by_its_neighbours_beginning_takes_nothing_of_it(tmp_path):
    text = "\\begin{equation} a\n\\begin{align} b \\\\ c \\end{align}"
    document = read(tmp_path, body(text))
    assert [equation.latex for equation in document.equations] == ["a", "b", "c"]


def test_braces_that_do_not_match_lower_the_confidence_of_that_equation_alone(tmp_path):
    text = "\\begin{equation}\n \\frac{a}{b\n\\end{equation}\n\\begin{equation} c \\end{equation}"
    broken, sound = read(tmp_path, body(text)).equations
    assert (broken.confidence, broken.number) == ("low", "1")
    assert "2 { and 1 }" in broken.reasons[0] or "{" in broken.reasons[0]
    assert (sound.confidence, sound.latex) == ("high", "c")


def test_a_definition_whose_brace_is_never_closed_is_reported_at_its_line(tmp_path):
    document = read(tmp_path, body("\\begin{equation} \\x \\end{equation}", "\\newcommand{\\x}{\\mathbf{x}"))
    assert document.equations[0].latex == "\\x"
    assert ("paper.tex", 2, "unbalanced") in codes(document)


def test_macros_that_call_each_other_are_stopped_and_reported(tmp_path):
    preamble = "\\newcommand{\\a}{\\b}\n\\newcommand{\\b}{\\a\\a}\n"
    document = read(tmp_path, body("\\begin{equation} \\a \\end{equation}", preamble))
    assert numbers(document) == ["1"]
    assert "macro-recursion" in [code for _, _, code in codes(document)]


def test_macros_that_grow_without_measure_are_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(expanding, "EXPANSIONS", 500)
    doubling = "\n".join(
        f"\\newcommand{{\\x{chr(98 + n)}}}{{\\x{chr(97 + n)}\\x{chr(97 + n)}}}" for n in range(12)
    )
    document = read(tmp_path, body("\\begin{equation} \\xm \\end{equation}", doubling))
    assert numbers(document) == ["1"]
    assert len(document.equations[0].latex) < 20_000


def test_an_environment_that_begins_itself_is_stopped(tmp_path):
    preamble = "\\newenvironment{e}{\\begin{e}}{\\end{e}}"
    document = read(tmp_path, body("\\begin{e}x\\end{e}\\begin{equation}a\\end{equation}", preamble))
    assert numbers(document) == ["1"]
    assert "macro-recursion" in [code for _, _, code in codes(document)]


def test_a_missing_file_is_an_error_at_its_input_and_the_rest_is_read(tmp_path):
    document = read(tmp_path, body("\\input{gone}\n\\begin{equation}a\\end{equation}"))
    assert codes(document) == [("paper.tex", 4, "missing-input")]
    assert numbers(document) == ["1"]


def test_a_file_that_puts_itself_in_is_read_once(tmp_path):
    document = read(tmp_path, body("\\input{part}"), part="\\begin{equation}a\\end{equation}\\input{part}")
    assert numbers(document) == ["1"]
    assert codes(document) == [("part.tex", 1, "input-cycle")]


def test_a_reference_to_nothing_is_a_warning_with_its_line(tmp_path):
    document = read(tmp_path, body("\\section{A}\nSee \\eqref{none}."))
    assert codes(document) == [("paper.tex", 5, "dangling-reference")]
    assert document.sections[0].text == "See (??)."


def test_a_redefinition_of_what_is_read_by_changes_nothing(tmp_path):
    preamble = "\\renewenvironment{equation}{(}{)}\\renewcommand{\\label}[1]{}"
    (found,) = read(tmp_path, body("\\begin{equation}a\\label{x}\\end{equation}", preamble)).equations
    assert (found.number, found.latex, found.label) == ("1", "a", "x")


def test_a_default_argument_may_hold_a_bracket_in_braces(tmp_path):
    preamble = "\\newcommand{\\q}[2][{]}]{#1 + #2}"
    (found,) = read(tmp_path, body("\\begin{equation}\\q{z}\\end{equation}", preamble)).equations
    assert found.latex == "{]} + z"


def test_a_blank_line_after_a_comment_ends_a_paragraph(tmp_path):
    document = read(tmp_path, body("\\section{A}\none % said\n\ntwo % said\nthree"))
    assert document.sections[0].text == "one\n\ntwo three"


def test_verbatim_and_comments_hide_what_they_hold(tmp_path):
    text = (
        "\\begin{verbatim}\n\\begin{equation} no \\end{equation} %\n\\end{verbatim}\n"
        "% \\begin{equation} no \\end{equation}\n"
        "\\begin{comment}\\begin{equation} no \\end{equation}\\end{comment}\n"
        "\\verb|\\begin{equation}| 5\\% \\begin{equation} yes \\end{equation}"
    )
    document = read(tmp_path, body(text))
    assert [equation.latex for equation in document.equations] == ["yes"]
    assert document.diagnostics == ()


def test_a_paper_that_is_cut_off_anywhere_is_read_up_to_there(tmp_path):
    """No cut raises, and no equation that ended before it is lost or renumbered."""
    text = (FIXTURES / "fading" / "sections" / "rows.tex").read_text()
    whole = [equation.number for equation in read(tmp_path, body(text, "\\usepackage{amsmath}")).equations]
    for end in range(0, len(text), 37):
        found = read(
            tmp_path, body("", "\\usepackage{amsmath}").replace("\n\n\\end{document}", "\n" + text[:end])
        )
        ended = text[:end].count("\\end{equation}") + text[:end].count("\\end{multline}")
        sound = [equation.number for equation in found.equations if equation.confidence == "high"]
        assert len(sound) >= ended
        assert [number for number in sound if number not in whole] == []


def test_algorithms_are_read_line_by_line(tmp_path):
    text = (
        "\\begin{algorithm}\\caption{Write}\\label{alg:w}\\begin{algorithmic}[1]\n\\Require $k, v$\n"
        "\\For{$t = 1$ to $T$} \\State $s \\gets v - Mk$ \\EndFor \\State \\Return $M$\n"
        "\\end{algorithmic}\\end{algorithm} Algorithm~\\ref{alg:w}."
    )
    (algorithm,) = read(tmp_path, body(text)).algorithms
    assert (algorithm.number, algorithm.title, algorithm.label) == ("1", "Write", "alg:w")
    assert algorithm.lines == (
        "require $k, v$",
        "for $t = 1$ to $T$",
        "$s \\gets v - Mk$",
        "end for",
        "return $M$",
    )


def test_the_main_file_is_the_one_with_a_document_and_a_doubt_is_said(tmp_path):
    (tmp_path / "aside.tex").write_text(body("\\begin{equation}aside\\end{equation}"))
    (tmp_path / "main.tex").write_text(body("\\begin{equation}main\\end{equation}"))
    (tmp_path / "part.tex").write_text("\\begin{equation}part\\end{equation}")
    document = read_latex(tmp_path)
    assert [equation.latex for equation in document.equations] == ["main"]
    assert [found.code for found in document.diagnostics] == ["main-file"]


def test_a_style_beside_the_paper_gives_its_macros(tmp_path):
    (tmp_path / "ours.sty").write_text("\\newcommand{\\vx}{\\mathbf{x}}\\def\\section#1{nothing}")
    document = read(tmp_path, body("\\section{A}\\begin{equation}\\vx\\end{equation}", "\\usepackage{ours}"))
    assert document.equations[0].latex == "\\mathbf{x}"
    assert document.sections[0].title == "A"


def test_what_is_not_there_or_holds_no_tex_is_refused(tmp_path):
    with pytest.raises(MissingFile, match="no file or folder"):
        read_latex(tmp_path / "none.tex")
    (tmp_path / "notes.txt").write_text("no TeX")
    with pytest.raises(FormatRefused, match=r"no \.tex file"):
        read_latex(tmp_path)
