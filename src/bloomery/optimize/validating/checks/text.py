"""What can be said of a change without running anything: where it is, and whether it parses."""

import json
import tomllib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import CapabilityMissing, FormatRefused
from bloomery.core.evidence import judge, not_run
from bloomery.optimize.validating.levels import CLEAN, JUDGES, SYNTAX
from bloomery.optimize.validating.site import Answer, Site
from bloomery.source.languages.faults import faults
from bloomery.source.languages.parsing import parse as parse_any
from bloomery.source.languages.registry import is_source, language_of
from bloomery.source.python import NotPython, parse_text

DATA: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": tomllib.loads}


def judges(site: Site) -> Sequence[Answer]:
    """Tests and the settings of tools judge a change, so a change leaves them alone, and tests for coverage
    leave the rest alone."""
    wrong = [path for path in site.change.paths if site.judges(path) != (site.goal == "coverage")]
    what = "are no tests" if site.goal == "coverage" else "decide about it: tests, or settings of tools"
    how = f"{', '.join(wrong)}: {what}" if wrong else "the names of the changed files"
    mend = f"leave {', '.join(wrong)} as they are" if wrong else ""
    return [Answer(judge(site.asked(JUDGES), len(wrong), how=how, duration_s=0.0), mend)]


def syntax(site: Site) -> Sequence[Answer]:
    """Every changed file that is written in a language parses; Python is compiled, too."""
    check = site.asked(SYNTAX)
    sources = {
        path: text for path, text in site.texts.items() if is_source(path) or Path(path).suffix in DATA
    }
    if not sources:
        reason = f"no language is known for {', '.join(site.change.paths)}"
        return [Answer(not_run(replace(check, required=False), reason))]
    try:
        found = [f"{path}:{fault}" for path, text in sources.items() for fault in _faults(path, text)]
    except CapabilityMissing as missing:
        return [Answer(not_run(check, str(missing)))]
    how = "; ".join(found[:5]) or f"{len(sources)} files parsed"
    mend = f"mend {found[0]}" if found else ""
    return [Answer(judge(check, len(found), how=how, duration_s=0.0), mend)]


def _faults(path: str, text: str) -> list[str]:
    if path.endswith(".py"):
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(parse_text(text, Path(path)).tree, path, "exec", dont_inherit=True)
        except NotPython as error:
            return [f"{error.line}: {error.why}"]
        except (SyntaxError, ValueError, RecursionError) as error:
            return [f"{getattr(error, 'lineno', 1) or 1}: {error}"]
        return []
    if Path(path).suffix in DATA:
        try:
            DATA[Path(path).suffix](text)
        except ValueError as error:
            return [f"{getattr(error, 'lineno', 1)}: {error}"]
        return []
    try:
        return [str(one) for one in faults(parse_any(text, language_of(path)))]
    except FormatRefused as error:
        return [f"1: {error}"]


def clean(site: Site) -> Sequence[Answer]:
    """Whether the verdict holds for the files as they lie there, or only for what was committed."""
    loose = site.change.loose
    how = f"not part of it: {', '.join(loose[:5])}" if loose else "git status"
    mend = "commit or stash the other changes, then validate again" if loose else ""
    return [Answer(judge(site.asked(CLEAN), len(loose), how=how, duration_s=0.0), mend, lasting=False)]
