"""Repair of single-edit faults, and the language of texts: shares, exactness, time.

    python -m benchmarks.code_mending --json out.json          # BLOOMERY_DATA names the translated benchmarks
    python -m benchmarks.code_mending --count 20                # faults a language, to try it out

A fault: one lexeme of a program taken out, put in (drawn from the program) or replaced, such that the
language's parser refuses the text. Python: functions of the tenth of the standard library that `completing`
holds out; the others: canonical programs of the translated benchmarks.
"""

import argparse
import ast
import gzip
import json
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import telling
from benchmarks.completing import library, texts
from bloomery.diffusion.code.detecting.detect import detect
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.lexing import Lexeme, lexed
from bloomery.diffusion.code.lexemes.spacing import name
from bloomery.diffusion.code.mending.habits import Habits
from bloomery.diffusion.code.mending.mend import Mended, mend
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

LANGUAGES = ("python", "javascript", "typescript", "java", "go")
KINDS = ("delete", "insert", "replace")
LONGEST = 300  # lexemes of a program
TAUGHT = 150  # files of the standard library, none of them held out, whose habits the second arm has


def functions(files: list[bytes]) -> Iterator[str]:
    """Top-level functions and methods of modules, as they stand there, dedented."""
    for data in files:
        try:
            text = data.decode()
            tree = ast.parse(text)
        except (UnicodeDecodeError, SyntaxError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                yield ast.get_source_segment(text, node) + "\n"


def programs(language: str, data: Path) -> list[str]:
    files = library()
    found = list(functions(files[int(len(files) * 0.9) :])) if language == "python" else texts(language, data)
    return [text for text in found if len(lexed(_raw(text), lexicon(language))[0]) <= LONGEST]


def _raw(text: str) -> str:
    return text.encode().decode("latin-1")


def broken(text: str, language: str, kind: str, rng: random.Random) -> str | None:
    """The text with one fault, or none where the parser takes it all the same."""
    raw = _raw(text)
    lexemes, rest = lexed(raw, lexicon(language))
    at = rng.randrange(len(lexemes))
    other = rng.choice([one for one in lexemes if one.shape not in {"comment", "block"}])
    pieces = [[lexeme.gap, lexeme.text] for lexeme in lexemes] + [[rest, ""]]
    if kind == "delete":
        pieces[at][1] = ""
        wider = max(pieces[at][0], pieces[at + 1][0], key=lambda gap: "\n" in gap)
        pieces[at][0], pieces[at + 1][0] = "", wider
    elif kind == "insert":
        pieces[at][1] = f"{other.text} {pieces[at][1]}"
    else:
        pieces[at][1] = other.text
    found = "".join(gap + text for gap, text in pieces).encode("latin-1").decode("utf-8", "replace")
    count = len(lexemes) + {"delete": -1, "insert": 1, "replace": 0}[kind]
    is_remark = lexemes[at].shape in {"comment", "block"}
    is_one = not is_remark and len(lexed(_raw(found), lexicon(language))[0]) == count
    return found if is_one and faults(parse(found, known_language(language))) else None


def cases(found: list[str], language: str, count: int) -> list[tuple[str, str, str]]:
    """So many faults, a third of each kind: the text, the text with the fault, and the kind."""
    rng, made = random.Random(f"faults {language}"), list[tuple[str, str, str]]()
    for _ in range(50 * count):
        if len(made) == count:
            break
        text, kind = rng.choice(found), KINDS[len(made) % 3]
        wrong = broken(text, language, kind, rng)
        if wrong is not None:
            made.append((text, wrong, kind))
    return made


def repaired(made: list[tuple[str, str, str]], language: str, **options: Any) -> dict[str, Any]:
    """Shares that were mended and that are the text again (layout aside), and seconds each."""
    mended, exact, shape, told, seconds, edits = 0, 0, 0, Counter[str](), list[float](), Counter[int]()
    for text, wrong, kind in made:
        started = time.process_time()
        found = mend(wrong, language, **options)
        seconds.append(time.process_time() - started)
        if not isinstance(found, Mended):
            continue
        if faults(parse(found.text, known_language(language))):
            raise AssertionError(f"a text that does not parse was given back: {found.text}")
        mended += 1
        edits[len(found.edits)] += 1
        same = _lexemes(found.text, language) == _lexemes(text, language)
        exact, told[kind] = exact + same, told[kind] + same
        shape += _shapes(found.text, language) == _shapes(text, language)
    kinds = Counter(kind for _, _, kind in made)
    return {
        "faults": len(made), "mended": mended / len(made), "exact": exact / len(made),
        "exact_but_for_names": shape / len(made),
        "exact_by_kind": {kind: told[kind] / kinds[kind] for kind in KINDS if kinds[kind]},
        "median_s": statistics.median(seconds), "longest_s": max(seconds),
        "edits": dict(sorted(edits.items())),
    }  # fmt: skip


def _lexemes(text: str, language: str) -> list[str]:
    """The lexemes, and for Python what each line begins with."""
    found = [one.text for one in lexed(_raw(text), lexicon(language))[0]]
    return [*found, ast.dump(ast.parse(text))] if language == "python" else found


def _shapes(text: str, language: str) -> list[str]:
    """The same, with each name and literal as one of its kind."""
    known = lexicon(language)
    return [name(one.shape, one.text, known) for one in lexed(_raw(text), known)[0]]


def taught(count: int) -> Callable[[str, str], float]:
    """Habits of the standard library's other files."""
    files = library()
    return Habits.of((data.decode("latin-1"), "python") for data in files[:count]).likelihood


def held(language: str, data: Path) -> list[str]:
    """Programs by which no mark was chosen: HumanEval and its translations; of MBXP's TypeScript a half."""
    if language == "typescript":
        found = texts(language, data)
        return found[len(found) // 2 :]
    short = {"javascript": "js"}.get(language, language)
    name = "HumanEval" if language == "python" else f"humaneval_{short}"
    folder = "humaneval" if language == "python" else "humaneval-x"
    with gzip.open(data / folder / f"{name}.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    return [row["prompt"] + row["canonical_solution"] for row in rows]


def fragment(text: str, language: str, rng: random.Random) -> str:
    """Five lines of code in a row, remarks and Python's docstrings left out."""
    raw = _raw(text)
    lexemes, rest = lexed(raw, lexicon(language))
    kept = [one.gap + one.text * (not _is_remark(one)) for one in lexemes]
    lines = [line for line in ("".join(kept) + rest).splitlines() if line.strip()]
    at = rng.randrange(max(len(lines) - 4, 1))
    return "\n".join(lines[at : at + 5]).encode("latin-1").decode() + "\n"


def _is_remark(lexeme: Lexeme) -> bool:
    return lexeme.shape in {"comment", "block"} or lexeme.text.startswith(('"""', "'''"))


def detection(data: Path) -> dict[str, dict[str, float]]:
    """Shares that were told right, told wrong and called unknown; a fragment of TypeScript without types is
    JavaScript, too."""
    found = {}
    for language in LANGUAGES:
        rng, programs = random.Random(f"fragments {language}"), held(language, data)
        found[language] = shares(programs, {language})
        right = {language} | ({"javascript"} if language == "typescript" else set())
        found[f"{language}, five lines"] = shares([fragment(text, language, rng) for text in programs], right)
    questions = [
        json.loads(line)["question"] for line in (data / "gsm8k/test.jsonl").read_text().splitlines()
    ]
    found["prose (GSM8K)"] = shares(questions[300:800], {None})
    plays = (data / "tinyshakespeare/input.txt").read_text().splitlines()[4000:]
    found["prose (Shakespeare)"] = shares(
        ["\n".join(plays[at : at + 8]) for at in range(0, 8000, 20)], {None}
    )
    packed = sorted((data / "mnist").glob("*.gz"))
    found["binary (gzip)"] = shares([path.read_bytes()[:4096] for path in packed], {None})
    return found


def shares(given: Sequence[str | bytes], right: set[str | None]) -> dict[str, float]:
    started = time.process_time()
    said = [detect(text).language for text in given]
    spent = time.process_time() - started
    known = sum(one in right for one in said)
    unknown = sum(one is None for one in said) * (None not in right)
    return {
        "texts": len(said), "right": known / len(said), "unknown": unknown / len(said),
        "wrong": (len(said) - known - unknown) / len(said), "ms": 1000 * spent / len(said),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    given = parser.parse_args()
    data, results = Path(os.environ["BLOOMERY_DATA"]), dict[str, Any]()
    for language in given.language or LANGUAGES:
        made = cases(programs(language, data), language, given.count)
        mend("(", language)  # the grammar is made once, before the clock runs
        results[language] = repaired(made, language)
        print(language, json.dumps(results[language]), flush=True)
        if language == "python":
            results["python, habits of the library"] = repaired(made, language, likelihood=taught(TAUGHT))
            print("taught", json.dumps(results["python, habits of the library"]), flush=True)
    if not given.language:
        results["detection"] = detection(data)
        print("detection", json.dumps(results["detection"]), flush=True)
    if given.json:
        telling.write(
            given.json, "code_mending", rows(results), time.process_time(), f"--count {given.count}"
        )
    return 0


def rows(results: dict[str, Any]) -> list[telling.Row]:
    """Mended and restored shares of each language."""
    return [
        telling.row(f"{language}: {what}", one[key], "share", f"of {one['faults']} single-edit faults")
        for language, one in results.items()
        if "faults" in one
        for what, key in (("mended", "mended"), ("restored exactly", "exact"))
    ]


if __name__ == "__main__":
    raise SystemExit(main())
