"""The innermost step of a request: only here the token is added, below the cache, which never sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

import httpx

from bloomery.agents.keys import Key

Watch = Callable[[httpx.Response], None]


@dataclass
class Traffic:
    """What was asked of GitHub: `unchanged` are answers of 304, which cost no quota."""

    requests: int = 0
    reads: int = 0
    unchanged: int = 0
    lost: int = 0

    @property
    def charged(self) -> int:
        return self.requests - self.unchanged

    @property
    def hit_rate(self) -> float | None:
        """The share of reads that the cache answered; None if nothing was read."""
        return self.unchanged / self.reads if self.reads else None


class Wire(httpx.BaseTransport):
    """Sends to one origin with the token, to any other without; counts what comes back."""

    def __init__(self, base: httpx.URL, token: Key | None, watch: Watch) -> None:
        self._origin = _origin(base)
        self._token = token
        self._watch = watch
        self.traffic = Traffic()
        self._next = httpx.HTTPTransport(proxy=_proxy(base))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, stream=request.stream,
            extensions=request.extensions,
        )  # fmt: skip
        if self._token is not None and _origin(request.url) == self._origin:
            sent.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        self.traffic.requests += 1
        self.traffic.reads += request.method == "GET"
        try:
            answer = self._next.handle_request(sent)
        except httpx.HTTPError:
            self.traffic.lost += 1
            raise
        self.traffic.unchanged += answer.status_code == 304
        self._watch(answer)
        return answer

    def close(self) -> None:
        self._next.close()


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _proxy(base: httpx.URL) -> str | None:
    """The environment's proxy: a transport of one's own has to look for it itself."""
    return None if proxy_bypass(base.host) else getproxies().get(base.scheme)
