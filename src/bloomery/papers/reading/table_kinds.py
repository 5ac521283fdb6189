"""What a table is about, by the words of its caption and header."""

import re

from bloomery.papers.reading.document import TableKind

_HYPERPARAMETERS = re.compile(
    r"hyper-?\s?parameter|learning rate|batch size|weight decay|optimi[sz]er|warm-?up|dropout"
    r"|\bhidden (?:size|dim)|number of layers|configuration|settings",
    re.IGNORECASE,
)
_RESULTS = re.compile(
    r"result|accura|\bacc\b|perplexity|\bppl\b|\bf1\b|\bbleu\b|rouge|score|error rate|\bmse\b"
    r"|benchmark|performance|comparison|ablation|evaluat|[↑↓]|uparrow|downarrow",
    re.IGNORECASE,
)
_VALUES = re.compile(r"^(?:hyper-?\s?)?parameters?$|^values?$|^settings?$", re.IGNORECASE)


def table_kind(caption: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> TableKind:
    """Hyper-parameters where the caption, the header or most first cells say so; results likewise."""
    first = [row[0] for row in rows if row]
    named = sum(bool(_HYPERPARAMETERS.search(cell)) for cell in first)
    is_settings = any(_VALUES.match(cell.strip()) for cell in header) or named * 2 > len(first) > 0
    if re.search(r"hyper-?\s?parameter", caption, re.IGNORECASE) or is_settings:
        return "hyperparameters"
    if _RESULTS.search(caption) or any(_RESULTS.search(cell) for cell in header):
        return "results"
    return "hyperparameters" if _HYPERPARAMETERS.search(caption) else "other"
