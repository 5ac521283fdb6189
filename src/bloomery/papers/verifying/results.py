"""RESULTS.json: what was measured for the claims of a paper, with all that it was measured with."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bloomery.core.config import build, option, to_plain
from bloomery.core.disk import write_atomically
from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.papers.verifying.returned import Curve

RESULTS_FILE = "RESULTS.json"
RENDERED_FILE = "RESULTS.md"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one run of a claim's command brought.

    `code`: hash of the sources that the function reaches; `commit` ends in `+` where files were changed.
    `interval`: the range over the repeats. `claim`: the statement that was measured against.
    """

    state: Literal["measured", "not run"] = option(help="whether there is a number")
    reason: str = option("", help="why there is none")
    value: float | None = option(None, help="mean over the repeats")
    samples: tuple[float, ...] = option((), help="one for each seed")
    interval: tuple[float, float] | None = option(None, help="lowest and highest of the samples")
    curve: Curve = option((), help="abscissa and mean over the repeats")
    curves: tuple[Curve, ...] = option((), help="one for each seed")
    unit: str = option("", help="of the value")
    seeds: tuple[int, ...] = option((), help="of the repeats; none where it takes none")
    command: str = option("", help="what was run")
    code: str = option("", help="hash of the sources that were run; empty where none is seen")
    commit: str = option("", help="of the repository")
    environment: dict[str, str] = option(factory=dict, help="Python, platform, processor, packages")
    data: dict[str, str] = option(factory=dict, help="sha256 of the files it was measured on")
    claim: dict[str, Any] = option(factory=dict, help="value, metric, direction, curve as claimed then")
    duration_s: float = option(0.0, help="of the whole run")

    def __post_init__(self) -> None:
        if self.state == "not run" and (not self.reason or self.value is not None or self.curve):
            raise ConfigError("what was not run has no number and says why")
        if self.state == "measured" and self.value is None and not self.curve:
            raise ConfigError("what was measured has a value or a curve")


@dataclass(frozen=True, kw_only=True)
class _File:
    schema: int = option(help="version of this form")
    paper: str = option(help="the paper's id")
    results: dict[str, Result] = option(help="by the claim's id")


def read_results(folder: Path) -> dict[str, Result]:
    """The results of a paper's folder by claim; none where nobody has measured yet.

    Raises: FormatRefused, ConfigError naming the file and the key.
    """
    path = folder / RESULTS_FILE
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", 1)
        raise FormatRefused(f"{path}:{line}: expected JSON: {error}; measure again") from error
    try:
        read = build(_File, values)
    except ConfigError as error:
        raise ConfigError(f"{path}:1: {error}") from error
    if read.schema != SCHEMA:
        raise ConfigError(f"{path}:1: 'schema' is {read.schema}, expected {SCHEMA}: measure again")
    return read.results


def write_results(folder: Path, paper: str, results: Mapping[str, Result]) -> None:
    """Replace the file by these results, in the order of their names."""
    values = {"schema": SCHEMA, "paper": paper, "results": dict(sorted(results.items()))}
    text = json.dumps(to_plain(values), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(folder / RESULTS_FILE, text.encode())


def summary(samples: tuple[float, ...]) -> tuple[float, tuple[float, float] | None]:
    """The mean and, of several, the range."""
    mean = math.fsum(samples) / len(samples)
    return mean, (min(samples), max(samples)) if len(samples) > 1 else None
