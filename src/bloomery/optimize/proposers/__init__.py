"""Who makes proposals. A new proposer adds one line to PROPOSERS: its name, and where it is made."""

from pkgutil import resolve_name

from bloomery.core.errors import UnknownName
from bloomery.optimize.proposal import Proposer

PROPOSERS: dict[str, str] = {
    "rewrites": "bloomery.optimize.proposers.rewriting:rewrites",
    "substitutions": "bloomery.optimize.proposers.rewriting:substitutions",
    "catalogue": "bloomery.optimize.proposers.rewriting:catalogue",
    "language models": "bloomery.optimize.proposers.models:language_models",
    "tuning": "bloomery.optimize.proposers.tuning:TuningProposer",
    "repair": "bloomery.optimize.proposers.repair:RepairSearch",
    "robustness": "bloomery.optimize.proposers.robustness:Mender",
    "security": "bloomery.optimize.proposers.security.proposing:Safer",
    "test generation": "bloomery.optimize.proposers.testing:TestWriter",
}


def proposer(name: str) -> Proposer:
    """Raises: UnknownName."""
    if name not in PROPOSERS:
        raise UnknownName("proposer", name, PROPOSERS)
    made: Proposer = resolve_name(PROPOSERS[name])()
    return made
