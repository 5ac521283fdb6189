"""What a paper claims, as its `paper.yaml` holds it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from bloomery.papers.context import Context, Result
from bloomery.papers.figures import figure
from bloomery.papers.planning import Plan

BETTER = {"up": "higher", "down": "lower"}
SEEDS = [0, 1, 2]


@dataclass(frozen=True)
class Stated:
    """A number that can be compared."""

    id: str
    value: float
    unit: str
    metric: str
    direction: str
    source: str
    conditions: str


@dataclass(frozen=True)
class Claims:
    """Those of one paper; what is left out has its reason."""

    kept: tuple[Stated, ...]
    left_out: tuple[tuple[str, str], ...]


def claims_of(context: Context) -> Claims:
    taken: set[str] = set()
    kept, left_out = [], []
    for result in context.benchmarks.results:
        told = " ".join(one for one in (result.dataset, result.metric, result.value) if one)
        stated = figure(result.value)
        missing = [
            reason
            for reason, wrong in (
                ("its value is no number", stated is None),
                ("its metric is not stated", not result.metric),
                ("whether higher or lower is better is not stated", not result.direction),
            )
            if wrong
        ]
        if missing or stated is None:
            left_out.append((told, ", ".join(missing)))
            continue
        kept.append(_stated(result, *stated, _id(result, taken)))
    return Claims(tuple(kept), tuple(left_out))


def _stated(result: Result, value: float, unit: str, name: str) -> Stated:
    source = result.source or f"results of {result.dataset} in the context"
    return Stated(name, value, unit, result.metric, BETTER[result.direction], source, result.notes)


def _id(result: Result, taken: set[str]) -> str:
    words = re.findall(r"[a-z0-9]+", f"{result.dataset} {result.metric}".lower())
    name, count = "-".join(words) or "claim", 2
    while name in taken:
        name, count = f"{'-'.join(words) or 'claim'}-{count}", count + 1
    taken.add(name)
    return name


def paper_yaml(plan: Plan, context: Context, claims: Claims) -> str:
    """The file's text; what the context does not state is not made up."""
    citation: dict[str, Any] = {
        "title": context.full_title or context.title or context.paper_id,
        "authors": list(context.authors),
        "year": context.year,
        "arxiv": context.arxiv,
    }
    values: dict[str, Any] = {
        "citation": {key: held for key, held in citation.items() if held},
        "claims": [dict(_claim(one)) for one in claims.kept],
        "seeds": SEEDS,
        "readings": list(_readings(plan, context)),
        "out_of_scope": list(_left_out(plan, context)),
    }
    kept = {key: held for key, held in values.items() if held}
    left_out = [f"# no claim: {text}: {why}\n" for text, why in claims.left_out]
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100) + "".join(left_out)


def _claim(one: Stated) -> Iterator[tuple[str, Any]]:
    yield from (("id", one.id), ("value", one.value), ("metric", one.metric), ("direction", one.direction))
    yield from (("unit", one.unit),) if one.unit else ()
    yield "source", one.source
    yield from (("conditions", one.conditions),) if one.conditions else ()


def _readings(plan: Plan, context: Context) -> Iterator[dict[str, str]]:
    for equation in context.equations:
        chosen = next((one for one in equation.readings if one.chosen), None)
        if chosen and len(equation.readings) > 1 and context.global_id(equation.number) in plan.by_id:
            why = chosen.note or "the context chooses it"
            yield {"equation": equation.number, "chosen": chosen.name, "why": why}


def _left_out(plan: Plan, context: Context) -> Iterator[dict[str, str]]:
    out = set(plan.left_out)
    for equation in context.equations:
        if context.global_id(equation.number) in out:
            why = f"the plan is for the intent '{plan.intent}', which leaves it out"
            yield {"equations": equation.number, "why": why}
