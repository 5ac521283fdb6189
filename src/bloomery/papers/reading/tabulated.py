"""Hyper-parameters and results as a paper's tables state them, cell by cell."""

import re
from collections.abc import Iterator

from bloomery.papers.context import Hyperparameter, Result
from bloomery.papers.reading.document import Table

_NAME = re.compile(r"^(?:hyper-?\s?)?parameters?$|^settings?$|^name$|^option$", re.IGNORECASE)
_VALUE = re.compile(r"^values?$|^settings?$|^default$|^used$", re.IGNORECASE)
_SYMBOL = re.compile(r"^symbols?$|^notation$", re.IGNORECASE)
_NOTES = re.compile(r"^(?:notes?|description|comments?|range|values tested)$", re.IGNORECASE)
_TRAINING = re.compile(
    r"learning rate|batch|weight decay|warm-?up|optimi[sz]er|epoch|steps|momentum|clip|schedule|seed"
    r"|\blr\b|tokens|adam|dropout",
    re.IGNORECASE,
)
_METRIC = re.compile(
    r"\b(acc(?:uracy)?\.?|ppl|perplexity|f1|bleu|rouge(?:-\w+)?|mse|mae|loss|em|error(?: rate)?"
    r"|auc|fid|bpc|bpb)\b",
    re.IGNORECASE,
)


def hyperparameters(table: Table) -> Iterator[Hyperparameter]:
    """One for each value; of a table with a column for each of several models, one for each of these."""
    if table.kind != "hyperparameters" or len(table.header) < 2:
        return
    name, symbol, notes = (_column(table, pattern) for pattern in (_NAME, _SYMBOL, _NOTES))
    name = 0 if name is None else name
    stated = [at for at, cell in enumerate(table.header) if at != name and _VALUE.match(cell.strip())]
    values = stated or [at for at in range(len(table.header)) if at not in (name, symbol, notes)]
    for row in table.rows:
        for at in values:
            if at < len(row) and row[name].strip() and row[at].strip():
                yield Hyperparameter(
                    group="Training" if _TRAINING.search(row[name]) else "Model",
                    name=row[name],
                    symbol=_cell(row, symbol),
                    value=row[at],
                    reference=_reference(table),
                    notes="; ".join(filter(None, (_of(table, at, values), _cell(row, notes)))),
                )


def results(table: Table) -> Iterator[Result]:
    """One for each number: whose it is stands in the notes, since a table does not say which row is ours."""
    if table.kind != "results" or len(table.header) < 2:
        return
    for row in table.rows:
        for at, value in enumerate(row[1 : len(table.header)], 1):
            if re.search(r"\d", value) and row[0].strip():
                dataset, metric = _measured(table.header[at])
                yield Result(
                    dataset=dataset or _reference(table),
                    metric=metric,
                    value=value,
                    notes=row[0],
                    source=_reference(table),
                )


def _measured(header: str) -> tuple[str, str]:
    """`Copy (Acc ↑)` is the accuracy on Copy."""
    match = _METRIC.search(header)
    arrow = re.search(r"[↑↓]", header)
    shown = arrow[0] if arrow else ""
    metric = f"{match[0]}{shown}" if match else shown
    rest = header.replace(match[0], " ", 1) if match else header
    return " ".join(re.sub(r"[()\[\]↑↓]", " ", rest).split()), metric


def _column(table: Table, pattern: re.Pattern[str]) -> int | None:
    return next((at for at, cell in enumerate(table.header) if pattern.match(cell.strip())), None)


def _cell(row: tuple[str, ...], at: int | None) -> str:
    """A dash says that there is nothing."""
    found = row[at] if at is not None and at < len(row) else ""
    return "" if re.fullmatch(r"[-–—]+", found) else found


def _of(table: Table, at: int, values: list[int]) -> str:
    return table.header[at] if len(values) > 1 else ""


def _reference(table: Table) -> str:
    return f"Table {table.number}" if table.number else f"a table in section {table.place.section}"
