"""What was verified, for a terminal and for a paper's folder."""

from collections.abc import Iterable, Sequence
from typing import Literal

from bloomery.papers.verifying.claims import ClaimReport, PointReport
from bloomery.papers.verifying.verified import (
    VERIFIED,
    EquationReport,
    PaperReport,
    Verified,
)

Row = Sequence[object]
EQUATION_HEADS = ("equation", "status", "tests", "changes noticed", "")
CLAIM_HEADS = ("claim", "says", "measured", "deviation", "", "")
POINT_HEADS = ("At", "Paper", "Measured", "Range", "")


def render(verified: Verified, form: Literal["terminal", "markdown"] = "terminal") -> str:
    """The report: per paper its equations and claims, then what was found and what is missing."""
    markdown = form == "markdown"
    parts: list[str] = []
    for paper in verified.papers:
        parts.append(f"## {paper.id}: {paper.title}" if markdown else f"{paper.id}: {paper.title}")
        if paper.equations:
            rows = [_row(one) for one in paper.equations]
            parts.append(table(EQUATION_HEADS, rows, markdown))
        if paper.claims:
            said = [_claim_row(one) for one in paper.claims]
            parts.append(table(CLAIM_HEADS, said, markdown))
    for title, found in (("bad input", verified.bad_input), ("findings", verified.findings)):
        if found:
            listed = [f"- {one}" if markdown else str(one) for one in found]
            parts.append("\n".join([f"## {title}\n" if markdown else f"{title}:", *listed]))
    return "\n\n".join([*parts, summary(verified)]) + "\n"


def render_claims(claims: Iterable[ClaimReport]) -> str:
    """What `paper bench` measured, for a terminal."""
    claims = tuple(claims)
    several = len({one.paper for one in claims}) > 1
    rows = [(one.id if several else one.name, *_claim_row(one)[1:]) for one in claims]
    return table(CLAIM_HEADS, rows, False) + "\n"


def summary(verified: Verified) -> str:
    """What it comes to, in two lines."""
    equations = verified.equations
    by_status = [f"{count} {status}" for status, count in _counted(equations).items()]
    good = sum(one.status in VERIFIED for one in equations)
    asked = sum(one.status != "out of scope" for one in equations)
    papers = [one for one in verified.claims if one.claim.scale == "paper"]
    ours = [one for one in verified.claims if one.claim.scale == "ours"]
    met = sum(one.within for one in ours)
    at_ours = f", {met} of {len(ours)} yardsticks met at our scale" if ours else ""
    unmutated = "" if verified.mutated else "; nothing was mutated"
    ended = f"; the tests ended early: {verified.ended}" if verified.ended else ""
    said = f"{good} of {asked} equations verified ({', '.join(by_status) or 'none'}){unmutated}{ended}"
    claims = f"{sum(one.reproduced for one in papers)} of {len(papers)} claims reproduced{at_ours}"
    left = f"{len(verified.gaps)} gaps, {len(verified.bad_input)} files that cannot be read"
    return f"{said}\n{claims}; {left}"


def results_page(paper: str, claims: Iterable[ClaimReport]) -> str:
    """RESULTS.md: what the paper says, what was measured here, with what."""
    claims = tuple(claims)
    heads = ("Claim", "Paper", "Measured", "Range", "Deviation", "", "Scale", "Source", "Conditions")
    parts = [
        f"# Results of {paper}",
        "Rendered from RESULTS.json and paper.yaml by `bloomery paper bench`. match: within 1 %, close: 3 %, "
        "stretch: 5 %, success: 10 %; better: beyond 1 % on the good side. Where the scale is ours, model, "
        "data or task are other than the paper's: its number is a yardstick there, and better is no better "
        "result.",
        table(heads, [_result_row(one) for one in claims], True) if claims else "It claims no number.",
    ]
    for one in claims:
        if one.points:
            parts.append(f"## {one.name}, point by point")
            parts.append(table(POINT_HEADS, [_point_row(point) for point in one.points], True))
    measured = [one for one in claims if one.result is not None and one.result.state == "measured"]
    if measured:
        parts.append("## How it was measured")
        parts.append("\n".join(_how(one) for one in measured))
    return "\n\n".join(parts) + "\n"


def _counted(equations: Iterable[EquationReport]) -> dict[str, int]:
    return PaperReport("", "", tuple(equations)).counts()


def _row(one: EquationReport) -> Row:
    noticed = ", ".join(f"{m.kind} {m.killed}/{m.tried}" for m in one.mutants)
    passed = sum(test.outcome == "passed" for test in one.tests)
    tests = f"{passed}/{len(one.tests)}" if one.tests else ""
    shown = "" if one.status == "mutation-tested" else one.reason
    return f"{one.number} {one.name}".strip(), one.status, tests, noticed, shown


def _claim_row(one: ClaimReport) -> tuple[str, ...]:
    return one.name, claimed(one), number(one.measured), _percent(one.deviation), one.state, one.reason


def _result_row(one: ClaimReport) -> Row:
    claim, result = one.claim, one.result
    said = one.reason if one.band == "not run" else ""
    return (
        f"{one.name}: {claim.metric} ({claim.direction} is better)",
        claimed(one),
        number(one.measured),
        _span(None if result is None else result.interval),
        _percent(one.deviation),
        f"{one.band}: {said}" if said else one.band,
        claim.scale,
        claim.source,
        claim.conditions,
    )


def _point_row(one: PointReport) -> Row:
    return number(one.at), number(one.claimed), number(one.measured), _span(one.interval), one.band


def _span(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else " to ".join(map(number, interval))


def _how(one: ClaimReport) -> str:
    result = one.result
    assert result is not None
    where = ", ".join(f"{name} {value}" for name, value in result.environment.items())
    seeds = f"seeds {', '.join(map(str, result.seeds))}" if result.seeds else "no seed"
    took = f"{result.duration_s:.0f} s"
    return f"- {one.name}: `{result.command}`, {seeds}, {took}, commit {result.commit}; {where}"


def claimed(one: ClaimReport) -> str:
    if one.claim.value is None:
        count = len(one.claim.curve)
        return f"a curve of {count} point{'s' * (count > 1)}"
    return f"{number(one.claim.value)} {one.claim.unit}".strip()


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"


def cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def table(heads: Row, rows: Sequence[Row], markdown: bool) -> str:
    if markdown:
        lines = [heads, ["---"] * len(heads), *rows]
        return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)
    texts = [[" ".join(str(cell).split()) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(heads))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
