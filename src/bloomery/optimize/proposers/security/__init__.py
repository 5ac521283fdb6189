"""Safer forms of what bandit objects to: edits with checked conditions, which validation then judges."""

from collections.abc import Callable, Iterator, Mapping

from bloomery.optimize.proposers.robustness.source import Source
from bloomery.optimize.proposers.security.archives import filtered
from bloomery.optimize.proposers.security.asserts import raised
from bloomery.optimize.proposers.security.certificates import unverified, verified
from bloomery.optimize.proposers.security.evaluating import literal
from bloomery.optimize.proposers.security.files import made
from bloomery.optimize.proposers.security.fix import Fix
from bloomery.optimize.proposers.security.hashes import checksums
from bloomery.optimize.proposers.security.loading import loaded, weights
from bloomery.optimize.proposers.security.randomness import drawn
from bloomery.optimize.proposers.security.shells import listed
from bloomery.optimize.proposers.security.statements import bound
from bloomery.optimize.proposers.security.swallowing import narrowed
from bloomery.optimize.proposers.security.waiting import timed
from bloomery.optimize.proposers.security.xml import defused

FIXES: Mapping[str, Callable[[Source], Iterator[Fix]]] = {
    "yaml safe_load": loaded,
    "weights only": weights,
    "no shell": listed,
    "values bound": bound,
    "literal_eval": literal,
    "certificates verified": verified,
    "default context": unverified,
    "archive filter": filtered,
    "file made at once": made,
    "defused xml": defused,
    "request timeout": timed,
    "secrets for tokens": drawn,
    "checksum stated": checksums,
    "raise for assert": raised,
    "narrower handler": narrowed,
}
"""A new one adds one line. Pickle, exec and keys in the text are only reported: no other form is the same."""
