"""Code as lexemes and canvases with masks: compression and speed, acceptance, soundness, time a token.

    python -m benchmarks.completing --json out.json         # BLOOMERY_DATA names the translated benchmarks
    python -m benchmarks.completing --share 0.1              # of the programs, to try it out

Filled canvases are judged by `ast` (Python) and by the grammars of tree-sitter.
"""

import argparse
import ast
import gzip
import json
import os
import random
import sysconfig
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from bloomery.diffusion.code.completing.canvas import Completer, wild
from bloomery.diffusion.code.completing.grammar import OPEN, PIECE
from bloomery.diffusion.code.completing.languages import GRAMMARS, grammar
from bloomery.diffusion.code.completing.terminals import terminals_of
from bloomery.diffusion.code.lexemes.arranging import Item, Style, arrange
from bloomery.diffusion.code.lexemes.lexicons import lexicon
from bloomery.diffusion.code.lexemes.rendering import rendered
from bloomery.diffusion.code.lexemes.spacing import Spacing
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer, style_of
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language

VOCABULARY, RATES = 8192, (0.1, 0.3, 0.6, 1.0)
TEXTS = {
    "NUMBER": ("number", "1"),
    "STRING": ("string", '"s"'),
    "BYTES": ("string", 'b"s"'),
    "FSTRING": ("string", 'f"s"'),
    "RUNE": ("string", "'c'"),
    "REGEX": ("regex", "/x/"),
    "TEMPLATE": ("template", "`t`"),
    "TEMPLATE_HEAD": ("template", "`t${"),
    "TEMPLATE_MIDDLE": ("template", "}t${"),
    "TEMPLATE_TAIL": ("template", "}t`"),
    "NEWLINE": ("newline", "0"),
    "INDENT": ("indent", "    "),
    "DEDENT": ("dedent", ""),
    "NL": ("nl", "0p"),
}
FILES = {
    "javascript": ("humaneval-x/humaneval_js", "mbxp/mbjsp_release_v1.2"),
    "typescript": ("mbxp/mbtsp_release_v1.2",),
    "java": ("humaneval-x/humaneval_java", "mbxp/mbjp_release_v1.2"),
    "go": ("humaneval-x/humaneval_go",),
}


def library() -> list[bytes]:
    """The standard library without its tests, in an order drawn once."""
    root = Path(sysconfig.get_path("stdlib"))
    unwanted = {"site-packages", "test", "tests", "lib2to3"}
    paths = [path for path in sorted(root.rglob("*.py")) if not unwanted & {*path.parts}]
    random.Random(0).shuffle(paths)
    return [path.read_bytes() for path in paths]


def texts(language: str, data: Path) -> list[str]:
    """Real programs that a parser takes."""
    if language == "python":
        return list(_python())
    found = []
    for name in FILES[language]:
        with gzip.open(data / f"{name}.jsonl.gz", "rt") as file:
            rows = [json.loads(line) for line in file]
        found += [row["prompt"] + row["canonical_solution"] for row in rows if row.get("canonical_solution")]
    return [text for text in found if not faults(parse(text, known_language(language)))]


def _python() -> Iterator[str]:
    for data in library():
        try:
            text = data.decode()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(text)
        except (UnicodeDecodeError, SyntaxError):
            continue
        yield text


def canvas(items: list[Item], language: str) -> list[int]:
    known = grammar(language)
    return [
        known.bits(name for name in terminals_of(item, language) if name in known.index) for item in items
    ]


def arranged(text: str, language: str) -> list[Item]:
    data, known = text.encode().decode("latin-1"), lexicon(language)
    return arrange(data, known, Spacing(), style_of(data, known))


def compression(share: float) -> dict[str, float]:
    """Bytes a token on a held-out tenth, and MB/s of one core."""
    files = library()
    cut = int(len(files) * 0.9)
    train, held = files[: int(cut * share)], files[cut:][: max(int((len(files) - cut) * share), 4)]
    ours = LexemeTokenizer.trained([(data, "python") for data in train], VOCABULARY)
    started = time.process_time()
    rows = [ours.encode(data, "python") for data in held]
    encoded = time.process_time()
    exact = sum(ours.decode(row) == data for row, data in zip(rows, held, strict=True))
    decoded, size = time.process_time(), sum(map(len, held))
    peer = _bpe(train)
    theirs = sum(len(peer.encode(data.decode("latin-1")).ids) for data in held)
    return {
        "bytes_a_token": size / sum(map(len, rows)), "bpe_bytes_a_token": size / theirs, "files": len(held),
        "exact": exact, "encode_mb_s": size / 1e6 / (encoded - started),
        "decode_mb_s": size / 1e6 / (decoded - encoded), "held_out_bytes": size,
    }  # fmt: skip


