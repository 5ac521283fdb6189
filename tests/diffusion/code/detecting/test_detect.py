"""Five languages are told apart; prose, binary and what may be any are unknown."""

import random

import pytest

from bloomery.diffusion.code.detecting.detect import detect, syntax_share
from bloomery.diffusion.code.detecting.marks import MARKS
from bloomery.diffusion.code.judging.program import LANGUAGES
from bloomery.diffusion.code.tasks.sampling import draw

PROGRAMS = {
    "python": "import os\n\n\ndef walk(root):\n    for name in os.listdir(root):\n        yield name\n",
    "javascript": "const fs = require('fs');\nfunction walk(root) {\n  return fs.readdirSync(root);\n}\n",
    "typescript": "interface Named { name: string }\nfunction f(x: Named): string {\n  return x.name;\n}\n",
    "java": "import java.util.*;\npublic class A {\n    private final List<String> all;\n}\n",
    "go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tx := 1\n\tfmt.Println(x)\n}\n',
}
PROSE = [
    "The quick brown fox jumps over the lazy dog. It was not amused, and said so: why me?\n",
    "Dear all,\n\nplease find the report attached; comments (if any) by Friday.\n\nRegards\n",
    "ROMEO:\nIs the day so young?\n\nBENVOLIO:\nBut new struck nine.\n",
    "1. Import the data\n2. For each row, return the sum\n3. If it is None, try again\n",
]


@pytest.mark.parametrize("language", PROGRAMS)
def test_programs_are_of_their_language(language):
    assert detect(PROGRAMS[language]).language == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_canonical_programs_are_of_the_language_they_were_written_in(language):
    """None of them was looked at when the marks were chosen; TypeScript's say their types."""
    drawn = draw(12, seed=0, side="train", depths=(2, 3), languages=(language,))
    assert [detect(each.program.source).language for each in drawn] == [language] * 12


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_of_no_language_and_the_reason_is_told(text):
    found = detect(text)
    assert found.language is None
    assert found.why


def test_binary_and_nothing_are_of_no_language():
    noise = random.Random(0).randbytes(4096)
    for data in (noise, b"\x00" * 64, b"", b" \n\t\n", b"\x1f\x8b\x08" + noise, "\x01\x02\x03 x = 1"):
        assert detect(data).language is None
    assert detect(PROGRAMS["python"].encode("utf-16")).language is None
    assert detect(PROGRAMS["python"] * 9 + "# \0\n").language is None
    assert detect(b"\xef\xbb\xbf" + PROGRAMS["go"].encode()).language == "go"


def test_what_may_be_any_language_is_not_guessed():
    for text in ("x\n", "}\n}\n", "f(x)\n", "// a remark\n// another\n"):
        assert detect(text).language is None


def test_a_name_or_a_first_line_decides_where_the_syntax_allows_it():
    either = "f(x)\ng(y)\n"
    assert detect(either).language is None
    assert detect(either, "a/b.js").language == "javascript"
    assert detect(either, "b.tsx").language == "typescript"
    assert detect("#!/usr/bin/env python3\n" + either).language == "python"
    assert detect("#!/usr/bin/env -S deno run\n" + PROGRAMS["typescript"]).why == "its first line"
    assert detect(PROGRAMS["go"], "a.py").language == "go", "a name that the syntax belies is not believed"
    assert detect(PROSE[0], "a.py").language is None
    assert detect(PROGRAMS["java"], "a.unheard").language == "java"


def test_types_tell_typescript_from_javascript():
    plain = "const add = function (a, b) {\n  return a + b;\n};\n"
    assert detect(plain).language == "javascript"
    assert detect(plain.replace("(a, b)", "(a: number, b: number): number")).language == "typescript"


def test_cut_out_lines_count_by_what_of_them_is_syntax():
    """Half of the bytes in words that no statement is made of: about half of it is syntax."""
    good = "x = 1\n" * 20
    assert syntax_share(good, "python") == 1
    assert 0.3 < syntax_share(good + "the of a to and in that it\n" * 4, "python") < 0.9
    assert set(detect(good).scores) == set(MARKS)


def test_a_mark_at_the_beginning_is_no_character_of_the_text():
    code = "def f(x):\n    return x\n"
    assert detect("\ufeff" + code) == detect(code) == detect(b"\xef\xbb\xbf" + code.encode())
    assert detect(code).language == "python"
