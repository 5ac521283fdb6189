"""What an operation on a model cost: before and after, side by side."""

from typing import TYPE_CHECKING, Any

from bloomery.cli.tables import print_table, say
from bloomery.cli.wording import number, size

if TYPE_CHECKING:
    from bloomery.forge.comparing import Look
    from bloomery.tasks.accuracy import Accuracy


def print_cost(before: "Look", after: "Look") -> None:
    """Bytes, latency, accuracies with their intervals and perplexity where measured, before and after."""
    rates = {task: (rate(before.accuracy[task]), rate(result)) for task, result in after.accuracy.items()}
    rows: list[list[Any]] = [
        ["weights on disk", size(before.weight_bytes), size(after.weight_bytes)],
        ["times smaller", None, before.weight_bytes / after.weight_bytes],
        ["latency, ms", before.latency_ms, after.latency_ms],
        *([f"accuracy: {task}", *pair] for task, pair in rates.items()),
        *([["perplexity", before.perplexity, after.perplexity]] if after.perplexity is not None else []),
    ]  # fmt: skip
    print_table(["", "before", "after"], rows, title="\nwhat it costs, measured now")
    if not rates:
        say("\nname tasks (--task NAME) to see what it costs in accuracy")


def rate(result: "Accuracy") -> str:
    """An accuracy with its interval and what guessing gives."""
    known = f"{number(result.low)} to {number(result.high)}; chance {number(result.chance)}"
    return f"{number(result.rate)} ({known})"
