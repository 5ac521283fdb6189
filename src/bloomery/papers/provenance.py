"""What a language model proposed stays marked until somebody, or a check, confirms it."""

from dataclasses import replace

from bloomery.core.errors import UnknownName, UserError
from bloomery.papers.context import PROPOSABLE, Context


def confirm(context: Context, equation: str, field: str) -> Context:
    """The context in which a proposed field of an equation counts as confirmed.

    Raises: UnknownName for an equation or field, UserError for a field that is not proposed.
    """
    found = context.equation(equation)
    if found is None:
        raise UnknownName(
            f"equation of {context.paper_id}", equation, (one.number for one in context.equations)
        )
    if field not in PROPOSABLE:
        raise UnknownName("field of an equation", field, PROPOSABLE)
    if field not in found.proposed:
        proposed = ", ".join(found.proposed) or "none"
        where = context.global_id(found.number)
        raise UserError(
            f"{field} of {where} is not proposed, so there is nothing to confirm; proposed: {proposed}"
        )
    confirmed = replace(found, proposed=tuple(name for name in found.proposed if name != field))
    return replace(context, equations=tuple(confirmed if one is found else one for one in context.equations))
