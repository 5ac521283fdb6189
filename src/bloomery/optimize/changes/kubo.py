"""A node of IPFS through Kubo's RPC: add, cat, pin, under the CIDs that our store gives.

What a node answers is never believed: a CID is compared, content is hashed. A node that is down, hangs or
talks nonsense is `Unreachable`, whatever it was asked. The token that it may want is read from the
environment and kept nowhere.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from bloomery.core.cid import CHUNK_BYTES, check_cid, cid_of_bytes
from bloomery.core.errors import Failure, MissingFile
from bloomery.core.log import without_passwords
from bloomery.core.tokens import mask

TOKEN = "BLOOMERY_KUBO_TOKEN"  # environment variable: sent as `Authorization: Bearer ...`
_AS_OURS = {"cid-version": "1", "raw-leaves": "true", "chunker": f"size-{CHUNK_BYTES}", "cid-base": "base32"}


class Unreachable(Failure):
    """The node cannot be used now."""


@dataclass(frozen=True)
class Kubo:
    """A node's RPC, e.g. `http://127.0.0.1:5001`; each call ends after `timeout_s`."""

    url: str = field(repr=False)
    timeout_s: float = 20.0

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return without_passwords(self.url)

    def add(self, data: bytes) -> str:
        """Give the node these bytes, pinned, and return their CID. Raises: Unreachable."""
        cid = cid_of_bytes(data)
        with self._answer("add", {**_AS_OURS, "pin": "true"}, files={"file": ("patch", data)}) as answer:
            given = _last_object(answer, self._body(answer, 2**16)).get("Hash")
        if given != cid:
            raise Unreachable(f"the node {self.shown} calls {cid} by another name ({mask(str(given))[:80]})")
        return cid

    def pin(self, cid: str) -> None:
        """Ask the node to keep the content. Raises: Unreachable."""
        with self._answer("pin/add", {"arg": check_cid(cid), "timeout": self._wait}) as answer:
            pinned = _last_object(answer, self._body(answer, 2**16)).get("Pins")
        if pinned != [cid]:
            raise Unreachable(f"the node {self.shown} did not pin {cid}")

    def cat(self, cid: str, most_bytes: int) -> bytes:
        """The content, verified. Raises: MissingFile where the node has not got it in time; Unreachable."""
        query = {"arg": check_cid(cid), "length": str(most_bytes + 1), "timeout": self._wait}
        try:
            with self._answer("cat", query) as answer:
                data = self._body(answer, most_bytes)
        except httpx.ReadTimeout:
            raise MissingFile(f"the node {self.shown} did not find {cid} in {self.timeout_s:g} s") from None
        if cid_of_bytes(data) != cid:
            raise Unreachable(f"the node {self.shown} gave something else as {cid} (cut short or altered)")
        return data

    @property
    def _wait(self) -> str:
        return f"{max(1, int(self.timeout_s))}s"

    @contextmanager
    def _answer(self, call: str, query: dict[str, str], **sent: Any) -> Iterator[httpx.Response]:
        token = os.environ.get(TOKEN)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self.url.rstrip('/')}/api/v0/{call}"
        try:
            with (
                httpx.Client(timeout=self.timeout_s, headers=headers, trust_env=False) as client,
                client.stream("POST", address, params=query, **sent) as answer,
            ):
                if answer.status_code != 200:
                    said = without_passwords(mask(self._body(answer, 2**12).decode(errors="replace")))
                    raise Unreachable(f"the node {self.shown} refused {call} ({answer.status_code}): {said}")
                yield answer
        except httpx.ReadTimeout:
            if call == "cat":
                raise
            raise Unreachable(
                f"the node {self.shown} did not answer {call} in {self.timeout_s:g} s"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = without_passwords(mask(str(error)))
            raise Unreachable(f"the node {self.shown} cannot be reached: {why}") from error

    def _body(self, answer: httpx.Response, most_bytes: int) -> bytes:
        """What comes until the deadline; a node that sends drop by drop is cut off."""
        until, parts, size = time.monotonic() + self.timeout_s, [], 0
        for part in answer.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                raise Unreachable(f"the node {self.shown} sent more than {most_bytes} bytes")
            if time.monotonic() > until:
                raise Unreachable(f"the node {self.shown} was not done in {self.timeout_s:g} s")
        return b"".join(parts)


def _last_object(answer: httpx.Response, body: bytes) -> dict[str, Any]:
    """Kubo answers in lines of JSON; the last one counts."""
    try:
        plain = json.loads(body.decode().strip().splitlines()[-1])
    except (ValueError, IndexError):
        plain = None
    if not isinstance(plain, dict):
        raise Unreachable(f"{answer.url.host} does not speak Kubo's RPC: no JSON in its answer")
    return plain
