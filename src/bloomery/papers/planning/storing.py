"""A plan as JSON, and as the YAML at the end of its document; both give the same plan again."""

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from bloomery.core.config import build, to_plain
from bloomery.core.errors import ConfigError, FormatRefused, MissingFile
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
FENCE = re.compile(r"`{3,}yaml\s*$")  # longer than any that the metadata hold
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
    held = [line for key in sorted(set(inner) - set(OUTSIDE)) for line in _lines(key, inner[key], "  ")]
    lines: list[str] = []
    for key in sorted(TOP):
        lines += ["plan:", *held] if key == "plan" else _lines(key, outer[key], "")
    return "\n".join(lines)


def estimated_hours(plan: Plan) -> float:
    """In halves, upwards."""
    return math.ceil(plan.minutes() / 30) / 2


def _lines(key: str, value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{indent}{key}: {_json(value)}"
        return
    yield f"{indent}{key}:" if value else f"{indent}{key}: []"
    yield from (f"{indent}  - {_json(item)}" for item in value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


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
    values, origin = _yaml(block, first, path)
    here = f"{path}:{first}"
    if not isinstance(values, dict) or set(values) != TOP or not isinstance(values["plan"], dict):
        stated = set(values) if isinstance(values, dict) else set()
        wrong = sorted(TOP ^ stated) or ["plan"]
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


def _block(lines: list[str], path: str) -> tuple[list[str], int]:
    """The lines of the metadata, and the number of the first."""
    starts = [at for at, line in enumerate(lines) if line.rstrip() == HEADING]
    fences = (at for at in range(starts[-1] if starts else len(lines), len(lines)) if FENCE.match(lines[at]))
    opened = next(fences, len(lines))
    mark = lines[opened].rstrip().removesuffix("yaml") if opened < len(lines) else ""
    closed = next((at for at in range(opened + 1, len(lines)) if lines[at].rstrip() == mark), None)
    if closed is not None:
        return lines[opened + 1 : closed], opened + 2
    at = starts[-1] + 1 if starts else len(lines)
    raise FormatRefused(f"{path}:{at}: expected '{HEADING}' with a fence ```yaml at the end; {AGAIN}")


def _yaml(block: list[str], first: int, path: str) -> tuple[Any, dict[str, str]]:
    """The values, and the line of each by its dotted name."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)("\n".join(block))
    origin: dict[str, str] = {}
    try:
        node = loader.get_single_node()
        return (None if node is None else _value(loader, node, "", first, path, origin)), origin
    except yaml.MarkedYAMLError as error:
        line = first + (error.problem_mark.line if error.problem_mark else 0)
        raise FormatRefused(f"{path}:{line}: the metadata are no YAML: {error.problem}; {AGAIN}") from error
    except (yaml.YAMLError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise FormatRefused(f"{path}:{first}: the metadata are no YAML: {told}; {AGAIN}") from error
    finally:
        loader.dispose()


def _value(loader: Any, node: Any, where: str, first: int, path: str, origin: dict[str, str]) -> Any:
    line = first + node.start_mark.line
    origin[where] = f"{path}:{line}"
    dotted = f"{where}." if where else ""
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, item, f"{dotted}{at}", first, path, origin) for at, item in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    found: dict[str, Any] = {}
    for key_node, held in node.value:
        key = str(key_node.value)
        if key in found:
            raise FormatRefused(f"{path}:{line}: metadata: '{dotted}{key}' is given twice; {AGAIN}")
        found[key] = _value(loader, held, f"{dotted}{key}", first, path, origin)
    return found


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
