"""What the fake GitHub answers to each request: method, pattern of the path, function."""

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = tuple[int, Any]


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


def _found(table: dict[int, Any], number: str) -> Any:
    if int(number) not in table:
        raise Refusal(404, "Not Found")
    return table[int(number)]


def _head(fake: Any, branch: str) -> str:
    try:
        return str(fake.git("rev-parse", "--verify", f"refs/heads/{branch}^{{commit}}").strip())
    except Refusal:
        raise Refusal(404, "Not Found") from None


def repository(fake: Any, **_: Any) -> Answer:
    return 200, {"full_name": fake.name, "default_branch": "main"}


def issues(fake: Any, *, query: dict[str, str], **_: Any) -> Answer:
    label, state = query.get("labels"), query.get("state", "open")
    return 200, [
        one
        for number, one in sorted(fake.issues.items())
        if (state in ("all", one["state"])) and (not label or label in [own["name"] for own in one["labels"]])
    ]


def issue(fake: Any, number: str, **_: Any) -> Answer:
    return 200, _found(fake.issues, number)


def open_issue(fake: Any, *, body: Any, **_: Any) -> Answer:
    number = fake.open_issue(body["title"], body.get("body", ""), "ada")
    fake.issues[number]["labels"] = [{"name": name} for name in body.get("labels", [])]
    return 201, fake.issues[number]


def change_issue(fake: Any, number: str, *, body: Any, **_: Any) -> Answer:
    one = _found(fake.issues, number)
    one |= {name: value for name, value in body.items() if name in ("state", "title", "state_reason")}
    return 200, one


def list_comments(fake: Any, number: str, **_: Any) -> Answer:
    return 200, fake.comments.get(int(number), [])


def comment(fake: Any, number: str, *, body: Any, **_: Any) -> Answer:
    _found(fake.issues, number)
    fake.comments.setdefault(int(number), []).append({"body": body["body"], "user": {"login": "ada"}})
    return 201, body


def pulls(fake: Any, *, query: dict[str, str], **_: Any) -> Answer:
    head, state = query.get("head"), query.get("state", "open")
    owner = fake.name.split("/")[0]
    found = [_pull(fake, one) for _, one in sorted(fake.pulls.items())]
    return 200, [
        one
        for one in found
        if state in ("all", one["state"]) and head in (None, f"{owner}:{one['head']['ref']}")
    ]


def pull(fake: Any, number: str, **_: Any) -> Answer:
    return 200, _pull(fake, _found(fake.pulls, number))


def _pull(fake: Any, one: dict[str, Any]) -> dict[str, Any]:
    """As it is now. Whether it can be merged is worked out anew whenever a branch moves; until then: null."""
    if not one["merged"]:
        one["head"]["sha"] = _head(fake, one["head"]["ref"])
        at = (one["head"]["sha"], _head(fake, one["base"]["ref"]))
        one["mergeable"] = True if fake.worked_out.get(one["number"]) == at else None
        fake.worked_out[one["number"]] = at
    return one


def open_pull(fake: Any, *, body: Any, **_: Any) -> Answer:
    _head(fake, body["head"])
    if any(one["head"]["ref"] == body["head"] and one["state"] == "open" for one in fake.pulls.values()):
        raise Refusal(422, f"A pull request already exists for {body['head']}.")
    number = fake.open_issue(body["title"], body.get("body", ""), "ada")
    repo = {"full_name": fake.name}
    fake.pulls[number] = {
        **{"number": number, "title": body["title"], "body": body.get("body", ""), "state": "open"},
        **{"draft": body.get("draft", False), "merged": False, "merge_commit_sha": None},
        **{"node_id": f"PR_{number}", "html_url": f"{fake.url}/{fake.name}/pull/{number}"},
        **{"user": {"login": "ada", "type": "User"}, "head": {"ref": body["head"], "repo": repo}},
        "base": {"ref": body["base"], "repo": repo, "sha": _head(fake, body["base"])},
    }
    fake.issues[number]["pull_request"] = {"merged_at": None}
    return 201, _pull(fake, fake.pulls[number])


def change_pull(fake: Any, number: str, *, body: Any, **_: Any) -> Answer:
    one = _found(fake.pulls, number)
    one |= {name: value for name, value in body.items() if name in ("state", "title", "body")}
    fake.issues[int(number)]["state"] = one["state"]
    return 200, _pull(fake, one)


def merge(fake: Any, number: str, *, body: Any, **_: Any) -> Answer:
    one = _pull(fake, _found(fake.pulls, number))
    if one["draft"]:
        raise Refusal(405, "Pull Request is still a draft")
    if one["merged"] or one["state"] != "open":
        raise Refusal(405, "Pull Request is not mergeable")
    head, base = one["head"]["sha"], _head(fake, one["base"]["ref"])
    if body.get("sha") not in (None, head):
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    try:
        tree = fake.git("merge-tree", "--write-tree", base, head).split()[0]
    except Refusal:
        raise Refusal(405, "Pull Request is not mergeable") from None
    made = fake.git(
        "commit-tree", tree, "-p", base, "-m", body.get("commit_title", "merge"), **_PEOPLE
    ).strip()
    fake.git("update-ref", f"refs/heads/{one['base']['ref']}", made)
    one |= {"merged": True, "state": "closed", "merge_commit_sha": made}
    fake.issues[int(number)] |= {"state": "closed", "pull_request": {"merged_at": "2026-01-01T00:00:00Z"}}
    return 200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"}


