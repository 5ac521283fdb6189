"""A language model behind the papers' door: it fills what a person would write about an equation."""

from dataclasses import dataclass

from bloomery.agents.errors import BudgetSpent, NoAnswer, NoModel
from bloomery.agents.prompting import prompt
from bloomery.agents.questions import Ask
from bloomery.papers.context import Variable
from bloomery.papers.reading.proposing import Proposal, ProposalRefused, Question


@dataclass(frozen=True)
class ModelFiller:
    """Answers a question about an equation by asking. Raises: ProposalRefused."""

    ask: Ask

    def __call__(self, question: Question) -> Proposal:
        from bloomery.agents.answers import PaperFields

        known = "\n".join(f"{one.symbol}: {one.description or one.name}" for one in question.known)
        asked = prompt("paper_fields").fill(
            paper=question.paper, abstract=question.abstract, section=question.section,
            number=question.number, latex=question.latex, before=question.before, after=question.after,
            known=known or "none",
        )  # fmt: skip
        try:
            fields = self.ask(asked, PaperFields).value
        except (NoModel, BudgetSpent, NoAnswer) as error:
            raise ProposalRefused(str(error)) from error
        return Proposal(
            plain_english=fields.plain_english,
            variables=tuple(
                Variable(one.symbol, description=one.description, shape=one.shape or "-")
                for one in fields.variables
            ),
            criteria=tuple(fields.criteria),
        )
