"""A stage's contract as data, for people who read it and for the documentation."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, replace
from typing import Any

from bloomery.core.config import build, to_plain
from bloomery.core.evidence import Check
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import Port, Stage
from bloomery.forge.stages.cognate import NAMES as SPECIALISTS

TASK = "parity"  # stands for any task of a recipe
SPECIALIST = {"mixture": {TASK: 1}, "memory_capacity": 1, "halt_threshold": 0.5, "seed": 0}
ALL_PARTS: Mapping[str, Mapping[str, Any]] = {  # what a config must be told; parts that are off unless asked
    "cognate": {"specialists": dict.fromkeys(SPECIALISTS, SPECIALIST)},
    "curriculum": {"self_model": {"steps": 1}},
    "baking": {"tools": {"tasks": {"lookups": []}}},
}


def contract(stage: Stage) -> dict[str, Any]:
    """What a stage takes, gives, records, is judged by and can be told."""
    return {
        "name": stage.name,
        "summary": stage.summary,
        "source": stage.source,
        "inputs": dict(_ports(stage.inputs)),
        "outputs": dict(_ports(stage.outputs)),
        "metrics": {metric.name: f"over {metric.over}: {metric.meaning}" for metric in stage.metrics},
        "checks": checks_of(stage),
        "config": dict(_fields(stage.config, "")),
        "defaults": dict(_defaults(stage.config, None, "")),
    }


def checks_of(stage: Stage) -> dict[str, dict[str, Any]]:
    """Each check with its bar in a recipe that says nothing of it, and the setting that moves the bar.

    `decides` is "gate", "report", or "gate where set" for a bar without a default.
    """
    config = whole_config(stage)
    moved = _moved(stage, config)
    told = {
        check.name: _told(check, *moved.get(check.name, ("", check.bar.value, check.required)))
        for check in stage.checks(config)
    }
    if not hasattr(config.bars, "accuracy"):
        return told
    named = replace(config, bars=replace(config.bars, accuracy={TASK: 0.5}))
    (each,) = [check for check in stage.checks(named) if check.name not in told]
    return told | {each.name.replace(TASK, "<task>"): _told(each, "bars.accuracy.<task>", None, True)}


def bar_of(told: Mapping[str, Any]) -> str:
    """A check's bar in words, as `checks_of` tells it."""
    default = told["default"]
    value = "as set" if default is None else f"{default:,.4f}".rstrip("0").rstrip(".")
    return f"{told['comparison']} {value} {told['unit']}".rstrip()


def whole_config(stage: Stage) -> Any:
    """The stage's config with every part that has checks of its own, and default bars."""
    values = {"mixture": {TASK: {}}, "thoughts": {}, **ALL_PARTS.get(stage.name, {})}
    asked = [field for field in dataclasses.fields(stage.config) if _default(field) is MISSING]
    fits = {field.name: {"steps": 1} for field in asked if field.type is FitConfig}
    return build(stage.config, values | fits)


def _told(check: Check, setting: str, default: float | None, decides: bool) -> dict[str, Any]:
    gate = "gate" if default is not None else "gate where set"
    return {
        "unit": check.unit,
        "comparison": check.bar.op,
        "default": default,
        "setting": setting,
        "decides": gate if decides else "report",
        "meaning": check.meaning,
    }


def _moved(stage: Stage, config: Any) -> dict[str, tuple[str, float | None, bool]]:
    """For each check the setting of its bar, found by moving it; its default; whether it then decides."""
    before = {check.name: check for check in stage.checks(config)}
    found = {}
    for field in dataclasses.fields(config.bars):
        value = getattr(config.bars, field.name)
        if isinstance(value, Mapping):
            continue
        bars = replace(config.bars, **{field.name: 1.0 if value is None else value + 1})
        for check in stage.checks(replace(config, bars=bars)):
            if check != before[check.name]:
                found[check.name] = (f"bars.{field.name}", value, check.required)
    return found


def _ports(ports: Iterable[Port]) -> Iterator[tuple[str, str]]:
    for port in ports:
        yield port.name, f"{port.kind}: {port.meaning}" + (" (may be missing)" if port.optional else "")


def _fields(config: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(config):
        yield prefix + field.name, field.metadata.get("help", "")
        nested = field.metadata.get("fields", field.type)
        if dataclasses.is_dataclass(nested):
            yield from _fields(nested, f"{prefix}{field.name}.")


def _defaults(config: Any, given: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """What a field is where a recipe does not name it; left out where it must, or where a preset says it."""
    for field in dataclasses.fields(config):
        value = _default(field) if given is None else getattr(given, field.name)
        if dataclasses.is_dataclass(field.type):
            yield from _defaults(field.type, None if value is MISSING else value, f"{prefix}{field.name}.")
        elif value is not MISSING:
            yield prefix + field.name, to_plain(value)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
