"""What models answer with: forms by pydantic, so that an answer out of form is never taken for one."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]
Grade = Annotated[float, Field(ge=0.0, le=1.0)]


class Answered(BaseModel):
    """No field is made up for a model that left it out, and none that we did not ask for is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(Answered):
    """A function as it should be: prompts `optimise`, `rival`, `actor`, `chaos`."""

    source: Text = Field(description="The whole function, from its first decorator or 'def' to its last line")
    imports: list[Text] = Field([], description="Import statements that it needs and the file does not have")
    idea: Text = Field(description="What was changed, in at most ten words")
    why: Text = Field(description="Why that is better, and why nothing else changes")


class WrittenTest(Answered):
    """One pytest function."""

    name: Annotated[str, Field(pattern=r"^test_\w+$")] = Field(description="Its name: what it claims")
    source: Text = Field(description="The whole test function")


class WrittenTests(Answered):
    """Prompt `write_tests`."""

    imports: list[Text] = Field([], description="Import statements that the tests need")
    tests: Annotated[list[WrittenTest], Field(min_length=1)]


class Finding(Answered):
    """A place where something could be better."""

    line: Annotated[int, Field(ge=1)] = Field(description="Line of the shown source, counted from 1")
    kind: Literal["bug", "speed", "memory", "robustness", "security", "readability"]
    claim: Text = Field(description="What is wrong there, so that it can be checked")
    suggestion: Text = Field(description="What to do about it")


class Analysis(Answered):
    """Prompt `analyse`; none found is an answer, too."""

    findings: list[Finding]


class Critique(Answered):
    """A forecast for a change before it is measured: prompt `critic`."""

    correct: Grade = Field(description="Probability that it behaves like the original in every case")
    speedup: Annotated[float, Field(gt=0.0)] = Field(description="Forecast of old time divided by new time")
    readability: Grade = Field(description="How readable it is")
    doubts: list[Text] = Field(description="Inputs on which it could behave differently")


class Explained(Answered):
    """A symbol of an equation."""

    symbol: Text = Field(description="As the equation writes it, in TeX")
    description: Text
    shape: str = Field("", description="Its shape, if the text tells it")


class PaperFields(Answered):
    """What a person would add to an equation; an empty field proposes nothing: prompt `paper_fields`."""

    plain_english: str = Field("", description="One sentence that says what the equation does")
    variables: list[Explained] = []
    criteria: list[Text] = Field([], description="Facts that a right implementation satisfies, each testable")


class Problem(Answered):
    """A problem of a task and its one right answer."""

    prompt: Text
    answer: Text


class Problems(Answered):
    """Prompt `problems`."""

    problems: Annotated[list[Problem], Field(min_length=1)]