def reference(fake: Any, branch: str, **_: Any) -> Answer:
    return 200, {"ref": f"refs/heads/{branch}", "object": {"sha": _head(fake, branch), "type": "commit"}}


def make_reference(fake: Any, *, body: Any, **_: Any) -> Answer:
    try:
        _head(fake, body["ref"].removeprefix("refs/heads/"))
    except Refusal:
        fake.git("update-ref", body["ref"], body["sha"])
        return 201, {"ref": body["ref"], "object": {"sha": body["sha"]}}
    raise Refusal(422, "Reference already exists")


def commit(fake: Any, sha: str, **_: Any) -> Answer:
    try:
        tree, *parents = fake.git("log", "-1", "--format=%T %P", sha).split()
    except Refusal:
        raise Refusal(404, "Not Found") from None
    return 200, {"sha": sha, "tree": {"sha": tree}, "parents": [{"sha": one} for one in parents]}


def make_tree(fake: Any, *, body: Any, **_: Any) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        fake.git("read-tree", body["base_tree"], **index)
        for entry in body["tree"]:
            blob = entry.get("sha")
            if "content" in entry:
                blob = fake.git("hash-object", "-w", "--stdin", stdin=entry["content"].encode()).strip()
            row = f"{entry['mode'] if blob else '0'} {blob or '0' * 40}\t{entry['path']}\n"
            fake.git("update-index", "--index-info", stdin=row.encode(), **index)
        return 201, {"sha": fake.git("write-tree", **index).strip()}


def make_commit(fake: Any, *, body: Any, **_: Any) -> Answer:
    said = body["author"]
    who = {f"GIT_{role}_{name}": said[name.lower()] for role in ("AUTHOR", "COMMITTER")
           for name in ("NAME", "EMAIL", "DATE")}  # fmt: skip
    parents = [word for parent in body["parents"] for word in ("-p", parent)]
    made = fake.git("commit-tree", body["tree"], *parents, stdin=body["message"].encode(), **who)
    return 201, {"sha": made.strip(), "tree": {"sha": body["tree"]}}


def blob(fake: Any, sha: str, **_: Any) -> Answer:
    data = fake.git("cat-file", "blob", sha).encode(errors="surrogateescape")
    return 200, {"sha": sha, "encoding": "base64", "content": base64.encodebytes(data).decode()}


def compare(fake: Any, base: str, head: str, **_: Any) -> Answer:
    start = fake.git("merge-base", base, head).strip()
    rows = fake.git("diff", "--raw", "--no-abbrev", "--no-renames", "-z", start, head).split("\0")
    words = {"A": "added", "M": "modified", "D": "removed", "T": "changed"}
    files = [
        {"filename": path, "status": words[facts.split()[4]], "sha": facts.split()[3]}
        for facts, path in zip(rows[::2], rows[1::2], strict=False)
    ]
    return 200, {"merge_base_commit": {"sha": start}, "files": files}


def list_statuses(fake: Any, sha: str, **_: Any) -> Answer:
    return 200, fake.statuses.get(sha, [])[::-1]


def set_status(fake: Any, sha: str, *, body: Any, **_: Any) -> Answer:
    fake.statuses.setdefault(sha, []).append(body)
    return 201, body


def permission(fake: Any, login: str, **_: Any) -> Answer:
    told = fake.permissions.get(login, "none")
    return 200, {"permission": {"maintain": "write"}.get(told, told), "role_name": told,
                 "user": {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}}  # fmt: skip


def graphql(fake: Any, *, body: Any, **_: Any) -> Answer:
    wanted = body["variables"]["pull"]
    for one in fake.pulls.values():
        if one["node_id"] == wanted:
            one["draft"] = False
            return 200, {"data": {"markPullRequestReadyForReview": {"pullRequest": {"isDraft": False}}}}
    return 200, {"errors": [{"message": "Could not resolve to a node"}]}


_PEOPLE = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "GitHub"), ("EMAIL", "noreply@github.example"))}  # fmt: skip
ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "HERE", repository),
    ("GET", "HERE/issues", issues),
    ("POST", "HERE/issues", open_issue),
    ("GET", r"HERE/issues/(\d+)", issue),
    ("PATCH", r"HERE/issues/(\d+)", change_issue),
    ("GET", r"HERE/issues/(\d+)/comments", list_comments),
    ("POST", r"HERE/issues/(\d+)/comments", comment),
    ("GET", "HERE/pulls", pulls),
    ("POST", "HERE/pulls", open_pull),
    ("GET", r"HERE/pulls/(\d+)", pull),
    ("PATCH", r"HERE/pulls/(\d+)", change_pull),
    ("PUT", r"HERE/pulls/(\d+)/merge", merge),
    ("GET", "HERE/git/ref/heads/(.+)", reference),
    ("POST", "HERE/git/refs", make_reference),
    ("GET", "HERE/git/commits/([0-9a-f]+)", commit),
    ("POST", "HERE/git/trees", make_tree),
    ("POST", "HERE/git/commits", make_commit),
    ("GET", "HERE/git/blobs/([0-9a-f]+)", blob),
    ("GET", r"HERE/compare/(\w+)\.\.\.(\w+)", compare),
    ("GET", "HERE/commits/([0-9a-f]+)/statuses", list_statuses),
    ("POST", "HERE/statuses/([0-9a-f]+)", set_status),
    ("GET", "HERE/collaborators/([^/]+)/permission", permission),
    ("POST", "/graphql", graphql),
)
