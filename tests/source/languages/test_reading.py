"""Files that are no text of their language are named with the reason."""

from pathlib import Path

import pytest

from bloomery.core.errors import CapabilityMissing, FormatRefused, MissingFile
from bloomery.source.languages import parsing
from bloomery.source.languages.faults import diagnose
from bloomery.source.languages.parsing import grammar, parse, read
from bloomery.source.languages.registry import LANGUAGES


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.py", b"x = 1\n\xff\n", ":2: byte 0xff is not utf-8"),
        ("a.go", b"package a\n\n\xe9\n", ":3: byte 0xe9 is not utf-8"),
        ("a.js", b"a\0b", ":1: a null byte: it is a binary file"),
        ("a.js", b"\x7fELF\n\n\0", ":3: a null byte"),
        ("a.java", "class A {}".encode("utf-16"), ": it is UTF-16: save it as UTF-8"),
        ("a.ts", "let a".encode("utf-32"), ": it is UTF-32"),
        ("a.py", b"# coding: no-such\n", ":1: unknown encoding"),
        ("a.py", b"# coding: ascii\n\n# \xc3\xa9\n", ":3: byte 0xc3 is not ascii"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FormatRefused) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}{why}")
    (fault,) = diagnose(path)
    assert (fault.kind, fault.message) == ("unreadable", str(refused.value))
    assert fault.start.line == (int(why[1]) if why[1].isdigit() else 1)


def test_declared_encodings_and_byte_order_marks_of_python_are_heeded(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes("# coding: latin-1\nx = 'é'\r\n".encode("latin-1"))
    assert read(path).text == "# coding: latin-1\nx = 'é'\r\n"
    path.write_bytes("x = 'é'\n".encode("utf-8-sig"))
    assert read(path).text == "x = 'é'\n"


def test_a_file_that_is_too_large_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.go"
    path.write_text("package a\n")
    with pytest.raises(FormatRefused, match="10 bytes; at most 9 are parsed"):
        read(path, most_bytes=9)
    with pytest.raises(FormatRefused, match="go text: 10 bytes"):
        parse("package a\n", LANGUAGES["go"], most_bytes=9)
    with pytest.raises(MissingFile, match=r"b\.go"):
        read(tmp_path / "b.go")


def test_a_text_that_would_eat_the_memory_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Java grammar keeps every reading of `a<a<a<`: 877 MB for 20 kB, and four times that for 40 kB."""
    monkeypatch.setattr(parsing, "MOST_MEMORY_BYTES", 48 * 2**20)
    with pytest.raises(FormatRefused, match="java text: too ambiguous"):
        parse("a<" * 6000, LANGUAGES["java"])
    assert parse("class A { int x = " + "a<" * 6000 + "b; }", LANGUAGES["java"]).root.child_count == 1


def test_a_character_that_no_file_holds_is_refused() -> None:
    with pytest.raises(FormatRefused, match="java text:2: "):
        parse("a\n\ud800", LANGUAGES["java"])


def test_a_grammar_that_is_not_installed_is_named_with_its_extra() -> None:
    with pytest.raises(CapabilityMissing, match=r"needs tree_sitter_cobol: install bloomery\[optimize\]"):
        grammar("tree_sitter_cobol", "language")


def test_a_wrong_text_is_diagnosed_where_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.js"
    path.write_text("let a = 1;\nlet b = (2;\n")
    (fault,) = diagnose(path)
    assert fault.start.line == 2
