"""What a benchmark tells the harness: rows, and the document around them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def row(what: str, ours: float | None, unit: str, note: str, *, bar: str = "", **given: Any) -> Row:
    """One row; `met` stays None where there is no bar, or where it was not measured."""
    plain = {"peer": None, "ratio": None, "higher_is_better": True, "met": None}
    return {"what": what, "ours": ours, "unit": unit, "bar": bar, "note": note, **plain, **given}


def share(what: str, part: int, whole: int, note: str = "", *, least: float | None = None) -> list[Row]:
    """A share of which more is better, with its count; nothing where there is nothing to count."""
    if not whole:
        return []
    bar = "" if least is None else f">= {least:g}"
    met = None if least is None else part / whole >= least
    counted = f"{part} of {whole}" + (f"; {note}" if note else "")
    return [row(what, part / whole, "share", counted, bar=bar, met=met)]


def none_of(what: str, count: int, whole: int, note: str = "", *, judged: bool = True) -> Row:
    """A count that should be 0; a bar only where one is asked for."""
    counted = f"{count} of {whole}" + (f"; {note}" if note else "")
    bar = {"bar": "<= 0", "met": count == 0} if judged else {}
    return row(what, float(count), "", counted, higher_is_better=False, **bar)


def write(path: Path, name: str, rows: Sequence[Row], seconds: float, arguments: str = "") -> None:
    command = f"python -m benchmarks.{name} {arguments}".rstrip()
    told = {"name": name, "command": command, "seconds": seconds, "rows": list(rows)}
    path.write_text(json.dumps(told, indent=1) + "\n")
