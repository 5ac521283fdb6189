"""A connection to GitHub's API: what is unchanged costs nothing, what fails for a moment is tried again.

    with connect("owner/name", folder=workspace.root / "github") as github:
        github.get("repos/owner/name/pulls/5")

A read is tried again after any loss. A change is tried again only where it cannot have been made: the
connection was never there, or a limit refused it; otherwise it is `Unsure`, and whoever asked looks first.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bloomery.agents.keys import Key, masked
from bloomery.core.errors import CapabilityMissing, FormatRefused
from bloomery.core.log import get_log
from bloomery.core.tokens import mask
from bloomery.optimize.github import errors
from bloomery.optimize.github.limits import Limits, Pace
from bloomery.optimize.github.wire import Traffic, Wire

try:
    from githubkit import GitHub
    from githubkit.exception import RequestError

    from bloomery.optimize.github.caching import OnDisk
except ImportError as error:
    raise CapabilityMissing("GitHub needs the extra: install `bloomery[github]`") from error

API = "https://api.github.com"
PER_PAGE = 100
MOST_PAGES = 100
_log = get_log("github")


@dataclass
class Connection:
    """A repository's API; made by `connect`. `attempts`: how often a request is tried in all."""

    repository: str
    limits: Limits
    attempts: int
    _github: GitHub[Any]
    _wire: Wire
    _token: Key | None

    @property
    def traffic(self) -> Traffic:
        return self._wire.traffic

    @property
    def here(self) -> str:
        """The beginning of the repository's addresses."""
        return f"repos/{self.repository}"

    def get(self, path: str, **query: str | int) -> Any:
        """Raises: TokenExpired, Forbidden, NotThere, Rejected, LimitReached, Unreachable."""
        return self._asked("GET", path, params=query or None)

    def get_all(self, path: str, *, under: str | None = None, **query: str | int) -> Iterator[dict[str, Any]]:
        """The items of all pages of a list (`under` a name, where GitHub wraps it).

        A full page is followed by another, whatever its kept header says: where the first page did not
        change, a 304 may come with the links of the day it was kept.
        """
        for page in range(1, MOST_PAGES + 1):
            found = self._asked("GET", path, params={**query, "per_page": PER_PAGE, "page": page})
            items = found[under] if under else found
            yield from items
            if len(items) < PER_PAGE:
                return

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST, PATCH, PUT or DELETE. Raises: as `get`, and Unsure."""
        return self._asked(method, path, json=dict(body or {}))

    def limit(self) -> Mapping[str, Any]:
        """What GitHub says of the limit now; asking costs nothing."""
        core: Mapping[str, Any] = self._asked("GET", "rate_limit", free=True)["resources"]["core"]
        return core

    def _asked(self, method: str, path: str, *, free: bool = False, **sent: Any) -> Any:
        for attempt in range(self.attempts):
            last = attempt == self.attempts - 1
            if not free:
                self.limits.before(change=method != "GET")
            try:
                answer = self._github._request(method, f"/{path}", **sent)
            except RequestError as error:
                self._lost(method, path, error.exc, attempt, last=last)
            else:
                if answer.is_success:
                    return _plain(answer)
                self._refused(method, path, answer, attempt, last=last)
        raise AssertionError("the last attempt returns or raises")

    def _lost(self, method: str, path: str, error: Exception, attempt: int, *, last: bool) -> None:
        """Raises, unless it may be tried again."""
        if not isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
            raise error
        never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        said = f"{method} {path}: {type(error).__name__} ({self._safe(str(error))})"
        _log.warning("GitHub was not reached", what=said)
        if method != "GET" and not never_sent:
            raise errors.Unsure(f"the connection was lost after sending {said}") from None
        if last:
            raise errors.Unreachable(f"GitHub cannot be reached ({said})") from None
        self.limits.wait(2.0**attempt, f"{path} was not answered")

    def _refused(self, method: str, path: str, answer: httpx.Response, attempt: int, *, last: bool) -> None:
        """Raises, unless it may be tried again."""
        said = self._safe(_message(answer))
        told = f"{method} {path}: {answer.status_code} {said}"
        _log.info("GitHub refused", what=told)
        if answer.status_code >= 500:
            if method != "GET":
                raise errors.Unsure(f"GitHub has a fault of its own ({told})")
            if last:
                raise errors.Unreachable(f"GitHub has a fault of its own ({told})")
            self.limits.wait(2.0**attempt, f"{path} was not answered")
            return
        if answer.status_code in (403, 429) and self.limits.refused(answer.headers, said, attempt):
            if last:
                wait_s = self.limits.blocked_until - self.limits.pace.now()
                raise errors.LimitReached(f"the rate limit is reached ({told})", wait_s)
            return
        raise _as_error(answer.status_code, said, told)

    def _safe(self, text: str) -> str:
        keys = (self._token,) if self._token else ()
        return " ".join(mask(masked(text, keys)).split())[:300]


@contextmanager
def connect(
    repository: str,
    *,
    folder: Path,
    token: Key | None = None,
    url: str | None = None,
    pace: Pace | None = None,
    attempts: int = 4,
    timeout_s: float = 20.0,
) -> Iterator[Connection]:
    """A connection for `owner/name`, with its answers kept in `folder`; `url`: the API of another server.

    Raises: FormatRefused for a name or an address that is none.
    """
    limits = Limits(pace or Pace())
    base = _address(url or os.environ.get("GITHUB_API_URL") or API)
    wire = Wire(base, token, lambda answer: limits.read(answer.headers))
    github = GitHub(
        base_url=base, transport=wire, cache_strategy=OnDisk(folder / "answers.sqlite"), trust_env=False,
        timeout=timeout_s, auto_retry=False, user_agent="bloomery",
    )  # fmt: skip
    with github:
        yield Connection(check_name(repository), limits, attempts, github, wire, token)


def check_name(repository: str) -> str:
    """Raises: FormatRefused for what is no `owner/name`."""
    parts = repository.split("/")
    plain = all(part and part.strip(".") and part.replace("-", "").replace(".", "").replace("_", "").isalnum()
                for part in parts)  # fmt: skip
    if len(parts) != 2 or not plain or not repository.isascii():
        raise FormatRefused(f"'{mask(repository)}' is no repository of GitHub: give owner/name")
    return repository


def _address(url: str) -> httpx.URL:
    """Raises: FormatRefused for one to which no token should go."""
    base = httpx.URL(url)
    if base.userinfo or base.host == "":
        raise FormatRefused(f"{base.host or 'the address'} is no address of an API: give https://host/path")
    if base.scheme != "https" and base.host not in ("127.0.0.1", "localhost", "::1"):
        raise FormatRefused(f"{base.host} is asked without encryption: a token goes over https only")
    return base


def _plain(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        raise errors.Unreachable(f"{answer.url.host} answered {answer.url.path} without JSON") from None


def _message(answer: httpx.Response) -> str:
    """GitHub's words about an error."""
    try:
        plain = answer.json()
    except ValueError:
        return answer.reason_phrase
    if not isinstance(plain, dict):
        return answer.reason_phrase
    details = [one.get("message", "") for one in plain.get("errors") or [] if isinstance(one, dict)]
    return "; ".join(filter(None, [str(plain.get("message", "")), *map(str, details)]))


def _as_error(status: int, said: str, told: str) -> Exception:
    if status == 401:
        return errors.TokenExpired(
            f"GitHub does not take the token ({said}): it has expired or was revoked; set a new one in "
            "GH_TOKEN or GITHUB_TOKEN, then try again"
        )
    if status == 403:
        return errors.Forbidden(f"the token may not do this ({told}): give it the permission")
    if status in (404, 410):
        return errors.NotThere(f"there is no such thing, or the token cannot see it ({told})")
    return errors.Rejected(f"GitHub refused ({told})")
