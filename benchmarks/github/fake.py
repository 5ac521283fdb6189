"""A server on this machine that answers as GitHub's API does, on a real git repository, with faults.

What it takes from GitHub: weak ETags over Accept, Authorization and body; 304 free of quota; `x-ratelimit-*`
and `retry-after`; lists in pages with Link; 401, 403, 404, 405, 409, 422 with their words; trees, commits and
references made by git, so that their names are git's own.
"""

import hashlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from benchmarks.github.routes import ROUTES, Refusal

NAME = "ada/engine"
TOKEN = "ghp_" + "a1B2c3D4e5" * 4
Kind = str  # of a fault: see `Talk.suffer`


@dataclass
class Fault:
    """What goes wrong with the next request that matches; `times` in a row."""

    kind: Kind
    method: str = ".*"
    path: str = ".*"
    times: int = 1

    def hits(self, method: str, path: str) -> bool:
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


@dataclass
class FakeGitHub:
    """One repository of GitHub's; `calls` is all that was asked: method, path, status."""

    bare: Path
    name: str = NAME
    token: str | None = TOKEN
    limit: int = 5000
    remaining: int = 5000
    renewed_in_s: float = 3600
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    seen_tokens: list[str | None] = field(default_factory=list)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    worked_out: dict[int, tuple[str, str]] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=lambda: {"ada": "admin", "ben": "read"})

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
        self._server.fake = self  # type: ignore[attr-defined]
        self._server.block_on_close = False
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # cut connections
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.lock = threading.Lock()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def statuses_seen(self) -> list[int]:
        return [status for _, _, status in self.calls]

    def count(self, method: str, path: str = "") -> int:
        return sum(one == method and bool(re.search(path, where)) for one, where, _ in self.calls)

    def git(self, *words: str, stdin: bytes = b"", **extra: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.bare, input=stdin, capture_output=True, check=False,
                              env={"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_NOSYSTEM": "1",
                                   "HOME": str(self.bare), **extra})  # fmt: skip
        if done.returncode:
            raise Refusal(422, done.stderr.decode())
        return done.stdout.decode(errors="surrogateescape")

    def open_issue(self, title: str = "slow", body: str = "", login: str = "ben") -> int:
        """An issue, or the half of a pull request that is one; its number."""
        number = max([0, *self.issues]) + 1
        self.issues[number] = {"number": number, "title": title, "body": body, "state": "open", "labels": [],
                               "user": {"login": login, "type": "User"}}  # fmt: skip
        return number


class Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    @property
    def fake(self) -> FakeGitHub:
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self.serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass

    def serve(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.fake.lock:
            self.fake.seen_tokens.append(self.headers.get("Authorization"))
            fault = self._fault(address.path)
            if fault and self.suffer(fault.kind):
                return
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            status, plain = self._answered(address.path, query, json.loads(body) if body else {})
        self.say(status, plain, query, cut=fault.kind if fault else "")

    def _fault(self, path: str) -> Fault | None:
        for fault in self.fake.faults:
            if fault.hits(self.command, path):
                fault.times -= 1
                if not fault.times:
                    self.fake.faults.remove(fault)
                return fault
        return None

    def suffer(self, kind: Kind) -> bool:
        """Whether the fault takes the request's place: with `lost_after` and `half` it is done first."""
        if kind == "lost_before":
            self.close_connection = True
            self.fake.calls.append((self.command, self.path, 0))
            return True
        answers: dict[Kind, Callable[[], None]] = {
            "500": lambda: self.say(500, {"message": "Server Error"}),
            "502": lambda: self.say(502, None, text="<html>Bad Gateway</html>"),
            "secondary": lambda: self.say(403, _SECONDARY, headers={"retry-after": "7"}),
            "secondary_without_headers": lambda: self.say(403, _SECONDARY),
            "429": lambda: self.say(429, _SECONDARY, headers={"retry-after": "3"}),
            "nonsense": lambda: self.say(200, None, text="<html>captive portal</html>"),
            "401": lambda: self.say(401, {"message": "Bad credentials"}),
            "echo": lambda: self.say(
                422, {"message": f"you sent {self.headers['Authorization'].split()[1]}"}
            ),
            "404": lambda: self.say(404, {"message": "Not Found"}, headers=_KEPT),
            "403": lambda: self.say(403, {"message": "Resource not accessible by integration"}),
        }
        if kind in answers:
            answers[kind]()
        return kind in answers

    def _answered(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        fake = self.fake
        if fake.token and self.headers.get("Authorization") != f"Bearer {fake.token}":
            return 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        if path == "/rate_limit":
            return 200, {"resources": {"core": {"limit": fake.limit, "remaining": fake.remaining,
                                                "reset": int(time.time() + fake.renewed_in_s)}}}  # fmt: skip
        if fake.remaining <= 0:
            return 403, {"message": "API rate limit exceeded for user ID 1."}
        for method, pattern, answer in ROUTES:
            found = re.fullmatch(pattern.replace("HERE", f"/repos/{re.escape(fake.name)}"), path)
            if method == self.command and found:
                try:
                    return answer(fake, *map(unquote, found.groups()), query=query, body=body)
                except Refusal as refusal:
                    return refusal.status, {"message": refusal.message}
        return 404, {"message": "Not Found"}

    def say(
        self,
        status: int,
        plain: Any,
        query: dict[str, str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        text: str | None = None,
        cut: Kind = "",
    ) -> None:
        headers = dict(headers or {})
        if isinstance(plain, list) and status == 200 and self.command == "GET":
            plain = self._page(plain, query or {}, headers)
        data = text.encode() if text is not None else b"" if plain is None else json.dumps(plain).encode()
        if self.command == "GET" and status == 200 and self.path != "/rate_limit":
            headers |= {"etag": self._etag(data), "cache-control": "private, max-age=60, s-maxage=60",
                        "vary": "Accept, Authorization, Cookie, X-GitHub-OTP"}  # fmt: skip
            if self.headers.get("If-None-Match") == headers["etag"]:
                status, data = 304, b""
        if status != 304 and self.path != "/rate_limit":
            self.fake.remaining = max(0, self.fake.remaining - 1)
        self.fake.calls.append((self.command, self.path, status))
        self.close_connection = bool(cut) or self.close_connection
        if cut == "lost_after":
            return
        self._send(status, data[: len(data) // 2] if cut == "half" else data, len(data), headers)

    def _page(self, items: list[Any], query: dict[str, str], headers: dict[str, str]) -> list[Any]:
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        if page * size < len(items):
            more = urlencode(query | {"page": str(page + 1)})
            headers["link"] = f'<{self.fake.url}{urlsplit(self.path).path}?{more}>; rel="next"'
        return items[(page - 1) * size : page * size]

    def _etag(self, data: bytes) -> str:
        said = [self.headers.get(name, "").encode() for name in ("Accept", "Authorization")]
        return f'W/"{hashlib.sha256(b":".join([*said, data])).hexdigest()}"'

    def _send(self, status: int, data: bytes, length: int, headers: dict[str, str]) -> None:
        fake = self.fake
        self.send_response_only(status)
        self.send_header("Date", formatdate(usegmt=True))
        for name, value in {
            "Content-Type": "application/json; charset=utf-8",
            "x-ratelimit-limit": str(fake.limit),
            "x-ratelimit-remaining": str(fake.remaining),
            "x-ratelimit-reset": str(int(time.time() + fake.renewed_in_s)),
            "x-ratelimit-resource": "core",
            **headers,
        }.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data)


_KEPT = {"cache-control": "private, max-age=60", "etag": 'W/"gone"'}
_SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
