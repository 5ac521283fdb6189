"""The grammars against real programs and real parsers."""

import ast
import functools
import gzip
import json
import random
import sysconfig
import textwrap
import warnings
from pathlib import Path

import pytest

from bloomery.core.errors import UnknownName, UserError
from bloomery.diffusion.code.completing.canvas import Completer, admissible, completable, wild
from bloomery.diffusion.code.completing.grammar import OPEN, PIECE
from bloomery.diffusion.code.completing.languages import GRAMMARS, grammar
from bloomery.diffusion.code.completing.terminals import terminals_of
from bloomery.diffusion.code.lexemes.arranging import Item, Style, arrange
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.rendering import rendered
from bloomery.diffusion.code.lexemes.spacing import Spacing
from bloomery.diffusion.code.lexemes.tokenizer import style_of
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

TEXTS = {
    "NUMBER": Item("number", "1"),
    "STRING": Item("string", '"s"'),
    "BYTES": Item("string", 'b"s"'),
    "FSTRING": Item("string", 'f"s"'),
    "RUNE": Item("string", "'c'"),
    "REGEX": Item("regex", "/x/"),
    "TEMPLATE": Item("template", "`t`"),
    "TEMPLATE_HEAD": Item("template", "`t${"),
    "TEMPLATE_MIDDLE": Item("template", "}t${"),
    "TEMPLATE_TAIL": Item("template", "}t`"),
    "NEWLINE": Item("newline", "0"),
    "INDENT": Item("indent", "    "),
    "DEDENT": Item("dedent", ""),
    "NL": Item("nl", "0p"),
}
FILES = {
    "javascript": "humaneval-x/humaneval_js.jsonl.gz",
    "typescript": "mbxp/mbtsp_release_v1.2.jsonl.gz",
    "java": "humaneval-x/humaneval_java.jsonl.gz",
    "go": "humaneval-x/humaneval_go.jsonl.gz",
}
REMARKED = """\
if (a[0]
        and f(b)
    if c else d):  # so
    try: pass
    # then
    except E:  # or so

        pass
# else
elif x:
    for i in j:
        pass
        # still in it
    # no break
    else: pass
"""
PROGRAMS = {
    "javascript": """\
async function f([a, {b = 1}], ...c) {
  for (const x of c) if (x) break; else continue
  let y = a ?? (b => ({ b, [a]: 2, get z() { return 1 } }))
  y = (await g?.(...c)) ** 2
  switch (y) {
    case 1: throw new E
    default: return `a${y}b`
  }
}
class A extends B { static x = 1; f() {} }
""",
    "typescript": """\
interface P<T> { a?: T[]; f(x: number): string }
type Q = P<P<number>> | null
function f<T extends Q>(a: T, b?: { [k: string]: T }): a is T {
  const m = new Map<string, number>()
  return (a as any)!.b > 1
}
enum E { A, B = 2 }
""",
    "java": """\
package a.b;
import java.util.*;
@Deprecated public final class A<T extends B & C> extends D {
  private static final int[] X = {1, 2};
  <U> U f(final List<? super T> a, int... b) throws E, F {
    for (int i = 0, j = 1; i < b.length; i++, --j) if (a == null) return (U) x[i] ; else { continue; }
    try (R r = g()) { a.stream().map(A::new).filter(y -> y > 1 >> 2); } catch (E | F e) { throw e; }
    switch (b[0]) { case 1: default: break; }
    return b == null ? this.<U>f(null) : new U() { int z; };
  }
}
""",
    "go": """\
package a

import (
\t"fmt"
\tb "c/d"
)

type T[K comparable] struct {
\tb.X
\ty, z map[string][]K `t`
}

func (t *T[K]) F(a int, b ...func(int) error) (x K, err error) {
\tif v, ok := t.y[a]; ok && v != nil {
\t\tgo func() { ch <- <-v }()
\t} else if (T{1, 2}) == nil {
\t\tdefer t.F(b...)
\t}
\tfor i := range make([]int, 3) {
\t\tx = []K{{1}, {a: 2}}[i:]
\t}
\tswitch y := x.(type) {
\tcase int:
\t\treturn
\t}
}
""",
}


@functools.cache
def programs(language: str, count: int) -> list[list[Item]]:
    texts = [PROGRAMS[language]] if language != "python" else _functions(count)
    return [_code(text, language) for text in texts]


@functools.cache
def _functions(count: int) -> list[str]:
    found, draw = [], random.Random(0)
    for name in ("shlex", "bisect", "calendar", "textwrap", "queue", "heapq", "string", "contextlib"):
        text = Path(sysconfig.get_path("stdlib"), f"{name}.py").read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and 4 < (node.end_lineno or 0) - node.lineno < 20:
                found.append(textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno])))
    return draw.sample(found, count)


def _code(text: str, language: str) -> list[Item]:
    """Without remarks and what spacing says, which no completed canvas has."""
    data, known = text.encode().decode("latin-1"), lexicon(language)
    items = arrange(data, known, Spacing(), style_of(data, known))
    return [item for item in items if item.shape not in {"comment", "block", "space", "line", "edge"}]


def bits(item: Item, language: str) -> int:
    known = grammar(language)
    return known.bits(name for name in terminals_of(item, language) if name in known.index)


