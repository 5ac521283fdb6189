"""Holes in held-out functions of the standard library: what parses, what is right, and what it costs.

    python -m benchmarks.code_infilling --model code-model --json out.json     # a folder of `diffuse train`
    python -m benchmarks.code_infilling --model code-model --count 10           # few holes, to try it out

The functions are of files that the model neither learned from nor was chosen by. One expression, one
statement and one run of statements (24 to 80 tokens) of a function are masked; the net is told how many
tokens stood there, but for the arm of unknown length. Right is what has the tree of what stood there (`ast`).
All arms take turns on each hole. Stopped or killed, the same command goes on from its JSON.
"""

import argparse
import ast
import itertools
import json
import random
import textwrap
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bloomery.core.errors import UserError
from bloomery.diffusion.code.decoding.counts import Counts
from bloomery.diffusion.code.decoding.filling import Filled, Settings, decode_hole, fill
from bloomery.diffusion.code.decoding.framing import Frame, framed, refusal
from bloomery.diffusion.code.decoding.holes import Hole
from bloomery.diffusion.code.modelling.files import standard_library
from bloomery.diffusion.code.modelling.model import CodeModel
from bloomery.diffusion.code.modelling.training import ModellingConfig, parts_of
from bloomery.diffusion.stepping.selecting import entropy_bound, surest

SOURCE = "benchmarks.code_infilling"
FUNCTION_TOKENS, RUN_TOKENS, HOLE_TOKENS = (16, 200), (24, 80), (2, 48)
UNKNOWN = (1, 2, 3, 4, 6, 8, 12, 16, 24)
ONE, MANY = "one token a step", "cache and parallel commits"
ARMS: dict[str, dict[str, Any]] = {
    "unconstrained": {"rule": "none"},
    "reject and remask": {"rule": "remask"},
    "best of 4": {"rule": "none", "samples": 4, "temperature": 0.7, "selector": surest()},
    "constraint": {},
    "constraint, unknown length": {},
    ONE: {"rule": "none", "selector": surest(1)},
    "cache": {"rule": "none", "selector": surest(1), "cache": True},
    "parallel commits": {"rule": "none", "selector": entropy_bound(1.0)},
    MANY: {"rule": "none", "cache": True, "selector": entropy_bound(1.0)},
    f"constraint, {ONE}": {"selector": surest(1)},
    f"constraint, {MANY}": {"cache": True, "selector": entropy_bound(1.0)},
}
KNOWN = ["unconstrained", "reject and remask", "best of 4", "constraint"]
KINDS = {
    "expression": KNOWN,
    "statement": KNOWN,
    "statements": [ONE, "cache", "parallel commits", MANY, f"constraint, {ONE}", f"constraint, {MANY}"],
    "expression of unknown length": ["constraint, unknown length"],
}
SHARES = {"statements": 0.2, "expression of unknown length": 0.2}  # of the holes asked for: they take long


class Place(NamedTuple):
    """A function's text and the bytes of it that are masked."""

    kind: str
    data: bytes
    hole: Hole


def held_out(model: Path) -> list[str]:
    """The functions of the files that the model's run kept for measuring."""
    asked = json.loads((model / "training.json").read_text())["asked"]
    config = ModellingConfig(**{name: value for name, value in asked.items() if name != "files"})
    files = parts_of(standard_library().files, config).measuring
    found = []
    for file in files:
        text = file.data.decode("utf-8", "replace")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        lines = text.splitlines(keepends=True)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                begin = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found.append(textwrap.dedent("".join(lines[begin - 1 : node.end_lineno])))
    return sorted(set(found))


def places(texts: list[str], model: CodeModel, count: int, seed: int) -> Iterator[Place]:
    """So many holes of each kind (or its share), at most one of a kind in a function, in a drawn order."""
    draw = random.Random(seed)
    texts = draw.sample(texts, len(texts))
    for kind in KINDS:
        found = (place for text in texts if (place := _place(kind, text, model, draw)))
        yield from itertools.islice(found, max(1, round(count * SHARES.get(kind, 1))))


