"""Papers from arXiv by id: sources where there are any, else HTML, else PDF; politely, and once only.

What came is kept in a folder with its checksum; from there it is read without a network.
"""

import hashlib
import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx

from bloomery import __version__
from bloomery.core.disk import write_atomically
from bloomery.core.errors import Failure, FormatRefused, UserError
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.reading.arxiv_id import ArxivId, require_id
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.files import decoded, unpacked
from bloomery.papers.reading.html import read_page
from bloomery.papers.reading.latex import read_files
from bloomery.papers.reading.pdf import read_pdf

Form = Literal["sources", "html", "pdf"]
FORMS: tuple[Form, ...] = ("sources", "html", "pdf")
_PATHS: dict[Form, str] = {"sources": "e-print", "html": "html", "pdf": "pdf"}
_BUSY = (429, 500, 502, 503, 504)
_ABSENT = (400, 404, 410)
_REFUSED = 403  # sources that are withheld; of a PDF, that this client is
MAX_BYTES = 128 * 2**20


def usual_cache() -> Path:
    """Where downloads are kept unless told otherwise."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "bloomery" / "arxiv"


class Refused(Failure):
    """arXiv has the file, or may have it, and does not give it."""


@dataclass(frozen=True, kw_only=True)
class Politeness:
    """How to ask; arXiv wants one request in three seconds and an address to write to."""

    interval_s: float = 3.0
    attempts: int = 4
    backoff_s: float = 5.0  # after the first refusal, doubled after each
    timeout_s: float = 60.0
    contact: str = ""  # a mail address, said in the user agent

    @property
    def user_agent(self) -> str:
        who = f" (mailto:{self.contact})" if self.contact else ""
        return f"bloomery/{__version__}{who}"


@dataclass
class Arxiv:
    """One door for all threads of a process: requests wait for one another."""

    cache: Path = field(default_factory=usual_cache)
    offline: bool = False
    address: str = "https://export.arxiv.org"
    politeness: Politeness = field(default_factory=Politeness)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: float = float("-inf")

    def read(self, text: str) -> Document:
        """The paper with this id, from the best form of it that can be read.

        Raises: UserError for what is no id, or one that arXiv does not know; Failure without a network, or
            where arXiv refuses every form, as it does to clients that it blocks.
        """
        paper = require_id(text)
        doubts: list[Diagnostic] = []
        for form in FORMS:
            try:
                path = self.fetch(paper, form)
            except Refused:
                if form == FORMS[-1] and not doubts:
                    raise
                continue
            if path is None:
                continue
            try:
                document = _read(path, form, str(paper))
            except FormatRefused as error:
                doubts.append(Diagnostic(str(path), 1, "warning", "form-refused", f"{form}: {error}"))
                continue
            found = (*doubts, *document.diagnostics)
            document = replace(document, source=f"arXiv:{paper}", diagnostics=found)
            return replace(document, arxiv=str(paper), year=paper.year)
        if doubts:
            raise FormatRefused(f"arXiv:{paper} cannot be read: {'; '.join(one.message for one in doubts)}")
        raise UserError(f"arXiv knows no paper {paper}: look whether the id is right")

    def fetch(self, paper: ArxivId, form: Form) -> Path | None:
        """The file of a form, from the cache or from arXiv; None where arXiv has none.

        Raises: Refused; Failure without a network.
        """
        folder = self.cache / paper.folder
        kept = _kept(folder, form)
        if kept is not None:
            return kept
        if self.offline:
            if form != FORMS[-1] or any(_kept(folder, other) for other in FORMS):
                return None
            raise Failure(
                f"arXiv:{paper} is not in {self.cache}, and no network is to be used: allow it once"
            )
        data = self._ask(f"{self.address}/{_PATHS[form]}/{paper}")
        if data is None:
            return None
        write_atomically(folder / form, data)
        note = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        write_atomically(folder / f"{form}.json", json.dumps(note, sort_keys=True).encode())
        return folder / form

    def _ask(self, url: str) -> bytes | None:
        """The body; None for what is not there. Raises: Refused; Failure when arXiv cannot be reached."""
        said = ""
        for attempt in range(self.politeness.attempts):
            wait = self.politeness.backoff_s * 2**attempt
            try:
                status, data, after = self._once(url)
            except httpx.TransportError as error:
                said = f"{type(error).__name__}: {error}"
            else:
                if status == 200:
                    return data
                if status in _ABSENT:
                    return None
                if status == _REFUSED:
                    raise Refused(
                        f"arXiv refuses {url} (status 403), perhaps to this address as a whole: wait, say "
                        "who you are by --contact, or fetch the file yourself and give its path"
                    )
                if status not in _BUSY:
                    raise Failure(f"arXiv answered {status} to {url}: fetch the file yourself")
                said, wait = f"status {status}", max(wait, after)
            if attempt + 1 < self.politeness.attempts:
                self.sleep(wait)
        raise Failure(
            f"{url} could not be fetched in {self.politeness.attempts} attempts ({said}): look at the "
            "network, or fetch the file yourself and give its path"
        )

    def _once(self, url: str) -> tuple[int, bytes, float]:
        with self._lock:
            self.sleep(max(0.0, self._next - self.now()))
            try:
                return self._get(url)
            finally:
                self._next = self.now() + self.politeness.interval_s

    def _get(self, url: str) -> tuple[int, bytes, float]:
        headers = {"User-Agent": self.politeness.user_agent}
        timeout = self.politeness.timeout_s
        with (
            httpx.Client(headers=headers, timeout=timeout, follow_redirects=True, verify=_tls()) as client,
            client.stream("GET", url) as response,
        ):
            parts, size = [], 0
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > MAX_BYTES:
                    raise FormatRefused(
                        f"{url} is larger than {MAX_BYTES >> 20} MiB: fetch the TeX files yourself"
                    )
            return response.status_code, b"".join(parts), _seconds(response.headers.get("Retry-After"))


def _read(path: Path, form: Form, name: str) -> Document:
    """Sources may be a PDF: papers are sent in as such too."""
    data = path.read_bytes()
    if form == "pdf" or data[:5] == b"%PDF-":
        return read_pdf(path)
    if form == "html":
        return read_page(decoded(data), name)
    return read_files(unpacked(data, name), source=name)


def _kept(folder: Path, form: Form) -> Path | None:
    """The file as it was fetched; a damaged one counts as absent."""
    path, note = folder / form, folder / f"{form}.json"
    if not path.is_file() or not note.is_file():
        return None
    try:
        said: Any = json.loads(note.read_text())["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    return path if hashlib.sha256(path.read_bytes()).hexdigest() == said else None


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # a tenth of a second


def _seconds(header: str | None) -> float:
    return min(float(header), 300.0) if header and header.isdigit() else 0.0
