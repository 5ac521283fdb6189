"""One door to every form of a paper, and several papers at once."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.disk import write_atomically
from bloomery.core.errors import BloomeryError, Failure, FormatRefused, MissingFile, UserError
from bloomery.papers.context import Context
from bloomery.papers.reading.arxiv import Arxiv
from bloomery.papers.reading.arxiv_id import arxiv_id
from bloomery.papers.reading.document import Document
from bloomery.papers.reading.extracting import extract
from bloomery.papers.reading.html import read_html
from bloomery.papers.reading.latex import read_latex
from bloomery.papers.reading.pdf import read_pdf
from bloomery.papers.written import PAPER

EXAMPLE = "fading-memory"
_PAGES = (".html", ".htm", ".xhtml")
_SOURCES = (".tex", ".ltx", ".gz", ".tgz", ".tar", ".zip", "")


@dataclass(frozen=True)
class Outcome:
    """What became of one source: a document and its context, or the error that says what to do."""

    source: str
    document: Document | None = None
    context: Context | None = None
    error: BloomeryError | None = None


def read_source(source: str | Path, *, arxiv: Arxiv | None = None) -> Document:
    """A PDF, LaTeX (file, folder, archive), LaTeXML page, or arXiv id; a path that exists comes first.

    Raises: MissingFile, FormatRefused, UserError, Failure, CapabilityMissing; each says what to do.
    """
    path = Path(source)
    if path.exists():
        return _read_path(path)
    if arxiv_id(str(source)) is not None:
        return (arxiv or Arxiv()).read(str(source))
    raise MissingFile(f"no file or folder at {source}, and it is no arXiv id such as 2501.00663")


def read_many(
    sources: Sequence[str | Path],
    *,
    arxiv: Arxiv | None = None,
    paper_id: str = "",
    date: str = "",
    workers: int = 2,
) -> list[Outcome]:
    """All of them in parallel, in the order given; one that fails does not stop the others.

    `paper_id` names the paper where there is one source. Raises: UserError for no id, or one to several.
    """
    if paper_id and len(sources) > 1:
        raise UserError(f"the id {paper_id} cannot be that of {len(sources)} papers: read them one by one")
    if paper_id and not re.fullmatch(PAPER, paper_id):
        raise UserError(f"'{paper_id}' is no paper's id; expected lower case with dashes, such as {EXAMPLE}")
    shared = arxiv or Arxiv()

    def one(source: str | Path) -> Outcome:
        try:
            document = read_source(source, arxiv=shared)
            return Outcome(str(source), document, extract(document, paper_id=paper_id, date=date))
        except BloomeryError as error:
            return Outcome(str(source), error=error)
        except Exception as error:  # edge: a worker; the other sources are still read
            said = f"{type(error).__name__}: {error}"
            return Outcome(str(source), error=Failure(f"reading it failed, which is our mistake: {said}"))

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        return list(pool.map(one, sources))


def write_new(path: Path, text: str, *, force: bool = False) -> Path:
    """Write a file that is not there yet. Raises: UserError where one is, unless forced."""
    if path.exists() and not force:
        raise UserError(f"{path} is there already and stays as it is: name another file, or use --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    return path


def write_contexts(
    outcomes: Sequence[Outcome], folder: Path, writer: Callable[[Context], str], *, force: bool = False
) -> tuple[dict[str, Path], dict[str, BloomeryError]]:
    """`<id>.context.md` of each in a folder, by source; beside it the errors of those that have none."""
    written: dict[str, Path] = {}
    refused = {one.source: one.error for one in outcomes if one.error is not None}
    for one in outcomes:
        if one.context is None:
            continue
        path = folder / f"{one.context.paper_id}.context.md"
        try:
            written[one.source] = write_new(
                path, writer(one.context), force=force and path not in written.values()
            )
        except BloomeryError as error:
            refused[one.source] = error
    return written, refused


def _read_path(path: Path) -> Document:
    if path.is_dir():
        return read_latex(path)
    with path.open("rb") as file:
        start = file.read(1024)
    suffix = path.suffix.lower()
    if b"%PDF-" in start or suffix == ".pdf":
        return read_pdf(path)
    if suffix in _PAGES:
        return read_html(path)
    if suffix in _SOURCES or start[:2] in (b"\x1f\x8b", b"PK"):
        return read_latex(path)
    raise FormatRefused(f"{path} is no .pdf, .tex, .html or archive of LaTeX sources, nor a folder of them")
