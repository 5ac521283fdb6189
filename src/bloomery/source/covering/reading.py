"""What coverage.py wrote as JSON (`coverage json --show-contexts`), as lines by test."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.source.covering.lines import Covered, Lines
from bloomery.source.outcomes import Results

UNNAMED = "(no context was recorded)"


def read_json(report: Path, root: Path) -> Covered:
    """The lines of a JSON report, whose paths are relative to `root`, by the contexts that it shows.

    pytest-cov's contexts (`--cov-context=test`) are node ids with `|run` and the like behind; without
    contexts all lines belong to one test without a name. Whether tests passed is not in it.

    Raises: MissingFile; FormatRefused for what is no such report.
    """
    try:
        told = json.loads(report.read_text())
        files = {_path(root, name): _lines(one) for name, one in told["files"].items()}
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFile(
            f"{report}: there is no such file; `coverage json --show-contexts` writes it"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatRefused(f"{report}: not what `coverage json` writes: {error!r}") from None
    lines = {
        path: {test: found for test, found in by_test.items() if test} for path, by_test in files.items()
    }
    before = {path: by_test.get("", frozenset()) for path, by_test in files.items()}
    return Covered(Results((), ()), lines, before)


def _path(root: Path, name: str) -> Path:
    return (root / Path(name.replace("\\", "/"))).resolve()


def _lines(file: Mapping[str, Any]) -> dict[str, Lines]:
    contexts = file.get("contexts")
    if not contexts:
        return {UNNAMED: frozenset(map(int, file["executed_lines"]))}
    found: dict[str, set[int]] = {}
    for line, names in contexts.items():
        for name in names:
            found.setdefault(name.partition("|")[0], set()).add(int(line))
    return {name: frozenset(lines) for name, lines in found.items()}