@pytest.mark.parametrize("language", GRAMMARS)
def test_programs_are_accepted_with_their_remarks_and_spaces_and_nothing_else_is(language: str):
    texts = [PROGRAMS[language]] if language != "python" else [REMARKED, *_functions(20)]
    completer, known = Completer(grammar(language)), lexicon(language)
    for text in texts:
        data = text.encode().decode("latin-1")
        canvas = [bits(item, language) for item in arrange(data, known, Spacing(), style_of(data, known))]
        assert completer.completable(canvas), text
        assert not completer.completable([*canvas, canvas[0], canvas[0]])


@pytest.mark.parametrize("language", GRAMMARS)
def test_a_real_program_stays_completable_wherever_it_is_masked(language: str):
    completer, draw, mask = Completer(grammar(language)), random.Random(1), wild(grammar(language))
    for items in programs(language, 8):
        real = [bits(item, language) for item in items]
        for rate in (0.1, 0.4 if len(real) < 90 else 0.25):
            masked = [mask if draw.random() < rate else cell for cell in real]
            found = completer.admissible(masked)
            assert all(cell & here for cell, here in zip(real, found, strict=True)), rendered_text(
                items, language
            )


@pytest.mark.parametrize("language", GRAMMARS)
def test_masks_filled_with_what_is_admissible_never_end_dead_and_parse(language: str):
    """By the language's own parser (Python) or tree-sitter's grammar, which was written by others."""
    known, draw = grammar(language), random.Random(2)
    completer = Completer(known)
    mask = wild(known) & ~known.bits(
        name for name in known.terminals if name.startswith(OPEN) or name == PIECE
    )
    for items in programs(language, 8) * (1 if language == "python" else 3):
        start = draw.randrange(len(items))
        places = [*range(start, min(start + 6, len(items))), *draw.sample(range(len(items)), 5)]
        canvas, filled = [bits(item, language) for item in items], list(items)
        for place in places:
            canvas[place] = mask
        for place in draw.sample(places, len(places)):
            names = known.names(completer.admissible(canvas)[place])
            assert names
            name = draw.choice(names)
            canvas[place] = known.bits([name])
            filled[place] = item_of(name, language, place, draw)
        text = rendered_text(filled, language)
        assert _has_odd_constructor(filled, language) or _parses(text, language), text


def _has_odd_constructor(items: list[Item], language: str) -> bool:
    """A Java constructor's name is its class's, which its parser knows and no grammar over terminals."""
    before = {
        "public",
        "private",
        "protected",
        "final",
        "static",
        "synchronized",
        "default",
        "}",
        "{",
        ";",
        ">",
    }
    texts = [item.text for item in items]
    return language == "java" and any(
        left in before and item.shape == "word" and right == "(" and item.text != "A"
        for left, item, right in zip(texts, items[1:], texts[2:], strict=False)
    )


def item_of(name: str, language: str, number: int, draw: random.Random) -> Item:
    if name in {"NAME", "CAPTURE"}:
        return Item("word", f"n{number}")
    if name in GRAMMARS[language].groups:
        name = draw.choice(GRAMMARS[language].groups[name].split())
    return TEXTS.get(name) or Item("word" if name[0].isalpha() else "sign", name)


def rendered_text(items: list[Item], language: str) -> str:
    return rendered(items, lexicon(language), Spacing(), Style()).encode("latin-1").decode()


def _parses(text: str, language: str) -> bool:
    if language == "python":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(text)
        except SyntaxError:
            return False
        return True
    return not faults(parse(text, known_language(language)))


@pytest.mark.parametrize("language", FILES)
def test_most_solutions_of_the_translated_benchmarks_are_accepted(language: str, data_root: Path):
    completer, read, accepted = Completer(grammar(language)), 0, 0
    with gzip.open(data_root / FILES[language], "rt") as file:
        lines = file.readlines()[:60]
    for line in lines:
        row = json.loads(line)
        text = row["prompt"] + row["canonical_solution"]
        if not faults(parse(text, known_language(language))):
            data, known = text.encode().decode("latin-1"), lexicon(language)
            items = arrange(data, known, Spacing(), style_of(data, known))
            read, accepted = (
                read + 1,
                accepted + completer.completable([bits(item, language) for item in items]),
            )
    assert read > 15
    assert accepted >= 0.98 * read


def test_positions_say_what_they_may_be_by_name():
    canvas = ["if", "NAME", None, "NEWLINE", "INDENT", "pass", "NEWLINE", "DEDENT"]
    assert completable(canvas, "python")
    assert admissible(canvas, 2, "python") == {":"}
    assert not completable(["if", "NAME", None], "python")
    assert ")" in admissible(["NAME", "(", None, None, "NEWLINE"], 3, "python")


def test_a_mask_that_may_be_nothing_makes_a_canvas_longer_than_its_program():
    canvas = ["def", "NAME", None, "(", ")", ":", "pass", "NEWLINE"]
    assert not completable(canvas, "python")
    assert completable(canvas, "python", may_pad=True)
    assert admissible(canvas, 2, "python", may_pad=True) == {"PAD"}


def test_what_cannot_be_asked_is_said():
    with pytest.raises(UnknownName):
        completable([None], "cobol")
    with pytest.raises(UnknownName):
        completable(["iff"], "python")
    with pytest.raises(UserError, match="position 3"):
        admissible([None], 3, "python")
