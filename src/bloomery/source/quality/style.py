"""What a linter and a formatter object to in the layout of a text."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from bloomery.core.errors import CapabilityMissing, Failure, UserError
from bloomery.source.diff import make
from bloomery.source.languages.formatting import format_text, is_installed
from bloomery.source.languages.parsing import Source
from bloomery.source.quality.metric import Finding, Metric, code_lines

MOST_COLUMNS = 100
_RULES = "E,W,F"  # pycodestyle and pyflakes
_RUFF = ("check", "--isolated", "--no-cache", "--no-fix", "--exit-zero", "--output-format=json")


def measure(sources: Sequence[Source]) -> Metric:
    findings = tuple(finding for source in sources for finding in objections(source))
    lines = sum(len(code_lines(source)) for source in sources)
    changed = [_unformatted(source) for source in sources]
    told = {"unformatted_lines": sum(map(int, filter(None, changed)))} if None not in changed else {}
    return Metric(
        name="style",
        definition=f"Objections per 100 lines with code: lines over {MOST_COLUMNS} columns, blanks at the "
        "end of a line, a last line without its end; for Python all that ruff's rules E, W and F find. Where "
        "the formatters are installed, also counts the lines that they would change.",
        unit="objections per 100 lines",
        better="lower",
        value=100 * len(findings) / lines if lines else None,
        counts={"lines": lines, "objections": len(findings), **told},
        findings=findings,
        why_none="" if lines else "no code",
    )


def objections(source: Source) -> Iterator[Finding]:
    return _by_ruff(source) if source.language.name == "python" else _by_layout(source)


def _by_layout(source: Source) -> Iterator[Finding]:
    lines = source.text.split("\n")
    for number, line in enumerate(lines, 1):
        text = line.removesuffix("\r")
        if len(text) > MOST_COLUMNS:
            yield Finding(source.path, number, f"{len(text)} columns, at most {MOST_COLUMNS}")
        if text != text.rstrip():
            yield Finding(source.path, number, "blanks at the end of the line")
    if lines[-1]:
        yield Finding(source.path, len(lines), "no line end after the last line")


def _by_ruff(source: Source) -> Iterator[Finding]:
    if not find_spec("ruff"):
        raise CapabilityMissing("the style of Python is judged by ruff: install bloomery[optimize]")
    options = [f"--select={_RULES}", f"--line-length={MOST_COLUMNS}", "--stdin-filename=text.py", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *_RUFF, *options], input=source.data, capture_output=True, check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise Failure(f"ruff did not judge {source.path or 'the text'}: {said}")
    for one in json.loads(done.stdout):
        yield Finding(source.path, one["location"]["row"], f"{one['code'] or 'syntax'}: {one['message']}")


def _unformatted(source: Source) -> int | None:
    """Lines that the formatter would change; None where it is not installed or does not take the text."""
    if not is_installed(source.language):
        return None
    try:
        after = format_text(source.text, source.language)
    except UserError:
        return None
    changed = make({"text": source.text}, {"text": after}).files
    return sum(max(span.stop - span.first, 1) for file in changed for span in file.before_spans)
