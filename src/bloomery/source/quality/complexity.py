"""How many paths functions have."""

from collections.abc import Sequence
from statistics import mean

from bloomery.source.languages.complexity import complexities
from bloomery.source.languages.parsing import Source
from bloomery.source.quality.metric import Finding, Metric

MOST_PATHS = 10  # the bound that McCabe (1976) found reasonable


def measure(sources: Sequence[Source]) -> Metric:
    known = [(source, one) for source in sources for one in complexities(source)]
    numbers = [one.cyclomatic for _, one in known]
    above = [(source, one) for source, one in known if one.cyclomatic > MOST_PATHS]
    return Metric(
        name="complexity",
        definition="McCabe's cyclomatic complexity (1 + decisions), mean over functions; see "
        f"source.languages.complexity for what decides. Objects to functions above {MOST_PATHS}.",
        unit="paths a function",
        better="lower",
        value=mean(numbers) if numbers else None,
        counts={
            "functions": len(known),
            "greatest": max(numbers, default=0),
            "greatest_extended": max((one.extended for _, one in known), default=0),
            "above": len(above),
        },
        findings=tuple(
            Finding(source.path, one.symbol.line, f"{one.symbol.name} has {one.cyclomatic} paths")
            for source, one in above
        ),
        why_none="" if known else "no function with a name",
    )
