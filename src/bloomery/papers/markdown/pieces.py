"""A Markdown text as a list of pieces: headings, labels, bullets, tables, fences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bloomery.papers.markdown.report import Report

HEADING = re.compile(r"(#{1,6})(?:\s+(.*?))?\s*")
BOLD = re.compile(r"\*\*((?:[^*]|\*(?!\*))+)\*\*(.*)")
BULLET = re.compile(r"(\s*)(?:[-*+]|\d+[.)])(?:\s+(.*)|$)")
FENCE = re.compile(r"(\s*)(`{3,}|~{3,})\s*([^`]*)")
RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|_{3,})\s*")
LANDMARK = re.compile(r"#{1,4}\s|\*\*[^*]+\*\*")
SEPARATOR = re.compile(r"\\*:?-{3,}:?")
DASHES = re.compile(r":?-+:?")


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing in a file."""

    kind: Literal["heading", "label", "bold", "bullet", "fence", "display", "table", "text"]
    line: int
    text: str = ""  # of a label: its value
    name: str = ""  # of a label; of a fence: its language
    level: int = 0  # of a heading; of a bullet: its indentation
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()  # of a table: line and cells, the header first


def split(text: str, report: Report) -> list[Piece]:
    """All pieces of a text, each with its line."""
    return list(_pieces(text.replace("\r\n", "\n").split("\n"), report))


def _pieces(lines: list[str], report: Report) -> Iterator[Piece]:
    at = 0
    while at < len(lines):
        line = lines[at]
        stripped = line.strip()
        if not stripped or (RULE.fullmatch(line) and "|" not in line):
            at += 1
        elif fence := FENCE.fullmatch(line):
            piece, at = _fence(lines, at, fence, report)
            yield piece
        elif stripped.startswith(("$$", "\\[")):
            piece, at = _display(lines, at, report)
            yield piece
        elif stripped.startswith("|"):
            piece, at = _table(lines, at, report)
            yield piece
        elif bullet := BULLET.fullmatch(line):
            piece, at = _bullet(lines, at, bullet)
            yield piece
        else:
            yield _line(line, at + 1)
            at += 1


def _line(line: str, number: int) -> Piece:
    if heading := HEADING.fullmatch(line):
        return Piece("heading", number, heading[2] or "", level=len(heading[1]))
    bold = BOLD.fullmatch(line.strip())
    if bold and bold[1].rstrip().endswith(":"):
        return Piece("label", number, bold[2].strip(), bold[1].rstrip()[:-1].strip())
    if bold and bold[2].lstrip().startswith(":"):
        return Piece("label", number, bold[2].lstrip()[1:].strip(), bold[1].strip())
    if bold and not bold[2].strip():
        return Piece("bold", number, bold[1].strip())
    return Piece("text", number, line.strip())


def _fence(lines: list[str], start: int, opening: re.Match[str], report: Report) -> tuple[Piece, int]:
    indent, mark, language = opening.groups()
    end = _closed(lines, start, mark)
    after = end + 1 if end is not None else 0
    if end is None:
        message = (
            f"a fence opened with {mark} is never closed: it is read "
            f"up to the next heading; close it with {mark}"
        )
        report.error(start + 1, "fence-open", message)
        end = next((at for at in range(start + 1, len(lines)) if LANDMARK.match(lines[at])), len(lines))
        after = end
    body = [line.removeprefix(indent) for line in lines[start + 1 : end]]
    return Piece("fence", start + 1, "\n".join(body), language.strip().lower()), after


def _closed(lines: list[str], start: int, mark: str) -> int | None:
    """The line that closes a fence; none where a heading and another opening fence come first."""
    closing = re.compile(rf"\s*{re.escape(mark[0])}{{{len(mark)},}}\s*")
    opening = re.compile(rf"\s*{re.escape(mark[0])}{{{len(mark)},}}\s*[\w+-]+\s*")
    passed = False
    for at in range(start + 1, len(lines)):
        if closing.fullmatch(lines[at]):
            return at
        if passed and opening.fullmatch(lines[at]):
            return None
        passed = passed or bool(LANDMARK.match(lines[at]))
    return None


