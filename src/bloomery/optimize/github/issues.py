"""Issues, and comments on them and on pull requests."""

from dataclasses import dataclass
from typing import Any, Self

from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.ensuring import ensured

LABEL = "bloomery"


@dataclass(frozen=True)
class Issue:
    number: int
    title: str
    body: str
    state: str

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        return cls(plain["number"], plain["title"], plain.get("body") or "", plain["state"])


def issue(github: Connection, number: int) -> Issue:
    """Raises: NotThere."""
    return Issue.read(github.get(f"{github.here}/issues/{number}"))


def ensure_issue(github: Connection, title: str, body: str, mark: str, *, again: bool) -> Issue:
    """The issue that holds `mark`, opened if there is none."""

    def look() -> Issue | None:
        found = github.get_all(f"{github.here}/issues", labels=LABEL, state="all")
        return next((Issue.read(one) for one in found if mark in (one.get("body") or "")), None)

    def make() -> Issue:
        sent = {"title": title, "body": f"{body}\n\n{mark}", "labels": [LABEL]}
        return Issue.read(github.change("POST", f"{github.here}/issues", sent))

    return ensured(look, make, again=again)


def close_issue(github: Connection, number: int) -> None:
    def look() -> bool | None:
        return True if issue(github, number).state == "closed" else None

    def make() -> bool:
        sent = {"state": "closed", "state_reason": "completed"}
        github.change("PATCH", f"{github.here}/issues/{number}", sent)
        return True

    ensured(look, make)


def ensure_comment(github: Connection, number: int, body: str, mark: str) -> None:
    """A comment that holds `mark`, once."""
    place = f"{github.here}/issues/{number}/comments"

    def look() -> bool | None:
        return any(mark in (one.get("body") or "") for one in github.get_all(place)) or None

    def make() -> bool:
        github.change("POST", place, {"body": f"{body}\n\n{mark}"})
        return True

    ensured(look, make)
