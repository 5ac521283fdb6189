"""The ways in which agents look for a better version. A new method adds one line to METHODS."""

from pkgutil import resolve_name

from bloomery.core.errors import UnknownName
from bloomery.optimize.methods.method import Bench, Judged, Method

METHODS: dict[str, str] = {
    "test-driven": "bloomery.optimize.methods.test_driven:TestDriven",
    "adversarial": "bloomery.optimize.methods.adversarial:Adversarial",
    "actor-critic": "bloomery.optimize.methods.actor_critic:ActorCritic",
    "chaos": "bloomery.optimize.methods.chaos:Chaos",
}


def method(name: str) -> Method:
    """Raises: UnknownName."""
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    made: Method = resolve_name(METHODS[name])()
    return made


__all__ = ["METHODS", "Bench", "Judged", "Method", "method"]
