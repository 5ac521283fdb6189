"""What may go wrong, from what the contexts leave unclear, and what to do then."""

import re
from collections.abc import Iterator
from typing import Literal

from bloomery.papers.context import Context
from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Contingency, Finding, Risk

UNSTATED = re.compile(r"(?:not|un)[ -]?(?:stated|specified|given|reported)\b.*|\?+|", re.IGNORECASE)
WEIGHT = {"High": 0, "Medium": 1, "Low": 2}


def risks_of(design: Design, findings: tuple[Finding, ...]) -> tuple[Risk, ...]:
    """By impact, and within one in the order of papers."""
    planned = {part.id: part for part in design.parts}
    found: list[Risk] = []
    for paper, context in design.contexts.items():
        core = {name for name, part in planned.items() if part.paper == paper and part.priority == "P0"}
        found += _equations(context, set(planned), core)
        found += _questions(context)
        found += _settings(design, context)
        found += _broken(paper, findings)
    found += _usual(design)
    return tuple(sorted(found, key=lambda risk: WEIGHT[risk.impact]))


def _equations(context: Context, planned: set[str], core: set[str]) -> Iterator[Risk]:
    proposed = []
    for equation in context.equations:
        name = context.global_id(equation.number)
        if name not in planned:
            continue
        impact: Literal["High", "Medium"] = "High" if name in core else "Medium"
        if len(equation.readings) > 1:
            readings = " or ".join(f"`{one.name}`" for one in equation.readings)
            chosen = next((one.name for one in equation.readings if one.chosen), "")
            then = f"record why `{chosen}` is chosen" if chosen else "record the choice, which is still open"
            yield Risk(
                risk=f"{name} can be read in {len(equation.readings)} ways: {readings}",
                impact=impact,
                mitigation=f"Write and test each reading; {then}",
                parts=(name,),
            )
        for reason in equation.uncertain:
            yield Risk(
                risk=f"{name} is uncertain: {reason}",
                impact=impact,
                mitigation="Look at the printed page; write down the interpretation; test its limiting cases",
                parts=(name,),
            )
        if equation.proposed:
            proposed.append(name)
    if proposed:
        yield Risk(
            risk=f"{context.paper_id}: a language model filled fields of {len(proposed)} equations",
            impact="Medium",
            mitigation="Confirm each field against the paper before its test is written",
            parts=tuple(proposed),
        )


def _questions(context: Context) -> Iterator[Risk]:
    paper = context.paper_id
    for question in context.metadata.needs_clarification:
        yield Risk(
            risk=f"{paper} leaves open: {question}",
            impact="Medium",
            mitigation="Settle it before the code that depends on it; keep the answer in the context",
        )
    if context.metadata.confidence == "low":
        yield Risk(
            risk=f"{paper} was read with low confidence",
            impact="High",
            mitigation="Compare the context with the paper, equation by equation, before phase 2",
        )
    for note in context.notes:
        if note.kind != "opportunity":
            gotcha = note.kind == "gotcha"
            yield Risk(
                risk=f"{paper}: {note.text}",
                impact="Medium" if gotcha else "Low",
                mitigation="Cover it by a test" if gotcha else "State the limit in README.md",
            )


def _settings(design: Design, context: Context) -> Iterator[Risk]:
    missing = [one.name for one in context.hyperparameters if UNSTATED.fullmatch(one.value)]
    if missing and design.has("training"):
        yield Risk(
            risk=f"{context.paper_id} states no value for {', '.join(missing)}",
            impact="Medium",
            mitigation="Choose on validation data, and say in the config that the value is ours",
        )
    claims = [claim for claim in design.claims if claim.paper == context.paper_id]
    if unsourced := sum(not claim.source for claim in claims):
        yield Risk(
            risk=f"{context.paper_id}: {unsourced} of {len(claims)} claims name no table",
            impact="Medium",
            mitigation="Find the table and the conditions; until then the claim is not compared",
        )


def _broken(paper: str, findings: tuple[Finding, ...]) -> Iterator[Risk]:
    own = [one for one in findings if one.owner.split(":")[0] == paper]
    absent = tuple(one.owner for one in own if one.code in ("dangling", "paper-unknown"))
    if absent:
        yield Risk(
            risk=f"{paper} stands on {len(absent)} things that no context describes",
            impact="High",
            mitigation="Add what is missing to the contexts (see section 8) before its level begins",
            parts=tuple(dict.fromkeys(absent)),
        )


def _usual(design: Design) -> Iterator[Risk]:
    if design.has("training"):
        yield Risk(
            risk="Training diverges",
            impact="Medium",
            mitigation="Begin with the papers' own settings; watch gradient norms; warm up",
        )
        yield Risk(
            risk="Memory does not suffice at the papers' sizes",
            impact="Medium",
            mitigation="Begin with the small configuration; recompute activations; accumulate gradients",
        )
    if design.claims:
        yield Risk(
            risk="A data set of a claim cannot be had",
            impact="Low",
            mitigation="Fetch and checksum data first; without it the claim stays not run",
        )


UNCLEAR = Contingency(
    when="If the meaning of an equation stays unclear",
    steps=(
        "Look in the appendix, and in later versions of the paper",
        "Look how related papers of this plan write the same thing",
        "Write the interpretation into the context, with its reason",
        "Implement and test each reading, and let the limiting cases decide",
    ),
)
DIVERGES = Contingency(
    when="If training does not converge",
    steps=(
        "Check forward and backward against the equation tests, in float64",
        "Try a tenth of the learning rate",
        "Look at the gradient norms of each level, from level 0 up",
        "Compare intermediate values with the paper's, where it prints any",
    ),
)
MISSED = Contingency(
    when="If a claimed number is missed",
    steps=(
        "Compare data, tokenizer, sizes and steps with the conditions of the claim",
        "Repeat with other seeds, and report the interval",
        "Look for settings that the paper does not state, and vary those",
        "Report the claim as not reproduced, with the distance",
    ),
)
UNTESTABLE = Contingency(
    when="If no independent oracle can be found for an equation",
    steps=(
        "Ask its context for a limiting case",
        "Write it as slow loops in float64, from the paper and not from the code",
        "Leave it marked as untested: it then counts as not done",
    ),
)


def contingencies_of(design: Design) -> tuple[Contingency, ...]:
    found = [UNCLEAR, UNTESTABLE]
    if design.has("training"):
        found.append(DIVERGES)
    if design.claims:
        found.append(MISSED)
    return tuple(found)
