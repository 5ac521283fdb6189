"""What started a workflow: GitHub's event file, in which strangers may have written anything."""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.tokens import mask
from bloomery.optimize.changes.access import check_path
from bloomery.optimize.github.approving import Ask
from bloomery.optimize.proposal import Goal

GOALS: tuple[str, ...] = get_args(Goal)
LABEL = "needs-optimization"
MOST_WORDS = 2000  # characters of a description
_APPROVE = re.compile(r"^/approve(?:[ \t]+([0-9a-f]{7,40}))?[ \t]*$")
_FIELD = r"(?im)^(?:#+[ \t]*{name}[ \t]*\r?\n\s*|\W*{name}\W*:[ \t]*)`?([^\s`]+)`?[ \t]*\r?$"


@dataclass(frozen=True, kw_only=True)
class Event:
    """The kind of an event, and all that GitHub says of it."""

    name: str
    body: Mapping[str, Any]

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Event":
        """The event of this workflow. Raises: MissingFile outside of one; FormatRefused."""
        name, path = environment.get("GITHUB_EVENT_NAME", ""), environment.get("GITHUB_EVENT_PATH", "")
        if not name or not path or not Path(path).is_file():
            raise MissingFile(
                "this is no workflow of GitHub's (no GITHUB_EVENT_PATH): give the number by hand"
            )
        try:
            body = json.loads(Path(path).read_text())
        except ValueError:
            raise FormatRefused("the event of this workflow is no JSON") from None
        return cls(name=name, body=body if isinstance(body, dict) else {})


@dataclass(frozen=True, kw_only=True)
class Task:
    """What an event asks to optimize, each value checked; `issue` is the one that asks."""

    target: str
    goal: str
    description: str = ""
    tests: str = ""
    issue: int | None = None


def approval(event: Event) -> Ask:
    """Who approves what by this event. Raises: UserError if nobody does."""
    body = event.body
    if event.name == "pull_request_review" and body.get("action") == "submitted":
        review = body["review"]
        if str(review["state"]).lower() == "approved":
            return Ask(pull=int(body["pull_request"]["number"]), by=review["user"]["login"], kind="review",
                       commit=review["commit_id"])  # fmt: skip
    if event.name == "issue_comment" and body.get("action") == "created" and "pull_request" in body["issue"]:
        comment = body["comment"]
        lines = (comment["body"] or "").strip().splitlines()
        if lines and (said := _APPROVE.match(lines[0].strip())):
            return Ask(pull=int(body["issue"]["number"]), by=comment["user"]["login"], kind="comment",
                       commit=said[1])  # fmt: skip
    if event.name == "workflow_dispatch":
        given = body.get("inputs") or {}
        if str(given.get("pull", "")).isdigit():
            return Ask(pull=int(given["pull"]), by=body["sender"]["login"], kind="hand",
                       commit=_commit(given.get("commit")))  # fmt: skip
    raise UserError(f"nothing is approved by this event ({mask(event.name)})")


def task(event: Event, root: Path, *, target: str, goal: str) -> Task:
    """What is to be optimized: by the event's word, else what is usual.

    Raises: UserError for a path outside, or that is not there; for a goal that is none.
    """
    if event.name == "issues":
        issue = event.body["issue"]
        if (event.body.get("label") or {}).get("name") != LABEL:
            raise UserError(f"the issue did not get the label {LABEL}: nothing to do")
        text = issue.get("body") or ""
        said = {name: _field(text, name) for name in ("target", "goal", "tests")}
        said["description"] = f"{issue['title']}\n\n{text}"
        number: int | None = int(issue["number"])
    else:
        given = event.body.get("inputs") or {}
        names = ("target", "goal", "tests", "description")
        said, number = {name: str(given.get(name) or "") for name in names}, None
    return _checked(
        Task(
            target=said["target"] or target, goal=said["goal"] or goal, tests=said["tests"], issue=number,
            description=mask(said["description"]).strip()[:MOST_WORDS],
        ),
        root,
    )  # fmt: skip


def outputs(values: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> None:
    """Hand values to the workflow's later steps; no value can pass for another, whatever it holds."""
    if path := environment.get("GITHUB_OUTPUT"):
        with Path(path).open("a") as file:
            for name, value in values.items():
                end = f"end-{secrets.token_hex(16)}"
                file.write(f"{name}<<{end}\n{value}\n{end}\n")


def summary(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Add to the page that GitHub shows of this job."""
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a") as file:
            file.write(mask(text).rstrip() + "\n\n")


def _checked(one: Task, root: Path) -> Task:
    if one.goal not in GOALS:
        raise UserError(f"'{one.goal[:40]}' is no goal: {', '.join(GOALS)}")
    for path in filter(None, (one.target, one.tests)):
        check_path(path.rstrip("/"))
        if path.startswith("-") or not (root / path).resolve().is_relative_to(root.resolve()):
            raise UserError(f"{path} lies outside the repository")
        if not (root / path).exists():
            raise MissingFile(f"{path} is not in the repository: name a file or a folder of it")
    return one


def _field(text: str, name: str) -> str:
    """A line `target: src/a.py`, or what follows the heading of a form."""
    found = re.search(_FIELD.format(name=name), text)
    return found[1] if found and found[1] != "_No" else ""


def _commit(text: str | None) -> str | None:
    return text.strip() if text and re.fullmatch(r"[0-9a-f]{7,40}", text.strip()) else None
