"""Charts that were drawn before: drawing is most of what a report costs, and the same curves recur."""

import hashlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from bloomery.core.config import canonical_json
from bloomery.core.disk import write_atomically
from bloomery.core.parsed import read
from bloomery.core.report import curves as drawing
from bloomery.core.report.curves import Points, chart


def drawn(folder: Path, title: str, curves: Mapping[str, Points]) -> str:
    """The chart, from `folder` where it was drawn of the same curves by the same code and matplotlib."""
    path = folder / f"{_key(title, curves)}.svg"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    svg = chart(title, curves)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, svg.encode())
    return svg


def _key(title: str, curves: Mapping[str, Points]) -> str:
    code = [read(Path(drawing.__file__)).bare, metadata.version("matplotlib")]
    points = [[name, list(map(list, some))] for name, some in curves.items()]
    return hashlib.sha256(canonical_json([*code, title, points]).encode()).hexdigest()
