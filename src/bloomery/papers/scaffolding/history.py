"""A first history in git: one commit for what each part of a project is."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bloomery.core.errors import CapabilityMissing, Failure
from bloomery.papers.planning import Plan
from bloomery.papers.planning.message import linked, told
from bloomery.papers.scaffolding.writing import MANIFEST

TEMPLATE = ".gitmessage"
NOBODY = {"NAME": "Bloomery", "EMAIL": "bloomery@localhost"}


def publish_command(plan: Plan) -> str:
    """Printed, never run."""
    return f"gh repo create {plan.project} --private --source=. --remote=origin --push"


def commits(plan: Plan, paths: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Message and files of each commit: the frame, each paper, then what trains."""
    left = [path for path in paths if path != MANIFEST]
    for paper in plan.papers:
        parts = [part for part in plan.parts if part.paper == paper.id]
        own = {path for part in parts for path in (part.source, part.test)} | {
            path for path in left if path.startswith(f"papers/{paper.id}/")
        }
        chosen = [path for path in left if path in own]
        left = [path for path in left if path not in own]
        equations = sum(part.kind == "equation" for part in parts)
        link = f"\n\nPaper: {paper.title or paper.id}" + (f", {linked(paper.arxiv)}" if paper.arxiv else "")
        subject = f"Plan {paper.id}: its equations as tests that fail"
        body = f"\n\nTo implement: {told(parts) or 'nothing'}{link}\nEquations implemented: 0 of {equations}"
        yield subject + body, chosen
    training = [path for path in left if path.startswith(("configs/", "notebooks/")) or "integration" in path]
    training += [path for path in left if path.startswith("src/") and path not in training]
    frame = [path for path in left if path not in training]
    yield f"Begin {plan.project}: tools, tests and pages\n\nMade from a plan of intent {plan.intent}.", frame
    if training:
        yield "Train a small model on a generated task", training


def commit(output: Path, plan: Plan, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Subjects of the commits made, and notes; a history that is there is left alone.

    Raises: CapabilityMissing without git; Failure for what git refuses.
    """
    if shutil.which("git") is None:
        raise CapabilityMissing("git is not installed: install it, or leave --git out")
    if (output / ".git").exists():
        return [], ["there is a history in git already; it was left as it is"]
    _git(output, "init", "--quiet", "--initial-branch=main")
    made = []
    there = [path for path in [*paths, MANIFEST] if (output / path).is_file()]
    for message, chosen in _ordered(plan, there):
        _git(output, "add", "--force", "--", *chosen)
        _git(output, "commit", "--quiet", "--no-verify", "--message", message)
        made.append(message.split("\n")[0])
    _template(output, plan)
    return made, [f"the message for the implementation is in .git/{TEMPLATE}"]


def _ordered(plan: Plan, paths: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The frame first, with the manifest."""
    found = [(message, list(chosen)) for message, chosen in commits(plan, paths) if chosen]
    found.sort(key=lambda one: (not one[0].startswith("Begin "), one[0].startswith("Train ")))
    if MANIFEST in paths and found:
        found[0][1].append(MANIFEST)
    return found


def _template(output: Path, plan: Plan) -> None:
    (output / ".git" / TEMPLATE).write_text(plan.commit_message + "\n", encoding="utf-8")
    _git(output, "config", "commit.template", f".git/{TEMPLATE}")


def _git(output: Path, *words: str) -> None:
    known = subprocess.run(
        ["git", "config", "user.email"], cwd=output, capture_output=True, text=True, check=False
    ).stdout.strip()
    identity = {} if known else {f"GIT_{who}_{key}": NOBODY[key] for who in _WHO for key in NOBODY}
    done = subprocess.run(
        ["git", *words],
        cwd=output,
        env={**os.environ, **identity},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failure(f"git {words[0]} in {output} failed: {done.stderr.strip().splitlines()[:1]}")


_WHO = ("AUTHOR", "COMMITTER")