def _bpe(train: list[bytes]) -> Tokenizer:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator((data.decode("latin-1") for data in train), trainer)
    return bpe


def acceptance(language: str, found: list[str], most: int) -> dict[str, float]:
    completer, accepted, tokens, spent = Completer(grammar(language)), 0, 0, 0.0
    for text in found[:most]:
        row = canvas(arranged(text, language), language)
        started = time.process_time()
        accepted += completer.completable(row)
        spent += time.process_time() - started
        tokens += len(row)
    count = len(found[:most])
    return {"programs": count, "accepted": accepted, "us_a_token": 1e6 * spent / tokens}


def pieces_of(language: str, found: list[str], least: int, most: int) -> list[list[Item]]:
    """Programs (of Python: top-level definitions) of that many tokens, without remarks and spacing."""
    if language == "python":
        found = [_segment(text, node) for text in found[:60] for node in ast.parse(text).body]
    dropped = {"comment", "block", "space", "line", "edge"}
    rows = ([item for item in arranged(text, language) if item.shape not in dropped] for text in found[:900])
    return [row for row in rows if least <= len(row) <= most]


def _segment(text: str, node: ast.stmt) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[node.lineno - 1 : node.end_lineno])


def soundness(language: str, rows: list[list[Item]], most: int) -> dict[str, Any]:
    """A third of the tokens masked and filled at random with what is admissible: what its parser says."""
    draw, completer = random.Random(0), Completer(grammar(language))
    known = completer.grammar
    whole = known.bits(name for name in known.terminals if not name.startswith(OPEN) and name != PIECE)
    false_negatives, dead, good, bad, masks = 0, 0, 0, [], 0
    for row in draw.sample(rows, min(most, len(rows))):
        real, filled = canvas(row, language), list(row)
        places = draw.sample(range(len(row)), max(len(row) // 3, 1))
        left = [wild(known) & whole if at in places else cell for at, cell in enumerate(real)]
        false_negatives += not all(a & b for a, b in zip(completer.admissible(left), real, strict=True))
        for at in places:
            names, masks = known.names(completer.admissible(left)[at]), masks + 1
            if not names:
                dead += 1
                break
            name = draw.choice(names)
            left[at], filled[at] = known.bits([name]), _item(name, language, at, draw)
        text = rendered(filled, lexicon(language), Spacing(), Style()).encode("latin-1").decode()
        good += parses(text, language)
        bad += [] if parses(text, language) else [text]
    return {"canvases": good + len(bad), "parse": good, "masks": masks, "false_negatives": false_negatives,
            "dead_ends": dead, "refused": bad[:5]}  # fmt: skip


def _item(name: str, language: str, number: int, draw: random.Random) -> Item:
    if name in {"NAME", "CAPTURE"}:
        return Item("word", f"n{number}")
    if name in GRAMMARS[language].groups:
        name = draw.choice(GRAMMARS[language].groups[name].split())
    return Item(*TEXTS[name]) if name in TEXTS else Item("word" if name[0].isalpha() else "sign", name)


def parses(text: str, language: str) -> bool:
    if language != "python":
        return not faults(parse(text, known_language(language)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError:
        return False
    return True


def timing(language: str, rows: list[list[Item]], rate: float, most: int) -> dict[str, float]:
    """Milliseconds a canvas: to check it, for all that it may be, and to commit one token."""
    draw, known = random.Random(1), grammar(language)
    spent = {"check_ms": 0.0, "admissible_ms": 0.0, "commit_ms": 0.0}
    chosen = rows[:most]
    for row in chosen:
        completer, mask = Completer(known), wild(known)
        left = [mask if draw.random() < rate else cell for cell in canvas(row, language)]
        times = [time.process_time()]
        completer.completable(left)
        times.append(time.process_time())
        found = completer.admissible(left)
        times.append(time.process_time())
        masked = [at for at, cell in enumerate(left) if cell == mask] or [0]
        at = draw.choice(masked)
        completer.commit(left, [(at, found[at] & -found[at])])
        times.append(time.process_time())
        for name, before, after in zip(spent, times, times[1:], strict=False):
            spent[name] += 1000 * (after - before) / len(chosen)
    return spent | {"tokens": sum(map(len, chosen)) / len(chosen)}


def measure(data: Path, share: float) -> dict[str, Any]:
    found: dict[str, Any] = {"compression": compression(share)}
    for language in GRAMMARS:
        programs = texts(language, data)
        rows = pieces_of(language, programs, 20, 128)
        longest = sorted(rows, key=len, reverse=True)
        found[language] = {
            "acceptance": acceptance(language, programs, int(1200 * share)),
            "soundness": soundness(language, rows, int(200 * share)),
            "timing": {str(rate): timing(language, longest, rate, 1 if rate > 0.9 else 8) for rate in RATES},
        }
        print(
            language,
            json.dumps(found[language] | {"soundness": {**found[language]["soundness"], "refused": 0}}),
        )
    return found


def rows_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _packed(found["compression"]),
        *(row for name in GRAMMARS for row in _language(name, found[name])),
    ]


def _packed(packed: dict[str, float]) -> dict[str, Any]:
    ours, peer = packed["bytes_a_token"], packed["bpe_bytes_a_token"]
    row = {"what": "lexemes: bytes a token on held-out standard library", "ours": ours, "peer": peer}
    note = f"byte BPE of the same {VOCABULARY} tokens; {packed['exact']} of {packed['files']} files exact; "
    note += f"{packed['encode_mb_s']:.2f} MB/s in, {packed['decode_mb_s']:.2f} out"
    return row | {"ratio": ours / peer, "unit": "bytes", "higher_is_better": True, "note": note}


def _language(name: str, found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kept, sound, times = found["acceptance"], found["soundness"], found["timing"]
    accepted, parsed = kept["accepted"] / kept["programs"], sound["parse"] / sound["canvases"]
    row = {"what": f"completing {name}: real programs accepted", "ours": 100 * accepted, "unit": "%"}
    note = f"{kept['programs']} programs, {kept['us_a_token']:.0f} µs a token"
    yield row | {"bar": ">= 99 %", "met": accepted >= 0.99, "higher_is_better": True, "note": note}
    row = {"what": f"completing {name}: filled canvases that parse", "ours": 100 * parsed, "unit": "%"}
    note = f"{sound['canvases']} canvases, {sound['masks']} masks, {sound['dead_ends']} dead ends, "
    note += f"{sound['false_negatives']} false negatives"
    yield row | {"bar": "100 %", "met": parsed == 1, "higher_is_better": True, "note": note}
    what = f"completing {name}: to check {times['0.3']['tokens']:.0f} tokens, 30 % masked"
    row = {"what": what, "ours": times["0.3"]["check_ms"], "unit": "ms", "higher_is_better": False}
    yield row | {"note": "; ".join(_times(rate, each) for rate, each in times.items())}


def _times(rate: str, each: dict[str, float]) -> str:
    return (
        f"{100 * float(rate):.0f} % masked: check {each['check_ms']:.1f}, all admissible "
        f"{each['admissible_ms']:.1f}, one commit {each['commit_ms']:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--share", type=float, default=1.0, help="of the programs and files, from 0 to 1")
    options = parser.parse_args()
    data = os.environ.get("BLOOMERY_DATA")
    if not data:
        raise SystemExit("BLOOMERY_DATA names no folder: it must hold humaneval-x and mbxp")
    start = time.monotonic()
    found = measure(Path(data), options.share)
    rows = rows_of(found)
    for row in rows:
        print(f"{row['what']}: {row['ours']:.4g} {row['unit']}; {row['note']}")
    if options.json:
        command = f"python -m benchmarks.completing --share {options.share:g}"
        document = {
            "name": "completing",
            "command": command,
            "seconds": time.monotonic() - start,
            "rows": rows,
        }
        options.json.write_text(json.dumps(document | {"details": found}, indent=2))


if __name__ == "__main__":
    main()