def _place(kind: str, text: str, model: CodeModel, draw: random.Random) -> Place | None:
    data = text.encode()
    low, high = FUNCTION_TOKENS
    if not text.isascii() or not low <= len(model.tokenizer.encode(data, "python")) <= high:
        return None
    try:
        options = list(_spans(kind, text))
    except SyntaxError:  # a method's text that is none alone, such as one with a string at the margin
        return None
    for start, stop in draw.sample(options, min(4, len(options))):
        hole = Hole(start, stop)
        low, high = RUN_TOKENS if kind == "statements" else HOLE_TOKENS
        if b"#" not in data[start:stop] and low <= _length(data, hole, model) <= high:
            return Place(kind, data, hole)
    return None


def _length(data: bytes, hole: Hole, model: CodeModel) -> int:
    try:
        return length_of(framed(model.tokenizer, data, hole, "python"))
    except UserError:  # an expression inside of an f-string, which is one lexeme
        return 0


def _spans(kind: str, text: str) -> Iterator[tuple[int, int]]:
    function = ast.parse(text).body[0]
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    inside = [node for each in function.body for node in ast.walk(each)]  # type: ignore[attr-defined]
    for node in inside:
        if kind.startswith("expression") and isinstance(node, ast.expr) and not _is_plain(node):
            yield _span(starts, node, node)
        if kind == "statement" and isinstance(node, ast.stmt) and not _is_docstring(node):
            yield _span(starts, node, node)
        for field in ("body", "orelse") if kind == "statements" else ():
            run = getattr(node, field, [])
            if isinstance(run, list) and run and isinstance(run[0], ast.stmt):
                yield _span(starts, run[0], run[-1])
    if kind == "statements":
        rest = [each for each in function.body if not _is_docstring(each)]  # type: ignore[attr-defined]
        for at in range(len(rest)):
            yield _span(starts, rest[at], rest[-1])


def _is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred | ast.Slice | ast.JoinedStr | ast.FormattedValue) or not hasattr(
        node, "lineno"
    )


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _span(starts: list[int], first: Any, last: Any) -> tuple[int, int]:
    return starts[first.lineno - 1] + first.col_offset, starts[last.end_lineno - 1] + last.end_col_offset


def length_of(frame: Frame) -> int:
    """The tokens that stood in the hole, without unusual spaces."""
    return len(frame.tokens([item for item in frame.was if item.shape not in {"space", "edge", "line"}]))


def tried(place: Place, arm: str, model: CodeModel, seed: int, passes: int) -> dict[str, Any]:
    """One arm on one hole."""
    frame = framed(model.tokenizer, place.data, place.hole, "python")
    length, options = length_of(frame), ARMS[arm] | {"seed": seed}
    if arm == "best of 4":
        options["steps"] = max(1, round(passes / 4))
    frame.rule(1)  # what is the same for all arms is not counted
    began = time.perf_counter()
    found = (
        fill(model, place.data, place.hole, "python", lengths=UNKNOWN, **options)
        if "unknown" in arm
        else decode_hole(model, frame, length, frame.was_closing, Settings(**options))
    )
    seconds = time.perf_counter() - began
    return _judged(place, found, length, seconds)


def _judged(place: Place, found: Filled, length: int, seconds: float) -> dict[str, Any]:
    parsing = [each for each in found.candidates if not refusal(each.data, "python")]
    best = parsing[0] if parsing else None
    same = best is not None and _tree(best.data) == _tree(place.data)
    judged = {"answered": bool(found.candidates), "parses": bool(parsing), "right": same, "tokens": length}
    return judged | {"seconds": seconds} | asdict(found.counts)


def _tree(data: bytes) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.dump(ast.parse(data))


