"""A stage's contract as data, for people who read it and for the documentation."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from bloomery.forge.stage import Stage


def contract(stage: Stage) -> dict[str, Any]:
    """What a stage takes, gives, records and can be told."""
    return {
        "name": stage.name,
        "summary": stage.summary,
        "source": stage.source,
        "inputs": {port.name: f"{port.kind}: {port.meaning}" for port in stage.inputs},
        "outputs": {port.name: f"{port.kind}: {port.meaning}" for port in stage.outputs},
        "metrics": {metric.name: f"over {metric.over}: {metric.meaning}" for metric in stage.metrics},
        "config": dict(_fields(stage.config, "")),
    }


def _fields(config: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(config):
        yield prefix + field.name, field.metadata.get("help", "")
        nested = field.metadata.get("fields", field.type)
        if dataclasses.is_dataclass(nested):
            yield from _fields(nested, f"{prefix}{field.name}.")
