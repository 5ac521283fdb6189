"""Values in words that people read: counts, sizes, spans, moments, evidence."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from bloomery.core.evidence import Evidence

CID_LENGTH = 14  # seven characters that all CIDs share, and enough others; a CID is found by its beginning
STATES = {
    "passed": ("passed", "green"),
    "failed": ("failed", "red"),
    "not_run": ("not run", "yellow"),
    "done": ("done", "green"),
    "memoized": ("remembered", "green"),
    "rolled_back": ("rolled back", "red"),
    "running": ("running", "cyan"),
    "paused": ("paused", "yellow"),
    "killed": ("killed", "yellow"),
}


class Coloured(str):
    """A word with its colour, for a terminal."""

    colour: str

    def __new__(cls, text: str, colour: str) -> Self:
        word = super().__new__(cls, text)
        word.colour = colour
        return word


def shown(cell: Any) -> str:
    """A table's cell."""
    if isinstance(cell, Coloured):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return number(cell)
    if isinstance(cell, datetime):
        return moment(cell)
    if isinstance(cell, Path):
        return str(cell.relative_to(Path.cwd()) if cell.is_relative_to(Path.cwd()) else cell)
    return str(cell)


def verdict(item: "Evidence | None") -> str:
    """A measured figure, coloured by what became of its check; a check that there is not is empty."""
    if item is None:
        return ""
    word, colour = STATES[str(item.state)]
    return Coloured(word if item.measured is None else number(item.measured), colour)


def number(value: float) -> str:
    """`163,108`, `0.932`, `1.2e-07`: whole numbers as they are, others to three digits."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def size(size_bytes: float) -> str:
    """`4.3 MB`, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:,.1f} TB"


def span(seconds: float | None) -> str:
    """`0.4 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds is None:
        return ""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def moment(when: datetime) -> str:
    """Local time, to the minute."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def short(cid: str, *, wide: bool = False) -> str:
    return cid if wide else cid[:CID_LENGTH]


def files(paths: tuple[str, ...]) -> str:
    """All of three, else the first two and how many more."""
    return ", ".join(paths) if len(paths) <= 3 else f"{', '.join(paths[:2])} and {len(paths) - 2} more"


def state(name: str) -> Coloured:
    """A state in words."""
    return Coloured(*STATES.get(name, (name, "reset")))


def measured(item: "Evidence") -> str:
    """What was measured with all that is known about it, or why nothing was."""
    if item.measured is None:
        return f"not measured: {item.reason}"
    unit = "" if item.unit in ("", "accuracy") else f" {item.unit}"
    known = [] if item.interval is None else [f"{number(item.interval[0])} to {number(item.interval[1])}"]
    known += [] if item.chance is None else [f"chance {number(item.chance)}"]
    known += [] if item.baseline is None else [f"baseline {number(item.baseline)}"]
    return f"{number(item.measured)}{unit}" + (f" ({'; '.join(known)})" if known else "")
