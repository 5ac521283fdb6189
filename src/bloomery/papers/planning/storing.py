"""A plan as JSON, and as the YAML at the end of its document; both give the same plan again."""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bloomery.core.config import build, to_plain
from bloomery.core.errors import ConfigError, FormatRefused, MissingFile
from bloomery.papers.planning import lines
from bloomery.papers.planning.planned import Plan

VERSION = "1.0"
HEADING = "## METADATA"
OUTSIDE = ("generated", "intent", "environment", "project", "papers")  # keys of their own, beside `plan`
TOP = {
    "environment",
    "estimated_hours",
    "generated_at",
    "intent",
    "papers_included",
    "plan",
    "plan_version",
    "project",
    "total_algorithms",
    "total_equations",
}
AGAIN = "make the plan again by `bloomery paper plan`"


def to_json(plan: Plan) -> str:
    """The JSON of a plan; `from_json` makes the same plan of it."""
    return json.dumps(to_plain(plan), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def from_json(text: str, where: str | Path = "plan") -> Plan:
    """The plan of a JSON text.

    Raises: FormatRefused for what is no JSON or no plan, with the field.
    """
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatRefused(f"{where}:{error.lineno}: expected JSON: {error.msg}; correct it") from error
    return _built(values, str(where), {})


def metadata(plan: Plan) -> str:
    """The YAML of a plan: sorted keys, and each item of a list as JSON in a line of its own."""
    inner = _spare(plan)
    outer: dict[str, Any] = {
        "environment": plan.environment,
        "estimated_hours": estimated_hours(plan),
        "generated_at": plan.generated,
        "intent": plan.intent,
        "papers_included": inner["papers"],
        "plan_version": VERSION,
        "project": plan.project,
        "total_algorithms": len(plan.of_kind("algorithm")),
        "total_equations": len(plan.of_kind("equation")),
    }
    outer["plan"] = {key: held for key, held in inner.items() if key not in OUTSIDE}
    return "\n".join(lines.written(outer))


def estimated_hours(plan: Plan) -> float:
    """In halves, upwards."""
    return math.ceil(plan.minutes() / 30) / 2


def _spare(value: Any) -> Any:
    """The plain form of a dataclass without the fields that have their default."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _spare(held)
            for field in dataclasses.fields(value)
            if (held := getattr(value, field.name)) != field.default
        }
    return [_spare(item) for item in value] if isinstance(value, tuple) else value


def read_plan(path: str | Path) -> Plan:
    """The plan of a rendered document: `read_plan` of what `render` wrote gives the same plan.

    Only the YAML at the end is read; boxes and prose above it may have been edited.

    Raises: MissingFile, and FormatRefused with the line for a document without metadata, and for metadata
        that are damaged, of another version, or that contradict themselves.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingFile(f"{path}: expected a plan such as IMPLEMENTATION_PLAN.md; there is none") from error
    except UnicodeDecodeError as error:
        message = f"{path}: expected UTF-8 text, byte {error.start} is none; save the file as UTF-8"
        raise FormatRefused(message) from error
    return parse(text, str(path))


def parse(text: str, path: str = "<text>") -> Plan:
    """As `read_plan`, of a text."""
    block, first = _block(text.replace("\r\n", "\n").split("\n"), path)
    values, origin = _read(block, first, path)
    here = f"{path}:{first}"
    if wrong := sorted(TOP ^ set(values)) or ([] if isinstance(values["plan"], dict) else ["plan"]):
        raise FormatRefused(f"{here}: metadata: missing or unknown: {', '.join(wrong)}; {AGAIN}")
    if values["plan_version"] != VERSION:
        given = values["plan_version"]
        raise FormatRefused(f"{here}: expected a plan of version {VERSION}, this is {given}; {AGAIN}")
    inner = values["plan"] | {
        "generated": values["generated_at"],
        "papers": values["papers_included"],
        **{key: values[key] for key in ("intent", "environment", "project")},
    }
    plan = _built(inner, here, {key.removeprefix("plan."): place for key, place in origin.items()})
    totals = {key: values[key] for key in ("estimated_hours", "total_algorithms", "total_equations")}
    counted = {
        "estimated_hours": estimated_hours(plan),
        "total_algorithms": len(plan.of_kind("algorithm")),
        "total_equations": len(plan.of_kind("equation")),
    }
    for key, count in counted.items():
        if totals[key] != count:
            where = origin[key]
            raise FormatRefused(f"{where}: {key} is {totals[key]}, and the plan has {count}; {AGAIN}")
    return plan


def _block(text: list[str], path: str) -> tuple[list[str], int]:
    """The lines of the metadata, and the number of the first."""
    starts = [at for at, line in enumerate(text) if line.rstrip() == HEADING]
    rest = range(starts[-1] if starts else len(text), len(text))
    opened = next((at for at in rest if text[at].rstrip() == "```yaml"), len(text))
    closed = next((at for at in range(opened + 1, len(text)) if text[at].rstrip() == "```"), None)
    if closed is not None:
        return text[opened + 1 : closed], opened + 2
    at = starts[-1] + 1 if starts else len(text)
    raise FormatRefused(f"{path}:{at}: expected '{HEADING}' with a fence ```yaml at the end; {AGAIN}")


def _read(block: list[str], first: int, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        return lines.read(block, first, path)
    except FormatRefused as error:
        raise FormatRefused(f"{error}; {AGAIN}") from error


def _built(values: Any, where: str, origin: Mapping[str, str]) -> Plan:
    try:
        plan = build(Plan, values, origin=origin)
    except ConfigError as error:
        raise FormatRefused(f"{where}: this is no plan: {error}") from error
    if fault := next(_faults(plan), ""):
        raise FormatRefused(f"{where}: this plan contradicts itself: {fault}; {AGAIN}")
    return plan


def _faults(plan: Plan) -> Iterator[str]:
    """What no plan has: paths that leave the project, tasks that wait for what comes after them."""
    paths = [file.path for file in plan.files]
    paths += [path for part in plan.parts for path in (part.source, part.test)]
    paths += [task.file for task in plan.tasks if task.file]
    for path in paths:
        pure = PurePosixPath(path)
        if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or ":" in path:
            yield f"'{path}' is no path inside the project"
    known: set[str] = set()
    for task in plan.tasks:
        if task.id in known:
            yield f"two tasks are {task.id}"
        if missing := set(task.needs) - known:
            yield f"task {task.id} waits for {sorted(missing)[0]}, which does not come before it"
        known.add(task.id)
    if len({part.id for part in plan.parts}) != len(plan.parts):
        yield "a part is there twice"
