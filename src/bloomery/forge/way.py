"""The way through the stages: accuracy, at once and with thoughts, and bytes after each.

All on the same examples, which chose nothing.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bloomery.core.step import StepContext
from bloomery.forge.exams import mean_rate
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.quietstar.keeping import thinking_of
from bloomery.forge.sitting import sit_folders


def look_back(context: StepContext) -> None:
    """Inputs are the models that were kept, by stage; the config has their order and what judges them."""
    config = context.config
    results = sit_folders(context, context.inputs, config["mixture"], config["exam"], "test")
    thinking = thinking_of(context, context.inputs, config["mixture"], config["exam"], config["thoughts"])
    first = weights_size(context.inputs[config["stages"][0]])
    rows = [
        {
            "stage": stage,
            "accuracy": mean_rate(results[stage]),
            "by_task": {task: one.rate for task, one in results[stage].items()},
            "thinking": thinking[stage],
            "bytes": weights_size(context.inputs[stage]),
        }
        for stage in config["stages"]
    ]
    for index, row in enumerate(rows):
        context.metric("accuracy after each stage", row["accuracy"], index)
        context.metric("bytes after each stage", row["bytes"], index)
        if row["thinking"] is not None:
            context.metric("accuracy with thoughts after each stage", row["thinking"], index)
    (context.output / "way.json").write_text(json.dumps(rows, indent=2))
    context.facts["graph"] = {"title": "Accuracy and bytes after each stage", "nodes": _nodes(rows, first)}


def _with_thoughts(rate: float | None) -> str:
    return "" if rate is None else f", with thoughts {rate:.3f}"


def _nodes(rows: Sequence[Mapping[str, Any]], first: int) -> list[dict[str, Any]]:
    return [
        {
            "id": row["stage"],
            "title": f"{row['stage']}: {row['accuracy']:.3f}{_with_thoughts(row['thinking'])}",
            "subtitle": f"{row['bytes']:,} bytes, 1/{first / row['bytes']:.3g}",
            "parents": [rows[index - 1]["stage"]] if index else [],
            "strong": index == len(rows) - 1,
        }
        for index, row in enumerate(rows)
    ]