def measured(model: CodeModel, found: list[Place], path: Path | None, seed: int) -> dict[str, dict[str, Any]]:
    """By hole and arm; what the JSON at `path` holds is not measured again."""
    key = {"seed": seed, "holes": len(found)}
    known = json.loads(path.read_text()) if path and path.is_file() else {}
    records: dict[str, dict[str, Any]] = known.get("records", {}) if known.get("key") == key else {}
    began = time.monotonic()
    for number, place in enumerate(found):
        name = f"{place.kind} {number}"
        if name in records:
            continue
        here: dict[str, Any] = {}
        for arm in KINDS[place.kind]:
            here[arm] = tried(
                place, arm, model, seed + number, here.get("unconstrained", {}).get("passes", 1)
            )
        records[name] = here
        if path and (number % 10 == 9 or number == len(found) - 1):
            path.write_text(json.dumps({"key": key, "records": records}))
        if number % 10 == 9:
            print(f"{number + 1} of {len(found)} holes, {time.monotonic() - began:.0f} s", flush=True)
    return records


def table(records: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Shares of holes, and costs a token, by kind and arm."""
    found = []
    for kind, arms in KINDS.items():
        rows = [each for name, each in records.items() if name.rsplit(" ", 1)[0] == kind]
        for arm in arms if rows else []:
            here = [row[arm] for row in rows]
            tokens = sum(row["tokens"] for row in here)
            answered = sum(row["answered"] for row in here)
            total = Counts(**{name: sum(row[name] for row in here) for name in asdict(Counts())})
            found.append({
                "kind": kind, "arm": arm, "holes": len(here), "tokens": tokens,
                "answered": answered / len(here),
                "parses": sum(row["parses"] for row in here) / max(answered, 1),
                "right": sum(row["right"] for row in here) / len(here),
                "ms_a_token": 1e3 * sum(row["seconds"] for row in here) / tokens,
                "rule_ms_a_token": 1e3 * total.rules_s / tokens,
                "passes_a_token": total.passes / tokens,
                "refusals": total.refusals, "dead_ends": total.dead_ends,
            })  # fmt: skip
    return found


def rows_of(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the harness reads them, with the bars of the issue."""
    by = {(row["kind"], row["arm"]): row for row in found}

    def row(what: str, ours: float, peer: float | None, bar: str, met: bool, higher: bool, note: str) -> Any:
        return {"what": what, "ours": ours, "peer": peer, "ratio": None, "unit": "", "bar": bar,
                "higher_is_better": higher, "met": met, "note": note}  # fmt: skip

    rows = []
    for kind in ("expression", "statement"):
        if (kind, "constraint") in by:
            ours, free = by[kind, "constraint"], by[kind, "unconstrained"]
            rows += [
                row(f"{kind}: committed answers that parse", ours["parses"], free["parses"], "1",
                    ours["parses"] == 1, True, "the peer is unconstrained"),
                row(f"{kind}: answered", ours["answered"], None, ">= 0.9", ours["answered"] >= 0.9, True, ""),
                row(f"{kind}: right", ours["right"], free["right"], ">= peer",
                    ours["right"] >= free["right"], True, "the peer is unconstrained"),
            ]  # fmt: skip
    if ("statements", ONE) in by:
        slow, quick = by["statements", ONE], by["statements", MANY]
        times = slow["ms_a_token"] / quick["ms_a_token"]
        lost = slow["right"] - quick["right"]
        rows += [
            row(
                "statements: times faster than one token a step", times, None, ">= 5", times >= 5, True, MANY
            ),
            row("statements: right that is lost by it", lost, None, "<= 0.01", lost <= 0.01, False, MANY),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("code-model"), help="a folder of `diffuse train`")
    parser.add_argument("--json", type=Path, help="the file for the results")
    parser.add_argument("--count", type=int, default=150, help="holes of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    model = CodeModel.load(options.model)
    found = list(places(held_out(options.model), model, options.count, options.seed))
    records = measured(model, found, options.json, options.seed)
    rows = table(records)
    for row in rows:
        values = [f"{name}={value:.4g}" for name, value in row.items() if not isinstance(value, str)]
        print(f"{row['kind']}, {row['arm']}:", *values)
    if options.json:
        told = {"name": "code_infilling", "command": f"python -m {SOURCE}", "rows": rows_of(rows)}
        told |= {"seconds": time.perf_counter() - began, "table": rows}
        told |= {"key": {"seed": options.seed, "holes": len(found)}, "records": records}
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