def _display(lines: list[str], start: int, report: Report) -> tuple[Piece, int]:
    opening = lines[start].strip()[:2]
    closing = "$$" if opening == "$$" else "\\]"
    first = lines[start].strip()[2:]
    if first.rstrip().endswith(closing):
        return Piece("display", start + 1, first.rstrip()[:-2].strip()), start + 1
    for at in range(start + 1, len(lines)):
        if lines[at].rstrip().endswith(closing):
            body = [first, *lines[start + 1 : at], lines[at].rstrip()[:-2]]
            return Piece("display", start + 1, "\n".join(body).strip("\n")), at + 1
    report.error(
        start + 1, "display-open", f"{opening} is never closed: expected {closing}; close it on its own line"
    )
    return Piece("text", start + 1, lines[start].strip()), start + 1


def _bullet(lines: list[str], start: int, opening: re.Match[str]) -> tuple[Piece, int]:
    """A bullet with the indented lines that continue it."""
    texts, at = [opening[2] or ""], start + 1
    while at < len(lines) and re.match(r"\s+[^\s|]", lines[at]) and not _opens(lines[at]):
        texts.append(lines[at].strip())
        at += 1
    return Piece("bullet", start + 1, "\n".join(texts).strip(), level=len(opening[1])), at


def _opens(line: str) -> bool:
    return bool(BULLET.fullmatch(line) or FENCE.fullmatch(line) or line.strip().startswith(("$$", "\\[")))


def _table(lines: list[str], start: int, report: Report) -> tuple[Piece, int]:
    at, rows = start, []
    while at < len(lines) and lines[at].strip().startswith("|"):
        rows.append((at + 1, cells(lines[at])))
        at += 1
    width = len(rows[0][1])
    ruled = len(rows) > 1 and all(DASHES.fullmatch(cell) for cell in rows[1][1])
    if not ruled:
        expected = "|" + "---|" * width
        report.warn(
            start + 1, "table-separator", f"a table without a line {expected} below its header; add it"
        )
    body = []
    for line, row in rows[2:] if ruled else rows[1:]:
        if all(DASHES.fullmatch(cell) and len(cell) > 2 for cell in row):
            report.warn(
                line, "table-separator", "a second separator inside a table is ignored; split the table"
            )
        else:
            body.append((line, _fitted(line, lines[line - 1], row, width, report)))
    unescaped = ((line, tuple(_unescaped(cell) for cell in row)) for line, row in [rows[0], *body])
    return Piece("table", start + 1, rows=tuple(unescaped)), at


def _fitted(line: int, text: str, row: tuple[str, ...], width: int, report: Report) -> tuple[str, ...]:
    """The row with as many cells as its header, where bars in mathematics or code explain the difference."""
    if len(row) == 1 or len(row) == width:
        return row
    guarded = re.sub(r"\$[^$]+\$|`[^`]+`", lambda span: re.sub(r"(?<!\\)\|", r"\|", span[0]), text)
    better = cells(guarded)
    if len(better) == width:
        report.warn(line, "table-bar", r"a bar inside mathematics or code splits a cell; write it as \|")
        return better
    message = f"a row of {len(row)} cells under a header of {width}: missing cells are empty, others left out"
    report.error(line, "table-row", message + r"; write bars inside cells as \|")
    return (*row, *[""] * width)[:width]


def cells(line: str) -> tuple[str, ...]:
    """The cells of a table's line, still with their escapes."""
    text = line.strip().removeprefix("|")
    parts = [part.strip() for part in re.split(r"(?<!\\)\|", text)]
    return tuple(parts[:-1] if parts[-1] == "" and len(parts) > 1 else parts)


def escaped(cell: str) -> str:
    """The cell as a table holds it."""
    text = cell.replace("|", r"\|")
    return f"\\{text}" if SEPARATOR.fullmatch(text) else text


def _unescaped(cell: str) -> str:
    text = cell[1:] if cell.startswith("\\") and SEPARATOR.fullmatch(cell) else cell
    return text.replace(r"\|", "|")
