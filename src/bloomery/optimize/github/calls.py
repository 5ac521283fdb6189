"""What is asked of GitHub: pull requests, branches, trees, statuses, permissions."""

from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import quote

from bloomery.core.errors import UserError
from bloomery.optimize.github.connection import Connection
from bloomery.optimize.github.ensuring import ensured
from bloomery.optimize.github.errors import NotThere, Rejected

_READY = (
    "mutation($pull: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $pull}) "
    "{ pullRequest { isDraft } } }"
)


@dataclass(frozen=True)
class Pull:
    """A pull request. `own`: its branch lies in the repository itself, not in a fork."""

    number: int
    node: str
    url: str
    title: str
    body: str
    state: str
    draft: bool
    merged: bool
    branch: str
    head: str
    base: str
    own: bool
    merge_commit: str | None

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        head, base = plain["head"], plain["base"]
        owner, other = ((side.get("repo") or {}).get("full_name") for side in (base, head))
        return cls(
            plain["number"], plain["node_id"], plain["html_url"], plain["title"], plain.get("body") or "",
            plain["state"], bool(plain.get("draft")), bool(plain.get("merged") or plain.get("merged_at")),
            head["ref"], head["sha"], base["ref"], owner is not None and owner == other,
            plain.get("merge_commit_sha"),
        )  # fmt: skip


def default_branch(github: Connection) -> str:
    return str(github.get(github.here)["default_branch"])


def pull(github: Connection, number: int) -> Pull:
    """Raises: NotThere."""
    return Pull.read(github.get(f"{github.here}/pulls/{number}"))


def stage_of(github: Connection, number: int) -> Literal["open", "merged", "closed"]:
    """What became of a pull request, seen as the issue that it is: that does not change with its base."""
    found = github.get(f"{github.here}/issues/{number}")
    if found["state"] == "open":
        return "open"
    return "merged" if (found.get("pull_request") or {}).get("merged_at") else "closed"


def ensure_pull(github: Connection, branch: str, base: str, title: str, body: str, *, again: bool) -> Pull:
    """The pull request of a branch of ours, open or not; a draft is opened if there was never one."""
    owner = github.repository.split("/")[0]

    def look() -> Pull | None:
        found = github.get_all(f"{github.here}/pulls", head=f"{owner}:{branch}", state="all")
        return next((Pull.read(one) for one in found if one["head"]["ref"] == branch), None)

    def make() -> Pull:
        sent = {"head": branch, "base": base, "title": title, "body": body, "draft": True}
        return Pull.read(github.change("POST", f"{github.here}/pulls", sent))

    return ensured(look, make, again=again)


def make_ready(github: Connection, one: Pull) -> None:
    """A draft cannot be merged. Raises: Rejected."""
    if one.draft:
        sent = {"query": _READY, "variables": {"pull": one.node}}
        answer = github.change("POST", "graphql", sent)
        if answer.get("errors"):
            raise Rejected(f"#{one.number} stays a draft: mark it as ready by hand, then approve it again")


def merge(github: Connection, one: Pull, title: str, message: str) -> Pull:
    """Squash a pull request into its base, if its head is still the one that was judged.

    Raises: Rejected if it is not, or where GitHub's rules forbid it.
    """
    path = f"{github.here}/pulls/{one.number}"

    def look() -> Pull | None:
        now = pull(github, one.number)
        return now if now.merged else None

    def make() -> Pull:
        sent = {"sha": one.head, "merge_method": "squash", "commit_title": title, "commit_message": message}
        github.change("PUT", f"{path}/merge", sent)
        return pull(github, one.number)

    make_ready(github, one)
    return ensured(look, make)


def branch_head(github: Connection, branch: str) -> str | None:
    """The commit that a branch is at; None if there is no such branch."""
    try:
        found = github.get(f"{github.here}/git/ref/heads/{quote(branch, safe='/')}")
    except NotThere:
        return None
    return str(found["object"]["sha"])


def ensure_branch(github: Connection, branch: str, commit: str) -> bool:
    """Whether it was made now, and not before.

    Raises: UserError for one that is at another commit: somebody works there.
    """
    there: list[str] = []

    def look() -> str | None:
        there[:] = filter(None, [branch_head(github, branch)])
        return next(iter(there), None)

    def make() -> str:
        sent = {"ref": f"refs/heads/{branch}", "sha": commit}
        return str(github.change("POST", f"{github.here}/git/refs", sent)["object"]["sha"])

    found = ensured(look, make, again=False)
    if found != commit:
        raise UserError(
            f"the branch {branch} is there and at {found[:12]}, not at {commit[:12]}: somebody "
            "has changed it; delete it on GitHub to have it made anew"
        )
    return not there


def tree_of(github: Connection, commit: str) -> str:
    """The tree of a commit. Raises: NotThere for one that was never pushed."""
    return str(github.get(f"{github.here}/git/commits/{commit}")["tree"]["sha"])


def set_status(github: Connection, commit: str, state: str, description: str) -> None:
    """A status of a commit; the same one again changes nothing."""
    wanted = {"context": "bloomery/validation", "state": state, "description": description[:140]}

    def look() -> bool | None:
        found = github.get_all(f"{github.here}/commits/{commit}/statuses")
        newest = next((one for one in found if one["context"] == wanted["context"]), {})
        return True if {name: newest.get(name) for name in wanted} == wanted else None

    def make() -> bool:
        github.change("POST", f"{github.here}/statuses/{commit}", wanted)
        return True

    ensured(look, make, again=False)


def may_write(github: Connection, login: str) -> bool:
    """Whether a person (no bot) may write to the repository."""
    try:
        found = github.get(f"{github.here}/collaborators/{quote(login, safe='')}/permission")
    except NotThere:
        return False
    is_person = (found.get("user") or {}).get("type") == "User"
    return is_person and found["permission"] in ("admin", "maintain", "write")
