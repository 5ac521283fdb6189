"""What every language must do, on its sample; the expectations are counted by hand in `samples.py`."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bloomery.core.errors import CapabilityMissing, UnknownName, UserError
from bloomery.source.languages.complexity import complexities
from bloomery.source.languages.faults import faults
from bloomery.source.languages.formatting import format_text, is_installed
from bloomery.source.languages.holes import Hole, body_hole, cut, filled, fits, holes, marked_hole
from bloomery.source.languages.language import Formatter
from bloomery.source.languages.parsing import nodes, parse
from bloomery.source.languages.registry import LANGUAGES, is_source, language, language_of
from bloomery.source.languages.symbols import comments, symbol, symbols

ANY_SAMPLE = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_sample_has_no_faults(source) -> None:
    assert faults(source) == ()
    assert not source.root.has_error


def test_symbols_have_their_names_kinds_and_lines(source, sample) -> None:
    found = [(one.name, one.kind, one.first_line, one.line, one.end_line) for one in symbols(source)]
    assert found == sample.symbols


def test_decisions_are_those_that_a_person_counts(source, sample) -> None:
    found = {one.symbol.name: (one.cyclomatic, one.extended) for one in complexities(source)}
    assert found == sample.complexities


def test_comments_are_found_where_they_stand(source, sample) -> None:
    assert comments(source) == tuple(sample.comments)


@given(data=st.data())
@ANY_SAMPLE
def test_a_bracket_taken_away_is_a_fault(source, data: st.DataObject) -> None:
    """Brackets within strings and comments are no tokens of their own."""
    brackets = [node for node in nodes(source.root) if node.type in {"(", ")", "{", "}", "[", "]"}]
    taken = data.draw(st.sampled_from(brackets))
    start = source.offset(taken.start_byte)
    broken = parse(source.text[:start] + source.text[start + 1 :], source.language)
    assert faults(broken)


@given(data=st.data())
@ANY_SAMPLE
def test_what_was_cut_out_fills_its_hole(source, data: st.DataObject) -> None:
    kinds = sorted({node.type for node in nodes(source.root) if node.is_named})
    found = list(holes(source, data.draw(st.sets(st.sampled_from(kinds), min_size=1))))
    hole = data.draw(st.sampled_from(found))
    before, inside, after = cut(source.text, hole)
    assert before + inside + after == source.text
    assert filled(source.text, hole, inside) == source.text
    marked, again = marked_hole(filled(source.text, hole, "\u2039hole\u203a"), "\u2039hole\u203a")
    assert filled(marked, again, inside) == source.text
    assert fits(source.text, hole, inside, source.language)
    assert not fits(source.text, hole, "((", source.language)


def test_the_hole_of_a_body_is_the_body(source, sample) -> None:
    name, body = sample.body
    assert cut(source.text, body_hole(source, name))[1] == body


def test_places_count_characters_and_not_bytes(source) -> None:
    """A letter of two bytes and one of four before everything else moves lines by one, columns by none."""
    opening = {"python": "#", "java": "//", "go": "//"}.get(source.language.name, "//")
    moved = parse(f"{opening} \u00e9\U0001f600\n{source.text}", source.language)
    assert [(one.name, one.line - 1) for one in symbols(moved)] == [
        (one.name, one.line) for one in symbols(source)
    ]
    after_it = parse(f"{opening} \u00e9\U0001f600 x", source.language)
    assert after_it.position(len(after_it.data)) == (1, len(after_it.text) + 1)
    assert after_it.offset(len(after_it.data)) == len(after_it.text)


def test_any_text_is_parsed_and_its_places_lie_in_it(source) -> None:
    torn = source.text[: -len(source.text) // 3]
    for text in ("", "\n", "\u00e9", "))))", source.text.replace("\n", "\r\n"), torn):
        lines = text.split("\n")
        for fault in faults(parse(text, source.language)):
            assert 1 <= fault.start.line <= len(lines)
            assert 1 <= fault.start.column <= len(lines[fault.start.line - 1]) + 1


def test_deep_nesting_is_no_crash(source) -> None:
    assert faults(parse("(" * 20_000 + ")" * 20_000, source.language))


def test_a_formatter_that_is_there_is_used_and_one_that_is_not_is_named(source) -> None:
    if not is_installed(source.language):
        with pytest.raises(CapabilityMissing, match=f"formatting {source.language.name} needs .*: install "):
            format_text(source.text, source.language)
        return
    once = format_text(source.text, source.language)
    assert format_text(once, source.language) == once
    assert [one.name for one in symbols(parse(once, source.language))] == [
        one.name for one in symbols(source)
    ]


def test_suffixes_lead_to_one_language_each() -> None:
    suffixes = [suffix for known in LANGUAGES.values() for suffix in known.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(language_of(f"dir/a{suffix.upper()}").name for suffix in suffixes)
    assert is_source("a.go")
    assert not is_source("a.rs")
    with pytest.raises(UnknownName, match=r"a\.jaav with suffix '\.jaav'; did you mean '\.java'"):
        language_of("a.jaav")
    with pytest.raises(UnknownName, match="unknown language 'typscript'; did you mean 'typescript'"):
        language("typscript")


def test_a_language_is_added_by_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    minigo = replace(LANGUAGES["go"], name="minigo", suffixes=(".mini",), branches=frozenset())
    monkeypatch.setitem(LANGUAGES, "minigo", minigo)
    path = tmp_path / "a.mini"
    path.write_text("package a\nfunc f() { if x { } }\n")
    from bloomery.source.languages.parsing import read

    assert [(one.symbol.name, one.cyclomatic) for one in complexities(read(path))] == [("f", 1)]


def test_what_node_takes_has_no_faults_and_what_it_refuses_has(tmp_path: Path) -> None:
    if not shutil.which("node"):
        pytest.skip("node, the independent parser here, is not installed")
    texts = [
        "let a = 1;\n",
        "for (const x of []) { if (x) {} }\n",
        "class A { #x = 1; get y() { return this.#x ?? 0; } }\n",
        "const f = async (a, ...b) => { await a?.b?.(); };\n",
        "let = = 3;\n",
        "if (a { }\n",
        "class A { x y }\n",
    ]
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.mjs"
        path.write_text(text)
        refused = subprocess.run(["node", "--check", path], capture_output=True, check=False).returncode
        assert bool(faults(parse(text, LANGUAGES["javascript"]))) == bool(refused), text


def test_a_missing_token_is_named_where_it_is_missing() -> None:
    (fault,) = faults(parse("class A { void f() { g(1; } }", LANGUAGES["java"]))
    assert (fault.kind, str(fault)) == ("missing", "1:25: expected )")


def test_a_text_that_only_the_grammar_takes_is_refused_as_the_interpreter_does() -> None:
    text = "x = 1\n\nprint 'a'\n"
    (fault,) = faults(parse(text, LANGUAGES["python"]))
    assert (fault.kind, fault.start.line) == ("refused", 3)
    assert fault.message.startswith("Missing parentheses")


def test_one_name_twice_is_asked_back() -> None:
    overloads = parse("class A {\n void f() {}\n void f(int a) {}\n}\n", LANGUAGES["java"])
    with pytest.raises(UserError, match=r"A\.f is defined more than once \(lines 2, 3\)"):
        symbol(overloads, "A.f")
    with pytest.raises(UnknownName, match=r"did you mean 'A\.f'"):
        symbol(overloads, "A.g")


def test_a_formatter_that_fails_or_hangs_is_a_clear_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_tool(script: str):
        tool = Formatter(("sh", "-c", script, "sh"), "install a shell")
        return replace(LANGUAGES["go"], formatter=tool)

    assert format_text("a", with_tool("tr a b")) == "b"
    with pytest.raises(UserError, match="sh refuses the text: no such luck"):
        format_text("a", with_tool("echo no such luck >&2; exit 3"))
    monkeypatch.setattr("bloomery.source.languages.formatting.TIMEOUT_S", 0.2)
    with pytest.raises(UserError, match="longer than"):
        format_text("a", with_tool("exec sleep 20"))


def test_the_settings_of_a_folder_hold_only_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text('[format]\nquote-style = "single"\n')
    text = 'x = ["a"]\n'
    assert format_text(text, LANGUAGES["python"]) == text
    assert format_text(text, LANGUAGES["python"], settings=tmp_path) == "x = ['a']\n"


@pytest.mark.parametrize("text", ["no mark", "<x> and <x>", ""])
def test_a_mark_stands_once(text: str) -> None:
    with pytest.raises(UserError, match="expected the mark '<x>' once"):
        marked_hole(text, "<x>")
    with pytest.raises(UserError, match="a hole from 3 to 2000 in a text of"):
        cut(text, Hole(3, 2000))


def test_functions_that_share_a_declaration_have_their_own_lines() -> None:
    text = "export const one = () => 1,\n  two = () => {\n    return 2;\n  };\n"
    found = [
        (one.name, one.first_line, one.end_line) for one in symbols(parse(text, LANGUAGES["javascript"]))
    ]
    assert found == [("one", 1, 1), ("two", 2, 4)]


def test_a_function_among_several_values_of_go_has_no_name() -> None:
    """`var a, b = func() {}, f()`: which name is whose is not in the tree."""
    text = "package x\n\nvar a, b = func() {}, f()\nvar c = func() {}\n"
    assert [one.name for one in symbols(parse(text, LANGUAGES["go"]))] == ["c"]
