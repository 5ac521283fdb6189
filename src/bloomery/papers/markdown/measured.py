"""Reads benchmarks: data sets, reported results, protocol, resources."""

import re
from collections.abc import Sequence
from typing import Literal

from bloomery.papers.context import Benchmarks, Dataset, Resource, Result
from bloomery.papers.markdown.groups import Group, groups_of
from bloomery.papers.markdown.parts import unread
from bloomery.papers.markdown.pieces import Piece
from bloomery.papers.markdown.report import Report
from bloomery.papers.markdown.tables import Columns, Row, columns_of, rows_of
from bloomery.papers.written import bare, one_line

DATASETS: Columns = {
    "name": ("data ?sets?", "name", "benchmark"),
    "task": ("task", "type"),
    "size": ("size", "examples", "tokens"),
    "metric": ("metrics?",),
    "section": ("paper section", "section", "paper reference", "reference"),
}
RESULTS: Columns = {
    "dataset": ("data ?sets?", "benchmark", "task", "model"),
    "metric": ("metrics?",),
    "baseline": ("baseline.*", "previous.*"),
    "value": ("this paper.*", "ours.*", "results?.*", "value", "score", "paper"),
    "delta": ("δ", "delta", "improvement", "change", "difference"),
    "notes": ("notes?", "comments?", "conditions"),
    "source": ("source", "source table", "table", "paper reference", "reference"),
}
RESOURCES: Columns = {
    "aspect": ("aspect", "resource", "item"),
    "requirement": ("requirement", "value", "needed"),
    "notes": ("notes?", "comments?"),
}
WITH_METRIC = re.compile(r"(?P<dataset>.*?)[\s(,]+(?P<metric>[\w@.%-]+\s*[↑↓])\s*\)?")
TABLE = re.compile(r"\b(?:Table|Tab\.|Figure|Fig\.)\s*[A-Z]?\.?\d+[a-z]?\b")
BULLETED = re.compile(
    r"(?:(?P<what>.+?)\s*:\s*)?\**(?P<value>[-+]?\d+(?:\.\d+)?%?)\**(?:\s+(?P<after>.*))?", re.S
)
METRIC = re.compile(
    r"\(?(?P<metric>(?:ppl|perplexity|acc(?:uracy)?|f1|bleu|em|loss|bpb|bpc)\b)\)?\s*(?P<arrow>[↑↓])?", re.I
)
Purpose = Literal["datasets", "results", "resources"]


def benchmarks(pieces: Sequence[Piece], report: Report) -> Benchmarks:
    """What was measured."""
    datasets: list[Dataset] = []
    results: list[Result] = []
    resources: list[Resource] = []
    protocol = ""
    for group in groups_of(pieces):
        for piece in group.pieces:
            if piece.kind == "fence" and not protocol:
                protocol = piece.text
            elif piece.kind == "bullet" and group.title:
                results += _bulleted(piece, group, report)
            elif piece.kind != "table":
                unread([piece], "the benchmarks", report)
            elif (purpose := _purpose(piece, group.title)) == "datasets":
                datasets += [Dataset(**row.cells) for row in rows_of(piece, DATASETS, report)]
            elif purpose == "resources":
                resources += [Resource(**row.cells) for row in rows_of(piece, RESOURCES, report)]
            else:
                results += _results(piece, group, report)
    return Benchmarks(tuple(datasets), tuple(results), protocol, tuple(resources))


def _purpose(table: Piece, title: str) -> Purpose:
    """What a table holds, by its title or its columns."""
    if re.search(r"data ?sets?", title, re.I):
        return "datasets"
    if re.search(r"result|performance|comparison", title, re.I):
        return "results"
    if re.search(r"comput|resource|hardware", title, re.I):
        return "resources"
    if "value" in columns_of(table, RESULTS).values():
        return "results"
    fits = {"datasets": len(columns_of(table, DATASETS)), "resources": len(columns_of(table, RESOURCES))}
    return "datasets" if fits["datasets"] >= fits["resources"] else "resources"


def _results(table: Piece, group: Group, report: Report) -> list[Result]:
    headers = " ".join(table.rows[0][1])
    arrow = METRIC.search(headers) if re.search("[↑↓]", headers) else None
    metric = f"{arrow['metric']}{arrow['arrow'] or ''}" if arrow else ""
    above = TABLE.search(group.title)
    found = []
    for row in rows_of(table, RESULTS, report):
        report.place(f"result {row['dataset']}", row.line)
        found.append(_result(row, metric, above[0] if above else ""))
    return found


def _result(row: Row, metric: str, source: str) -> Result:
    """A row as a result; a metric with an arrow may stand with the data set or in the header."""
    texts = dict(row.cells)
    held = WITH_METRIC.fullmatch(texts["dataset"])
    if held and bare(held["dataset"]) and "metric" not in texts:
        texts |= {"dataset": held["dataset"], "metric": held["metric"]}
    texts.setdefault("metric", metric)
    if "source" not in texts:
        table = TABLE.search(texts.get("notes", ""))
        texts["source"] = table[0] if table else source
    return Result(**texts)  # type: ignore[arg-type]  # no column holds a direction


def _bulleted(piece: Piece, group: Group, report: Report) -> list[Result]:
    """`- Ours (small): 25.4 PPL` below `**Corpus:**`."""
    match = BULLETED.fullmatch(piece.text)
    if not match:
        message = f"expected a result such as '- Ours: 12.3 PPL', got '{one_line(piece.text)}'; left out"
        report.warn(piece.line, "result-bullet", message)
        return []
    report.warn(piece.line, "result-bullet", "a result as a bullet; write a row of the table with its source")
    report.place(f"result {group.title.strip(': ')}", piece.line)
    metric = METRIC.search(match["after"] or "") or METRIC.search(match["what"] or "")
    source = TABLE.search(f"{group.title} {piece.text}")
    arrow = {"↑": "up", "↓": "down"}.get((metric and metric["arrow"]) or "", "")
    return [
        Result(
            group.title.strip(": "),
            metric["metric"] if metric else "",
            arrow,  # type: ignore[arg-type]  # one of the two above or empty
            value=match["value"],
            notes=piece.text,
            source=source[0] if source else "",
        )
    ]
