"""What language models were used for, from the record of calls."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bloomery.core.catalog.calls import CallRecord


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Calls to one model for one purpose. `unsure` were paid with their bound: open, or perhaps billed."""

    model: str
    purpose: str
    calls: int
    settled: int
    refused: int
    unsure: int
    reused: int
    tokens: int
    dollars: Decimal


def usage(calls: Iterable[CallRecord]) -> list[Usage]:
    """One row a model and purpose, by name; a reused answer is no call."""
    grouped: dict[tuple[str, str], list[CallRecord]] = {}
    for call in calls:
        grouped.setdefault((call.model, call.purpose), []).append(call)
    return [_row(model, purpose, grouped[model, purpose]) for model, purpose in sorted(grouped)]


def _row(model: str, purpose: str, calls: list[CallRecord]) -> Usage:
    states = [call.state for call in calls]
    return Usage(
        model=model,
        purpose=purpose,
        calls=len(states) - states.count("cached"),
        settled=states.count("settled"),
        refused=states.count("refused"),
        unsure=states.count("unknown") + states.count("reserved"),
        reused=states.count("cached"),
        tokens=sum(call.tokens for call in calls),
        dollars=sum((Decimal(call.cost_pico) for call in calls), Decimal(0)) / 10**12,
    )
