"""Three papers of our own that stand on each other: a spring, a river, a delta."""

import pytest

from bloomery.papers.context import (
    Algorithm,
    Architecture,
    Benchmarks,
    Context,
    Equation,
    Hyperparameter,
    Metadata,
    Module,
    Note,
    PriorWork,
    Reading,
    Reference,
    Requirement,
    Result,
    Step,
)


def eq(number: str, paper: str = "") -> Reference:
    return Reference("equation", number, paper)


def run(number: str) -> Reference:
    return Reference("algorithm", number)


def spring() -> Context:
    return Context(
        "spring",
        title="Spring",
        full_title="Spring: A Memory That Fills",
        arxiv="0000.00011",
        extraction_date="2025-01-02",
        equations=(
            Equation(
                "3",
                "Fill",
                latex="m_t = m_{t-1} + k_t v_t",
                used_by=(eq("5"), run("1"), eq("1", "river")),
                uncertain=("the index of v is hard to read",),
            ),
            Equation("5", "Leak", latex="l_t = a m_t", requires=(eq("3"),), used_by=(run("1"),)),
            Equation("7", "Level", latex="h = \\sum_t m_t", requires=(eq("3"),)),
            Equation("9a", "Aside", latex="z = 0", aliases=("A.1",)),
        ),
        algorithms=(
            Algorithm(
                "1",
                "Flow",
                pseudocode="1: m <- fill // [Eq 3]\n2: l <- leak // [Eq 5]",
                lines=(Step("1", "fill", "Eq 3", "Basin.fill"), Step("2", "leak", "Eq 5", "Basin.leak")),
            ),
        ),
        architecture=Architecture(modules=(Module("Basin", "3", "[B, S, D]", "[B, S, D]"),)),
        hyperparameters=(Hyperparameter("Training", "warm-up", value="not stated"),),
        benchmarks=Benchmarks(results=(Result("Puddles", "PPL", "down", value="12.5", source="Table 1"),)),
        notes=(Note("gotcha", "time runs from one"),),
        metadata=Metadata(needs_clarification=("whether a is learned",)),
    )


def river() -> Context:
    return Context(
        "river",
        title="River",
        extraction_date="2025-03-04",
        equations=(
            Equation(
                "1",
                "Bend",
                latex="b = m",
                requires=(eq("3", "spring"),),
                used_by=(eq("2"),),
                readings=(Reading("left", "b = m", chosen=True), Reading("right", "b = -m")),
            ),
            Equation("2", "Branch", latex="c = b", requires=(eq("1"),), used_by=(eq("4", "delta"),)),
            Equation("3", "Bank", latex="d = b", requires=(eq("1"),)),
        ),
        prior_work=PriorWork(requirements=(Requirement("SPRING", "the fill"),)),
    )


def delta() -> Context:
    return Context(
        "delta",
        title="Delta",
        extraction_date="2025-02-03",
        equations=(Equation("4", "Mouth", latex="o = c", requires=(eq("2", "river"),)),),
        benchmarks=Benchmarks(
            results=(
                Result("Puddles", "PPL", "down", value="9.5", source="Table 2"),
                Result("Ponds", "Acc", "up", value="71.0"),
            )
        ),
    )


@pytest.fixture
def papers() -> list[Context]:
    return [spring(), river(), delta()]
