"""In which order the checks are made: the cheapest first, and what is timed by itself."""

from dataclasses import dataclass

from bloomery.core.evidence import Check
from bloomery.optimize.validating.checks.covering import covered
from bloomery.optimize.validating.checks.existing import everything, touched
from bloomery.optimize.validating.checks.faulting import faults
from bloomery.optimize.validating.checks.flow import flow
from bloomery.optimize.validating.checks.generating import generated
from bloomery.optimize.validating.checks.linting import security, style
from bloomery.optimize.validating.checks.meaning import meaning
from bloomery.optimize.validating.checks.performance import performance
from bloomery.optimize.validating.checks.text import clean, judges, syntax
from bloomery.optimize.validating.checks.types import types
from bloomery.optimize.validating.levels import (
    ALL,
    CLEAN,
    COVERED,
    EQUIVALENCE,
    FASTER,
    FAULTS,
    FIXED,
    FLOW,
    GENERATED,
    JUDGES,
    LARGER,
    SAFER,
    SECURITY,
    SLOWER,
    SMALLER,
    STURDIER,
    STYLE,
    SYNTAX,
    TOUCHED,
    TYPES,
)
from bloomery.optimize.validating.site import Examine


@dataclass(frozen=True)
class Examination:
    """One piece of work that answers some checks; `keeps`: whether its answers are kept by content."""

    examine: Examine
    checks: tuple[Check, ...]
    keeps: bool = True


# Each wave is made at once and whole, so that what is skipped does not depend on a clock.
WAVES: tuple[tuple[Examination, ...], ...] = (
    (Examination(judges, (JUDGES,), keeps=False), Examination(syntax, (SYNTAX,), keeps=False)),
    (
        Examination(clean, (CLEAN,), keeps=False),
        Examination(style, (STYLE,)),
        Examination(security, (SECURITY, SAFER)),
    ),
    (Examination(touched, (TOUCHED,)), Examination(types, (TYPES,))),
    (Examination(meaning, EQUIVALENCE),),
    (Examination(everything, (ALL, FIXED)), Examination(covered, (COVERED,))),
    (Examination(generated, (GENERATED,)), Examination(flow, (FLOW,))),
    (Examination(faults, (FAULTS, STURDIER)),),
    (Examination(performance, (SLOWER, LARGER, FASTER, SMALLER), keeps=False),),  # decided by a clock
)
