"""Titles and bodies of issues and pull requests.

What a person, a model or a test said is shown as code, so that it mentions nobody, closes no issue and forges
no mark of ours; tokens in it are masked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bloomery.core.evidence import Evidence
from bloomery.core.tokens import mask
from bloomery.optimize.changes import Ledger, Patch, findings
from bloomery.optimize.github.outbox import Publication

LONGEST = 300  # characters of what is quoted in a table
STATES = {"passed": "✅ passed", "failed": "❌ failed", "not_run": "⚪ not run"}
_MARK = re.compile(r"<!-- bloomery patch=(b[a-z2-7]{10,120}) commit=([0-9a-f]{40}|none) -->")


@dataclass(frozen=True)
class Mark:
    """What a body says for us to find again: the patch, and the commit that holds it."""

    patch: str
    commit: str | None = None

    def __str__(self) -> str:
        return f"<!-- bloomery patch={self.patch} commit={self.commit or 'none'} -->"

    @classmethod
    def find(cls, body: str) -> "Mark | None":
        """The mark of a body. Two are none: one would be forged."""
        found = set(_MARK.findall(body))
        if len(found) != 1:
            return None
        patch, commit = found.pop()
        return cls(patch, None if commit == "none" else commit)


def title_of(patch: Patch) -> str:
    """In words of our own and names of files: a title becomes a commit's message."""
    goal, operator = (_words(text) for text in (patch.about.goal, patch.about.operator))
    others = f" and {len(patch.paths) - 1} more" if len(patch.paths) > 1 else ""
    path = re.sub(r"[^\w./-]", "_", patch.paths[0])
    return f"{goal or 'change'}: {operator[:60] or 'rewritten'} in {path}{others}"


def pull_body(
    ledger: Ledger, patch: Patch, *, target: str, issue: int | None, commit: str, words: str = ""
) -> str:
    facts = _facts(ledger, patch, words)
    return _page("pull", **facts, target=target, issue=issue, mark=Mark(patch.cid, commit))


def issue_body(ledger: Ledger, patch: Patch, words: str = "") -> str:
    return _page("issue", **_facts(ledger, patch, words))


def commit_message(patch: Patch) -> str:
    return f"{title_of(patch)}\n\nBloomery-Patch: {patch.cid}\n"


def evidence_rows(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """One row a check, in the words of a table."""
    return [
        {
            "check": code(one.check),
            "required": one.required,
            "state": STATES[str(one.state)],
            "measured": "" if one.measured is None else code(f"{one.measured:.4g} {one.unit}".strip()),
            "bar": code(one.bar),
            "how": code(one.reason or one.how),
        }
        for one in evidence
    ]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table of Markdown."""
    head = "| check | state | measured | bar | how, or why not |\n|---|---|---|---|---|"
    lines = [
        f"| {row['check']}{'' if row['required'] else ' (decides nothing)'} | {row['state']} | "
        f"{row['measured']} | {row['bar']} | {row['how']} |"
        for row in rows
    ]
    return "\n".join([head, *lines])


def told(publications: Sequence[Publication], problem: str) -> str:
    """What became of patches, as a page of Markdown."""
    if not publications:
        return "Nothing was put up, and nothing waits."
    lines = [
        f"- {code(one.patch)}: {one.stage}"
        + (f", [#{one.pull}]({one.url})" if one.pull else "")
        + (f", {code(one.why)}" if one.why else "")
        for one in publications
    ]
    waits = any(one.stage == "waiting" for one in publications)
    if waits:
        lines.append("\nWhat waits lies as patches in the artifacts, and is sent next time.")
    return "\n".join([*lines, *([f"\n{code(problem)}"] if problem else [])])


def code(text: str) -> str:
    """A text on one line as it is, in which Markdown and GitHub find nothing."""
    plain = " ".join(_unmarked(text).split())[:LONGEST]
    return f"`{plain.replace('`', chr(39)).replace('|', '¦')}`" if plain else ""


def block(text: str) -> str:
    """A text of many lines as it is."""
    plain = _unmarked(text).strip()[:4000]
    longest = max([2, *(len(run) for run in re.findall(r"`+", plain))])
    fence = "`" * (longest + 1)
    return f"{fence}text\n{plain}\n{fence}"


def _words(text: str) -> str:
    return " ".join(re.sub(r"[^\w .,+-]", " ", text).split())


def _unmarked(text: str) -> str:
    return mask(text).replace("<!--", "<! --")


def _facts(ledger: Ledger, patch: Patch, words: str) -> dict[str, Any]:
    about = patch.about
    return {
        "description": block(about.description) if about.description.strip() else f"{title_of(patch)}.",
        "words": block(words) if words.strip() else "",
        "evidence": table(evidence_rows(findings(ledger, patch.cid)[1].evidence)),
        "cid": patch.cid,
        "proposer": code(about.proposer),
        "goal": code(about.goal),
        "base": (about.commit or "")[:12],
        "paths": [code(path) for path in patch.paths],
        "parents": [f"`{parent}`" for parent in about.parents],
    }


def _page(name: str, **facts: Any) -> str:
    return _pages().get_template(f"{name}.md.j2").render(**facts)


@cache
def _pages() -> Environment:
    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    return Environment(loader=loader, undefined=StrictUndefined, autoescape=False, trim_blocks=False)
