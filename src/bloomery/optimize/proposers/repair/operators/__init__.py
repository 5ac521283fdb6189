"""The ladder of operators: each makes changes of one place, in classes from the cheap to the dear."""

from collections.abc import Callable, Iterator

from bloomery.optimize.proposers.repair.operators import (
    bounding,
    guarding,
    rearranging,
    replacing,
    statements,
    synthesis,
    tokens,
    wrapping,
)
from bloomery.optimize.proposers.repair.operators.tokens import Made
from bloomery.optimize.proposers.repair.scope import Scope
from bloomery.optimize.proposers.repair.sites import Site

Operator = Callable[[Site, Scope], Iterator[Made]]

LADDER: tuple[tuple[Operator, ...], ...] = (
    (
        tokens.comparison,
        tokens.arithmetic,
        tokens.and_or,
        tokens.number,
        tokens.truth,
        tokens.twin,
        tokens.negated,
        tokens.leaving,
    ),
    (
        replacing.one_off,
        replacing.range_from,
        replacing.variable,
        replacing.attribute_name,
        replacing.index_of_target,
        replacing.callee,
        rearranging.swapped,
        rearranging.regrouped,
        rearranging.dropped,
        rearranging.accumulated,
        tokens.signed,
        tokens.scaled,
        statements.if_elif,
        statements.used,
    ),
    (
        guarding.guarded,
        guarding.condition,
        bounding.clamped,
        wrapping.sliced,
        bounding.joined,
        bounding.modulus,
        wrapping.wrapped,
        wrapping.nested,
        wrapping.decided,
        wrapping.worded,
        wrapping.ingredient,
        statements.removed,
        statements.reordered,
        statements.outdented,
        statements.inserted,
    ),
    (statements.exits, synthesis.computed, synthesis.looked_up, synthesis.compared, synthesis.chosen),
)
FOR_DATA: tuple[tuple[Operator, ...], ...] = (
    (tokens.number, tokens.truth, tokens.arithmetic),
    (tokens.scaled, rearranging.swapped, rearranging.dropped),
    (wrapping.worded,),
)
