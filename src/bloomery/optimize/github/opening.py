"""Which repository of GitHub's a folder belongs to, and a connection to it whose use is written down."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from bloomery.core.errors import UserError
from bloomery.optimize.changes import Ledger, Repository
from bloomery.optimize.github.connection import Connection, check_name, connect
from bloomery.optimize.github.token import need_token

_REMOTE = re.compile(r"(?:^|[@/])[\w.-]+[:/]+(?:\d+/)?([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def name_of(repository: Repository, given: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """`owner/name`: as given, of the workflow, or of the remote origin. Raises: UserError."""
    if name := given or environment.get("GITHUB_REPOSITORY", ""):
        return check_name(name)
    answer = repository.ask("remote", "get-url", "origin")
    found = _REMOTE.search(answer.out.decode(errors="replace").strip()) if answer.code == 0 else None
    if found is None:
        raise UserError(f"{repository.root} has no remote origin on GitHub: give --repo owner/name")
    return check_name(found[1])


@contextmanager
def connected(ledger: Ledger, repository: str) -> Iterator[Connection]:
    """A connection with the environment's token; what it cost enters the audit. Raises: TokenMissing."""
    token = need_token()
    with connect(repository, folder=ledger.workspace.root / "github", token=token) as github:
        try:
            yield github
        finally:
            body = {
                **asdict(github.traffic),
                "charged": github.traffic.charged,
                "remaining": github.limits.remaining,
                "limit": github.limits.limit,
                "waited_s": round(github.limits.waited_s, 3),
            }
            ledger.records.note("github", "asked", repository, body)
            ledger.seal()
