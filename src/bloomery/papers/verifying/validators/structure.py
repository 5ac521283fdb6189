"""The paper validator: files, metadata that say the same, equations that exist, shapes that can be read."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bloomery.papers.checking import check_read
from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying.joining import shown
from bloomery.papers.verifying.papers import Folder
from bloomery.papers.written import one_line


def structure(root: Path, folders: Sequence[Folder]) -> Iterator[Diagnostic]:
    """Errors of the folders and their contexts; a shape that cannot be read is one, too."""
    for one in check_read([folder.read for folder in folders]):
        if one.severity == "error" or one.code == "shape":
            yield Diagnostic(shown(root, Path(one.path)), one.line, "error", one.code, one.message)
    for folder in folders:
        file = shown(root, folder.file.path)
        if not folder.written:
            message = "there is no paper.yaml; write one with citation, claims and seeds"
            yield Diagnostic(file, 1, "error", "paper-file", message)
        yield from _metadata(folder, file)
        yield from _numbers(folder, file)


def _metadata(folder: Folder, file: str) -> Iterator[Diagnostic]:
    context, cited = folder.context, folder.file.paper.citation
    if context.paper_id != folder.id:
        message = f"the context is of '{context.paper_id}', its folder of '{folder.id}'; rename one"
        yield Diagnostic(file, folder.file.line("context"), "error", "metadata", message)
    if not folder.written:
        return
    pairs = (
        ("title", _plain(cited.title), _plain(context.full_title or context.title)),
        ("year", str(cited.year or ""), str(context.year or "")),
        ("arxiv", _unversioned(cited.arxiv), _unversioned(context.arxiv)),
    )
    for name, here, there in pairs:
        if here and there and here != there:
            message = f"the {name} is '{here}', in the context '{there}'; correct one of them"
            yield Diagnostic(file, folder.file.line(f"citation.{name}"), "error", "metadata", message)
    if not (cited.arxiv or cited.url):
        message = "the citation has neither arxiv nor url; write where the paper is found"
        yield Diagnostic(file, folder.file.line("citation"), "error", "metadata", message)


def _numbers(folder: Folder, file: str) -> Iterator[Diagnostic]:
    """Numbers and readings that the paper's file names and the context lacks."""
    paper, context = folder.file.paper, folder.context
    for key, numbers in (("readings", paper.choices), ("out_of_scope", paper.reasons)):
        for number in numbers:
            if number not in {one.number for one in context.equations}:
                message = f"{key} names equation {number}, which the context does not hold"
                yield Diagnostic(file, _line(folder, key, number), "error", "number", message)
    for number, choice in paper.choices.items():
        printed = context.equation(number)
        known = [one.name for one in printed.readings] if printed else []
        if printed and choice.chosen not in known:
            names = ", ".join(known) or "none"
            message = f"equation {number} has no reading '{choice.chosen}'; known: {names}"
            yield Diagnostic(file, _line(folder, "readings", number), "error", "reading", message)


def _line(folder: Folder, key: str, number: str) -> int:
    """The line of an entry of a mapping by numbers; of a list or a range that of the whole."""
    exact = folder.file.line(f"{key}.{number}")
    return exact if exact > 1 else folder.file.line(key)


def _plain(title: str) -> str:
    return one_line(re.sub(r"[^\w\s]", " ", title)).lower()


def _unversioned(arxiv: str) -> str:
    return re.sub(r"v\d+$", "", arxiv.strip())
